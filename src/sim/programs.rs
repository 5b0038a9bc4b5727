//! What programs inside of containers say and do: psql, redis-cli, nslookup and wget, on the platform's own state.
//!
//! The world tells how many database sessions its clients hold; here they have a pid, a state and an age. One that is ended
//! comes back once its client has connected again.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use regex::Regex;
use serde_json::Value;

use super::kubernetes::kinds::Resource;
use super::store::{Query, Store};

/// After so long the client of an ended session has connected again.
const CONNECTED_AGAIN: TimeDelta = TimeDelta::minutes(2);
const USERS: [&str; 4] = ["core_engine", "api_gateway", "gov_connectors", "sync_service"];
/// As `postgres-primary` is configured.
const MOST_SESSIONS: u32 = 200;

/// Shared by the world, which fills it, and the programs, which read and change it.
#[derive(Debug, Clone, Default)]
pub struct Inside(Arc<Mutex<Held>>);

#[derive(Debug, Clone, Default)]
struct Held {
    /// Sessions that clients want, the ended ones among them.
    wanted: u32,
    sync_queue: u64,
    now: DateTime<Utc>,
    /// When each pid was ended.
    ended: BTreeMap<u32, DateTime<Utc>>,
}

/// A session of the database.
#[derive(Debug, Clone, PartialEq)]
struct Session {
    pid: u32,
    user: &'static str,
    is_active: bool,
    /// Seconds since its state changed.
    age: i64,
}

impl Inside {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same for a world of its own.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self(Arc::new(Mutex::new(self.lock().clone())))
    }

    /// What the world is like by now. Returns how many sessions are missing because they were ended.
    pub fn observe(&self, wanted: f64, sync_queue: f64, now: DateTime<Utc>) -> f64 {
        let mut held = self.lock();
        held.ended.retain(|_, at| now - *at < CONNECTED_AGAIN);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and not negative")]
        {
            (held.wanted, held.sync_queue) = (wanted.max(0.0).round() as u32, sync_queue.max(0.0).round() as u64);
        }
        held.now = now;
        f64::from(u32::try_from(held.ended.len()).unwrap_or(u32::MAX))
    }
}

impl Held {
    fn sessions(&self) -> Vec<Session> {
        let all = (0..self.wanted).map(|number| {
            let lot = number.wrapping_mul(2_654_435_761) >> 12;
            Session { pid: 2_000 + number * 7, user: USERS[number as usize % USERS.len()], is_active: lot % 10 < 3, age: i64::from(lot % 3_000) }
        });
        all.filter(|session| !self.ended.contains_key(&session.pid)).collect()
    }

    fn idle(&self, longer_than: i64) -> Vec<Session> {
        let mut idle: Vec<_> = self.sessions().into_iter().filter(|session| !session.is_active && session.age > longer_than).collect();
        idle.sort_by_key(|session| -session.age);
        idle
    }
}

/// What a program wrote, and its exit code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    pub stdout: String,
    pub stderr: String,
    pub code: u8,
}

impl Said {
    fn well(stdout: String) -> Self {
        Self { stdout, ..Self::default() }
    }

    fn badly(stderr: &str, code: u8) -> Self {
        Self { stderr: format!("{stderr}\n"), code, ..Self::default() }
    }
}

/// The programs in all containers. Clones share their state.
#[derive(Clone)]
pub struct Programs {
    store: Store,
    inside: Inside,
}

impl Programs {
    pub fn new(store: Store, inside: Inside) -> Self {
        Self { store, inside }
    }

    /// Runs a program in a container of this image; none where that has no such program.
    pub fn run(&self, namespace: &str, image: &str, argv: &[&str]) -> Option<Said> {
        let (program, arguments) = argv.split_first()?;
        let is_of = |name: &str| image.rsplit('/').next().is_some_and(|image| image.starts_with(name));
        match *program {
            "psql" if is_of("postgres") => Some(self.psql(arguments)),
            "redis-cli" if is_of("redis") => Some(self.redis(arguments)),
            "nslookup" if !is_of("postgres") && !is_of("redis") => Some(self.nslookup(namespace, arguments)),
            "wget" if !is_of("postgres") && !is_of("redis") => Some(self.wget(namespace, arguments)),
            "echo" => Some(Said::well(format!("{}\n", arguments.join(" ")))),
            _ => None,
        }
    }

    fn psql(&self, arguments: &[&str]) -> Said {
        let query = arguments.iter().position(|argument| *argument == "-c").and_then(|at| arguments.get(at + 1));
        let Some(query) = query else { return Said::badly("psql: error: this simulation takes a query by -c only", 2) };
        let longer_than = match interval(query) {
            Some(Err(typed)) => return Said::badly(&format!("ERROR:  invalid input syntax for type interval: \"{typed}\""), 1),
            Some(Ok(seconds)) => seconds,
            None => 0,
        };
        let mut held = self.inside.lock();
        let cells = |session: &Session| [session.pid.to_string(), session.user.to_owned()];
        if query.contains("pg_terminate_backend") {
            let now = held.now;
            let ended = held.idle(longer_than);
            held.ended.extend(ended.iter().map(|session| (session.pid, now)));
            return table(&["pid", "ended"], ended.iter().map(|session| vec![session.pid.to_string(), "t".to_owned()]));
        }
        if query.contains("pg_blocking_pids") {
            return table(&["pid", "usename", "held_by", "query"], std::iter::empty());
        }
        if query.contains("GROUP BY state") {
            let active = held.sessions().iter().filter(|session| session.is_active).count();
            let mut rows = vec![("active", active), ("idle", held.sessions().len() - active)];
            rows.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            return table(&["state", "count"], rows.into_iter().map(|(state, count)| vec![state.to_owned(), count.to_string()]));
        }
        if query.contains("state = 'idle'") {
            let rows = held.idle(longer_than);
            return table(
                &["pid", "usename", "application_name", "idle"],
                rows.iter().take(100).map(|session| {
                    let [pid, user] = cells(session);
                    vec![pid, user.clone(), user.replace('_', "-"), clock(session.age)]
                }),
            );
        }
        if query.contains("state = 'active'") {
            let long = held.sessions().into_iter().filter(|session| session.is_active && session.age % 60 > longer_than.min(60));
            return table(
                &["pid", "usename", "runs", "query"],
                long.take(50).map(|session| {
                    let [pid, user] = cells(&session);
                    vec![pid, user, clock(session.age % 60), "SELECT * FROM credentials WHERE user_id = $1".to_owned()]
                }),
            );
        }
        match query.trim_end_matches(';').trim() {
            "SHOW max_connections" => table(&["max_connections"], std::iter::once(vec![MOST_SESSIONS.to_string()])),
            "SELECT 1" => table(&["?column?"], std::iter::once(vec!["1".to_owned()])),
            _ => Said::badly("ERROR:  the simulated PostgreSQL knows pg_stat_activity and little else", 1),
        }
    }

    fn redis(&self, arguments: &[&str]) -> Said {
        let held = self.inside.lock();
        match *arguments {
            ["llen", "sync-events"] => Said::well(format!("{}\n", held.sync_queue)),
            ["llen", _] => Said::well("0\n".to_owned()),
            ["ping"] => Said::well("PONG\n".to_owned()),
            ["info"] | ["info", "stats"] => Said::well(format!(
                "# Stats\r\ntotal_connections_received:48211\r\ninstantaneous_ops_per_sec:{}\r\npubsub_channels:12\r\npubsub_patterns:3\r\n",
                900 + held.sync_queue / 10
            )),
            ["info", "server"] => Said::well("# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n".to_owned()),
            ["info", "clients"] => Said::well("# Clients\r\nconnected_clients:41\r\nblocked_clients:0\r\n".to_owned()),
            ["info", "memory"] => {
                Said::well(format!("# Memory\r\nused_memory:{}\r\nmaxmemory_policy:noeviction\r\n", 90_000_000 + held.sync_queue * 1_400))
            }
            ["info", "replication"] => Said::well("# Replication\r\nrole:master\r\nconnected_slaves:0\r\n".to_owned()),
            ["info", "keyspace"] => Said::well("# Keyspace\r\ndb0:keys=18233,expires=16002,avg_ttl=540211\r\n".to_owned()),
            [command, ..] => Said::well(format!("(error) ERR unknown command '{command}', with args beginning with: \n")),
            [] => Said::badly("Could not connect to Redis: an interactive session is not simulated", 1),
        }
    }

    fn service(&self, namespace: &str, host: &str) -> Option<(String, Arc<Value>)> {
        let mut parts = host.split('.');
        let name = parts.next().unwrap_or(host);
        let namespace = parts.next().unwrap_or(namespace);
        let service = self.store.get(Resource::Services, namespace, name)?;
        Some((format!("{name}.{namespace}.svc.cluster.local"), service))
    }

    fn nslookup(&self, namespace: &str, arguments: &[&str]) -> Said {
        let Some(host) = arguments.first() else { return Said::badly("BusyBox v1.36.1 multi-call binary.\n\nUsage: nslookup HOST", 1) };
        let server = "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\n";
        match self.service(namespace, host) {
            Some((name, service)) => {
                let address = service.pointer("/spec/clusterIP").and_then(Value::as_str).unwrap_or("10.96.0.1");
                Said::well(format!("{server}Name:\t{name}\nAddress: {address}\n\n"))
            }
            None => Said { stdout: format!("{server}** server can't find {host}: NXDOMAIN\n\n"), stderr: String::new(), code: 1 },
        }
    }

    fn wget(&self, namespace: &str, arguments: &[&str]) -> Said {
        let url = arguments.iter().find_map(|argument| argument.strip_prefix("http://"));
        let Some(url) = url else { return Said::badly("wget: not an http or ftp url", 1) };
        let authority = url.split('/').next().unwrap_or(url);
        let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "80"));
        let Some((name, service)) = self.service(namespace, host) else { return Said::badly(&format!("wget: bad address '{authority}'"), 1) };
        let (name, home) = (name.split('.').next().unwrap_or_default().to_owned(), name.split('.').nth(1).unwrap_or_default().to_owned());
        let ports = service.pointer("/spec/ports").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let is_open = ports.iter().any(|known| known.get("port").and_then(Value::as_u64) == port.parse().ok());
        let ready = self.ready(&home, &service);
        if !is_open || ready == 0 {
            return Said::badly(&format!("wget: can't connect to remote host ({authority}): Connection refused"), 1);
        }
        Said::well(format!("{{\"status\":\"ok\",\"service\":\"{name}\"}}\n"))
    }

    /// Ready pods behind a service.
    fn ready(&self, namespace: &str, service: &Value) -> usize {
        let Some(selector) = service.pointer("/spec/selector").and_then(Value::as_object) else { return 0 };
        let pods = self.store.list(Resource::Pods, &Query::namespace(namespace));
        let fits =
            |pod: &Value| selector.iter().all(|(name, value)| pod.pointer("/metadata/labels").and_then(|labels| labels.get(name)) == Some(value));
        let is_ready = |pod: &Value| {
            let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
            conditions.into_iter().flatten().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
        };
        pods.items.iter().filter(|pod| fits(pod) && is_ready(pod)).count()
    }
}

/// Seconds of the interval in a query.
fn interval(query: &str) -> Option<Result<i64, String>> {
    let typed = query.split_once("interval '")?.1.split('\'').next()?.to_owned();
    let read = || {
        let pattern = Regex::new(r"^(\d+) ?(s|seconds?|m|min|minutes?|h|hours?|d|days?)$").ok()?;
        let found = pattern.captures(&typed)?;
        let number: i64 = found.get(1)?.as_str().parse().ok()?;
        Some(
            number
                * match found.get(2)?.as_str().chars().next()? {
                    's' => 1,
                    'm' => 60,
                    'h' => 3_600,
                    _ => 86_400,
                },
        )
    };
    Some(read().ok_or(typed))
}

/// An interval as psql prints it.
fn clock(seconds: i64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// psql's aligned form: numbers to the right, headers centred.
fn table(headers: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Said {
    let rows: Vec<Vec<String>> = rows.collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).chain([headers[column].len()]).max().unwrap_or(0);
    let widths: Vec<usize> = (0..headers.len()).map(width).collect();
    let is_number = |column: usize| !rows.is_empty() && rows.iter().all(|row| row[column].bytes().all(|byte| byte.is_ascii_digit()));
    let mut text = String::new();
    let line = |cells: Vec<String>, between: &str| cells.join(between) + "\n";
    text += &line(headers.iter().zip(&widths).map(|(header, width)| format!(" {header:^width$} ")).collect(), "|");
    text += &line(widths.iter().map(|width| "-".repeat(width + 2)).collect(), "+");
    for row in &rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match (is_number(column), column + 1 == row.len()) {
            (true, _) => format!(" {cell:>width$} "),
            (false, true) => format!(" {cell}"),
            (false, false) => format!(" {cell:<width$} "),
        });
        text += &line(cells.collect(), "|");
    }
    let _ = writeln!(text, "({} row{})\n", rows.len(), if rows.len() == 1 { "" } else { "s" });
    Said::well(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn programs(inside: &Inside) -> Programs {
        Programs::new(Store::new(1, Arc::new(|| DateTime::UNIX_EPOCH)), inside.clone())
    }

    fn psql(programs: &Programs, query: &str) -> Said {
        programs.run("x", "postgres:15.7", &["psql", "-c", query]).unwrap()
    }

    #[test]
    fn ended_sessions_are_gone_and_come_back() {
        let inside = Inside::default();
        let programs = programs(&inside);
        inside.observe(100.0, 0.0, DateTime::UNIX_EPOCH);
        let by_state = || psql(&programs, "SELECT state, count(*) FROM pg_stat_activity GROUP BY state").stdout;
        let before = by_state();
        let idle = psql(&programs, "… WHERE state = 'idle' AND state_change < now() - interval '300s'").stdout;
        let ended = psql(&programs, "SELECT pg_terminate_backend(pid) … WHERE state = 'idle' AND state_change < now() - interval '300s'").stdout;
        assert_eq!(idle.lines().last(), ended.lines().last());
        assert_ne!(by_state(), before);
        let missing = inside.observe(100.0, 0.0, DateTime::UNIX_EPOCH + TimeDelta::seconds(5));
        assert!(missing > 0.0);
        assert!(inside.observe(100.0, 0.0, DateTime::UNIX_EPOCH + TimeDelta::minutes(3)).abs() < f64::EPSILON);
        assert_eq!(by_state(), before);
    }

    #[test]
    fn tables_look_as_psql_draws_them() {
        let said = table(&["state", "count"], [vec!["idle".to_owned(), "61".to_owned()], vec!["active".to_owned(), "7".to_owned()]].into_iter());
        assert_eq!(said.stdout, " state  | count \n--------+-------\n idle   |    61 \n active |     7 \n(2 rows)\n\n");
    }

    #[test]
    fn what_is_not_there_is_said_as_the_programs_say_it() {
        let inside = Inside::default();
        let programs = programs(&inside);
        assert_eq!(programs.run("x", "redis:7", &["psql", "-c", "SELECT 1"]), None);
        assert_eq!(psql(&programs, "DROP TABLE users").code, 1);
        assert!(psql(&programs, "SELECT … interval 'x'").stderr.contains("invalid input syntax for type interval"));
        let said = programs.run("x", "gateway:1", &["nslookup", "nowhere"]).unwrap();
        assert!(said.code == 1 && said.stdout.contains("NXDOMAIN"));
        assert!(programs.run("x", "gateway:1", &["wget", "-q", "http://nowhere:80/"]).unwrap().stderr.contains("bad address"));
    }
}
