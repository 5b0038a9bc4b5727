//! Whether something besides the time ties what a mitigation writes to to the present trouble. Where nothing does, what gets
//! better after it may get better by itself, and is not credited to it.

use crate::domain::{
    ask::{RequestKind, Wish},
    complaint::{About, roots},
    object::{Key, ObjectRef},
};

use super::State;

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
        let complaints = self.complaints();
        let roots = roots(&complaints);
        let suggested = self.advice.suggestions.iter().filter_map(|suggestion| match &suggestion.request.kind {
            RequestKind::Do(wish) => Some(wish.objects()),
            RequestKind::Undo { .. } => None,
        });
        let suggested: Vec<Key> = suggested.flatten().filter_map(|object| self.cluster.deployment_behind(&object)).collect();
        // Whom others blame, and who blames nobody else; or who complains of itself.
        let is_blamed = |key: &Key| {
            complaints.iter().any(|complaint| match &complaint.about {
                About::Service(other) | About::Inside(Some(other)) => *other == key.name && roots.contains(&other),
                About::Remote | About::Inside(None) => false,
                _ => complaint.service == key.name,
            })
        };
        let (overloads, all_capped) = (self.overloads(&complaints), self.capped());
        let is_overloaded = |key: &Key| overloads.iter().any(|overload| overload.deployment == *key);
        let is_capped =
            |key: &Key| self.cluster.autoscaler_of(key).is_some_and(|autoscaler| all_capped.iter().any(|capped| capped.autoscaler == autoscaler.key));
        behind.iter().any(|key| suggested.contains(key) || is_blamed(key) || self.has_sick_pods(key) || is_overloaded(key) || is_capped(key))
    }

    /// Those on a node that is lost say nothing of what they run.
    fn has_sick_pods(&self, deployment: &Key) -> bool {
        let mut unhealthy = self.unhealthy_pods();
        unhealthy.any(|pod| !pod.is_node_lost && self.cluster.deployment_of(pod).as_ref() == Some(deployment))
    }
}
