//! One object from what is known already: its facts, what it is made of, its events.

use ratatui::{layout::Rect, style::Style};

use super::{config_maps, jobs, sets};
use crate::{
    domain::{
        health::SourceId,
        object::{Key, Kind},
        pod::End,
        standing,
        text::Text,
        units,
        workload::Event,
    },
    state::{State, rows},
    ui::{
        canvas::{Canvas, wrap},
        clock,
        cockpit::pods::status_ink,
        glyph,
        layout::below,
        theme::Theme,
        widgets::{freshness, rule},
    },
};

/// A label and what stands beside it; without a label, a heading or a continuation.
pub(super) type Line = (String, String, Style);

pub fn render(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let Some(key) = state.workloads.detail.as_ref().filter(|_| area.height > 0) else { return };
    let theme = canvas.theme;
    let kind = state.workloads.kind;
    let standing = freshness::of(state, &[super::source(kind)]);
    rule::render(canvas, area, &key.name, &[(kind.singular(), theme.label)], Some(&standing), true);
    let lines = lines(canvas, state, kind, key);
    let inner = below(Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area }, 1);
    let keys = "d describe  y YAML  l logs  Esc back";
    let rows = inner.height.saturating_sub(1);
    let width = 13.min(inner.width / 3);
    let mut line = 0;
    'all: for (label, text, style) in &lines {
        for (part, piece) in wrap(text, inner.width - width).into_iter().enumerate() {
            if line >= rows {
                break 'all;
            }
            let mut pen = canvas.pen(inner, line);
            pen.cell(width, if part == 0 { label } else { "" }, theme.label).write(&piece, standing.fact(theme, *style));
            line += 1;
        }
    }
    canvas.pen(inner, rows).write(keys, theme.label);
}

fn lines(canvas: &Canvas<'_>, state: &State, kind: Kind, key: &Key) -> Vec<Line> {
    let theme = canvas.theme;
    let found = match kind {
        Kind::Deployment => deployment(theme, state, key),
        Kind::StatefulSet => sets::stateful_detail(theme, state, key),
        Kind::DaemonSet => sets::daemon_detail(theme, state, key),
        Kind::Job => jobs::job_detail(theme, state, key),
        Kind::CronJob => jobs::cron_detail(theme, state, key),
        Kind::ConfigMap => config_maps::detail(theme, state, key),
        Kind::Node => node(theme, state, key),
        Kind::Service => service(theme, state, key),
        Kind::HorizontalPodAutoscaler => autoscaler(theme, state, key),
        _ => pod(canvas, state, key),
    };
    let Some((mut lines, uid)) = found else {
        return vec![(String::new(), format!("{} {} is gone from the cluster.", kind.singular(), key.name), theme.warning)];
    };
    let mut also = vec![("events", SourceId::Events)];
    also.extend((kind == Kind::Deployment).then_some(("history", SourceId::ReplicaSets)));
    // What is missing here would be read as: there is none.
    for (label, source) in also {
        let standing = freshness::of(state, &[source]);
        if !standing.is_live() {
            lines.push((label.to_owned(), format!("{} not whole or not current: {}", glyph::WARNING, standing.sentence), theme.warning));
        }
    }
    lines.extend(events(theme, state, &uid));
    lines
}

pub(super) type Found = Option<(Vec<Line>, Text)>;

pub(super) fn fact(theme: &Theme, label: &str, text: impl Into<String>) -> Line {
    (label.to_owned(), text.into(), theme.plain)
}

/// A line for each container's image.
pub(super) fn image_facts(theme: &Theme, images: &[(Text, Text)]) -> impl Iterator<Item = Line> {
    images.iter().map(|(name, image)| fact(theme, "image", format!("{name} {image}")))
}

pub(super) fn pairs(theme: &Theme, label: &str, pairs: &[(Text, Text)]) -> Option<Line> {
    let text = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then(|| fact(theme, label, text))
}

fn pod(canvas: &Canvas<'_>, state: &State, key: &Key) -> Found {
    let theme = canvas.theme;
    let pod = state.cluster.pods.get(key)?;
    let mut lines = vec![
        ("status".to_owned(), pod.status_cell(state.server_now()), status_ink(canvas.theme, state, pod)),
        fact(
            theme,
            "ready",
            format!("{}/{} {}", pod.ready_containers, pod.total_containers(), units::plural(u64::from(pod.total_containers()), "container")),
        ),
        fact(theme, "created", created(state, pod.created)),
        fact(theme, "restarts", pod.restarts.to_string()),
    ];
    lines.extend(pod.last_restart.map(|at| fact(theme, "last restart", created(state, at))));
    lines.extend(
        pod.deleting_since.map(|at| ("deleting".to_owned(), format!("{} since {}", glyph::WARNING, clock::moment(state, at)), theme.warning)),
    );
    lines.push(match &pod.node {
        Some(node) if pod.is_node_lost => {
            let words = format!("{} {node} does not answer, or is gone: what runs there cannot be seen or confirmed to have ended", glyph::WARNING);
            ("node".to_owned(), words, theme.critical)
        }
        node => fact(theme, "node", node.as_deref().unwrap_or("none yet")),
    });
    lines.push(fact(theme, "address", pod.ip.as_deref().unwrap_or("none yet")));
    match &pod.owner {
        Some(owner) => lines.push(fact(theme, "owner", format!("{}/{}", owner.kind, owner.name))),
        None => lines.push(("owner".to_owned(), format!("{} none: nothing replaces this pod when it is deleted", glyph::WARNING), theme.warning)),
    }
    for container in &pod.containers {
        let (sign, style) = if container.is_ready { ("", theme.plain) } else { ("! ", theme.warning) };
        lines.push((
            "container".to_owned(),
            format!("{sign}{}: {}, {}", container.name, container.state, units::counted(u64::from(container.restarts), "restart")),
            style,
        ));
        lines.push(fact(theme, "", container.image.to_string()));
        lines.extend(container.last_end.as_ref().map(|end| last_end(theme, state, end)));
    }
    lines.extend(pairs(theme, "labels", &pod.labels));
    Some((lines, pod.uid.clone()))
}

/// How the run before ended, and when; marked while that is not long ago.
fn last_end(theme: &Theme, state: &State, end: &End) -> Line {
    let when = end.at.map_or_else(String::new, |at| format!(", {}", created(state, at)));
    let text = format!("ended before: {}, exit code {}{when}", end.reason, end.code);
    if end.at.is_some_and(|at| state.server_now() >= at + standing::LATELY) {
        fact(theme, "", text)
    } else {
        (String::new(), format!("{} {text}", glyph::WARNING), theme.warning)
    }
}

fn deployment(theme: &Theme, state: &State, key: &Key) -> Found {
    let deployment = state.cluster.deployments.get(key)?;
    let is_short = deployment.ready < deployment.replicas;
    let ready = format!("{}/{}{}", deployment.ready, deployment.replicas, if is_short { " !" } else { "" });
    let mut lines = vec![
        ("ready".to_owned(), ready, if is_short { theme.warning } else { theme.plain }),
        fact(theme, "up to date", format!("{}, available {}", deployment.updated, deployment.available)),
        fact(theme, "revision", deployment.revision.to_string()),
        fact(theme, "created", created(state, deployment.created)),
    ];
    if deployment.paused {
        lines.push(("rollout".to_owned(), format!("{} paused", glyph::WARNING), theme.warning));
    }
    if let Some(stuck) = &deployment.stuck {
        lines.push(("rollout".to_owned(), format!("{} stuck: {stuck}", glyph::CRITICAL), theme.critical));
    }
    lines.extend(image_facts(theme, &deployment.images));
    lines.extend(pairs(theme, "selector", &deployment.selector));
    let mut sets: Vec<_> =
        state.cluster.replica_sets.objects.values().filter(|set| set.owner.as_ref().is_some_and(|owner| owner.uid == deployment.uid)).collect();
    sets.sort_by_key(|set| std::cmp::Reverse(set.revision));
    for set in sets.iter().take(8) {
        let images = set.images.iter().map(|(_, image)| image.as_str()).collect::<Vec<_>>().join(", ");
        let by = set.changed_by.as_ref().map_or(String::new(), |by| format!(" by {by}"));
        let text = format!("{}: {} of {} ready, {}{by} {images}", set.revision, set.ready, set.replicas, clock::moment(state, set.created));
        lines.push(fact(theme, "history", text));
    }
    Some((lines, deployment.uid.clone()))
}

fn node(theme: &Theme, state: &State, key: &Key) -> Found {
    let node = state.cluster.nodes.get(key)?;
    let mut lines = Vec::new();
    match &node.not_ready {
        Some((reason, since)) if !node.ready => {
            let since = since.map_or(String::new(), |at| format!(" since {}", clock::moment(state, at)));
            lines.push(("status".to_owned(), format!("{} NotReady{since}: {reason}", glyph::CRITICAL), theme.critical));
        }
        _ => lines.push(fact(theme, "status", if node.ready { "Ready" } else { "NotReady" })),
    }
    if node.cordoned {
        lines.push(("scheduling".to_owned(), format!("{} cordoned", glyph::WARNING), theme.warning));
    }
    lines.extend(node.pressures.iter().map(|pressure| ("pressure".to_owned(), format!("{} {pressure}", glyph::WARNING), theme.warning)));
    lines.push(fact(theme, "roles", node.roles.to_string()));
    lines.push(fact(theme, "cpu", node.cpu.to_string()));
    lines.push(fact(theme, "memory", rows::memory(&node.memory)));
    lines.push(fact(theme, "version", node.version.to_string()));
    lines.push(fact(theme, "created", created(state, node.created)));
    Some((lines, node.uid.clone()))
}

fn service(theme: &Theme, state: &State, key: &Key) -> Found {
    let service = state.cluster.services.get(key)?;
    let mut lines = vec![
        fact(theme, "type", service.kind.to_string()),
        fact(theme, "address", service.cluster_ip.to_string()),
        fact(theme, "ports", service.ports.iter().map(Text::as_str).collect::<Vec<_>>().join(", ")),
    ];
    lines.extend(pairs(theme, "selector", &service.selector));
    lines.push(match service.endpoints {
        None => fact(theme, "endpoints", "not read"),
        Some((0, _)) if !service.selector.is_empty() => ("endpoints".to_owned(), format!("{} none ready", glyph::CRITICAL), theme.critical),
        Some((ready, unready)) => fact(theme, "endpoints", format!("{ready} ready, {unready} not ready")),
    });
    lines.push(fact(theme, "created", created(state, service.created)));
    Some((lines, service.uid.clone()))
}

fn autoscaler(theme: &Theme, state: &State, key: &Key) -> Found {
    let autoscaler = state.cluster.autoscalers.get(key)?;
    let mut lines = vec![
        fact(theme, "target", format!("{}/{}", autoscaler.target_kind, autoscaler.target_name)),
        fact(theme, "replicas", format!("{} now, {} wanted, {}..{} allowed", autoscaler.current, autoscaler.desired, autoscaler.min, autoscaler.max)),
    ];
    lines.extend(autoscaler.metrics.iter().map(|metric| fact(theme, "metric", metric.to_string())));
    lines.extend(autoscaler.trouble.iter().map(|trouble| ("trouble".to_owned(), format!("{} {trouble}", glyph::WARNING), theme.warning)));
    lines.push(fact(theme, "created", created(state, autoscaler.created)));
    Some((lines, autoscaler.uid.clone()))
}

pub(super) fn created(state: &State, at: chrono::DateTime<chrono::Utc>) -> String {
    clock::since(state, at).map_or_else(|| "time unknown".to_owned(), |age| format!("{} ago, {}", units::age(age), at.format("%Y-%m-%d %H:%M:%SZ")))
}

/// Newest first.
fn events(theme: &Theme, state: &State, uid: &Text) -> Vec<Line> {
    let mut events: Vec<&Event> = state.cluster.events.objects.values().filter(|event| event.about.2 == *uid).collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.last_seen));
    let line = |event: &&Event| {
        let times = if event.count > 1 { format!(" {}{}", glyph::TIMES, event.count) } else { String::new() };
        let at = event.last_seen.map_or_else(|| "?".to_owned(), |at| clock::moment(state, at));
        let (sign, style) = if event.is_warning { ("! ", theme.warning) } else { ("", theme.plain) };
        (format!("event {at}"), format!("{sign}{}{times}: {}", event.reason, event.message), style)
    };
    events.iter().take(20).map(line).collect()
}
