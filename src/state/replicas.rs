//! How many replicas: the number that is offered, and the prompt that asks for it.

use crate::domain::{
    ask::Request,
    asks::Scale,
    object::{Kind, Subject},
    suggestion::more_replicas,
};

use super::{
    State,
    msg::Effect,
    overlay::{LineEdit, Overlay, ReplicasPrompt},
};

/// Most replicas that can be typed: beyond it is a slip of the finger.
pub(super) const MOST_REPLICAS: u32 = 1_000;

impl State {
    pub(super) fn scale_request(&self) -> Result<Request, String> {
        let workload = match self.focused_set() {
            Some(set) if set.kind == Kind::DaemonSet => return Err("a daemon set has one pod on each node: it has no replicas to set".to_owned()),
            Some(set) => set,
            None => Subject { kind: Kind::Deployment, key: self.deployment_or_why(None)? },
        };
        let replicas = more_replicas(
            self.replicas_of(&workload),
            self.cluster.autoscaler_of_kind(workload.kind, &workload.key).map(|autoscaler| autoscaler.max),
        );
        Ok(Request::of(Scale { workload, replicas }))
    }

    fn replicas_of(&self, workload: &Subject) -> u32 {
        let Subject { kind, key } = workload;
        match kind {
            Kind::StatefulSet => self.cluster.stateful_sets.get(key).map(|set| set.replicas),
            _ => self.cluster.deployments.get(key).map(|deployment| deployment.replicas),
        }
        .unwrap_or(0)
    }

    pub(super) fn ask_replicas(&mut self, request: Request) {
        let Some(Scale { workload, replicas }) = request.get::<Scale>().cloned() else { return };
        let current = self.replicas_of(&workload);
        let autoscaler = self
            .cluster
            .autoscaler_of_kind(workload.kind, &workload.key)
            .map(|autoscaler| (autoscaler.key.name.clone(), autoscaler.min, autoscaler.max));
        let line = LineEdit::of(&replicas.to_string());
        self.overlays.push(Overlay::Replicas(ReplicasPrompt { workload, current, autoscaler, line, reason: request.reason, complaint: None }));
    }

    /// `Enter` in the replicas prompt: the card, or what is wrong with the number.
    pub(super) fn replicas_entered(&mut self, effects: &mut Vec<Effect>) {
        let Some(Overlay::Replicas(prompt)) = self.overlays.last_mut() else { return };
        let complaint = match prompt.line.text.trim().parse::<u32>() {
            Err(_) => "type the number of replicas",
            Ok(replicas) if replicas > MOST_REPLICAS => "sev1 sets at most 1000",
            Ok(replicas) if replicas == prompt.current => "it already has that many",
            Ok(replicas) => {
                let request = Request::of(Scale { workload: prompt.workload.clone(), replicas }).because(prompt.reason.clone());
                self.overlays.pop();
                return self.open_card(request, effects);
            }
        };
        prompt.complaint = Some(complaint.into());
    }
}
