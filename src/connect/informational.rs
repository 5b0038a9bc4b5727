//! Informational answers (1xx) before the answer proper: a few are read over, and one who sends them without end is hung up on. Each costs
//! the client work, none of them is the end of its wait.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use http::Request;
use tokio::sync::Notify;
use tower::{BoxError, Service};

/// More than any server or proxy sends: `100 Continue`, and hints while it works.
const MOST: usize = 100;

/// What sends requests, with that limit.
#[derive(Clone)]
pub(super) struct Few<S>(pub S);

impl<S, B> Service<Request<B>> for Few<S>
where
    S: Service<Request<B>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let too_many = Arc::new(Notify::new());
        let (seen, tell) = (AtomicUsize::new(0), Arc::clone(&too_many));
        hyper::ext::on_informational(&mut request, move |_| {
            if seen.fetch_add(1, Ordering::Relaxed) == MOST {
                tell.notify_one();
            }
        });
        let answer = self.0.call(request);
        Box::pin(async move {
            tokio::select! {
                answer = answer => answer.map_err(Into::into),
                () = too_many.notified() => Err("it sends informational answers (1xx) without end".into()),
            }
        })
    }
}
