//! The table of one kind: only the visible rows are read and written, so 50,000 pods cost what 50 do.

use std::borrow::Cow;

use ratatui::{layout::Rect, style::Style};

use super::{
    chosen, config_maps, jobs, plural, sets, source,
    tabs::{self, Narrowed, Tab},
};
use crate::{
    domain::{
        object::{Key, Kind, Scope},
        text::Text,
        units,
    },
    state::{
        State,
        columns::{Column as Field, columns},
        indices::with_index,
        rows,
    },
    ui::{
        canvas::{Canvas, columns as width_of, wrap},
        clock,
        cockpit::pods::status_ink,
        glyph,
        layout::WorkloadsPanes,
        theme::Theme,
        widgets::{
            columns::{self, Align, Column},
            filtered,
            freshness::{self, Standing, Trust},
            rule,
        },
    },
};

pub fn render(canvas: &mut Canvas<'_>, panes: &WorkloadsPanes, state: &State) {
    if panes.rule.height == 0 {
        return;
    }
    let theme = canvas.theme;
    let table = &state.workloads;
    let standing = freshness::of(state, &[source(table.kind)]);
    title(canvas, panes.rule, state, &standing);
    let grid = Grid::of(state, panes.rows);
    let inner = inner(panes.rows);
    titles(canvas, panes.titles, state, &grid);
    if table.rows.is_empty() {
        empty(canvas, panes.rows, state, &standing);
        return;
    }
    for place in chosen::places(state, panes.rows) {
        let Some(key) = table.rows.get(place.index) else { continue };
        let cells: Vec<_> = grid.fields.iter().map(|field| cell(theme, state, &standing, key, *field, grid.folds)).collect();
        columns::row(&mut canvas.pen(inner, place.line), &grid.layout, &grid.widths, &cells);
        if table.marks.contains(key) {
            canvas.pen(panes.rows, place.line).skip(2).write(glyph::MARK, theme.focus);
        }
        if place.index == table.cursor.row {
            chosen::render_rest(canvas, panes.rows, &place, state, standing.fact(theme, theme.plain));
            let row = Rect { y: panes.rows.y + place.line, height: place.lines, ..panes.rows };
            canvas.tint(row, theme.selection);
            canvas.pen(row, 0).skip(1).write(glyph::CURSOR, theme.focus);
        }
    }
    filtered::mark(canvas, inner, &table.filter);
}

/// Kinds as tabs, counts, the filter.
fn title(canvas: &mut Canvas<'_>, area: Rect, state: &State, standing: &Standing) {
    let theme = canvas.theme;
    let table = &state.workloads;
    let tabs = tabs::tabs(state, area);
    let end = tabs.last().map_or(area.x, |tab| tab.end);
    let all = total(state, table.kind);
    let one = if table.kind == Kind::HorizontalPodAutoscaler { "HPA" } else { table.kind.singular() };
    let (count, counted) = (units::thousands(all as u64), units::counted(all as u64, one));
    let Narrowed { hidden, filter, marks } = Narrowed::of(state);
    let rest = Rect { x: end, width: area.right().saturating_sub(end), ..area };
    let count = match (is_complete(state, table.kind), all) {
        // A filter says it, and needs the room.
        (true, _) if !table.filter.is_empty() => String::new(),
        // Named, since it stands right of the tabs of all kinds.
        (true, _) => {
            let room = area.right().saturating_sub(end);
            let words = [counted, format!("{count} in all")];
            words.into_iter().find(|words| width_of(words) + 5 <= room).unwrap_or(count)
        }
        // Nothing received is not none.
        (false, 0) => String::new(),
        (false, _) => format!("{counted} so far"),
    };
    let facts =
        [(count, standing.fact(theme, theme.plain)), (hidden, standing.fact(theme, theme.critical)), (filter, theme.focus), (marks, theme.focus)];
    let mut said = facts.into_iter().filter(|(fact, _)| !fact.is_empty());
    let first = said.next();
    // Two blanks between one and the next.
    let facts: Vec<(String, Style)> = first.into_iter().chain(said.map(|(fact, style)| (format!("  {fact}"), style))).collect();
    let facts: Vec<(&str, Style)> = facts.iter().map(|(fact, style)| (fact.as_str(), *style)).collect();
    rule::render(canvas, rest, "", &facts, Some(standing), false);
    for Tab { kind, name, start, end } in tabs {
        let is_here = kind == table.kind;
        let mut pen = canvas.pen(Rect { x: start, width: end - start, ..area }, 0);
        pen.write(if is_here { glyph::CURSOR } else { " " }, theme.focus).write(name, if is_here { theme.focus } else { theme.label });
    }
}

/// Columns of the titles: index in the state's table of columns, start and end.
pub fn title_places(state: &State, area: Rect) -> Vec<(usize, u16, u16)> {
    let grid = Grid::of(state, area);
    let mut x = inner(area).x;
    let all = columns(state.workloads.kind);
    grid.fields
        .iter()
        .zip(grid.widths)
        .filter_map(|(field, width)| {
            let start = x;
            x += width + 1;
            Some((all.iter().position(|other| other == field)?, start, start + width))
        })
        .collect()
}

/// The columns that a table of some width has.
pub(super) struct Grid {
    pub fields: Vec<Field>,
    pub layout: Vec<Column>,
    pub widths: Vec<u16>,
    /// Whether type, reason and count of an event are one column.
    pub folds: bool,
}

impl Grid {
    pub fn of(state: &State, area: Rect) -> Self {
        let room = inner(area).width;
        let mut fields = fields(state, room);
        let layout: Vec<Column> = fields.iter().map(|field| column(state.workloads.kind, *field, room)).collect();
        let widths = columns::widths(&layout, room);
        fields.truncate(widths.len());
        Self { fields, layout, widths, folds: folds_events(room) }
    }
}

fn titles(canvas: &mut Canvas<'_>, area: Rect, state: &State, grid: &Grid) {
    let theme = canvas.theme;
    let sort = state.workloads.sort;
    let by = columns(state.workloads.kind).get(sort.column);
    let cells: Vec<_> = grid
        .fields
        .iter()
        .map(|field| {
            if by == Some(field) {
                (Cow::Owned(format!("{}{}", field.title(), if sort.descending { glyph::DOWN } else { glyph::UP })), theme.title)
            } else {
                (Cow::Borrowed(field.title()), theme.label)
            }
        })
        .collect();
    columns::row(&mut canvas.pen(inner(area), 0), &grid.layout, &grid.widths, &cells);
}

pub(super) fn inner(area: Rect) -> Rect {
    Rect { x: area.x + 3.min(area.width), width: area.width.saturating_sub(4), ..area }
}

/// The columns of the kind; the namespace comes first when there is more than one. In a narrow table of events the reason says with a
/// sign that it is a warning, and how often it came, so that the message has the room.
fn fields(state: &State, room: u16) -> Vec<Field> {
    let all = columns(state.workloads.kind).iter().copied();
    let all = all.filter(|field| !folds_events(room) || !matches!(field, Field::Type | Field::Count) || state.workloads.kind != Kind::Event);
    match state.session.scope {
        Scope::One(_) => all.filter(|field| *field != Field::Namespace).collect(),
        Scope::All if columns(state.workloads.kind).contains(&Field::Namespace) => {
            std::iter::once(Field::Namespace).chain(all.filter(|field| *field != Field::Namespace)).collect()
        }
        Scope::All => all.collect(),
    }
}

/// Whether a table of events of this width has one column for type, reason and count.
fn folds_events(room: u16) -> bool {
    room < 104
}

/// Least, enough and most columns of each field. Room goes to what is cut before it goes to what has enough.
fn column(kind: Kind, field: Field, room: u16) -> Column {
    let (least, enough, most) = match field {
        Field::Name if kind == Kind::Pod => (20, 40, 56),
        // What is wrong needs the room.
        Field::Name if matches!(kind, Kind::StatefulSet | Kind::DaemonSet | Kind::Job) => (20, 20, 56),
        Field::Name => (20, 30, 56),
        Field::Namespace => (12, 16, 30),
        Field::Status if matches!(kind, Kind::StatefulSet | Kind::DaemonSet) => (20, 44, 80),
        Field::Status if kind == Kind::Job => (22, 32, 48),
        Field::Status => (19, 19, 26),
        Field::Node => (7, 10, 42),
        Field::Restarts => (9, 9, 9),
        Field::Replicas | Field::Bounds | Field::Revision | Field::Duration | Field::LastRun => (8, 8, 9),
        Field::Age | Field::Cpu | Field::Count => (5, 5, 6),
        Field::Ready if kind == Kind::DaemonSet => (7, 8, 10),
        Field::Ready => (6, 6, 8),
        Field::Keys => (4, 5, 6),
        Field::Active => (6, 6, 7),
        Field::Desired | Field::Changed => (7, 7, 8),
        Field::Size | Field::Suspended | Field::LastSuccess | Field::Misscheduled => (9, 9, 10),
        Field::Completions => (11, 11, 13),
        Field::Schedule => (11, 20, 40),
        Field::Service | Field::Owner | Field::ChangedBy => (12, 20, 40),
        // An IPv4 address is never cut.
        Field::Ip => (15, 15, 39),
        Field::ClusterIp => (13, 15, 39),
        Field::UpToDate | Field::Available | Field::LastSeen => (10, 10, 10),
        Field::Images => (16, 48, 80),
        Field::Roles => (12, 12, 18),
        Field::Endpoints => (12, 14, 18),
        Field::Memory => (8, 10, 12),
        Field::Version => (8, 12, 16),
        Field::Type if kind == Kind::Event => (7, 7, 7),
        Field::Type => (10, 12, 13),
        Field::Reason if folds_events(room) => (19, 20, 24),
        Field::Reason => (16, 18, 20),
        Field::Object if folds_events(room) => (20, 20, 40),
        Field::Object => (20, 32, 44),
        // What the others leave.
        Field::Message => (10, 60, 400),
        Field::Ports => (10, 24, 60),
        Field::Reference => (14, 32, 40),
        Field::Metrics => (14, 36, 80),
    };
    let align = match field {
        Field::Name | Field::Node | Field::Images | Field::Reference | Field::Object | Field::Namespace | Field::Service | Field::Owner => {
            Align::Name
        }
        field if field.is_number() => Align::Right,
        _ => Align::Left,
    };
    let is_extra = matches!(field, Field::Ip | Field::Images | Field::Version);
    Column { title: field.title(), least, enough, most, align, is_extra }
}

pub(super) type Cell<'s> = (Cow<'s, str>, Style);

/// One cell: what it says, in the ink of what it means.
pub(super) fn cell<'s>(theme: &Theme, state: &'s State, standing: &Standing, key: &'s Key, field: Field, folds: bool) -> Cell<'s> {
    let (text, style): Cell<'s> = match field {
        Field::Name => (Cow::Borrowed(&*key.name), theme.plain),
        Field::Namespace => (Cow::Borrowed(&*key.namespace), theme.label),
        _ => match state.workloads.kind {
            Kind::Deployment => deployment(theme, state, key, field),
            Kind::StatefulSet => sets::stateful(theme, state, key, field),
            Kind::DaemonSet => sets::daemon(theme, state, key, field),
            Kind::Job => jobs::job(theme, state, key, field),
            Kind::CronJob => jobs::cron_job(theme, state, key, field),
            Kind::ConfigMap => config_maps::config_map(theme, state, key, field),
            Kind::Node => node(theme, state, key, field),
            Kind::Service => service(theme, state, key, field),
            Kind::HorizontalPodAutoscaler => autoscaler(theme, state, key, field),
            Kind::Event => event(theme, state, key, field, folds),
            _ => pod(theme, state, key, field),
        }
        .unwrap_or((Cow::Borrowed(""), theme.plain)),
    };
    (text, standing.fact(theme, style))
}

fn pod<'s>(theme: &Theme, state: &'s State, key: &Key, field: Field) -> Option<Cell<'s>> {
    let pod = state.cluster.pods.get(key)?;
    Some(match field {
        Field::Ready => (format!("{}/{}", pod.ready_containers, pod.total_containers()).into(), theme.plain),
        Field::Status => (pod.status_cell(state.server_now()).into(), status_ink(theme, state, pod)),
        Field::Restarts => (units::thousands(pod.restarts.into()).into(), theme.plain),
        Field::Age => (clock::age_or_time(state, pod.created).into(), theme.plain),
        Field::Node => (text_or(pod.node.as_ref(), "none"), theme.plain),
        Field::Ip => (text_or(pod.ip.as_ref(), "none"), theme.plain),
        _ => return None,
    })
}

fn deployment<'s>(theme: &Theme, state: &'s State, key: &Key, field: Field) -> Option<Cell<'s>> {
    let deployment = state.cluster.deployments.get(key)?;
    let short = |count: u32| if count < deployment.replicas { theme.warning } else { theme.plain };
    Some(match field {
        Field::Ready => {
            let sign = if deployment.ready < deployment.replicas { " !" } else { "" };
            (format!("{}/{}{sign}", deployment.ready, deployment.replicas).into(), short(deployment.ready))
        }
        Field::UpToDate => (units::thousands(deployment.updated.into()).into(), theme.plain),
        Field::Available => (units::thousands(deployment.available.into()).into(), theme.plain),
        Field::Age => (clock::age_or_time(state, deployment.created).into(), theme.plain),
        Field::Revision => (deployment.revision.to_string().into(), theme.plain),
        Field::Images => (images(&deployment.images).into(), theme.plain),
        _ => return None,
    })
}

fn node<'s>(theme: &Theme, state: &'s State, key: &Key, field: Field) -> Option<Cell<'s>> {
    let node = state.cluster.nodes.get(key)?;
    Some(match field {
        Field::Status => {
            let mut words = vec![if node.ready { "Ready".to_owned() } else { format!("{} NotReady", glyph::CRITICAL) }];
            words.extend(node.cordoned.then(|| "cordoned".to_owned()));
            words.extend(node.pressures.iter().map(ToString::to_string));
            let style = match (node.ready, words.len()) {
                (false, _) => theme.critical,
                (true, 1) => theme.plain,
                (true, _) => theme.warning,
            };
            (words.join(", ").into(), style)
        }
        Field::Roles => (Cow::Borrowed(&*node.roles), theme.plain),
        Field::Cpu => (Cow::Borrowed(&*node.cpu), theme.plain),
        Field::Memory => (Cow::Owned(rows::memory(&node.memory)), theme.plain),
        Field::Age => (clock::age_or_time(state, node.created).into(), theme.plain),
        Field::Version => (Cow::Borrowed(&*node.version), theme.plain),
        _ => return None,
    })
}

fn service<'s>(theme: &Theme, state: &'s State, key: &Key, field: Field) -> Option<Cell<'s>> {
    let service = state.cluster.services.get(key)?;
    Some(match field {
        Field::Type => (Cow::Borrowed(&*service.kind), theme.plain),
        Field::ClusterIp => (Cow::Borrowed(&*service.cluster_ip), theme.plain),
        Field::Ports => (joined(service.ports.iter()).into(), theme.plain),
        Field::Endpoints => match service.endpoints {
            None => ("not read".into(), theme.label),
            Some((0, 0)) if service.selector.is_empty() => ("no selector".into(), theme.label),
            Some((0, unready)) => (format!("{} 0/{unready} ready", glyph::CRITICAL).into(), theme.critical),
            Some((ready, 0)) => (format!("{ready} ready").into(), theme.plain),
            Some((ready, unready)) => (format!("! {ready}/{} ready", ready + unready).into(), theme.warning),
        },
        Field::Age => (clock::age_or_time(state, service.created).into(), theme.plain),
        _ => return None,
    })
}

fn autoscaler<'s>(theme: &Theme, state: &'s State, key: &Key, field: Field) -> Option<Cell<'s>> {
    let autoscaler = state.cluster.autoscalers.get(key)?;
    Some(match field {
        Field::Reference => (format!("{}/{}", autoscaler.target_kind, autoscaler.target_name).into(), theme.plain),
        Field::Metrics => match &autoscaler.trouble {
            Some(trouble) => (format!("! {trouble}").into(), theme.warning),
            None => (joined(autoscaler.metrics.iter()).into(), theme.plain),
        },
        Field::Bounds => (format!("{}..{}", autoscaler.min, autoscaler.max).into(), theme.plain),
        Field::Replicas => {
            let at_most = autoscaler.current >= autoscaler.max;
            let sign = if at_most { "! " } else { "" };
            (format!("{sign}{}", autoscaler.current).into(), if at_most { theme.warning } else { theme.plain })
        }
        Field::Age => (clock::age_or_time(state, autoscaler.created).into(), theme.plain),
        _ => return None,
    })
}

fn event<'s>(theme: &Theme, state: &'s State, key: &Key, field: Field, folds: bool) -> Option<Cell<'s>> {
    let event = state.cluster.events.get(key)?;
    let ink = if event.is_warning { theme.warning } else { theme.plain };
    Some(match field {
        Field::LastSeen => (event.last_seen.map_or(Cow::Borrowed("unknown"), |at| clock::age_or_time(state, at).into()), theme.plain),
        Field::Type => (event.type_word().into(), ink),
        Field::Reason if folds => {
            let sign = if event.is_warning { glyph::WARNING } else { " " };
            let often = if event.count > 1 { format!(" {}{}", glyph::TIMES, units::thousands(event.count.into())) } else { String::new() };
            (format!("{sign} {}{often}", event.reason).into(), ink)
        }
        Field::Reason => (Cow::Borrowed(&*event.reason), ink),
        Field::Object => (format!("{}/{}", event.about.0.to_lowercase(), event.about.1).into(), theme.plain),
        Field::Count => (units::thousands(event.count.into()).into(), theme.plain),
        Field::Message => (Cow::Borrowed(&*event.message), theme.plain),
        _ => return None,
    })
}

fn text_or<'s>(text: Option<&'s Text>, otherwise: &'static str) -> Cow<'s, str> {
    text.map_or(Cow::Borrowed(otherwise), |text| Cow::Borrowed(&**text))
}

pub(super) fn images(images: &[(Text, Text)]) -> String {
    joined(images.iter().map(|(_, image)| image))
}

fn joined<'t>(texts: impl Iterator<Item = &'t Text>) -> String {
    texts.map(Text::as_str).collect::<Vec<_>>().join(", ")
}

pub(super) fn total(state: &State, kind: Kind) -> usize {
    with_index!(state.cluster, kind, index => index.len())
}

fn is_complete(state: &State, kind: Kind) -> bool {
    with_index!(state.cluster, kind, index => index.is_complete)
}

/// Why there are no rows, and what to do.
fn empty(canvas: &mut Canvas<'_>, area: Rect, state: &State, standing: &Standing) {
    let theme = canvas.theme;
    let table = &state.workloads;
    let kind = plural(table.kind);
    let (words, style) = if total(state, table.kind) > 0 {
        (filtered::none(&table.filter, total(state, table.kind), kind), theme.label)
    } else if is_complete(state, table.kind) && standing.trust == Trust::Live {
        (format!("There are no {kind} here."), theme.label)
    } else if standing.sentence.is_empty() {
        (format!("listing {kind}"), theme.label)
    } else {
        (standing.sentence.clone(), standing.style(theme))
    };
    let inner = inner(area);
    for (line, text) in (0..inner.height).zip(wrap(&words, inner.width)) {
        canvas.pen(inner, line).write(&text, style);
    }
}
