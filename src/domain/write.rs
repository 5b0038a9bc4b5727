//! The writes of a plan, by where they go.

use std::{fmt, time::Duration};

use chrono::{DateTime, Utc};

use super::{conceal, object::ObjectRef, secrecy, silence::Matcher, text::Text};

/// One thing that a plan does, sent once. What it holds is opaque to everything but `actions`.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// A request to the API server about one object.
    Object(ObjectWrite),
    /// A request to Alertmanager.
    Silence(SilenceWrite),
    /// A command in a container.
    Command(CommandRun),
}

impl Write {
    /// The object it is about, where it is about one.
    pub fn target(&self) -> Option<&ObjectRef> {
        match self {
            Self::Object(write) => Some(&write.target),
            Self::Silence(_) => None,
            Self::Command(run) => Some(&run.pod),
        }
    }

    /// Whether what it is about is gone afterwards.
    pub fn removes(&self) -> bool {
        match self {
            Self::Object(write) => matches!(write.effect, Effect::Gone | Effect::Erased),
            Self::Silence(_) | Self::Command(_) => false,
        }
    }

    /// Takes up why it is done, where the destination keeps it.
    pub fn because(&mut self, reason: &Text) {
        if let Self::Silence(SilenceWrite { change: SilenceChange::Create(silence), .. }) = self {
            silence.reason = reason.clone();
        }
    }
}

impl fmt::Display for Write {
    /// What it is about: `deployment/api-gateway`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(write) => write.target.fmt(formatter),
            Self::Silence(write) => match &write.change {
                SilenceChange::Create(silence) => write!(formatter, "the silence sev1 {} at {}", silence.mark, write.server),
                SilenceChange::Expire { id, .. } => write!(formatter, "the silence {id} at {}", write.server),
            },
            Self::Command(run) => write!(formatter, "the command {} in {}", run.entry, run.pod),
        }
    }
}

/// A request to the API server about one object.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectWrite {
    pub method: WriteMethod,
    /// Path below the API server, `/apis/apps/v1/namespaces/…`.
    pub path: String,
    pub content: ContentType,
    pub body: serde_json::Value,
    pub target: ObjectRef,
    /// By what a later look recognises that it was done.
    pub effect: Effect,
}

/// What a write makes of its object.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub enum Effect {
    /// No object of that uid, or one that is being deleted.
    Gone,
    /// No object of that uid: that it is being deleted is not enough.
    Erased,
    /// These fields, and as far as this program is concerned nothing else.
    Fields(Vec<Field>),
}

/// A field before and after a write; none: it is not there.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Field {
    /// JSON pointer.
    pub path: String,
    pub before: Option<serde_json::Value>,
    pub after: Option<serde_json::Value>,
}

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum ContentType {
    Json,
    JsonPatch,
    MergePatch,
}

impl ContentType {
    pub fn header(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::JsonPatch => "application/json-patch+json",
            Self::MergePatch => "application/merge-patch+json",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum WriteMethod {
    Patch,
    Delete,
    Post,
}

/// A request to Alertmanager's API v2.
#[derive(Debug, Clone, PartialEq)]
pub struct SilenceWrite {
    /// Where it was when the plan was made: `http://…` or `k8s://…`.
    pub server: Text,
    pub change: SilenceChange,
}

#[derive(Debug, Clone, PartialEq)]
pub enum SilenceChange {
    Create(NewSilence),
    /// Ends the silence of this id, which was last changed at that time, as the server writes it.
    Expire {
        id: Text,
        updated_at: String,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct NewSilence {
    pub matchers: Vec<Matcher>,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    /// Who the API server says we are.
    pub created_by: Text,
    pub reason: Text,
    /// Stands in the comment, and in no other one: by it the silence is known again.
    pub mark: Text,
}

/// A command of the list in one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRun {
    /// Its name in the list.
    pub entry: Text,
    pub pod: ObjectRef,
    pub container: String,
    /// Program and arguments, with the values in their places.
    pub argv: Vec<String>,
    pub time_limit: Duration,
    /// Most bytes of output that are kept.
    pub output_limit: usize,
}

impl CommandRun {
    /// Program and arguments as they may be shown and recorded.
    pub fn shown_argv(&self) -> Vec<String> {
        let argv: Vec<&str> = self.argv.iter().map(String::as_str).collect();
        conceal::words(&argv, &mut |_| secrecy::HIDDEN.to_owned())
    }
}

impl NewSilence {
    pub fn comment(&self) -> String {
        let reason = if self.reason.is_empty() { "no reason given" } else { &self.reason };
        format!("{reason} {}", in_comment(&self.mark))
    }
}

/// How a mark stands in a comment.
pub fn in_comment(mark: &str) -> String {
    format!("[sev1 {mark}]")
}
