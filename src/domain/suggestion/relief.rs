//! What relieves without mending: the circuit breaker, more pods.

use super::{
    super::{
        ask::Request,
        asks::{Scale, SetConfigKey},
        complaint::{About, Complaint, roots},
        suspect::Confidence,
        text::Text,
        units,
    },
    Breaker, Evidence, Overload, Suggestion, more_replicas, weight,
};

impl Evidence {
    /// Whether the breaker stands between callers and a service: as configured; else where one of those that read its ConfigMap
    /// complains of it, or waits itself.
    pub(super) fn is_guarded(&self, breaker: &Breaker, service: &Text) -> bool {
        if !breaker.guards.is_empty() {
            return breaker.guards.contains(service);
        }
        let blames = |complaint: &Complaint| breaker.readers.contains(&complaint.service) && complaint.about == About::Service(service.clone());
        // Who waits for whom is known from what they say alone.
        breaker.readers.contains(service) || self.complaints.iter().any(blames)
    }

    /// Whether a service says that it lacks slots or pods, or hangs: fewer calls from one caller change nothing of that.
    pub(super) fn is_short_itself(&self, service: &Text) -> bool {
        let lacks = |about: &About| matches!(about, About::DatabaseSlots | About::Overload | About::Stuck | About::Names);
        self.complaints.iter().any(|complaint| complaint.service == *service && lacks(&complaint.about))
    }

    /// The breaker spares callers what cannot answer; it mends no service that fails by itself.
    pub(super) fn breaker_on(&self, has_cause: bool) -> Option<Suggestion> {
        let breaker = self.breaker.as_ref().filter(|breaker| !breaker.is_on)?;
        let is_slow = self.unanswered().is_some();
        let aim = self.critical_errors.clone().or_else(|| self.worst.clone().filter(|_| is_slow))?;
        // Where nodes are lost the callers wait for pods that are on their way.
        if !self.lost.is_empty() {
            return None;
        }
        let guarded = roots(&self.complaints).into_iter().find(|root| self.is_guarded(breaker, root) && !self.is_short_itself(root));
        let unanswered = self.unanswered().filter(|complaint| !has_cause && self.is_guarded(breaker, &complaint.service));
        let (evidence, weight, confidence) = match (unanswered, guarded) {
            (Some(Complaint { service, about: About::Remote, .. }), _) => {
                (format!("{service} waits for something outside the cluster"), weight::DEPENDENCY, Confidence::Likely)
            }
            (Some(Complaint { service, about, .. }), _) => {
                let other = about.other().map_or("an address that nobody here has", Text::as_str);
                (format!("{service} gets no answer from {other}"), weight::DEPENDENCY, Confidence::Possible)
            }
            (None, _) if has_cause => ("errors are critical and the breaker is off".to_owned(), weight::RELIEF, Confidence::Possible),
            (None, Some(root)) if !self.was_cured => (format!("callers wait for {root}"), weight::RELIEF, Confidence::Possible),
            _ => return None,
        };
        let patch = serde_json::json!({ "data": { (breaker.name.as_str()): breaker.value_on.as_str() } }).to_string();
        let words = ["patch", "configmap", &breaker.config_map.name, "--type=merge", "-p", &patch].map(str::to_owned);
        Some(Suggestion {
            key: 'b',
            title: Text::line(&format!("circuit breaker on ({})", breaker.config_map.name)),
            confidence,
            evidence: Text::line(&evidence),
            weight,
            aim: Some(aim),
            request: Request::of(SetConfigKey::set(breaker.config_map.clone(), &breaker.name, &breaker.value_on)).because(Text::line(&evidence)),
            kubectl: self.kubectl(&words, &breaker.config_map.namespace),
        })
    }

    /// None when not all pods are ready (more of them would not start either), the autoscaler is at its end, or it waits for something else.
    pub(super) fn scale(&self, overload: &Overload, has_cause: bool) -> Option<Suggestion> {
        if overload.replicas == 0 || overload.ready < overload.replicas || !self.lost.is_empty() || self.has_quota {
            return None;
        }
        // One alone that no autoscaler multiplies is mostly a primary or a leader: a second one may do harm.
        if overload.replicas == 1 && overload.max.is_none() {
            return None;
        }
        let replicas = more_replicas(overload.replicas, overload.max);
        if replicas <= overload.replicas {
            return None;
        }
        let name = &overload.deployment.name;
        // What waits for something else does so in every pod.
        let waits = |about: &About| matches!(about, About::Remote | About::Inside(_) | About::Service(_) | About::Names | About::Certificate);
        if self.complaints.iter().any(|complaint| complaint.service == *name && waits(&complaint.about)) {
            return None;
        }
        let words = ["scale".to_owned(), format!("deploy/{name}"), format!("--replicas={replicas}")];
        Some(Suggestion {
            key: 's',
            title: Text::line(&format!("scale {name} {} → {replicas}", overload.replicas)),
            confidence: Confidence::Possible,
            evidence: Text::line(&format!("{} is critical, all {} ready", overload.what, units::counted(overload.ready.into(), "pod"))),
            weight: if has_cause { weight::RELIEF - 1 } else { weight::OVERLOAD },
            aim: Some(overload.indicator.clone()),
            request: Request::of(Scale::deployment(overload.deployment.clone(), replicas))
                .because(Text::line(&format!("{} is critical", overload.what))),
            kubectl: self.kubectl(&words, &overload.deployment.namespace),
        })
    }
}
