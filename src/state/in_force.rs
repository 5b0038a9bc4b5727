//! What was set during an incident and is still so: a breaker that is on, a paused rollout, a cordoned node, more replicas.
//! It is listed until it is taken back, so that nobody forgets it.

use crate::domain::{
    asks::{SET_HPA_BOUNDS, SWITCH_SERVICE, Scale, Silence},
    change::ChangeKind,
    text::Text,
    units,
};

use super::{State, card::Mitigation};

/// Kinds whose effect lasts until it is taken back and that no object of the cluster shows by itself.
pub(super) const LASTING: [&str; 4] = [Scale::NAME, Silence::NAME, SET_HPA_BOUNDS, SWITCH_SERVICE];
/// Objects named at most.
const NAMED: usize = 3;

impl State {
    pub(super) fn what_is_in_force(&self) -> Vec<Text> {
        let mut in_force = Vec::new();
        if self.breaker().is_some_and(|(_, is_on)| is_on) {
            in_force.push("circuit breaker on".into());
        }
        let paused = self.cluster.deployments.objects.values().filter(|deployment| deployment.paused).map(|deployment| &deployment.key.name);
        in_force.extend(named("paused", paused));
        let cordoned = self.cluster.nodes.objects.values().filter(|node| node.cordoned).map(|node| &node.key.name);
        in_force.extend(named("cordoned", cordoned));
        let lasts = |mitigation: &&Mitigation| {
            LASTING.contains(&mitigation.kind)
                && mitigation.done_at.is_some()
                && mitigation.undoable
                && mitigation.undone_by.is_none()
                && mitigation.undoes.is_none()
                && !self.restores(mitigation)
        };
        in_force.extend(self.mitigations.all.iter().filter(lasts).map(|mitigation| mitigation.title.clone()));
        let elsewhere = self.mitigations.lasting_elsewhere.iter();
        let is_taken_back = |intent: &u64| self.mitigations.undoable.iter().all(|one| one.id != *intent);
        in_force.extend(elsewhere.filter(|(intent, _)| !is_taken_back(intent)).map(|(_, title)| title.clone()));
        in_force
    }
}

impl State {
    /// Whether it set the number of pods that was there before somebody else changed it: that is to stay.
    fn restores(&self, mitigation: &Mitigation) -> bool {
        let Some(scale) = mitigation.wish.as_ref().and_then(|wish| wish.get::<Scale>()) else { return false };
        self.cluster.changes.iter().any(|change| {
            let is_it = change.object.key == scale.workload.key && !change.is_own();
            is_it && matches!(change.what, ChangeKind::Scaled { from: Some(from), to } if from == scale.replicas && to < from)
        })
    }
}

fn named<'a>(word: &str, names: impl Iterator<Item = &'a Text>) -> Option<Text> {
    let few = units::first_few(names, NAMED);
    (!few.is_empty()).then(|| Text::line(&format!("{word}: {few}")))
}
