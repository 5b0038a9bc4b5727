//! A client whose kept connections are given up together.
//!
//! A gateway, a VPN or a NAT that restarts loses every connection without a word. What waits on one of them learns it by a
//! timeout; whoever asks next would get another of the dead ones from the pool, and wait as long again, one after the other.

use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// A client with a pool, and how another is made with none of its connections.
pub(crate) struct Kept<T> {
    now: Mutex<(Pool, T)>,
    again: Box<dyn Fn() -> Option<T> + Send + Sync>,
}

/// Which pool a request went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pool(u64);

impl<T: Clone> Kept<T> {
    /// `again` may fail where what it is made of is gone; then the old one stays.
    pub fn new(client: T, again: impl Fn() -> Option<T> + Send + Sync + 'static) -> Self {
        Self { now: Mutex::new((Pool(0), client)), again: Box::new(again) }
    }

    pub fn client(&self) -> (Pool, T) {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A request through `pool` had no answer. Of many that say so, the first counts. The pool of what is asked next.
    pub fn forget(&self, pool: Pool) -> Pool {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if now.0 == pool
            && let Some(client) = (self.again)()
        {
            *now = (Pool(pool.0 + 1), client);
        }
        now.0
    }
}

/// Tells the readers of streams that the connections of their time were given up: one on which nothing comes cannot be told
/// from one that was lost with the others. Holds the first pool whose streams were not told.
#[derive(Debug)]
pub(crate) struct GivingUp(watch::Sender<Pool>);

/// For one stream: from before it was asked for.
#[derive(Debug)]
pub struct GivenUp(watch::Receiver<Pool>);

impl GivingUp {
    pub fn new() -> Self {
        Self(watch::Sender::new(Pool(0)))
    }

    pub fn subscribe(&self) -> GivenUp {
        GivenUp(self.0.subscribe())
    }

    /// Tells all streams, when `silent` has some that were not told, to go on through `next`. A pool may be given up before,
    /// with its streams left as they are: then its number says nothing of them.
    pub fn all(&self, silent: Pool, next: Pool) {
        self.0.send_if_modified(|untold| {
            let is_news = silent >= *untold;
            if is_news {
                *untold = next;
            }
            is_news
        });
    }
}

impl GivenUp {
    /// Ends when the stream should be opened again, on a new connection. May be dropped and asked anew.
    pub async fn wait(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn of_many_that_had_no_answer_the_first_counts() {
        let made = AtomicUsize::new(0);
        let kept = Kept::new(0, move || Some(made.fetch_add(1, Ordering::Relaxed) + 1));
        let (pool, _) = kept.client();
        assert_eq!([kept.forget(pool), kept.forget(pool)], [Pool(1), Pool(1)]);
        assert_eq!(kept.client(), (Pool(1), 1));
    }

    #[test]
    fn streams_are_told_once_of_what_was_silent_before_they_went_on() {
        let giving_up = GivingUp::new();
        let mut stream = giving_up.subscribe();
        let mut is_told = |silent, next| {
            giving_up.all(Pool(silent), Pool(next));
            let is_told = stream.0.has_changed().unwrap();
            stream.0.mark_unchanged();
            is_told
        };
        // Pool 0 was given up already, by who said nothing to the streams.
        assert!(is_told(0, 1));
        assert!(!is_told(0, 1), "of many the first counts");
        assert!(is_told(2, 3));
        assert!(!is_told(1, 3), "the streams went on through the third");
    }

    #[test]
    fn what_cannot_be_made_again_stays() {
        let kept = Kept::new(0, || None);
        assert_eq!(kept.forget(kept.client().0), Pool(0));
        assert_eq!(kept.client(), (Pool(0), 0));
    }
}
