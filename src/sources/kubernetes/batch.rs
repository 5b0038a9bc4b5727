//! Jobs and cron jobs.

use serde::Deserialize;

use super::{
    list_watch::Watched,
    wire::{Condition, Few, Meta, Str, Template, condition, count, images, text, time},
};
use crate::domain::{
    batch::{CronJob, Job, JobState},
    health::SourceId,
    observation::{Delta, What},
};

pub(super) struct Jobs;
pub(super) struct CronJobs;

#[derive(Deserialize)]
pub(super) struct JobWire<'a> {
    #[serde(borrow, default)]
    metadata: Meta<'a>,
    #[serde(default)]
    spec: JobSpec<'a>,
    #[serde(default)]
    status: JobStatus<'a>,
}

#[derive(Deserialize, Default)]
struct JobSpec<'a> {
    completions: Option<i64>,
    parallelism: Option<i64>,
    suspend: Option<bool>,
    #[serde(borrow)]
    template: Option<Template<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct JobStatus<'a> {
    active: Option<i64>,
    succeeded: Option<i64>,
    failed: Option<i64>,
    #[serde(borrow)]
    start_time: Option<Str<'a>>,
    completion_time: Option<Str<'a>>,
    failed_indexes: Option<Str<'a>>,
    conditions: Option<Few<Condition<'a>>>,
}

impl JobStatus<'_> {
    /// The conditions that end a job come last and stay: whatever else is true, they decide.
    fn state(&self, is_suspended: bool) -> JobState {
        let is = |kind: &str| condition(self.conditions.as_ref(), kind).filter(|condition| condition.is("True"));
        if let Some(failed) = is("Failed") {
            return JobState::Failed { reason: text(failed.reason.as_ref()), message: text(failed.message.as_ref()) };
        }
        match () {
            () if is("Complete").is_some() => JobState::Done,
            () if is("FailureTarget").or_else(|| is("SuccessCriteriaMet")).is_some() => JobState::Ending,
            () if is_suspended || is("Suspended").is_some() => JobState::Suspended,
            () if count(self.active) == 0 => JobState::Waiting,
            () => JobState::Running,
        }
    }
}

impl Watched for Jobs {
    const SOURCE: SourceId = SourceId::Jobs;
    type Wire<'a> = JobWire<'a>;
    type Object = Job;

    fn object(&self, wire: JobWire<'_>) -> Option<Job> {
        let JobWire { metadata: meta, spec, status } = wire;
        let failed = condition(status.conditions.as_ref(), "Failed").filter(|condition| condition.is("True"));
        Some(Job {
            key: meta.key()?,
            uid: meta.uid(),
            created: meta.created(),
            owner: meta.controller(),
            completions: spec.completions.map(|wanted| count(Some(wanted))),
            // Absent means one.
            parallelism: spec.parallelism.map_or(1, |pods| count(Some(pods))),
            active: count(status.active),
            succeeded: count(status.succeeded),
            failed: count(status.failed),
            started: time(status.start_time.as_ref()),
            // Only what is done has a time of completion.
            ended: time(status.completion_time.as_ref()).or_else(|| time(failed?.last_transition_time.as_ref())),
            state: status.state(spec.suspend == Some(true)),
            failed_indexes: status.failed_indexes.as_ref().map(Str::text).filter(|indexes| !indexes.is_empty()),
            images: images(spec.template.as_ref()),
        })
    }

    fn what(deltas: Vec<Delta<Job>>) -> What {
        What::Jobs(deltas)
    }
}

#[derive(Deserialize)]
pub(super) struct CronWire<'a> {
    #[serde(borrow, default)]
    metadata: Meta<'a>,
    #[serde(default)]
    spec: CronSpec<'a>,
    #[serde(default)]
    status: CronStatus<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct CronSpec<'a> {
    #[serde(borrow)]
    schedule: Option<Str<'a>>,
    time_zone: Option<Str<'a>>,
    suspend: Option<bool>,
    concurrency_policy: Option<Str<'a>>,
    job_template: Option<JobTemplate<'a>>,
}

#[derive(Deserialize)]
struct JobTemplate<'a> {
    #[serde(borrow)]
    spec: Option<JobSpec<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct CronStatus<'a> {
    active: Option<Few<serde::de::IgnoredAny>>,
    #[serde(borrow)]
    last_schedule_time: Option<Str<'a>>,
    last_successful_time: Option<Str<'a>>,
}

impl Watched for CronJobs {
    const SOURCE: SourceId = SourceId::CronJobs;
    type Wire<'a> = CronWire<'a>;
    type Object = CronJob;

    fn object(&self, wire: CronWire<'_>) -> Option<CronJob> {
        let CronWire { metadata: meta, spec, status } = wire;
        let template = spec.job_template.as_ref().and_then(|template| template.spec.as_ref()?.template.as_ref());
        Some(CronJob {
            key: meta.key()?,
            uid: meta.uid(),
            created: meta.created(),
            schedule: text(spec.schedule.as_ref()),
            time_zone: spec.time_zone.as_ref().map(Str::text).filter(|zone| !zone.is_empty()),
            is_suspended: spec.suspend == Some(true),
            concurrency: text(spec.concurrency_policy.as_ref()),
            active: u32::try_from(status.active.iter().flatten().count()).unwrap_or(u32::MAX),
            last_run: time(status.last_schedule_time.as_ref()),
            last_success: time(status.last_successful_time.as_ref()),
            images: images(template),
        })
    }

    fn what(deltas: Vec<Delta<CronJob>>) -> What {
        What::CronJobs(deltas)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn job(spec: &str, status: &str) -> Job {
        let json = format!(r#"{{"metadata":{{"name":"migrate","namespace":"shop","uid":"j"}},"spec":{{{spec}}},"status":{{{status}}}}}"#);
        Jobs.object(serde_json::from_str(&json).unwrap()).unwrap()
    }

    #[rstest]
    #[case::runs(r#""completions":3"#, r#""active":1,"succeeded":1,"startTime":"2026-01-01T00:00:00Z""#, "Running")]
    #[case::between_two_pods(r#""completions":1"#, r#""failed":2,"startTime":"2026-01-01T00:00:00Z""#, "No pod runs, 2 failed")]
    #[case::nothing_yet("", "", "No pod runs")]
    #[case::done(
        r#""completions":1"#,
        r#""succeeded":1,"conditions":[{"type":"SuccessCriteriaMet","status":"True"},{"type":"Complete","status":"True"}]"#,
        "Complete"
    )]
    #[case::failed(
        r#""completions":1"#,
        r#""failed":7,"conditions":[{"type":"FailureTarget","status":"True"},{"type":"Failed","status":"True","reason":"BackoffLimitExceeded","lastTransitionTime":"2026-01-01T00:05:00Z"}]"#,
        "Failed: BackoffLimitExceeded"
    )]
    #[case::ending(r#""completions":1"#, r#""active":1,"conditions":[{"type":"FailureTarget","status":"True"}]"#, "Ending")]
    #[case::suspended(r#""suspend":true"#, r#""conditions":[{"type":"Suspended","status":"True"}]"#, "Suspended")]
    #[case::taken_up_again(r#""suspend":false"#, r#""active":1,"conditions":[{"type":"Suspended","status":"False"}]"#, "Running")]
    fn the_state_of_a_job_is_what_its_conditions_say(#[case] spec: &str, #[case] status: &str, #[case] words: &str) {
        assert_eq!(job(spec, status).in_words(), words);
    }

    #[test]
    fn a_job_that_failed_has_ended_when_that_was_found() {
        let failed = job(
            "",
            r#""startTime":"2026-01-01T00:00:00Z","conditions":[{"type":"Failed","status":"True","lastTransitionTime":"2026-01-01T00:05:00Z"}]"#,
        );
        assert_eq!(failed.lasts(chrono::DateTime::default()).unwrap().num_minutes(), 5);
    }

    #[test]
    fn a_cron_job_is_read_with_its_runs() {
        let json = r#"{"metadata":{"name":"report","namespace":"shop"},
          "spec":{"schedule":"*/5 * * * *","timeZone":"Etc/UTC","suspend":true,"concurrencyPolicy":"Forbid",
            "jobTemplate":{"spec":{"template":{"spec":{"containers":[{"name":"report","image":"report:1"}]}}}}},
          "status":{"active":[{"kind":"Job","name":"report-1"}],"lastScheduleTime":"2026-01-01T00:05:00Z","lastSuccessfulTime":"2026-01-01T00:00:09Z"}}"#;
        let cron = CronJobs.object(serde_json::from_str(json).unwrap()).unwrap();
        assert_eq!((cron.when().as_str(), cron.is_suspended, cron.active), ("*/5 * * * * Etc/UTC", true, 1));
        assert_eq!(cron.images[0].1.as_str(), "report:1");
        assert!(!cron.has_failed());
        let bare = CronJobs.object(serde_json::from_str(r#"{"metadata":{"name":"report"},"status":{"active":null}}"#).unwrap()).unwrap();
        assert_eq!((bare.active, bare.last_run), (0, None));
    }
}
