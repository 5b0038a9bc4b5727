//! The confirmation card: the only way to write. Reason and confirmation are never cut; details are folded, and scroll.
//!
//! ```text
//! ┌ Undo rollout · api-gateway ───────────────────────────── PRODUCTION prod-uk-1 ┐
//! │ What    deployment/api-gateway  revision 42 → 41 in digital-identity          │
//! │         - LOG_LEVEL=debug                     + LOG_LEVEL=info                │
//! │ Checks  ✓ allowed for oncall@gov   ✓ server dry-run accepted   ✓ unchanged 4s │
//! │         ! HPA api-gateway-hpa keeps replicas 3..20                            │
//! │ Same as kubectl rollout undo deploy/api-gateway --to-revision=41 -n digital…  │
//! │ Undo    U brings revision 42 back                                             │
//! │ Reason  bad deploy_                                                           │
//! │                                                                               │
//! │  [ Cancel ]   Type prod to confirm: ____                                      │
//! └───────────────────────────────────────────────────────────────────────────────┘
//! ```

use ratatui::{layout::Rect, style::Style};

use super::{
    canvas::{Canvas, columns, widening, wrap},
    glyph, line,
    theme::Theme,
    widgets::dialog,
};
use crate::{
    domain::{
        mitigation::{Check, CheckKind, CheckResult, DiffLine, DiffSign, Friction, Plan},
        units,
    },
    state::{
        State,
        card::{ALTERNATIVE_KEY, Card, CardContent, CardFocus, is_legible},
    },
};

const LABEL: u16 = 8;
/// Reason, complaint, confirmation.
const PINNED: u16 = 3;
pub const CANCEL: &str = "[ Cancel ]";

/// One line of the details.
struct Row {
    label: &'static str,
    parts: Vec<(String, Style)>,
}

/// Where the parts of a card are.
#[derive(Debug, Clone, Copy)]
pub struct Places {
    pub area: Rect,
    pub details: Rect,
    pub reason: Rect,
    pub complaint: Rect,
    pub confirm: Rect,
}

/// The card is as high as its content needs and as the screen allows.
pub fn places(state: &State, theme: &Theme, card: &Card) -> Places {
    let (columns, rows) = state.size;
    let screen = Rect { x: 0, y: 0, width: columns, height: rows };
    let width = columns.min(100);
    let room = width.saturating_sub(4);
    let needed: usize = sections(state, theme, card, room).iter().map(Vec::len).sum();
    let height = u16::try_from(needed).unwrap_or(u16::MAX).saturating_add(PINNED + 2);
    let area = dialog::centred(screen, width, height);
    let inner = Rect {
        x: area.x + 2.min(area.width),
        y: area.y + 1.min(area.height),
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(2),
    };
    let line = |from_end: u16| Rect { y: inner.bottom().saturating_sub(from_end), height: u16::from(inner.height >= from_end), ..inner };
    Places { area, details: Rect { height: inner.height.saturating_sub(PINNED), ..inner }, reason: line(3), complaint: line(2), confirm: line(1) }
}

pub fn render(canvas: &mut Canvas<'_>, state: &State, card: &Card) {
    let theme = canvas.theme;
    let places = places(state, theme, card);
    let environment = &state.session.environment;
    let plan = plan(card);
    // Law 1: the cluster of the plan, not of the screen. They are the same, or the plan is refused.
    let cluster = plan.map_or_else(|| state.session.context.to_string(), |plan| plan.cluster.context.to_string());
    let room = places.area.width.saturating_sub(columns(&environment.banner) + 10).max(8);
    let cluster = super::canvas::cut_middle(&cluster, room);
    let banner = format!(" {} ", environment.banner);
    let style = theme.banner(environment.is_production);
    let title = match &card.content {
        CardContent::Planned(plan) => plan.title.to_string(),
        CardContent::Planning => "Preparing".to_owned(),
        CardContent::Impossible(_) => "Not possible".to_owned(),
    };
    dialog::render(canvas, places.area, &title, &[(&banner, style), (" ", theme.plain), (&cluster, theme.strong)]);
    if places.area.height < 3 {
        confirm(canvas, Rect { height: 1, ..places.area }, state, card);
        return;
    }
    details(canvas, places.details, state, card);
    reason(canvas, places.reason, state, card);
    remarks(canvas, places.complaint, card);
    confirm(canvas, places.confirm, state, card);
}

/// What keeps it from being confirmed; else what more there is to see.
fn remarks(canvas: &mut Canvas<'_>, area: Rect, card: &Card) {
    let Some(plan) = plan(card) else { return };
    let theme = canvas.theme;
    match (&card.complaint, pending(card)) {
        (None, None) if is_ready(plan, card) => _ = canvas.pen(area, 0).write("Enter", theme.key).write(" confirms", theme.strong),
        (None, None) if plan.has_full_diff() => full_diff_hint(canvas, area, card),
        (complaint, pending) => {
            let mut pen = canvas.pen(area, 0);
            if let Some(complaint) = complaint {
                pen.write(&format!("{} {complaint}", glyph::WARNING), theme.warning).skip(2);
            }
            if let Some(pending) = pending {
                pen.write(&format!("{} {pending}", glyph::ELLIPSIS), theme.label);
            }
        }
    }
}

/// Whether the word stands there, and nothing is in the way of it.
fn is_ready(plan: &Plan, card: &Card) -> bool {
    let is_typed = matches!(&plan.friction, Friction::Word(word) if card.typed == word.as_str());
    is_typed && card.focus == CardFocus::Word && !card.checks.iter().any(|check| matches!(check.result, CheckResult::Block(_)))
}

/// Where letters are typed into a field, the key counts from the details only.
fn full_diff_hint(canvas: &mut Canvas<'_>, area: Rect, card: &Card) {
    let theme = canvas.theme;
    let mut pen = canvas.pen(area, 0);
    pen.skip(LABEL);
    if matches!(card.focus, CardFocus::Word | CardFocus::Reason) {
        pen.write("Tab", theme.key).write(" to the details: ", theme.label);
    }
    pen.write("d", theme.key).write(" whole diff, as the server would store it", theme.label);
}

fn plan(card: &Card) -> Option<&Plan> {
    match &card.content {
        CardContent::Planned(plan) => Some(plan),
        CardContent::Planning | CardContent::Impossible(_) => None,
    }
}

/// What, diff, checks, same as, undo.
fn sections(state: &State, theme: &Theme, card: &Card, width: u16) -> Vec<Vec<Row>> {
    let room = width.saturating_sub(LABEL);
    match &card.content {
        CardContent::Planning => vec![text("What", "reading the objects, to show exactly what would happen …", room, theme.label)],
        CardContent::Impossible(why) => vec![text("What", &format!("{} {why}", glyph::BLOCKED), room, theme.warning)],
        CardContent::Planned(plan) => {
            let mut what: Vec<Row> = Vec::new();
            if let Some(taken) = state.takes_back(card) {
                what.extend(text("", &format!("{} {taken}", glyph::WARNING), room, theme.critical));
            }
            what.extend(plan.what.iter().enumerate().flat_map(|(index, line)| text(if index == 0 { "What" } else { "" }, line, room, theme.plain)));
            vec![
                what,
                diff(theme, &plan.diff, room),
                checks(state, theme, &card.checks, room),
                text("Same as", &plan.kubectl, room, theme.plain),
                text("Undo", &plan.undo, room, theme.plain),
                plan.alternative.as_ref().map(|other| alternative(theme, card, &other.words, room)).unwrap_or_default(),
            ]
        }
    }
}

/// Another way to the same end. Where letters are typed into a field, its key counts from the details only.
fn alternative(theme: &Theme, card: &Card, words: &str, room: u16) -> Vec<Row> {
    let is_typing = matches!(card.focus, CardFocus::Word | CardFocus::Reason);
    let key = format!("{}{ALTERNATIVE_KEY}  ", if is_typing { "Tab to the details, " } else { "" });
    let mut rows = text("Or", &format!("{key}{words}"), room, theme.plain);
    if let Some((first, _)) = rows.first_mut().and_then(|row| row.parts.first_mut()) {
        *first = first.split_off(key.len().min(first.len()));
        rows[0].parts.insert(0, (key, theme.key));
    }
    rows
}

fn text(label: &'static str, text: &str, room: u16, style: Style) -> Vec<Row> {
    wrap(text, room)
        .into_iter()
        .enumerate()
        .map(|(index, piece)| Row { label: if index == 0 { label } else { "" }, parts: vec![(piece, style)] })
        .collect()
}

/// A removed line beside the added one that takes its place, where both fit; one below the other where they do not.
fn diff(theme: &Theme, lines: &[DiffLine], room: u16) -> Vec<Row> {
    let ink = |sign| match sign {
        DiffSign::Added => ("+", theme.added),
        DiffSign::Removed => ("-", theme.removed),
        DiffSign::Context => (" ", theme.label),
    };
    let written = |line: &DiffLine| (format!("{} {}", ink(line.sign).0, line.text), ink(line.sign).1);
    let half = room / 2;
    let mut rows = Vec::new();
    let mut rest = lines;
    while let Some(first) = rest.first() {
        let removed = rest.iter().take_while(|line| line.sign == DiffSign::Removed).count();
        let added = rest[removed..].iter().take_while(|line| line.sign == DiffSign::Added).count();
        let fits = |line: &DiffLine| columns(&line.text) + 4 <= half;
        if removed > 0 && removed == added && rest[..removed + added].iter().all(fits) {
            for (before, after) in rest[..removed].iter().zip(&rest[removed..]) {
                let (text, style) = written(before);
                let gap = " ".repeat(usize::from(half.saturating_sub(columns(&text))));
                rows.push(Row { label: "", parts: vec![(text, style), (gap, theme.plain), written(after)] });
            }
            rest = &rest[removed + added..];
        } else {
            rows.push(Row { label: "", parts: vec![written(first)] });
            rest = &rest[1..];
        }
    }
    rows
}

/// What passed flows in a line; each warning and each obstacle has lines of its own.
fn checks(state: &State, theme: &Theme, checks: &[Check], room: u16) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut used = room;
    let flowing = checks.iter().filter_map(|check| match &check.result {
        CheckResult::Pass(words) => Some((glyph::OK, words.to_string(), theme.ok)),
        CheckResult::Pending => Some((glyph::ELLIPSIS, check.what.word().to_owned(), theme.label)),
        CheckResult::Warn(_) | CheckResult::Block(_) => None,
    });
    for (sign, words, style) in flowing {
        let width = columns(&words) + 2 + if state.ascii { widening(&words) + widening(sign) } else { 0 };
        if width > room {
            // Longer than a line: in lines of its own.
            rows.extend(text("", &format!("{sign} {words}"), room, theme.plain));
            used = room;
            continue;
        }
        if used + 3 + width > room || rows.is_empty() {
            rows.push(Row { label: "", parts: Vec::new() });
            used = 0;
        }
        if let Some(row) = rows.last_mut() {
            if used > 0 {
                row.parts.push(("   ".to_owned(), theme.plain));
                used += 3;
            }
            row.parts.push((format!("{sign} "), style));
            row.parts.push((words, theme.plain));
            used += width;
        }
    }
    for check in checks {
        let (sign, words, style) = match &check.result {
            CheckResult::Block(words) => (glyph::BLOCKED, words, theme.critical),
            CheckResult::Warn(words) if check.what == CheckKind::Outage => (glyph::CRITICAL, words, theme.critical),
            CheckResult::Warn(words) => (glyph::WARNING, words, theme.warning),
            CheckResult::Pass(_) | CheckResult::Pending => continue,
        };
        // Obstacles come first: nothing else matters beside them.
        let is_first = matches!(check.result, CheckResult::Block(_)) || check.what == CheckKind::Outage;
        let at = if is_first { 0 } else { rows.len() };
        let block = text("", &format!("{sign} {words}"), room, style);
        rows.splice(at..at, block);
    }
    match rows.first_mut() {
        Some(first) => first.label = "Checks",
        None => rows.push(Row { label: "Checks", parts: vec![("waiting for the first".to_owned(), theme.label)] }),
    }
    rows
}

fn details(canvas: &mut Canvas<'_>, area: Rect, state: &State, card: &Card) {
    let theme = canvas.theme;
    let mut sections = sections(state, theme, card, area.width);
    let total: usize = sections.iter().map(Vec::len).sum();
    let rows = usize::from(area.height);
    let is_scrolling = card.focus == CardFocus::Details;
    let (visible, note): (Vec<Row>, Option<String>) = if total <= rows {
        (sections.into_iter().flatten().collect(), None)
    } else if is_scrolling {
        let shown = rows.saturating_sub(1);
        let top = usize::from(card.scroll).min(total - shown);
        let visible: Vec<Row> = sections.into_iter().flatten().skip(top).take(shown).collect();
        (visible, Some(format!("lines {} to {} of {total}   j k PgDn PgUp", top + 1, top + shown)))
    } else {
        let hidden = fold(&mut sections, rows.saturating_sub(1));
        (
            sections.into_iter().flatten().collect(),
            Some(format!("{} {}: Tab to the details, j k to scroll", glyph::ELLIPSIS, units::counted(hidden as u64, "more line"))),
        )
    };
    for (line, row) in (0..area.height).zip(&visible) {
        let mut pen = canvas.pen(area, line);
        pen.cell(LABEL, row.label, theme.label);
        for (text, style) in &row.parts {
            pen.write(text, *style);
        }
    }
    if let Some(note) = note {
        let style = if is_scrolling { theme.focus } else { theme.warning };
        canvas.pen(area, area.height.saturating_sub(1)).skip(LABEL).write(&note, style);
    } else if is_scrolling && area.height > 0 {
        canvas.pen(Rect { x: area.x.saturating_sub(1), width: 1, ..area }, 0).write(glyph::CURSOR, theme.focus);
    }
}

/// Takes lines away until `rows` are left: first of the diff, then of the sentences; of the checks last. Says how many.
fn fold(sections: &mut [Vec<Row>], rows: usize) -> usize {
    const LEAST: [(usize, usize); 10] = [(1, 2), (0, 3), (3, 1), (4, 1), (1, 0), (0, 1), (3, 0), (4, 0), (5, 0), (2, 0)];
    let mut hidden = 0;
    for (section, least) in LEAST {
        while sections.iter().map(Vec::len).sum::<usize>() > rows {
            let Some(lines) = sections.get_mut(section).filter(|lines| lines.len() > least) else { break };
            lines.pop();
            hidden += 1;
        }
    }
    // Without a plan there is one section, and it may be longer than the room.
    while sections.iter().map(Vec::len).sum::<usize>() > rows {
        let Some(lines) = sections.iter_mut().rev().find(|lines| !lines.is_empty()) else { break };
        lines.pop();
        hidden += 1;
    }
    hidden
}

fn reason(canvas: &mut Canvas<'_>, area: Rect, state: &State, card: &Card) {
    let theme = canvas.theme;
    if plan(card).is_none() {
        return;
    }
    let is_focused = card.focus == CardFocus::Reason;
    let mut pen = canvas.pen(area, 0);
    pen.cell(LABEL, "Reason", if is_focused { theme.focus } else { theme.label });
    if card.reason.is_empty() && !is_focused {
        let words = if state.config.mitigations.reason_required { "Tab, and say why (required)" } else { "optional: Tab, and say why" };
        pen.write(words, theme.label);
    } else {
        // Read from its beginning; typed at its end.
        if is_focused {
            line::render_field(&mut pen, &card.reason, is_focused, theme.input);
        } else {
            let room = pen.left();
            pen.cell(room, &card.reason, theme.plain);
        }
    }
}

fn confirm(canvas: &mut Canvas<'_>, area: Rect, state: &State, card: &Card) {
    let theme = canvas.theme;
    if !is_legible(state.size) && plan(card).is_some() {
        canvas.pen(area, 0).write(&format!("{} make the window larger", glyph::WARNING), theme.warning);
        return;
    }
    let cancel = if card.focus == CardFocus::Cancel { theme.focus.add_modifier(ratatui::style::Modifier::REVERSED) } else { theme.plain };
    let mut pen = canvas.pen(area, 0);
    // Where there is little room the word comes before the button: Esc does the same.
    let asked = match plan(card).map(|plan| &plan.friction) {
        Some(Friction::Word(word)) => columns("Type  to confirm: _").saturating_add(columns(word).saturating_mul(2)),
        _ => 0,
    };
    if area.width >= 44 && area.width >= 1 + columns(CANCEL) + 3 + asked {
        pen.skip(1).write(CANCEL, cancel).skip(3);
    }
    let Some(plan) = plan(card) else {
        pen.write("Esc closes", theme.label);
        return;
    };
    if card.checks.iter().any(|check| matches!(check.result, CheckResult::Block(_))) {
        pen.write(&format!("{} blocked: this cannot be confirmed. Esc closes.", glyph::BLOCKED), theme.critical);
        return;
    }
    match &plan.friction {
        Friction::Key => {
            pen.write("y", theme.key).write(" confirms", theme.strong).write("   Esc cancels", theme.label);
        }
        Friction::Word(word) => {
            pen.write("Type ", theme.plain).write(word, theme.strong).write(" to confirm: ", theme.plain);
            let is_focused = card.focus == CardFocus::Word;
            if card.typed.is_empty() && !is_focused {
                pen.write("____", theme.label);
            } else {
                line::render_field(&mut pen, &card.typed, is_focused, theme.input);
                let open = columns(word).saturating_sub(columns(&card.typed));
                pen.repeat("_", open, theme.label);
            }
        }
    }
}

/// Checks that must be there before a confirmation counts.
fn pending(card: &Card) -> Option<String> {
    let needed = [CheckKind::Identity, CheckKind::Permission, CheckKind::DryRun, CheckKind::Unchanged, CheckKind::Journal];
    let is_open = |kind: &&CheckKind| !card.checks.iter().any(|check| check.what == **kind && check.result != CheckResult::Pending);
    let open = needed.iter().filter(is_open).count();
    (open > 0).then(|| if open == 1 { "1 check is still running".to_owned() } else { format!("{open} checks are still running") })
}

/// Lines of the details that are visible at once.
pub fn visible_rows(state: &State, theme: &Theme, card: &Card) -> u16 {
    places(state, theme, card).details.height
}
