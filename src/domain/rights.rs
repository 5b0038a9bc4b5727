//! What the cluster's access rules let this user write, as far as the API server was asked.

use std::collections::BTreeSet;

use super::{
    catalogue::{Right, Spec},
    object::Kind,
    text::Text,
};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Rights {
    #[default]
    NotAsked,
    /// The API server could not be asked.
    Unknown,
    Known {
        refused: BTreeSet<Right>,
    },
}

impl Rights {
    /// The first write of this kind of mitigation to such an object that is refused, as `kubectl auth can-i` takes it; none
    /// where all are allowed or it is not known. Without an object: only where it is refused on every object it can be done to.
    pub fn missing(&self, spec: &Spec, object: Option<Kind>) -> Option<Text> {
        let Self::Known { refused } = self else { return None };
        let on = |object: Option<Kind>| {
            let writes = || spec.rights.iter().filter(|right| right.writes());
            let writes_to = |kind: Kind| writes().any(|right| right.resource == kind.resource());
            // One that writes to the object it is done to has a right for each kind of object; the others are not needed then.
            let is_own = object.is_some_and(writes_to);
            let of_another = |right: &Right| is_own && spec.on.iter().any(|kind| Some(*kind) != object && kind.resource() == right.resource);
            let right = writes().find(|right| refused.contains(right) && !of_another(right))?;
            Some(Text::line(&right.words()))
        };
        match object {
            None if spec.on.is_empty() => on(None),
            None => spec.on.iter().map(|kind| on(Some(*kind))).collect::<Option<Vec<_>>>()?.into_iter().next(),
            object => on(object),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::catalogue::Level;

    static RESTART: Spec = Spec {
        name: "restart",
        key: 'R',
        summary: "",
        on: &[Kind::Deployment, Kind::StatefulSet],
        takes_several: false,
        parameters: &[],
        level: Level::Narrow,
        more: "",
        rights: &[Right::on("get", "apps", "deployments"), Right::on("patch", "apps", "deployments"), Right::on("patch", "apps", "statefulsets")],
        undo: "",
    };
    static DRAIN: Spec = Spec {
        name: "drain",
        on: &[Kind::Node],
        rights: &[Right::of_cluster("patch", "", "nodes"), Right::below("create", "", "pods", "eviction")],
        ..RESTART
    };

    static RESTART_UNHEALTHY: Spec =
        Spec { name: "restart-unhealthy", on: &[Kind::Deployment, Kind::Pod], rights: &[Right::on("delete", "", "pods")], ..RESTART };

    fn refused(rights: &[Right]) -> Rights {
        Rights::Known { refused: rights.iter().copied().collect() }
    }

    #[test]
    fn only_the_writes_to_the_object_that_is_meant_count() {
        let rights = refused(&[Right::on("patch", "apps", "statefulsets")]);
        assert_eq!(rights.missing(&RESTART, Some(Kind::Deployment)), None);
        assert_eq!(rights.missing(&RESTART, Some(Kind::StatefulSet)).as_deref(), Some("patch statefulsets.apps"));
        assert_eq!(rights.missing(&RESTART, None), None, "a deployment can still be restarted");
    }

    #[test]
    fn what_is_written_beside_the_object_counts_too() {
        let rights = refused(&[Right::below("create", "", "pods", "eviction")]);
        assert_eq!(rights.missing(&DRAIN, Some(Kind::Node)).as_deref(), Some("create pods/eviction"));
        assert_eq!(rights.missing(&DRAIN, None).as_deref(), Some("create pods/eviction"));
    }

    #[test]
    fn what_is_done_to_the_pods_of_an_object_counts() {
        let rights = refused(&[Right::on("delete", "", "pods")]);
        assert_eq!(rights.missing(&RESTART_UNHEALTHY, Some(Kind::Deployment)).as_deref(), Some("delete pods"));
        assert_eq!(rights.missing(&RESTART_UNHEALTHY, None).as_deref(), Some("delete pods"));
    }

    #[test]
    fn nothing_is_missing_where_it_was_not_asked_or_only_reading_is_refused() {
        assert_eq!(Rights::NotAsked.missing(&RESTART, None), None);
        assert_eq!(Rights::Unknown.missing(&RESTART, None), None);
        assert_eq!(refused(&[Right::on("get", "apps", "deployments")]).missing(&RESTART, Some(Kind::Deployment)), None);
    }

    #[test]
    fn who_may_write_to_none_of_its_objects_is_told_the_first() {
        let rights = refused(&[Right::on("patch", "apps", "deployments"), Right::on("patch", "apps", "statefulsets")]);
        assert_eq!(rights.missing(&RESTART, None).as_deref(), Some("patch deployments.apps"));
    }
}
