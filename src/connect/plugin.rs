//! The kubeconfig's credential plugin: one run at a time, for all requests that wait for it.
//!
//! By the rules of client-go (`k8s.io/client-go/plugin/pkg/client/auth/exec`), but for two: a run that failed is not repeated at
//! once, and one that never ends is given up. Each run may be a login, a push to a telephone or a window of the browser.

mod answer;
mod child;
#[cfg(test)]
pub(crate) mod tests;

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use chrono::{DateTime, Utc};
use http::StatusCode;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tokio::sync::{Notify, watch};

use super::{ConnectError, credentials::Credential};
use crate::domain::{
    text::Text,
    time::{Clock, Mono},
};

/// After the first run in vain the next one waits so long; the wait doubles with each.
const FIRST_REST: Duration = Duration::from_secs(10);
const LONGEST_REST: Duration = Duration::from_mins(5);

/// What the kubeconfig says of it.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    /// A path, or a name to be found on `PATH`.
    pub command: String,
    pub args: Vec<String>,
    /// Besides our own environment.
    pub env: Vec<(String, String)>,
    /// Group and version of what it is told and what it answers.
    pub api_version: String,
    pub install_hint: Option<String>,
    pub asks: Asks,
    /// The cluster as the plugin is told of it; none where it did not ask for that.
    pub cluster: Option<Value>,
}

/// Whether it may ask the person at the terminal: the kubeconfig's `interactiveMode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    Never,
    IfAvailable,
    Always,
}

impl Spec {
    /// The command without its folder.
    fn name(&self) -> String {
        Path::new(&self.command).file_name().map_or_else(|| self.command.clone(), |name| name.to_string_lossy().into_owned())
    }
}

pub(crate) struct Plugin {
    spec: Spec,
    server: Text,
    clock: Arc<dyn Clock>,
    state: watch::Sender<State>,
    /// Whether the terminal may be lent to it: not while the cockpit draws there.
    lends_terminal: AtomicBool,
    /// Ends the run.
    end: Notify,
    /// The processes of the run, where they are a group of their own.
    group: Mutex<Option<Pid>>,
}

#[derive(Default)]
struct State {
    is_running: bool,
    began: Mono,
    /// The last line of its standard error while it runs: often what the person has to do.
    says: Option<Text>,
    /// How the last run ended.
    last: Option<Result<Given, Text>>,
    /// Runs in a row whose credential was not had or not taken.
    in_vain: u32,
    /// No other run before.
    rests_until: Mono,
}

/// A credential and how long it is good for.
pub(super) struct Given {
    pub credential: Arc<Credential>,
    pub expires: Option<DateTime<Utc>>,
    /// The API server did not take it.
    pub is_refused: bool,
}

impl State {
    fn needs_run(&self, now: crate::domain::time::Now) -> bool {
        let is_good = match &self.last {
            Some(Ok(given)) => !given.is_refused && given.expires.is_none_or(|expires| now.utc <= expires),
            Some(Err(_)) | None => false,
        };
        !is_good && !self.is_running && now.mono >= self.rests_until
    }

    fn rest(&mut self, now: Mono, clock: &dyn Clock) {
        let rest = FIRST_REST.saturating_mul(1 << self.in_vain.min(10)).min(LONGEST_REST);
        self.in_vain = self.in_vain.saturating_add(1);
        self.rests_until = now.plus(clock.speed().counted(rest));
    }
}

impl Plugin {
    pub fn new(spec: Spec, server: Text, clock: Arc<dyn Clock>) -> Self {
        Self {
            spec,
            server,
            clock,
            state: watch::Sender::new(State::default()),
            lends_terminal: AtomicBool::new(false),
            end: Notify::new(),
            group: Mutex::default(),
        }
    }

    /// Whether it asks on the terminal or not at all.
    pub fn must_ask(&self) -> bool {
        self.spec.asks == Asks::Always
    }

    pub fn lend_terminal(&self, lends: bool) {
        self.lends_terminal.store(lends, std::sync::atomic::Ordering::Relaxed);
    }

    /// The credential of the last run; runs it where there is none that is good. Whoever stops waiting leaves the run to the
    /// others, and to whoever asks next.
    pub async fn credential(self: &Arc<Self>) -> Result<Arc<Credential>, ConnectError> {
        let mut changes = self.state.subscribe();
        let now = self.clock.now();
        let begins = self.state.send_if_modified(|state| {
            let begins = state.needs_run(now);
            if begins {
                state.is_running = true;
                state.began = now.mono;
            }
            begins
        });
        if begins {
            tokio::spawn(self.clone().run());
        }
        let Ok(state) = changes.wait_for(|state| !state.is_running).await else {
            return Err(self.error(&format!("{} was not run to its end", self.title()), None));
        };
        match &state.last {
            Some(Ok(given)) => Ok(given.credential.clone()),
            Some(Err(why)) => {
                let again = self.clock.speed().real(state.rests_until.since(self.clock.now().mono));
                Err(self.error(why, Some(again)))
            }
            None => Err(self.error(&format!("{} was not run", self.title()), None)),
        }
    }

    /// What the API server said to a request with this credential. After a refusal the plugin is asked anew, by the next request.
    pub fn answered(&self, used: &Arc<Credential>, status: StatusCode) {
        let now = self.clock.now().mono;
        self.state.send_if_modified(|state| {
            let Some(Ok(given)) = &mut state.last else { return false };
            if given.is_refused || !Arc::ptr_eq(&given.credential, used) {
                return false;
            }
            given.is_refused = status == StatusCode::UNAUTHORIZED;
            if !given.is_refused {
                state.in_vain = 0;
            } else if state.in_vain == 0 {
                // Perhaps it was only taken back: the first time another is asked for at once.
                state.in_vain = 1;
            } else {
                state.rest(now, &*self.clock);
            }
            false
        });
    }

    /// Somebody asks for another attempt now.
    pub fn try_again(&self) {
        self.state.send_if_modified(|state| {
            state.rests_until = Mono::ZERO;
            false
        });
    }

    /// Nobody waits any longer for the run that goes on, if one does.
    pub fn end(&self) {
        self.kill();
        self.end.notify_waiters();
    }

    /// With all that it started.
    fn kill(&self) {
        let group = self.group.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Its leader was not waited for yet, so that nobody else has its number.
        let _ = group.map(|group| kill_process_group(group, Signal::KILL));
    }

    /// What it leaves behind on purpose, as an agent, goes on.
    fn has_ended(&self) {
        self.group.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// What is waited for, in words, while it runs.
    pub fn waits_for(&self) -> Option<Text> {
        let state = self.state.borrow();
        let said = state.says.as_ref().map_or_else(String::new, |says| format!(": {says}"));
        let seconds = self.clock.speed().real(self.clock.now().mono.since(state.began)).as_secs();
        state.is_running.then(|| Text::bounded(&format!("waiting for {}, {seconds} s{said}", self.title()), 300))
    }

    /// Ends when what [`Self::waits_for`] says may have changed.
    pub async fn changed(&self) {
        _ = self.state.subscribe().changed().await;
    }

    async fn run(self: Arc<Self>) {
        let ended = tokio::select! {
            // First, so that it is waited for from the beginning.
            biased;
            () = self.end.notified() => None,
            ended = child::run(&self) => Some(ended),
        };
        let now = self.clock.now();
        self.state.send_modify(|state| {
            state.is_running = false;
            state.says = None;
            let Some(ended) = ended else {
                let seconds = self.clock.speed().real(now.mono.since(state.began)).as_secs();
                // The next request runs it again, at once.
                state.last = Some(Err(Text::line(&format!("{} was ended by hand after {seconds} s", self.title()))));
                return;
            };
            // One that is of no use is no reason to run it for each request.
            if ended.as_ref().map_or(true, |given| given.expires.is_some_and(|expires| now.utc > expires)) {
                state.rest(now.mono, &*self.clock);
            }
            state.last = Some(ended);
        });
    }

    fn says(&self, line: Text) {
        self.state.send_modify(|state| state.says = Some(line));
    }

    fn title(&self) -> String {
        format!("the credential plugin {}", self.spec.name())
    }

    fn error(&self, why: &str, again: Option<Duration>) -> ConnectError {
        ConnectError::Credentials { server: self.server.clone(), why: Text::line(why), again }
    }
}
