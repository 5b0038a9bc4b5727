//! States for the tests of the view, built by hand.

use std::time::Duration;

use chrono::{DateTime, TimeZone, Utc};

use crate::{
    config::{Config, shape::Environment},
    domain::{
        alert::{Alert, AlertList, AlertStatus, Severity},
        ask::{Request, RequestKind, Wish},
        asks::{RestartUnhealthy, SetConfigKey, UndoRollout, Unhealthy},
        catalogue::Level,
        change::{Change, ChangeKind},
        escalation::{Ladder, Matrix},
        health::{Cause, Health, SourceId},
        kpi::{History, KpiReading, Unit},
        log_pattern::{ErrorWindow, Pattern},
        mitigation::{
            Basis, CardId, Check, CheckKind, CheckResult, ClusterIdentity, ContentType, Converge, DiffLine, DiffSign, Effect, Friction, MitigationId,
            ObjectWrite, Plan, Write, WriteMethod,
        },
        object::{Key, Kind, ObjectRef, Scope, Subject},
        observation::{Delta, Identity},
        pod::{Container, End, Owner, Phase, Pod},
        suggestion::Suggestion,
        suspect::Confidence,
        text::Text,
        time::{Mono, Now, Speed},
        verdict::{Comparison, Course, Judgement, Verdict},
        workload::{Autoscaler, Deployment, Event, Node, ReplicaSet, Service},
    },
    state::{
        State,
        card::{Card, CardContent, CardFocus, Mitigation, Stage},
        rows,
        session::Session,
        timeline::{Entry, EntryKind},
    },
};

pub const NAMESPACE: &str = "digital-identity";

/// The night of the incident: 02:14 and 20 seconds, eight minutes after the start of the program.
pub fn now() -> Now {
    Now { mono: Mono(Duration::from_mins(8)), utc: at(2, 14) + chrono::Duration::seconds(20) }
}

pub fn at(hour: u32, minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 23, hour, minute, 0).unwrap()
}

fn ago(seconds: u64) -> Mono {
    now().mono.minus(Duration::from_secs(seconds))
}

/// Nothing was answered yet.
pub fn loading(size: (u16, u16)) -> State {
    let config = Config::default();
    let session = Session {
        context: "prod-uk-1".into(),
        cluster: "prod-uk-1".into(),
        scope: Scope::One(NAMESPACE.into()),
        environment: Environment { is_production: true, banner: "PRODUCTION".into(), word: "prod".into() },
        identity: None,
        read_only: false,
        insecure: false,
        is_demo: false,
        speed: Speed::OF_LIFE,
        journal_broken: None,
        kubectl: crate::domain::shell::KubectlFlags::of_context("prod-uk-1"),
        unclear: None,
        clock_offset: chrono::Duration::zero(),
    };
    let mut state = State::new(config, session, now(), size);
    for source in state.sources.values_mut() {
        source.health = Health::Connecting { what: "connecting".into(), since: ago(3) };
    }
    if let Some(pods) = state.sources.get_mut(&SourceId::Pods) {
        pods.health = Health::Listing { so_far: 3_500, since: ago(3) };
    }
    state
}

fn answer(state: &mut State, seconds_ago: u64) {
    for source in state.sources.values_mut() {
        source.health = Health::Live { since: Mono::ZERO };
        source.confirmed = Some(ago(seconds_ago));
    }
    state.session.identity = Some(Identity { cluster: cluster(), version: "v1.36.3".into() });
}

fn cluster() -> ClusterIdentity {
    ClusterIdentity { context: "prod-uk-1".into(), cluster: "prod-uk-1".into(), uid: "7f2c".into(), user: "oncall@gov".into() }
}

/// `restarts` of a ready pod mean that it was killed for memory.
fn add_pod(state: &mut State, name: &str, status: &str, restarts: u32, created: DateTime<Utc>, node: &str) {
    let ready = status == "Running";
    let killed = ready && restarts > 0;
    let app = name.rsplitn(3, '-').last().unwrap_or(name);
    let pod = Pod {
        key: Key::new(NAMESPACE, name),
        uid: name.into(),
        created,
        deleting_since: None,
        delete_asked: None,
        status: status.into(),
        phase: Phase::Running,
        is_ready: ready,
        unready_since: None,
        ready_containers: u16::from(ready),
        containers: Box::new([Container {
            name: app.into(),
            image: format!("digital-identity/{app}:2.4.0").into(),
            is_ready: ready,
            restarts,
            state: status.into(),
            last_end: killed.then(|| End { reason: "OOMKilled".into(), code: 137, at: Some(at(2, 12)) }),
        }]),
        restarts,
        last_restart: (restarts > 0).then(|| at(2, 12)),
        started: Some(created),
        patience: 0,
        is_node_lost: false,
        node: Some(node.into()),
        ip: Some("10.4.3.17".into()),
        owner: Some(Owner { kind: "ReplicaSet".into(), name: app.into(), uid: "rs".into() }),
        labels: Box::new([("app".into(), app.into())]),
    };
    let key = pod.key.clone();
    state.cluster.pods.apply(Delta::Applied(pod), |_, _| {});
    state.cluster.recount(&key, None, now().utc);
}

fn list_pods(state: &mut State, bad: bool) {
    for (app, count) in [("api-gateway", 8), ("core-engine", 8), ("fraud-analytics", 7), ("gov-connector", 8), ("sync-service", 8)] {
        for index in 0..count {
            let name = format!("{app}-66d4c9f7b-{}", ["mm2zt", "k8s4w", "p9qrl", "zz7vd", "c4tnx", "hj6m2", "w8b5s", "d3fkg"][index]);
            add_pod(state, &name, "Running", 0, at(0, 3) - chrono::Duration::days(9), &format!("node-{}", index + 1));
        }
    }
    if bad {
        add_pod(state, "api-gateway-7c9f6d5b8-x2xqk", "CrashLoopBackOff", 7, at(2, 2), "node-3");
        add_pod(state, "api-gateway-7c9f6d5b8-p9d4r", "CrashLoopBackOff", 6, at(2, 2), "node-7");
        add_pod(state, "core-engine-66d4c9f7b-oom1k", "Running", 2, at(0, 3) - chrono::Duration::hours(1), "node-1");
    }
    state.cluster.pods.apply(Delta::Listed, |_, _| {});
    rows::rebuild(&state.cluster, &mut state.workloads);
}

fn curve(rest: f64, peak: f64, rises_at: usize) -> History {
    let wobble = [0.0, 0.3, 0.1, 0.4, 0.2];
    let value = |index: usize| {
        let calm = rest * (1.0 + wobble[index % 5]);
        let risen = (index.saturating_sub(rises_at) as f64 / 14.0).min(1.0);
        Some(calm + (peak - calm) * risen)
    };
    History { start: at(1, 44) + chrono::Duration::seconds(30), step: Duration::from_secs(30), values: (0..60).map(value).collect() }
}

fn read_kpis(state: &mut State, bad: bool) {
    let rows: [(f64, f64, Option<f64>); 6] =
        [(0.004, 0.118, None), (0.31, 2.84, None), (120.0, 4210.0, Some(38.0)), (0.21, 0.24, None), (118.0, 131.0, None), (0.41, 0.43, None)];
    for (kpi, (rest, peak, trend)) in state.kpis.iter_mut().zip(rows) {
        let mut history = if bad { curve(rest, peak, 42) } else { curve(rest, rest, 60) };
        // The trend is that of the last minute: 45 s before the value, and the steps to it.
        for (index, seconds) in [(58, 45.0), (57, 75.0)] {
            history.values[index] = trend.filter(|_| bad).map(|trend| peak - trend * seconds).or(history.values[index]);
        }
        kpi.observed_at = Some(ago(2));
        kpi.reading = Some(KpiReading {
            id: kpi.spec.id.clone(),
            value: history.values.last().copied().flatten(),
            trend: if bad { trend } else { trend.map(|_| 0.0) },
            at: Some(at(2, 14) + chrono::Duration::seconds(15)),
            history: Some(history),
            problem: None,
        });
    }
}

fn window(bad: bool) -> ErrorWindow {
    let pattern = |service: &str, shape: &str, recent, is_new| Pattern {
        service: service.into(),
        shape: shape.into(),
        recent,
        read: recent,
        first_seen: at(2, 7),
        last_seen: at(2, 14),
        is_dated: true,
        is_new,
        is_surging: false,
        quiet_minutes: None,
        example: shape.into(),
    };
    let patterns = vec![
        pattern("core-engine", "pool timed out after <n> ms waiting for connection", 211, true),
        pattern("api-gateway", "upstream core-engine: 503 (circuit open: false)", 64, false),
        pattern("gov-connector", "HMRC answered 504 after <n> ms", 31, false),
        pattern("sync-service", "redis: connection reset by peer, retry <n>", 6, false),
    ];
    ErrorWindow {
        recent: if bad { 312 } else { 0 },
        total: if bad { 340 } else { 0 },
        total_is_lower_bound: false,
        per_minute: (0..60).map(|minute| if bad && minute > 50 { minute * 3 } else { 1 }).collect(),
        newest: Vec::new(),
        patterns: if bad { patterns } else { Vec::new() },
        sampled: None,
        shards: if bad { (3, 5) } else { (5, 5) },
        timed_out: false,
        clusters: (0, 0),
        unknown: None,
    }
}

/// All is well.
pub fn healthy(size: (u16, u16)) -> State {
    let mut state = loading(size);
    answer(&mut state, 2);
    list_pods(&mut state, false);
    list_workloads(&mut state);
    read_kpis(&mut state, false);
    state.alerts = Some(AlertList { alerts: Vec::new(), apart: Vec::new(), said_by: "Alertmanager".into() });
    state.errors = Some(window(false));
    state
}

/// A bad rollout at 02:05, errors from 02:07 on.
pub fn bad_deploy(size: (u16, u16)) -> State {
    let mut state = loading(size);
    answer(&mut state, 2);
    list_pods(&mut state, true);
    list_workloads(&mut state);
    read_kpis(&mut state, true);
    fire(&mut state);
    state.errors = Some(window(true));
    change(&mut state);
    suggest(&mut state);
    state.renew_episode();
    state
}

fn fire(state: &mut State) {
    let alert = |name: &str, severity, minute| Alert {
        fingerprint: name.into(),
        name: name.into(),
        severity,
        status: AlertStatus::Firing,
        starts_at: at(2, minute),
        is_start_known: true,
        true_since: None,
        labels: Box::new([]),
        summary: "Error rate is above 5% for more than 2 minutes".into(),
        description: "".into(),
        annotations: Box::default(),
        value: None,
        silenced: None,
    };
    let alerts = vec![
        alert("HighErrorRate", Severity::Critical, 9),
        alert("SlowResponseTime", Severity::Warning, 13),
        alert("SyncEventBacklog", Severity::Warning, 13),
    ];
    for alert in &alerts {
        let rung = Matrix::default().rung(alert.severity).unwrap().clone();
        let age = (now().utc - alert.starts_at).to_std().unwrap();
        let mut ladder = Ladder::start(rung, age, now().mono);
        ladder.advance(now().mono);
        state.ladders.insert(alert.fingerprint.clone(), ladder);
    }
    state.alerts = Some(AlertList { alerts, apart: Vec::new(), said_by: "Alertmanager".into() });
}

fn change(state: &mut State) {
    let object = |kind, name: &str| ObjectRef { kind, key: Key::new(NAMESPACE, name), uid: name.into() };
    let image = |tag: &str| Text::line(&format!("digital-identity/api-gateway:{tag}"));
    state.cluster.changes = vec![
        Change {
            at: Some(at(2, 5)),
            object: object(Kind::Deployment, "api-gateway"),
            what: ChangeKind::Rollout {
                from: 41,
                to: 42,
                images: vec![("api-gateway".into(), image("2.3.1"), image("2.4.0"))],
                brings_back: None,
                images_of: None,
            },
            by: Some("ci-deployer".into()),
        },
        Change {
            at: Some(at(1, 20)),
            object: object(Kind::ConfigMap, "api-config"),
            what: ChangeKind::ConfigChanged { keys: Vec::new() },
            by: Some("kubectl-edit".into()),
        },
    ];
    let entry = |minute, what, text: &str| Entry { at: at(2, minute), what, text: text.into() };
    state.timeline.entries = vec![
        entry(5, EntryKind::Change, "api-gateway rev 41 → 42 (image 2.3.1 → 2.4.0) by ci-deployer"),
        entry(9, EntryKind::Fires(Severity::Critical), "HighErrorRate fires (critical)"),
        entry(13, EntryKind::Fires(Severity::Warning), "SlowResponseTime fires (warning)"),
    ];
}

fn suggest(state: &mut State) {
    let deployment = Key::new(NAMESPACE, "api-gateway");
    let suggestion = |key, title: &str, evidence: &str, weight, kind| Suggestion {
        key,
        title: title.into(),
        confidence: Confidence::Likely,
        evidence: evidence.into(),
        weight,
        aim: None,
        request: Request { kind, reason: "".into() },
        kubectl: "kubectl --help".into(),
    };
    state.advice.suggestions = vec![
        suggestion(
            'u',
            "undo rollout api-gateway to rev 41",
            "2 pods crash, rolled out 2 min before the trouble",
            90,
            RequestKind::of(UndoRollout::deployment(deployment.clone(), Some(41))),
        ),
        suggestion(
            'r',
            "restart 2 unhealthy api-gateway pods",
            "crashed 13 times since 02:02",
            50,
            RequestKind::of(RestartUnhealthy { app: "api-gateway".into(), pods: Unhealthy::Listed(Vec::new()), at_once: None, is_lost: false }),
        ),
        suggestion(
            'b',
            "circuit breaker on (api-config)",
            "errors are critical and the breaker is off",
            30,
            RequestKind::of(SetConfigKey::set(Key::new(NAMESPACE, "api-config"), "circuit_breaker_enabled", "true")),
        ),
    ];
}

fn list_workloads(state: &mut State) {
    let created = at(0, 3) - chrono::Duration::days(40);
    let uid = |name: &str| Text::line(&format!("uid-{name}"));
    for (name, replicas, ready) in [("api-gateway", 10, 8), ("core-engine", 9, 9), ("sync-service", 8, 8)] {
        let key = Key::new(NAMESPACE, name);
        let images: Box<[(Text, Text)]> = Box::new([(name.into(), format!("digital-identity/{name}:2.4.0").into())]);
        state.cluster.deployments.apply(
            Delta::Applied(Deployment {
                key,
                uid: uid(name),
                created,
                replicas,
                ready,
                updated: replicas,
                available: ready,
                paused: false,
                revision: 42,
                images: images.clone(),
                config_maps: Box::default(),
                selector: Box::new([("app".into(), name.into())]),
                generation: 42,
                observed_generation: 42,
                template_written: None,
                replicas_written: None,
                refused: None,
                stuck: (ready < replicas).then(|| "ReplicaSet \"api-gateway-7c9f6d5b8\" has timed out progressing.".into()),
            }),
            |_, _| {},
        );
        state.cluster.replica_sets.apply(
            Delta::Applied(ReplicaSet {
                key: Key::new(NAMESPACE, &format!("{name}-7c9f6d5b8")),
                uid: uid("rs"),
                created: at(2, 5),
                owner: Some(Owner { kind: "Deployment".into(), name: name.into(), uid: uid(name) }),
                revision: 42,
                history: Box::default(),
                revised_at: None,
                replicas,
                ready,
                images,
                change_cause: None,
                changed_by: Some("ci-deployer".into()),
            }),
            |_, _| {},
        );
        state.cluster.services.apply(
            Delta::Applied(Service {
                key: Key::new(NAMESPACE, name),
                uid: uid(name),
                created,
                kind: "ClusterIP".into(),
                cluster_ip: "10.96.14.201".into(),
                ports: Box::new(["http:8081/TCP".into()]),
                selector: Box::new([("app".into(), name.into())]),
                endpoints: Some((ready, replicas - ready)),
            }),
            |_, _| {},
        );
    }
    for index in 1..=12 {
        let name = format!("node-{index}");
        state.cluster.nodes.apply(
            Delta::Applied(Node {
                key: Key::new("", &name),
                uid: uid(&name),
                created,
                ready: index != 4,
                is_silent: index == 4,
                not_ready: (index == 4).then(|| ("NodeStatusUnknown: kubelet stopped posting node status".into(), Some(at(2, 1)))),
                cordoned: index == 5,
                pressures: if index == 6 { Box::new(["MemoryPressure".into()]) } else { Box::new([]) },
                version: "v1.36.3".into(),
                roles: "worker".into(),
                cpu: "4".into(),
                memory: "64Gi".into(),
            }),
            |_, _| {},
        );
    }
    state.cluster.autoscalers.apply(
        Delta::Applied(Autoscaler {
            key: Key::new(NAMESPACE, "api-gateway-hpa"),
            uid: uid("hpa"),
            created,
            target_kind: "Deployment".into(),
            target_name: "api-gateway".into(),
            min: 3,
            max: 20,
            current: 20,
            desired: 20,
            metrics: Box::new(["cpu 96%/70%".into(), "memory 61%/80%".into()]),
            trouble: None,
            bounds_written: None,
        }),
        |_, _| {},
    );
    state.cluster.events.apply(
        Delta::Applied(Event {
            key: Key::new(NAMESPACE, "event-1"),
            uid: uid("event"),
            is_warning: true,
            reason: "BackOff".into(),
            message: "Back-off restarting failed container api-gateway in pod api-gateway-7c9f6d5b8-x2xqk".into(),
            count: 34,
            first_seen: Some(at(2, 3)),
            last_seen: Some(at(2, 14)),
            about: ("Pod".into(), "api-gateway-7c9f6d5b8-x2xqk".into(), "api-gateway-7c9f6d5b8-x2xqk".into()),
        }),
        |_, _| {},
    );
    let cluster = &mut state.cluster;
    cluster.deployments.apply(Delta::Listed, |_, _| {});
    cluster.services.apply(Delta::Listed, |_, _| {});
    cluster.nodes.apply(Delta::Listed, |_, _| {});
    cluster.autoscalers.apply(Delta::Listed, |_, _| {});
}

/// Every source in another trouble; what was known before is still there.
pub fn troubled(size: (u16, u16)) -> State {
    let mut state = bad_deploy(size);
    let mut set = |source, health, confirmed: Option<u64>| {
        let known = state.sources.get_mut(&source).unwrap();
        known.health = health;
        known.confirmed = confirmed.map(ago);
    };
    let failed = |why: &str, since| Health::Failed { why: why.into(), cause: Cause::Server, since: ago(since), retry_at: ago(0) };
    set(SourceId::Pods, failed("connection refused (10.0.0.1:6443)", 150), Some(152));
    set(SourceId::Metrics, failed("503 Service Unavailable", 40), Some(41));
    set(SourceId::Alerts, failed("timed out after 10 s", 90), Some(92));
    set(SourceId::Errors, Health::Absent { remedy: "give --elasticsearch URL or set servers.elasticsearch".into(), since: Mono::ZERO }, None);
    set(SourceId::Deployments, Health::Forbidden { verb: "watch".into(), resource: "deployments.apps".into(), since: Mono::ZERO }, None);
    state.errors = None;
    state.cluster.changes.clear();
    state.session.journal_broken = Some("/var/lib/sev1/journal.jsonl: no space left on device".into());
    state
}

pub fn card(state: &State, friction: Friction) -> Card {
    let deployment = Key::new(NAMESPACE, "api-gateway");
    let kind = RequestKind::of(UndoRollout::deployment(deployment.clone(), Some(41)));
    let target = ObjectRef { kind: Kind::Deployment, key: deployment.clone(), uid: "uid-api-gateway".into() };
    let line = |sign, text: &str| DiffLine { sign, text: text.into() };
    let check = |what, result| Check { what, result };
    let focus = if friction == Friction::Key { CardFocus::Cancel } else { CardFocus::Word };
    let write = Write::Object(ObjectWrite {
        method: WriteMethod::Patch,
        path: target.path(),
        content: ContentType::JsonPatch,
        body: serde_json::Value::Null,
        target: target.clone(),
        effect: Effect::Fields(Vec::new()),
    });
    let plan = Plan {
        id: MitigationId(1),
        kind: "undo-rollout",
        title: "Undo rollout · api-gateway".into(),
        cluster: cluster(),
        targets: vec![Basis { object: target, version: "81234".into(), wanted: "w".into() }],
        what: vec!["deployment/api-gateway  revision 42 → 41 in digital-identity".into(), "image digital-identity/api-gateway:2.4.0 → 2.3.1".into()],
        diff: vec![line(DiffSign::Removed, "LOG_LEVEL=debug"), line(DiffSign::Added, "LOG_LEVEL=info")],
        kubectl: "kubectl rollout undo deploy/api-gateway --to-revision=41 -n digital-identity --context prod-uk-1".into(),
        undo: "U brings revision 42 back".into(),
        friction,
        reason: "bad deploy".into(),
        wish: Wish::new(UndoRollout::deployment(deployment.clone(), Some(41))),
        inverse: Some(Wish::new(UndoRollout::deployment(deployment.clone(), Some(42)))),
        level: Level::Disruptive,
        undoes: None,
        alternative: None,
        phases: vec![crate::domain::phase::Phase::in_order(1)],
        writes: vec![write],
        planned_at: now().mono,
        converge: Converge::Rollout { workload: Subject { kind: Kind::Deployment, key: deployment } },
    };
    Card {
        id: CardId(1),
        aim: None,
        request: Request { kind, reason: "bad deploy".into() },
        shown_at: Some(state.now.mono),
        content: CardContent::Planned(Box::new(plan)),
        checks: vec![
            check(CheckKind::Identity, CheckResult::Pass("same cluster as at start".into())),
            check(CheckKind::Permission, CheckResult::Pass("allowed for oncall@gov".into())),
            check(CheckKind::DryRun, CheckResult::Pass("server dry-run accepted".into())),
            check(CheckKind::Unchanged, CheckResult::Pass("unchanged 4s".into())),
            check(CheckKind::Journal, CheckResult::Pass("journal can be written".into())),
            check(CheckKind::Overwritten, CheckResult::Warn("HPA api-gateway-hpa keeps replicas 3..20".into())),
            check(CheckKind::NotCovered, CheckResult::Warn("ConfigMap api-config changed after rev 41: not undone by this".into())),
        ],
        typed: String::new(),
        hasty: Vec::new(),
        reason: "bad deploy".to_owned(),
        focus,
        complaint: None,
        scroll: 0,
    }
}

pub fn mitigation(stage: Stage, verdict: Option<Judgement>) -> Mitigation {
    let comparison = |after| Comparison {
        kpi: "error_rate".into(),
        title: "Error rate".into(),
        unit: Unit::Ratio,
        before: Some(0.118),
        after,
        course: Course::NoData,
        went_bad: false,
    };
    Mitigation {
        reason: "bad deploy".into(),
        done_at: Some(ago(129)),
        converges: true,
        stage,
        undoable: true,
        before: vec![comparison(None)],
        verdict: verdict.map(|judgement| Verdict {
            judgement,
            after: Duration::from_secs(121),
            comparisons: vec![comparison(Some(0.004))],
            getting_better: judgement == Judgement::Helped,
            is_stopped: false,
            together_with: Vec::new(),
            without_effect: None,
            after_unjudged: None,
        }),
        ..Mitigation::begun(MitigationId(1), "undo-rollout", "Undo rollout · api-gateway".into(), (ago(130), DateTime::UNIX_EPOCH))
    }
}
