//! The pulse of the API server: a watch of one small object that ends every five seconds and is opened again.
//!
//! A frozen server answers nothing and closes nothing, so that an open watch cannot tell it from a quiet one. This watch
//! must end in time; when it does not, the server is known to be silent within 9 s, without polling.

use std::time::Duration;

use tokio::{sync::watch, time::timeout};

use super::list_watch::Shared;
use crate::{
    connect::{ConnectError, identity},
    domain::{
        object::{Kind, Scope},
        observation::What,
        text::Text,
    },
    sources::{
        backoff::Backoff,
        login::logged_in,
        namespaces,
        report::{Closed, Report},
    },
};

/// How long the server is asked to keep the watch open.
const PULSE: Duration = Duration::from_secs(5);
/// How much later than that counts as silence.
const SLACK: Duration = Duration::from_secs(4);
/// How long it may take to say who it is: several requests.
const IDENTITY: Duration = Duration::from_secs(10);
/// A pulse that ends sooner is not renewed at once: some proxy cuts it.
const TOO_SHORT: Duration = Duration::from_secs(2);

pub(super) struct Heartbeat {
    pub shared: Shared,
    pub scope: Scope,
    pub report: Report,
    pub generation: watch::Sender<u64>,
}

/// Something whose watch proves that the server is alive, in the order in which it is tried.
struct Subject {
    path: String,
    selector: String,
}

impl Heartbeat {
    pub async fn run(self) {
        let _: Result<(), Closed> = self.for_ever().await;
    }

    async fn for_ever(&self) -> Result<(), Closed> {
        let subjects = self.subjects();
        let mut subject = 0;
        let mut backoff = Backoff::new(self.shared.wake.clone());
        let contacting = format!("contacting {}", self.shared.reader.server());
        self.report.connecting(&contacting).await?;
        let mut identified = false;
        // Why what is seen of the namespace is no word on its health.
        let mut doubt = None;
        // Whether everybody else is to try again, once it is sure that it pays.
        let mut came_back = false;
        loop {
            // Apart from the pulse: a login is no silence of the server.
            logged_in(&self.shared.reader, &self.report, &contacting).await?;
            let result = if identified {
                if doubt.is_some() {
                    doubt = self.doubt().await;
                }
                self.pulse(&subjects[subject], came_back, doubt.as_deref()).await
            } else {
                came_back |= self.report.is_failed();
                self.identify(&mut doubt).await
            };
            match result {
                Ok(Ok(())) => {
                    // To say who it is proves little: many a server does that, and opens no watch.
                    if std::mem::replace(&mut identified, true) {
                        backoff.succeeded();
                        came_back = false;
                    }
                }
                Ok(Err(Closed)) => return Err(Closed),
                Err(ConnectError::Forbidden { .. }) if identified && subject + 1 < subjects.len() => subject += 1,
                Err(error) => {
                    if matches!(error, ConnectError::Timeout { .. }) {
                        self.shared.reader.forget_connections().await;
                    }
                    identified = false;
                    subject = 0;
                    backoff.after(&error, &self.report).await?;
                }
            }
        }
    }

    /// Who answers: at start and whenever the connection comes back.
    async fn identify(&self, doubt: &mut Option<String>) -> Result<Result<(), Closed>, ConnectError> {
        let server = self.shared.reader.server().clone();
        let late = |_| ConnectError::Timeout { server, after: IDENTITY };
        let (read, doubted) = tokio::join!(timeout(IDENTITY, identity::read(&self.shared.reader)), self.doubt());
        let (identity, date) = read.map_err(late)??;
        *doubt = doubted;
        // Before it is said who answers: who looks once looks no longer than until then.
        if let Some(doubt) = doubt
            && let Err(Closed) = self.report.lagging(doubt).await
        {
            return Ok(Err(Closed));
        }
        Ok(self.report.say(What::Identity(identity), date).await)
    }

    /// Asked again with every pulse while there is one. What cannot be asked is told by the pulse itself.
    async fn doubt(&self) -> Option<String> {
        let namespace = self.scope.namespace()?;
        let asked = timeout(SLACK, namespaces::doubt(&self.shared.reader, namespace)).await;
        let doubt = asked.ok()?.ok()??;
        Some(format!("{} ({})", doubt.says, doubt.remedy))
    }

    /// One watch of five seconds. Beats when it opens; after a failure everybody else may try again then.
    async fn pulse(&self, subject: &Subject, came_back: bool, doubt: Option<&str>) -> Result<Result<(), Closed>, ConnectError> {
        let seconds = PULSE.as_secs().to_string();
        let query = [("watch", "true"), ("fieldSelector", subject.selector.as_str()), ("timeoutSeconds", seconds.as_str())];
        let silent = |after| ConnectError::Timeout { server: self.shared.reader.server().clone(), after };
        let began = self.report.now();
        let opened = timeout(SLACK, self.shared.reader.watch(&subject.path, &query, PULSE + SLACK)).await;
        let mut stream = opened.map_err(|_| silent(SLACK))??;
        let told = match doubt {
            Some(doubt) => self.report.lagging(doubt).await,
            None => self.report.live().await,
        };
        if let Err(Closed) = told {
            return Ok(Err(Closed));
        }
        if let Err(Closed) = self.report.beat(stream.date).await {
            return Ok(Err(Closed));
        }
        if came_back {
            self.generation.send_modify(|generation| *generation += 1);
            self.shared.wake.notify_waiters();
        }
        let to_the_end = async {
            while let Some(line) = stream.lines.next().await {
                line?;
            }
            Ok::<(), ConnectError>(())
        };
        timeout(PULSE + SLACK, to_the_end).await.map_err(|_| silent(PULSE + SLACK))??;
        if self.report.real_since(began) < TOO_SHORT {
            tokio::time::sleep(TOO_SHORT).await;
        }
        Ok(Ok(()))
    }

    /// The namespace; where that may not be watched, an object that does not exist among kinds that may be.
    fn subjects(&self) -> Vec<Subject> {
        let namespace = self.scope.namespace().unwrap_or("kube-system");
        let mut subjects = vec![Subject { path: "/api/v1/namespaces".to_owned(), selector: format!("metadata.name={namespace}") }];
        for kind in [Kind::Pod, Kind::Deployment, Kind::Service, Kind::ConfigMap] {
            let path = kind.collection_path(self.scope.namespace());
            subjects.push(Subject { path, selector: Text::from("metadata.name=sev1-heartbeat").to_string() });
        }
        subjects
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::health::SourceId;

    /// A pulse that comes as late as it may leaves every watch live; a frozen server is seen on every pane within 10 s.
    #[test]
    fn watches_are_live_for_as_long_as_a_pulse_may_take() {
        let watches = SourceId::ALL.into_iter().filter(|source| !matches!(source, SourceId::Metrics | SourceId::Alerts | SourceId::Errors));
        for source in watches {
            assert_eq!(source.expected_within(), PULSE + SLACK, "{source:?}");
            assert!(source.expected_within() < Duration::from_secs(10), "{source:?}");
        }
    }
}
