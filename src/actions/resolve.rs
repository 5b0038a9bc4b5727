//! What became of a write that was not answered: found out by reading, never by sending it again.

use std::time::Duration;

use crate::domain::{
    mitigation::{Outcome, Write},
    text::Text,
};

use super::{engine::Core, expect::Standing, write};

/// Looks until it is known. `Failed` only once the server can no longer be working on the request; `Unknown` when the
/// object was changed by someone else meanwhile, or could not be read for too long.
pub async fn by_reading(core: &Core, write: &Write) -> Outcome {
    let pace = core.api.pace;
    let began = core.clock.now().mono;
    let mut waited = Duration::ZERO;
    loop {
        // A program that was stopped, or a clock that stands, must not cut the wait short or make it endless.
        let so_far = core.clock.speed().real(core.clock.now().mono.since(began)).max(waited);
        let unread = match write::look(&core.api, write).await {
            Ok(standing) => match standing {
                Standing::Done => return Outcome::Done,
                Standing::NotDone if so_far >= pace.not_done_after => {
                    return Outcome::Failed(Text::line(&format!("it was not done: {write} is as before, {} s later", so_far.as_secs())));
                }
                Standing::NotDone => None,
                Standing::Other(what) => return Outcome::Unknown(Text::line(&format!("cannot be told by reading: {what}"))),
            },
            Err(why) => Some(why),
        };
        if let Some(why) = unread
            && so_far >= pace.resolve_for
        {
            return Outcome::Unknown(Text::line(&format!(
                "{write} could not be read for {} s: {why}; look at it before you try again",
                so_far.as_secs()
            )));
        }
        tokio::time::sleep(pace.look_every).await;
        waited += pace.look_every;
    }
}
