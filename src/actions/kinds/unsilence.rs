//! Ending a silence in Alertmanager, whoever made it.
//!
//! Taken back by making another one with the same matchers and the same end: Alertmanager gives it a new id.

use std::sync::Arc;

use chrono::SecondsFormat;

use super::Mitigation;
use crate::{
    actions::{
        alertmanager::{Alertmanager, Silence as Found, State},
        draft::{Draft, Undo},
        engine::Core,
        kubectl,
        write::silence::{marked, path},
    },
    domain::{
        ask::{Ask, Wish, Words},
        asks::Silence,
        catalogue::{Level, Parameter, Presence, Right, Spec},
        mitigation::{CheckKind, CheckResult, MitigationId, SilenceChange, SilenceWrite, Write},
        object::ObjectRef,
        text::Text,
    },
};

static SPEC: Spec = Spec {
    name: "unsilence",
    key: 'Z',
    summary: "end a silence in Alertmanager",
    on: &[],
    takes_several: false,
    parameters: &[Parameter {
        name: "ID|mark=WORD",
        about: "the silence's id, or the mark that sev1 left in its comment",
        presence: Presence::Required,
    }],
    level: Level::Narrow,
    more: "",
    rights: &[Right::on("list", "", "services"), Right::below("get", "", "services", "proxy"), Right::below("delete", "", "services", "proxy")],
    undo: "a new silence with the same matchers and end; its id is another one",
};

/// Which silence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsilence {
    Id(Text),
    Mark(Text),
}

impl Unsilence {
    pub fn of_mark(mark: Text) -> Self {
        Self::Mark(mark)
    }
}

impl Ask for Unsilence {
    fn kind(&self) -> &'static str {
        SPEC.name
    }

    fn objects(&self) -> Vec<ObjectRef> {
        Vec::new()
    }

    fn about(&self) -> String {
        self.words().concat()
    }

    fn words(&self) -> Vec<String> {
        vec![match self {
            Self::Id(id) => id.to_string(),
            Self::Mark(mark) => format!("mark={mark}"),
        }]
    }
}

impl Mitigation for Unsilence {
    const SPEC: &'static Spec = &SPEC;

    fn parse(words: &mut Words<'_>) -> Result<Self, Text> {
        if let Some(mark) = words.named("mark") {
            return Ok(Self::Mark(Text::line(mark)));
        }
        let id = words.required()?;
        // Part of a path: nothing but an id may stand there.
        let is_id = id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        if is_id { Ok(Self::Id(Text::line(id))) } else { Err(words.wrong(&format!("takes the id of a silence, a UUID, not {id:?}"))) }
    }

    async fn draft(&self, core: &Arc<Core>, id: MitigationId) -> Result<Draft, Text> {
        let alertmanager = Alertmanager::open(&core.api).await?;
        let server = alertmanager.server();
        let found = match self {
            Self::Id(id) => alertmanager.silence(id).await,
            Self::Mark(mark) => marked(&alertmanager, mark).await,
        };
        let found = found.map_err(|why| Text::line(&format!("the silence could not be read: {why}")))?;
        let found = found.ok_or_else(|| Text::line(&format!("there is no silence {} at {server}", self.words().concat())))?;
        if found.state == State::Expired {
            return Err(Text::line(&format!("the silence {} ended at {} already", found.id, found.ends_at.format("%H:%M:%SZ"))));
        }
        let subject = found.matchers.as_deref().map_or_else(|| found.id.to_string(), super::silence::subject);
        let mut draft = Draft::of(id, Wish::new(Self::Id(found.id.clone())), &format!("End silence · {subject}"));
        draft.what = what(&found, &server, core);
        let change = SilenceChange::Expire { id: found.id.clone(), updated_at: found.updated_at.clone() };
        draft.kubectl = match alertmanager.located.endpoint.proxy_path() {
            Some(proxy) => kubectl::delete_raw(&format!("{proxy}{}", path(&change)), &core.cluster),
            None => kubectl::amtool(&server, &["silence".to_owned(), "expire".to_owned(), found.id.to_string()]),
        };
        draft.undo = match found.matchers.clone() {
            Some(matchers) => {
                let again = Silence { matchers, lasts: None, until: Some(found.ends_at), meant: None, mark: None };
                Undo::By(Wish::new(again), "U makes a new silence with the same matchers and end; its id is another one".into())
            }
            None => Undo::Nothing("nothing takes it back: one of its matchers cannot be read here".into()),
        };
        let is_others = found.created_by != core.cluster.user;
        draft.check(CheckKind::Effect, async move {
            let effect = "what still fires and fits is told again";
            if is_others {
                CheckResult::Warn(Text::line(&format!("{} made it, not you; {effect}", found.created_by)))
            } else {
                CheckResult::Pass(effect.into())
            }
        });
        draft.writes = vec![Write::Silence(SilenceWrite { server, change })];
        Ok(draft)
    }
}

fn what(found: &Found, server: &Text, core: &Core) -> Vec<Text> {
    let matchers = found.matchers.iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let until = found.ends_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let by = if found.created_by == core.cluster.user { "you".to_owned() } else { found.created_by.to_string() };
    vec![
        Text::line(&format!("the silence {} at {server}", found.id)),
        Text::line(&format!("of alerts with {matchers}, until {until}, by {by}")),
        Text::bounded(&format!("\u{201c}{}\u{201d}", found.comment), 200),
    ]
}
