//! The rights that `sev1 rbac` prints are enough, and none of them is too many: as users who have nothing but these, and as users
//! who have all of them but one.

mod least;
mod rule;
mod stage;
mod suffices;
mod used;

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use libtest_mimic::{Failed, Trial};

use super::{trials::Trials, world::Kind};

/// Runs of sev1 at the same time.
const AT_ONCE: usize = 4;

/// In both worlds.
pub fn trials(kind: &Kind) -> Trials {
    let trial = |name: &str, test: fn(Kind) -> Result<(), Failed>| {
        let kind = kind.clone();
        Trial::test(format!("{}::{name}", kind.name()), move || test(kind))
    };
    Trials {
        among_others: vec![trial("rights_are_none_too_many", least::none_too_many), trial("rights_of_a_viewer_are_used", used::by_a_viewer)],
        // Cluster DNS is everybody's.
        alone: vec![trial("rights_of_a_responder_are_enough", suffices::of_a_responder)],
    }
}

/// Does all of it, a few at a time; gathers what went wrong.
fn side_by_side<T: Send>(all: Vec<T>, each: impl Fn(T) -> Result<(), String> + Sync) -> Vec<String> {
    let (waiting, wrong) = (Mutex::new(VecDeque::from(all)), Mutex::new(Vec::new()));
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(one) = next() {
                    if let Err(why) = each(one) {
                        wrong.lock().unwrap_or_else(PoisonError::into_inner).push(why);
                    }
                }
            });
        }
    });
    wrong.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// One failure that names all.
fn unless_wrong(what: &str, mut wrong: Vec<String>) -> Result<(), Failed> {
    if wrong.is_empty() {
        return Ok(());
    }
    wrong.sort();
    Err(Failed::from(format!("{what}, {} times:\n{}", wrong.len(), wrong.join("\n"))))
}

/// Caught, so that what was set up is taken down.
fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Failed> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).map_err(|panic| {
        let why = panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|why| (*why).to_owned()));
        Failed::from(why.unwrap_or_else(|| "it failed without a word".to_owned()))
    })
}
