//! Events of the core group.

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
        let about = wire.involved_object.as_ref();
        let happened = time(wire.event_time.as_ref());
        let series = wire.series.as_ref();
        let created = wire.metadata.creation_timestamp.as_ref().map(|_| wire.metadata.created());
        let last = series.and_then(|series| time(series.last_observed_time.as_ref()));
        Some(Event {
            key: wire.metadata.key()?,
            uid: wire.metadata.uid(),
            is_warning: wire.kind.as_ref().is_some_and(|kind| !kind.is("Normal")),
            reason: text(wire.reason.as_ref()),
            message: text(wire.message.as_ref()),
            count: count(series.and_then(|series| series.count).or(wire.count)).max(1),
            first_seen: time(wire.first_timestamp.as_ref()).or(happened).or(created),
            last_seen: last.or_else(|| time(wire.last_timestamp.as_ref())).or(happened).or(created),
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
