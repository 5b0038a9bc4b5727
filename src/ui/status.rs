//! The lines above the footer: notices, mitigations in flight, and what the last ones did (magenta: sev1's own).

use ratatui::{layout::Rect, style::Style};

use super::{
    canvas::{Canvas, columns, wrap, wrap_for},
    clock, cockpit, glyph,
    layout::below,
    widgets::fold,
};
use crate::{
    domain::{
        mitigation::{Outcome, converging},
        units,
        verdict::Judgement,
    },
    state::{
        Screen, State,
        card::{Mitigation, Stage},
    },
};

/// How long a finished mitigation keeps its line. The timeline keeps it for good.
const KEPT: std::time::Duration = std::time::Duration::from_mins(15);

pub fn render(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let theme = canvas.theme;
    let shown = shown(state);
    render_cut(canvas, below(area, u16::try_from(shown.len()).unwrap_or(u16::MAX)), state);
    for (line, mitigation) in (0..area.height).zip(shown) {
        let mut pen = canvas.pen(area, line);
        pen.skip(1);
        for (text, style) in sentence(state, mitigation, theme, area.width) {
            pen.write(&text, style);
        }
    }
}

/// The chosen row of the cockpit as a whole, where its pane has no room for it.
fn render_cut(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    if area.height == 0 || state.screen != Screen::Cockpit || !state.overlays.is_empty() {
        return;
    }
    let Some(words) = cockpit::cut(state) else { return };
    let theme = canvas.theme;
    let inner = Rect { x: area.x + 3, width: area.width.saturating_sub(4), ..area };
    let lines: Vec<fold::Parts> = wrap_for(&words, inner.width, state.ascii).into_iter().map(|line| vec![(line, theme.plain)]).collect();
    let rows = fold::count(lines.len()).min(area.height);
    canvas.pen(area, 0).skip(1).write(glyph::CURSOR, theme.focus);
    for line in 0..rows {
        fold::write(&mut canvas.pen(inner, line), &lines, line, rows);
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

fn sentence(state: &State, mitigation: &Mitigation, theme: &super::theme::Theme, width: u16) -> Vec<(String, Style)> {
    let at = clock::moment(state, clock::utc_of(state, mitigation.confirmed_at));
    let what = format!("{} {at} {}", glyph::MARK, mitigation.title);
    if mitigation.undone_by.is_some() {
        return vec![(format!("{what}: taken back"), theme.own)];
    }
    let mut parts = Vec::new();
    if let Some(verdict) = &mitigation.verdict {
        // The end may be cut: what decides comes first.
        let (sign, style) = match verdict.judgement {
            Judgement::Helped => (glyph::OK, theme.ok),
            Judgement::Worse => (glyph::CRITICAL, theme.critical),
            Judgement::Better | Judgement::InOrder | Judgement::AlreadyRecovering | Judgement::TooEarly => (glyph::DOT, theme.warning),
            Judgement::NoEffect | Judgement::NoData => (glyph::WARNING, theme.warning),
        };
        let whole = verdict.sentence();
        let fits = columns(&whole).saturating_add(columns(sign)) < width.saturating_sub(2);
        parts.push((format!("{sign} {}  ", if fits { whole } else { verdict.brief() }), style));
        parts.push((what, theme.own));
    } else {
        parts.push((format!("{what}: "), theme.own));
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
            Stage::Converging { ready, of, old, stuck } => {
                // What holds it up says more than how far it is, and the end may be cut.
                if let Some(stuck) = stuck {
                    parts.push((format!("{} stuck: {stuck}  ", glyph::WARNING), theme.warning));
                }
                parts.push((converging(*ready, *of, *old), theme.own));
            }
            Stage::Watching { .. } => {
                let how = if mitigation.converges { "in effect" } else { "written" };
                let watching = match (&mitigation.takes_effect_later, mitigation.outlook()) {
                    (Some(why), _) => why.to_string(),
                    (None, Some(outlook)) => format!("{how}; {outlook}"),
                    (None, None) => format!("{how}; watching whether it helps{}", before(mitigation)),
                };
                parts.push((watching, theme.own));
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
