//! Every object of the simulated cluster, versioned and watchable: what etcd is to a real API server.
//!
//! A [`Store`] is a cheap handle; all clones see the same objects. Nothing in it is async: controllers run on it as plain
//! synchronous steps, and only watchers wait (on [`Store::subscribe`]). Objects come out as `Arc<Value>`, so that a list of
//! 50,000 pods copies pointers.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use super::kubernetes::container_logs::ContainerLogs;
use super::kubernetes::kinds::{DEFINITIONS, Resource};
use super::kubernetes::selector::{FieldSelector, LabelSelector};
use super::managers;

/// Tells the simulated time.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Changes kept per resource type for watchers that resume; older ones are answered with "expired", as by a real server.
const CHANGES_KEPT: usize = 4096;
const DEFAULT_GRACE_SECONDS: i64 = 30;

/// Why the store refused. The texts are those of the real API server.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum StoreError {
    #[error("{resource} \"{name}\" not found")]
    NotFound { resource: Resource, name: String },
    #[error("{resource} \"{name}\" already exists")]
    AlreadyExists { resource: Resource, name: String },
    #[error("Operation cannot be fulfilled on {resource} \"{name}\": {why}")]
    Conflict { resource: Resource, name: String, why: String },
    #[error("Operation cannot be fulfilled on {} \"{name}\": {why}", qualified_kind(*.resource))]
    Precondition { resource: Resource, name: String, why: String },
    #[error("name or generateName is required")]
    Unnamed { resource: Resource },
    #[error("{0}")]
    BadRequest(String),
}

/// The changes asked for are no longer kept.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("too old resource version: {asked} ({oldest})")]
pub struct Expired {
    pub asked: u64,
    pub oldest: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

/// One write, as a watcher sees it.
#[derive(Debug, Clone)]
pub struct Change {
    pub version: u64,
    pub kind: ChangeKind,
    pub object: Arc<Value>,
    /// The object before this write, so that a watcher with a selector sees it enter and leave.
    pub previous: Option<Arc<Value>>,
}

/// Objects and the version of the store they were read at.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    pub items: Vec<Arc<Value>>,
    pub resource_version: u64,
    /// Where the next page begins, with how many objects are left, when a limit cut the list.
    pub next: Option<(ObjectKey, usize)>,
}

/// Namespace (empty for cluster-scoped objects) and name. Lists are in this order.
pub type ObjectKey = (String, String);

/// What to list. The default is everything.
#[derive(Debug, Clone, Default)]
pub struct Query {
    pub namespace: Option<String>,
    pub labels: LabelSelector,
    pub fields: FieldSelector,
    /// Objects after this key only.
    pub after: Option<ObjectKey>,
    /// Zero: no limit.
    pub limit: usize,
}

impl Query {
    pub fn namespace(namespace: &str) -> Self {
        Self { namespace: Some(namespace.to_owned()), ..Self::default() }
    }

    #[must_use]
    pub fn labels(mut self, labels: LabelSelector) -> Self {
        self.labels = labels;
        self
    }

    /// Whether an object in `namespace` is wanted, paging aside.
    pub fn wants(&self, object: &Value) -> bool {
        self.namespace.as_deref().is_none_or(|namespace| namespace == text(object, "namespace"))
            && self.labels.matches(object)
            && self.fields.matches(object)
    }
}

/// Who writes, as recorded in `managedFields`.
#[derive(Debug, Clone, Copy)]
pub struct Writer<'a> {
    pub manager: &'a str,
    /// `Update` or `Apply`.
    pub operation: &'a str,
    pub subresource: &'a str,
    /// What is applied: its fields are the writer's, whether they change anything or not.
    pub applied: Option<&'a Value>,
}

impl<'a> Writer<'a> {
    pub fn update(manager: &'a str) -> Self {
        Self { manager, operation: "Update", subresource: "", applied: None }
    }

    pub fn status(manager: &'a str) -> Self {
        Self { subresource: "status", ..Self::update(manager) }
    }
}

/// What must hold for a delete, and how it is done.
#[derive(Debug, Clone, Default)]
pub struct Deletion {
    pub uid: Option<String>,
    pub resource_version: Option<String>,
    /// For pods: seconds until the kubelet may be taken to have stopped it; zero removes at once. None: what the pod says.
    pub grace_seconds: Option<i64>,
    /// Leave the dependents (objects whose `ownerReferences` name this one) alive and without owner.
    pub orphan: bool,
}

impl Deletion {
    /// Removes at once, as the kubelet does when a pod's containers have stopped.
    pub fn immediate() -> Self {
        Self { grace_seconds: Some(0), ..Self::default() }
    }
}

/// What a delete came to.
#[derive(Debug, Clone)]
pub enum Deleted {
    Removed(Arc<Value>),
    /// `deletionTimestamp` is set; a kubelet (or whoever holds a finalizer) removes it.
    Terminating(Arc<Value>),
}

impl Deleted {
    pub fn object(&self) -> &Arc<Value> {
        match self {
            Self::Removed(object) | Self::Terminating(object) => object,
        }
    }
}

#[derive(Debug, Clone)]
struct Table {
    objects: BTreeMap<ObjectKey, Arc<Value>>,
    changes: VecDeque<Change>,
    /// The version of the newest change that is no longer kept.
    forgotten: u64,
}

#[derive(Clone)]
struct Inner {
    version: u64,
    tables: Vec<Table>,
    /// By uid of the owner.
    dependents: HashMap<String, BTreeSet<(Resource, ObjectKey)>>,
    random: fastrand::Rng,
}

struct Shared {
    inner: Mutex<Inner>,
    latest: Vec<watch::Sender<u64>>,
    clock: Clock,
    logs: ContainerLogs,
}

/// A handle to all objects.
#[derive(Clone)]
pub struct Store(Arc<Shared>);

impl Store {
    /// An empty store. The same seed and the same writes give the same uids.
    pub fn new(seed: u64, clock: Clock) -> Self {
        let tables = DEFINITIONS.iter().map(|_| Table { objects: BTreeMap::new(), changes: VecDeque::new(), forgotten: 0 }).collect();
        let inner = Inner { version: 1000, tables, dependents: HashMap::new(), random: fastrand::Rng::with_seed(seed) };
        let latest = DEFINITIONS.iter().map(|_| watch::Sender::new(0)).collect();
        Self(Arc::new(Shared { inner: Mutex::new(inner), latest, clock, logs: ContainerLogs::default() }))
    }

    /// A store of its own with the same objects, that tells the time of this clock.
    #[must_use]
    pub fn fork(&self, clock: Clock) -> Self {
        let latest = self.0.latest.iter().map(|sender| watch::Sender::new(*sender.borrow())).collect();
        Self(Arc::new(Shared { inner: Mutex::new(self.lock().clone()), latest, clock, logs: self.0.logs.fork() }))
    }

    /// Goes on with this chance for uids and names, and hands out the former one.
    pub fn exchange_chance(&self, chance: fastrand::Rng) -> fastrand::Rng {
        std::mem::replace(&mut self.lock().random, chance)
    }

    /// The simulated time.
    pub fn now(&self) -> DateTime<Utc> {
        (self.0.clock)()
    }

    pub fn clock(&self) -> Clock {
        Arc::clone(&self.0.clock)
    }

    /// What containers wrote.
    pub fn logs(&self) -> &ContainerLogs {
        &self.0.logs
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn resource_version(&self) -> u64 {
        self.lock().version
    }

    pub fn get(&self, resource: Resource, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.lock().table(resource).objects.get(&key(namespace, name)).cloned()
    }

    pub fn count(&self, resource: Resource) -> usize {
        self.lock().table(resource).objects.len()
    }

    /// Objects in the order of namespace and name. Selectors run after the lock is released.
    pub fn list(&self, resource: Resource, query: &Query) -> Listing {
        let (candidates, resource_version) = {
            let inner = self.lock();
            (inner.table(resource).range(query), inner.version)
        };
        let selects = !query.labels.is_empty() || !query.fields.is_empty();
        let wanted = candidates.into_iter().filter(|(_, object)| !selects || query.wants(object));
        if query.limit == 0 {
            return Listing { items: wanted.map(|(_, object)| object).collect(), resource_version, next: None };
        }
        let mut wanted = wanted.peekable();
        let mut items = Vec::new();
        let mut last = None;
        while items.len() < query.limit {
            let Some((at, object)) = wanted.next() else { break };
            last = Some(at);
            items.push(object);
        }
        let next = if wanted.peek().is_some() { last } else { None };
        let next = next.map(|at| (at, wanted.count()));
        Listing { items, resource_version, next }
    }

    /// The objects that name `uid` among their `ownerReferences`.
    pub fn dependents(&self, uid: &str) -> Vec<(Resource, Arc<Value>)> {
        let inner = self.lock();
        let keys = inner.dependents.get(uid).into_iter().flatten();
        keys.filter_map(|(resource, key)| Some((*resource, inner.table(*resource).objects.get(key)?.clone()))).collect()
    }

    /// Adds an object; `metadata.name` or `metadata.generateName` names it, `metadata.namespace` places it.
    pub fn create(&self, resource: Resource, writer: Writer<'_>, object: Value) -> Result<Arc<Value>, StoreError> {
        let mut inner = self.lock();
        let object = inner.prepare_new(resource, writer, object, self.now())?;
        let object = inner.put(resource, ChangeKind::Added, object);
        self.announce(resource, inner);
        Ok(object)
    }

    /// What [`create`](Self::create) would store.
    pub fn create_dry_run(&self, resource: Resource, writer: Writer<'_>, object: Value) -> Result<Value, StoreError> {
        self.lock().prepare_new(resource, writer, object, self.now())
    }

    /// Replaces an object. When it carries a `metadata.resourceVersion` or `uid`, these must be current.
    pub fn update(&self, resource: Resource, writer: Writer<'_>, object: Value) -> Result<Arc<Value>, StoreError> {
        let (namespace, name) = (text(&object, "namespace").to_owned(), text(&object, "name").to_owned());
        self.modify(resource, &namespace, &name, writer, |current| *current = object)
    }

    /// Changes an object in place; without a difference nothing is written. An optimistic lock is taken by leaving (or setting)
    /// another `metadata.resourceVersion` or `uid` in the object: one that is not current is a conflict.
    pub fn modify(
        &self,
        resource: Resource,
        namespace: &str,
        name: &str,
        writer: Writer<'_>,
        change: impl FnOnce(&mut Value),
    ) -> Result<Arc<Value>, StoreError> {
        self.try_modify(resource, namespace, name, writer, |object| {
            change(object);
            Ok(())
        })
    }

    /// As [`modify`](Self::modify), with a change that may refuse.
    pub fn try_modify<E: From<StoreError>>(
        &self,
        resource: Resource,
        namespace: &str,
        name: &str,
        writer: Writer<'_>,
        change: impl FnOnce(&mut Value) -> Result<(), E>,
    ) -> Result<Arc<Value>, E> {
        let mut inner = self.lock();
        let current = inner.current(resource, namespace, name)?;
        let mut object = (*current).clone();
        change(&mut object)?;
        if !settle(resource, writer, &current, &mut object, self.now())? {
            return Ok(current);
        }
        let written = if finished(&object) {
            inner.remove(resource, &key(namespace, name), false, self.now())?
        } else {
            inner.put(resource, ChangeKind::Modified, object)
        };
        self.announce_all(inner);
        Ok(written)
    }

    /// What [`try_modify`](Self::try_modify) would store.
    pub fn modify_dry_run<E: From<StoreError>>(
        &self,
        resource: Resource,
        namespace: &str,
        name: &str,
        writer: Writer<'_>,
        change: impl FnOnce(&mut Value) -> Result<(), E>,
    ) -> Result<Value, E> {
        let current = self.lock().current(resource, namespace, name)?;
        let mut object = (*current).clone();
        change(&mut object)?;
        settle(resource, writer, &current, &mut object, self.now())?;
        Ok(object)
    }

    /// Removes an object and, unless told otherwise, its dependents. A scheduled pod with a grace period, and any object with
    /// finalizers, only gets its `deletionTimestamp`.
    pub fn delete(&self, resource: Resource, namespace: &str, name: &str, how: &Deletion) -> Result<Deleted, StoreError> {
        let mut inner = self.lock();
        let now = self.now();
        let current = inner.current(resource, namespace, name)?;
        check_deletion(resource, &current, how)?;
        let deleted = inner.delete(resource, &key(namespace, name), how, now)?;
        self.announce_all(inner);
        if let (Resource::Pods, Deleted::Removed(_)) = (resource, &deleted) {
            self.0.logs.forget(namespace, name);
        }
        Ok(deleted)
    }

    /// Checks a delete without doing it; returns the object as it is.
    pub fn delete_dry_run(&self, resource: Resource, namespace: &str, name: &str, how: &Deletion) -> Result<Arc<Value>, StoreError> {
        let current = self.lock().current(resource, namespace, name)?;
        check_deletion(resource, &current, how)?;
        if resource != Resource::Pods || current.pointer("/metadata/deletionTimestamp").is_some() {
            return Ok(current);
        }
        let mut leaving = (*current).clone();
        let seconds = how.grace_seconds.or_else(|| leaving.pointer("/spec/terminationGracePeriodSeconds")?.as_i64()).unwrap_or(DEFAULT_GRACE_SECONDS);
        set_metadata(&mut leaving, "deletionTimestamp", json!(timestamp(self.now() + TimeDelta::seconds(seconds))));
        set_metadata(&mut leaving, "deletionGracePeriodSeconds", json!(seconds));
        Ok(Arc::new(leaving))
    }

    /// Forgets all changes so far, as a server does that was started anew: nobody can watch from before.
    pub fn compact(&self) {
        let mut inner = self.lock();
        let version = inner.version;
        for table in &mut inner.tables {
            table.changes.clear();
            table.forgotten = version;
        }
    }

    /// The writes to a resource type after `version`, in order, and the version up to which this is complete.
    pub fn changes_since(&self, resource: Resource, version: u64) -> Result<(Vec<Change>, u64), Expired> {
        let inner = self.lock();
        let table = inner.table(resource);
        if version < table.forgotten {
            return Err(Expired { asked: version, oldest: table.forgotten });
        }
        let start = table.changes.partition_point(|change| change.version <= version);
        Ok((table.changes.range(start..).cloned().collect(), inner.version))
    }

    /// The version before which changes to a resource type are no longer kept.
    pub fn oldest_version(&self, resource: Resource) -> u64 {
        self.lock().table(resource).forgotten
    }

    /// Wakes whenever the resource type was written to.
    pub fn subscribe(&self, resource: Resource) -> watch::Receiver<u64> {
        self.0.latest[resource as usize].subscribe()
    }

    fn announce(&self, resource: Resource, inner: MutexGuard<'_, Inner>) {
        let version = inner.version;
        drop(inner);
        self.0.latest[resource as usize].send_replace(version);
    }

    /// After a write that may have reached dependents of any type.
    fn announce_all(&self, inner: MutexGuard<'_, Inner>) {
        let newest: Vec<u64> = inner.tables.iter().map(|table| table.changes.back().map_or(0, |change| change.version)).collect();
        drop(inner);
        for (sender, version) in self.0.latest.iter().zip(newest) {
            sender.send_if_modified(|seen| std::mem::replace(seen, version) != version);
        }
    }
}

impl Table {
    fn range(&self, query: &Query) -> Vec<(ObjectKey, Arc<Value>)> {
        if let (Some(namespace), Some(name), None) = (&query.namespace, query.fields.name(), &query.after) {
            let key = key(namespace, name);
            return self.objects.get(&key).map(|object| (key.clone(), object.clone())).into_iter().collect();
        }
        let start = match (&query.after, &query.namespace) {
            (Some(after), _) => Bound::Excluded(after.clone()),
            (None, Some(namespace)) => Bound::Included(key(namespace, "")),
            (None, None) => Bound::Unbounded,
        };
        let range = self.objects.range((start, Bound::Unbounded));
        let range = range.take_while(|((namespace, _), _)| query.namespace.as_ref().is_none_or(|wanted| wanted == namespace));
        range.map(|(key, object)| (key.clone(), object.clone())).collect()
    }
}

impl Inner {
    fn table(&self, resource: Resource) -> &Table {
        &self.tables[resource as usize]
    }

    fn current(&self, resource: Resource, namespace: &str, name: &str) -> Result<Arc<Value>, StoreError> {
        let found = self.table(resource).objects.get(&key(namespace, name)).cloned();
        found.ok_or_else(|| StoreError::NotFound { resource, name: name.to_owned() })
    }

    fn prepare_new(&mut self, resource: Resource, writer: Writer<'_>, object: Value, now: DateTime<Utc>) -> Result<Value, StoreError> {
        let definition = resource.definition();
        let Value::Object(mut fields) = object else {
            return Err(StoreError::BadRequest("the object provided is not a map".to_owned()));
        };
        let Some(Value::Object(mut metadata)) = fields.shift_remove("metadata") else {
            return Err(StoreError::BadRequest("the object provided has no metadata".to_owned()));
        };
        let named = metadata.get("name").and_then(Value::as_str).filter(|name| !name.is_empty()).map(str::to_owned);
        let name = match (named, metadata.get("generateName").and_then(Value::as_str)) {
            (Some(name), _) => name,
            (None, Some(prefix)) => format!("{prefix}{}", self.suffix()),
            (None, None) => return Err(StoreError::Unnamed { resource }),
        };
        let namespace = metadata.get("namespace").and_then(Value::as_str).unwrap_or_default().to_owned();
        if self.table(resource).objects.contains_key(&key(&namespace, &name)) {
            return Err(StoreError::AlreadyExists { resource, name });
        }
        metadata.insert("name".to_owned(), json!(name));
        metadata.insert("uid".to_owned(), json!(self.uid()));
        metadata.insert("creationTimestamp".to_owned(), json!(timestamp(now)));
        metadata.shift_remove("resourceVersion");
        metadata.shift_remove("managedFields");
        if definition.has_generation {
            metadata.insert("generation".to_owned(), json!(1));
        }
        let mut all = Map::new();
        all.insert("apiVersion".to_owned(), json!(definition.api_version()));
        all.insert("kind".to_owned(), json!(definition.kind));
        all.insert("metadata".to_owned(), Value::Object(metadata));
        fields.shift_remove("apiVersion");
        fields.shift_remove("kind");
        all.extend(fields);
        let mut object = Value::Object(all);
        managers::record(&mut object, None, resource, writer, now);
        Ok(object)
    }

    fn put(&mut self, resource: Resource, kind: ChangeKind, mut object: Value) -> Arc<Value> {
        self.version += 1;
        let version = self.version;
        set_metadata(&mut object, "resourceVersion", json!(version.to_string()));
        let key = key(text(&object, "namespace"), text(&object, "name"));
        let object = Arc::new(object);
        let previous = self.tables[resource as usize].objects.insert(key.clone(), Arc::clone(&object));
        if previous.as_ref().is_none_or(|previous| previous.pointer("/metadata/ownerReferences") != object.pointer("/metadata/ownerReferences")) {
            if let Some(previous) = &previous {
                self.forget_owners(resource, &key, previous);
            }
            for uid in owner_uids(&object) {
                self.dependents.entry(uid).or_default().insert((resource, key.clone()));
            }
        }
        self.record(resource, Change { version, kind, object: Arc::clone(&object), previous });
        object
    }

    fn record(&mut self, resource: Resource, change: Change) {
        let table = &mut self.tables[resource as usize];
        table.changes.push_back(change);
        if table.changes.len() > CHANGES_KEPT
            && let Some(oldest) = table.changes.pop_front()
        {
            table.forgotten = oldest.version;
        }
    }

    fn forget_owners(&mut self, resource: Resource, key: &ObjectKey, object: &Value) {
        for uid in owner_uids(object) {
            if let Some(keys) = self.dependents.get_mut(&uid) {
                keys.remove(&(resource, key.clone()));
                if keys.is_empty() {
                    self.dependents.remove(&uid);
                }
            }
        }
    }

    fn delete(&mut self, resource: Resource, key: &ObjectKey, how: &Deletion, now: DateTime<Utc>) -> Result<Deleted, StoreError> {
        let current = self.current(resource, &key.0, &key.1)?;
        let grace = if resource == Resource::Pods { pod_grace(&current, how.grace_seconds) } else { 0 };
        let finalized = current.pointer("/metadata/finalizers").and_then(Value::as_array).is_none_or(Vec::is_empty);
        if grace == 0 && finalized {
            return self.remove(resource, key, how.orphan, now).map(Deleted::Removed);
        }
        let running_out = current.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64);
        if running_out.is_some_and(|seconds| seconds <= grace) {
            return Ok(Deleted::Terminating(current));
        }
        let mut object = (*current).clone();
        set_metadata(&mut object, "deletionTimestamp", json!(timestamp(now + TimeDelta::seconds(grace))));
        set_metadata(&mut object, "deletionGracePeriodSeconds", json!(grace));
        if let Some(generation) = object.pointer("/metadata/generation").and_then(Value::as_i64) {
            set_metadata(&mut object, "generation", json!(generation + 1));
        }
        Ok(Deleted::Terminating(self.put(resource, ChangeKind::Modified, object)))
    }

    fn remove(&mut self, resource: Resource, key: &ObjectKey, orphan: bool, now: DateTime<Utc>) -> Result<Arc<Value>, StoreError> {
        let Some(current) = self.tables[resource as usize].objects.remove(key) else {
            return Err(StoreError::NotFound { resource, name: key.1.clone() });
        };
        self.version += 1;
        let mut object = (*current).clone();
        set_metadata(&mut object, "resourceVersion", json!(self.version.to_string()));
        let object = Arc::new(object);
        self.forget_owners(resource, key, &current);
        self.record(resource, Change { version: self.version, kind: ChangeKind::Deleted, object: Arc::clone(&object), previous: Some(current) });
        let uid = text(&object, "uid").to_owned();
        for (resource, key) in self.dependents.remove(&uid).into_iter().flatten() {
            self.release(resource, &key, &uid, orphan, now)?;
        }
        Ok(object)
    }

    /// Garbage collection of one dependent: deleted, unless orphaned or owned by somebody else as well.
    fn release(&mut self, resource: Resource, key: &ObjectKey, owner: &str, orphan: bool, now: DateTime<Utc>) -> Result<(), StoreError> {
        let Some(current) = self.table(resource).objects.get(key).cloned() else { return Ok(()) };
        if !orphan && owner_uids(&current).iter().all(|uid| uid == owner) {
            return self.delete(resource, key, &Deletion::default(), now).map(|_| ());
        }
        let mut object = (*current).clone();
        if let Some(owners) = object.pointer_mut("/metadata/ownerReferences").and_then(Value::as_array_mut) {
            owners.retain(|reference| reference.get("uid").and_then(Value::as_str) != Some(owner));
        }
        self.put(resource, ChangeKind::Modified, object);
        Ok(())
    }

    fn uid(&mut self) -> String {
        let high = self.random.u64(..) & 0xffff_ffff_ffff_0fff | 0x4000;
        let low = self.random.u64(..) & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000;
        format!("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, high >> 16 & 0xffff, high & 0xffff, low >> 48, low & 0xffff_ffff_ffff)
    }

    /// Five characters as in generated names: no vowels, nothing easily misread.
    fn suffix(&mut self) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        (0..5).map(|_| char::from(LETTERS[self.random.usize(..LETTERS.len())])).collect()
    }
}

/// Brings a changed object into the form it is stored in; false when nothing changed.
fn settle(resource: Resource, writer: Writer<'_>, current: &Value, object: &mut Value, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let conflict = |why: String| StoreError::Conflict { resource, name: text(current, "name").to_owned(), why };
    let asked = text(object, "resourceVersion");
    if !asked.is_empty() && asked != text(current, "resourceVersion") {
        return Err(conflict("the object has been modified; please apply your changes to the latest version and try again".to_owned()));
    }
    let (asked, uid) = (text(object, "uid"), text(current, "uid"));
    if !asked.is_empty() && asked != uid {
        return Err(conflict(format!("Precondition failed: UID in precondition: {asked}, UID in object meta: {uid}")));
    }
    for field in [
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "resourceVersion",
        "generation",
        "managedFields",
        "generateName",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ] {
        copy_metadata(field, current, object);
    }
    if object == current && writer.applied.is_none_or(|applied| managers::owns(current, writer, applied)) {
        return Ok(false);
    }
    if resource.definition().has_generation && object.get("spec") != current.get("spec") {
        let generation = current.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or_default() + 1;
        set_metadata(object, "generation", json!(generation));
    }
    managers::record(object, Some(current), resource, writer, now);
    Ok(true)
}

fn copy_metadata(field: &str, from: &Value, to: &mut Value) {
    match from.get("metadata").and_then(|metadata| metadata.get(field)) {
        Some(value) => {
            if to.get("metadata").and_then(|metadata| metadata.get(field)) != Some(value) {
                set_metadata(to, field, value.clone());
            }
        }
        None => {
            if let Some(metadata) = to.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.shift_remove(field);
            }
        }
    }
}

fn check_deletion(resource: Resource, current: &Value, how: &Deletion) -> Result<(), StoreError> {
    let refused = |why: String| StoreError::Precondition { resource, name: text(current, "name").to_owned(), why };
    let (uid, version) = (text(current, "uid"), text(current, "resourceVersion"));
    if let Some(asked) = how.uid.as_deref().filter(|asked| *asked != uid) {
        let why = "The object might have been deleted and then recreated";
        return Err(refused(format!("the UID in the precondition ({asked}) does not match the UID in record ({uid}). {why}")));
    }
    if let Some(asked) = how.resource_version.as_deref().filter(|asked| *asked != version) {
        let why = "The object might have been modified";
        return Err(refused(format!(
            "the ResourceVersion in the precondition ({asked}) does not match the ResourceVersion in record ({version}). {why}"
        )));
    }
    Ok(())
}

fn qualified_kind(resource: Resource) -> String {
    let definition = resource.definition();
    if definition.group.is_empty() { definition.kind.to_owned() } else { format!("{}.{}", definition.kind, definition.group) }
}

/// Zero for pods that no kubelet runs: unscheduled, or done.
fn pod_grace(pod: &Value, asked: Option<i64>) -> i64 {
    let scheduled = pod.pointer("/spec/nodeName").and_then(Value::as_str).is_some_and(|node| !node.is_empty());
    let done = matches!(pod.pointer("/status/phase").and_then(Value::as_str), Some("Succeeded" | "Failed"));
    if !scheduled || done {
        return 0;
    }
    let own = || pod.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_i64);
    asked.or_else(own).unwrap_or(DEFAULT_GRACE_SECONDS).max(0)
}

/// Whether the last finalizer of an object under deletion went away. Pods wait for their kubelet.
fn finished(object: &Value) -> bool {
    let finalized = object.pointer("/metadata/finalizers").and_then(Value::as_array).is_none_or(Vec::is_empty);
    let deleted = object.pointer("/metadata/deletionTimestamp").is_some();
    let grace = object.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or_default();
    deleted && finalized && grace == 0
}

fn owner_uids(object: &Value) -> Vec<String> {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.into_iter().flatten().filter_map(|owner| owner.get("uid")?.as_str().map(str::to_owned)).collect()
}

fn key(namespace: &str, name: &str) -> ObjectKey {
    (namespace.to_owned(), name.to_owned())
}

/// A string of the object's metadata, empty when absent.
pub fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object.get("metadata").and_then(|metadata| metadata.get(field)).and_then(Value::as_str).unwrap_or_default()
}

/// Sets a field of the object's metadata.
pub fn set_metadata(object: &mut Value, field: &str, value: Value) {
    if !object.is_object() {
        return;
    }
    let metadata = &mut object["metadata"];
    if !metadata.is_object() {
        *metadata = json!({});
    }
    metadata[field] = value;
}

/// The API's form of a time: `2026-11-23T02:07:00Z`.
pub fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Store {
        Store::new(7, Arc::new(|| DateTime::from_timestamp(1_800_000_000, 0).unwrap()))
    }

    fn deployment(name: &str) -> Value {
        json!({"metadata": {"name": name, "namespace": "x", "labels": {"app": name}}, "spec": {"replicas": 2}})
    }

    fn me() -> Writer<'static> {
        Writer::update("test")
    }

    #[test]
    fn a_write_gets_version_generation_and_manager_and_an_empty_one_does_nothing() {
        let store = store();
        let created = store.create(Resource::Deployments, me(), deployment("a")).unwrap();
        assert_eq!(created["apiVersion"], "apps/v1");
        assert_eq!(created["metadata"]["generation"], 1);
        let scaled = store.modify(Resource::Deployments, "x", "a", me(), |d| d["spec"]["replicas"] = json!(5)).unwrap();
        assert_eq!(scaled["metadata"]["generation"], 2);
        assert_eq!(scaled["metadata"]["managedFields"][0]["manager"], "test");
        let same = store.modify(Resource::Deployments, "x", "a", me(), |d| d["spec"]["replicas"] = json!(5)).unwrap();
        assert_eq!(same["metadata"]["resourceVersion"], scaled["metadata"]["resourceVersion"]);
        let labelled = store.modify(Resource::Deployments, "x", "a", Writer::status("kubelet"), |d| d["status"] = json!({"replicas": 5})).unwrap();
        assert_eq!(labelled["metadata"]["generation"], 2);
    }

    #[test]
    fn a_stale_update_is_a_conflict_in_the_servers_words() {
        let store = store();
        let first = store.create(Resource::Deployments, me(), deployment("a")).unwrap();
        store.modify(Resource::Deployments, "x", "a", me(), |d| d["spec"]["replicas"] = json!(5)).unwrap();
        let mut stale = (*first).clone();
        stale["spec"]["replicas"] = json!(9);
        let refused = store.update(Resource::Deployments, me(), stale).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "Operation cannot be fulfilled on deployments.apps \"a\": the object has been modified; please apply your changes to the latest version \
             and try again"
        );
    }

    #[test]
    fn who_applies_has_what_it_applies_and_no_default() {
        let store = store();
        let mut with_default = deployment("a");
        let applied = json!({"metadata": {"name": "a", "namespace": "x", "labels": {"app": "a"}}, "spec": {"paused": true}});
        with_default["spec"]["paused"] = json!(true);
        let flux = Writer { operation: "Apply", applied: Some(&applied), ..Writer::update("flux") };
        let created = store.create(Resource::Deployments, flux, with_default).unwrap();
        let fields = |object: &Value, at: usize| object["metadata"]["managedFields"][at]["fieldsV1"].clone();
        assert_eq!(fields(&created, 0), json!({"f:metadata": {"f:labels": {".": {}, "f:app": {}}}, "f:spec": {"f:paused": {}}}));
        let other = Writer { manager: "other", ..flux };
        let both = store.modify(Resource::Deployments, "x", "a", other, |_| {}).unwrap();
        assert_eq!(fields(&both, 0), fields(&both, 1));
        let again = store.modify(Resource::Deployments, "x", "a", other, |_| {}).unwrap();
        assert_eq!(again["metadata"]["resourceVersion"], both["metadata"]["resourceVersion"]);
    }

    #[test]
    fn watchers_resume_and_are_told_when_they_are_too_late() {
        let store = store();
        let start = store.resource_version();
        store.create(Resource::ConfigMaps, me(), json!({"metadata": {"name": "c", "namespace": "x"}})).unwrap();
        let (changes, _) = store.changes_since(Resource::ConfigMaps, start).unwrap();
        assert_eq!(changes.len(), 1);
        for round in 0..=CHANGES_KEPT {
            store.modify(Resource::ConfigMaps, "x", "c", me(), |c| c["data"] = json!({"n": round.to_string()})).unwrap();
        }
        assert!(store.changes_since(Resource::ConfigMaps, start).is_err());
        assert!(store.changes_since(Resource::Pods, start).is_ok());
    }

    #[test]
    fn a_scheduled_pod_terminates_gracefully_and_its_owner_takes_it_along() {
        let store = store();
        let owner = store.create(Resource::ReplicaSets, me(), deployment("rs")).unwrap();
        let pod = json!({
            "metadata": {"generateName": "rs-", "namespace": "x", "ownerReferences": [{"uid": text(&owner, "uid"), "controller": true}]},
            "spec": {"nodeName": "node-1"}, "status": {"phase": "Running"},
        });
        let pod = store.create(Resource::Pods, me(), pod).unwrap();
        assert_eq!(store.dependents(text(&owner, "uid")).len(), 1);
        store.delete(Resource::ReplicaSets, "x", "rs", &Deletion::default()).unwrap();
        let terminating = store.get(Resource::Pods, "x", text(&pod, "name")).unwrap();
        assert_eq!(terminating["metadata"]["deletionTimestamp"], "2027-01-15T08:00:30Z");
        store.delete(Resource::Pods, "x", text(&pod, "name"), &Deletion::immediate()).unwrap();
        assert_eq!(store.count(Resource::Pods), 0);
    }

    #[test]
    fn pages_join_to_the_whole_list() {
        let store = store();
        for name in ["a", "b", "c", "d", "e"] {
            store.create(Resource::Deployments, me(), deployment(name)).unwrap();
        }
        let mut query = Query { limit: 2, ..Query::namespace("x") };
        let mut names = Vec::new();
        loop {
            let page = store.list(Resource::Deployments, &query);
            names.extend(page.items.iter().map(|item| text(item, "name").to_owned()));
            let Some((next, left)) = page.next else { break };
            assert_eq!(left, 5 - names.len());
            query.after = Some(next);
        }
        assert_eq!(names, ["a", "b", "c", "d", "e"]);
    }

    #[test]
    fn a_delete_with_another_uid_is_refused() {
        let store = store();
        store.create(Resource::Deployments, me(), deployment("a")).unwrap();
        let how = Deletion { uid: Some("other".to_owned()), ..Deletion::default() };
        assert!(matches!(store.delete(Resource::Deployments, "x", "a", &how), Err(StoreError::Precondition { .. })));
    }
}
