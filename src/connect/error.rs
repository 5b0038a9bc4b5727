//! Why a server could not be read: one sentence for a person woken at 3 am.

use std::time::Duration;

use crate::domain::{
    text::{LINE_LIMIT, Text},
    units,
};

/// What went wrong between here and a server. Everything a server said has been cleaned and cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// A kubeconfig, flag or address that can not work as it is; the sentence names file, line and remedy.
    #[error("{0}")]
    Config(Text),
    /// No credentials could be had: the plugin failed, the token file is gone.
    #[error("no credentials for {server}: {why}")]
    Credentials {
        server: Text,
        why: Text,
        /// Nobody tries before, where that is known.
        again: Option<Duration>,
    },
    #[error("cannot reach {server}: {why}")]
    Unreachable { server: Text, why: Text },
    #[error("TLS with {server} failed: {why}")]
    Tls { server: Text, why: Text },
    #[error("{server} does not accept {credentials} (401): {says}")]
    Unauthorized {
        server: Text,
        /// In words that say where to look: `its password_file /run/secrets/logs`.
        credentials: Text,
        says: Text,
    },
    /// `verb` and `resource` as an RBAC rule names them.
    #[error("not allowed to {verb} {resource}: {says}")]
    Forbidden { verb: Text, resource: Text, says: Text },
    #[error("{what} does not exist: {says}")]
    NotFound { what: Text, says: Text },
    /// A server that is broken or lies; nothing is written by such an answer.
    #[error("the server answered with another object for {path}: its {field} is \u{201c}{is}\u{201d}; nothing can be decided on that")]
    Another { path: Text, field: &'static str, is: Text },
    /// 410: the place to go on from is no longer known to the server.
    #[error("the server cannot go on from where we were: {says}")]
    Gone { says: Text },
    #[error("{server} is overloaded and asks to wait (429)")]
    TooManyRequests { server: Text, retry_after: Option<Duration> },
    #[error("{server} answered {status}: {message}")]
    Server { server: Text, status: u16, message: Text },
    /// A login page, a proxy's error page, garbage.
    #[error("{server} answered something that is not JSON ({content_type}): {begins}")]
    NotJson { server: Text, content_type: Text, begins: Text },
    #[error("{server} answered more than {} MiB: refused", limit / 1_048_576)]
    TooLarge { server: Text, limit: usize },
    /// `what` as an RBAC rule names it.
    #[error(
        "there are more {what} than sev1 keeps ({objects}, or {} MiB): only a part is shown; watch one namespace with -n NAMESPACE",
        bytes / 1_048_576
    )]
    TooMany { what: Text, objects: usize, bytes: usize },
    #[error("{server} gave no answer within {}", units::limit(*after))]
    Timeout { server: Text, after: Duration },
    /// The connection ended in the middle of an answer.
    #[error("{server} closed the connection in the middle of its answer: {why}")]
    Cut { server: Text, why: Text },
}

/// The verb of acting as somebody else.
pub const IMPERSONATE: &str = "impersonate";

impl ConnectError {
    pub(crate) fn config(message: &str) -> Self {
        Self::Config(Text::of_error(message, LINE_LIMIT))
    }

    /// The same of a file. What it is called is no part of what is wrong with it: after `prod-token: ` no word is a secret.
    pub(crate) fn of_file(place: &str, wrong: &str) -> Self {
        Self::Config(Text::line(&format!("{place}{}", Text::of_error(wrong, LINE_LIMIT))))
    }

    /// How long the server asked to be left alone, or the credential plugin is.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyRequests { retry_after, .. } => *retry_after,
            Self::Credentials { again, .. } => *again,
            _ => None,
        }
    }

    /// It is refused to act as somebody else, whatever was asked.
    pub fn is_of_impersonation(&self) -> bool {
        matches!(self, Self::Forbidden { verb, .. } if verb == IMPERSONATE)
    }

    /// The sentence as a field for the screen.
    pub fn text(&self) -> Text {
        Text::line(&self.to_string())
    }
}
