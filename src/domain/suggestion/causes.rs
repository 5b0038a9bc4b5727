//! What takes a cause away: a change taken back, pods in the place of lost or hanging ones, an autoscaler's bound raised.

use super::{
    super::{
        ask::Request,
        asks::{Restart, RestartDns, RestartUnhealthy, Scale, SetConfigKey, SetHpaBounds, UndoRollout, Unhealthy},
        change::ChangeKind,
        complaint::{About, mentions, roots},
        object::{Key, ObjectRef},
        suspect::{Confidence, Suspect},
        text::Text,
        units,
    },
    Capped, Evidence, LostNode, NAMED, Suggestion, UnhealthyApp, weight,
};

/// A bound is raised to so many times itself at most.
const MOST_RAISED: u32 = 4;

impl Evidence {
    pub(super) fn take_back(&self, suspect: &Suspect<'_>) -> Option<Suggestion> {
        let object = &suspect.candidate.change.object;
        let (title, request, words) = match &suspect.candidate.change.what {
            ChangeKind::Rollout { from, .. } if *from > 0 => (
                format!("undo rollout {} to rev {from}", object.key.name),
                Request::of(UndoRollout::deployment(object.key.clone(), Some(*from))),
                vec!["rollout".to_owned(), "undo".to_owned(), format!("deploy/{}", object.key.name), format!("--to-revision={from}")],
            ),
            ChangeKind::ConfigChanged { keys } => {
                let [(key, Some(before), _)] = keys.as_slice() else { return None };
                let patch = serde_json::json!({ "data": { (key.as_str()): before.as_str() } }).to_string();
                (
                    format!("set {key} of {} back to {before}", object.key.name),
                    Request::of(SetConfigKey::set(object.key.clone(), key, before)),
                    vec!["patch".to_owned(), "configmap".to_owned(), object.key.name.to_string(), "--type=merge".to_owned(), "-p".to_owned(), patch],
                )
            }
            ChangeKind::Scaled { from: Some(from), to } => (
                format!("scale {} {to} → {from}", object.key.name),
                Request::of(Scale::deployment(object.key.clone(), *from)),
                vec!["scale".to_owned(), format!("deploy/{}", object.key.name), format!("--replicas={from}")],
            ),
            ChangeKind::BoundsChanged { from: Some((min, max)), .. } => (
                format!("set {} back to {min}..{max}", object.key.name),
                Request::of(SetHpaBounds::of(object.key.clone(), Some((*min).into()), Some((*max).into()))),
                hpa_patch(&object.key, Some(*min), *max),
            ),
            _ => return None,
        };
        let change = suspect.candidate.change.what_happened();
        Some(Suggestion {
            key: if matches!(suspect.candidate.change.what, ChangeKind::Scaled { .. } | ChangeKind::BoundsChanged { .. }) { 's' } else { 'u' },
            title: Text::line(&title),
            confidence: suspect.confidence,
            evidence: suspect.why.clone(),
            weight: weight::SUSPECT + suspect.score,
            aim: self.worst.clone(),
            request: request.because(Text::line(&format!("{change}: {}", suspect.why))),
            kubectl: self.kubectl(&words, &object.key.namespace),
        })
    }

    /// New pods in the place of those that went with their nodes.
    pub(super) fn replace(&self) -> Option<Suggestion> {
        let lost: Vec<&LostNode> = self.lost.iter().filter(|node| !node.pods.is_empty()).collect();
        let pods: Vec<ObjectRef> = lost.iter().flat_map(|node| node.pods.iter().cloned()).take(RestartUnhealthy::MOST).collect();
        let first = pods.first()?;
        let names = units::first_few(lost.iter().map(|node| &node.name), NAMED);
        let since = lost.iter().filter_map(|node| node.since).min();
        let since = since.map(|since| format!(" (down since {})", since.format("%H:%M"))).unwrap_or_default();
        let count = units::counted(pods.len() as u64, "pod");
        let (nodes, verb) = if lost.len() == 1 { ("node", "does") } else { ("nodes", "do") };
        let mut words = vec!["delete".to_owned(), "pod".to_owned()];
        words.extend(pods.iter().map(|pod| pod.key.name.to_string()));
        let namespace = first.key.namespace.clone();
        Some(Suggestion {
            key: 'r',
            title: Text::line(&format!("replace {count} of {names}{since}")),
            confidence: Confidence::Likely,
            evidence: Text::line(&format!("the {nodes} {verb} not answer; new pods start on others")),
            weight: weight::LOST_NODES,
            aim: self.worst.clone(),
            request: Request::of(RestartUnhealthy { app: Text::line(&names), pods: Unhealthy::Listed(pods), at_once: None, is_lost: true })
                .because(Text::line(&format!("{names} {verb} not answer"))),
            kubectl: self.kubectl(&words, &namespace),
        })
    }

    /// None for what ends again as soon as it is started again, unless a rollout of it is suspected: then it may buy minutes.
    pub(super) fn restart(&self, app: &UnhealthyApp, named: &[&Suspect<'_>]) -> Option<Suggestion> {
        let is_suspected = named.iter().any(|suspect| app.deployment.as_ref() == Some(&suspect.candidate.change.object.key));
        let mut evidence = Vec::new();
        if app.hanging > 0 {
            let hanging = app.hanging as u64;
            evidence.push(format!("{hanging} {} but {} not ready", units::verb(hanging, "run"), units::verb(hanging, "are")));
        }
        if app.out_of_memory > 0 {
            evidence.push(format!("{} killed for memory", app.out_of_memory));
        }
        if app.crash_looping > 0 {
            evidence.push(format!("{} in a crash loop", app.crash_looping));
        }
        let weight = match (is_suspected, app.hanging, app.out_of_memory) {
            (true, ..) => weight::RELIEF + 5,
            (false, 1.., _) => weight::HANGING,
            (false, 0, 1..) => weight::OUT_OF_MEMORY,
            (false, 0, 0) => return None,
        };
        if is_suspected {
            evidence.push("a restart keeps the new revision".to_owned());
        } else if app.hanging == 0 {
            evidence.push("a restart buys minutes".to_owned());
        }
        let evidence = evidence.join(", ");
        let started = if app.started > 0 { format!(", and {} just started", app.started) } else { String::new() };
        let pods: Vec<ObjectRef> = app.pods.iter().take(RestartUnhealthy::MOST).cloned().collect();
        let mut words = vec!["delete".to_owned(), "pod".to_owned()];
        words.extend(pods.iter().map(|pod| pod.key.name.to_string()));
        let namespace = pods.first().map(|pod| pod.key.namespace.clone()).unwrap_or_default();
        Some(Suggestion {
            key: 'r',
            title: Text::line(&format!("restart {} unhealthy {} {}", pods.len(), app.app, units::plural(pods.len() as u64, "pod"))),
            confidence: if app.hanging > 0 { Confidence::Likely } else { Confidence::Possible },
            evidence: Text::line(&format!("{evidence}{started}")),
            weight,
            aim: self.worst.clone(),
            request: Request::of(RestartUnhealthy {
                app: app.app.clone(),
                pods: Unhealthy::Listed(pods),
                at_once: Some(self.restart_at_once),
                is_lost: false,
            })
            .because(Text::line(&evidence)),
            kubectl: self.kubectl(&words, &namespace),
        })
    }

    pub(super) fn raise(&self, capped: &Capped) -> Suggestion {
        // A load that grows is not followed step by step, and one metric that is wild does not fill the cluster.
        let most = capped.wanted.clamp(capped.max.saturating_add(1), capped.max.saturating_mul(MOST_RAISED).max(capped.max.saturating_add(1)));
        let name = &capped.autoscaler.name;
        let evidence = format!("at its bound of {}, {}", capped.max, capped.metric);
        Suggestion {
            key: 's',
            title: Text::line(&format!("raise {name} to {} at most", units::counted(u64::from(most), "replica"))),
            confidence: if capped.is_ready { Confidence::Likely } else { Confidence::Possible },
            evidence: Text::line(&evidence),
            weight: if capped.is_ready { weight::CAPPED } else { weight::RELIEF },
            aim: self.worst.clone(),
            request: Request::of(SetHpaBounds::of(capped.autoscaler.clone(), None, Some(most.into()))).because(Text::line(&evidence)),
            kubectl: self.kubectl(&hpa_patch(&capped.autoscaler, None, most), &capped.autoscaler.namespace),
        }
    }

    /// Names that do not resolve in several services at once.
    pub(super) fn restart_dns(&self) -> Option<Suggestion> {
        let mut services: Vec<&Text> =
            self.complaints.iter().filter(|complaint| complaint.about == About::Names).map(|complaint| &complaint.service).collect();
        services.sort();
        services.dedup();
        let words = ["rollout", "restart", "deployment", "-l", "k8s-app=kube-dns"].map(str::to_owned);
        (services.len() >= 2).then(|| {
            let evidence = format!("names do not resolve in {}", units::counted(services.len() as u64, "service"));
            Suggestion {
                key: 'r',
                title: "restart cluster DNS".into(),
                confidence: Confidence::Possible,
                evidence: Text::line(&evidence),
                weight: weight::NAMES,
                aim: self.worst.clone(),
                request: Request::of(RestartDns::default()).because(Text::line(&evidence)),
                kubectl: self.kubectl(&words, "kube-system"),
            }
        })
    }

    /// A new process in the place of one that holds something old, or does nothing any more, while its pods count as ready.
    pub(super) fn start_anew(&self) -> Vec<Suggestion> {
        let roots = roots(&self.complaints);
        let anew = |name: &Text, evidence: String| {
            let key = Key { namespace: self.namespace.clone(), name: name.clone() };
            let words = ["rollout".to_owned(), "restart".to_owned(), format!("deploy/{name}")];
            Suggestion {
                key: 'r',
                title: Text::line(&format!("restart every pod of {name}")),
                confidence: Confidence::Possible,
                evidence: Text::line(&evidence),
                weight: weight::ANEW,
                aim: self.worst.clone(),
                kubectl: self.kubectl(&words, &key.namespace),
                request: Request::of(Restart::deployment(key)).because(Text::line(&evidence)),
            }
        };
        let mut found: Vec<Suggestion> = Vec::new();
        for complaint in &self.complaints {
            let has_unhealthy = |name: &Text| self.unhealthy.iter().any(|app| app.app == *name);
            let suggestion = match &complaint.about {
                About::Stuck if roots.contains(&&complaint.service) && !has_unhealthy(&complaint.service) => {
                    anew(&complaint.service, format!("{} says that it is stuck, and its pods count as ready", complaint.service))
                }
                About::Certificate => match self.deployments.iter().find(|name| **name != complaint.service && mentions(&complaint.shape, name)) {
                    Some(name) => anew(name, format!("{} is not shown a valid certificate by it: it may hold an old one", complaint.service)),
                    None => continue,
                },
                _ => continue,
            };
            if found.iter().all(|known| known.title != suggestion.title) {
                found.push(suggestion);
            }
        }
        found
    }
}

fn hpa_patch(autoscaler: &Key, min: Option<u32>, max: u32) -> Vec<String> {
    let mut bounds = serde_json::Map::new();
    bounds.extend(min.map(|min| ("minReplicas".to_owned(), min.into())));
    bounds.insert("maxReplicas".to_owned(), max.into());
    let patch = serde_json::json!({ "spec": bounds }).to_string();
    ["patch", "hpa", &autoscaler.name, "--type=merge", "-p", &patch].map(str::to_owned).to_vec()
}
