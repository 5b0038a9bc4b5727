//! The commands that may be run in a container, and examples for the platform of the operations guide.

use std::time::Duration;

use crate::{
    config::value::{Read, Value},
    domain::command::{CommandEffect, CommandEntry, Field},
};

use super::{Draft, Section, Setting, Stars};

/// Most bytes of output that can be asked for: a person reads less.
const MOST_OUTPUT: i64 = 1 << 20;

pub static COMMANDS: Section = Section {
    name: "commands.*",
    about: "A command that may be run in a container (sev1 do run NAME). Nothing else can be, and never by a shell.",
    project_may_set: false,
    stars: Stars::Any(|config| config.mitigations.commands.iter().map(|entry| entry.name.clone()).collect()),
    settings: &[
        Setting {
            name: "summary",
            about: "What it does.",
            example: "\"connections by state\"",
            get: |config, star| {
                entry(&config.mitigations.commands, star).filter(|entry| !entry.summary.is_empty()).map(|entry| Value::text(&entry.summary))
            },
            set: |draft, star, value| {
                entry_draft(draft, star)?.summary = value.read_line()?;
                Ok(())
            },
        },
        Setting {
            name: "namespace",
            about: "Where its pods are. Without it: the namespace in which it is asked for.",
            example: "\"data\"",
            get: |config, star| entry(&config.mitigations.commands, star)?.namespace.as_ref().map(Value::text),
            set: |draft, star, value| {
                entry_draft(draft, star)?.namespace = Some(value.read_line()?);
                Ok(())
            },
        },
        Setting {
            name: "selector",
            about: "Labels of the pods it may run in.",
            example: "\"app=postgresql,role=primary\"",
            get: |config, star| {
                entry(&config.mitigations.commands, star).filter(|entry| !entry.selector.is_empty()).map(|entry| Value::text(&entry.selector))
            },
            set: |draft, star, value| {
                entry_draft(draft, star)?.selector = value.read_line()?;
                Ok(())
            },
        },
        Setting {
            name: "container",
            about: "Its container. Without it: the pod's first.",
            example: "\"postgresql\"",
            get: |config, star| entry(&config.mitigations.commands, star)?.container.as_ref().map(Value::text),
            set: |draft, star, value| {
                entry_draft(draft, star)?.container = Some(value.read_line()?);
                Ok(())
            },
        },
        Setting {
            name: "argv",
            about: "Program and arguments. {field} stands for a value: an argument of its own, or between delimiters.",
            example: "[\"redis-cli\", \"llen\", \"{queue}\"]",
            get: |config, star| {
                entry(&config.mitigations.commands, star).filter(|entry| !entry.argv.is_empty()).map(|entry| Value::list(&entry.argv))
            },
            set: |draft, star, value| {
                entry_draft(draft, star)?.argv = value.read_list()?;
                Ok(())
            },
        },
        Setting {
            name: "fields",
            about: "The values: \"age duration 1m..24h = 5m\"; types are integer A..B, duration A..B (seconds in the argument: 300s), dns-name, identifier, enum a|b.",
            example: "[\"queue identifier\"]",
            get: |config, star| {
                entry(&config.mitigations.commands, star)
                    .filter(|entry| !entry.fields.is_empty())
                    .map(|entry| Value::list(entry.fields.iter().map(ToString::to_string)))
            },
            set: |draft, star, value| {
                let fields: Result<_, _> = value.read_list()?.iter().map(|field| Field::parse(field)).collect();
                entry_draft(draft, star)?.fields = fields?;
                Ok(())
            },
        },
        Setting {
            name: "effect",
            about: "reads or writes. One that writes has a card, and is never run twice.",
            example: "\"reads\"",
            get: |config, star| entry(&config.mitigations.commands, star)?.effect.map(|effect| Value::text(effect.word())),
            set: |draft, star, value| {
                let effect = CommandEffect::named(value.read_text()?).ok_or_else(|| "must be reads or writes".to_owned())?;
                entry_draft(draft, star)?.effect = Some(effect);
                Ok(())
            },
        },
        Setting {
            name: "time_limit",
            about: "How long it may run; 1s to 5m.",
            example: "\"15s\"",
            get: |config, star| entry(&config.mitigations.commands, star).map(|entry| Value::duration(entry.time_limit)),
            set: |draft, star, value| {
                entry_draft(draft, star)?.time_limit = value.read_duration(Duration::from_secs(1)..=Duration::from_mins(5))?;
                Ok(())
            },
        },
        Setting {
            name: "output_limit",
            about: "Most bytes of output that are kept.",
            example: "65536",
            get: |config, star| {
                let entry = entry(&config.mitigations.commands, star)?;
                Some(Value::Integer(i64::try_from(entry.output_limit).unwrap_or(MOST_OUTPUT)))
            },
            set: |draft, star, value| {
                entry_draft(draft, star)?.output_limit = usize::try_from(value.read_integer(1_024..=MOST_OUTPUT)?).unwrap_or(1_024);
                Ok(())
            },
        },
        Setting {
            name: "shows_first",
            about: "A reading command whose output the card of this one shows, with the same values.",
            example: "\"idle-connections\"",
            get: |config, star| entry(&config.mitigations.commands, star)?.shows_first.as_ref().map(Value::text),
            set: |draft, star, value| {
                entry_draft(draft, star)?.shows_first = Some(value.read_line()?);
                Ok(())
            },
        },
    ],
};

fn entry<'a>(all: &'a [CommandEntry], name: &str) -> Option<&'a CommandEntry> {
    all.iter().find(|entry| entry.name == name)
}

/// The entry of this name, made where there is none yet. They stay in the order of their names.
fn entry_draft<'a>(draft: &'a mut Draft, name: &str) -> Read<&'a mut CommandEntry> {
    let is_name = !name.is_empty() && name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if !is_name {
        return Err("is no name for a command: letters, digits, - and _".to_owned());
    }
    let all = &mut draft.config.mitigations.commands;
    let at = all.binary_search_by(|entry| entry.name.as_str().cmp(name));
    let at = at.unwrap_or_else(|at| {
        all.insert(at, CommandEntry::new(name));
        at
    });
    Ok(&mut all[at])
}

/// The examples as entries.
pub fn examples() -> Vec<CommandEntry> {
    let (entries, _) = crate::config::file::parse(std::path::Path::new("examples"), EXAMPLES);
    let mut draft = Draft::default();
    for entry in entries {
        // They are tested to be right.
        let _ = (entry.found.setting.set)(&mut draft, &entry.star, &entry.value);
    }
    draft.config.mitigations.commands
}

/// What the operations guide of the simulated platform types by hand, as entries. `config init` writes them as comments.
pub const EXAMPLES: &str = r#"
[commands.db-connections]
summary = "database connections by state"
selector = "app=postgresql"
argv = ["psql", "-X", "-q", "-U", "postgres", "-c", "SELECT state, count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY state ORDER BY 2 DESC", "-c", "DO $$BEGIN IF NOT pg_has_role('pg_read_all_stats', 'USAGE') THEN RAISE WARNING 'what others do is hidden: grant pg_monitor to %', current_user; END IF; END$$"]
effect = "reads"

[commands.db-long-queries]
summary = "queries that run for longer than AGE"
selector = "app=postgresql"
argv = ["psql", "-X", "-q", "-U", "postgres", "-c", "SELECT pid, usename, now() - query_start AS runs, left(query, 60) AS query FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND query_start < now() - interval '{age}' ORDER BY query_start LIMIT 50", "-c", "DO $$BEGIN IF NOT pg_has_role('pg_read_all_stats', 'USAGE') THEN RAISE WARNING 'what others do is hidden: grant pg_monitor to %', current_user; END IF; END$$"]
fields = ["age duration 1s..1day = 30s"]
effect = "reads"

[commands.db-locks]
summary = "sessions that wait for a lock, and who holds it"
selector = "app=postgresql"
argv = ["psql", "-X", "-q", "-U", "postgres", "-c", "SELECT pid, usename, pg_blocking_pids(pid) AS held_by, left(query, 60) AS query FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0", "-c", "DO $$BEGIN IF NOT pg_has_role('pg_read_all_stats', 'USAGE') THEN RAISE WARNING 'what others do is hidden: grant pg_monitor to %', current_user; END IF; END$$"]
effect = "reads"

[commands.db-idle-sessions]
summary = "sessions that have been idle for longer than AGE"
selector = "app=postgresql"
argv = ["psql", "-X", "-q", "-U", "postgres", "-c", "SELECT pid, usename, application_name, now() - state_change AS idle FROM pg_stat_activity WHERE state = 'idle' AND state_change < now() - interval '{age}' ORDER BY state_change LIMIT 100", "-c", "DO $$BEGIN IF NOT pg_has_role('pg_read_all_stats', 'USAGE') THEN RAISE WARNING 'what others do is hidden: grant pg_monitor to %', current_user; END IF; END$$"]
fields = ["age duration 1s..1day = 5m"]
effect = "reads"

[commands.db-end-idle-sessions]
summary = "end the sessions that have been idle for longer than AGE"
selector = "app=postgresql"
argv = ["psql", "-X", "-q", "-U", "postgres", "-c", "SELECT pid, pg_terminate_backend(pid) AS ended FROM pg_stat_activity WHERE state = 'idle' AND state_change < now() - interval '{age}'", "-c", "DO $$BEGIN IF NOT pg_has_role('pg_read_all_stats', 'USAGE') THEN RAISE WARNING 'what others do is hidden: grant pg_monitor to %', current_user; END IF; END$$"]
fields = ["age duration 1s..1day = 5m"]
effect = "writes"
shows_first = "db-idle-sessions"

[commands.redis-info]
summary = "what Redis says of itself"
selector = "app=redis"
argv = ["redis-cli", "info", "{section}"]
fields = ["section enum server|clients|memory|stats|replication|keyspace = stats"]
effect = "reads"

[commands.redis-queue]
summary = "length of a queue in Redis"
selector = "app=redis"
argv = ["redis-cli", "llen", "{queue}"]
fields = ["queue enum sync-events = sync-events"]
effect = "reads"

[commands.resolve]
summary = "look a name up as the gateway does"
selector = "app=api-gateway"
argv = ["nslookup", "{name}"]
fields = ["name dns-name = core-engine"]
effect = "reads"
time_limit = "10s"

[commands.health]
summary = "ask a service how it is, as the gateway does"
selector = "app=api-gateway"
argv = ["wget", "-q", "-O-", "-T", "5", "http://{service}:{port}/health"]
fields = ["service dns-name = core-engine", "port integer 1..65535 = 8080"]
effect = "reads"
time_limit = "10s"
"#;

#[cfg(test)]
mod tests {
    use super::*;

    /// To a role without `pg_monitor` the sessions of others have no state: a list of them is empty, and looks healthy.
    #[test]
    fn who_may_not_see_sessions_is_told() {
        let of_sessions: Vec<_> = examples().into_iter().filter(|entry| entry.argv.iter().any(|word| word.contains("pg_stat_activity"))).collect();
        assert_eq!(of_sessions.len(), 5);
        for entry in of_sessions {
            assert!(entry.argv.last().is_some_and(|word| word.contains("grant pg_monitor")), "{}", entry.name);
        }
    }
}
