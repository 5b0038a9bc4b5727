//! Escalation, what counts as production, mitigations, and where and how often things are read.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use crate::{
    config::value::{Read, Value},
    domain::{
        alert::Severity,
        catalogue::Level,
        escalation::{Matrix, Rung},
        health::SourceId,
        text::Text,
    },
};

use super::{Draft, Section, Setting, Stars};

const SEVERITIES: &[&str] = &["critical", "warning", "info"];

pub static ESCALATION: Section = Section {
    name: "escalation",
    about: "Who is called when nobody acknowledges. sev1 counts and shows; it pages nobody.",
    project_may_set: false,
    stars: Stars::None,
    settings: &[Setting {
        name: "ack_expires_after",
        about: "How long an acknowledgement holds the ladder.",
        example: "",
        get: |config, _| Some(Value::duration(config.escalation.ack_expires_after)),
        set: |draft, _, value| {
            draft.config.escalation.ack_expires_after = value.read_duration(minutes(1)..=hours(24))?;
            Ok(())
        },
    }],
};

pub static ESCALATION_RUNGS: Section = Section {
    name: "escalation.*",
    about: "The ladder of alerts of one severity.",
    project_may_set: false,
    stars: Stars::Fixed(SEVERITIES),
    settings: &[
        Setting {
            name: "response",
            about: "Time to respond. Each next step is due one response time after the last.",
            example: "",
            get: |config, star| rung(&config.escalation, star).map(|rung| Value::duration(rung.response)),
            set: |draft, star, value| {
                rung_draft(draft, star)?.response = value.read_duration(Duration::from_secs(10)..=hours(24))?;
                Ok(())
            },
        },
        Setting {
            name: "path",
            about: "Who is called, in this order. Empty: logged only.",
            example: "",
            get: |config, star| rung(&config.escalation, star).map(|rung| Value::list(rung.path.iter().map(|person| &**person))),
            set: |draft, star, value| {
                rung_draft(draft, star)?.path = value.read_list()?.iter().map(|person| Text::line(person)).collect();
                Ok(())
            },
        },
        Setting {
            name: "channels",
            about: "Where it is said, in words.",
            example: "",
            get: |config, star| rung(&config.escalation, star).map(|rung| Value::text(&*rung.channels)),
            set: |draft, star, value| {
                rung_draft(draft, star)?.channels = Text::line(&value.read_line()?);
                Ok(())
            },
        },
    ],
};

pub static PRODUCTION: Section = Section {
    name: "production",
    about: "Which contexts are production: there disruptive mitigations ask for a word. A context in neither list counts as production.",
    project_may_set: false,
    stars: Stars::None,
    settings: &[
        Setting {
            name: "patterns",
            about: "A context with one of these anywhere in its name is production.",
            example: "",
            get: |config, _| Some(Value::list(&config.production.patterns)),
            set: |draft, _, value| {
                draft.config.production.patterns = value.read_list()?;
                Ok(())
            },
        },
        Setting {
            name: "non_production",
            about: "A context with one of these as a whole word (dev, eu-dev2, not devon) is not.",
            example: "",
            get: |config, _| Some(Value::list(&config.production.non_production)),
            set: |draft, _, value| {
                draft.config.production.non_production = value.read_list()?;
                Ok(())
            },
        },
    ],
};

pub static PRODUCTION_WORDS: Section = Section {
    name: "production.words",
    about: "The word to type on a production context; prod where none is given.",
    project_may_set: false,
    stars: Stars::Any(|config| config.production.words.keys().cloned().collect()),
    settings: &[Setting {
        name: "*",
        about: "",
        example: "prod-uk-1 = \"citizens\"",
        get: |config, star| config.production.words.get(star).map(Value::text),
        set: |draft, star, value| {
            let word = value.read_text()?;
            if word.chars().count() > 20 || word.chars().any(|character| character.is_whitespace() || crate::domain::text::is_hostile(character)) {
                return Err("must be one word of at most 20 characters".to_owned());
            }
            draft.config.production.words.insert(star.to_owned(), word.to_owned());
            Ok(())
        },
    }],
};

pub static MITIGATIONS: Section = Section {
    name: "mitigations",
    about: "What is written to the cluster, always after a confirmation.",
    project_may_set: false,
    stars: Stars::None,
    settings: &[
        Setting {
            name: "restart_at_once",
            about: "Most unhealthy pods deleted at the same time.",
            example: "",
            get: |config, _| Some(Value::Integer(config.mitigations.restart_at_once.into())),
            set: |draft, _, value| {
                draft.config.mitigations.restart_at_once = u8::try_from(value.read_integer(1..=50)?).unwrap_or(1);
                Ok(())
            },
        },
        Setting {
            name: "arrival_timeout",
            about: "How long a request whose answer was lost may still be carried out: longer than the API server's --request-timeout and than a proxy before it holds one back. Only then does what is as before count as not written.",
            example: "",
            get: |config, _| Some(Value::duration(config.mitigations.arrival_timeout)),
            set: |draft, _, value| {
                draft.config.mitigations.arrival_timeout = value.read_duration(Duration::from_secs(2)..=hours(1))?;
                Ok(())
            },
        },
        Setting {
            name: "reason_required",
            about: "Whether a mitigation without a reason is refused.",
            example: "",
            get: |config, _| Some(Value::Flag(config.mitigations.reason_required)),
            set: |draft, _, value| {
                draft.config.mitigations.reason_required = value.read_flag()?;
                Ok(())
            },
        },
        Setting {
            name: "disabled",
            about: "Kinds that are switched off, by the names that `sev1 do --help` lists.",
            example: "",
            get: |config, _| Some(Value::list(&config.mitigations.disabled)),
            set: |draft, _, value| {
                draft.config.mitigations.disabled = value.read_list()?;
                Ok(())
            },
        },
    ],
};

pub static TWO_PERSON: Section = Section {
    name: "mitigations.two_person",
    about: "By context: from which level on (narrow, disruptive, destructive) a second person has to agree. There is no way yet for one to: such mitigations are refused.",
    project_may_set: false,
    stars: Stars::Any(|config| config.mitigations.two_person.keys().cloned().collect()),
    settings: &[Setting {
        name: "*",
        about: "",
        example: "prod-uk-1 = \"destructive\"",
        get: |config, star| config.mitigations.two_person.get(star).map(|level| Value::text(level.word())),
        set: |draft, star, value| {
            let word = value.read_text()?;
            let level = Level::ALL.into_iter().find(|level| level.word() == word);
            let level = level.ok_or_else(|| "must be narrow, disruptive or destructive".to_owned())?;
            draft.config.mitigations.two_person.insert(star.to_owned(), level);
            Ok(())
        },
    }],
};

/// A setting that is plain text in one place of the configuration.
macro_rules! text_setting {
    ($name:literal, $about:literal, $($place:ident).+) => {
        Setting {
            name: $name,
            about: $about,
            example: "",
            get: |config, _| Some(Value::text(&config.$($place).+)),
            set: |draft, _, value| {
                draft.config.$($place).+ = value.read_line()?;
                Ok(())
            },
        }
    };
}

pub static BREAKER: Section = Section {
    name: "mitigations.breaker",
    about: "The circuit breaker: one key of a ConfigMap in the watched namespace.",
    project_may_set: false,
    stars: Stars::None,
    settings: &[
        text_setting!("config_map", "Name of the ConfigMap.", mitigations.breaker.config_map),
        text_setting!("key", "The key that is written.", mitigations.breaker.key),
        text_setting!("on", "Its value while the breaker is on.", mitigations.breaker.on),
        text_setting!("off", "Its value while it is off.", mitigations.breaker.off),
        Setting {
            name: "guards",
            about: "Services whose callers it spares: it is suggested for no other. Empty: any that its ConfigMap's readers wait for.",
            example: "",
            get: |config, _| Some(Value::list(&config.mitigations.breaker.guards)),
            set: |draft, _, value| {
                draft.config.mitigations.breaker.guards = value.read_list()?;
                Ok(())
            },
        },
    ],
};

pub static ALERTS: Section = Section {
    name: "alerts",
    about: "Alerts that fire by design, besides those of severity none: they never count as trouble.",
    project_may_set: false,
    stars: Stars::None,
    settings: &[
        Setting {
            name: "watchdogs",
            about: "Names of alerts that always fire, to show that alerts arrive. One that was seen and stops is said.",
            example: "",
            get: |config, _| Some(Value::list(&config.alerts.watchdogs)),
            set: |draft, _, value| {
                draft.config.alerts.watchdogs = value.read_list()?;
                Ok(())
            },
        },
        Setting {
            name: "apart",
            about: "Names of alerts that fire now and then and tell of no trouble.",
            example: "",
            get: |config, _| Some(Value::list(&config.alerts.apart)),
            set: |draft, _, value| {
                draft.config.alerts.apart = value.read_list()?;
                Ok(())
            },
        },
    ],
};

pub static ERRORS: Section = Section {
    name: "errors",
    about: "Where errors are in Elasticsearch, and what its fields are called.",
    project_may_set: true,
    stars: Stars::None,
    settings: &[
        text_setting!("index", "Index or pattern.", errors.index),
        text_setting!("time_field", "Field of the time, mapped as a date.", errors.time_field),
        text_setting!("level_field", "Field of the level.", errors.level_field),
        text_setting!("level", "The level that is an error, small or in capitals; several with commas.", errors.level),
        text_setting!("service_field", "Field of the service.", errors.service_field),
        text_setting!("message_field", "Field of the message.", errors.message_field),
        text_setting!("pod_field", "Field of the pod.", errors.pod_field),
        text_setting!("error_field", "Field of the error's kind.", errors.error_field),
    ],
};

/// A setting that is a duration within limits.
macro_rules! duration_setting {
    ($name:literal, $about:literal, $place:ident, $range:expr) => {
        Setting {
            name: $name,
            about: $about,
            example: "",
            get: |config, _| Some(Value::duration(config.refresh.$place)),
            set: |draft, _, value| {
                draft.config.refresh.$place = value.read_duration($range)?;
                Ok(())
            },
        }
    };
}

pub static REFRESH: Section = Section {
    name: "refresh",
    about: "How often servers are asked. Kubernetes is not: it is watched.",
    project_may_set: false,
    stars: Stars::None,
    settings: &[
        duration_setting!("metrics", "Prometheus: values of the indicators; 1s to 9s.", metrics, refresh(SourceId::Metrics)),
        duration_setting!("alerts", "Alertmanager, or Prometheus where there is none; 1s to 9s.", alerts, refresh(SourceId::Alerts)),
        duration_setting!("errors", "Elasticsearch; 1s to 30s.", errors, refresh(SourceId::Errors)),
        duration_setting!("history", "How far back the tiles reach; 5m to 24h.", history, minutes(5)..=hours(24)),
        duration_setting!("history_step", "Time from one point of the history to the next.", history_step, Duration::from_secs(5)..=hours(1)),
    ],
};

/// Not more often than a server should be asked, and not so seldom that a live pane would count as late.
fn refresh(source: SourceId) -> RangeInclusive<Duration> {
    Duration::from_secs(1)..=source.expected_within()
}

fn minutes(number: u64) -> Duration {
    Duration::from_mins(number)
}

fn hours(number: u64) -> Duration {
    Duration::from_hours(number)
}

fn severity(star: &str) -> Option<Severity> {
    let by_word = [Severity::Critical, Severity::Warning, Severity::Info].map(|severity| (severity.word(), severity));
    BTreeMap::from(by_word).get(star).copied()
}

fn rung<'a>(matrix: &'a Matrix, star: &str) -> Option<&'a Rung> {
    matrix.rung(severity(star)?)
}

fn rung_draft<'a>(draft: &'a mut Draft, star: &str) -> Read<&'a mut Rung> {
    let wanted = severity(star);
    let rung = draft.config.escalation.rungs.iter_mut().find(|rung| Some(rung.severity) == wanted);
    rung.ok_or_else(|| format!("is of no severity: write one of {}", SEVERITIES.join(", ")))
}
