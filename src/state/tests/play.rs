//! A cockpit that is played by hand: time, observations and keys go in, effects are collected.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{
    config::{Config, shape::Environment},
    domain::{
        alert::{Alert, AlertList, AlertStatus, Severity},
        ask::{Finished, RequestKind, Wish},
        asks::UndoRollout,
        catalogue::Level,
        escalation::Recalled,
        health::{Health, SourceId},
        kpi::{History, KpiReading},
        log_pattern::{Pattern, shape},
        mitigation::{
            ActionEvent, Basis, CardId, Check, CheckKind, CheckResult, ClusterIdentity, ContentType, Converge, Effect as WrittenEffect, Friction,
            MitigationId, ObjectWrite, Plan, Undoes, Write, WriteMethod,
        },
        object::{Key as Name, Kind, ObjectRef, Scope, Subject},
        observation::{Delta, Identity, Observation, What},
        pod::{Container, Owner, Phase, Pod},
        text::Text,
        time::{Mono, Now, Speed},
        workload::{Autoscaler, ConfigMap, Deployment, Node, ReplicaSet},
    },
    state::{
        State,
        card::Card,
        msg::{Effect, Heights, Key, KeyCode, Msg},
        overlay::Overlay,
        session::Session,
        update::update,
    },
};

pub struct Play {
    pub state: State,
    pub effects: Vec<Effect>,
    pub clock: Duration,
}

/// Server time at the start of every play.
pub fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

pub fn at(seconds: i64) -> DateTime<Utc> {
    start() + chrono::Duration::seconds(seconds)
}

pub fn name(name: &str) -> Name {
    Name::new("n", name)
}

pub fn cluster() -> ClusterIdentity {
    ClusterIdentity { context: "prod-uk-1".into(), cluster: "prod-uk-1".into(), uid: "uid-1".into(), user: "oncall@gov".into() }
}

impl Play {
    pub fn new() -> Self {
        Self::with(Config::default(), false)
    }

    pub fn with(config: Config, read_only: bool) -> Self {
        let session = Session {
            context: "prod-uk-1".into(),
            cluster: "prod-uk-1".into(),
            scope: Scope::One("n".into()),
            environment: Environment { is_production: true, banner: "PRODUCTION".into(), word: "prod".into() },
            identity: None,
            read_only,
            insecure: false,
            is_demo: false,
            speed: Speed::OF_LIFE,
            journal_broken: None,
            kubectl: crate::domain::shell::KubectlFlags::of_context("prod-uk-1"),
            unclear: None,
            clock_offset: chrono::Duration::zero(),
        };
        let now = Now { mono: Mono::ZERO, utc: start() };
        let mut play = Self { state: State::new(config, session, now, (80, 24)), effects: Vec::new(), clock: Duration::ZERO };
        let heights = Heights { pods: 3, errors: 3, suggestions: 3, alerts: 3, changes: 3, table: 10, overlay: 10, viewer: 10 };
        play.send(Msg::Layout(heights));
        play.observe(SourceId::Cluster, What::Identity(Identity { cluster: cluster(), version: "v1.36.3".into() }));
        play.send(Msg::Recalled(Vec::new()));
        play
    }

    /// Another run at the same time, which has not read the journal yet.
    pub fn started_again(&self) -> Self {
        let mut again = Self { state: Self::new().state, effects: Vec::new(), clock: self.clock };
        again.state.memory = crate::state::escalation::Memory::default();
        again.tick();
        again
    }

    /// What its journal says of ladders, and notes.
    pub fn journal(&self) -> Vec<Recalled> {
        let records = self.effects.iter().filter_map(|effect| match effect {
            Effect::Record { kind, fields } => Some((kind, fields)),
            _ => None,
        });
        let as_written = records.map(|(kind, fields)| {
            let mut record = fields.clone();
            record["kind"] = (*kind).into();
            record["actor"] = "oncall@gov".into();
            record
        });
        as_written.filter_map(|record| Recalled::read(&record)).collect()
    }

    pub fn send(&mut self, message: Msg) -> &mut Self {
        let effects = update(&mut self.state, message);
        self.effects.extend(effects);
        self
    }

    /// Lets time pass and tells it.
    pub fn wait(&mut self, seconds: u64) -> &mut Self {
        self.clock += Duration::from_secs(seconds);
        self.tick()
    }

    pub fn tick(&mut self) -> &mut Self {
        let now = Now { mono: Mono(self.clock), utc: start() + chrono::Duration::from_std(self.clock).unwrap() };
        self.send(Msg::Tick(now))
    }

    pub fn observe(&mut self, source: SourceId, what: What) -> &mut Self {
        let observed_at = Mono(self.clock);
        self.send(Msg::Observation(Observation { source, observed_at, server_time: None, what }))
    }

    pub fn press(&mut self, names: &str) -> &mut Self {
        for name in names.split_whitespace() {
            let key = Key::parse(name).unwrap_or_else(|| panic!("{name} is no key"));
            self.send(Msg::Key(key));
        }
        self
    }

    pub fn type_(&mut self, text: &str) -> &mut Self {
        for character in text.chars() {
            self.send(Msg::Key(Key::char(character)));
        }
        self
    }

    pub fn enter(&mut self) -> &mut Self {
        self.send(Msg::Key(Key::plain(KeyCode::Enter)))
    }

    pub fn pods(&mut self, pods: Vec<Pod>) -> &mut Self {
        let mut deltas = vec![Delta::ListStarted];
        deltas.extend(pods.into_iter().map(Delta::Applied));
        deltas.push(Delta::Listed);
        self.observe(SourceId::Pods, What::Pods(deltas))
    }

    pub fn error_rate(&mut self, value: f64) -> &mut Self {
        self.kpi("error_rate", value)
    }

    pub fn kpi(&mut self, id: &str, value: f64) -> &mut Self {
        let now = self.state.server_now();
        let step = Duration::from_secs(15);
        let history = History { start: now - chrono::Duration::seconds(30), step, values: vec![Some(value); 3] };
        let reading = KpiReading { id: id.into(), value: Some(value), trend: None, at: Some(now), history: Some(history), problem: None };
        self.observe(SourceId::Metrics, What::Kpis(vec![reading]))
    }

    pub fn alerts(&mut self, alerts: Vec<Alert>) -> &mut Self {
        self.observe(SourceId::Alerts, What::Alerts(AlertList { alerts, apart: Vec::new(), said_by: "Alertmanager".into() }))
    }

    pub fn live(&mut self, source: SourceId) -> &mut Self {
        let since = Mono(self.clock);
        self.observe(source, What::Health(Health::Live { since }))
    }

    /// The bad deploy: revision 42 of api-gateway two minutes before errors began, two pods in a crash loop.
    pub fn bad_deploy(&mut self) -> &mut Self {
        self.observe(SourceId::Deployments, What::Deployments(vec![Delta::Applied(deployment("api-gateway", 42, 3, 1)), Delta::Listed]));
        let sets = vec![
            Delta::Applied(replica_set("api-gateway-a", 41, -86_400, "gw:2.3.1")),
            Delta::Applied(replica_set("api-gateway-b", 42, -600, "gw:2.4.0")),
            Delta::Listed,
        ];
        self.observe(SourceId::ReplicaSets, What::ReplicaSets(sets));
        self.pods(vec![
            crash_looping("api-gateway-b-1", "api-gateway-b"),
            crash_looping("api-gateway-b-2", "api-gateway-b"),
            pod("core-engine-x-1", "core-engine-x"),
        ]);
        let breaker = ConfigMap {
            key: name("api-config"),
            uid: "cm".into(),
            resource_version: "1".into(),
            created: at(-9_000),
            keys: 1,
            size: 0,
            sizes: Box::default(),
            data: [("circuit_breaker_enabled".into(), "false".into())].into(),
            drift: Box::default(),
            changed_at: None,
            changed_by: None,
        };
        self.observe(SourceId::ConfigMaps, What::ConfigMaps(vec![Delta::Applied(breaker), Delta::Listed]));
        self.error_rate(0.118);
        self.alerts(vec![alert("HighErrorRate", Severity::Critical, -480)])
    }

    /// Everything that `update` asked for since the last call.
    pub fn take(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    pub fn card(&self) -> Option<&Card> {
        match self.state.overlays.last() {
            Some(Overlay::Card(card)) => Some(card),
            _ => None,
        }
    }

    /// The engine's answer to the last `Plan` effect, with every check passed, and the frame that shows it.
    pub fn planned(&mut self, friction: Friction) -> &mut Self {
        let card = self.answer(friction);
        self.shown(card)
    }

    /// The same with a plan that differs in something, drawn.
    pub fn answer_with(&mut self, friction: Friction, change: impl FnOnce(&mut Plan)) -> &mut Self {
        let card = self.answer_changed(friction, change);
        self.shown(card)
    }

    pub fn answer(&mut self, friction: Friction) -> CardId {
        self.answer_changed(friction, |_| {})
    }

    fn answer_changed(&mut self, friction: Friction, change: impl FnOnce(&mut Plan)) -> CardId {
        let asked = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Plan { card, id, request } => Some((*card, *id, request.clone())),
            _ => None,
        });
        let (card, id, request) = asked.expect("no plan was asked for");
        let undoes = match request.kind {
            RequestKind::Undo { of: Finished::Here(id) } => Some(Undoes { recorded: u64::from(id.0), here: Some(id) }),
            RequestKind::Undo { of: Finished::Recorded(recorded) } => Some(Undoes { recorded, here: None }),
            RequestKind::Do(_) => None,
        };
        let mut plan = Plan { undoes, ..plan(id, friction) };
        change(&mut plan);
        self.send(Msg::Action(ActionEvent::Planned { card, plan: Box::new(plan) }));
        self.passed(card);
        card
    }

    pub fn passed(&mut self, card: CardId) -> &mut Self {
        for what in [CheckKind::Identity, CheckKind::Permission, CheckKind::DryRun, CheckKind::Unchanged, CheckKind::Journal] {
            self.send(Msg::Action(ActionEvent::Checked { card, check: Check { what, result: CheckResult::Pass("fine".into()) } }));
        }
        self
    }

    pub fn shown(&mut self, card: CardId) -> &mut Self {
        let at = self.state.now;
        self.send(Msg::CardShown { card, at })
    }

    pub fn executed(&self) -> usize {
        self.effects.iter().filter(|effect| matches!(effect, Effect::Execute(_))).count()
    }

    pub fn records(&self, kind: &str) -> usize {
        self.effects.iter().filter(|effect| matches!(effect, Effect::Record { kind: is, .. } if *is == kind)).count()
    }
}

pub fn plan(id: MitigationId, friction: Friction) -> Plan {
    let target = ObjectRef { kind: Kind::Deployment, key: name("api-gateway"), uid: "d".into() };
    let write = ObjectWrite {
        method: WriteMethod::Patch,
        path: target.path(),
        content: ContentType::JsonPatch,
        body: serde_json::Value::Null,
        target: target.clone(),
        effect: WrittenEffect::Fields(Vec::new()),
    };
    Plan {
        id,
        kind: "undo-rollout",
        title: "Undo rollout · api-gateway".into(),
        cluster: cluster(),
        targets: vec![Basis { object: target, version: "7".into(), wanted: "w".into() }],
        what: Vec::new(),
        diff: Vec::new(),
        kubectl: Text::default(),
        undo: Text::default(),
        friction,
        reason: Text::default(),
        undoes: None,
        alternative: None,
        phases: vec![crate::domain::phase::Phase::in_order(1)],
        writes: vec![Write::Object(write)],
        planned_at: Mono::ZERO,
        wish: Wish::new(UndoRollout::deployment(name("api-gateway"), None)),
        inverse: None,
        level: Level::Disruptive,
        converge: Converge::Rollout { workload: Subject { kind: Kind::Deployment, key: name("api-gateway") } },
    }
}

pub fn pod(pod: &str, replica_set: &str) -> Pod {
    let app = replica_set.rsplit_once('-').map_or(replica_set, |(app, _)| app);
    Pod {
        key: name(pod),
        uid: pod.into(),
        created: at(-3_600),
        deleting_since: None,
        delete_asked: None,
        status: "Running".into(),
        phase: Phase::Running,
        is_ready: true,
        unready_since: None,
        ready_containers: 1,
        containers: [Container { name: "main".into(), image: "i".into(), is_ready: true, restarts: 0, state: "Running".into(), last_end: None }]
            .into(),
        restarts: 0,
        last_restart: None,
        started: Some(at(-3_600)),
        patience: 0,
        is_node_lost: false,
        node: Some("node-1".into()),
        ip: None,
        owner: Some(Owner { kind: "ReplicaSet".into(), name: replica_set.into(), uid: "rs".into() }),
        labels: [("app".into(), app.into())].into(),
    }
}

pub fn crash_looping(name: &str, replica_set: &str) -> Pod {
    Pod { status: "CrashLoopBackOff".into(), is_ready: false, ready_containers: 0, restarts: 7, ..pod(name, replica_set) }
}

pub fn deployment(deployment: &str, revision: u64, replicas: u32, ready: u32) -> Deployment {
    Deployment {
        key: name(deployment),
        uid: "d".into(),
        created: at(-864_000),
        replicas,
        ready,
        updated: replicas,
        available: ready,
        paused: false,
        revision,
        images: [("main".into(), "i".into())].into(),
        config_maps: Box::default(),
        selector: [("app".into(), deployment.into())].into(),
        generation: 1,
        observed_generation: 1,
        stuck: None,
        refused: None,
        template_written: None,
        replicas_written: None,
    }
}

pub fn node(node: &str, not_ready: Option<(Text, Option<DateTime<Utc>>)>) -> Node {
    Node {
        key: Name::new("", node),
        uid: node.into(),
        created: at(-864_000),
        ready: not_ready.is_none(),
        is_silent: not_ready.as_ref().is_some_and(|(reason, _)| reason.contains("Unknown")),
        not_ready,
        cordoned: false,
        pressures: Box::default(),
        version: "".into(),
        roles: "".into(),
        cpu: "".into(),
        memory: "".into(),
    }
}

pub fn replica_set(set: &str, revision: u64, created: i64, image: &str) -> ReplicaSet {
    let owner = set.rsplit_once('-').map_or(set, |(owner, _)| owner);
    ReplicaSet {
        key: name(set),
        uid: set.into(),
        created: at(created),
        owner: Some(Owner { kind: "Deployment".into(), name: owner.into(), uid: "d".into() }),
        revision,
        history: Box::default(),
        revised_at: None,
        replicas: 3,
        ready: 1,
        images: [("main".into(), image.into())].into(),
        change_cause: None,
        changed_by: Some("ci-deployer".into()),
    }
}

/// A new pattern of errors of which the whole message is known, said for ten minutes.
pub fn pattern(service: &str, message: &str, recent: u64) -> Pattern {
    Pattern {
        service: service.into(),
        shape: shape(message),
        recent,
        read: recent,
        first_seen: at(-600),
        last_seen: at(-5),
        is_dated: true,
        is_new: true,
        is_surging: false,
        quiet_minutes: None,
        example: message.into(),
    }
}

pub fn autoscaler(target: &str, min: u32, max: u32) -> Autoscaler {
    Autoscaler {
        key: name(&format!("{target}-hpa")),
        uid: "h".into(),
        created: at(-864_000),
        target_kind: "Deployment".into(),
        target_name: target.into(),
        min,
        max,
        current: min,
        desired: min,
        metrics: ["cpu 96%/70%".into()].into(),
        trouble: None,
        bounds_written: None,
    }
}

pub fn alert(alert: &str, severity: Severity, starts: i64) -> Alert {
    Alert {
        fingerprint: alert.into(),
        name: alert.into(),
        severity,
        status: AlertStatus::Firing,
        starts_at: at(starts),
        is_start_known: true,
        true_since: None,
        labels: [].into(),
        summary: Text::default(),
        description: Text::default(),
        annotations: Box::default(),
        value: None,
        silenced: None,
    }
}
