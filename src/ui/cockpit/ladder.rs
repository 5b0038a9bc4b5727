//! The lines of one ladder: who is to be called by when, whether that was done and by whom, and how the other alerts stand. What
//! matters most keeps its place longest where there is little room.

use chrono::{DateTime, Utc};

use crate::{
    domain::{escalation::Urgency, text::Text, units},
    state::{
        State,
        escalation::{Escalation, StepState},
    },
    ui::{canvas::columns, clock, glyph},
};

/// From this width on a step and what is to be said of it share a line.
const WIDE: u16 = 44;

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// In the ink of the alert's severity.
    Alarm,
    Strong,
    Plain,
    Label,
    /// What a person noted here.
    Own,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What is greater goes first where there is too little room.
    rank: u8,
    pub left: String,
    /// At the right edge.
    pub right: String,
    pub ink: Ink,
    /// How all alerts stand together.
    pub is_tally: bool,
}

fn line(rank: u8, left: impl Into<String>, right: impl Into<String>, ink: Ink) -> Line {
    Line { rank, left: left.into(), right: right.into(), ink, is_tally: false }
}

/// The alert as the title of a pane of this width names it, and what of it the lines below have to say: of several with one name
/// what it is about comes first, where the title has no room for both.
pub fn title(state: &State, shown: &Escalation, width: u16) -> (Text, Option<Text>) {
    let words = state.alert_in_words(&shown.alert);
    // Beside the margins the sign of the severity has two columns.
    if words == shown.alert.name || columns(&words) + 4 <= width { (words, None) } else { (shown.alert.name.clone(), shown.alert.subject().cloned()) }
}

/// Every line that there is to be shown beside the title, in a pane of this width.
pub fn lines(state: &State, shown: &Escalation, width: u16) -> Vec<Line> {
    let is_wide = width >= WIDE;
    let mut lines = Vec::new();
    if shown.steps.is_empty() {
        lines.push(line(0, format!("logged only: {}", shown.channels), "", Ink::Plain));
    }
    let (_, about) = title(state, shown, width);
    steps(state, shown, width, about.as_ref(), &mut lines);
    if let Some(about) = about.filter(|about| !lines.iter().any(|line| line.left.contains(about.as_str()))) {
        lines.insert(0, line(1, about.as_str(), "", Ink::Strong));
    }
    if let Some(ack) = &shown.ack {
        let until = format!("{} acked until {}", glyph::OK, clock::moment(state, ack.until));
        by(&mut lines, is_wide, 0, until, &ack.by);
    }
    let tally = state.tally();
    if tally.firing > 1 && shown.urgency != Urgency::LoggedOnly {
        let to_call = if tally.to_call > 0 { format!(", {} to call", tally.to_call) } else { String::new() };
        let words = match tally.acked == tally.firing {
            true if is_wide => format!("all {} are acknowledged; this one ends first", tally.firing),
            true => format!("all {} acked; next to end", tally.firing),
            false => format!("acked {} of {}{to_call}", tally.acked, tally.firing),
        };
        lines.push(Line { is_tally: true, ..line(2, words, "", Ink::Plain) });
    }
    let logged = state.firing().count() - tally.firing;
    if logged > 0 && shown.urgency != Urgency::LoggedOnly {
        lines.push(line(6, format!("+{logged} that call nobody"), "", Ink::Label));
    }
    // Until somebody has answered once: whoever did so knows it.
    if !shown.steps.is_empty() && !state.is_answered() {
        let words = if is_wide { "sev1 pages nobody: call them yourself" } else { "sev1 pages nobody" };
        lines.push(line(3, words, "", Ink::Label));
    }
    lines
}

/// Which alerts are hidden, where nothing else needs the room.
pub fn hidden(words: String) -> Line {
    line(6, words, "", Ink::Label)
}

/// The lines that have room, in their order.
pub fn fitting(mut lines: Vec<Line>, rows: u16) -> Vec<Line> {
    while lines.len() > usize::from(rows) {
        let last = lines.iter().enumerate().max_by_key(|(index, line)| (line.rank, *index)).map(|(index, _)| index);
        lines.remove(last.unwrap_or_default());
    }
    lines
}

fn steps(state: &State, shown: &Escalation, width: u16, about: Option<&Text>, lines: &mut Vec<Line>) {
    let is_wide = width >= WIDE;
    let is_overdue = shown.urgency.is_overdue();
    let next = shown.steps.iter().position(|step| matches!(step.state, StepState::In(_) | StepState::Held(_)));
    let latest_call = shown.steps.iter().rposition(|step| matches!(step.state, StepState::Called { .. }));
    for (index, step) in shown.steps.iter().enumerate() {
        let who = &step.who;
        let later = u8::from(next != Some(index));
        // Where somebody was called since, or is to be called now, who was to be called before them matters less.
        let passed = if is_overdue || latest_call.is_some_and(|latest| latest > index) { 5 } else { 3 };
        match &step.state {
            StepState::Due { at, ago } => {
                let sign = if shown.alert.severity > crate::domain::alert::Severity::Warning { glyph::CRITICAL } else { glyph::WARNING };
                let due = call_by(state, *at, *ago, width);
                let of = about.map(|about| format!("{sign} {about}: {who}")).filter(|words| columns(words) < width);
                let who = of.unwrap_or_else(|| format!("{sign} {who}"));
                if is_wide {
                    lines.push(line(0, who, due, Ink::Alarm));
                } else {
                    lines.extend([line(0, who, "", Ink::Alarm), line(0, due, "", Ink::Alarm)]);
                }
            }
            StepState::Called { at, by: who_noted } => {
                let rank = if latest_call == Some(index) { 1 } else { 4 };
                let words = format!("called {}", clock::moment(state, *at));
                if is_wide {
                    lines.push(line(rank, format!("{} {who}", glyph::OK), format!("{words} by {who_noted}"), Ink::Own));
                } else {
                    lines.push(line(rank, format!("{} {who}", glyph::OK), words, Ink::Own));
                    lines.push(line(rank + 3, format!("  by {who_noted}"), "", Ink::Own));
                }
            }
            StepState::Passed(at) if is_wide => {
                lines.push(line(passed, format!("{} {who}", glyph::DOT), format!("due {}, no call noted", clock::moment(state, *at)), Ink::Label));
            }
            StepState::Passed(_) => lines.push(line(passed, format!("{} {who} no call noted", glyph::DOT), "", Ink::Label)),
            StepState::In(left) => {
                let ink = if later > 0 {
                    Ink::Label
                } else if is_overdue {
                    Ink::Plain
                } else {
                    Ink::Strong
                };
                lines.push(line(
                    1 + 3 * later,
                    format!("{} {who}", glyph::OPEN),
                    format!("{}in {}", if is_wide { "call " } else { "" }, units::countdown(*left)),
                    ink,
                ));
            }
            StepState::Held(_) => lines.push(line(3 + 2 * later, format!("{} {who}", glyph::OPEN), "held", Ink::Label)),
        }
    }
}

/// Who did it, beside or below what was done.
fn by(lines: &mut Vec<Line>, is_wide: bool, rank: u8, done: String, who: &str) {
    if is_wide {
        lines.push(line(rank, format!("{done} by {who}"), "", Ink::Own));
    } else {
        lines.extend([line(rank, done, "", Ink::Own), line(rank + 2, format!("  by {who}"), "", Ink::Own)]);
    }
}

/// `call by 17:37 · 4 min late`, with a shorter age where there is no room for it. How late it is, and not how long ago something
/// was done: nobody was called yet.
fn call_by(state: &State, at: DateTime<Utc>, ago: std::time::Duration, width: u16) -> String {
    let by = format!("call by {} {} ", clock::moment(state, at), glyph::DOT);
    if ago.as_secs() < 10 {
        return format!("{by}now");
    }
    let long = format!("{by}{} late", units::age_in_words(ago));
    if columns(&long) < width { long } else { format!("{by}{} late", units::age(ago)) }
}
