//! Which mitigation the evidence speaks for. Ranked and shown, never run by itself.

use chrono::{DateTime, Utc};

use super::{
    ask::Request,
    asks::{RestartUnhealthy, Scale, SetConfigKey, UndoRollout, Unhealthy},
    object::{Key, ObjectRef},
    text::Text,
    units,
};

#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    /// The key that opens its card on the cockpit: `u`, `r`, `b`, `s`.
    pub key: char,
    /// `undo rollout api-gateway to rev 41`.
    pub title: Text,
    /// `rolled out 2 min before errors began`.
    pub evidence: Text,
    /// Higher is stronger.
    pub weight: u32,
    /// Id of the indicator it is meant to better, by which it is judged.
    pub aim: Option<Text>,
    pub request: Request,
}

/// A rollout at most this long before a trouble began is suspected of it.
pub const SUSPECT: chrono::Duration = chrono::Duration::minutes(30);

/// Clocks of two servers, and points of a history, may differ by this much without meaning an order.
const AT_THE_SAME_TIME: chrono::Duration = chrono::Duration::seconds(30);

/// What is known that speaks for or against a mitigation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evidence {
    /// When each trouble began: an error indicator crossed its threshold, an alert started to fire. In no order.
    pub troubles: Vec<DateTime<Utc>>,
    /// Id of an error indicator that is critical.
    pub critical_errors: Option<Text>,
    /// The newest rollout of each deployment.
    pub rollouts: Vec<Rollout>,
    /// Unhealthy pods by app.
    pub unhealthy: Vec<UnhealthyApp>,
    /// The circuit breaker, where its ConfigMap was seen.
    pub breaker: Option<Breaker>,
    /// Indicators of load that are critical, with the deployment that would take more of it.
    pub overloads: Vec<Overload>,
    pub restart_at_once: u8,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    pub deployment: Key,
    pub from: u64,
    pub to: u64,
    pub at: DateTime<Utc>,
    /// Unhealthy pods of the deployment.
    pub unhealthy: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnhealthyApp {
    pub app: Text,
    pub pods: Vec<ObjectRef>,
    /// How many of them wait in a crash loop.
    pub crash_looping: usize,
    pub out_of_memory: usize,
    /// The deployment they belong to.
    pub deployment: Option<Key>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    pub config_map: Key,
    pub name: Text,
    pub value_on: Text,
    pub is_on: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overload {
    /// `Sync backlog 4,210`.
    pub what: Text,
    /// Id of the indicator.
    pub indicator: Text,
    pub deployment: Key,
    pub replicas: u32,
    pub ready: u32,
    /// Most replicas that an autoscaler allows.
    pub max: Option<u32>,
}

/// Ranked, strongest first; bounded by what the evidence holds.
pub fn suggest(evidence: &Evidence) -> Vec<Suggestion> {
    let suspects: Vec<&Rollout> = evidence.rollouts.iter().filter(|rollout| evidence.suspects(rollout)).collect();
    let mut suggestions: Vec<Suggestion> = suspects.iter().map(|rollout| evidence.undo(rollout)).collect();
    suggestions.extend(evidence.unhealthy.iter().map(|app| {
        let is_fresh = suspects.iter().any(|rollout| app.deployment.as_ref() == Some(&rollout.deployment));
        restart(app, is_fresh, evidence)
    }));
    suggestions.extend(
        evidence.breaker.iter().filter(|breaker| !breaker.is_on).filter_map(|breaker| Some(breaker_on(breaker, evidence.critical_errors.clone()?))),
    );
    suggestions.extend(evidence.overloads.iter().filter_map(scale));
    suggestions.sort_by(|one, other| other.weight.cmp(&one.weight).then_with(|| one.title.cmp(&other.title)));
    suggestions
}

impl Evidence {
    fn suspects(&self, rollout: &Rollout) -> bool {
        let has_effect = rollout.unhealthy > 0 || self.critical_errors.is_some();
        rollout.from > 0 && has_effect && self.lead(rollout).is_some()
    }

    /// From the rollout to the trouble it may have caused: the first one after it. What was wrong before a rollout was not
    /// caused by it, so a negative lead speaks against it unless its own pods are unhealthy. None: no connection in time.
    fn lead(&self, rollout: &Rollout) -> Option<chrono::Duration> {
        let leads = || self.troubles.iter().map(|began| *began - rollout.at);
        let caused = leads().filter(|lead| (-AT_THE_SAME_TIME..=SUSPECT).contains(lead)).min();
        let inherited = || leads().filter(|lead| rollout.unhealthy > 0 && (-SUSPECT..-AT_THE_SAME_TIME).contains(lead)).max();
        caused.or_else(inherited)
    }

    fn undo(&self, rollout: &Rollout) -> Suggestion {
        let name = &rollout.deployment.name;
        let lead = self.lead(rollout).unwrap_or_default();
        let spoken = units::spoken(lead.abs().to_std().unwrap_or_default());
        let is_before = lead >= -AT_THE_SAME_TIME;
        let mut evidence = if lead.abs() < AT_THE_SAME_TIME {
            "rolled out as errors began".to_owned()
        } else if is_before {
            format!("rolled out {spoken} before errors began")
        } else {
            format!("rolled out {spoken} after errors began")
        };
        if rollout.unhealthy > 0 {
            evidence = format!("{evidence}, {} unhealthy", pods(rollout.unhealthy));
        }
        let weight = 60 + 20 * u32::from(rollout.unhealthy > 0) + 15 * u32::from(is_before);
        Suggestion {
            key: 'u',
            title: Text::line(&format!("undo rollout {name} to rev {}", rollout.from)),
            evidence: Text::line(&evidence),
            weight,
            aim: self.critical_errors.clone(),
            request: Request::of(UndoRollout::deployment(rollout.deployment.clone(), Some(rollout.from)))
                .because(Text::line(&format!("rev {} {evidence}", rollout.to))),
        }
    }
}

fn restart(app: &UnhealthyApp, is_fresh: bool, all: &Evidence) -> Suggestion {
    let mut evidence = Vec::new();
    if app.crash_looping > 0 {
        evidence.push(format!("{} in a crash loop", app.crash_looping));
    }
    if app.out_of_memory > 0 {
        evidence.push(format!("{} killed for memory", app.out_of_memory));
    }
    if is_fresh {
        evidence.push("a restart keeps the new revision".to_owned());
    } else if evidence.is_empty() {
        evidence.push("not ready".to_owned());
    }
    let evidence = evidence.join(", ");
    let many = u32::try_from(app.pods.len()).unwrap_or(u32::MAX).min(9);
    Suggestion {
        key: 'r',
        title: Text::line(&format!("restart {} unhealthy {} {}", app.pods.len(), app.app, if app.pods.len() == 1 { "pod" } else { "pods" })),
        evidence: Text::line(&evidence),
        weight: if is_fresh { 30 + many } else { 40 + many },
        aim: all.critical_errors.clone(),
        request: Request::of(RestartUnhealthy {
            app: app.app.clone(),
            pods: Unhealthy::Listed(app.pods.clone()),
            at_once: Some(all.restart_at_once),
        })
        .because(Text::line(&evidence)),
    }
}

fn breaker_on(breaker: &Breaker, aim: Text) -> Suggestion {
    Suggestion {
        key: 'b',
        title: Text::line(&format!("circuit breaker on ({})", breaker.config_map.name)),
        evidence: "error rate is critical and the breaker is off".into(),
        weight: 25,
        aim: Some(aim),
        request: Request::of(SetConfigKey::set(breaker.config_map.clone(), &breaker.name, &breaker.value_on))
            .because("error rate is critical".into()),
    }
}

/// None when not all pods are ready (more of them would not start either) or the autoscaler is at its end.
fn scale(overload: &Overload) -> Option<Suggestion> {
    if overload.replicas == 0 || overload.ready < overload.replicas {
        return None;
    }
    let replicas = more_replicas(overload.replicas, overload.max);
    if replicas <= overload.replicas {
        return None;
    }
    let name = &overload.deployment.name;
    Some(Suggestion {
        key: 's',
        title: Text::line(&format!("scale {name} {} → {replicas}", overload.replicas)),
        evidence: Text::line(&format!("{} is critical, all {} ready", overload.what, pods(overload.ready as usize))),
        weight: 50,
        aim: Some(overload.indicator.clone()),
        request: Request::of(Scale::deployment(overload.deployment.clone(), replicas)).because(Text::line(&format!("{} is critical", overload.what))),
    })
}

/// Half as many again, at least one, and no more than the autoscaler allows.
pub fn more_replicas(current: u32, max: Option<u32>) -> u32 {
    let wanted = current.saturating_add((current / 2).max(1));
    max.map_or(wanted, |max| wanted.min(max))
}

fn pods(count: usize) -> String {
    if count == 1 { "1 pod".to_owned() } else { format!("{count} pods") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + minutes * 60, 0).unwrap()
    }

    fn bad_deploy() -> Evidence {
        let deployment = Key::new("n", "api-gateway");
        Evidence {
            troubles: vec![at(7)],
            critical_errors: Some("error_rate".into()),
            rollouts: vec![Rollout { deployment: deployment.clone(), from: 41, to: 42, at: at(5), unhealthy: 2 }],
            unhealthy: vec![UnhealthyApp {
                app: "api-gateway".into(),
                pods: Vec::new(),
                crash_looping: 2,
                out_of_memory: 0,
                deployment: Some(deployment),
            }],
            breaker: Some(Breaker { config_map: Key::new("n", "api-config"), name: "k".into(), value_on: "true".into(), is_on: false }),
            overloads: Vec::new(),
            restart_at_once: 1,
        }
    }

    #[test]
    fn a_fresh_rollout_ranks_above_a_restart_and_the_breaker() {
        let suggestions = suggest(&bad_deploy());
        let keys: String = suggestions.iter().map(|suggestion| suggestion.key).collect();
        assert_eq!(keys, "urb");
        assert_eq!(suggestions[0].title, "undo rollout api-gateway to rev 41");
        assert_eq!(suggestions[0].evidence, "rolled out 2 min before errors began, 2 pods unhealthy");
    }

    #[test]
    fn an_old_rollout_is_not_suspected() {
        let mut evidence = bad_deploy();
        evidence.rollouts[0].at = at(7 - 31);
        assert!(suggest(&evidence).iter().all(|suggestion| suggestion.key != 'u'));
    }

    #[test]
    fn the_rollout_that_took_a_bad_one_back_is_not_suspected() {
        let mut evidence = bad_deploy();
        evidence.rollouts[0] = Rollout { from: 42, to: 43, at: at(14), unhealthy: 0, ..evidence.rollouts[0].clone() };
        assert!(suggest(&evidence).iter().all(|suggestion| suggestion.key != 'u'));
        evidence.rollouts[0].unhealthy = 1;
        let undo = suggest(&evidence).into_iter().find(|suggestion| suggestion.key == 'u').unwrap();
        assert_eq!(undo.evidence, "rolled out 7 min after errors began, 1 pod unhealthy");
    }

    #[test]
    fn an_old_unrelated_alert_hides_no_fresh_suspect() {
        let mut evidence = bad_deploy();
        evidence.troubles.insert(0, at(-600));
        assert_eq!(suggest(&evidence)[0].evidence, "rolled out 2 min before errors began, 2 pods unhealthy");
    }

    #[test]
    fn clocks_that_differ_by_seconds_make_no_order() {
        let mut evidence = bad_deploy();
        evidence.rollouts[0].at = at(7) + chrono::Duration::seconds(5);
        assert_eq!(suggest(&evidence)[0].evidence, "rolled out as errors began, 2 pods unhealthy");
    }

    #[test]
    fn nothing_is_suggested_on_a_calm_day() {
        let evidence = Evidence { troubles: Vec::new(), critical_errors: None, unhealthy: Vec::new(), ..bad_deploy() };
        assert_eq!(suggest(&evidence), []);
    }

    #[test]
    fn scaling_needs_ready_pods_and_room() {
        let overload = Overload {
            what: "Sync backlog 4,210".into(),
            indicator: "sync_backlog".into(),
            deployment: Key::new("n", "sync"),
            replicas: 4,
            ready: 4,
            max: Some(10),
        };
        let suggestion = scale(&overload).unwrap();
        assert_eq!((&*suggestion.title, suggestion.aim.as_deref()), ("scale sync 4 → 6", Some("sync_backlog")));
        assert_eq!(scale(&Overload { max: Some(4), ..overload.clone() }), None);
        assert_eq!(scale(&Overload { ready: 3, ..overload }), None);
    }

    #[test]
    fn the_breaker_is_not_suggested_when_it_is_on() {
        let mut evidence = bad_deploy();
        evidence.breaker.as_mut().unwrap().is_on = true;
        assert!(suggest(&evidence).iter().all(|suggestion| suggestion.key != 'b'));
    }
}
