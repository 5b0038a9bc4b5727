//! Jobs and cron jobs.

use chrono::{DateTime, TimeDelta, Utc};

use super::{object::Key, pod::Owner, text::Text};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub key: Key,
    pub uid: Text,
    pub created: DateTime<Utc>,
    /// The cron job that made it, or another controller.
    pub owner: Option<Owner>,
    /// Successes it needs; none where one success of any of its pods ends it.
    pub completions: Option<u32>,
    /// Pods at the same time.
    pub parallelism: u32,
    /// Pods that have not ended.
    pub active: u32,
    pub succeeded: u32,
    pub failed: u32,
    /// When its controller began it, or took it up again after it was suspended.
    pub started: Option<DateTime<Utc>>,
    /// When it was done, or had failed.
    pub ended: Option<DateTime<Utc>>,
    pub state: JobState,
    /// Indexes that failed for good, of a job that counts them: `1,3-5`.
    pub failed_indexes: Option<Text>,
    pub images: Box<[(Text, Text)]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// Pods of it run, or are about to.
    Running,
    /// It has no pod, and is not ended: none could be made, or the next one is put off after a failure.
    Waiting,
    Suspended,
    /// How it will end is known, and its last pods are on their way out.
    Ending,
    Done,
    Failed {
        /// `BackoffLimitExceeded`, `DeadlineExceeded`, `PodFailurePolicy`.
        reason: Text,
        message: Text,
    },
}

impl Job {
    /// `2/3`; of a job that one success ends `0/1 of 5` for five pods at the same time, as kubectl writes it.
    pub fn completed(&self) -> String {
        match self.completions {
            Some(wanted) => format!("{}/{wanted}", self.succeeded),
            None if self.parallelism > 1 => format!("{}/1 of {}", self.succeeded, self.parallelism),
            None => format!("{}/1", self.succeeded),
        }
    }

    /// `Running, 2 failed`, `Failed: BackoffLimitExceeded`.
    pub fn in_words(&self) -> String {
        let failed = if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        match &self.state {
            JobState::Running => format!("Running{failed}"),
            JobState::Waiting => format!("No pod runs{failed}"),
            JobState::Suspended => "Suspended".to_owned(),
            JobState::Ending => format!("Ending{failed}"),
            JobState::Done => "Complete".to_owned(),
            JobState::Failed { reason, .. } if reason.is_empty() => "Failed".to_owned(),
            JobState::Failed { reason, .. } => format!("Failed: {reason}"),
        }
    }

    /// From its start to its end, or until `now`; none where it was not begun, or does not go on.
    pub fn lasts(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        let started = self.started?;
        let until = self.ended.or_else(|| self.goes_on().then_some(now))?;
        Some((until - started).max(TimeDelta::zero()))
    }

    /// Whether time passes for it.
    pub fn goes_on(&self) -> bool {
        matches!(self.state, JobState::Running | JobState::Waiting | JobState::Ending)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronJob {
    pub key: Key,
    pub uid: Text,
    pub created: DateTime<Utc>,
    pub schedule: Text,
    /// Where its schedule is read; none: where its controller is.
    pub time_zone: Option<Text>,
    pub is_suspended: bool,
    /// `Allow`, `Forbid`, `Replace`: what comes of a run while the one before goes on.
    pub concurrency: Text,
    /// Jobs of it that have not ended.
    pub active: u32,
    /// When it last made a job.
    pub last_run: Option<DateTime<Utc>>,
    /// When a job of it was last done.
    pub last_success: Option<DateTime<Utc>>,
    pub images: Box<[(Text, Text)]>,
}

impl CronJob {
    /// Its last run ended, and not with success.
    pub fn has_failed(&self) -> bool {
        self.active == 0 && self.last_run.is_some_and(|run| self.last_success.is_none_or(|success| success < run))
    }

    /// `*/5 * * * *`, with its time zone where it has one.
    pub fn when(&self) -> String {
        self.time_zone.as_ref().map_or_else(|| self.schedule.to_string(), |zone| format!("{} {zone}", self.schedule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn job(state: JobState) -> Job {
        Job {
            key: Key::new("shop", "migrate"),
            uid: "j".into(),
            created: at(0),
            owner: None,
            completions: Some(3),
            parallelism: 1,
            active: 0,
            succeeded: 1,
            failed: 2,
            started: Some(at(10)),
            ended: None,
            state,
            failed_indexes: None,
            images: Box::default(),
        }
    }

    #[test]
    fn completions_read_as_kubectl_prints_them() {
        let running = job(JobState::Running);
        assert_eq!(running.completed(), "1/3");
        assert_eq!(Job { completions: None, ..running.clone() }.completed(), "1/1");
        assert_eq!(Job { completions: None, parallelism: 5, ..running }.completed(), "1/1 of 5");
    }

    #[test]
    fn time_passes_only_for_what_goes_on() {
        assert_eq!(job(JobState::Running).lasts(at(70)), Some(TimeDelta::seconds(60)));
        assert_eq!(job(JobState::Running).lasts(at(0)), Some(TimeDelta::zero()), "clocks that differ");
        assert_eq!(Job { ended: Some(at(40)), ..job(JobState::Done) }.lasts(at(70)), Some(TimeDelta::seconds(30)));
        assert_eq!(job(JobState::Suspended).lasts(at(70)), None);
        assert_eq!(Job { started: None, ..job(JobState::Waiting) }.lasts(at(70)), None);
    }

    #[test]
    fn a_state_is_told_with_what_failed() {
        let failed = JobState::Failed { reason: "DeadlineExceeded".into(), message: Text::default() };
        let words = [JobState::Running, JobState::Waiting, JobState::Done, failed].map(|state| job(state).in_words());
        assert_eq!(words, ["Running, 2 failed", "No pod runs, 2 failed", "Complete", "Failed: DeadlineExceeded"]);
    }

    #[test]
    fn a_last_run_has_failed_once_it_is_over_without_success() {
        let cron = CronJob {
            key: Key::new("shop", "report"),
            uid: "c".into(),
            created: at(0),
            schedule: "*/5 * * * *".into(),
            time_zone: Some("Europe/Paris".into()),
            is_suspended: false,
            concurrency: "Allow".into(),
            active: 0,
            last_run: Some(at(300)),
            last_success: Some(at(20)),
            images: Box::default(),
        };
        assert!(cron.has_failed());
        assert!(!CronJob { active: 1, ..cron.clone() }.has_failed(), "it may still succeed");
        assert!(!CronJob { last_success: Some(at(310)), ..cron.clone() }.has_failed());
        assert!(!CronJob { last_run: None, ..cron.clone() }.has_failed(), "it never ran");
        assert_eq!(cron.when(), "*/5 * * * * Europe/Paris");
    }
}
