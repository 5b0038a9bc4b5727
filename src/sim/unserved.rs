//! The platform without ports: it answers inside the process, and its time passes only when it is told.
//!
//! What listens, encrypts and runs by itself in [`open`](super::open) is left out; the rest is the same.

use std::convert::Infallible;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use tokio_util::sync::{CancellationToken, DropGuard};
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt};

use super::SimError;
use super::kubernetes::access::Tokens;
use super::kubernetes::server::{ApiServer, router};
use super::observability::Observability;
use super::programs::Programs;
use super::serve;
use super::world::World;

/// Answers one request at a time; clones share the platform.
pub type Api = BoxCloneSyncService<Request<Full<Bytes>>, Response, Infallible>;

/// The platform, its history played.
pub struct Unserved {
    pub world: World,
    observability: Observability,
    api: Api,
    /// Ends the watches that are open.
    _stop: DropGuard,
}

impl Unserved {
    /// A world that was played up to its launch, with its servers. The same world and writes give the same answers; who has the
    /// tokens of `seed` is known.
    pub fn of(world: World, seed: u64) -> Result<Self, SimError> {
        let (store, clock, now) = (world.store().clone(), world.clock().clone(), world.clock().now());
        let observability = Observability::new(world.tsdb().clone(), world.logs().clone(), clock.for_store())?;
        observability.catch_up(now);
        store.compact();
        let (stop, tokens) = (CancellationToken::new(), Tokens::from_seed(seed));
        let bearer = HeaderValue::try_from(format!("Bearer {}", tokens.on_call)).ok();
        let programs = Programs::new(store.clone(), world.inside());
        let server = ApiServer { store, tokens, backends: observability.routers().backends(), programs, stop: stop.clone() };
        let api = serve::dating(router(server), clock.for_store()).into_service::<Body>().map_request(move |request: Request<Full<Bytes>>| {
            let mut request = request.map(Body::new);
            if let Some(bearer) = &bearer {
                request.headers_mut().insert(header::AUTHORIZATION, bearer.clone());
            }
            request
        });
        Ok(Self { world, observability, api: BoxCloneSyncService::new(api), _stop: stop.drop_guard() })
    }

    /// Plays everything up to `now`, and evaluates the rules where that is due.
    pub fn step(&mut self, now: DateTime<Utc>) {
        self.world.step(now);
        self.observability.evaluate(now);
    }

    /// The API server as the operator on call is answered by it; the other servers are behind its service proxy.
    pub fn api(&self) -> impl Service<Request<Full<Bytes>>, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static {
        self.api.clone()
    }
}
