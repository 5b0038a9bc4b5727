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
        kinds::silence::{is_id, listing},
        kubectl,
        write::silence::{marked, path},
    },
    domain::{
        ask::{Ask, Wish, Words},
        asks::Silence,
        catalogue::{Level, Parameter, Presence, Right, Spec},
        mitigation::{CheckKind, CheckResult, MitigationId, SilenceChange, SilenceWrite, Write},
        object::ObjectRef,
        silence::in_words,
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
        if is_id(id) { Ok(Self::Id(Text::line(id))) } else { Err(words.wrong(&format!("takes the id of a silence, a UUID, not {id:?}"))) }
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
        let subject = super::silence::subject(&found.matchers);
        let hidden = alertmanager.hidden_by(&found.id).await.map_err(|why| Text::line(&format!("what it hides could not be read: {why}")))?;
        let mut draft = Draft::of(id, Wish::new(Self::Id(found.id.clone())), &format!("End silence · {subject}"));
        draft.what = what(&found, &server, core);
        draft.diff = listing(hidden.iter());
        let change = SilenceChange::Expire { id: found.id.clone(), updated_at: found.updated_at.clone() };
        draft.kubectl = match alertmanager.located.endpoint.proxy_path() {
            Some(proxy) => kubectl::delete_raw(&format!("{proxy}{}", path(&change)), &core.kubectl),
            None => kubectl::amtool(&server, &["silence".to_owned(), "expire".to_owned(), found.id.to_string()]),
        };
        let again = Silence {
            matchers: found.matchers.clone(),
            lasts: None,
            from: (found.state == State::Pending).then_some(found.starts_at),
            until: Some(found.ends_at),
            again: Some(found.id.clone()),
            meant: None,
            mark: None,
        };
        draft.undo = Undo::By(Wish::new(again), "U makes a new silence with the same matchers and end; its id is another one".into());
        let is_others = found.created_by != core.cluster.user;
        draft.check(CheckKind::Effect, async move {
            let effect = match hidden.len() {
                0 => "it hides nothing that fires now; alerts that match it later will notify again".to_owned(),
                1 => "it hides 1 alert that fires, which will notify again".to_owned(),
                many => format!("it hides {many} alerts that fire, which will notify again"),
            };
            if is_others {
                CheckResult::Warn(Text::line(&format!("{} made it, not you; {effect}", found.created_by)))
            } else {
                CheckResult::Pass(Text::line(&effect))
            }
        });
        draft.writes = vec![Write::Silence(SilenceWrite { server, change })];
        Ok(draft)
    }
}

fn what(found: &Found, server: &Text, core: &Core) -> Vec<Text> {
    let matchers = in_words(&found.matchers);
    let until = found.ends_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let by = if found.created_by == core.cluster.user { "you".to_owned() } else { found.created_by.to_string() };
    vec![
        Text::line(&format!("the silence {} at {server}", found.id)),
        Text::line(&format!("of alerts with {matchers}, until {until}, by {by}")),
        Text::bounded(&format!("\u{201c}{}\u{201d}", found.comment), 200),
    ]
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::{super::find, *};
    use crate::domain::silence::Matcher;

    /// A matcher that Alertmanager can hold: any name, any value, and expressions in Go's dialect.
    fn matcher() -> impl Strategy<Value = Matcher> {
        let expression = prop_oneof![
            Just(r"/v1/users/{id}/.*".to_owned()),
            Just(r"\Q/v1/{x}\E.*".to_owned()),
            Just("[[]::1[]]:9100".to_owned()),
            Just("api-{{ .svc }}".to_owned()),
            Just(".+".to_owned()),
            Just("\"a b\"|(?P<x>c)".to_owned()),
            "[a-z.*{} ]{1,8}".prop_filter("Go takes it", |text| Matcher::new("a", true, true, text).is_ok()),
        ];
        let value = prop_oneof![any::<String>().prop_map(|value| (value, false)), expression.prop_map(|value| (value, true))];
        let name = prop_oneof![
            "[a-zA-Z_][a-zA-Z0-9_]{0,9}",
            Just("service.name".to_owned()),
            Just("for".to_owned()),
            Just("mark".to_owned()),
            Just("a b=\"c\"".to_owned()),
            any::<String>().prop_filter("Alertmanager takes no empty name", |name| !name.is_empty()),
        ];
        (name, value, any::<bool>()).prop_map(|(name, (value, is_regex), is_equal)| Matcher::held(&name, is_regex, is_equal, &value))
    }

    proptest! {
        #[test]
        fn any_silence_that_alertmanager_can_hold_is_read_back_by_its_undo(
            matchers in prop::collection::vec(matcher(), 1..4), ends in 1_800_000_000_i64..1_900_000_000, is_pending in any::<bool>()
        ) {
            let id = Text::line("6a1f7a0b-3d5c-4b44-9f0e-2f7f3a3d9c11");
            let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
            let from = is_pending.then(|| at(ends - 60));
            let again = Silence { matchers, lasts: None, from, until: Some(at(ends)), again: Some(id), meant: None, mark: None };
            let words = again.words();
            let read = find("silence").unwrap().entry.ask("shop", &words.iter().map(String::as_str).collect::<Vec<_>>());
            prop_assert_eq!(read, Ok(Wish::new(again)));
        }
    }
}
