//! How much of what a server sends may be on its way at once: whoever would read more waits, and so does the server.
//!
//! A body takes from the budget as it grows and gives back when the last part of it is dropped, after it was decoded and handed on. When
//! nothing is left, one of those that wait may go on without; so all come to an end, one after the other, however they share the rest.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::ConnectError;
use crate::domain::text::Text;

/// Bytes of all bodies of one cluster that are read at the same time, decoded ones among them.
const IN_FLIGHT: usize = 24 << 20;
/// What any body may take without asking, in bytes: most answers are smaller.
const FREE: usize = 256 << 10;
/// What is taken at a time, in bytes.
const STEP: usize = 256 << 10;
/// What a body is counted for: itself, and what it is decoded to, which is twice as much at most.
const TIMES: usize = 3;

/// Most values of a document that is kept as it is, each some hundred bytes when it is decoded. A list of 500 pods has 200,000.
const VALUES: usize = 300_000;

/// Fails for a document of so many values that it would take a multiple of its own size. Texts with commas count for a little more.
pub(crate) fn checked(server: &Text, body: &[u8]) -> Result<(), ConnectError> {
    if body.len() <= VALUES || body.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count() <= VALUES {
        return Ok(());
    }
    Err(ConnectError::Server { server: server.clone(), status: 200, message: Text::line("its answer has more than 300,000 values: refused") })
}

/// What is left. Clones share it.
#[derive(Clone)]
pub(crate) struct Budget {
    steps: Arc<Semaphore>,
    /// For the one who goes on without.
    beyond: Arc<Semaphore>,
}

impl Budget {
    pub fn new() -> Self {
        Self::of(IN_FLIGHT)
    }

    fn of(bytes: usize) -> Self {
        Self { steps: Arc::new(Semaphore::new(bytes / STEP)), beyond: Arc::new(Semaphore::new(1)) }
    }

    /// For a body that is about to be read.
    pub fn share(&self) -> Share {
        Share { budget: self.clone(), taken: 0, held: Vec::new(), is_beyond: false }
    }
}

/// What one body has taken.
pub(crate) struct Share {
    budget: Budget,
    /// In steps.
    taken: usize,
    held: Vec<OwnedSemaphorePermit>,
    is_beyond: bool,
}

impl Share {
    /// Returns when there is room for so many bytes of the body. May be cancelled.
    pub async fn grow(&mut self, bytes: usize) {
        let wanted = if bytes <= FREE { 0 } else { (bytes * TIMES).div_ceil(STEP) };
        let more = wanted.saturating_sub(self.taken);
        if more == 0 || self.is_beyond {
            return;
        }
        let steps = u32::try_from(more).unwrap_or(u32::MAX);
        let steps_left = &self.budget.steps;
        let permit = tokio::select! {
            // In this order, so that only who finds nothing left goes on without.
            biased;
            Ok(permit) = steps_left.clone().acquire_many_owned(steps) => Some(permit),
            Ok(permit) = self.budget.beyond.clone().acquire_owned() => {
                self.held.push(permit);
                self.is_beyond = true;
                None
            }
            else => None,
        };
        if let Some(permit) = permit {
            self.taken = wanted;
            self.held.push(permit);
        }
    }

    /// Gives all of it back: what was read is gone.
    pub fn clear(&mut self) {
        *self = self.budget.share();
    }

    /// The body, which gives back what it took when its last part is dropped.
    pub fn of(self, body: Bytes) -> Bytes {
        struct Held {
            body: Bytes,
            _share: Share,
        }
        impl AsRef<[u8]> for Held {
            fn as_ref(&self) -> &[u8] {
                &self.body
            }
        }
        if self.held.is_empty() { body } else { Bytes::from_owner(Held { body, _share: self }) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn who_finds_nothing_left_waits_until_the_last_part_of_another_body_is_dropped() {
        let budget = Budget::of(TIMES << 20);
        let (mut first, mut beyond, mut third) = (budget.share(), budget.share(), budget.share());
        first.grow(1 << 20).await;
        beyond.grow(1 << 20).await;
        assert_eq!(third.grow(FREE).now_or_never(), Some(()), "small ones are free");
        assert_eq!(third.grow(1 << 20).now_or_never(), None);
        let body = first.of(Bytes::from(vec![0; 1 << 20]));
        let part = body.slice(..10);
        drop(body);
        assert_eq!(third.grow(1 << 20).now_or_never(), None, "a part of it is still there");
        drop(part);
        assert_eq!(third.grow(1 << 20).now_or_never(), Some(()));
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_that_share_the_rest_all_come_to_an_end() {
        let budget = Budget::of(8 << 20);
        let reading = (0..20).map(|_| {
            let mut share = budget.share();
            async move {
                for bytes in (0..16).map(|step| step << 20) {
                    share.grow(bytes).await;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        });
        tokio::time::timeout(Duration::from_secs(10), futures::future::join_all(reading)).await.unwrap();
        assert_eq!((budget.steps.available_permits(), budget.beyond.available_permits()), ((8 << 20) / STEP, 1));
    }
}
