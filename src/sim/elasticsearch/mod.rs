//! The simulated Elasticsearch: searching and counting the log documents over its REST API.
//!
//! Shapes, messages and status codes are those of Elasticsearch 8.19 with dynamic mappings; each daily index has five shards.

mod aggregate;
mod aggregation;
mod api;
mod dates;
mod doc_values;
mod error;
mod fields;
mod filter;
mod indices;
mod query;
mod query_string;
mod search;
mod sort;
#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::http::{HeaderValue, header::HeaderName};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;
use chrono::{DateTime, Utc};

use super::log_store::LogStore;

/// The simulated time.
pub type Now = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Shards of each index; a document's shard follows from its place in the order of arrival.
pub const SHARDS_PER_INDEX: usize = 5;

/// How the server fails, for tests and scenarios.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failing {
    /// That many shards of each index do not answer, and their documents are missing; all of them make a 503.
    pub shards: usize,
    /// Every search is rejected with 429.
    pub overloaded: bool,
    /// Searches answer, but say that they ran out of time.
    pub timed_out: bool,
}

/// What the API answers from; clones share the store and the way it fails.
#[derive(Clone)]
pub struct Elasticsearch {
    store: LogStore,
    failing: Arc<RwLock<Failing>>,
    now: Now,
}

impl Elasticsearch {
    pub fn new(store: LogStore, now: Now) -> Self {
        Self { store, failing: Arc::default(), now }
    }

    /// From here on the server fails like this.
    pub fn fail(&self, how: Failing) {
        *self.failing.write().unwrap_or_else(PoisonError::into_inner) = how;
    }

    fn failing(&self) -> Failing {
        self.failing.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The REST API.
pub fn router(server: Elasticsearch) -> Router {
    Router::new()
        .route("/", get(api::root))
        .route("/_search", get(api::search_all).post(api::search_all))
        .route("/{index}/_search", get(api::search).post(api::search))
        .route("/_count", get(api::count_all).post(api::count_all))
        .route("/{index}/_count", get(api::count).post(api::count))
        .route("/_msearch", get(api::multi_search_all).post(api::multi_search_all))
        .route("/{index}/_msearch", get(api::multi_search).post(api::multi_search))
        .route("/_mapping", get(api::mapping_all))
        .route("/{index}/_mapping", get(api::mapping))
        .route("/_field_caps", get(api::field_caps_all).post(api::field_caps_all))
        .route("/{index}/_field_caps", get(api::field_caps).post(api::field_caps))
        .route("/_cat/indices", get(api::cat_indices_all))
        .route("/_cat/indices/{index}", get(api::cat_indices))
        .route("/_cluster/health", get(api::health))
        .fallback(api::no_handler)
        .layer(map_response(async |mut answer: Response| {
            answer.headers_mut().insert(HeaderName::from_static("x-elastic-product"), HeaderValue::from_static("Elasticsearch"));
            answer
        }))
        .with_state(server)
}
