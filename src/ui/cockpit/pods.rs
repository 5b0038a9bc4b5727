//! Unhealthy pods.

use std::borrow::Cow;

use ratatui::{layout::Rect, style::Style};

use super::{cursor, is_focused, say};
use crate::{
    domain::{
        ailment::Ailment,
        health::SourceId,
        object::Scope,
        pod::{Phase, Pod},
        standing::Standing,
        units,
    },
    state::{
        State,
        missing::{self, Missing},
        screens::cockpit::Pane,
    },
    ui::{
        canvas::{Canvas, narrowed, wrap, wrap_name},
        clock, glyph,
        layout::below,
        theme::Theme,
        widgets::{
            columns::{self, Align, Column},
            filtered,
            fold::{self, Place},
            freshness::{self, Trust},
            rule,
        },
    },
};

const COLUMNS: [Column; 6] = [
    Column { enough: 40, ..columns::name("NAME", 18, 52) },
    columns::left("READY", 5, 5),
    Column { enough: 31, ..columns::left("STATUS", 19, 36) },
    columns::right("RESTARTS", 8),
    columns::right("AGE", 4),
    Column { enough: 24, ..columns::name(" NODE", 8, 42) },
];

pub fn render(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    if area.height == 0 {
        return;
    }
    let theme = canvas.theme;
    let standing = freshness::of(state, &[SourceId::Pods]);
    let focused = is_focused(state, Pane::Pods);
    let cluster = &state.cluster;
    let unhealthy = cluster.unhealthy.len();
    let missing = cluster.missing(state.server_now());
    let absent = missing::in_words(&missing);
    let ready = format!("{}/{} ready", units::thousands(cluster.ready_pods() as u64), units::thousands(cluster.should_run(&missing) as u64));
    let bad = format!("{} unhealthy{}", units::thousands(unhealthy as u64), why_more(state, &missing).unwrap_or_default());
    let filter = state.filter_of(Pane::Pods);
    let (hidden, told) = (filtered::hidden(state.unhealthy_not_shown(filter)), filtered::words(filter, state.narrowed(Pane::Pods)));
    let separator = format!(" {} ", glyph::DOT);
    let plain = standing.fact(theme, theme.plain);
    // Numbers of a listing that has not come to its end would be read as those of the cluster.
    let ended = cluster.counts.ended();
    let mut facts: Vec<(&str, _)> = Vec::new();
    if cluster.pods.is_complete {
        facts.push((&ready, plain));
        facts.extend(ended.iter().flat_map(|ended| [(separator.as_str(), theme.label), (ended.as_str(), plain)]));
        // Behind a filter it counts what is not shown.
        if unhealthy > 0 && (hidden.is_some() || filter.is_empty()) {
            facts.extend([(separator.as_str(), theme.label), (hidden.as_deref().unwrap_or(&bad), standing.fact(theme, theme.critical))]);
        }
        let absent = absent.iter().filter(|_| unhealthy > 0);
        facts.extend(absent.flat_map(|absent| [(separator.as_str(), theme.label), (absent.as_str(), standing.fact(theme, theme.critical))]));
    }
    if !filter.is_empty() {
        facts.extend([(if facts.is_empty() { "" } else { separator.as_str() }, theme.label), (told.as_str(), theme.focus)]);
    }
    rule::render(canvas, area, "Pods", &facts, Some(&standing), focused);
    if cluster.unhealthy.is_empty() {
        let (text, style) = nothing(state, &standing, theme, &missing);
        say(canvas, below(area, 1), &text, style);
        return;
    }
    let listed = listed(state, area);
    if listed.is_empty() {
        say(canvas, below(area, 1), &filtered::none(filter, unhealthy, "unhealthy pods"), theme.label);
        return;
    }
    let grid = Grid::of(area);
    columns::titles(&mut canvas.pen(grid.inner, 0), &grid.layout, &grid.widths, theme.label);
    let rows = below(area, 2);
    for place in places(state, area) {
        let Some(pod) = listed.get(place.index - state.cockpit.pods.top) else { continue };
        let styles = [theme.plain, theme.plain, status_ink(theme, state, pod), theme.plain, theme.plain, theme.plain];
        let cells: Vec<_> = texts(state, pod).into_iter().zip(styles.map(|style| standing.fact(theme, style))).collect();
        grid.row(canvas, rows, place, &cells, state.ascii);
        cursor(canvas, rows, &place, place.index == state.cockpit.pods.row, focused);
    }
    filtered::mark(canvas, rows, filter);
}

/// What is wrong with unhealthy pods where they are not just those that are missing among the ready: `: 4 of lost nodes, 1 killed for
/// memory`.
fn why_more(state: &State, missing: &[Missing]) -> Option<String> {
    let cluster = &state.cluster;
    let unhealthy = &cluster.unhealthy;
    let absent: usize = missing.iter().map(|one| one.count() as usize).sum();
    let is_plain = cluster.ready_pods() + unhealthy.len() + absent == cluster.should_run(missing);
    if unhealthy.is_empty() || unhealthy.len() > EXPLAINED || is_plain {
        return None;
    }
    let now = state.server_now();
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for pod in unhealthy.iter().filter_map(|key| cluster.pods.get(key)) {
        let Standing::Ill(ailment) = pod.standing(now) else { continue };
        let word = match ailment {
            Ailment::NodeLost => "of lost nodes",
            Ailment::OutOfMemory if pod.is_ready => "killed for memory lately",
            Ailment::OutOfMemory => "killed for memory",
            Ailment::Crashing => "crashing",
            Ailment::CannotStart => "cannot start",
            Ailment::Hanging if pod.deleting_since.is_some() => "not gone in time",
            Ailment::Hanging => "not ready",
        };
        match kinds.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => kinds.push((word, 1)),
        }
    }
    let told: Vec<String> = kinds.iter().map(|(word, count)| format!("{count} {word}")).collect();
    Some(format!(": {}", told.join(", ")))
}

/// Unhealthy pods that are still told apart in the title.
const EXPLAINED: usize = 1_000;

/// The pods that are in sight, from the first row on.
fn listed(state: &State, area: Rect) -> Vec<&Pod> {
    let pods = state.shown_pods().skip(state.cockpit.pods.top).take(usize::from(area.height.saturating_sub(2)));
    pods.filter_map(|key| state.cluster.pods.get(key)).collect()
}

/// Which pod has which lines of the list in a pane of this area.
pub fn places(state: &State, area: Rect) -> Vec<Place> {
    let grid = Grid::of(area);
    let chosen = is_focused(state, Pane::Pods).then_some(state.cockpit.pods.row);
    let (top, listed) = (state.cockpit.pods.top, listed(state, area));
    fold::places(area.height.saturating_sub(2), top, top + listed.len(), chosen, |index| {
        listed.get(index - top).map_or(1, |pod| grid.needed(&texts(state, pod), state.ascii))
    })
}

/// The chosen pod in words, where its row is cut.
pub fn cut(state: &State, area: Rect) -> Option<String> {
    let pod = state.cluster.pods.get(state.cockpit.pod.as_ref()?)?;
    let place = places(state, area).into_iter().find(|place| place.index == state.cockpit.pods.row)?;
    let texts = texts(state, pod);
    let grid = Grid::of(area);
    let is_cut = |at: usize| grid.pieces(&texts[grid.shown[at]], at, state.ascii).len() > usize::from(place.lines);
    // The status first: of a name that is cut both ends can be read in its row.
    let cut: Vec<&str> = [2, 0, 5]
        .into_iter()
        .filter(|column| grid.shown.iter().take(grid.widths.len()).position(|shown| shown == column).is_some_and(is_cut))
        .map(|column| texts[column].trim_start())
        .collect();
    (!cut.is_empty()).then(|| cut.join(&format!(" {} ", glyph::DOT)))
}

/// What stands in each column, whether it is on the screen or not.
fn texts<'s>(state: &State, pod: &'s Pod) -> [Cow<'s, str>; COLUMNS.len()] {
    let key = &pod.key;
    let name = if state.session.scope == Scope::All { Cow::Owned(format!("{}/{}", key.namespace, key.name)) } else { Cow::Borrowed(&*key.name) };
    [
        name,
        Cow::Owned(format!("{}/{}", pod.ready_containers, pod.total_containers())),
        Cow::Owned(pod.status_cell(state.server_now())),
        Cow::Owned(units::thousands(pod.restarts.into())),
        Cow::Owned(clock::age_or_time(state, pod.created)),
        Cow::Owned(format!(" {}", pod.node.as_deref().unwrap_or("none"))),
    ]
}

/// The columns that a pane of some width has.
struct Grid {
    /// Titles and rows.
    inner: Rect,
    /// Which of all columns.
    shown: Vec<usize>,
    layout: Vec<Column>,
    widths: Vec<u16>,
}

impl Grid {
    fn of(area: Rect) -> Self {
        let inner = below(Rect { x: area.x + 3, width: area.width.saturating_sub(4), ..area }, 1);
        // The status matters more than the count of ready containers where only one of them fits.
        let is_narrow = inner.width < 45;
        let shown: Vec<usize> = (0..COLUMNS.len()).filter(|index| !is_narrow || *index == 0 || *index == 2).collect();
        let layout: Vec<Column> = shown.iter().map(|index| COLUMNS[*index]).collect();
        let widths = columns::widths(&layout, inner.width);
        Self { inner, shown, layout, widths }
    }

    fn pieces(&self, text: &str, at: usize, ascii: bool) -> Vec<String> {
        let room = narrowed(text, self.widths[at], ascii);
        match self.layout[at].align {
            Align::Name => wrap_name(text, room),
            Align::Left | Align::Right => wrap(text, room),
        }
    }

    /// Lines in which no cell is cut.
    fn needed(&self, texts: &[Cow<'_, str>], ascii: bool) -> u16 {
        let lines = (0..self.widths.len()).map(|at| self.pieces(&texts[self.shown[at]], at, ascii).len());
        fold::count(lines.max().unwrap_or(1))
    }

    fn row(&self, canvas: &mut Canvas<'_>, rows: Rect, place: Place, cells: &[(Cow<'_, str>, Style)], ascii: bool) {
        let inner = Rect { x: self.inner.x, width: self.inner.width, ..rows };
        for (index, line) in place.span().enumerate() {
            let is_last = index + 1 == usize::from(place.lines);
            let cells: Vec<_> = (0..self.widths.len())
                .map(|at| {
                    let (text, style) = &cells[self.shown[at]];
                    if place.lines == 1 {
                        return (Cow::Borrowed(&**text), *style);
                    }
                    let pieces = self.pieces(text, at, ascii);
                    let rest = pieces.get(index..).unwrap_or_default();
                    let piece = if is_last { rest.concat() } else { rest.first().cloned().unwrap_or_default() };
                    (Cow::Owned(piece), *style)
                })
                .collect();
            columns::row(&mut canvas.pen(inner, line), &self.layout, &self.widths, &cells);
        }
    }
}

/// Red where it does not pass by itself, amber where it waits or was ill a moment ago; the status is a word, so the colour does
/// not stand alone.
pub fn status_ink(theme: &Theme, state: &State, pod: &Pod) -> Style {
    match pod.standing(state.server_now()) {
        Standing::Well | Standing::Ended | Standing::Leaving => theme.plain,
        Standing::Ill(Ailment::NodeLost) => theme.critical,
        Standing::Ill(_) if pod.phase == Phase::Failed || Ailment::of(&pod.status).is_some() => theme.critical,
        Standing::Ill(_) | Standing::Starting => theme.warning,
    }
}

/// What stands in the place of rows, and how it looks.
fn nothing(state: &State, standing: &freshness::Standing, theme: &Theme, missing: &[Missing]) -> (String, Style) {
    let cluster = &state.cluster;
    let plain = standing.style(theme);
    if !cluster.pods.is_complete {
        let so_far = cluster.pods.len();
        let words = if standing.sentence.is_empty() { "listing pods".to_owned() } else { standing.sentence.clone() };
        let count = if so_far > 0 { format!("; {} received", units::thousands(so_far as u64)) } else { String::new() };
        return (format!("{words}{count}"), plain);
    }
    let scope = match &state.session.scope {
        Scope::One(namespace) => format!("in {namespace}"),
        Scope::All => "in the cluster".to_owned(),
    };
    let is_live = standing.trust == Trust::Live;
    let absent = missing::in_words(missing);
    if cluster.pods.is_empty() && absent.is_none() {
        let words = format!("There are no pods {scope}. Another namespace: sev1 -n NAME, or -A for all.");
        return if is_live { (words, plain) } else { (format!("{words} {}", standing.sentence), plain) };
    }
    let all = cluster.should_run(missing);
    let count = units::thousands(all as u64);
    if !is_live {
        let besides = absent.map_or_else(String::new, |absent| format!("; {absent}"));
        return (format!("No pod of {count} was unhealthy when last heard{besides}. {}", standing.sentence), plain);
    }
    if let Some(absent) = absent {
        return (format!("{} {absent}", glyph::CRITICAL), standing.fact(theme, theme.critical));
    }
    let not_ready = all.saturating_sub(cluster.ready_pods());
    if not_ready == 0 {
        return (format!("{} no unhealthy pod among {count} {scope}", glyph::OK), theme.ok);
    }
    let starting = cluster.starting_pods(state.server_now()).min(not_ready);
    let parts = [(starting, "starting"), (not_ready - starting, "ending, or held back")].into_iter().filter(|(count, _)| *count > 0);
    let parts = parts.map(|(count, word)| format!("{} {} {word}", units::thousands(count as u64), units::verb(count as u64, "are")));
    (format!("no unhealthy pod among {count} {scope}: {}", parts.collect::<Vec<_>>().join(", ")), theme.plain)
}
