//! Jobs and cron jobs: cells of their rows, and their details.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::style::Style;

use super::{
    detail::{Found, Line, created, fact, image_facts},
    table::{Cell, images},
};
use crate::{
    domain::{
        batch::{CronJob, Job, JobState},
        object::Key,
        units,
    },
    state::{State, columns::Column as Field},
    ui::{clock, glyph, theme::Theme},
};

/// Jobs of a cron job that its detail names.
const MOST_JOBS: usize = 8;

fn status(theme: &Theme, job: &Job) -> (String, Style) {
    let words = job.in_words();
    match job.state {
        JobState::Failed { .. } => (format!("{} {words}", glyph::CRITICAL), theme.critical),
        JobState::Waiting => (format!("{} {words}", glyph::WARNING), theme.warning),
        JobState::Running | JobState::Ending if job.failed > 0 => (format!("{} {words}", glyph::WARNING), theme.warning),
        JobState::Done | JobState::Suspended => (words, theme.label),
        JobState::Running | JobState::Ending => (words, theme.plain),
    }
}

fn duration(lasts: TimeDelta) -> String {
    units::age(lasts.to_std().unwrap_or_default())
}

pub(super) fn job<'s>(theme: &Theme, state: &'s State, key: &Key, field: Field) -> Option<Cell<'s>> {
    let job = state.cluster.jobs.get(key)?;
    Some(match field {
        Field::Status => {
            let (words, style) = status(theme, job);
            (words.into(), style)
        }
        Field::Completions => (job.completed().into(), theme.plain),
        Field::Duration => (job.lasts(state.server_now()).map_or_else(|| "none".to_owned(), duration).into(), theme.plain),
        Field::Age => (clock::age_or_time(state, job.created).into(), theme.plain),
        Field::Owner => (job.owner.as_ref().map_or(Cow::Borrowed("none"), |owner| owner.name.as_str().into()), theme.plain),
        Field::Images => (images(&job.images).into(), theme.plain),
        _ => return None,
    })
}

pub(super) fn cron_job<'s>(theme: &Theme, state: &'s State, key: &Key, field: Field) -> Option<Cell<'s>> {
    let cron = state.cluster.cron_jobs.get(key)?;
    let when = |at: Option<DateTime<Utc>>| at.map_or_else(|| "never".to_owned(), |at| clock::age_or_time(state, at));
    Some(match field {
        Field::Schedule => (cron.when().into(), theme.plain),
        Field::Suspended if cron.is_suspended => (format!("{} yes", glyph::WARNING).into(), theme.warning),
        Field::Suspended => ("no".into(), theme.plain),
        Field::Active => (units::thousands(cron.active.into()).into(), theme.plain),
        Field::LastRun if cron.has_failed() => (format!("! {}", when(cron.last_run)).into(), theme.warning),
        Field::LastRun => (when(cron.last_run).into(), theme.plain),
        Field::LastSuccess => (when(cron.last_success).into(), theme.plain),
        Field::Age => (clock::age_or_time(state, cron.created).into(), theme.plain),
        Field::Images => (images(&cron.images).into(), theme.plain),
        _ => return None,
    })
}

pub(super) fn job_detail(theme: &Theme, state: &State, key: &Key) -> Found {
    let job = state.cluster.jobs.get(key)?;
    let (words, ink) = status(theme, job);
    let mut lines: Vec<Line> = vec![("status".to_owned(), words, ink)];
    if let JobState::Failed { message, .. } = &job.state
        && !message.is_empty()
    {
        lines.push((String::new(), message.to_string(), theme.critical));
    }
    lines.push(fact(theme, "completions", format!("{}, {} at the same time", job.completed(), job.parallelism)));
    lines.push(fact(theme, "pods", format!("{} active, {} succeeded, {} failed", job.active, job.succeeded, job.failed)));
    lines.extend(job.failed_indexes.iter().map(|indexes| (String::new(), format!("failed indexes: {indexes}"), theme.warning)));
    lines.extend(job.started.map(|at| fact(theme, "started", created(state, at))));
    lines.extend(job.lasts(state.server_now()).map(|lasts| fact(theme, if job.goes_on() { "runs for" } else { "took" }, duration(lasts))));
    lines.push(fact(theme, "created", created(state, job.created)));
    lines.extend(job.owner.iter().map(|owner| fact(theme, "owner", format!("{}/{}", owner.kind, owner.name))));
    lines.extend(image_facts(theme, &job.images));
    Some((lines, job.uid.clone()))
}

fn last_run(theme: &Theme, state: &State, cron: &CronJob) -> Line {
    match cron.last_run {
        None => fact(theme, "last run", "never"),
        Some(at) if cron.has_failed() => {
            ("last run".to_owned(), format!("{} {}: it is over, and did not succeed", glyph::WARNING, created(state, at)), theme.warning)
        }
        Some(at) => fact(theme, "last run", created(state, at)),
    }
}

pub(super) fn cron_detail(theme: &Theme, state: &State, key: &Key) -> Found {
    let cron = state.cluster.cron_jobs.get(key)?;
    let mut lines: Vec<Line> = vec![fact(theme, "schedule", cron.when())];
    if cron.is_suspended {
        lines.push(("suspended".to_owned(), format!("{} it starts no job", glyph::WARNING), theme.warning));
    }
    lines.push(last_run(theme, state, cron));
    lines.push(fact(theme, "succeeded", cron.last_success.map_or_else(|| "never".to_owned(), |at| created(state, at))));
    lines.push(fact(theme, "active", units::counted(cron.active.into(), "job")));
    lines.push(fact(theme, "overlap", cron.concurrency.to_string()));
    lines.push(fact(theme, "created", created(state, cron.created)));
    lines.extend(image_facts(theme, &cron.images));
    let is_its = |job: &&Job| job.owner.as_ref().is_some_and(|owner| owner.uid == cron.uid);
    let mut jobs: Vec<&Job> = state.cluster.jobs.objects.values().filter(is_its).collect();
    jobs.sort_by_key(|job| std::cmp::Reverse(job.created));
    lines.extend(jobs.into_iter().take(MOST_JOBS).map(|job| {
        let (words, ink) = status(theme, job);
        ("job".to_owned(), format!("{}: {words}, {}", job.key.name, clock::moment(state, job.created)), ink)
    }));
    if !state.cluster.jobs.is_complete {
        lines.push(("jobs".to_owned(), "not read: :job shows them".to_owned(), theme.label));
    }
    Some((lines, cron.uid.clone()))
}
