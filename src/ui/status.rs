//! The lines above the footer: notices, mitigations in flight, and what the last ones did (magenta: sev1's own).

use ratatui::{layout::Rect, style::Style};

use super::{
    canvas::{Canvas, wrap},
    clock, glyph,
};
use crate::{
    domain::{
        mitigation::Outcome,
        units,
        verdict::{Comparison, Judgement, Verdict},
    },
    state::{
        State,
        card::{Mitigation, Stage},
    },
};

/// How long a finished mitigation keeps its line. The timeline keeps it for good.
const KEPT: std::time::Duration = std::time::Duration::from_mins(15);

pub fn render(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let theme = canvas.theme;
    for (line, mitigation) in (0..area.height).zip(shown(state)) {
        let mut pen = canvas.pen(area, line);
        pen.skip(1);
        for (text, style) in sentence(state, mitigation, theme) {
            pen.write(&text, style);
        }
    }
}

/// A notice lies over the lowest lines above the footer, as many as it needs.
pub fn render_notice(canvas: &mut Canvas<'_>, footer: Rect, state: &State) {
    let Some(notice) = &state.notice else { return };
    let theme = canvas.theme;
    let (sign, style) = if notice.is_error { (glyph::WARNING, theme.warning) } else { (glyph::DOT, theme.strong) };
    let lines = wrap(&format!("{sign} {}", notice.text), footer.width.saturating_sub(2));
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(4).min(footer.y.saturating_sub(1));
    let area = Rect { y: footer.y - rows, height: rows, ..footer };
    canvas.clear(area);
    for (line, text) in (0..rows).zip(&lines) {
        canvas.pen(area, line).skip(1).write(text, style);
    }
}

/// Those in flight before the finished ones, newest first.
fn shown(state: &State) -> Vec<&Mitigation> {
    let is_over = |mitigation: &&Mitigation| matches!(mitigation.stage, Stage::Ended(_)) || mitigation.verdict.is_some();
    let all = || state.mitigations.all.iter().rev();
    let recent = |mitigation: &&Mitigation| {
        matches!(mitigation.stage, Stage::Ended(Outcome::Unknown(_)))
            || state.now.mono.since(mitigation.done_at.unwrap_or(mitigation.confirmed_at)) <= KEPT
    };
    all().filter(|mitigation| !is_over(mitigation)).chain(all().filter(is_over).filter(recent)).collect()
}

fn sentence(state: &State, mitigation: &Mitigation, theme: &super::theme::Theme) -> Vec<(String, Style)> {
    let at = clock::moment(state, clock::utc_of(state, mitigation.confirmed_at));
    let mut parts = vec![(format!("{} {at} {}: ", glyph::MARK, mitigation.title), theme.own)];
    if mitigation.undone_by.is_some() {
        parts.push(("taken back".to_owned(), theme.own));
        return parts;
    }
    if let Some(verdict) = &mitigation.verdict {
        let style = match verdict.judgement {
            Judgement::Helped => theme.ok,
            Judgement::Worse => theme.critical,
            _ => theme.warning,
        };
        parts.push((verdict_sentence(verdict), style));
    } else {
        match &mitigation.stage {
            Stage::Executing { done, of, waits } => {
                parts.push((format!("writing {done}/{of}"), theme.own));
                if *of > 1
                    && let Some(key) = state.keymap.keys_of("stop").into_iter().next()
                {
                    parts.push((format!("  {key}"), theme.key));
                    parts.push((" stops".to_owned(), theme.label));
                }
                if let Some(waits) = waits {
                    parts.push((format!("  {} {waits}", glyph::WARNING), theme.warning));
                }
            }
            Stage::Converging { of: 0, .. } => parts.push(("written; waiting for the rollout".to_owned(), theme.own)),
            Stage::Converging { ready, of, old, stuck } => {
                let old = if *old > 0 { format!(", {old} old left") } else { String::new() };
                parts.push((format!("{ready}/{of} new pods ready{old}"), theme.own));
                if let Some(stuck) = stuck {
                    parts.push((format!("  {} stuck: {stuck}", glyph::WARNING), theme.warning));
                }
            }
            Stage::Watching { .. } => {
                let how = if mitigation.converges { "in effect" } else { "written" };
                parts.push((format!("{how}; watching whether it helps{}", before(mitigation)), theme.own));
            }
            Stage::Ended(Outcome::Done) => parts.push(("done".to_owned(), theme.own)),
            Stage::Ended(Outcome::Unknown(why)) => {
                parts.push((format!("{} outcome unknown ({why}): being read from the cluster, not retried", glyph::WARNING), theme.warning));
            }
            Stage::Ended(outcome) => parts.push((format!("{} {outcome}", glyph::BLOCKED), theme.critical)),
        }
    }
    if state.mitigations.last_undoable().is_some_and(|last| last.id == mitigation.id)
        && let Some(key) = state.keymap.keys_of("undo").into_iter().next()
    {
        parts.push((format!("  {key}"), theme.key));
        parts.push((" undoes it".to_owned(), theme.label));
    }
    parts
}

fn before(mitigation: &Mitigation) -> String {
    let aimed_at = mitigation.before.iter().find(|comparison| mitigation.aim.as_ref() == Some(&comparison.kpi));
    aimed_at
        .or(mitigation.before.first())
        .and_then(|first| Some(format!(" ({} was {})", first.title, units::value(first.before?, first.unit))))
        .unwrap_or_default()
}

/// `error rate 11.8 % → 0.4 % in 2 min: helped`.
pub fn verdict_sentence(verdict: &Verdict) -> String {
    let after = clock::in_words(verdict.after);
    let numbers = verdict.comparisons.first().map(comparison).unwrap_or_default();
    match verdict.judgement {
        Judgement::Helped => format!("{} {numbers} in {after}: helped", glyph::OK),
        Judgement::NoEffect => format!("{} no effect after {after} ({numbers})", glyph::WARNING),
        Judgement::Worse => format!("{} worse after {after} ({numbers})", glyph::CRITICAL),
        Judgement::TooEarly => format!("too early to tell ({numbers})"),
        Judgement::NoData => format!("{} cannot tell whether it helped: no data before or after", glyph::WARNING),
    }
}

fn comparison(comparison: &Comparison) -> String {
    let written = |value: Option<f64>| {
        value.filter(|value| value.is_finite()).map_or_else(|| "no data".to_owned(), |value| units::value(value, comparison.unit))
    };
    format!("{} {} {} {}", comparison.title, written(comparison.before), glyph::ARROW, written(comparison.after))
}
