//! What a person or a suggestion asks for, before anything was read.
//!
//! Each kind of mitigation has a type of its own for it, so that a wrong one cannot be written; here it is known only by
//! what all of them can say. The words of an ask, read again, give the same ask: so it can be kept in a file.

use std::{any::Any, fmt, sync::Arc};

use super::{
    catalogue::Spec,
    mitigation::MitigationId,
    object::{Key, Kind, ObjectRef, Subject},
    scaled::Scaled,
    text::Text,
};

/// Anything that can be asked for.
pub trait Ask: Any + fmt::Debug + Send + Sync {
    /// Name of its kind, as in the catalogue.
    fn kind(&self) -> &'static str;

    /// What it will write to, as far as known before reading. A uid is empty where only the name was given.
    fn objects(&self) -> Vec<ObjectRef>;

    /// What stands after the kind's name in `sev1 do`.
    fn words(&self) -> Vec<String>;

    /// The same as they may be shown and printed; not the same words where a secret is among them, and then no ask can be read from them.
    fn shown_words(&self) -> Vec<String> {
        self.words()
    }

    /// What it is about, whatever the numbers: two asks of a kind that say the same here are alternatives.
    fn about(&self) -> String {
        self.objects().iter().map(|object| format!("{}/{object}", object.key.namespace)).collect::<Vec<_>>().join(" ")
    }
}

/// An ask of whatever kind.
#[derive(Clone)]
pub struct Wish(Arc<dyn Ask>);

impl Wish {
    pub fn new(ask: impl Ask) -> Self {
        Self(Arc::new(ask))
    }

    /// The ask, if it is of this kind.
    pub fn get<A: Ask>(&self) -> Option<&A> {
        let any: &dyn Any = &*self.0;
        any.downcast_ref()
    }

    pub fn kind(&self) -> &'static str {
        self.0.kind()
    }

    pub fn objects(&self) -> Vec<ObjectRef> {
        self.0.objects()
    }

    /// What it is about, whatever the numbers.
    pub fn about(&self) -> String {
        self.0.about()
    }

    /// Whether both do the same to the same objects, whatever the numbers.
    pub fn is_like(&self, other: &Self) -> bool {
        self.kind() == other.kind() && self.about() == other.about()
    }

    pub fn words(&self) -> Vec<String> {
        self.0.words()
    }

    /// Its words without secrets.
    pub fn shown_words(&self) -> Vec<String> {
        self.0.shown_words()
    }

    /// Where its objects are; empty for cluster-scoped ones.
    pub fn namespace(&self) -> Text {
        self.objects().first().map(|object| object.key.namespace.clone()).unwrap_or_default()
    }
}

impl PartialEq for Wish {
    fn eq(&self, other: &Self) -> bool {
        self.kind() == other.kind() && self.words() == other.words() && self.objects() == other.objects()
    }
}

impl Eq for Wish {}

impl fmt::Debug for Wish {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub kind: RequestKind,
    /// Pre-filled reason; may be empty.
    pub reason: Text,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestKind {
    /// One of the kinds of the catalogue.
    Do(Wish),
    /// Take back a finished mitigation.
    Undo { of: Finished },
}

/// A mitigation that was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Finished {
    /// In this run of the program.
    Here(MitigationId),
    /// By the number of its intent in the journal, whoever ran it.
    Recorded(u64),
}

/// A done mitigation that can be taken back, of this run or an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Undoable {
    /// Number of its intent in the journal.
    pub id: u64,
    pub title: Text,
    /// When it was confirmed, as the journal has it.
    pub time: Text,
    /// Who did it.
    pub by: Text,
    /// What undoing does: `scale deployment/api-gateway 4`.
    pub undo: Text,
    /// Whether it took another one back itself: then undoing it does that other one again.
    pub is_undo: bool,
}

impl Request {
    pub fn of(ask: impl Ask) -> Self {
        Self { kind: RequestKind::of(ask), reason: Text::default() }
    }

    #[must_use]
    pub fn because(self, reason: Text) -> Self {
        Self { reason, ..self }
    }

    /// The ask, if it is of this kind.
    pub fn get<A: Ask>(&self) -> Option<&A> {
        self.kind.get()
    }

    pub fn objects(&self) -> Vec<ObjectRef> {
        match &self.kind {
            RequestKind::Do(wish) => wish.objects(),
            RequestKind::Undo { .. } => Vec::new(),
        }
    }
}

impl RequestKind {
    pub fn of(ask: impl Ask) -> Self {
        Self::Do(Wish::new(ask))
    }

    /// Whether both do the same to the same objects, whatever the numbers.
    pub fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Do(one), Self::Do(other)) => one.is_like(other),
            _ => self == other,
        }
    }

    pub fn get<A: Ask>(&self) -> Option<&A> {
        match self {
            Self::Do(wish) => wish.get(),
            Self::Undo { .. } => None,
        }
    }
}

/// Words after a kind's name, read from left to right.
#[derive(Debug)]
pub struct Words<'a> {
    spec: &'static Spec,
    namespace: &'a str,
    rest: &'a [&'a str],
}

impl<'a> Words<'a> {
    pub fn new(spec: &'static Spec, namespace: &'a str, rest: &'a [&'a str]) -> Self {
        Self { spec, namespace, rest }
    }

    /// The object that is meant: `deployment/api-gateway`, `deploy/api-gateway`, or a name alone.
    pub fn subject(&mut self) -> Result<Subject, Text> {
        let Some((word, rest)) = self.rest.split_first() else {
            return Err(self.wrong("names nothing to do it to"));
        };
        let subject = self.read_subject(word)?;
        self.rest = rest;
        Ok(subject)
    }

    /// The object that is meant, or the scale of a resource by its full name: `rollouts.argoproj.io/api-gateway`.
    pub fn scalable(&mut self) -> Result<Subject, Text> {
        let full = self.rest.split_first().and_then(|(word, rest)| Some((word.split_once('/')?, rest)));
        let Some(((resource, name), rest)) = full else { return self.subject() };
        let Some(scaled) = Scaled::named(resource) else { return self.subject() };
        if !is_name(name) || !is_name(self.namespace) {
            return Err(self.wrong(&format!("cannot be done to {name:?} in {:?}", self.namespace)));
        }
        self.rest = rest;
        Ok(Subject { kind: Kind::Scale(scaled), key: Key::new(self.namespace, name) })
    }

    /// One object or more: every word with a `/`, and the first in any case.
    pub fn subjects(&mut self) -> Result<Vec<Subject>, Text> {
        let mut subjects = vec![self.subject()?];
        while let Some((word, rest)) = self.rest.split_first().filter(|(word, _)| word.contains('/') && !word.contains('=')) {
            subjects.push(self.read_subject(word)?);
            self.rest = rest;
        }
        Ok(subjects)
    }

    /// The next argument, which must be there.
    pub fn required(&mut self) -> Result<&'a str, Text> {
        self.optional().ok_or_else(|| self.wrong("lacks an argument"))
    }

    pub fn optional(&mut self) -> Option<&'a str> {
        let (word, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(word)
    }

    /// The next argument `NAME=VALUE`, if it is one of this name.
    pub fn named(&mut self, name: &str) -> Option<&'a str> {
        let (word, rest) = self.rest.split_first()?;
        let value = word.strip_prefix(name)?.strip_prefix('=')?;
        self.rest = rest;
        Some(value)
    }

    /// In which names alone are meant.
    pub fn namespace(&self) -> &'a str {
        self.namespace
    }

    /// What is wrong, with how it is written.
    pub fn wrong(&self, what: &str) -> Text {
        Text::line(&format!("{} {what}; write: {}", self.spec.name, self.spec.usage()))
    }

    pub fn finish(self) -> Result<(), Text> {
        match self.rest.first() {
            None => Ok(()),
            Some(word) => Err(self.wrong(&format!("does not take {word:?}"))),
        }
    }

    fn read_subject(&self, word: &str) -> Result<Subject, Text> {
        let (kind, name) = match word.split_once('/') {
            Some((kind, name)) => {
                let known = Kind::named(kind).filter(|known| self.spec.applies_to(*known));
                (known.ok_or_else(|| self.wrong(&format!("cannot be done to {word:?}")))?, name)
            }
            None => (*self.spec.on.first().ok_or_else(|| self.wrong("names no object"))?, word),
        };
        if !is_name(name) {
            return Err(Text::line(&format!("{name:?} is not a name of a Kubernetes object")));
        }
        if kind.is_namespaced() && !is_name(self.namespace) {
            return Err(Text::line(&format!("{:?} is not a namespace: give one by -n", self.namespace)));
        }
        let namespace = if kind.is_namespaced() { self.namespace } else { "" };
        Ok(Subject { kind, key: Key::new(namespace, name) })
    }
}

/// What the API server accepts as a name; anything else would be another path.
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 253
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
        && !name.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::catalogue::{Level, Parameter, Presence};

    static SPEC: Spec = Spec {
        name: "try",
        key: 't',
        summary: "try it",
        on: &[Kind::Deployment, Kind::StatefulSet],
        takes_several: false,
        parameters: &[Parameter { name: "NUMBER", about: "a number", presence: Presence::Required }],
        level: Level::Narrow,
        more: "",
        rights: &[],
        undo: "",
    };

    #[test]
    fn objects_are_read_as_kubectl_reads_them() {
        for (word, kind) in
            [("api", Kind::Deployment), ("deploy/api", Kind::Deployment), ("statefulsets/api", Kind::StatefulSet), ("sts/api", Kind::StatefulSet)]
        {
            let words = [word, "3"];
            let mut reading = Words::new(&SPEC, "shop", &words);
            assert_eq!(reading.subject().unwrap(), Subject { kind, key: Key::new("shop", "api") });
            assert_eq!(reading.required().unwrap(), "3");
            reading.finish().unwrap();
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_the_usage() {
        let why = |words: &[&str]| Words::new(&SPEC, "shop", words).subject().unwrap_err().to_string();
        assert_eq!(why(&[]), "try names nothing to do it to; write: try deployment|statefulset/NAME NUMBER");
        assert!(why(&["pod/a"]).contains("cannot be done to \"pod/a\""));
        assert!(why(&["../../secrets"]).contains("cannot be done"));
        assert!(why(&["deploy/../x"]).contains("is not a name"));
        let words = ["api", "3", "4"];
        let mut reading = Words::new(&SPEC, "shop", &words);
        reading.subject().unwrap();
        reading.required().unwrap();
        assert!(reading.finish().unwrap_err().contains("does not take \"4\""));
        assert!(Words::new(&SPEC, "", &["api"]).subject().unwrap_err().contains("give one by -n"));
    }
}
