//! What changed in the cluster, newest first.

use ratatui::{layout::Rect, style::Style};

use super::{cursor, is_focused};
use crate::{
    domain::{change::Change, health::SourceId},
    state::{State, screens::cockpit::Pane},
    ui::{
        canvas::{Canvas, columns},
        clock, glyph,
        layout::below,
        widgets::{
            filtered,
            fold::{self, Place},
            freshness::{self, Standing, Trust},
            rule,
        },
    },
};

const SOURCES: [SourceId; 4] = [SourceId::Deployments, SourceId::ReplicaSets, SourceId::ConfigMaps, SourceId::Nodes];

/// Whether the pane has a rule of its own; a low one has its title at the left of the first line.
pub fn has_rule(area: Rect) -> bool {
    area.height >= 4
}

pub fn render(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    if area.height == 0 {
        return;
    }
    let theme = canvas.theme;
    let standing = freshness::of(state, &SOURCES);
    let focused = is_focused(state, Pane::Changes);
    let filter = state.filter_of(Pane::Changes);
    let rows = if has_rule(area) {
        let ink = if filter.is_empty() { theme.label } else { theme.focus };
        rule::render(canvas, area, "Changed", &[(&told(state, area), ink)], Some(&standing), focused);
        below(area, 1)
    } else {
        let mut pen = canvas.pen(area, 0);
        if focused {
            pen.write(glyph::CURSOR, theme.focus).write("Changed", theme.focus);
        } else {
            pen.skip(1).write("Changed", theme.title);
        }
        area
    };
    let inner = inner(area, rows, &marker(state, area, &standing));
    if !has_rule(area) {
        let style = match (standing.is_live(), filter.is_empty()) {
            (true, true) => theme.label,
            (true, false) => theme.focus,
            (false, _) => standing.style(theme),
        };
        canvas.right(rows, 0, &marker(state, area, &standing), style);
    }
    if state.cluster.changes.is_empty() {
        let words = match standing.trust {
            Trust::Live => "nothing that sev1 watches changed lately".to_owned(),
            _ if SOURCES.iter().any(|source| freshness::of(state, &[*source]).is_live()) => {
                format!("no change in what can be read; {}", standing.sentence)
            }
            _ => format!("nothing known: {}", standing.sentence),
        };
        say_in(canvas, inner, &words, state.ascii);
        return;
    }
    let changes: Vec<&Change> = state.shown_changes().collect();
    if changes.is_empty() {
        canvas.pen(inner, 0).write(&filtered::none(filter, state.cluster.changes.len(), "changes"), theme.label);
        return;
    }
    let inks = (standing.fact(theme, theme.plain), theme.label);
    for place in places(state, area) {
        let Some(change) = changes.get(place.index) else { continue };
        let moment = moment(state, change);
        let hang = columns(&moment) + 1;
        let broken = broken(change, inner.width.saturating_sub(hang), inks, state.ascii);
        for (index, line) in (0..).zip(place.span()) {
            let mut pen = canvas.pen(inner, line);
            if index == 0 {
                pen.write(&moment, inks.0).skip(1);
            } else {
                pen.skip(hang);
            }
            if place.lines == 1 && broken.len() > 1 {
                // Who it was counts more than images and values.
                pen.write(&change.in_short(), inks.0).write(&change.by_whom(), inks.1);
            } else {
                fold::write(&mut pen, &broken, index, place.lines);
            }
        }
        if has_rule(area) {
            cursor(canvas, rows, &place, place.index == state.cockpit.changes.row, focused);
        }
    }
    filtered::mark(canvas, inner, filter);
}

/// How many of the changes are shown, where that is not all of them, or what the filter leaves.
fn told(state: &State, area: Rect) -> String {
    let filter = state.filter_of(Pane::Changes);
    let (all, shown) = state.narrowed(Pane::Changes);
    if !filter.is_empty() {
        return filtered::words(filter, (all, shown));
    }
    let rows = usize::from(list(area).height);
    if all > rows { format!("{rows} of {all}") } else { String::new() }
}

/// What stands at the right of the first line where there is no rule: that the data is not live, and how many are shown.
fn marker(state: &State, area: Rect, standing: &Standing) -> String {
    let told = if has_rule(area) { String::new() } else { told(state, area) };
    match (standing.is_live(), told.is_empty()) {
        (true, _) => told,
        (false, true) => standing.marker.clone(),
        (false, false) => format!("{told} {}", standing.marker),
    }
}

/// A sentence in the place of the changes.
fn say_in(canvas: &mut Canvas<'_>, inner: Rect, words: &str, ascii: bool) {
    let lines = fold::broken(&[(words.to_owned(), canvas.theme.label)], inner.width, ascii);
    let rows = fold::count(lines.len()).min(inner.height);
    for line in 0..rows {
        fold::write(&mut canvas.pen(inner, line), &lines, line, rows);
    }
}

/// Where the changes stand in a pane of this area: beside a title without a rule, and before the marker of data that is not live.
fn inner(area: Rect, rows: Rect, marker: &str) -> Rect {
    let indent = if has_rule(area) { 3 } else { 10 };
    let marker = if has_rule(area) || marker.is_empty() { 0 } else { columns(marker) + 1 };
    Rect { x: rows.x + indent.min(rows.width), width: rows.width.saturating_sub(indent + 1 + marker), ..rows }
}

/// The rows of the changes in a pane of this area.
pub fn list(area: Rect) -> Rect {
    below(area, u16::from(has_rule(area)))
}

fn moment(state: &State, change: &Change) -> String {
    change.at.map_or_else(|| "time unknown".to_owned(), |at| clock::moment(state, at))
}

fn broken(change: &Change, room: u16, (ink, label): (Style, Style), ascii: bool) -> Vec<fold::Parts> {
    fold::broken(&[(change.what_happened(), ink), (change.by_whom(), label)], room, ascii)
}

fn needed(state: &State, change: &Change, width: u16) -> u16 {
    let room = width.saturating_sub(columns(&moment(state, change)) + 1);
    fold::count(broken(change, room, Default::default(), state.ascii).len())
}

/// Which change has which lines of the list in a pane of this area.
pub fn places(state: &State, area: Rect) -> Vec<Place> {
    let rows = list(area);
    let width = inner(area, rows, &marker(state, area, &freshness::of(state, &SOURCES))).width;
    let changes: Vec<&Change> = state.shown_changes().collect();
    let needed = |index: usize| changes.get(index).map_or(1, |change| needed(state, change, width));
    if is_focused(state, Pane::Changes) {
        return fold::places(rows.height, state.cockpit.changes.top, changes.len(), Some(state.cockpit.changes.row), needed);
    }
    let order = unfocused(state, &changes, usize::from(rows.height));
    let mut places = fold::places(rows.height, 0, order.len(), None, |index| needed(order[index]));
    for place in &mut places {
        place.index = order[place.index];
    }
    places
}

/// What is shown where nobody scrolls: the newest, and those that a suggestion speaks of in the place of the last ones.
fn unfocused(state: &State, changes: &[&Change], rows: usize) -> Vec<usize> {
    let mut shown: Vec<usize> = (0..changes.len().min(rows)).collect();
    let suspected = |index: usize| state.is_suspected(changes[index]);
    for index in (rows..changes.len()).filter(|index| suspected(*index)) {
        let Some(last) = shown.iter().rposition(|index| !suspected(*index)) else { break };
        shown.remove(last);
        shown.push(index);
    }
    shown
}

/// The chosen change in words, where its row is cut.
pub fn cut(state: &State, area: Rect) -> Option<String> {
    let row = state.cockpit.changes.row;
    let change = state.shown_changes().nth(row)?;
    let place = places(state, area).into_iter().find(|place| place.index == row)?;
    let width = inner(area, list(area), &marker(state, area, &freshness::of(state, &SOURCES))).width;
    (needed(state, change, width) > place.lines).then(|| format!("{} {}{}", moment(state, change), change.what_happened(), change.by_whom()))
}
