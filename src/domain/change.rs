//! What changed in the cluster lately: rollouts, scales, bounds, ConfigMaps, deleted pods.

use std::{cmp::Reverse, collections::BTreeMap};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    conceal,
    object::{Kind, ObjectRef},
    secrecy,
    text::Text,
    units,
    workload::{Autoscaler, ConfigMap, Deployment, Difference, Node, Written},
};

/// Changes kept, newest first.
pub const LIMIT: usize = 50;

/// How long a change is told of.
pub const TOLD: TimeDelta = TimeDelta::days(1);
/// Keys of one ConfigMap that are told of.
const MOST_KEYS_TOLD: usize = 16;
/// Characters kept of a value, and up to which a line shows it.
const VALUE_LIMIT: usize = 64;
const SHOWN_LENGTH: usize = 24;
/// A difference of one key of no more characters is told where there is little room, too.
const SHORT: usize = 44;

/// Field managers of autoscalers: the horizontal one of Kubernetes and KEDA. That they scale is their work, answers the load
/// and goes on all the time, so it is nobody's change.
const AUTOSCALERS: [&str; 2] = ["kube-controller-manager", "keda"];

/// The field manager under which this program writes.
pub const OWN_MANAGER: &str = "sev1";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Server time; none where nobody tells it.
    pub at: Option<DateTime<Utc>>,
    pub object: ObjectRef,
    pub what: ChangeKind,
    /// Field manager or user, where known.
    pub by: Option<Text>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    /// A new revision, with the images that differ as (container, before, after).
    Rollout {
        from: u64,
        to: u64,
        images: Vec<(Text, Text, Text)>,
        /// The revision whose template this one brings back, where it ran before.
        brings_back: Option<u64>,
        /// The revision that ran the same images before, where the one in between ran others and the rest of the template is not of it.
        images_of: Option<u64>,
    },
    /// The replicas that a deployment is to have, set by a person or a program other than its autoscaler.
    Scaled {
        from: Option<u32>,
        to: u32,
    },
    /// The least and the most replicas of an autoscaler.
    BoundsChanged {
        from: Option<(u32, u32)>,
        to: (u32, u32),
    },
    /// Keys that were seen to change, as (key, before, after); empty where only the write itself is known. Values of keys
    /// that hold secrets by name never stand here.
    ConfigChanged {
        keys: Vec<Difference>,
    },
    /// Pods of a deployment that somebody deleted.
    PodsDeleted {
        count: usize,
    },
    NodeNotReady {
        reason: Text,
    },
}

impl Change {
    /// Whether sev1 itself wrote it (its field manager).
    pub fn is_own(&self) -> bool {
        self.by.as_ref().is_some_and(|by| by == OWN_MANAGER)
    }

    /// `api-gateway rev 41 → 42 (image 2.3.1 → 2.4.0) by ci-deployer`.
    pub fn sentence(&self) -> Text {
        Text::line(&(self.what_happened() + &self.by_whom()))
    }

    /// ` by ci-deployer`; empty where nobody is known.
    pub fn by_whom(&self) -> String {
        self.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default()
    }

    /// `api-gateway rev 41 → 42 (image 2.3.1 → 2.4.0)`.
    pub fn what_happened(&self) -> String {
        match &self.what {
            ChangeKind::Rollout { images, .. } => match &**images {
                [] => self.in_short(),
                _ if self.is_image_back() => self.in_short(),
                [(_, before, after)] => format!("{} ({})", self.in_short(), image(before, after)),
                [(_, before, after), others @ ..] => format!("{} ({} and {} more)", self.in_short(), image(before, after), others.len()),
            },
            ChangeKind::ConfigChanged { keys } => match &**keys {
                [] => self.in_short(),
                [key] => format!("{} {}", self.object, difference(key)),
                [key, others @ ..] => format!("{} {} and {} more", self.object, difference(key), others.len()),
            },
            _ => self.in_short(),
        }
    }

    /// The same where there is little room, without images and values: `api-gateway rev 42 → 43, back to 41`.
    pub fn in_short(&self) -> String {
        let name = &self.object.key.name;
        match &self.what {
            ChangeKind::Rollout { from, to, brings_back: Some(back), .. } => format!("{name} rev {from} → {to}, back to {back}"),
            ChangeKind::Rollout { from, to, images, images_of: Some(back), .. } => match &**images {
                [(_, _, after)] => format!("{name} image back to {} (rev {from} → {to})", version(after)),
                _ => format!("{name} images back to those of {back} (rev {from} → {to})"),
            },
            ChangeKind::Rollout { from, to, .. } => format!("{name} rev {from} → {to}"),
            ChangeKind::Scaled { from: Some(from), to } => format!("{name} scaled {from} → {to}"),
            ChangeKind::Scaled { from: None, to } => format!("{name} scaled to {to}"),
            ChangeKind::BoundsChanged { from: Some((least, most)), to } => format!("{} {least}..{most} → {}..{}", self.object, to.0, to.1),
            ChangeKind::BoundsChanged { from: None, to } => format!("{} set to {}..{}", self.object, to.0, to.1),
            ChangeKind::ConfigChanged { keys } => match &**keys {
                [one] if difference(one).chars().count() <= SHORT => format!("{name} {}", difference(one)),
                [(key, ..)] => format!("{} {key} changed", self.object),
                _ => format!("{} changed", self.object),
            },
            ChangeKind::PodsDeleted { count } => format!("{name} {} deleted", units::counted(*count as u64, "pod")),
            ChangeKind::NodeNotReady { reason } => format!("node {name} not ready: {reason}"),
        }
    }

    /// A rollout that sets images back to what ran before, and brings back no whole template.
    fn is_image_back(&self) -> bool {
        matches!(&self.what, ChangeKind::Rollout { brings_back: None, images_of: Some(_), .. })
    }

    /// Whether it lets run again what ran before: a template, or its images.
    pub fn goes_back(&self) -> bool {
        matches!(&self.what, ChangeKind::Rollout { brings_back: Some(_), .. }) || self.is_image_back()
    }

    /// Whether both tell of one thing that happened, of which one may know more.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.object == other.object
            && match (&self.what, &other.what) {
                (ChangeKind::Rollout { to: one, .. }, ChangeKind::Rollout { to, .. }) => one == to,
                (ChangeKind::Scaled { to: one, .. }, ChangeKind::Scaled { to, .. }) => one == to && self.at == other.at,
                (ChangeKind::BoundsChanged { to: one, .. }, ChangeKind::BoundsChanged { to, .. }) => one == to && self.at == other.at,
                (ChangeKind::ConfigChanged { .. }, ChangeKind::ConfigChanged { .. })
                | (ChangeKind::PodsDeleted { .. }, ChangeKind::PodsDeleted { .. })
                | (ChangeKind::NodeNotReady { .. }, ChangeKind::NodeNotReady { .. }) => self.at == other.at,
                _ => false,
            }
    }
}

/// `image 2.3.1 → 2.4.0`: the tags alone where only they differ.
fn image(before: &str, after: &str) -> String {
    match (before.rsplit_once(':'), after.rsplit_once(':')) {
        (Some((repository, old)), Some((same, new))) if repository == same && !old.contains('/') => format!("image {old} → {new}"),
        _ => format!("image {before} → {after}"),
    }
}

/// `2.3.1` of `registry.example/team/api:2.3.1`; the whole where it has no tag.
fn version(image: &str) -> &str {
    match image.rsplit_once(':') {
        Some((_, tag)) if !tag.contains('/') && !image.contains('@') => tag,
        _ => image,
    }
}

/// `pool_size 20 → 5`.
fn difference((key, before, after): &Difference) -> String {
    let is_short = |value: &Text| !value.is_empty() && value.chars().count() <= SHOWN_LENGTH;
    match (before, after) {
        (Some(before), Some(after)) if is_short(before) && is_short(after) => format!("{key} {before} → {after}"),
        (None, Some(after)) if is_short(after) => format!("{key} set to {after}"),
        (Some(_), None) => format!("{key} removed"),
        _ => format!("{key} changed"),
    }
}

/// What differs between two contents of a ConfigMap, by key; a value that its name calls a secret is left out, and so is the
/// password of an address. Nothing where keys may be missing from what is known.
pub fn differences(before: &[(Text, Text)], after: &[(Text, Text)]) -> Vec<Difference> {
    if before.len().max(after.len()) >= ConfigMap::MOST_KEYS {
        return Vec::new();
    }
    let mut values: BTreeMap<&Text, (Option<&Text>, Option<&Text>)> = BTreeMap::new();
    for (key, value) in before {
        values.entry(key).or_default().0 = Some(value);
    }
    for (key, value) in after {
        values.entry(key).or_default().1 = Some(value);
    }
    let differing = values.into_iter().filter(|(_, (before, after))| before != after).take(MOST_KEYS_TOLD);
    differing.map(|(key, (before, after))| (key.clone(), shown(key, before), shown(key, after))).collect()
}

fn shown(key: &str, value: Option<&Text>) -> Option<Text> {
    let value = value.filter(|_| !secrecy::is_secret_name(key))?;
    Some(Text::bounded(&conceal::value(key, value), VALUE_LIMIT))
}

/// A scale that the deployment alone tells: a manager that has nothing but its replicas, and so did not make it.
pub fn scale_of(deployment: &Deployment) -> Option<Change> {
    let written = deployment.replicas_written.as_ref().filter(|written| written.exact)?;
    scale(deployment, None, Some(written))
}

/// A scale between two looks at a deployment.
pub fn scaled(before: &Deployment, after: &Deployment) -> Option<Change> {
    (before.replicas != after.replicas).then(|| scale(after, Some(before.replicas), after.replicas_written.as_ref())).flatten()
}

fn scale(deployment: &Deployment, from: Option<u32>, written: Option<&Written>) -> Option<Change> {
    if written.is_some_and(|written| AUTOSCALERS.contains(&&*written.by)) {
        return None;
    }
    let object = ObjectRef { kind: Kind::Deployment, key: deployment.key.clone(), uid: deployment.uid.clone() };
    Some(by(object, ChangeKind::Scaled { from, to: deployment.replicas }, written))
}

/// Bounds that the autoscaler alone tells: a manager that has nothing else of it, and so did not make it.
pub fn bounds_of(autoscaler: &Autoscaler) -> Option<Change> {
    let written = autoscaler.bounds_written.as_ref().filter(|written| written.exact)?;
    Some(by(autoscaler.reference(), ChangeKind::BoundsChanged { from: None, to: (autoscaler.min, autoscaler.max) }, Some(written)))
}

/// Other bounds between two looks at an autoscaler.
pub fn bounds_changed(before: &Autoscaler, after: &Autoscaler) -> Option<Change> {
    let (from, to) = ((before.min, before.max), (after.min, after.max));
    (from != to).then(|| by(after.reference(), ChangeKind::BoundsChanged { from: Some(from), to }, after.bounds_written.as_ref()))
}

fn by(object: ObjectRef, what: ChangeKind, written: Option<&Written>) -> Change {
    Change { at: written.and_then(|written| written.at), object, what, by: written.map(|written| written.by.clone()) }
}

/// The cluster's own certificate, which every namespace gets when it is made: nobody's change.
const CLUSTER_CERTIFICATE: &str = "kube-root-ca.crt";

/// The last write of a ConfigMap, with the keys that are not as kubectl last applied them. Who applies brings all keys to that.
pub fn config_change(config_map: &ConfigMap) -> Option<Change> {
    let is_apply = config_map.changed_by.as_ref().is_some_and(|by| by == "kubectl-client-side-apply");
    let keys = if is_apply { Vec::new() } else { config_map.drift.to_vec() };
    write_of(config_map, Some(config_map.changed_at?), keys)
}

/// Another content between two looks at a ConfigMap, or a write whose content is not wholly known. Who only takes keys away
/// leaves no time.
pub fn config_changed(before: &ConfigMap, after: &ConfigMap) -> Option<Change> {
    let keys = differences(&before.data, &after.data);
    let is_later = after.changed_at.is_some() && after.changed_at != before.changed_at;
    match (keys.is_empty(), is_later) {
        (false, true) => write_of(after, after.changed_at, keys),
        (false, false) => Some(Change { by: None, ..write_of(after, None, keys)? }),
        (true, true) if !after.is_whole() => write_of(after, after.changed_at, keys),
        (true, _) => None,
    }
}

fn write_of(config_map: &ConfigMap, at: Option<DateTime<Utc>>, keys: Vec<Difference>) -> Option<Change> {
    if config_map.key.name == CLUSTER_CERTIFICATE {
        return None;
    }
    let object = ObjectRef { kind: Kind::ConfigMap, key: config_map.key.clone(), uid: config_map.uid.clone() };
    Some(Change { at, object, what: ChangeKind::ConfigChanged { keys }, by: config_map.changed_by.clone() })
}

pub fn node_change(node: &Node) -> Option<Change> {
    let (reason, since) = node.not_ready.as_ref()?;
    let object = ObjectRef { kind: Kind::Node, key: node.key.clone(), uid: node.uid.clone() };
    Some(Change { at: Some((*since)?), object, what: ChangeKind::NodeNotReady { reason: reason.clone() }, by: None })
}

/// Newest first, what has no time last, without what is older than a day, bounded.
pub fn latest(mut changes: Vec<Change>, server_now: DateTime<Utc>) -> Vec<Change> {
    changes.retain(|change| change.at.is_none_or(|at| server_now - at <= TOLD));
    // The words come last, so that two changes of one object within a second keep their order.
    changes.sort_by_cached_key(|change| (Reverse(change.at), change.object.key.clone(), change.sentence()));
    changes.truncate(LIMIT);
    changes
}

#[cfg(test)]
mod tests;
