//! The lists of the cockpit, narrowed by what is typed after `/` in their pane.

use crate::domain::{
    ask::{RequestKind, Wish},
    change::Change,
    log_pattern::Pattern,
    object::Key,
};

use super::{
    State,
    rows::{Filter, Row},
    screens::cockpit::Pane,
};

impl State {
    /// What is typed after `/` in a pane; empty where nothing is, or where a pane cannot be narrowed.
    pub fn filter_of(&self, pane: Pane) -> &str {
        self.cockpit.filters.of(pane).map_or("", String::as_str)
    }

    /// The unhealthy pods that pass the filter, in the order of their names.
    pub fn shown_pods(&self) -> impl Iterator<Item = &Key> {
        let filter = Filter::parse(self.filter_of(Pane::Pods));
        let passes = move |key: &&Key| filter.is_empty() || self.cluster.pods.get(key).is_some_and(|pod| pod.passes(&filter));
        self.cluster.unhealthy.iter().filter(passes)
    }

    /// The patterns of errors that pass the filter, in their own order.
    pub fn shown_patterns(&self) -> impl Iterator<Item = &Pattern> {
        let filter = Filter::parse(self.filter_of(Pane::Errors));
        let passes = move |pattern: &&Pattern| filter.passes(&[&pattern.service, &pattern.shape, &pattern.example], &[]);
        self.errors.iter().flat_map(|window| &window.patterns).filter(passes)
    }

    /// The changes that pass the filter, newest first.
    pub fn shown_changes(&self) -> impl Iterator<Item = &Change> {
        let filter = Filter::parse(self.filter_of(Pane::Changes));
        let passes =
            move |change: &&Change| filter.is_empty() || filter.passes(&[&change.object.key.name, &change.what_happened(), &change.by_whom()], &[]);
        self.cluster.changes.iter().filter(passes)
    }

    /// Whether a suggestion would write to what this change changed.
    pub fn is_suspected(&self, change: &Change) -> bool {
        let writes_there = |wish: &Wish| wish.objects().iter().any(|object| object.kind == change.object.kind && object.key == change.object.key);
        self.advice.suggestions.iter().any(|suggestion| matches!(&suggestion.request.kind, RequestKind::Do(wish) if writes_there(wish)))
    }

    /// How many rows of a pane there are, and how many of them pass its filter. Without a filter nothing is walked: each frame asks.
    pub fn narrowed(&self, pane: Pane) -> (usize, usize) {
        let all = match pane {
            Pane::Pods => self.cluster.unhealthy.len(),
            Pane::Errors => self.errors.as_ref().map_or(0, |window| window.patterns.len()),
            Pane::Changes => self.cluster.changes.len(),
            Pane::Tiles | Pane::Escalation | Pane::Suggestions => 0,
        };
        let shown = match pane {
            _ if self.filter_of(pane).is_empty() => all,
            Pane::Pods => self.shown_pods().count(),
            Pane::Errors => self.shown_patterns().count(),
            Pane::Changes => self.shown_changes().count(),
            Pane::Tiles | Pane::Escalation | Pane::Suggestions => 0,
        };
        (all, shown)
    }

    /// Unhealthy pods that a filter keeps from a list of pods.
    pub fn unhealthy_not_shown(&self, filter: &str) -> usize {
        let filter = Filter::parse(filter);
        if filter.is_empty() {
            return 0;
        }
        let passes = |key: &&Key| self.cluster.pods.get(key).is_some_and(|pod| pod.passes(&filter));
        self.cluster.unhealthy.iter().filter(|key| !passes(key)).count()
    }

    /// The pod under the cursor is the one of its row.
    pub(super) fn take_pod_of_row(&mut self) {
        let pod = self.shown_pods().nth(self.cockpit.pods.row).cloned();
        self.cockpit.pod = pod;
    }

    /// `/` on the cockpit: in the focused pane, or among the pods where that has no list to be narrowed.
    pub(super) fn pane_to_filter(&mut self) -> Pane {
        if self.cockpit.filters.of(self.cockpit.focus).is_none() {
            self.cockpit.focus = Pane::Pods;
        }
        self.cockpit.focus
    }

    /// Another filter of a pane: the cursor is on the first row, where the best match is looked for.
    pub(super) fn filter_pane(&mut self, pane: Pane, filter: &str) {
        let Some(kept) = self.cockpit.filters.of_mut(pane) else { return };
        filter.clone_into(kept);
        self.cockpit.point(pane, 0);
        self.clamp_cockpit();
        if pane == Pane::Pods {
            self.take_pod_of_row();
        }
    }

    /// Takes the filter of the focused pane away, or of all others. Says whether there was one.
    pub(super) fn unfilter_cockpit(&mut self) -> bool {
        let focus = self.cockpit.focus;
        let filtered = |pane: &Pane| !self.filter_of(*pane).is_empty();
        let panes: Vec<Pane> =
            if filtered(&focus) { vec![focus] } else { [Pane::Pods, Pane::Errors, Pane::Changes].into_iter().filter(filtered).collect() };
        for pane in &panes {
            let pod = self.cockpit.pod.clone();
            self.filter_pane(*pane, "");
            // The pod that was looked for keeps the cursor.
            if *pane == Pane::Pods
                && let Some(row) = pod.and_then(|pod| self.cluster.unhealthy.iter().position(|key| *key == pod))
            {
                self.cockpit.pods.row = row;
                self.clamp_cockpit();
                self.take_pod_of_row();
            }
        }
        self.cockpit.focus = focus;
        !panes.is_empty()
    }
}
