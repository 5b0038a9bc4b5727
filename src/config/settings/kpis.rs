//! The indicators, and which of them have tiles.

use std::time::Duration;

use crate::{
    config::{
        defaults,
        problem::suggest,
        value::{Read, Value},
    },
    domain::{
        kpi::{Direction, Kpi, Role, Unit},
        text::Text,
    },
};

use super::{Draft, Section, Setting, Stars};

/// Longest query that is kept whole as [`Text`].
const LONGEST_QUERY: usize = crate::domain::text::LINE_LIMIT;

const UNITS: &[(&str, Unit)] =
    &[("ratio", Unit::Ratio), ("seconds", Unit::Seconds), ("count", Unit::Count), ("per_second", Unit::PerSecond), ("bytes", Unit::Bytes)];

const ROLES: &[(&str, Role)] = &[
    ("errors", Role::Errors),
    ("latency", Role::Latency),
    ("traffic", Role::Traffic),
    ("saturation", Role::Saturation),
    ("queue", Role::Queue),
    ("other", Role::Other),
];

const DIRECTIONS: &[(&str, Direction)] = &[("higher", Direction::HigherIsWorse), ("lower", Direction::LowerIsWorse)];

pub static KPIS: Section = Section {
    name: "kpis.*",
    about: "An indicator: a PromQL query with what its number means. A new name adds one.",
    project_may_set: true,
    stars: Stars::Any(|config| config.kpis.iter().map(|kpi| kpi.id.to_string()).collect()),
    settings: &[
        Setting {
            name: "title",
            about: "As on the tile.",
            example: "",
            get: |config, star| kpi(&config.kpis, star).map(|kpi| Value::text(&*kpi.title)),
            set: |draft, star, value| {
                kpi_draft(draft, star)?.title = Text::line(&value.read_line()?);
                Ok(())
            },
        },
        Setting {
            name: "query",
            about: "PromQL for its value now: one number.",
            example: "",
            get: |config, star| kpi(&config.kpis, star).map(|kpi| Value::text(&*kpi.query)),
            set: |draft, star, value| {
                kpi_draft(draft, star)?.query = read_query(value)?;
                Ok(())
            },
        },
        Setting {
            name: "trend_query",
            about: "PromQL for its change per second, where that means something.",
            example: "'deriv(queue_length[5m])'",
            get: |config, star| kpi(&config.kpis, star)?.trend_query.as_deref().map(Value::text),
            set: |draft, star, value| {
                kpi_draft(draft, star)?.trend_query = Some(read_query(value)?);
                Ok(())
            },
        },
        Setting {
            name: "unit",
            about: "ratio (written in percent), seconds, count, per_second or bytes.",
            example: "",
            get: |config, star| kpi(&config.kpis, star).map(|kpi| Value::text(name_of(UNITS, kpi.unit))),
            set: |draft, star, value| {
                kpi_draft(draft, star)?.unit = read_name(UNITS, value)?;
                Ok(())
            },
        },
        Setting {
            name: "role",
            about: "What it measures: errors, latency, traffic, saturation, queue or other. Suggestions go by it: a cure is judged by critical \
                    errors first, and more replicas are suggested only for latency and queue.",
            example: "",
            get: |config, star| kpi(&config.kpis, star).map(|kpi| Value::text(name_of(ROLES, kpi.role))),
            set: |draft, star, value| {
                kpi_draft(draft, star)?.role = read_name(ROLES, value)?;
                Ok(())
            },
        },
        Setting {
            name: "deployment",
            about: "The deployment whose work it measures, for latency and queue. Without it the logs and the alerts tell which one is meant.",
            example: "\"sync-service\"",
            get: |config, star| kpi(&config.kpis, star)?.deployment.as_deref().map(Value::text),
            set: |draft, star, value| {
                kpi_draft(draft, star)?.deployment = Some(read_deployment(value)?);
                Ok(())
            },
        },
        Setting {
            name: "worse",
            about: "Which side of a threshold is bad: higher or lower.",
            example: "",
            get: |config, star| kpi(&config.kpis, star).map(|kpi| Value::text(name_of(DIRECTIONS, kpi.direction))),
            set: |draft, star, value| {
                kpi_draft(draft, star)?.direction = read_name(DIRECTIONS, value)?;
                Ok(())
            },
        },
        Setting {
            name: "warning",
            about: "Amber beyond this value.",
            example: "0.01",
            get: |config, star| kpi(&config.kpis, star)?.warning.map(number),
            set: |draft, star, value| {
                kpi_draft(draft, star)?.warning = Some(value.read_number()?);
                Ok(())
            },
        },
        Setting {
            name: "critical",
            about: "Red beyond this value.",
            example: "0.05",
            get: |config, star| kpi(&config.kpis, star)?.critical.map(number),
            set: |draft, star, value| {
                kpi_draft(draft, star)?.critical = Some(value.read_number()?);
                Ok(())
            },
        },
        Setting {
            name: "freshness_limit",
            about: "A sample older than this is stale even while Prometheus answers.",
            example: "",
            get: |config, star| kpi(&config.kpis, star).map(|kpi| Value::duration(kpi.freshness_limit)),
            set: |draft, star, value| {
                kpi_draft(draft, star)?.freshness_limit = value.read_duration(Duration::from_secs(10)..=Duration::from_hours(24))?;
                Ok(())
            },
        },
    ],
};

pub static PANES: Section = Section {
    name: "panes",
    about: "What the panes show.",
    project_may_set: true,
    stars: Stars::None,
    settings: &[Setting {
        name: "tiles",
        about: "Which indicators are asked for and shown, in this order; the first three have tiles at 80 columns.",
        example: "",
        get: |config, _| Some(Value::list(config.kpis.iter().map(|kpi| &*kpi.id))),
        set: |draft, _, value| {
            draft.tiles = Some(value.read_list()?);
            Ok(())
        },
    }],
};

fn kpi<'a>(kpis: &'a [Kpi], id: &str) -> Option<&'a Kpi> {
    kpis.iter().find(|kpi| kpi.id == id)
}

/// The indicator of this name; a new one, without a query, where there is none.
fn kpi_draft<'a>(draft: &'a mut Draft, id: &str) -> Read<&'a mut Kpi> {
    let is_id = (1..=40).contains(&id.len()) && id.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | '-'));
    if !is_id {
        return Err("has a name that is no indicator's: write letters, digits, _ and -, at most 40".to_owned());
    }
    let kpis = &mut draft.config.kpis;
    let index = kpis.iter().position(|kpi| kpi.id == id).unwrap_or_else(|| {
        kpis.push(Kpi {
            id: id.into(),
            title: id.into(),
            query: Text::default(),
            trend_query: None,
            unit: Unit::Count,
            role: Role::Other,
            deployment: None,
            direction: Direction::HigherIsWorse,
            warning: None,
            critical: None,
            freshness_limit: defaults::FRESHNESS_LIMIT,
        });
        kpis.len() - 1
    });
    Ok(&mut kpis[index])
}

/// A name that Kubernetes would take, so that one that is written wrongly is not looked for in vain.
fn read_deployment(value: &Value) -> Read<Text> {
    let name = value.read_line()?;
    let is_part = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || matches!(character, '-' | '.');
    let is_name = (1..=253).contains(&name.len()) && name.chars().all(is_part) && !name.starts_with(['-', '.']) && !name.ends_with(['-', '.']);
    if is_name { Ok(Text::line(&name)) } else { Err(format!("is {value}: write the name of a deployment, like sync-service")) }
}

fn read_query(value: &Value) -> Read<Text> {
    let query = value.read_line()?;
    if query.chars().count() > LONGEST_QUERY {
        return Err(format!("is longer than {LONGEST_QUERY} characters: make it a recording rule and write the rule's name"));
    }
    if query.chars().any(crate::domain::text::is_hostile) {
        return Err("holds an invisible or a control character: remove it".to_owned());
    }
    Ok(Text::line(&query))
}

fn number(number: f64) -> Value {
    Value::Number(number)
}

fn name_of<T: PartialEq + Copy>(names: &[(&'static str, T)], wanted: T) -> &'static str {
    names.iter().find(|(_, value)| *value == wanted).map_or("", |(name, _)| name)
}

fn read_name<T: Copy>(names: &[(&'static str, T)], value: &Value) -> Read<T> {
    let typed = value.read_text()?;
    let found = names.iter().find(|(name, _)| *name == typed).map(|(_, value)| *value);
    found.ok_or_else(|| format!("is {value}: {}", suggest(typed, names.iter().map(|(name, _)| *name))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn every_indicator_of_the_program_has_a_role() {
        let roles: Vec<_> = Config::default().kpis.iter().map(|kpi| name_of(ROLES, kpi.role)).collect();
        assert_eq!(roles, ["errors", "latency", "queue", "latency", "queue", "saturation"]);
    }

    #[test]
    fn a_role_and_a_deployment_are_checked() {
        let why = read_name(ROLES, &Value::text("erors")).unwrap_err();
        assert!(why.contains("errors"), "{why}");
        assert_eq!(read_deployment(&Value::text("sync-service")).unwrap(), "sync-service");
        for wrong in ["", "Sync", "a/b", "-a", "sync service"] {
            assert!(read_deployment(&Value::text(wrong)).is_err(), "{wrong:?}");
        }
    }
}
