//! Emptying a node: it is cordoned, then its pods are evicted, a few at a time, where their disruption budgets allow it.
//!
//! One confirmation stands for one eviction of each pod on the card, and no other. A disruption budget's refusal is no effect;
//! so the same eviction is asked for again until the time is up, each time after a line of its own in the journal. The
//! precondition on the uid makes a second one harmless, should the first have been done after all: a pod on its way out
//! stays on its way out, and a namesake is not touched. Pods of daemon sets and mirror pods stay: they would be back at once.
//! What comes to the node after the card was drawn is not evicted.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Mitigation, cordon::Uncordon};
use crate::{
    actions::{
        converge, disruption,
        draft::{Draft, Undo, basis, subject},
        engine::Core,
        kubectl,
        named_pods::{self, Fate, Found},
        nodes, pods,
    },
    domain::{
        ask::{Ask, Wish, Words},
        catalogue::{Level, Parameter, Presence, Right, Spec},
        mitigation::{CheckKind, CheckResult, MitigationId},
        object::{Key, Kind, ObjectRef, Subject},
        phase::{LeftOut, Phase, Refusal, Wait},
        text::Text,
        units,
    },
};

/// Most pods of one drain: more than a node takes by default (110), and few enough for one line of the journal.
const MOST: usize = 250;
/// Pods on their way out at the same time.
const AT_ONCE: u8 = 5;
const MOST_AT_ONCE: u8 = 50;
/// Minutes after which it stops by itself.
const WITHIN: u64 = 10;
const LONGEST: u64 = 120;

static SPEC: Spec = Spec {
    name: "drain",
    key: 'd',
    summary: "cordon a node, then evict its pods where disruption budgets allow it",
    on: &[Kind::Node],
    takes_several: false,
    parameters: &[
        Parameter { name: "at-once=N", about: "most pods on their way out at the same time, 1 to 50; 5 if not given", presence: Presence::Optional },
        Parameter { name: "within=MINUTES", about: "stops by itself after so long, 1 to 120; 10 if not given", presence: Presence::Optional },
        Parameter {
            name: "leave=bare,emptydir",
            about: "leaves pods without a controller, or with emptyDir data, where they are",
            presence: Presence::Optional,
        },
    ],
    level: Level::Disruptive,
    more: "with pods without a controller, or with emptyDir data, destructive",
    rights: &[
        Right::of_cluster("get", "", "nodes"),
        Right::of_cluster("list", "", "nodes"),
        Right::of_cluster("patch", "", "nodes"),
        Right::on("get", "", "pods"),
        Right::on("list", "", "pods"),
        Right::below("create", "", "pods", "eviction"),
        Right::on("get", "apps", "replicasets"),
        Right::on("get", "apps", "statefulsets"),
        Right::on("list", "policy", "poddisruptionbudgets"),
        Right::on("list", "", "resourcequotas"),
        Right::on("list", "", "limitranges"),
    ],
    undo: "uncordon; evicted pods do not come back to it",
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drain {
    node: Subject,
    at_once: Option<u8>,
    within: Option<u64>,
    leaves_bare: bool,
    leaves_data: bool,
}

impl Ask for Drain {
    fn kind(&self) -> &'static str {
        SPEC.name
    }

    fn objects(&self) -> Vec<ObjectRef> {
        vec![self.node.reference()]
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec![self.node.to_string()];
        words.extend(self.at_once.map(|at_once| format!("at-once={at_once}")));
        words.extend(self.within.map(|minutes| format!("within={minutes}")));
        let left: Vec<_> = [(self.leaves_bare, "bare"), (self.leaves_data, "emptydir")].iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
        words.extend((!left.is_empty()).then(|| format!("leave={}", left.join(","))));
        words
    }
}

impl Mitigation for Drain {
    const SPEC: &'static Spec = &SPEC;

    fn parse(words: &mut Words<'_>) -> Result<Self, Text> {
        let mut drain = Self { node: words.subject()?, at_once: None, within: None, leaves_bare: false, leaves_data: false };
        loop {
            if let Some(typed) = words.named("at-once") {
                let number = typed.parse().ok().filter(|number| (1..=MOST_AT_ONCE).contains(number));
                drain.at_once = Some(number.ok_or_else(|| words.wrong(&format!("takes at-once=1 to {MOST_AT_ONCE}")))?);
            } else if let Some(typed) = words.named("within") {
                let minutes = typed.parse().ok().filter(|minutes| (1..=LONGEST).contains(minutes));
                drain.within = Some(minutes.ok_or_else(|| words.wrong(&format!("takes within=1 to {LONGEST} minutes")))?);
            } else if let Some(typed) = words.named("leave") {
                for word in typed.split(',') {
                    match word {
                        "bare" => drain.leaves_bare = true,
                        "emptydir" => drain.leaves_data = true,
                        _ => return Err(words.wrong("takes leave=bare, leave=emptydir or both")),
                    }
                }
            } else {
                return Ok(drain);
            }
        }
    }

    async fn draft(&self, core: &Arc<Core>, id: MitigationId) -> Result<Draft, Text> {
        let (target, object) = subject(core, &self.node).await?;
        let (found, is_partial) = nodes::pods_on(&core.api, &target.key.name).await?;
        if is_partial {
            return Err(Text::line(&format!("{target} has more than 500 pods: drain it by kubectl")));
        }
        let sorted = self.sort(&found);
        if sorted.evicted.len() > MOST {
            return Err(Text::line(&format!("{} pods are too many to look over at once: at most {MOST}", sorted.evicted.len())));
        }
        let is_cordoned = nodes::is_cordoned(&object);
        if is_cordoned && sorted.evicted.is_empty() {
            return Err(Text::line(&format!("{target} is cordoned, and has no pod to evict{}", sorted.stay_in_words("; "))));
        }
        Ok(self.plan(core, id, (&target, &object), is_cordoned, sorted))
    }
}

/// The pods of a node by what a drain does with them.
#[derive(Default)]
struct Sorted {
    evicted: Vec<Found>,
    daemons: usize,
    mirrors: usize,
    going: usize,
    /// Left by wish.
    left: usize,
}

impl Sorted {
    /// What stays where it is, and why, after `start`; nothing where nothing does.
    fn stay_in_words(&self, start: &str) -> String {
        let parts = [
            (self.daemons, "of daemon sets"),
            (self.mirrors, "that the node runs from files"),
            (self.left, "left by wish"),
            (self.going, "on their way out already"),
        ];
        let told: Vec<_> = parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        if told.is_empty() { String::new() } else { format!("{start}not evicted: {}", told.join(", ")) }
    }
}

impl Drain {
    fn sort(&self, found: &[Value]) -> Sorted {
        let mut sorted = Sorted::default();
        for pod in found {
            let fate = named_pods::fate(pod);
            if fate == Fate::Mirror {
                sorted.mirrors += 1;
            } else if matches!(pods::controller(pod), Some(("DaemonSet", _, _))) {
                sorted.daemons += 1;
            } else if pods::is_deleting(pod) {
                sorted.going += 1;
            } else if (self.leaves_bare && fate == Fate::Lost) || (self.leaves_data && has_data(pod)) {
                sorted.left += 1;
            } else {
                let namespace = pod.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default();
                let reference = ObjectRef { kind: Kind::Pod, key: Key::new(namespace, pods::name(pod)), uid: Text::line(pods::uid(pod)) };
                sorted.evicted.push((reference, pod.clone()));
            }
        }
        // What is lost for good comes first on the card.
        sorted.evicted.sort_by_key(|(pod, object)| (named_pods::fate(object) != Fate::Lost, !has_data(object), pod.key.clone()));
        sorted
    }

    fn plan(&self, core: &Arc<Core>, id: MitigationId, (target, object): (&ObjectRef, &Value), is_cordoned: bool, sorted: Sorted) -> Draft {
        let (name, at_once) = (&target.key.name, self.at_once.unwrap_or(AT_ONCE));
        let minutes = self.within.unwrap_or(WITHIN);
        let mut draft = Draft::about(id, Wish::new(self.clone()), &format!("Drain · {name}"), (target, object));
        let lost: Vec<_> = names(&sorted, |pod| named_pods::fate(pod) == Fate::Lost);
        let data: Vec<_> = names(&sorted, has_data);
        draft.level = if lost.is_empty() && data.is_empty() { Level::Disruptive } else { Level::Destructive };
        draft.targets.extend(sorted.evicted.iter().map(|(pod, object)| basis(pod, object)));
        draft.what = self.what(target, is_cordoned, &sorted, (&lost, &data), core.server_now());
        draft.kubectl = by_kubectl(core, name, minutes, (!lost.is_empty(), !data.is_empty()));
        draft.undo = if is_cordoned {
            Undo::Nothing("it was cordoned before: nothing to take back; evicted pods do not come back to it".into())
        } else {
            Undo::By(Wish::new(Uncordon { node: self.node.clone() }), "U uncordons it; evicted pods do not come back to it".into())
        };
        if !is_cordoned {
            draft.writes.push(nodes::cordon(target, object, true));
            draft.phases.push(Phase::in_order(1));
        }
        draft.writes.extend(sorted.evicted.iter().map(|(pod, _)| named_pods::eviction(pod)));
        draft.phases.push(Phase {
            writes: sorted.evicted.len(),
            left_out: LeftOut::Gone,
            wait: Wait::Gone { after: at_once },
            refusal: Refusal::AskedAgain { within: Duration::from_mins(minutes) },
        });
        draft.converge = converge::of_pods(&sorted.evicted);
        let (api, node) = (core.api.clone(), target.clone());
        draft.check(CheckKind::Effect, async move { nodes::elsewhere(&api, &node).await });
        let told = [("nothing brings back", &lost), ("emptyDir data is lost of", &data)];
        let told = told.iter().filter(|(_, names)| !names.is_empty()).map(|(what, names)| format!("{what} {}", some(names)));
        let told = told.collect::<Vec<_>>().join("; ");
        let covered = if told.is_empty() {
            CheckResult::Pass("every pod has a controller, and none has emptyDir data".into())
        } else {
            CheckResult::Warn(Text::line(&told))
        };
        draft.check(CheckKind::NotCovered, async { covered });
        named_pods::check_room(core, &mut draft, &sorted.evicted);
        let (api, pods) = (core.api.clone(), sorted.evicted);
        draft.check(CheckKind::Disruption, async move { disruption::of_evictions(&api, &pods).await });
        draft
    }

    fn what(&self, target: &ObjectRef, is_cordoned: bool, sorted: &Sorted, (lost, data): (&[String], &[String]), now: DateTime<Utc>) -> Vec<Text> {
        let (at_once, minutes) = (self.at_once.unwrap_or(AT_ONCE), self.within.unwrap_or(WITHIN));
        let cordon = if is_cordoned { "is cordoned already" } else { "cordon it" };
        let count = match sorted.evicted.len() {
            0 => "it has no pod to evict".to_owned(),
            1 => format!("evict 1 pod, for at most {minutes} min"),
            many if many <= usize::from(at_once) => format!("evict {many} pods, for at most {minutes} min"),
            many => format!("evict {many} pods, {at_once} at once, for at most {minutes} min"),
        };
        let mut lines = vec![Text::line(&format!("{target}  {cordon}, then {count}; x stops it"))];
        if !lost.is_empty() {
            lines.push(Text::line(&format!("DELETES FOR GOOD {}; leave=bare leaves them", some(lost))));
        }
        if !data.is_empty() {
            lines.push(Text::line(&format!("LOSES emptyDir DATA of {}; leave=emptydir leaves them", some(data))));
        }
        let stay = sorted.stay_in_words("");
        if !stay.is_empty() {
            lines.push(Text::line(&stay));
        }
        lines.extend(sorted.evicted.iter().map(|(pod, object)| {
            let state = if pods::is_unhealthy(object, now) { format!("  {}", pods::state(object, now)) } else { String::new() };
            Text::line(&format!("{pod} in {}{state}", pod.key.namespace))
        }));
        lines
    }
}

/// With no more leave than the pods on the card need: where another turns up, kubectl refuses.
fn by_kubectl(core: &Core, node: &str, minutes: u64, (has_bare, has_data): (bool, bool)) -> Text {
    let timeout = format!("--timeout={minutes}m");
    let mut arguments = vec!["drain", node, "--ignore-daemonsets", &timeout];
    arguments.extend(has_bare.then_some("--force"));
    arguments.extend(has_data.then_some("--delete-emptydir-data"));
    kubectl::command(&arguments, "", &core.kubectl)
}

fn names(sorted: &Sorted, is_it: impl Fn(&Value) -> bool) -> Vec<String> {
    sorted.evicted.iter().filter(|(_, object)| is_it(object)).map(|(pod, _)| pod.key.name.to_string()).collect()
}

/// The first three by name.
fn some(names: &[String]) -> String {
    units::first_few(names, 3)
}

/// Whether it keeps something on the node that goes with it.
fn has_data(pod: &Value) -> bool {
    let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array);
    volumes.into_iter().flatten().any(|volume| volume.get("emptyDir").is_some())
}
