//! What changed in the cluster lately: rollouts, ConfigMaps, scalings.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{
    object::{Key, Kind, ObjectRef},
    text::Text,
    workload::{ConfigMap, Node, ReplicaSet},
};

/// Changes kept, newest first.
pub const LIMIT: usize = 50;

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
        keys: Vec<(Text, Option<Text>, Option<Text>)>,
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
        let name = &self.object.key.name;
        match &self.what {
            ChangeKind::Rollout { from, to, images, .. } => {
                let image = match &**images {
                    [] => String::new(),
                    [(_, before, after)] => format!(" (image {} → {})", tag(before), tag(after)),
                    [(_, before, after), others @ ..] => format!(" (image {} → {} and {} more)", tag(before), tag(after), others.len()),
                };
                format!("{name} rev {from} → {to}{image}")
            }
            ChangeKind::Scaled { from: Some(from), to } => format!("{name} scaled {from} → {to}"),
            ChangeKind::Scaled { from: None, to } => format!("{name} scaled to {to}"),
            ChangeKind::BoundsChanged { from: Some(from), to } => format!("{name} bounds {}..{} → {}..{}", from.0, from.1, to.0, to.1),
            ChangeKind::BoundsChanged { from: None, to } => format!("{name} bounds set to {}..{}", to.0, to.1),
            ChangeKind::ConfigChanged { .. } => format!("{} changed", self.object),
            ChangeKind::PodsDeleted { count: 1 } => format!("{name}: 1 pod deleted"),
            ChangeKind::PodsDeleted { count } => format!("{name}: {count} pods deleted"),
            ChangeKind::NodeNotReady { reason } => format!("node {name} not ready: {reason}"),
        }
    }
}

/// The tag or digest of an image; all of it where there is none.
fn tag(image: &str) -> &str {
    let name = image.rsplit_once('/').map_or(image, |(_, name)| name);
    name.split_once('@').or_else(|| name.split_once(':')).map_or(image, |(_, tag)| tag)
}

/// Rollouts told by the replica sets: each revision against the one before. A replica set that was taken into use again
/// (a rollback) is older than its predecessor, so its creation says nothing: it counts only with the time at which its
/// revision was seen to change (`reused`).
pub fn rollouts<'a>(replica_sets: impl Iterator<Item = &'a ReplicaSet>, reused: &BTreeMap<Key, DateTime<Utc>>) -> Vec<Change> {
    let mut by_owner: BTreeMap<(&Text, &Text), Vec<&ReplicaSet>> = BTreeMap::new();
    for replica_set in replica_sets {
        if let Some(owner) = replica_set.owner.as_ref().filter(|owner| owner.kind == "Deployment" && replica_set.revision > 0) {
            by_owner.entry((&replica_set.key.namespace, &owner.name)).or_default().push(replica_set);
        }
    }
    let mut changes = Vec::new();
    for ((namespace, name), mut revisions) in by_owner {
        revisions.sort_by_key(|replica_set| replica_set.revision);
        for pair in revisions.windows(2) {
            let [before, after] = pair else { continue };
            let at = match reused.get(&after.key) {
                Some(seen) => *seen,
                None if after.created >= before.created => after.created,
                None => continue,
            };
            let uid = after.owner.as_ref().map(|owner| owner.uid.clone()).unwrap_or_default();
            let object = ObjectRef { kind: Kind::Deployment, key: Key { namespace: namespace.clone(), name: name.clone() }, uid };
            let images = differing(&before.images, &after.images);
            let what = ChangeKind::Rollout { from: before.revision, to: after.revision, images, brings_back: None };
            changes.push(Change { at: Some(at), object, what, by: after.changed_by.clone() });
        }
    }
    changes
}

fn differing(before: &[(Text, Text)], after: &[(Text, Text)]) -> Vec<(Text, Text, Text)> {
    let old = |container: &Text| before.iter().find(|(name, _)| name == container).map(|(_, image)| image);
    after
        .iter()
        .filter_map(|(container, image)| old(container).filter(|old| *old != image).map(|old| (container.clone(), old.clone(), image.clone())))
        .collect()
}

/// The cluster's own certificate, which every namespace gets when it is made: nobody's change.
const CLUSTER_CERTIFICATE: &str = "kube-root-ca.crt";

pub fn config_change(config_map: &ConfigMap) -> Option<Change> {
    if config_map.key.name == CLUSTER_CERTIFICATE {
        return None;
    }
    let object = ObjectRef { kind: Kind::ConfigMap, key: config_map.key.clone(), uid: config_map.uid.clone() };
    Some(Change { at: Some(config_map.changed_at?), object, what: ChangeKind::ConfigChanged { keys: Vec::new() }, by: config_map.changed_by.clone() })
}

pub fn node_change(node: &Node) -> Option<Change> {
    let (reason, since) = node.not_ready.as_ref()?;
    let object = ObjectRef { kind: Kind::Node, key: node.key.clone(), uid: node.uid.clone() };
    Some(Change { at: Some((*since)?), object, what: ChangeKind::NodeNotReady { reason: reason.clone() }, by: None })
}

/// Newest first, what has no time last, without what is older than a day, bounded.
pub fn latest(mut changes: Vec<Change>, server_now: DateTime<Utc>) -> Vec<Change> {
    changes.retain(|change| change.at.is_none_or(|at| server_now - at <= chrono::Duration::days(1)));
    changes.sort_by(|one, other| other.at.cmp(&one.at).then_with(|| one.object.key.cmp(&other.object.key)));
    changes.truncate(LIMIT);
    changes
}

#[cfg(test)]
mod tests {
    use super::{super::pod::Owner, *};

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn replica_set(name: &str, revision: u64, created: i64, image: &str) -> ReplicaSet {
        ReplicaSet {
            key: Key::new("n", name),
            uid: name.into(),
            created: at(created),
            owner: Some(Owner { kind: "Deployment".into(), name: "api".into(), uid: "u".into() }),
            revision,
            replicas: 1,
            ready: 1,
            images: [("api".into(), image.into())].into(),
            change_cause: None,
            changed_by: Some("ci".into()),
        }
    }

    #[test]
    fn a_rollout_names_revisions_images_and_who() {
        let sets = [replica_set("b", 42, 60, "reg/api:2.4.0"), replica_set("a", 41, 0, "reg/api:2.3.1")];
        let changes = rollouts(sets.iter(), &BTreeMap::new());
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].at, Some(at(60)));
        assert_eq!(changes[0].sentence(), "api rev 41 → 42 (image 2.3.1 → 2.4.0) by ci");
    }

    #[test]
    fn a_rollback_counts_only_when_it_was_seen() {
        let sets = [replica_set("b", 42, 60, "reg/api:2.4.0"), replica_set("a", 43, 0, "reg/api:2.3.1")];
        assert_eq!(rollouts(sets.iter(), &BTreeMap::new()), []);
        let seen = BTreeMap::from([(Key::new("n", "a"), at(90))]);
        assert_eq!(rollouts(sets.iter(), &seen)[0].at, Some(at(90)));
    }

    #[test]
    fn the_certificate_that_every_namespace_gets_is_nobodys_change() {
        let config_map = |name: &str| ConfigMap {
            key: Key::new("n", name),
            uid: name.into(),
            resource_version: "1".into(),
            data: Box::default(),
            changed_at: Some(at(0)),
            changed_by: Some("kube-controller-manager".into()),
        };
        assert_eq!(config_change(&config_map("kube-root-ca.crt")), None);
        assert!(config_change(&config_map("api-config")).is_some());
    }

    #[test]
    fn tags_of_images() {
        assert_eq!(tag("host:5000/api:1.2"), "1.2");
        assert_eq!(tag("host:5000/api"), "host:5000/api");
        assert_eq!(tag("api@sha256:abc"), "sha256:abc");
    }
}
