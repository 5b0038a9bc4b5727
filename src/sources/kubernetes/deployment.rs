//! Deployments.

use serde::Deserialize;

use super::{
    authors::Authors,
    list_watch::Watched,
    managed::Writers,
    wire::{Condition, Few, Meta, Selector, Template, condition, config_maps, count, images, text, texts},
};
use crate::domain::{
    health::SourceId,
    observation::{Delta, What},
    text::Text,
    workload::Deployment,
};

pub(super) struct Deployments {
    pub authors: Authors,
}

#[derive(Deserialize)]
pub(super) struct Wire<'a> {
    #[serde(borrow, default)]
    metadata: Metadata<'a>,
    #[serde(default)]
    spec: Spec<'a>,
    #[serde(default)]
    status: Status<'a>,
}

#[derive(Deserialize, Default)]
struct Metadata<'a> {
    #[serde(borrow, flatten)]
    meta: Meta<'a>,
    #[serde(flatten)]
    writers: Writers<'a>,
}

#[derive(Deserialize, Default)]
struct Spec<'a> {
    replicas: Option<i64>,
    paused: Option<bool>,
    #[serde(borrow)]
    selector: Option<Selector<'a>>,
    template: Option<Template<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    observed_generation: Option<u64>,
    ready_replicas: Option<i64>,
    updated_replicas: Option<i64>,
    available_replicas: Option<i64>,
    #[serde(borrow)]
    conditions: Option<Few<Condition<'a>>>,
}

/// What a refusal comes to, without the name of the pod that was not made: `exceeded quota: pods, requested: pods=1`.
fn refusal(message: &Text) -> Text {
    message.rsplit_once("forbidden: ").map_or_else(|| message.clone(), |(_, why)| Text::line(why))
}

impl Watched for Deployments {
    const SOURCE: SourceId = SourceId::Deployments;
    type Wire<'a> = Wire<'a>;
    type Object = Deployment;

    fn object(&self, wire: Wire<'_>) -> Option<Deployment> {
        let Wire { metadata: Metadata { meta, writers }, spec, status } = wire;
        let uid = meta.uid();
        let revision = meta.revision();
        let template_writers = writers.of_template();
        self.authors.learn(&uid, revision, &template_writers);
        let stuck = condition(status.conditions.as_ref(), "Progressing").filter(|progressing| progressing.is("False"));
        let refused = condition(status.conditions.as_ref(), "ReplicaFailure").filter(|failure| failure.is("True"));
        Some(Deployment {
            key: meta.key()?,
            created: meta.created(),
            // Absent means one.
            replicas: spec.replicas.map_or(1, |replicas| count(Some(replicas))),
            ready: count(status.ready_replicas),
            updated: count(status.updated_replicas),
            available: count(status.available_replicas),
            paused: spec.paused == Some(true),
            revision,
            images: images(spec.template.as_ref()),
            config_maps: config_maps(spec.template.as_ref()),
            selector: texts(spec.selector.and_then(|selector| selector.match_labels).as_ref(), 32),
            generation: meta.generation.unwrap_or(0),
            observed_generation: status.observed_generation.unwrap_or(0),
            stuck: stuck.map(|condition| text(condition.message.as_ref().or(condition.reason.as_ref()))),
            refused: refused.map(|condition| refusal(&text(condition.message.as_ref().or(condition.reason.as_ref())))),
            template_written: template_writers.into_iter().max_by_key(|written| written.at),
            replicas_written: writers.of_replicas(),
            uid,
        })
    }

    fn what(deltas: Vec<Delta<Deployment>>) -> What {
        What::Deployments(deltas)
    }
}
