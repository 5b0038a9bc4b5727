//! KPIs: instant queries at each refresh, their history by range queries when a new step is due.
//!
//! A KPI is one number. A query that answers several series is shown as a problem and gives no value: to pick one of
//! them, or to add them up, would be to guess what was meant.

pub(super) mod api;

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::{StreamExt as _, stream};

use self::api::QueryError;
use super::{
    refresh::{Asking, Failed},
    report::Report,
};
use crate::{
    connect::{ConnectError, HttpReader},
    domain::{
        kpi::{History, Kpi, KpiReading},
        observation::What,
        text::Text,
        time, units,
    },
};

/// Prometheus runs 20 queries at a time for everybody; a cockpit takes a fair share.
const IN_FLIGHT: usize = 4;

/// How Prometheus says that a query took too long, whose form is right.
const LATE: [&str; 3] = ["timed out", "timeout", "canceled"];
/// Before its words then.
pub const TOO_SLOW: &str = "no answer in time: ";

/// The KPIs of one cockpit.
pub(super) struct Metrics {
    kpis: Vec<Kpi>,
    range: Duration,
    step: Duration,
    /// Server clock minus ours, by the last answer.
    offset: chrono::Duration,
    /// Last point of the history that was asked for, in Unix seconds.
    asked_until: Option<i64>,
}

enum Question {
    Value,
    Trend,
    History { start: i64, end: i64 },
}

enum Heard {
    Value(api::Sample),
    Trend(Option<f64>),
    History(Vec<Option<f64>>),
}

struct Said {
    kpi: usize,
    history_start: i64,
    heard: Result<(Heard, Option<Text>), QueryError>,
    date: Option<DateTime<Utc>>,
}

impl Said {
    fn server_error(&self) -> Option<&ConnectError> {
        match &self.heard {
            Err(QueryError::Server(error)) => Some(error),
            _ => None,
        }
    }
}

/// Whether the server is not there any more, as far as this error knows.
fn is_lost(error: &ConnectError) -> bool {
    matches!(error, ConnectError::Unreachable { .. } | ConnectError::Cut { .. })
}

impl Metrics {
    pub fn new(kpis: Vec<Kpi>, range: Duration, step: Duration) -> Self {
        let step = step.max(Duration::from_secs(1));
        Self { kpis, range, step, offset: chrono::Duration::zero(), asked_until: None }
    }

    /// First and last point of the newest complete range: multiples of the step, so that Prometheus' caches and
    /// every cockpit's points agree.
    fn aligned(&self, utc: DateTime<Utc>) -> (i64, i64) {
        let step = i64::try_from(self.step.as_secs()).unwrap_or(60).max(1);
        let end = (utc + self.offset).timestamp().div_euclid(step) * step;
        // No more points than a tile could ever show.
        let points = (i64::try_from(self.range.as_secs()).unwrap_or(0) / step).clamp(1, 2_000);
        (end - points * step, end)
    }
}

/// One indicator, asked for once.
pub async fn measure(server: &HttpReader, kpi: &Kpi) -> Result<KpiReading, ConnectError> {
    let metrics = Metrics::new(vec![kpi.clone()], Duration::from_mins(1), Duration::from_mins(1));
    let said = ask_one(server, kpi, 0, Question::Value, metrics.step).await;
    if let Some(error) = said.server_error() {
        return Err(error.clone());
    }
    let empty = KpiReading { id: kpi.id.clone(), value: None, trend: None, at: None, history: None, problem: None };
    Ok(metrics.readings(vec![said]).pop().unwrap_or(empty))
}

impl Asking for Metrics {
    async fn ask(&mut self, server: &HttpReader, report: &Report) -> Result<(), Failed> {
        let (start, end) = self.aligned(report.utc());
        let history_due = self.asked_until.is_none_or(|last| end > last);
        let mut questions = Vec::new();
        for (index, kpi) in self.kpis.iter().enumerate() {
            questions.push((index, Question::Value));
            if kpi.trend_query.is_some() {
                questions.push((index, Question::Trend));
            }
            if history_due {
                questions.push((index, Question::History { start, end }));
            }
        }
        let step = self.step;
        let kpis = &self.kpis;
        let asking = questions.into_iter().map(|(kpi, question)| ask_one(server, &kpis[kpi], kpi, question, step));
        let said: Vec<Said> = stream::iter(asking).buffer_unordered(IN_FLIGHT).collect().await;

        // A server that answers nothing at all has failed; one that refuses some queries has not. One that was lost within
        // the round has: half a round would put nothing in the place of the last values.
        let is_silent = said.iter().all(|one| one.server_error().is_some());
        if let Some(error) = said.iter().filter_map(Said::server_error).find(|error| is_silent || is_lost(error)) {
            return Err(Failed::Server(error.clone()));
        }
        let present = present(&said, report.utc());
        if let Some(present) = present {
            self.offset = present - report.utc();
        }
        if history_due {
            self.asked_until = Some(end);
        }
        let readings = self.readings(said);
        report.live().await?;
        report.say(What::Kpis(readings), present).await?;
        Ok(())
    }
}

impl Metrics {
    fn readings(&self, said: Vec<Said>) -> Vec<KpiReading> {
        let mut readings: Vec<KpiReading> =
            self.kpis.iter().map(|kpi| KpiReading { id: kpi.id.clone(), value: None, trend: None, at: None, history: None, problem: None }).collect();
        for one in said {
            let (kpi, reading) = (&self.kpis[one.kpi], &mut readings[one.kpi]);
            match one.heard {
                Err(QueryError::Query(words)) if LATE.iter().any(|late| words.contains(late)) => {
                    reading.problem = Some(Text::line(&format!("{TOO_SLOW}{words}")));
                }
                Err(QueryError::Query(words)) => reading.problem = Some(Text::line(&format!("query refused: {words}"))),
                Err(error) => reading.problem = Some(error.text()),
                Ok((heard, warning)) => {
                    if reading.problem.is_none() {
                        reading.problem = warning;
                    }
                    match heard {
                        Heard::Value(sample) => {
                            (reading.value, reading.at) = (sample.value.filter(|value| kpi.is_possible(*value)), sample.at);
                            if let Some(impossible) = sample.value.filter(|_| reading.value.is_none()) {
                                reading.problem = Some(Text::line(&units::cannot_be(impossible)));
                            }
                        }
                        Heard::Trend(trend) => reading.trend = trend,
                        Heard::History(values) => {
                            let start = DateTime::from_timestamp(one.history_start, 0).unwrap_or_default();
                            // What cannot be is a gap: nothing is concluded from it.
                            let values = values.into_iter().map(|value| value.filter(|value| kpi.is_possible(*value))).collect();
                            reading.history = Some(History { start, step: self.step, values });
                        }
                    }
                }
            }
        }
        readings
    }
}

/// The server's present. Values are dated by Prometheus' own clock, `Date` may be a proxy's.
fn present(said: &[Said], ours: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let date = said.iter().filter_map(|one| one.date).max()?;
    let dated = said.iter().filter_map(|one| match &one.heard {
        Ok((Heard::Value(sample), _)) => sample.at,
        _ => None,
    });
    Some(dated.max().map_or(date, |newest| time::agreed(newest, date, ours)))
}

async fn ask_one(server: &HttpReader, kpi: &Kpi, index: usize, question: Question, step: Duration) -> Said {
    let mut said = Said { kpi: index, history_start: 0, heard: Err(QueryError::Query("not asked".into())), date: None };
    match question {
        Question::Value | Question::Trend => {
            let is_trend = matches!(question, Question::Trend);
            let query = if is_trend { kpi.trend_query.as_ref().unwrap_or(&kpi.query) } else { &kpi.query };
            match api::instant(server, query).await {
                Ok(answer) => {
                    said.date = answer.date;
                    let heard = if is_trend { Heard::Trend(answer.found.value) } else { Heard::Value(answer.found) };
                    said.heard = Ok((heard, answer.warning));
                }
                Err(error) => said.heard = Err(error),
            }
        }
        Question::History { start, end } => {
            said.history_start = start;
            match api::range(server, &kpi.query, start, end, step).await {
                Ok(answer) => {
                    said.date = answer.date;
                    said.heard = Ok((Heard::History(answer.found), answer.warning));
                }
                Err(error) => said.heard = Err(error),
            }
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_of_another_hour_is_not_the_servers_present() {
        let at = |minutes: i64| DateTime::from_timestamp(1_800_000_000 + 60 * minutes, 0).unwrap();
        let value = |stamp: i64, date: i64| {
            let sample = api::Sample { value: Some(1.0), at: Some(at(stamp)) };
            Said { kpi: 0, history_start: 0, heard: Ok((Heard::Value(sample), None)), date: Some(at(date)) }
        };
        assert_eq!(present(&[value(0, 60), value(0, 60)], at(0)), Some(at(0)));
        assert_eq!(present(&[value(-30, 0)], at(0)), Some(at(0)), "what a cache kept is old");
        let refused = Said { kpi: 0, history_start: 0, heard: Err(QueryError::Query("no".into())), date: Some(at(60)) };
        assert_eq!(present(&[refused], at(0)), Some(at(60)));
        assert_eq!(present(&[], at(0)), None);
    }

    #[test]
    fn what_cannot_be_is_unmeasured_with_its_reason() {
        let kpis = crate::config::Config::default().kpis;
        let metrics = Metrics::new(kpis, Duration::from_mins(30), Duration::from_secs(30));
        let said = |heard| Said { kpi: 0, history_start: 0, heard: Ok((heard, None)), date: None };
        let readings = metrics.readings(vec![
            said(Heard::Value(api::Sample { value: Some(-1.0), at: None })),
            said(Heard::History(vec![Some(0.2), Some(-1.0), None])),
            said(Heard::Trend(Some(-3.0))),
        ]);
        assert_eq!((readings[0].value, readings[0].trend), (None, Some(-3.0)), "a trend may fall");
        assert_eq!(readings[0].problem.as_deref(), Some("cannot be: -1"));
        assert_eq!(readings[0].history.as_ref().unwrap().values, [Some(0.2), None, None]);
    }

    #[test]
    fn a_query_that_took_too_long_is_not_wrong() {
        let metrics = Metrics::new(crate::config::Config::default().kpis, Duration::from_mins(30), Duration::from_secs(30));
        let said = |words: &str| Said { kpi: 0, history_start: 0, heard: Err(QueryError::Query(words.into())), date: None };
        let problem = |words: &str| metrics.readings(vec![said(words)])[0].problem.clone().unwrap().to_string();
        assert_eq!(problem("query timed out in expression evaluation"), "no answer in time: query timed out in expression evaluation");
        assert_eq!(problem("parse error"), "query refused: parse error");
    }

    #[test]
    fn ranges_start_and_end_on_multiples_of_the_step() {
        let metrics = Metrics::new(Vec::new(), Duration::from_mins(30), Duration::from_secs(30));
        let (start, end) = metrics.aligned(DateTime::from_timestamp(1_000_017, 0).unwrap());
        assert_eq!((start % 30, end % 30, end - start), (0, 0, 1_800));
        assert!(end <= 1_000_017 && end > 1_000_017 - 30);
    }
}
