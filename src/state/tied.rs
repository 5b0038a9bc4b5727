//! Whether something besides the time ties what a mitigation writes to to the present trouble. Where nothing does, what gets
//! better after it may get better by itself, and is not credited to it.

use crate::domain::{
    ask::{RequestKind, Wish},
    change::{Change, ChangeKind},
    complaint::{About, Complaint, roots},
    object::{Key, Kind, ObjectRef},
    suspect::{Confidence, Scene, suspects},
    text::Text,
    workload::Difference,
};

use super::State;

/// What ties workloads to the present trouble.
pub(super) struct Ties {
    complaints: Vec<Complaint>,
    /// Deployments with more load than they can take.
    loaded: Vec<Key>,
}

impl State {
    /// Whether the present advice asks for this, or for its kind without saying of what.
    pub(super) fn is_suggested(&self, wish: &Wish) -> bool {
        let asks_for = |asked: &Wish| asked.is_like(wish) || (asked.kind() == wish.kind() && asked.objects().is_empty());
        self.advice.suggestions.iter().any(|suggestion| matches!(&suggestion.request.kind, RequestKind::Do(asked) if asks_for(asked)))
    }

    /// Only of workloads can that be told, and only where the errors of the logs were read: all else counts as tied.
    pub(super) fn is_tied(&self, objects: &[ObjectRef]) -> bool {
        let behind: Option<Vec<Key>> = objects.iter().map(|object| self.cluster.deployment_behind(object)).collect();
        let Some(behind) = behind.filter(|_| self.errors.is_some()) else { return true };
        let suggested = self.advice.suggestions.iter().filter_map(|suggestion| match &suggestion.request.kind {
            RequestKind::Do(wish) => Some(wish.objects()),
            RequestKind::Undo { .. } => None,
        });
        let mut suggested =
            suggested.flatten().filter(|object| !self.is_on_lost_node(object)).filter_map(|object| self.cluster.deployment_behind(&object));
        let ties = self.ties();
        suggested.any(|key| behind.contains(&key)) || behind.iter().any(|key| self.is_workload_tied(key, &ties))
    }

    /// A pod there is to be replaced because of its node, whatever it runs.
    fn is_on_lost_node(&self, object: &ObjectRef) -> bool {
        object.kind == Kind::Pod && self.cluster.pods.get(&object.key).is_some_and(|pod| pod.is_node_lost)
    }

    pub(super) fn ties(&self) -> Ties {
        let complaints = self.complaints();
        let overloaded = self.overloads(&complaints).into_iter().map(|overload| overload.deployment);
        let target = |autoscaler: &Key| {
            let autoscaler = self.cluster.autoscalers.get(autoscaler)?;
            Some(Key { namespace: autoscaler.key.namespace.clone(), name: autoscaler.target_name.clone() })
        };
        let loaded = overloaded.chain(self.capped().iter().filter_map(|capped| target(&capped.autoscaler))).collect();
        Ties { complaints, loaded }
    }

    /// The same as [`State::is_tied`] of one object, whatever is suggested.
    pub(super) fn is_object_tied(&self, object: &ObjectRef, ties: &Ties) -> bool {
        let behind = self.cluster.deployment_behind(object).filter(|_| self.errors.is_some());
        behind.is_none_or(|key| self.is_workload_tied(&key, ties))
    }

    fn is_workload_tied(&self, key: &Key, ties: &Ties) -> bool {
        let roots = roots(&ties.complaints);
        // Whom others blame, and who blames nobody else; or who complains of itself.
        let is_blamed = ties.complaints.iter().any(|complaint| match &complaint.about {
            About::Service(other) | About::Inside(Some(other)) => *other == key.name && roots.contains(&other),
            About::Remote | About::Inside(None) => false,
            _ => complaint.service == key.name,
        });
        is_blamed || ties.loaded.contains(key) || self.has_sick_pods(key)
    }

    /// Whether a changed setting may be meant against the present trouble: it is the breaker's, it takes a change back, or one of those that
    /// read it complains of nobody else, is unhealthy, or is suspected.
    pub(super) fn is_setting_tied(&self, change: &Change, keys: &[Difference], ties: &Ties) -> bool {
        let breaker = &self.config.mitigations.breaker;
        let is_breaker = *change.object.key.name == *breaker.config_map && (keys.is_empty() || keys.iter().any(|(key, ..)| **key == *breaker.key));
        if is_breaker || self.takes_setting_back(change, keys) {
            return true;
        }
        let readers: Vec<Key> =
            self.readers_of(&change.object.key).into_iter().map(|name| Key { namespace: change.object.key.namespace.clone(), name }).collect();
        let complains = |reader: &Key| {
            let mut own = ties.complaints.iter().filter(|complaint| complaint.service == reader.name);
            own.any(|complaint| complaint.about.other().is_none() && complaint.about != About::Overload)
        };
        if readers.iter().any(|reader| complains(reader) || self.has_sick_pods(reader)) {
            return true;
        }
        let scene = Scene { now: self.server_now(), began: self.trouble_began(), complaints: &ties.complaints, onsets: &self.onsets };
        let candidates = self.candidates(&ties.complaints);
        let suspected = suspects(&candidates, scene);
        let mut likely = suspected.iter().filter(|suspect| suspect.confidence == Confidence::Likely).map(|suspect| &suspect.candidate.change.object);
        likely.any(|object| object.kind == Kind::Deployment && readers.contains(&object.key))
    }

    /// Whether a key is again what it was before an earlier change.
    fn takes_setting_back(&self, change: &Change, keys: &[Difference]) -> bool {
        let is_back = |(key, before, _): &(Text, Option<Text>, Option<Text>)| {
            before.is_some() && keys.iter().any(|(same, _, after)| same == key && after == before)
        };
        self.cluster.changes.iter().filter(|earlier| earlier.object == change.object && earlier.at < change.at).any(|earlier| match &earlier.what {
            ChangeKind::ConfigChanged { keys } => keys.iter().any(is_back),
            _ => false,
        })
    }

    /// Those on a node that is lost say nothing of what they run.
    fn has_sick_pods(&self, deployment: &Key) -> bool {
        let mut unhealthy = self.unhealthy_pods();
        unhealthy.any(|pod| !pod.is_node_lost && self.cluster.deployment_of(pod).as_ref() == Some(deployment))
    }
}
