//! Where this program is connected, as whom, and what it may do there.

use chrono::{DateTime, Duration, Utc};

use crate::{
    config::shape::Environment,
    domain::{object::Scope, observation::Identity, shell::KubectlFlags, text::Text, time::Speed},
};

#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// kubeconfig context, fixed at start.
    pub context: Text,
    /// What leads kubectl to the same cluster as the same person.
    pub kubectl: KubectlFlags,
    /// Why nothing is written in this context: its name is not what is shown of it.
    pub unclear: Option<Text>,
    /// Cluster entry of the kubeconfig.
    pub cluster: Text,
    pub scope: Scope,
    pub environment: Environment,
    /// Known once the API server answered.
    pub identity: Option<Identity>,
    pub read_only: bool,
    /// TLS verification was switched off by the user: shown in the header.
    pub insecure: bool,
    pub is_demo: bool,
    /// How fast our clock runs: not as life only in a demo.
    pub speed: Speed,
    /// Why the journal cannot be written; mitigations are off then, and the header says so.
    pub journal_broken: Option<Text>,
    /// Servers' clock minus ours, from `Date` headers; zero until one was seen.
    pub clock_offset: Duration,
}

impl Session {
    /// The servers' time at our time `utc`.
    pub fn server_now(&self, utc: DateTime<Utc>) -> DateTime<Utc> {
        utc + self.clock_offset
    }

    /// Why no mitigation can be run right now; none when armed.
    pub fn disarmed(&self) -> Option<Text> {
        if self.read_only {
            Some("read-only".into())
        } else if let Some(why) = &self.unclear {
            Some(why.clone())
        } else if let Some(why) = &self.journal_broken {
            Some(Text::line(&format!("journal cannot be written: {why}")))
        } else if self.identity.is_none() {
            Some("the cluster has not answered yet".into())
        } else {
            None
        }
    }
}
