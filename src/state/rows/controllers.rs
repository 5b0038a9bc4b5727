//! Rows of stateful sets, daemon sets, jobs, cron jobs and ConfigMaps.

use chrono::{DateTime, Utc};

use super::{Filter, Row, Value, age, first_image, number, option, share};
use crate::{
    domain::{
        batch::{CronJob, Job, JobState},
        sets::{DaemonSet, StatefulSet},
        workload::ConfigMap,
    },
    state::columns::Column,
};

/// The youngest first; what never was comes last.
fn age_of(at: Option<DateTime<Utc>>) -> Value<'static> {
    at.map_or(number(i64::MAX), age)
}

impl Row for StatefulSet {
    fn created(&self) -> DateTime<Utc> {
        self.created
    }

    fn value(&self, column: Column) -> Value<'_> {
        match column {
            Column::Ready => share(self.ready, self.replicas),
            Column::UpToDate => number(self.updated),
            // What is not as it should be comes first.
            Column::Status => number(i64::from(self.ready >= self.replicas) * 2 + i64::from(self.is_whole())),
            Column::Age => age(self.created),
            Column::Service => Value::Text(&self.service),
            Column::Images => Value::Text(first_image(&self.images)),
            Column::Namespace => Value::Text(&self.key.namespace),
            _ => Value::Text(&self.key.name),
        }
    }

    fn passes(&self, filter: &Filter) -> bool {
        filter.passes(&[&self.key.name, &self.key.namespace, &self.service, first_image(&self.images)], &self.selector)
    }
}

impl Row for DaemonSet {
    fn created(&self) -> DateTime<Utc> {
        self.created
    }

    fn value(&self, column: Column) -> Value<'_> {
        match column {
            Column::Desired => number(self.desired),
            Column::Ready => share(self.ready, self.desired),
            Column::UpToDate => number(self.updated),
            Column::Misscheduled => number(self.misscheduled),
            Column::Status => number(i64::from(self.ready >= self.desired) * 2 + i64::from(self.trouble().is_none())),
            Column::Age => age(self.created),
            Column::Images => Value::Text(first_image(&self.images)),
            Column::Namespace => Value::Text(&self.key.namespace),
            _ => Value::Text(&self.key.name),
        }
    }

    fn passes(&self, filter: &Filter) -> bool {
        filter.passes(&[&self.key.name, &self.key.namespace, first_image(&self.images)], &self.selector)
    }
}

impl Row for Job {
    fn created(&self) -> DateTime<Utc> {
        self.created
    }

    fn runs_since(&self) -> Option<DateTime<Utc>> {
        self.started.filter(|_| self.ended.is_none() && self.goes_on())
    }

    fn value(&self, column: Column) -> Value<'_> {
        match column {
            Column::Status => number(match self.state {
                JobState::Failed { .. } => 0,
                JobState::Waiting => 1,
                JobState::Ending => 2,
                JobState::Running => 3,
                JobState::Suspended => 4,
                JobState::Done => 5,
            }),
            Column::Completions => share(self.succeeded, self.completions.unwrap_or(1)),
            // Of what still runs it grows by the second: those stand in the order of their starts, after what has ended.
            Column::Duration => match (self.started, self.ended) {
                (Some(started), Some(ended)) => number((ended - started).num_seconds()),
                (Some(started), None) => number(i64::MAX / 2 - started.timestamp()),
                (None, _) => number(i64::MAX),
            },
            Column::Age => age(self.created),
            Column::Owner => option(self.owner.as_ref().map(|owner| &owner.name)),
            Column::Images => Value::Text(first_image(&self.images)),
            Column::Namespace => Value::Text(&self.key.namespace),
            _ => Value::Text(&self.key.name),
        }
    }

    fn passes(&self, filter: &Filter) -> bool {
        let owner = self.owner.as_ref().map_or("", |owner| &owner.name);
        filter.passes(&[&self.key.name, &self.key.namespace, owner, &self.in_words(), first_image(&self.images)], &[])
    }
}

impl Row for CronJob {
    fn created(&self) -> DateTime<Utc> {
        self.created
    }

    fn moments(&self) -> [Option<DateTime<Utc>>; 2] {
        [self.last_run, self.last_success]
    }

    fn value(&self, column: Column) -> Value<'_> {
        match column {
            Column::Schedule => Value::Text(&self.schedule),
            // Suspended ones first.
            Column::Suspended => number(!self.is_suspended),
            Column::Active => number(self.active),
            Column::LastRun => age_of(self.last_run),
            Column::LastSuccess => age_of(self.last_success),
            Column::Age => age(self.created),
            Column::Images => Value::Text(first_image(&self.images)),
            Column::Namespace => Value::Text(&self.key.namespace),
            _ => Value::Text(&self.key.name),
        }
    }

    fn passes(&self, filter: &Filter) -> bool {
        let suspended = if self.is_suspended { "suspended" } else { "" };
        filter.passes(&[&self.key.name, &self.key.namespace, &self.schedule, suspended, first_image(&self.images)], &[])
    }
}

impl Row for ConfigMap {
    fn created(&self) -> DateTime<Utc> {
        self.created
    }

    fn moments(&self) -> [Option<DateTime<Utc>>; 2] {
        [self.changed_at, None]
    }

    fn value(&self, column: Column) -> Value<'_> {
        match column {
            Column::Keys => number(self.keys),
            Column::Size => number(i64::try_from(self.size).unwrap_or(i64::MAX)),
            Column::Changed => age_of(self.changed_at),
            Column::ChangedBy => option(self.changed_by.as_ref()),
            Column::Age => age(self.created),
            Column::Namespace => Value::Text(&self.key.namespace),
            _ => Value::Text(&self.key.name),
        }
    }

    /// Names of its keys, and never its values.
    fn passes(&self, filter: &Filter) -> bool {
        let by = self.changed_by.as_deref().unwrap_or_default();
        let fixed = [self.key.name.as_str(), &self.key.namespace, by];
        let fields: Vec<&str> = fixed.into_iter().chain(self.sizes.iter().map(|(key, _)| key.as_str())).collect();
        filter.passes(&fields, &[])
    }
}
