//! Who may write from here: the setting and the cluster's access rules together.

use super::{State, action::Command};
use crate::domain::{
    ask::{Request, RequestKind},
    asks::{RestartUnhealthy, Scale, SetConfigKey, UndoRollout},
    object::Kind,
    rights::Rights,
    text::Text,
};

impl State {
    pub(super) fn rights_read(&mut self, rights: Rights) -> bool {
        let changed = self.rights != rights;
        self.rights = rights;
        changed
    }

    /// Whether nothing can be written to the cluster from here: by the setting, or because its access rules refuse every
    /// kind of mitigation that is offered.
    pub fn views_only(&self) -> bool {
        let mut writing = self.kinds.iter().filter(|entry| entry.spec.rights.iter().any(|right| right.writes() && !right.is_of_servers())).peekable();
        let refused = writing.peek().is_some() && writing.all(|entry| self.rights.missing(entry.spec, None).is_some());
        self.session.read_only || refused
    }

    /// Why this user may not write what is asked for; none where that is allowed or not known.
    pub fn refused(&self, request: &Request) -> Option<Text> {
        let RequestKind::Do(wish) = &request.kind else { return None };
        self.refused_kind(wish.kind(), wish.objects().first().map(|object| object.kind))
    }

    pub(super) fn refused_kind(&self, name: &str, object: Option<Kind>) -> Option<Text> {
        let spec = self.kind_named(name)?.spec;
        let missing = self.rights.missing(spec, object)?;
        let user = self.session.identity.as_ref().map_or_else(|| "this user".to_owned(), |identity| identity.cluster.user.to_string());
        Some(Text::line(&format!("{user} may not {missing}")))
    }

    /// The same for what a key does, whatever it would be done to.
    pub(super) fn refused_command(&self, command: &Command) -> Option<Text> {
        let (name, object) = match command {
            Command::UndoRollout | Command::UndoTo { .. } => (UndoRollout::NAME, None),
            Command::RestartUnhealthy | Command::RestartApp(_) => (RestartUnhealthy::NAME, None),
            Command::Breaker | Command::BreakerTo(_) => (SetConfigKey::NAME, None),
            Command::Scale | Command::ScaleTo { .. } => (Scale::NAME, Some(Kind::Deployment)),
            _ => return None,
        };
        self.refused_kind(name, object)
    }
}
