//! Rows of the workloads table: filtered, sorted, and kept so by single insertions and removals.

mod controllers;

use std::{cmp::Ordering, collections::HashSet};

use chrono::{DateTime, Utc};
use memchr::memmem::Finder;

use crate::domain::{
    kpi::Unit,
    natural,
    object::{Key, Kind},
    pod::Pod,
    quantity::thousandths,
    text::Text,
    units,
    workload::{Autoscaler, Deployment, Event, Node, Service},
};

pub use super::indices::Indexed;
use super::{
    cluster::{Cluster, Index},
    columns::{Column, columns},
    indices::with_index,
    screens::workloads::Workloads,
    table::Sort,
};

/// Objects that have a table.
pub trait Row: Indexed {
    fn created(&self) -> DateTime<Utc>;

    /// Other moments whose ages the table shows.
    fn moments(&self) -> [Option<DateTime<Utc>>; 2] {
        [None, None]
    }

    /// Since when a time runs that the table shows, however it shows ages.
    fn runs_since(&self) -> Option<DateTime<Utc>> {
        None
    }

    fn value(&self, column: Column) -> Value<'_>;
    fn passes(&self, filter: &Filter) -> bool;
}

/// What a column is sorted by: numbers before texts, and texts in the natural order of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    Number(i64),
    Text(&'a str),
}

impl Value<'_> {
    fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => one.cmp(&other),
            (Self::Text(one), Self::Text(other)) => natural::compare(one, other),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
        }
    }
}

/// Words of the filter: substrings without regard to case, `!word` excludes, `label=value` is a label.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    words: Vec<Word>,
}

#[derive(Debug, Clone)]
struct Word {
    is_excluded: bool,
    /// In lower case.
    text: String,
    searcher: Finder<'static>,
    /// Name and value where the word is a label.
    label: Option<(String, String)>,
}

impl Filter {
    pub fn parse(filter: &str) -> Self {
        let word = |word: &str| {
            let (is_excluded, word) = word.strip_prefix('!').map_or((false, word), |word| (true, word));
            let label = word.split_once('=').filter(|(name, _)| !name.is_empty()).map(|(name, value)| (name.to_owned(), value.to_owned()));
            let text = word.to_lowercase();
            Word { is_excluded, searcher: Finder::new(&text).into_owned(), text, label }
        };
        Self { words: filter.split_whitespace().map(word).filter(|word| !word.text.is_empty()).collect() }
    }

    /// Nothing that narrows is typed.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The words, in lower case, that a row contains somewhere.
    pub fn wanted(&self) -> impl Iterator<Item = &str> {
        self.words.iter().filter(|word| !word.is_excluded && word.label.is_none()).map(|word| word.text.as_str())
    }

    pub fn passes(&self, fields: &[&str], labels: &[(Text, Text)]) -> bool {
        self.words.iter().all(|word| {
            let found = match &word.label {
                Some((name, value)) => labels.iter().any(|(has, is)| **has == **name && **is == **value),
                None => fields.iter().any(|field| word.is_in(field)),
            };
            found != word.is_excluded
        })
    }
}

impl Word {
    /// Whether a field contains the word, without regard to case.
    fn is_in(&self, field: &str) -> bool {
        // Names in a cluster are lower-case: the searcher that was set up once serves nearly every field.
        let is_plain = field.bytes().fold(true, |plain, byte| plain & !byte.is_ascii_uppercase() & byte.is_ascii());
        if is_plain {
            self.searcher.find(field.as_bytes()).is_some()
        } else if field.is_ascii() {
            // Reasons such as `CrashLoopBackOff`: short, so compared in place rather than converted.
            field.as_bytes().windows(self.text.len()).any(|part| part.eq_ignore_ascii_case(self.text.as_bytes()))
        } else {
            field.to_lowercase().contains(&self.text)
        }
    }
}

fn number(number: impl Into<i64>) -> Value<'static> {
    Value::Number(number.into())
}

fn option(text: Option<&Text>) -> Value<'_> {
    Value::Text(text.map_or("", Text::as_str))
}

/// Ascending age: the youngest first.
fn age(created: DateTime<Utc>) -> Value<'static> {
    Value::Number(-created.timestamp())
}

/// The image of the first container, by which a workload is found.
fn first_image(images: &[(Text, Text)]) -> &str {
    images.first().map_or("", |(_, image)| image)
}

/// The share that is ready, in thousandths: what lacks most comes first.
fn share(ready: u32, all: u32) -> Value<'static> {
    Value::Number(if all == 0 { 1_000 } else { i64::from(ready) * 1_000 / i64::from(all) })
}

/// `3920m`, `64Gi`, `4` as a comparable number, in thousandths.
fn quantity(text: &str) -> Value<'_> {
    thousandths(text).map_or(Value::Text(text), |amount| Value::Number(i64::try_from(amount).unwrap_or(i64::MAX)))
}

/// `65842716Ki` as `62.8 GiB`; what is no quantity stays as it is.
pub fn memory(text: &str) -> String {
    match quantity(text) {
        Value::Number(thousandths) => units::value(thousandths as f64 / 1_000.0, Unit::Bytes),
        Value::Text(text) => text.to_owned(),
    }
}

impl Row for Pod {
    fn created(&self) -> DateTime<Utc> {
        self.created
    }

    fn value(&self, column: Column) -> Value<'_> {
        match column {
            Column::Ready => share(self.ready_containers.into(), self.total_containers().into()),
            Column::Status => Value::Text(&self.status),
            Column::Restarts => number(self.restarts),
            Column::Age => age(self.created),
            Column::Node => option(self.node.as_ref()),
            Column::Ip => option(self.ip.as_ref()),
            Column::Namespace => Value::Text(&self.key.namespace),
            _ => Value::Text(&self.key.name),
        }
    }

    fn passes(&self, filter: &Filter) -> bool {
        if filter.words.is_empty() {
            return true;
        }
        // Looking into the containers costs as much as all the rest: only for a word that could be meant.
        let asks_memory = filter.words.iter().any(|word| "oomkilled".contains(&word.text));
        let memory = if asks_memory && self.killed().is_some() { "oomkilled" } else { "" };
        let node = self.node.as_deref().unwrap_or_default();
        let lost = if self.is_node_lost { "node lost" } else { "" };
        filter.passes(&[&self.key.name, &self.status, node, &self.key.namespace, memory, lost], &self.labels)
    }
}

impl Row for Deployment {
    fn created(&self) -> DateTime<Utc> {
        self.created
    }

    fn value(&self, column: Column) -> Value<'_> {
        match column {
            Column::Ready => share(self.ready, self.replicas),
            Column::UpToDate => number(self.updated),
            Column::Available => number(self.available),
            Column::Age => age(self.created),
            Column::Revision => Value::Number(i64::try_from(self.revision).unwrap_or(i64::MAX)),
            Column::Images => option(self.images.first().map(|(_, image)| image)),
            Column::Namespace => Value::Text(&self.key.namespace),
            _ => Value::Text(&self.key.name),
        }
    }

    fn passes(&self, filter: &Filter) -> bool {
        filter.passes(&[&self.key.name, &self.key.namespace, first_image(&self.images)], &self.selector)
    }
}

impl Row for Node {
    fn created(&self) -> DateTime<Utc> {
        self.created
    }

    fn value(&self, column: Column) -> Value<'_> {
        match column {
            Column::Status => number(i64::from(self.ready) * 2 + i64::from(!self.cordoned)),
            Column::Roles => Value::Text(&self.roles),
            Column::Cpu => quantity(&self.cpu),
            Column::Memory => quantity(&self.memory),
            Column::Age => age(self.created),
            Column::Version => Value::Text(&self.version),
            _ => Value::Text(&self.key.name),
        }
    }

    fn passes(&self, filter: &Filter) -> bool {
        let ready = if self.ready { "ready" } else { "notready" };
        let cordoned = if self.cordoned { "schedulingdisabled cordoned" } else { "" };
        filter.passes(&[&self.key.name, &self.roles, &self.version, ready, cordoned], &[])
    }
}

impl Row for Service {
    fn created(&self) -> DateTime<Utc> {
        self.created
    }

    fn value(&self, column: Column) -> Value<'_> {
        match column {
            Column::Type => Value::Text(&self.kind),
            Column::ClusterIp => Value::Text(&self.cluster_ip),
            Column::Ports => option(self.ports.first()),
            Column::Endpoints => self.endpoints.map_or(number(-1), |(ready, _)| number(ready)),
            Column::Age => age(self.created),
            Column::Namespace => Value::Text(&self.key.namespace),
            _ => Value::Text(&self.key.name),
        }
    }

    fn passes(&self, filter: &Filter) -> bool {
        filter.passes(&[&self.key.name, &self.key.namespace, &self.kind, &self.cluster_ip], &self.selector)
    }
}

impl Row for Autoscaler {
    fn created(&self) -> DateTime<Utc> {
        self.created
    }

    fn value(&self, column: Column) -> Value<'_> {
        match column {
            Column::Reference => Value::Text(&self.target_name),
            Column::Metrics => option(self.metrics.first()),
            Column::Bounds => number(self.max),
            Column::Replicas => number(self.current),
            Column::Age => age(self.created),
            Column::Namespace => Value::Text(&self.key.namespace),
            _ => Value::Text(&self.key.name),
        }
    }

    fn passes(&self, filter: &Filter) -> bool {
        filter.passes(&[&self.key.name, &self.key.namespace, &self.target_name], &[])
    }
}

impl Row for Event {
    /// Its last time: what the table's first column tells the age of.
    fn created(&self) -> DateTime<Utc> {
        self.last_seen.unwrap_or_default()
    }

    fn value(&self, column: Column) -> Value<'_> {
        match column {
            // The youngest first; those of one moment stand in the order of their names.
            Column::LastSeen => self.last_seen.map_or(number(i64::MAX), |at| number(-at.timestamp_micros())),
            Column::Type => number(!self.is_warning),
            Column::Reason => Value::Text(&self.reason),
            Column::Object => Value::Text(&self.about.1),
            Column::Count => number(self.count),
            Column::Message => Value::Text(&self.message),
            Column::Namespace => Value::Text(&self.key.namespace),
            _ => Value::Text(&self.key.name),
        }
    }

    fn passes(&self, filter: &Filter) -> bool {
        let (kind, name, _) = &self.about;
        filter.passes(&[&self.reason, kind, name, &self.message, self.type_word(), &self.key.namespace], &[])
    }
}

/// Column and direction of a sort in the table of `kind`.
#[derive(Debug, Clone, Copy)]
struct Order {
    column: Column,
    descending: bool,
}

impl Order {
    fn of(kind: Kind, sort: Sort) -> Self {
        let column = columns(kind).get(sort.column).copied().unwrap_or(Column::Name);
        Self { column, descending: sort.descending }
    }

    /// Equal values stand in the order of their keys, whatever the direction.
    fn compare(self, one: (Value<'_>, &Key), other: (Value<'_>, &Key)) -> Ordering {
        let values = one.0.compare(other.0);
        (if self.descending { values.reverse() } else { values }).then_with(|| by_name(one.1, other.1))
    }
}

/// In the natural order of their names. The index has a faster one: it looks a key up at every change.
fn by_name(one: &Key, other: &Key) -> Ordering {
    let is_near = one.namespace == other.namespace;
    let namespaces = if is_near { Ordering::Equal } else { natural::compare(&one.namespace, &other.namespace) };
    namespaces.then_with(|| natural::compare(&one.name, &other.name))
}

/// All rows anew: after another kind, filter or sort, or many changes at once.
pub fn rebuild(cluster: &Cluster, workloads: &mut Workloads) {
    let filter = Filter::parse(&workloads.filter);
    let order = Order::of(workloads.kind, workloads.sort);
    workloads.rows = with_index!(cluster, workloads.kind, index => listed(index, &filter, order));
    follow_focus(workloads);
}

fn listed<T: Row>(index: &Index<T>, filter: &Filter, order: Order) -> Vec<Key> {
    let passing = index.objects.iter().filter(|(_, object)| object.passes(filter));
    let mut rows: Vec<(Value<'_>, &Key)> = passing.map(|(key, object)| (object.value(order.column), key)).collect();
    // The index stands nearly in the order of names: this sort goes by what stands in order already.
    rows.sort_by(|one, other| order.compare(*one, *other));
    rows.into_iter().map(|(_, key)| key.clone()).collect()
}

/// Many objects were added, changed or removed: their rows leave and come back where they belong, in one pass.
pub(super) fn replace_many(cluster: &Cluster, workloads: &mut Workloads, filter: &Filter, changed: &HashSet<Key>) {
    let order = Order::of(workloads.kind, workloads.sort);
    workloads.rows.retain(|row| !changed.contains(row));
    let rows = std::mem::take(&mut workloads.rows);
    workloads.rows = with_index!(cluster, workloads.kind, index => merged(index, rows, filter, order, changed));
    follow_focus(workloads);
}

/// Rows in order, and those of the changed objects that pass among them.
fn merged<T: Row>(index: &Index<T>, rows: Vec<Key>, filter: &Filter, order: Order, changed: &HashSet<Key>) -> Vec<Key> {
    let value = |row: &Key| -> Value<'_> { index.get(row).map_or(Value::Text(""), |object| object.value(order.column)) };
    let passing = changed.iter().filter_map(|key| index.objects.get_key_value(key)).filter(|(_, object)| object.passes(filter));
    let mut coming: Vec<(Value<'_>, &Key)> = passing.map(|(key, object)| (object.value(order.column), key)).collect();
    coming.sort_unstable_by(|one, other| order.compare(*one, *other));
    let mut place = 0;
    let mut places = Vec::with_capacity(coming.len());
    for new in &coming {
        place += rows[place..].partition_point(|row| order.compare((value(row), row), *new).is_lt());
        places.push(place);
    }
    let mut merged = Vec::with_capacity(rows.len() + coming.len());
    let mut rows = rows.into_iter();
    let mut taken = 0;
    for (place, (_, key)) in places.into_iter().zip(coming) {
        merged.extend(rows.by_ref().take(place - taken));
        taken = place;
        merged.push(key.clone());
    }
    merged.extend(rows);
    merged
}

/// One object was added, changed or removed: moves its row. Says whether that can be seen.
pub fn replace<T: Row>(cluster: &Cluster, workloads: &mut Workloads, filter: &Filter, key: &Key, before: Option<&T>) -> bool {
    let index = T::index(cluster);
    let order = Order::of(workloads.kind, workloads.sort);
    let after = index.get(key).filter(|object| object.passes(filter));
    let before = before.filter(|object| object.passes(filter));
    let value = |row: &Key| -> Value<'_> {
        let object = if row == key { before } else { index.get(row) };
        object.map_or(Value::Text(""), |object| object.value(order.column))
    };
    let old = before.and_then(|before| {
        let wanted = (before.value(order.column), key);
        let found = workloads.rows.binary_search_by(|row| order.compare((value(row), row), wanted)).ok();
        found.or_else(|| workloads.rows.iter().position(|row| row == key))
    });
    let stays = matches!((before, after), (Some(before), Some(after)) if before.value(order.column) == after.value(order.column));
    if let (true, Some(row)) = (stays, old) {
        return is_visible(workloads, row);
    }
    let seen_before = old.is_some_and(|row| is_visible(workloads, row));
    if let Some(row) = old {
        workloads.rows.remove(row);
    }
    let new = after.map(|after| {
        let wanted = (after.value(order.column), key);
        let place = workloads.rows.binary_search_by(|row| order.compare((value(row), row), wanted));
        let row = place.unwrap_or_else(|row| row);
        workloads.rows.insert(row, key.clone());
        row
    });
    if old.is_none() && new.is_none() {
        return false;
    }
    follow(workloads, key, old, new);
    // The count of rows is shown, so a row more or less can always be seen.
    seen_before || old.is_some() != new.is_some() || new.is_some_and(|row| is_visible(workloads, row))
}

/// Keeps the cursor on its object and the window on its rows.
fn follow(workloads: &mut Workloads, key: &Key, old: Option<usize>, new: Option<usize>) {
    let is_focused = workloads.focused.as_ref() == Some(key);
    let cursor = &mut workloads.cursor;
    if let Some(old) = old {
        cursor.row -= usize::from(old < cursor.row);
        cursor.top -= usize::from(old < cursor.top);
    }
    if let Some(new) = new {
        let is_first = workloads.rows.len() == 1;
        cursor.row += usize::from(new <= cursor.row && !is_first && !(is_focused && old.is_some()));
        cursor.top += usize::from(new < cursor.top);
        if is_focused {
            cursor.row = new;
        }
    }
    refocus(workloads);
}

/// The cursor goes where its object went.
fn follow_focus(workloads: &mut Workloads) {
    let followed = workloads.focused.as_ref().and_then(|focused| workloads.rows.iter().position(|key| key == focused));
    if let Some(row) = followed {
        workloads.cursor.row = row;
    }
    refocus(workloads);
}

/// The focus is what the cursor is on.
pub fn refocus(workloads: &mut Workloads) {
    workloads.cursor.row = workloads.cursor.row.min(workloads.rows.len().saturating_sub(1));
    workloads.cursor.top = workloads.cursor.top.min(workloads.cursor.row);
    workloads.focused = workloads.rows.get(workloads.cursor.row).cloned();
}

fn is_visible(workloads: &Workloads, row: usize) -> bool {
    let height = usize::from(workloads.height);
    height == 0 || (workloads.cursor.top..workloads.cursor.top + height).contains(&row)
}
