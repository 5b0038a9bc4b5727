//! What containers wrote: a bounded ring of lines per container, kept beside the objects.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

const LINES_KEPT: usize = 2000;

/// One line of a container's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Counts up over all lines of all containers.
    pub number: u64,
    pub time: DateTime<Utc>,
    pub text: Arc<str>,
}

#[derive(Debug, Clone, Default)]
struct Output {
    current: VecDeque<LogLine>,
    /// Of the instance before the last restart.
    previous: Option<VecDeque<LogLine>>,
}

#[derive(Debug, Clone, Default)]
struct Inner {
    last_number: u64,
    outputs: HashMap<(String, String), HashMap<String, Output>>,
}

/// The output of all containers.
#[derive(Debug, Default)]
pub struct ContainerLogs {
    inner: Mutex<Inner>,
    latest: watch::Sender<u64>,
}

impl ContainerLogs {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A store of its own with the same lines.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self { inner: Mutex::new(self.lock().clone()), latest: watch::Sender::new(*self.latest.borrow()) }
    }

    /// A container wrote a line.
    pub fn append(&self, namespace: &str, pod: &str, container: &str, time: DateTime<Utc>, text: &str) {
        let number = {
            let mut inner = self.lock();
            inner.last_number += 1;
            let number = inner.last_number;
            let output = inner.output(namespace, pod, container);
            if output.current.len() >= LINES_KEPT {
                output.current.pop_front();
            }
            output.current.push_back(LogLine { number, time, text: text.into() });
            number
        };
        self.latest.send_replace(number);
    }

    /// A container was restarted: its lines are those of the previous instance now.
    pub fn restart(&self, namespace: &str, pod: &str, container: &str) {
        let mut inner = self.lock();
        let output = inner.output(namespace, pod, container);
        output.previous = Some(std::mem::take(&mut output.current));
    }

    /// The pod is gone.
    pub fn forget(&self, namespace: &str, pod: &str) {
        self.lock().outputs.remove(&(namespace.to_owned(), pod.to_owned()));
    }

    /// Lines after `number`, oldest first.
    pub fn since(&self, namespace: &str, pod: &str, container: &str, number: u64) -> Vec<LogLine> {
        let inner = self.lock();
        let output = inner.outputs.get(&(namespace.to_owned(), pod.to_owned())).and_then(|pod| pod.get(container));
        let lines = output.into_iter().flat_map(|output| &output.current);
        lines.filter(|line| line.number > number).cloned().collect()
    }

    /// Lines of the instance before the last restart; none when there was no restart.
    pub fn previous(&self, namespace: &str, pod: &str, container: &str) -> Option<Vec<LogLine>> {
        let inner = self.lock();
        let output = inner.outputs.get(&(namespace.to_owned(), pod.to_owned()))?.get(container)?;
        output.previous.as_ref().map(|lines| lines.iter().cloned().collect())
    }

    /// Wakes whenever a line was written.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.latest.subscribe()
    }
}

impl Inner {
    fn output(&mut self, namespace: &str, pod: &str, container: &str) -> &mut Output {
        let pod = self.outputs.entry((namespace.to_owned(), pod.to_owned())).or_default();
        pod.entry(container.to_owned()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_makes_lines_previous_and_the_ring_is_bounded() {
        let logs = ContainerLogs::default();
        let time = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        for n in 0..LINES_KEPT + 5 {
            logs.append("x", "p", "c", time, &n.to_string());
        }
        assert_eq!(logs.since("x", "p", "c", 0).len(), LINES_KEPT);
        assert_eq!(&*logs.since("x", "p", "c", 0)[0].text, "5");
        assert_eq!(logs.previous("x", "p", "c"), None);
        logs.restart("x", "p", "c");
        logs.append("x", "p", "c", time, "again");
        assert_eq!(logs.since("x", "p", "c", 0).len(), 1);
        assert_eq!(logs.previous("x", "p", "c").unwrap().len(), LINES_KEPT);
        logs.forget("x", "p");
        assert!(logs.since("x", "p", "c", 0).is_empty());
    }
}
