//! Kubernetes objects through watches, and the heartbeat that says whether the watches can be believed.

mod authors;
mod autoscaler;
mod batch;
mod ceiling;
mod config_map;
mod deployment;
mod event;
mod heartbeat;
mod list_watch;
mod managed;
mod node;
mod pod;
mod replica_set;
mod service;
mod sets;
#[cfg(test)]
mod tests;
mod wire;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};

use self::{
    authors::Authors,
    ceiling::{Ceiling, OF_A_KIND},
    heartbeat::Heartbeat,
    list_watch::{ListWatch, Shared, Sink, Straight, Watched, within},
    service::{Join, Services, Slices},
};
use super::report::{Closed, Report};
use crate::{
    connect::Reader,
    domain::{
        health::SourceId,
        object::{Kind, Scope},
        observation::Delta,
        pod::Pod,
        workload::Deployment,
    },
};

/// How long replica sets wait for the deployments that know their authors.
const AUTHORS_WITHIN: Duration = Duration::from_secs(2);

/// Kinds that are watched once somebody asks for them.
pub(super) type Wanted = BTreeSet<Kind>;

/// Starts all watches of a cluster; those of jobs and cron jobs wait until they are wanted.
pub(super) fn start(
    tasks: &mut JoinSet<()>,
    reader: &Reader,
    scope: &Scope,
    wake: &Arc<Notify>,
    wanted: &watch::Receiver<Wanted>,
    report: &impl Fn(SourceId) -> Report,
) {
    let generation = watch::Sender::new(0);
    let shared = Shared { reader: reader.clone(), wake: wake.clone(), generation: generation.subscribe(), total: Arc::default() };
    let start = Start { shared: &shared, scope, report };
    let authors = Authors::new();

    let cluster = report(SourceId::Cluster);
    tasks.spawn(Heartbeat { shared: shared.clone(), scope: scope.clone(), report: cluster, generation }.run());
    tasks.spawn(start.straight(pod::Pods).run());
    tasks.spawn(start.straight(node::Nodes).run());
    tasks.spawn(start.straight(autoscaler::Autoscalers).run());
    tasks.spawn(start.straight(config_map::ConfigMaps).run());
    tasks.spawn(start.straight(event::Events).run());
    tasks.spawn(start.straight(sets::StatefulSets).run());
    tasks.spawn(start.straight(sets::DaemonSets).run());
    tasks.spawn(once_wanted(wanted.clone(), start.straight(batch::Jobs)));
    tasks.spawn(once_wanted(wanted.clone(), start.straight(batch::CronJobs)));

    let deployments = report(SourceId::Deployments);
    let sink = TellingAuthors { straight: Straight::new(deployments.clone()), authors: authors.clone() };
    tasks.spawn(start.list_watch(deployment::Deployments { authors: authors.clone() }, deployments, sink).run());

    let replica_sets = start.straight(replica_set::ReplicaSets { authors: authors.clone() });
    tasks.spawn(async move {
        within(AUTHORS_WITHIN, authors.known()).await;
        replica_sets.run().await;
    });

    let services = report(SourceId::Services);
    let join = Join::new(services.clone());
    tasks.spawn(start.list_watch(Services, services.clone(), join.clone()).run());
    let namespace = scope.namespace().map_or_else(String::new, |namespace| format!("/namespaces/{namespace}"));
    let slices = ListWatch {
        kind: Arc::new(Slices),
        path: format!("/apis/discovery.k8s.io/v1{namespace}/endpointslices"),
        shared: shared.clone(),
        // Services stand without their slices, with unknown counts: the slices' own troubles are not the services'.
        report: services.silent(),
        sink: join,
        ceiling: Ceiling::new(OF_A_KIND, shared.total.clone()),
        short: 0,
    };
    tasks.spawn(slices.run());
}

/// Watches a kind from when somebody first asks for it.
async fn once_wanted<K: Watched, S: Sink<K::Object>>(mut wanted: watch::Receiver<Wanted>, watch: ListWatch<K, S>) {
    if wanted.wait_for(|wanted| wanted.contains(&K::kind())).await.is_ok() {
        watch.run().await;
    }
}

/// The pods of one page of a list; none for anything else.
pub(super) fn pods_of_page(body: &[u8]) -> Option<Vec<Pod>> {
    list_watch::decode_page(&pod::Pods, body).ok().map(|page| {
        let pods = page.objects.into_iter().filter_map(|weighed| match weighed.delta {
            Delta::Applied(pod) => Some(pod),
            _ => None,
        });
        pods.collect()
    })
}

/// What every start needs.
struct Start<'a, F> {
    shared: &'a Shared,
    scope: &'a Scope,
    report: &'a F,
}

impl<F: Fn(SourceId) -> Report> Start<'_, F> {
    fn straight<K: Watched>(&self, kind: K) -> ListWatch<K, Straight<K>> {
        let report = (self.report)(K::SOURCE);
        self.list_watch(kind, report.clone(), Straight::new(report))
    }

    fn list_watch<K: Watched, S: Sink<K::Object>>(&self, kind: K, report: Report, sink: S) -> ListWatch<K, S> {
        let of: Kind = K::kind();
        ListWatch {
            kind: Arc::new(kind),
            path: of.collection_path(self.scope.namespace()),
            shared: self.shared.clone(),
            report,
            sink,
            ceiling: Ceiling::new(OF_A_KIND, self.shared.total.clone()).of_copies(K::COPIES),
            short: 0,
        }
    }
}

/// Lets the replica sets go once the deployments were listed.
struct TellingAuthors {
    straight: Straight<deployment::Deployments>,
    authors: Authors,
}

impl Sink<Deployment> for TellingAuthors {
    async fn deliver(&mut self, deltas: Vec<Delta<Deployment>>, server_time: Option<DateTime<Utc>>) -> Result<(), Closed> {
        let listed = deltas.iter().any(|delta| matches!(delta, Delta::Listed));
        self.straight.deliver(deltas, server_time).await?;
        if listed {
            self.authors.listed();
        }
        Ok(())
    }
}
