//! Events, as the core group serves them: those of both APIs, whose fields differ.

use serde::Deserialize;

use super::{
    list_watch::Watched,
    wire::{Meta, Str, count, text, time},
};
use crate::domain::{
    health::SourceId,
    observation::{Delta, What},
    workload::Event,
};

pub(super) struct Events;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wire<'a> {
    #[serde(borrow, default)]
    metadata: Meta<'a>,
    #[serde(rename = "type")]
    kind: Option<Str<'a>>,
    reason: Option<Str<'a>>,
    message: Option<Str<'a>>,
    count: Option<i64>,
    first_timestamp: Option<Str<'a>>,
    last_timestamp: Option<Str<'a>>,
    event_time: Option<Str<'a>>,
    series: Option<Series<'a>>,
    involved_object: Option<About<'a>>,
    /// `events.k8s.io/v1` has other names for the same.
    note: Option<Str<'a>>,
    regarding: Option<About<'a>>,
    deprecated_count: Option<i64>,
    deprecated_first_timestamp: Option<Str<'a>>,
    deprecated_last_timestamp: Option<Str<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Series<'a> {
    count: Option<i64>,
    #[serde(borrow)]
    last_observed_time: Option<Str<'a>>,
}

#[derive(Deserialize)]
struct About<'a> {
    #[serde(borrow)]
    kind: Option<Str<'a>>,
    name: Option<Str<'a>>,
    uid: Option<Str<'a>>,
}

impl Watched for Events {
    const SOURCE: SourceId = SourceId::Events;
    type Wire<'a> = Wire<'a>;
    type Object = Event;

    fn object(&self, wire: Wire<'_>) -> Option<Event> {
        let about = wire.involved_object.as_ref().or(wire.regarding.as_ref());
        let happened = time(wire.event_time.as_ref());
        let series = wire.series.as_ref();
        let created = time(wire.metadata.creation_timestamp.as_ref());
        let first = time(wire.first_timestamp.as_ref()).or_else(|| time(wire.deprecated_first_timestamp.as_ref()));
        let last = time(wire.last_timestamp.as_ref()).or_else(|| time(wire.deprecated_last_timestamp.as_ref()));
        let observed = series.and_then(|series| time(series.last_observed_time.as_ref()));
        let counted = wire.count.or(wire.deprecated_count);
        Some(Event {
            key: wire.metadata.key()?,
            uid: wire.metadata.uid(),
            is_warning: wire.kind.as_ref().is_some_and(|kind| !kind.is("Normal")),
            reason: text(wire.reason.as_ref()),
            message: text(wire.message.as_ref().or(wire.note.as_ref())),
            count: count(series.and_then(|series| series.count).or(counted)).max(1),
            first_seen: first.or(happened).or(created),
            // A series and the time beside it are written by different hands: the later one is the last time.
            last_seen: observed.max(last).or(happened).or(created),
            about: (
                text(about.and_then(|about| about.kind.as_ref())),
                text(about.and_then(|about| about.name.as_ref())),
                text(about.and_then(|about| about.uid.as_ref())),
            ),
        })
    }

    fn what(deltas: Vec<Delta<Event>>) -> What {
        What::Events(deltas)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn read(fields: &str) -> Event {
        let json = format!(r#"{{"metadata":{{"name":"e","namespace":"shop","creationTimestamp":"2026-01-01T00:00:00Z"}},{fields}}}"#);
        Events.object(serde_json::from_str(&json).unwrap()).unwrap()
    }

    /// Count and last time by the rules of `kubectl get events`.
    #[rstest]
    #[case::counted_by_the_core_group(
        r#""count":7,"firstTimestamp":"2026-01-01T00:00:01Z","lastTimestamp":"2026-01-01T00:05:00Z","eventTime":null"#,
        7,
        "00:05:00"
    )]
    #[case::a_series(
        r#""count":null,"firstTimestamp":null,"lastTimestamp":null,"eventTime":"2026-01-01T00:00:01.000001Z","series":{"count":9,"lastObservedTime":"2026-01-01T00:06:00.000000Z"}"#,
        9,
        "00:06:00"
    )]
    #[case::a_series_is_the_newer_count(
        r#""count":1,"lastTimestamp":"2026-01-01T00:01:00Z","series":{"count":4,"lastObservedTime":"2026-01-01T00:02:00Z"}"#,
        4,
        "00:02:00"
    )]
    #[case::once_by_the_newer_group(r#""eventTime":"2026-01-01T00:03:00.5Z","series":null"#, 1, "00:03:00")]
    #[case::names_of_the_newer_group(r#""deprecatedCount":3,"deprecatedLastTimestamp":"2026-01-01T00:04:00Z","eventTime":null"#, 3, "00:04:00")]
    #[case::zero_times_beside_the_newer_one(
        r#""firstTimestamp":"0001-01-01T00:00:00Z","lastTimestamp":"0001-01-01T00:00:00Z","eventTime":"2026-01-01T00:03:00.5Z""#,
        1,
        "00:03:00"
    )]
    #[case::no_time_at_all(r#""count":0,"lastTimestamp":null,"eventTime":null"#, 1, "00:00:00")]
    #[case::nonsense(r#""count":-5,"lastTimestamp":"soon","eventTime":"0000","series":{"count":null,"lastObservedTime":null}"#, 1, "00:00:00")]
    fn counts_and_times_of_both_apis(#[case] fields: &str, #[case] count: u32, #[case] last: &str) {
        let event = read(fields);
        assert_eq!((event.count, event.last_seen.unwrap().format("%H:%M:%S").to_string()), (count, last.to_owned()));
    }

    #[test]
    fn what_it_is_about_is_cleaned_and_read_in_both_forms() {
        let core = read(r#""type":"Warning","reason":"Bad\u001b[2J","message":"a\u202eb","involvedObject":{"kind":"Pod","name":"p","uid":"u"}"#);
        assert_eq!((core.reason.as_str(), core.message.as_str()), ("Bad<U+001B>[2J", "a<U+202E>b"));
        let newer = read(r#""type":"Warning","reason":"Bad","note":"text","regarding":{"kind":"Pod","name":"p","uid":"u"}"#);
        assert_eq!((newer.about, newer.message.as_str()), (core.about, "text"));
    }
}
