//! What is played at the same time, and what alone.

use libtest_mimic::{Arguments, Trial};

/// Scenarios wait most of their time: more of them at once than there are processors.
const AT_ONCE: usize = 16;

#[derive(Default)]
pub struct Trials {
    pub among_others: Vec<Trial>,
    /// They change what others rest on, such as whether a server runs.
    pub alone: Vec<Trial>,
}

impl Trials {
    pub fn extend(&mut self, other: Self) {
        self.among_others.extend(other.among_others);
        self.alone.extend(other.alone);
    }

    /// First those that can share the servers, then the others one by one. Whether all passed.
    pub fn run(self, arguments: &Arguments) -> bool {
        let threads = |number| Arguments { test_threads: Some(number), ..arguments.clone() };
        let shared = libtest_mimic::run(&threads(arguments.test_threads.unwrap_or(AT_ONCE)), self.among_others);
        if self.alone.is_empty() {
            return !shared.has_failed();
        }
        let alone = libtest_mimic::run(&threads(1), self.alone);
        !shared.has_failed() && !alone.has_failed()
    }
}
