//! What was set during an incident and is still so: a breaker that is on, a paused rollout, a cordoned node, more replicas.
//! It is listed until it is taken back, so that nobody forgets it.

use crate::domain::{
    asks::{SET_HPA_BOUNDS, SWITCH_SERVICE, Scale, Silence},
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
        };
        in_force.extend(self.mitigations.all.iter().filter(lasts).map(|mitigation| mitigation.title.clone()));
        let elsewhere = self.mitigations.lasting_elsewhere.iter();
        let is_taken_back = |intent: &u64| self.mitigations.undoable.iter().all(|one| one.id != *intent);
        in_force.extend(elsewhere.filter(|(intent, _)| !is_taken_back(intent)).map(|(_, title)| title.clone()));
        in_force
    }
}

fn named<'a>(word: &str, names: impl Iterator<Item = &'a Text>) -> Option<Text> {
    let few = units::first_few(names, NAMED);
    (!few.is_empty()).then(|| Text::line(&format!("{word}: {few}")))
}
