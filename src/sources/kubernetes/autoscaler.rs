//! Horizontal pod autoscalers (autoscaling/v2), with their metrics as `kubectl get hpa` prints them.

use serde::Deserialize;

use super::{
    list_watch::Watched,
    managed::Writers,
    wire::{Condition, Few, Meta, Str, condition, count, text},
};
use crate::domain::{
    health::SourceId,
    observation::{Delta, What},
    quantity,
    text::Text,
    workload::Autoscaler,
};

pub(super) struct Autoscalers;

/// Metrics shown of one autoscaler.
const MOST_METRICS: usize = 16;

#[derive(Deserialize)]
pub(super) struct Wire<'a> {
    #[serde(borrow, default)]
    metadata: Metadata<'a>,
    #[serde(default)]
    spec: Spec<'a>,
    #[serde(default)]
    status: Status<'a>,
}

#[derive(Deserialize, Default)]
struct Metadata<'a> {
    #[serde(borrow, flatten)]
    meta: Meta<'a>,
    #[serde(flatten)]
    writers: Writers<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    min_replicas: Option<i64>,
    max_replicas: Option<i64>,
    #[serde(borrow)]
    scale_target_ref: Option<Target<'a>>,
    metrics: Option<Few<Metric<'a>>>,
}

#[derive(Deserialize)]
struct Target<'a> {
    #[serde(borrow)]
    kind: Option<Str<'a>>,
    name: Option<Str<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    current_replicas: Option<i64>,
    desired_replicas: Option<i64>,
    #[serde(borrow)]
    current_metrics: Option<Few<Metric<'a>>>,
    conditions: Option<Few<Condition<'a>>>,
}

/// `MetricSpec` and `MetricStatus` differ only in `target` and `current`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metric<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Str<'a>>,
    resource: Option<Source<'a>>,
    container_resource: Option<Source<'a>>,
    pods: Option<Source<'a>>,
    object: Option<Source<'a>>,
    external: Option<Source<'a>>,
}

#[derive(Deserialize)]
struct Source<'a> {
    #[serde(borrow)]
    name: Option<Str<'a>>,
    metric: Option<Named<'a>>,
    #[serde(alias = "current")]
    target: Option<Amount<'a>>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    name: Option<Str<'a>>,
}

#[derive(Deserialize)]
struct Amount<'a> {
    #[serde(borrow, rename = "value")]
    total: Option<Str<'a>>,
    #[serde(rename = "averageValue")]
    average: Option<Str<'a>>,
    #[serde(rename = "averageUtilization")]
    utilization: Option<i64>,
}

impl Watched for Autoscalers {
    const SOURCE: SourceId = SourceId::Autoscalers;
    type Wire<'a> = Wire<'a>;
    type Object = Autoscaler;

    fn object(&self, wire: Wire<'_>) -> Option<Autoscaler> {
        let Wire { metadata: Metadata { meta, writers }, spec, status } = wire;
        let target = spec.scale_target_ref.as_ref();
        let current = status.current_metrics.as_deref().unwrap_or_default();
        Some(Autoscaler {
            key: meta.key()?,
            uid: meta.uid(),
            created: meta.created(),
            target_kind: text(target.and_then(|target| target.kind.as_ref())),
            target_name: text(target.and_then(|target| target.name.as_ref())),
            // Absent means one.
            min: spec.min_replicas.map_or(1, |replicas| count(Some(replicas))),
            max: count(spec.max_replicas),
            current: count(status.current_replicas),
            desired: count(status.desired_replicas),
            metrics: spec.metrics.iter().flatten().take(MOST_METRICS).map(|metric| cell(metric, current)).collect(),
            trouble: trouble(&status, spec.metrics.as_deref().unwrap_or_default()),
            bounds_written: writers.of_bounds(),
        })
    }

    fn what(deltas: Vec<Delta<Autoscaler>>) -> What {
        What::Autoscalers(deltas)
    }
}

impl<'a> Metric<'a> {
    fn source(&self) -> Option<&Source<'a>> {
        [&self.resource, &self.container_resource, &self.pods, &self.object, &self.external].into_iter().find_map(Option::as_ref)
    }
}

impl Source<'_> {
    fn named(&self) -> Option<&Str<'_>> {
        self.name.as_ref().or_else(|| self.metric.as_ref()?.name.as_ref())
    }
}

/// `cpu: 96%/70%`; `<unknown>` for what nobody measured.
fn cell(metric: &Metric<'_>, current: &[Metric<'_>]) -> Text {
    let Some(source) = metric.source() else { return "<unknown type>".into() };
    let measured = measured(metric, current);
    let name = source.named().map_or("?", |name| &*name.0);
    let goal = source.target.as_ref();
    let unknown = || "<unknown>".to_owned();
    let owned = |text: Option<&Str<'_>>| text.map_or_else(unknown, |text| quantity::plain(&text.0));
    let (now, goal) = if let Some(percent) = goal.and_then(|goal| goal.utilization) {
        let now = measured.and_then(|measured| measured.utilization);
        (now.map_or_else(unknown, |now| format!("{now}%")), format!("{percent}%"))
    } else if let Some(average) = goal.and_then(|goal| goal.average.as_ref()) {
        let suffix = if metric.external.is_some() || metric.object.is_some() { " (avg)" } else { "" };
        (owned(measured.and_then(|measured| measured.average.as_ref())), format!("{}{suffix}", quantity::plain(&average.0)))
    } else {
        (owned(measured.and_then(|measured| measured.total.as_ref())), owned(goal.and_then(|goal| goal.total.as_ref())))
    };
    Text::line(&format!("{name}: {now}/{goal}"))
}

/// The metric of the status that belongs to one of the spec.
fn measured<'c, 'a>(metric: &Metric<'_>, current: &'c [Metric<'a>]) -> Option<&'c Amount<'a>> {
    let source = metric.source()?;
    let measured = current.iter().find(|other| other.kind == metric.kind && other.source().is_some_and(|other| other.named() == source.named()));
    measured?.source()?.target.as_ref()
}

/// A metric that cannot be read while others are: no condition tells of it, and it is not scaled down meanwhile
/// (`computeReplicasForMetrics` of the controller).
fn unread(status: &Status<'_>, metrics: &[Metric<'_>]) -> Option<Text> {
    let current = status.current_metrics.as_deref().unwrap_or_default();
    let is_read = |metric: &&Metric<'_>| measured(metric, current).is_some();
    let unread = metrics.iter().find(|metric| !is_read(metric)).filter(|_| metrics.iter().any(|metric| is_read(&metric)))?;
    let name = unread.source().and_then(Source::named).map_or("?", |name| &*name.0);
    Some(Text::line(&format!("the metric {name} cannot be read: it scales by the others, and not down meanwhile")))
}

/// What keeps it from doing its work: it cannot read metrics, cannot scale, or stands at its limit.
fn trouble(status: &Status<'_>, metrics: &[Metric<'_>]) -> Option<Text> {
    let blind =
        ["AbleToScale", "ScalingActive"].into_iter().find_map(|kind| condition(status.conditions.as_ref(), kind).filter(|found| found.is("False")));
    let limited = || {
        let found = condition(status.conditions.as_ref(), "ScalingLimited")?;
        let at_top = found.reason.as_ref().is_some_and(|reason| reason.is("TooManyReplicas"));
        (found.is("True") && at_top).then_some(found)
    };
    let says = |condition: &Condition<'_>| text(condition.message.as_ref().or(condition.reason.as_ref()));
    blind.map(says).or_else(|| unread(status, metrics)).or_else(|| limited().map(says))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_read_as_kubectl_prints_them() {
        let json = r#"{"metadata":{"name":"api","namespace":"n"},
          "spec":{"maxReplicas":20,"minReplicas":3,"scaleTargetRef":{"kind":"Deployment","name":"api"},"metrics":[
            {"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":70}}},
            {"type":"Resource","resource":{"name":"memory","target":{"type":"Utilization","averageUtilization":80}}},
            {"type":"External","external":{"metric":{"name":"queue"},"target":{"type":"AverageValue","averageValue":"30"}}}]},
          "status":{"currentReplicas":5,"desiredReplicas":7,"currentMetrics":[
            {"type":"Resource","resource":{"name":"cpu","current":{"averageUtilization":96,"averageValue":"240m"}}},{"type":""}],
            "conditions":[{"type":"ScalingActive","status":"False","reason":"FailedGetExternalMetric","message":"nobody serves it"}]}}"#;
        let hpa = Autoscalers.object(serde_json::from_str(json).unwrap()).unwrap();
        let cells: Vec<&str> = hpa.metrics.iter().map(|cell| &**cell).collect();
        assert_eq!(cells, ["cpu: 96%/70%", "memory: <unknown>/80%", "queue: <unknown>/30 (avg)"]);
        assert_eq!((hpa.min, hpa.max, hpa.current, hpa.desired), (3, 20, 5, 7));
        assert_eq!(&*hpa.trouble.unwrap(), "nobody serves it");
    }

    #[test]
    fn one_metric_of_several_that_fails_is_told_and_amounts_are_read_by_people() {
        let read = |queue: &str| {
            let json = format!(
                r#"{{"metadata":{{"name":"api","namespace":"n"}},
              "spec":{{"maxReplicas":20,"metrics":[
                {{"type":"Pods","pods":{{"metric":{{"name":"rps"}},"target":{{"type":"AverageValue","averageValue":"500"}}}}}},
                {{"type":"External","external":{{"metric":{{"name":"queue"}},"target":{{"type":"Value","value":"1500m"}}}}}}]}},
              "status":{{"currentMetrics":[
                {{"type":"Pods","pods":{{"metric":{{"name":"rps"}},"current":{{"averageValue":"580334m"}}}}}},{queue}],
                "conditions":[{{"type":"ScalingActive","status":"True"}}]}}}}"#
            );
            Autoscalers.object(serde_json::from_str(&json).unwrap()).unwrap()
        };
        let hpa = read(r#"{"type":""}"#);
        assert_eq!(hpa.metrics.iter().map(|cell| &**cell).collect::<Vec<_>>(), ["rps: 580.3/500", "queue: <unknown>/1.5"]);
        assert_eq!(&*hpa.trouble.unwrap(), "the metric queue cannot be read: it scales by the others, and not down meanwhile");
        assert_eq!(read(r#"{"type":"External","external":{"metric":{"name":"queue"},"current":{"value":"1"}}}"#).trouble, None);
    }
}
