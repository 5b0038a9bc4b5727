//! Which seeds are played.

use std::{
    env,
    ops::Range,
    sync::{Mutex, Once},
};

/// Panics anywhere in the process, since the last look: of tasks too, whose panics end nobody else.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The seeds of one loop: `SEV1_HOSTILE_CASES` over `share`, at least one, from `SEV1_HOSTILE_SEED` on.
pub fn seeds(cases: u64, share: u64) -> Range<u64> {
    let number = |name: &str, default: u64| env::var(name).map_or(default, |text| text.parse().expect("a number"));
    let first = number("SEV1_HOSTILE_SEED", 1);
    let seeds = first..first + (number("SEV1_HOSTILE_CASES", cases) / share).max(1);
    println!("seeds {seeds:?}");
    seeds
}

/// Notes every panic, with its place, beside printing it.
pub fn note_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(panic.to_string());
            usual(panic);
        }));
    });
}

/// The panics since it was asked last.
pub fn panics() -> Vec<String> {
    std::mem::take(&mut *PANICS.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}
