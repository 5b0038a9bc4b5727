//! Silencing alerts in Alertmanager for a while.
//!
//! What it hides by now is read when the plan is made and is on the card. The comment carries the reason and a mark, by which
//! the silence is known again when the answer is lost, and by which it is taken back.

use std::{collections::BTreeSet, fmt::Write as _, sync::Arc, time::Duration};

use chrono::{DateTime, SecondsFormat, SubsecRound as _, Utc};

use super::Mitigation;
use crate::{
    actions::{
        alertmanager::{Alertmanager, Firing},
        draft::{Draft, Undo},
        engine::Core,
        kinds::unsilence::Unsilence,
        kubectl,
        write::silence::{body, path},
    },
    domain::{
        alert::Severity,
        ask::{Wish, Words},
        asks::Silence,
        catalogue::{Level, Parameter, Presence, Right, Spec},
        mitigation::{CheckKind, CheckResult, DiffLine, DiffSign, MitigationId, NewSilence, SilenceChange, SilenceWrite, Write},
        silence::{Matcher, all_accept, in_words},
        text::Text,
        units,
    },
};

/// Longer than that is no silence but a rule that should go.
const LONGEST: Duration = Duration::from_hours(24 * 30);
/// From here on the card warns: everybody has forgotten it by then.
const LONG: Duration = Duration::from_hours(24);
/// Hidden alerts that are listed.
const LISTED: usize = 12;

pub static SPEC: Spec = Spec {
    name: Silence::NAME,
    key: 'z',
    summary: "silence alerts in Alertmanager for a while",
    on: &[],
    takes_several: false,
    parameters: &[
        Parameter {
            name: "LABEL=VALUE",
            about: "label=value, label!=value, label=~regex or label!~regex, as amtool takes them: several words, or one list with commas, with or without { }; names and values with blanks or signs in double quotes; a first word alone is the alert's name; an alert is silenced when all of them fit",
            presence: Presence::Repeated,
        },
        Parameter { name: "for=DURATION", about: "how long, as 30m or 2h; without it one hour, at most 30 days", presence: Presence::Optional },
        Parameter { name: "until=TIME", about: "when it ends, RFC 3339, in the place of for=", presence: Presence::Optional },
        Parameter { name: "from=TIME", about: "when it begins, RFC 3339; without it at once", presence: Presence::Optional },
        Parameter {
            name: "again=ID",
            about: "the silence that was ended and is made again: it may hide whatever that one did",
            presence: Presence::Own,
        },
        Parameter { name: "of=FINGERPRINT", about: "the one alert that is meant: whatever else it hides is a warning", presence: Presence::Own },
        Parameter { name: "mark=WORD", about: "by which it is known again; without it one is made", presence: Presence::Own },
    ],
    level: Level::Narrow,
    more: "hiding a critical alert, or more than the one that is meant, is disruptive",
    rights: &[Right::on("list", "", "services"), Right::below("get", "", "services", "proxy"), Right::below("create", "", "services", "proxy")],
    undo: "the silence is ended",
};

impl Mitigation for Silence {
    const SPEC: &'static Spec = &SPEC;

    fn parse(words: &mut Words<'_>) -> Result<Self, Text> {
        let mut silence = Self { matchers: Vec::new(), lasts: None, from: None, until: None, again: None, meant: None, mark: None };
        loop {
            if let Some(typed) = words.named("for") {
                let lasts = humantime::parse_duration(typed).ok().filter(|lasts| (Duration::from_secs(1)..=LONGEST).contains(lasts));
                silence.lasts = Some(lasts.ok_or_else(|| words.wrong(&format!("takes a duration up to 30 days, as for=2h, not {typed:?}")))?);
            } else if let Some(typed) = words.named("until") {
                silence.until = Some(moment(words, "until", typed)?);
            } else if let Some(typed) = words.named("from") {
                silence.from = Some(moment(words, "from", typed)?);
            } else if let Some(typed) = words.named("again") {
                silence.again =
                    Some(if is_id(typed) { typed.into() } else { return Err(words.wrong("takes the id of a silence, a UUID, as again=")) });
            } else if let Some(typed) = words.named("of") {
                silence.meant = Some(Text::line(typed));
            } else if let Some(typed) = words.named("mark") {
                let is_mark = (4..=32).contains(&typed.len()) && typed.bytes().all(|byte| byte.is_ascii_alphanumeric());
                silence.mark = Some(if is_mark { typed.into() } else { return Err(words.wrong("takes a mark of 4 to 32 letters and digits")) });
            } else if let Some(typed) = words.optional() {
                let typed = in_braces(typed, words);
                let read = Matcher::parse_list(&typed).or_else(|| silence.matchers.is_empty().then(|| alert_name(&typed)).flatten().map(Ok));
                let read = read.ok_or_else(|| words.wrong(&format!("takes matchers as service=api-gateway, not {typed:?}")))?;
                silence.matchers.extend(read.map_err(|why| words.wrong(&format!("cannot use {typed:?}: {why}")))?);
            } else {
                break;
            }
        }
        match silence {
            Self { matchers, .. } if matchers.is_empty() => Err(words.wrong("names no alert: give a matcher at least")),
            Self { lasts: Some(_), until: Some(_), .. } => Err(words.wrong("takes either for= or until=")),
            silence => Ok(silence),
        }
    }

    async fn draft(&self, core: &Arc<Core>, id: MitigationId) -> Result<Draft, Text> {
        let alertmanager = Alertmanager::open(&core.api).await?;
        let server = alertmanager.server();
        let (firing, date) = alertmanager.firing().await.map_err(|why| Text::line(&format!("what fires could not be read: {why}")))?;
        // Times are the server's: it is the one that ends the silence.
        let now = date.unwrap_or_else(|| core.clock.now().utc);
        let ends_at = match (self.until, self.lasts) {
            (Some(until), _) => until,
            (None, lasts) => now + lasts.unwrap_or(Duration::from_hours(1)),
        };
        let ends_at = ends_at.trunc_subsecs(0);
        let starts_at = self.from.map_or(now, |from| from.max(now));
        let Ok(left) = (ends_at - starts_at).to_std() else {
            return Err(Text::line(&format!(
                "it would end at {}, which is past: it is {} there",
                ends_at.format("%H:%M:%SZ"),
                now.format("%H:%M:%SZ")
            )));
        };
        let mark = self.mark.clone().unwrap_or_else(new_mark);
        let fits = |alert: &&Firing| all_accept(&self.matchers, |name| alert.label(name));
        let hidden: Vec<&Firing> = firing.iter().filter(|alert| fits(alert) == Some(true)).collect();
        // Only Alertmanager can tell whether these are hidden too.
        let unsure = firing.iter().filter(|alert| fits(alert).is_none()).count();
        let is_specific = self.matchers.iter().any(Matcher::is_specific);
        let is_again = match &self.again {
            Some(id) if !is_specific => alertmanager.silence(id).await?.is_some_and(|held| has_same(&held.matchers, &self.matchers)),
            _ => false,
        };
        let again = Self { lasts: None, until: Some(ends_at), mark: Some(mark.clone()), ..self.clone() };
        let mut draft = Draft::of(id, Wish::new(again), &format!("Silence · {}", subject(&self.matchers)));
        let others = hidden.iter().filter(|alert| self.meant.as_ref().is_some_and(|meant| alert.fingerprint != meant.as_str())).count();
        draft.level = if others > 0 || unsure > 0 || !is_specific || hidden.iter().any(|alert| severity(alert) == Severity::Critical) {
            Level::Disruptive
        } else {
            Level::Narrow
        };
        draft.what = vec![
            Text::line(&format!(
                "{}{}, {}until {} (for {})",
                impact(&hidden),
                if unsure > 0 { format!("; of {unsure} more only Alertmanager knows") } else { String::new() },
                if starts_at > now { format!("from {} ", at(starts_at, now)) } else { String::new() },
                at(ends_at, now),
                units::spoken(left)
            )),
            Text::line(&format!("alerts with {}", in_words(&self.matchers))),
            Text::line(&format!("at {server}")),
        ];
        draft.diff = listing(hidden.iter().copied());
        let new = NewSilence {
            matchers: self.matchers.clone(),
            starts_at,
            ends_at,
            created_by: core.cluster.user.clone(),
            reason: Text::default(),
            mark: mark.clone(),
        };
        let adding = adding(&new, self.from.is_some());
        let change = SilenceChange::Create(new);
        draft.kubectl = match alertmanager.located.endpoint.proxy_path() {
            Some(proxy) => kubectl::post_by_proxy(&format!("{proxy}{}", path(&change)), &body(&change), &core.kubectl),
            None => kubectl::amtool(&server, &adding),
        };
        draft.undo = Undo::By(Wish::new(Unsilence::of_mark(mark)), "U ends the silence: alerts that still fire notify again".into());
        let lacking = self.matchers.iter().find(|matcher| matcher.is_optional()).map(|matcher| matcher.name.as_str());
        let verdict = effect(&Effect { hidden: &hidden, others, unsure, firing: firing.len(), is_specific, lacking, is_again }, left);
        draft.check(CheckKind::Effect, async { verdict });
        draft.writes = vec![Write::Silence(SilenceWrite { server, change })];
        Ok(draft)
    }
}

/// A list in braces that was typed in several words, as `{a="b", c="d"}` is without quotes around it.
fn in_braces(first: &str, words: &mut Words<'_>) -> String {
    let mut whole = first.to_owned();
    while whole.starts_with('{') && !whole.ends_with('}') {
        let Some(next) = words.optional() else { break };
        whole = format!("{whole} {next}");
    }
    whole
}

/// A first word that is no matcher is the alert's name, as `amtool` takes it.
fn alert_name(typed: &str) -> Option<Vec<Matcher>> {
    let is_name = !typed.is_empty() && typed.chars().all(|character| character.is_alphanumeric() || matches!(character, '_' | ':' | '-' | '.'));
    is_name.then(|| vec![Matcher::equal("alertname", typed)])
}

/// What `amtool` takes.
fn adding(silence: &NewSilence, is_later: bool) -> Vec<String> {
    let mut words = vec!["silence".to_owned(), "add".to_owned(), format!("--author={}", silence.created_by)];
    words.push(format!("--end={}", silence.ends_at.to_rfc3339_opts(SecondsFormat::Secs, true)));
    words.push(format!("--comment={}", silence.comment()));
    words.extend(is_later.then(|| format!("--start={}", silence.starts_at.to_rfc3339_opts(SecondsFormat::Secs, true))));
    words.extend(silence.matchers.iter().map(Matcher::in_quotes));
    words
}

fn moment(words: &Words<'_>, name: &str, typed: &str) -> Result<DateTime<Utc>, Text> {
    let moment = DateTime::parse_from_rfc3339(typed).map_err(|_| words.wrong(&format!("takes {name}=2026-11-23T03:14:00Z, not {typed:?}")))?;
    Ok(moment.with_timezone(&Utc))
}

/// Part of a path: nothing but an id may stand there.
pub fn is_id(id: &str) -> bool {
    id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

fn has_same(held: &[Matcher], wanted: &[Matcher]) -> bool {
    held.len() == wanted.len() && held.iter().all(|matcher| wanted.contains(matcher))
}

/// What a silence hides by now.
struct Effect<'a> {
    hidden: &'a [&'a Firing],
    /// Hidden ones that are not meant.
    others: usize,
    /// Alerts of which only Alertmanager knows.
    unsure: usize,
    firing: usize,
    /// Whether a matcher says what a label is.
    is_specific: bool,
    /// A label that a matcher names, and that the hidden alerts may lack.
    lacking: Option<&'a str>,
    /// Whether the same silence was there before.
    is_again: bool,
}

/// What it hides, and whether that is what is wanted.
fn effect(effect: &Effect<'_>, left: Duration) -> CheckResult {
    let Effect { hidden, others, unsure, firing, is_specific, lacking, is_again } = *effect;
    if !is_specific && !is_again {
        if let Some(label) = lacking {
            let says = format!("it would also silence every alert without a label {label}, for its value may be empty; name an alert or a service");
            return CheckResult::Block(Text::line(&says));
        }
        return CheckResult::Block("it would silence everything: no matcher says what a label is; name an alert or a service".into());
    }
    let mut doubts = Vec::new();
    if !is_specific {
        doubts.push("no matcher says what a label is: it hides nearly everything, as the one before it did".to_owned());
    }
    if unsure > 0 {
        doubts.push("sev1 cannot read one of the expressions as Alertmanager does: what it hides is not all known".to_owned());
    }
    if unsure == 0 && hidden.is_empty() {
        doubts.push("no alert that fires fits: check the matchers, it hides only what is still to come".to_owned());
    } else if others == hidden.len() {
        doubts.push("the alert that is meant does not fire any more, or does not fit".to_owned());
    } else if others > 0 {
        let more = format!("{others} more {}", units::plural(others as u64, "alert"));
        doubts.push(format!("it hides {more} than the one that is meant"));
    } else if hidden.len() == firing && firing > 1 {
        doubts.push("it hides everything that fires".to_owned());
    }
    if left > LONG {
        doubts.push(format!("it lasts {}: somebody has to remember it", units::spoken(left)));
    }
    match hidden.iter().filter(|alert| severity(alert) == Severity::Critical).count() {
        0 => {}
        1 => doubts.push("1 of them is critical: its ladder ends, nobody else is told".to_owned()),
        many => doubts.push(format!("{many} of them are critical: their ladders end, nobody else is told")),
    }
    if doubts.is_empty() { CheckResult::Pass("hides what is meant".into()) } else { CheckResult::Warn(Text::line(&doubts.join("; "))) }
}

/// `hides 4 firing alerts of 2 services`.
fn impact(hidden: &[&Firing]) -> String {
    if hidden.is_empty() {
        return "hides nothing that fires".to_owned();
    }
    let services: BTreeSet<&str> = hidden.iter().filter_map(|alert| service(alert)).collect();
    let mut text = format!("hides {} firing {}", hidden.len(), units::plural(hidden.len() as u64, "alert"));
    let _ = match services.len() {
        0 => Ok(()),
        1 => write!(text, " of {}", services.first().unwrap_or(&"")),
        many => write!(text, " of {many} services"),
    };
    text
}

/// The alerts that are hidden, line by line.
pub fn listing<'a>(hidden: impl ExactSizeIterator<Item = &'a Firing>) -> Vec<DiffLine> {
    let more = hidden.len().saturating_sub(LISTED);
    let context = |text: Text| DiffLine { sign: DiffSign::Context, text };
    let mut lines: Vec<_> = hidden.take(LISTED).map(|alert| context(listed(alert))).collect();
    lines.extend((more > 0).then(|| context(Text::line(&format!("and {more} more")))));
    lines
}

fn listed(alert: &Firing) -> Text {
    let service = service(alert).map(|service| format!(" {service}")).unwrap_or_default();
    Text::line(&format!("{}{service} ({})", alert.label("alertname"), severity(alert).word()))
}

fn service(alert: &Firing) -> Option<&str> {
    ["service", "app", "deployment", "job"].iter().map(|name| alert.label(name)).find(|value| !value.is_empty())
}

fn severity(alert: &Firing) -> Severity {
    Severity::from_label(Some(alert.label("severity")).filter(|label| !label.is_empty()))
}

/// The alert's name, or the first matcher.
pub fn subject(matchers: &[Matcher]) -> String {
    let named = matchers.iter().find(|matcher| matcher.name == "alertname").map(|matcher| matcher.value.clone());
    named.or_else(|| matchers.first().map(ToString::to_string)).unwrap_or_default()
}

/// A time of day; with its date where that is another one.
pub fn at(time: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let form = if time.date_naive() == now.date_naive() { "%H:%M:%SZ" } else { "%Y-%m-%d %H:%M:%SZ" };
    time.format(form).to_string()
}

/// Eight letters and digits that are hard to take for one another; drawn by lot.
fn new_mark() -> Text {
    const LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let mark: String = (0..8).map(|_| char::from(LETTERS[fastrand::usize(..LETTERS.len())])).collect();
    Text::line(&mark)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::kinds::find;

    fn read(words: &[&str]) -> Result<Wish, Text> {
        find(Silence::NAME).unwrap().entry.ask("shop", words)
    }

    fn understood(words: &[&str]) -> String {
        in_words(&read(words).unwrap().get::<Silence>().unwrap().matchers)
    }

    #[test]
    fn matchers_are_read_however_amtool_takes_them() {
        let both = r#"a="b" and c="d e""#;
        for words in [
            &["a=b", r#"c="d e""#][..],
            &[r#"a="b",c="d e""#],
            &[r#"{a="b", c="d e"}"#],
            &["{a=\"b\",", "c=\"d", "e\"}"],
            &["a=b,", "c=d e", "for=2h"],
        ] {
            assert_eq!(understood(words), both, "{words:?}");
        }
        assert_eq!(understood(&["HighErrors", "service.name=x"]), r#"alertname="HighErrors" and service.name="x""#);
    }

    #[test]
    fn what_is_no_matcher_is_refused_with_what_was_typed() {
        for (words, why) in [
            (&["a=b", "api"][..], "not \"api\""),
            (&["{a=b", "c=d"], "not \"{a=b c=d\""),
            (&["a=\"b"], "is not closed"),
            (&["for=2h"], "names no alert"),
        ] {
            assert!(read(words).unwrap_err().contains(why), "{words:?}: {:?}", read(words));
        }
    }
}
