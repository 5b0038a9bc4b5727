//! What a kind of mitigation says of itself, once: menu, palette, help, `sev1 do`, the permission tables and `sev1 rbac`
//! all read it here.

use super::{
    ask::{Wish, Words},
    object::Kind,
    text::Text,
};

/// One kind of mitigation.
#[derive(Debug)]
pub struct Spec {
    /// As in `sev1 do NAME`.
    pub name: &'static str,
    /// Its key in the menu, where it is free.
    pub key: char,
    /// What it does, without a subject: `set the replicas of a workload`.
    pub summary: &'static str,
    /// What it can be done to. The first is meant where a name stands alone.
    pub on: &'static [Kind],
    /// Whether several objects can be named.
    pub takes_several: bool,
    /// What stands after the objects.
    pub parameters: &'static [Parameter],
    /// The least that its card asks for; a plan may ask for more.
    pub level: Level,
    /// When a plan asks for more, in words; empty where it never does.
    pub more: &'static str,
    /// Everything it needs of the API server: to plan, to check, to write and to watch.
    pub rights: &'static [Right],
    /// How it is taken back.
    pub undo: &'static str,
}

/// One argument.
#[derive(Debug)]
pub struct Parameter {
    /// As in a usage line: `REPLICAS`, `CONTAINER=IMAGE`.
    pub name: &'static str,
    pub about: &'static str,
    pub presence: Presence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    Required,
    Optional,
    /// Given by this program when it asks for something again; people have no need of it.
    Own,
    /// One or more.
    Repeated,
}

/// How far a mitigation reaches, and so how much its card asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Adds, or touches what is broken anyway.
    Narrow,
    /// Takes something from those who use the service.
    Disruptive,
    /// Cannot be taken back.
    Destructive,
}

/// One right, as an RBAC rule names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Right {
    pub group: &'static str,
    pub resource: &'static str,
    pub subresource: &'static str,
    pub verb: &'static str,
    pub is_namespaced: bool,
    /// The one namespace it is needed in; empty: where sev1 works.
    pub namespace: &'static str,
}

/// A kind and how its arguments are read from words.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub spec: &'static Spec,
    pub parse: fn(&mut Words<'_>) -> Result<Wish, Text>,
}

impl Entry {
    /// Reads what stands after the kind's name: objects, then arguments. A name alone is one in `namespace`.
    pub fn ask(&self, namespace: &str, words: &[&str]) -> Result<Wish, Text> {
        let mut reading = Words::new(self.spec, namespace, words);
        let wish = (self.parse)(&mut reading)?;
        reading.finish()?;
        Ok(wish)
    }
}

impl Spec {
    pub fn applies_to(&self, kind: Kind) -> bool {
        self.on.contains(&kind)
    }

    /// Whether it can be asked for with nothing but its objects.
    pub fn needs_arguments(&self) -> bool {
        self.parameters.iter().any(|parameter| matches!(parameter.presence, Presence::Required | Presence::Repeated))
    }

    /// `scale deployment/NAME REPLICAS`.
    pub fn usage(&self) -> String {
        let kinds: Vec<_> = self.on.iter().map(|kind| kind.singular()).collect();
        let object =
            if kinds.is_empty() { String::new() } else { format!(" {}/NAME{}", kinds.join("|"), if self.takes_several { "..." } else { "" }) };
        let arguments = self.parameters.iter().map(|parameter| match parameter.presence {
            Presence::Own => String::new(),
            Presence::Required => format!(" {}", parameter.name),
            Presence::Optional => format!(" [{}]", parameter.name),
            Presence::Repeated => format!(" {}...", parameter.name),
        });
        format!("{}{object}{}", self.name, arguments.collect::<String>())
    }
}

impl Level {
    pub fn word(self) -> &'static str {
        match self {
            Self::Narrow => "narrow",
            Self::Disruptive => "disruptive",
            Self::Destructive => "destructive",
        }
    }

    pub const ALL: [Self; 3] = [Self::Narrow, Self::Disruptive, Self::Destructive];
}

impl Right {
    pub const fn on(verb: &'static str, group: &'static str, resource: &'static str) -> Self {
        Self { group, resource, subresource: "", verb, is_namespaced: true, namespace: "" }
    }

    pub const fn below(verb: &'static str, group: &'static str, resource: &'static str, subresource: &'static str) -> Self {
        Self { group, resource, subresource, verb, is_namespaced: true, namespace: "" }
    }

    pub const fn of_cluster(verb: &'static str, group: &'static str, resource: &'static str) -> Self {
        Self { group, resource, subresource: "", verb, is_namespaced: false, namespace: "" }
    }

    pub const fn within(namespace: &'static str, verb: &'static str, group: &'static str, resource: &'static str) -> Self {
        Self { namespace, ..Self::on(verb, group, resource) }
    }

    /// `deployments/scale`, as an RBAC rule has it.
    pub fn path(&self) -> String {
        if self.subresource.is_empty() { self.resource.to_owned() } else { format!("{}/{}", self.resource, self.subresource) }
    }

    /// As `kubectl auth can-i` wants it: `patch deployments/scale.apps`, with the namespace where it is a certain one.
    pub fn words(&self) -> String {
        let group = if self.group.is_empty() { String::new() } else { format!(".{}", self.group) };
        let place = if self.namespace.is_empty() { String::new() } else { format!(" in {}", self.namespace) };
        format!("{} {}{group}{place}", self.verb, self.path())
    }

    /// Whether it is needed where the servers beside the API server are, and not where sev1 works.
    pub fn is_of_servers(&self) -> bool {
        (self.resource, self.subresource) == ("services", "proxy")
    }

    pub fn writes(&self) -> bool {
        !matches!(self.verb, "get" | "list" | "watch")
    }
}
