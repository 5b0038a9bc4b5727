//! Rules between settings: what is right in each line, and wrong together.

use std::collections::BTreeMap;

use crate::domain::kpi::{Direction, Kpi};

use super::{
    problem::{Place, Problem, suggest},
    settings::Draft,
    shape::Config,
    value::Read,
};

/// Points of a history that Prometheus and a screen can bear: a step finer than this is useless.
const MOST_POINTS: u128 = 1_000;

/// The place of a setting, or of the first of its section that was set.
pub fn place_of(origins: &BTreeMap<String, Place>, name: &str) -> Place {
    let below = format!("{name}.");
    let of_section = || origins.iter().find(|(setting, _)| setting.starts_with(&below)).map(|(_, place)| place);
    origins.get(name).or_else(of_section).cloned().unwrap_or(Place::Default)
}

/// Puts the configuration together and says what does not fit.
pub fn finish(draft: Draft, place: &dyn Fn(&str) -> Place, problems: &mut Vec<Problem>, warnings: &mut Vec<Problem>) -> Config {
    let Draft { mut config, servers, tiles } = draft;
    let mut complain = |name: &str, why: String| problems.push(Problem::new(place(name), format!("{name} {why}")));

    for (name, server) in servers {
        let slot = match name {
            "prometheus" => &mut config.servers.prometheus,
            "alertmanager" => &mut config.servers.alertmanager,
            _ => &mut config.servers.elasticsearch,
        };
        match server.finish() {
            Ok(server) => *slot = server,
            Err(why) => complain(&format!("servers.{name}"), why),
        }
    }
    for kpi in &config.kpis {
        if let Err(why) = check_kpi(kpi) {
            complain(&format!("kpis.{}", kpi.id), why);
        }
    }
    if let Some(tiles) = tiles {
        match choose(&config.kpis, &tiles) {
            Ok(kpis) => config.kpis = kpis,
            Err(why) => complain("panes.tiles", why),
        }
    }
    let refresh = &config.refresh;
    let points = refresh.history.as_millis() / refresh.history_step.as_millis().max(1);
    if points < 2 {
        complain("refresh.history_step", "is more than half of refresh.history: make it shorter".to_owned());
    } else if points > MOST_POINTS {
        complain("refresh.history_step", format!("makes {points} points of refresh.history: make it longer, {MOST_POINTS} is the most"));
    }
    if config.mitigations.breaker.on == config.mitigations.breaker.off {
        complain("mitigations.breaker", "has the same value for on and off: write two values".to_owned());
    }

    for entry in &config.mitigations.commands {
        if let Err(why) = entry.check(&config.mitigations.commands) {
            complain(&format!("commands.{}", entry.name), why);
        }
    }

    warn_of_queries(&config, place, warnings);
    config
}

fn check_kpi(kpi: &Kpi) -> Read<()> {
    if kpi.query.is_empty() {
        return Err("has no query: write query = '…'".to_owned());
    }
    let (Some(warning), Some(critical)) = (kpi.warning, kpi.critical) else { return Ok(()) };
    let (fits, side) = match kpi.direction {
        Direction::HigherIsWorse => (warning <= critical, "above"),
        Direction::LowerIsWorse => (warning >= critical, "below"),
    };
    if fits { Ok(()) } else { Err(format!("has its warning ({warning}) {side} its critical ({critical}): swap them, or change worse")) }
}

fn choose(kpis: &[Kpi], tiles: &[String]) -> Read<Vec<Kpi>> {
    if tiles.is_empty() {
        return Err("names no indicator: write at least one, or leave the line out".to_owned());
    }
    let mut chosen: Vec<Kpi> = Vec::with_capacity(tiles.len());
    for id in tiles {
        let Some(kpi) = kpis.iter().find(|kpi| kpi.id == id.as_str()) else {
            let known: Vec<&str> = kpis.iter().map(|kpi| &*kpi.id).collect();
            return Err(format!("names {id}, which is no indicator: {}", suggest(id, known)));
        };
        if chosen.iter().any(|before| before.id == kpi.id) {
            return Err(format!("names {id} twice: remove one"));
        }
        chosen.push(kpi.clone());
    }
    Ok(chosen)
}

/// A query that our parser does not know may still be right for a newer Prometheus: said, not refused.
fn warn_of_queries(config: &Config, place: &dyn Fn(&str) -> Place, warnings: &mut Vec<Problem>) {
    for kpi in &config.kpis {
        for (key, query) in [("query", Some(&kpi.query)), ("trend_query", kpi.trend_query.as_ref())] {
            let Some(Err(why)) = query.map(|query| promql_parser::parser::parse(query)) else { continue };
            let name = format!("kpis.{}.{key}", kpi.id);
            let why = why.lines().next().unwrap_or_default().to_owned();
            warnings.push(Problem::new(place(&name), format!("{name} may not be PromQL: {why}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::command::{CommandEffect, CommandEntry};

    fn problems_of(change: impl FnOnce(&mut Config)) -> (Vec<Problem>, Vec<Problem>) {
        let mut draft = Draft::default();
        change(&mut draft.config);
        let (mut problems, mut warnings) = (Vec::new(), Vec::new());
        finish(draft, &|_| Place::Default, &mut problems, &mut warnings);
        (problems, warnings)
    }

    #[test]
    fn the_defaults_fit_together() {
        assert_eq!(problems_of(|_| {}), (Vec::new(), Vec::new()));
    }

    #[test]
    fn thresholds_stand_on_the_right_sides() {
        let (problems, _) = problems_of(|config| config.kpis[0].warning = Some(0.5));
        assert!(problems[0].message.contains("kpis.error_rate has its warning (0.5) above its critical (0.05)"), "{problems:?}");
        let (problems, _) = problems_of(|config| {
            config.kpis[0].warning = Some(0.5);
            config.kpis[0].direction = Direction::LowerIsWorse;
        });
        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn a_breaker_has_two_values_and_a_history_some_points() {
        let (problems, _) = problems_of(|config| config.mitigations.breaker.on = "false".to_owned());
        assert!(problems[0].message.contains("same value"), "{problems:?}");
        let (problems, _) = problems_of(|config| config.refresh.history_step = config.refresh.history);
        assert!(problems[0].message.contains("more than half"), "{problems:?}");
    }

    #[test]
    fn a_command_by_a_shell_is_refused_with_the_reason() {
        let shell = |config: &mut Config| {
            config.mitigations.commands.push(CommandEntry {
                selector: "app=db".to_owned(),
                argv: ["sh", "-c", "date"].map(str::to_owned).to_vec(),
                effect: Some(CommandEffect::Reads),
                ..CommandEntry::new("now")
            });
        };
        let (problems, _) = problems_of(shell);
        assert!(problems[0].message.starts_with("commands.now runs text in a shell (sh -c)"), "{problems:?}");
    }

    #[test]
    fn a_query_that_cannot_be_read_is_a_warning() {
        let (problems, warnings) = problems_of(|config| config.kpis[0].query = "sum(rate(".into());
        assert!(problems.is_empty());
        assert!(warnings[0].message.starts_with("kpis.error_rate.query may not be PromQL"), "{warnings:?}");
    }
}
