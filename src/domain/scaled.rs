//! Resources that are known only by name and by having a `scale`: those of custom resource definitions.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Mutex, PoisonError},
};

/// Most resources that are remembered: they are typed by people.
const MOST: usize = 4_096;

/// One of them, as cheap to copy as the other kinds of objects. Two are equal when they say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scaled(&'static Resource);

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Resource {
    /// Plural, as in URLs.
    plural: String,
    group: String,
    /// Empty until API discovery told it; so is the kind.
    version: String,
    kind: String,
    /// `rollouts.argoproj.io`.
    name: String,
}

impl Scaled {
    /// None where a part cannot be what it should be, or far too many were asked for.
    pub fn new(resource: &str, group: &str, version: &str, kind: &str) -> Option<Self> {
        static KNOWN: Mutex<BTreeSet<&'static Resource>> = Mutex::new(BTreeSet::new());
        let is_path = |part: &str| {
            part.len() <= 253 && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.'))
        };
        let is_kind = kind.len() <= 63 && kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let is_resource = !resource.is_empty() && is_path(resource) && !resource.contains('.');
        let is_group = group.contains('.') && is_path(group) && group.split('.').all(|part| !part.is_empty());
        if !is_resource || !is_group || !is_path(version) || version.contains('.') || !is_kind {
            return None;
        }
        let own = |text: &str| text.to_owned();
        let made = Resource { plural: own(resource), group: own(group), version: own(version), kind: own(kind), name: format!("{resource}.{group}") };
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(&made) {
            return Some(Self(known));
        }
        if known.len() >= MOST {
            return None;
        }
        let kept: &'static Resource = Box::leak(Box::new(made));
        known.insert(kept);
        Some(Self(kept))
    }

    /// As kubectl takes a full name: `rollouts.argoproj.io`, or with its version `rollouts.v1alpha1.argoproj.io`.
    pub fn named(word: &str) -> Option<Self> {
        let (resource, rest) = word.split_once('.')?;
        match rest.split_once('.') {
            Some((version, group)) if is_version(version) => Self::new(resource, group, version, ""),
            _ => Self::new(resource, rest, "", ""),
        }
    }

    pub fn resource(self) -> &'static str {
        &self.0.plural
    }

    pub fn group(self) -> &'static str {
        &self.0.group
    }

    pub fn version(self) -> &'static str {
        &self.0.version
    }

    /// Empty until API discovery told it.
    pub fn kind(self) -> &'static str {
        &self.0.kind
    }

    /// `rollouts.argoproj.io`.
    pub fn name(self) -> &'static str {
        &self.0.name
    }
}

/// With its version where that is known.
impl fmt::Display for Scaled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version() {
            "" => formatter.write_str(self.name()),
            version => write!(formatter, "{}.{version}.{}", self.resource(), self.group()),
        }
    }
}

/// `v1`, `v2beta1`.
fn is_version(word: &str) -> bool {
    word.strip_prefix('v').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_names_are_read_as_kubectl_reads_them() {
        let scaled = Scaled::named("rollouts.argoproj.io").unwrap();
        assert_eq!((scaled.resource(), scaled.group(), scaled.version()), ("rollouts", "argoproj.io", ""));
        let versioned = Scaled::named("rollouts.v1alpha1.argoproj.io").unwrap();
        assert_eq!((versioned.group(), versioned.version()), ("argoproj.io", "v1alpha1"));
        assert_eq!(Scaled::named(&versioned.to_string()), Some(versioned));
        assert_eq!(Scaled::named("rollouts.argoproj.io"), Some(scaled));
        for word in ["rollouts", "rollouts.", ".argoproj.io", "rollouts.apps", "Rollouts.argoproj.io", "a/b.c.d", "rollouts.x..y"] {
            assert_eq!(Scaled::named(word), None, "{word}");
        }
    }
}
