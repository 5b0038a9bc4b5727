//! Which mitigation the evidence speaks for, what is better waited for, and what is still in force. Nothing is run by itself.
//!
//! What takes the cause away comes before what relieves a symptom, and silence before a guess: where several changes came
//! before a trouble and nothing ties one of them to it, none is suggested and all are named.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::{
    ask::Request,
    asks::{Restart, RestartDns, RestartUnhealthy, Scale, SetConfigKey, SetHpaBounds, UndoRollout, Unhealthy},
    change::ChangeKind,
    complaint::{About, Complaint, mentions, roots},
    object::{Key, ObjectRef},
    shell,
    suspect::{Candidate, Confidence, Scene, Suspect, TIED, suspects},
    text::Text,
    units,
};

#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    /// The key that opens its card on the cockpit: `u`, `r`, `b`, `s`.
    pub key: char,
    /// `undo rollout api-gateway to rev 41`.
    pub title: Text,
    pub confidence: Confidence,
    /// `2 pods crash, rolled out 2 min before the trouble`.
    pub evidence: Text,
    /// Higher is stronger.
    pub weight: u32,
    /// Id of the indicator it is meant to better, by which it is judged.
    pub aim: Option<Text>,
    pub request: Request,
    /// The same by kubectl, for those who may not write from here.
    pub kubectl: Text,
}

/// What the evidence comes to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Advice {
    /// Strongest first.
    pub suggestions: Vec<Suggestion>,
    /// A mitigation is at work: what it has done so far, and until when to wait.
    pub waiting: Option<Text>,
    /// Why there is no suggestion, and where to look.
    pub note: Option<Text>,
}

/// What is known that speaks for or against a mitigation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evidence {
    pub now: DateTime<Utc>,
    /// When the present trouble began; none while there is none.
    pub began: Option<DateTime<Utc>>,
    /// Id of the worst indicator, by which a cure is judged.
    pub worst: Option<Text>,
    /// Id of an error indicator that is critical.
    pub critical_errors: Option<Text>,
    pub candidates: Vec<Candidate>,
    pub complaints: Vec<Complaint>,
    /// When indicators that are bad began to rise, with their titles.
    pub onsets: Vec<(Text, DateTime<Utc>)>,
    /// Where the deployments are that complaints name.
    pub namespace: Text,
    /// Names of the deployments there.
    pub deployments: Vec<Text>,
    /// A quota lets no other pods come.
    pub has_quota: bool,
    /// Unhealthy pods by app, without those on lost nodes.
    pub unhealthy: Vec<UnhealthyApp>,
    /// Nodes that stopped answering, and what was on them.
    pub lost: Vec<LostNode>,
    /// The circuit breaker, where its ConfigMap was seen.
    pub breaker: Option<Breaker>,
    /// Indicators of load that are critical, with the deployment that would take more of it.
    pub overloads: Vec<Overload>,
    /// Autoscalers that want more than they may have.
    pub capped: Vec<Capped>,
    /// Own mitigations that made things worse.
    pub worsening: Vec<Worsening>,
    /// A mitigation, ours or another's, whose effect has to be waited for.
    pub waiting: Option<Text>,
    /// A mitigation of this episode helped, and nothing went wrong since: only what is tied to the trouble is suggested.
    pub was_cured: bool,
    pub restart_at_once: u8,
    /// Context of kubectl.
    pub context: Text,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnhealthyApp {
    pub app: Text,
    pub pods: Vec<ObjectRef>,
    /// How many of them wait in a crash loop.
    pub crash_looping: usize,
    pub out_of_memory: usize,
    /// How many run, and are not ready for no reason that a new start would not end.
    pub hanging: usize,
    /// The deployment they belong to.
    pub deployment: Option<Key>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostNode {
    pub name: Text,
    pub since: Option<DateTime<Utc>>,
    /// Those with a controller that replaces them elsewhere.
    pub pods: Vec<ObjectRef>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    pub config_map: Key,
    pub name: Text,
    pub value_on: Text,
    pub is_on: bool,
    /// Deployments that read it: their calls are guarded. Empty where that is not known.
    pub readers: Vec<Text>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overload {
    /// `Sync backlog 4,210`.
    pub what: Text,
    /// Id of the indicator.
    pub indicator: Text,
    pub deployment: Key,
    pub replicas: u32,
    pub ready: u32,
    /// Most replicas that an autoscaler allows.
    pub max: Option<u32>,
}

/// A mitigation that made things worse, and the request that takes it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worsening {
    pub title: Text,
    pub evidence: Text,
    pub request: Request,
    pub aim: Option<Text>,
}

/// An autoscaler at its bound, with more load than its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capped {
    pub autoscaler: Key,
    pub max: u32,
    /// `cpu 96%/70%`.
    pub metric: Text,
    /// All pods of what it scales are ready.
    pub is_ready: bool,
}

/// How far up a kind of suggestion stands: causes, then what hangs, then relief.
mod weight {
    pub const WORSENING: u32 = 120;
    pub const LOST_NODES: u32 = 112;
    pub const SUSPECT: u32 = 30;
    pub const HANGING: u32 = 78;
    pub const CAPPED: u32 = 74;
    pub const NAMES: u32 = 72;
    pub const ANEW: u32 = 71;
    pub const DEPENDENCY: u32 = 70;
    pub const OUT_OF_MEMORY: u32 = 46;
    pub const OVERLOAD: u32 = 44;
    pub const RELIEF: u32 = 20;
}

/// Ranked, strongest first; bounded by what the evidence holds.
pub fn advise(evidence: &Evidence) -> Advice {
    if let Some(waiting) = &evidence.waiting {
        return Advice { waiting: Some(waiting.clone()), ..Advice::default() };
    }
    let scene = Scene { now: evidence.now, began: evidence.began, complaints: &evidence.complaints, onsets: &evidence.onsets };
    let all = suspects(&evidence.candidates, scene);
    let named: Vec<&Suspect<'_>> = evidence.named(&all);
    let mut suggestions: Vec<Suggestion> = named.iter().filter_map(|suspect| evidence.take_back(suspect)).collect();
    suggestions.extend(evidence.worsening.iter().map(|worse| Suggestion {
        key: 'U',
        title: Text::line(&format!("take back: {}", worse.title)),
        confidence: Confidence::Likely,
        evidence: worse.evidence.clone(),
        weight: weight::WORSENING,
        aim: worse.aim.clone(),
        request: worse.request.clone(),
        kubectl: Text::default(),
    }));
    suggestions.extend(evidence.replace());
    suggestions.extend(evidence.unhealthy.iter().filter_map(|app| evidence.restart(app, &named)));
    suggestions.extend(evidence.capped.iter().filter(|_| evidence.began.is_some() && !evidence.has_quota).map(|capped| evidence.raise(capped)));
    suggestions.extend(evidence.restart_dns());
    suggestions.extend(evidence.start_anew());
    let has_cause = !suggestions.is_empty();
    suggestions.extend(evidence.breaker_on(has_cause));
    suggestions.extend(evidence.overloads.iter().filter_map(|overload| evidence.scale(overload, has_cause)));
    suggestions.sort_by(|one, other| other.weight.cmp(&one.weight).then_with(|| one.title.cmp(&other.title)));
    let note = if suggestions.is_empty() { evidence.note(&all) } else { None };
    Advice { suggestions, waiting: None, note }
}

impl Evidence {
    /// The suspects that are worth a suggestion: those that something ties to the trouble; else the only one there is.
    fn named<'s, 'a>(&self, all: &'s [Suspect<'a>]) -> Vec<&'s Suspect<'a>> {
        let likely: Vec<_> = all.iter().filter(|suspect| suspect.confidence == Confidence::Likely).collect();
        if !likely.is_empty() || self.was_cured || self.is_explained() {
            return likely;
        }
        // Coincidence in time alone is no ground; where several are tied by no more than a rise, none stands out.
        let tied: Vec<_> = all.iter().filter(|suspect| suspect.score >= TIED).collect();
        if tied.len() == 1 { tied } else { Vec::new() }
    }

    /// Something other than a change accounts for the trouble.
    fn is_explained(&self) -> bool {
        !self.lost.is_empty()
            || !self.capped.is_empty()
            || self.remote().is_some()
            || self.speaks_of(&About::Names)
            || self.speaks_of(&About::Certificate)
    }

    fn speaks_of(&self, about: &About) -> bool {
        self.complaints.iter().any(|complaint| complaint.about == *about)
    }

    /// The loudest complaint of something outside, by a service where the trouble begins and that says nothing worse of itself.
    fn remote(&self) -> Option<&Complaint> {
        let roots = roots(&self.complaints);
        let of_roots = || self.complaints.iter().filter(|complaint| roots.contains(&&complaint.service));
        let loudest = of_roots().filter(|complaint| complaint.about == About::Remote).max_by_key(|complaint| complaint.recent)?;
        let sum = |is_remote: bool| {
            let of = of_roots().filter(|complaint| complaint.service == loudest.service && (complaint.about == About::Remote) == is_remote);
            of.map(|complaint| complaint.recent).sum::<u64>()
        };
        (sum(true) > sum(false)).then_some(loudest)
    }

    /// Whether the breaker stands between callers and a service: one of those that read its ConfigMap complains of it, or waits itself.
    fn is_guarded(&self, breaker: &Breaker, service: &Text) -> bool {
        let blames = |complaint: &Complaint| breaker.readers.contains(&complaint.service) && complaint.about == About::Service(service.clone());
        // Where those that read it complain of nothing, it is not known whom they wait for.
        let is_silent = !self.complaints.iter().any(|complaint| breaker.readers.contains(&complaint.service));
        is_silent || breaker.readers.contains(service) || self.complaints.iter().any(blames)
    }

    /// Whether a service says that it lacks slots or pods, or hangs: fewer calls from one caller change nothing of that.
    fn is_short_itself(&self, service: &Text) -> bool {
        let lacks = |about: &About| matches!(about, About::DatabaseSlots | About::Overload | About::Stuck | About::Names);
        self.complaints.iter().any(|complaint| complaint.service == *service && lacks(&complaint.about))
    }

    fn take_back(&self, suspect: &Suspect<'_>) -> Option<Suggestion> {
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
    fn replace(&self) -> Option<Suggestion> {
        let lost: Vec<&LostNode> = self.lost.iter().filter(|node| !node.pods.is_empty()).collect();
        let pods: Vec<ObjectRef> = lost.iter().flat_map(|node| node.pods.iter().cloned()).take(RestartUnhealthy::MOST).collect();
        let first = pods.first()?;
        let names = lost.iter().map(|node| node.name.as_str()).collect::<Vec<_>>().join(", ");
        let since = lost.iter().filter_map(|node| node.since).min();
        let since = since.map(|since| format!(" (down since {})", since.format("%H:%M"))).unwrap_or_default();
        let count = count_of(pods.len(), "pod");
        let nodes = if lost.len() == 1 { "its node does not answer" } else { "their nodes do not answer" };
        let mut words = vec!["delete".to_owned(), "pod".to_owned()];
        words.extend(pods.iter().map(|pod| pod.key.name.to_string()));
        let namespace = first.key.namespace.clone();
        Some(Suggestion {
            key: 'r',
            title: Text::line(&format!("replace {count} of {names}{since}")),
            confidence: Confidence::Likely,
            evidence: Text::line(&format!("{nodes}, other nodes have room to try")),
            weight: weight::LOST_NODES,
            aim: self.worst.clone(),
            request: Request::of(RestartUnhealthy { app: Text::line(&names), pods: Unhealthy::Listed(pods), at_once: None })
                .because(Text::line(&format!("{names} does not answer"))),
            kubectl: self.kubectl(&words, &namespace),
        })
    }

    /// None for what ends again as soon as it is started again, unless a rollout of it is suspected: then it may buy minutes.
    fn restart(&self, app: &UnhealthyApp, named: &[&Suspect<'_>]) -> Option<Suggestion> {
        let is_suspected = named.iter().any(|suspect| app.deployment.as_ref() == Some(&suspect.candidate.change.object.key));
        let mut evidence = Vec::new();
        if app.hanging > 0 {
            evidence.push(format!(
                "{} but {} not ready",
                if app.hanging == 1 { "1 runs" } else { "some run" },
                if app.hanging == 1 { "is" } else { "are" }
            ));
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
        let pods: Vec<ObjectRef> = app.pods.iter().take(RestartUnhealthy::MOST).cloned().collect();
        let mut words = vec!["delete".to_owned(), "pod".to_owned()];
        words.extend(pods.iter().map(|pod| pod.key.name.to_string()));
        let namespace = pods.first().map(|pod| pod.key.namespace.clone()).unwrap_or_default();
        Some(Suggestion {
            key: 'r',
            title: Text::line(&format!("restart {} unhealthy {} {}", pods.len(), app.app, if pods.len() == 1 { "pod" } else { "pods" })),
            confidence: if app.hanging > 0 { Confidence::Likely } else { Confidence::Possible },
            evidence: Text::line(&evidence),
            weight,
            aim: self.worst.clone(),
            request: Request::of(RestartUnhealthy { app: app.app.clone(), pods: Unhealthy::Listed(pods), at_once: Some(self.restart_at_once) })
                .because(Text::line(&evidence)),
            kubectl: self.kubectl(&words, &namespace),
        })
    }

    fn raise(&self, capped: &Capped) -> Suggestion {
        let most = more_replicas(capped.max, None);
        let name = &capped.autoscaler.name;
        let evidence = format!("at its bound of {}, {}", capped.max, capped.metric);
        Suggestion {
            key: 's',
            title: Text::line(&format!("raise {name} to {most} replicas at most")),
            confidence: if capped.is_ready { Confidence::Likely } else { Confidence::Possible },
            evidence: Text::line(&evidence),
            weight: if capped.is_ready { weight::CAPPED } else { weight::RELIEF },
            aim: self.worst.clone(),
            request: Request::of(SetHpaBounds::of(capped.autoscaler.clone(), None, Some(most.into()))).because(Text::line(&evidence)),
            kubectl: self.kubectl(&hpa_patch(&capped.autoscaler, None, most), &capped.autoscaler.namespace),
        }
    }

    /// Names that do not resolve in several services at once.
    fn restart_dns(&self) -> Option<Suggestion> {
        let mut services: Vec<&Text> =
            self.complaints.iter().filter(|complaint| complaint.about == About::Names).map(|complaint| &complaint.service).collect();
        services.sort();
        services.dedup();
        let words = ["rollout", "restart", "deployment", "-l", "k8s-app=kube-dns"].map(str::to_owned);
        (services.len() >= 2).then(|| {
            let evidence = format!("names do not resolve in {}", count_of(services.len(), "service"));
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
    fn start_anew(&self) -> Vec<Suggestion> {
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

    /// The breaker spares callers what cannot answer; it mends no service that fails by itself.
    fn breaker_on(&self, has_cause: bool) -> Option<Suggestion> {
        let breaker = self.breaker.as_ref().filter(|breaker| !breaker.is_on)?;
        let is_slow = self.remote().is_some();
        let aim = self.critical_errors.clone().or_else(|| self.worst.clone().filter(|_| is_slow))?;
        // Where nodes are lost the callers wait for pods that are on their way.
        if !self.lost.is_empty() {
            return None;
        }
        let guarded = roots(&self.complaints).into_iter().find(|root| self.is_guarded(breaker, root) && !self.is_short_itself(root));
        let remote = self.remote().filter(|remote| !has_cause && self.is_guarded(breaker, &remote.service));
        let (evidence, weight, confidence) = match (remote, guarded) {
            (Some(complaint), _) => (format!("{} waits for something outside", complaint.service), weight::DEPENDENCY, Confidence::Likely),
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

    /// None when not all pods are ready (more of them would not start either) or the autoscaler is at its end.
    fn scale(&self, overload: &Overload, has_cause: bool) -> Option<Suggestion> {
        if overload.replicas == 0 || overload.ready < overload.replicas || !self.lost.is_empty() || self.has_quota {
            return None;
        }
        let replicas = more_replicas(overload.replicas, overload.max);
        if replicas <= overload.replicas {
            return None;
        }
        let name = &overload.deployment.name;
        let words = ["scale".to_owned(), format!("deploy/{name}"), format!("--replicas={replicas}")];
        Some(Suggestion {
            key: 's',
            title: Text::line(&format!("scale {name} {} → {replicas}", overload.replicas)),
            confidence: Confidence::Possible,
            evidence: Text::line(&format!("{} is critical, all {} ready", overload.what, count_of(overload.ready as usize, "pod"))),
            weight: if has_cause { weight::RELIEF - 1 } else { weight::OVERLOAD },
            aim: Some(overload.indicator.clone()),
            request: Request::of(Scale::deployment(overload.deployment.clone(), replicas))
                .because(Text::line(&format!("{} is critical", overload.what))),
            kubectl: self.kubectl(&words, &overload.deployment.namespace),
        })
    }

    fn kubectl(&self, words: &[String], namespace: &str) -> Text {
        let mut line = shell::line(std::iter::once("kubectl").chain(words.iter().map(String::as_str)));
        let _ = write!(line, " -n {} --context {}", shell::quoted(namespace), shell::quoted(&self.context));
        Text::line(&line)
    }

    /// Why nothing is suggested, and where to look.
    fn note(&self, all: &[Suspect<'_>]) -> Option<Text> {
        self.began?;
        let service = |about: &About| self.complaints.iter().find(|complaint| complaint.about == *about).map(|complaint| complaint.service.clone());
        let words = if !self.lost.is_empty() {
            let names = self.lost.iter().take(3).map(|node| node.name.as_str()).collect::<Vec<_>>().join(", ");
            format!("{names} lost: the cluster starts their pods elsewhere, five minutes after it noticed")
        } else if self.has_quota {
            "a quota lets no more pods come: more replicas change nothing".to_owned()
        } else if self.was_cured {
            "the mitigation helped: wait until all is good".to_owned()
        } else if let Some(service) = service(&About::Certificate) {
            format!("{service} speaks of a certificate: look at that first")
        } else if all.len() > 1 {
            let mut names: Vec<&str> = all.iter().map(|suspect| suspect.candidate.change.object.key.name.as_str()).collect();
            names.dedup();
            let more = names.len().saturating_sub(3);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            names.truncate(3);
            format!("{} changes before it, none stands out: look at {}{more}", all.len(), names.join(", "))
        } else if let Some(complaint) = self.complaints.iter().max_by_key(|complaint| complaint.recent) {
            format!("no change and no pod explains it: look at the errors of {}", complaint.service)
        } else {
            return None;
        };
        Some(Text::line(&words))
    }
}

fn hpa_patch(autoscaler: &Key, min: Option<u32>, max: u32) -> Vec<String> {
    let mut bounds = serde_json::Map::new();
    bounds.extend(min.map(|min| ("minReplicas".to_owned(), min.into())));
    bounds.insert("maxReplicas".to_owned(), max.into());
    let patch = serde_json::json!({ "spec": bounds }).to_string();
    ["patch", "hpa", &autoscaler.name, "--type=merge", "-p", &patch].map(str::to_owned).to_vec()
}

/// Half as many again, at least one, and no more than the autoscaler allows.
pub fn more_replicas(current: u32, max: Option<u32>) -> u32 {
    let wanted = current.saturating_add((current / 2).max(1));
    max.map_or(wanted, |max| wanted.min(max))
}

fn count_of(count: usize, what: &str) -> String {
    let number = units::thousands(count as u64);
    if count == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
