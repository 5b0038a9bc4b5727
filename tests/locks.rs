//! Secrets and files of ours from outside: what other users of the machine, a server, a plugin and a hostile name get from the program.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.at(name), text).unwrap();
        self.at(name).display().to_string()
    }

    /// `sev1 ARGUMENTS` by a shell with this umask.
    fn run_under(&self, umask: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_sev1")]).args(arguments);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.0.path()).current_dir(self.0.path());
        command.envs(variables.iter().copied()).output().unwrap()
    }

    /// All that it said.
    fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> String {
        let answer = self.run_under("022", arguments, variables);
        format!("{}{}", String::from_utf8_lossy(&answer.stdout), String::from_utf8_lossy(&answer.stderr))
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_is_ours_is_for_its_owner_alone_under_any_umask() {
    for umask in ["000", "022", "077"] {
        let home = Home::new();
        assert!(home.run_under(umask, &["config", "init"], &[("SEV1_LOG", "debug")]).status.success());
        for folder in [".config", ".config/sev1", ".local", ".local/state", ".local/state/sev1"] {
            assert_eq!(mode(&home.at(folder)), 0o700, "{folder} under {umask}");
        }
        for file in [".config/sev1/config.toml", ".local/state/sev1/sev1.log"] {
            assert_eq!(mode(&home.at(file)), 0o600, "{file} under {umask}");
        }
    }
}

#[test]
fn a_log_that_others_could_read_is_closed_to_them() {
    let home = Home::new();
    fs::create_dir_all(home.at(".local/state/sev1")).unwrap();
    let log = home.at(".local/state/sev1/sev1.log");
    fs::write(&log, "").unwrap();
    fs::set_permissions(&log, fs::Permissions::from_mode(0o644)).unwrap();
    home.run(&["config", "show"], &[("SEV1_LOG", "debug")]);
    assert_eq!(mode(&log), 0o600);
}

#[test]
fn no_name_that_was_typed_reaches_the_terminal_uncleaned() {
    let home = Home::new();
    let hostile = "a\u{1b}]0;owned\u{7}\u{202e}b\u{9b}31m";
    let file = home.at(hostile).display().to_string();
    for arguments in [
        &["audit", "verify", &file][..],
        &["config", "init", "--config", &file],
        &["config", "init", "--config", &file],
        &["config", "check", "--config", &file],
        &["config", "show", "--config", &file],
        &["config", "show", "-o", "json", "--config", &file],
        &["config", "init", "--config", &format!("{file}/no/{hostile}")],
        &["status", "--kubeconfig", &format!("{file}x")],
        &["status", "--context", hostile, "--kubeconfig", "/dev/null"],
        &["status", "--theme", hostile],
        &["status", hostile],
        &["do", hostile],
        &[hostile],
    ] {
        let said = home.run(arguments, &[]);
        let found = said.chars().find(|character| *character != '\n' && sev1::domain::text::is_hostile(*character));
        assert!(found.is_none() && !said.is_empty(), "{arguments:?}: {found:?} in {said:?}");
    }
}

/// A server that refuses everything and repeats what it was sent, in three forms. Returns its address.
fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || refuse(&stream));
        }
    });
    address
}

fn refuse(mut stream: &TcpStream) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    while let Some(first) = lines.next() {
        let mut sent = first;
        for line in lines.by_ref().take_while(|line| !line.is_empty()) {
            if let Some((name, value)) = line.split_once(": ")
                && (name.eq_ignore_ascii_case("authorization") || name.eq_ignore_ascii_case("proxy-authorization"))
            {
                let bare = value.split(' ').next_back().unwrap_or_default();
                let percent: String = bare.bytes().fold(String::new(), |mut all, byte| {
                    let _ = if byte.is_ascii_alphanumeric() { write!(all, "{}", char::from(byte)) } else { write!(all, "%{byte:02X}") };
                    all
                });
                let login = STANDARD.decode(bare).map_or_else(|_| String::new(), |login| String::from_utf8_lossy(&login).into_owned());
                sent = format!("{value} is bad; {bare}; {}; {percent}; {login}", STANDARD.encode(bare));
            }
        }
        let body = serde_json::json!({ "kind": "Status", "message": sent, "code": 401 }).to_string();
        let head = format!("HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        if stream.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

fn kubeconfig(server: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{{name: c, cluster: {{server: '{server}'}}}}]\n\
         contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\nusers:\n- name: u\n  user: {user}\n"
    )
}

#[test]
fn a_server_that_repeats_our_credentials_shows_them_to_nobody() {
    const SECRETS: [&str; 4] = ["kT/9xQ-token-of-ours", "m3tr1cs+token==", "VnVhQ2ZHY0JDZGJrUW0tZTVhT3g6dWky", "gateway-pw"];
    let home = Home::new();
    let server = echo();
    let file = home.write("kubeconfig", &kubeconfig(&server, &format!("{{token: '{}'}}", SECRETS[0])));
    let password = home.write("password", SECRETS[3]);
    let config = home.write(
        "sev1-config.toml",
        &format!(
            "[servers.prometheus]\nurl = '{server}'\nbearer_env = 'T1'\n[servers.elasticsearch]\nurl = '{server}'\napi_key_env = 'T2'\n\
             [servers.alertmanager]\nurl = '{server}'\nuser = 'u'\npassword_file = '{password}'\n"
        ),
    );
    let variables = [("T1", SECRETS[1]), ("T2", SECRETS[2]), ("SEV1_LOG", "trace")];
    for command in [&["status"][..], &["status", "-o", "json"], &["doctor"], &["doctor", "-o", "json"]] {
        let said = home.run(&[command, &["--kubeconfig", &file, "--config", &config]].concat(), &variables);
        assert!(said.contains("***"), "{command:?}: {said}");
        for secret in SECRETS {
            let encoded = STANDARD.encode(secret);
            assert!(!said.contains(secret) && !said.contains(encoded.trim_end_matches('=')), "{secret} by {command:?}: {said}");
        }
        assert!(!said.contains(STANDARD.encode("u:gateway-pw").trim_end_matches('=')), "{command:?}: {said}");
    }
    let log = fs::read_to_string(home.at(".local/state/sev1/sev1.log")).unwrap();
    assert!(SECRETS.iter().all(|secret| !log.contains(secret)), "{log}");
}

/// A server that sends everybody elsewhere. Returns its address.
fn redirecting(to: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let head = BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
            let path = head.take(100).next().unwrap_or_default().split(' ').nth(1).unwrap_or("/").to_owned();
            let answer = format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {to}{path}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            drop(stream.write_all(answer.as_bytes()));
        }
    });
    address
}

#[test]
fn no_server_sends_us_elsewhere_with_credentials_or_without() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let server = redirecting(format!("http://{}", elsewhere.local_addr().unwrap()));
    for (user, login) in [("{}", ""), ("{token: abcdef-0123456789}", "bearer_env = 'T1'\n")] {
        let home = Home::new();
        let file = home.write("kubeconfig", &kubeconfig(&server, user));
        let servers = ["prometheus", "elasticsearch", "alertmanager"].map(|name| format!("[servers.{name}]\nurl = '{server}'\n{login}"));
        let config = home.write("sev1-config.toml", &servers.concat());
        for command in ["doctor", "status"] {
            let said = home.run(&[command, "--kubeconfig", &file, "--config", &config], &[("T1", "metrics-token-0123456789")]);
            assert!(!said.is_empty());
            assert!(elsewhere.accept().is_err(), "{command} went there: {said}");
        }
    }
}

#[test]
fn a_proxy_that_repeats_our_login_shows_it_to_nobody() {
    let home = Home::new();
    let proxy = echo().replace("http://", "http://u:Pr0xy%2Fhunter2@");
    let file = home.write("kubeconfig", &kubeconfig("https://127.0.0.1:1", "{}"));
    let said =
        home.run(&["doctor", "--kubeconfig", &file, "--prometheus", "http://metrics.invalid"], &[("HTTP_PROXY", &proxy), ("SEV1_LOG", "trace")]);
    let log = fs::read_to_string(home.at(".local/state/sev1/sev1.log")).unwrap();
    assert!(said.contains("u:***"), "the proxy answered: {said}");
    for secret in ["Pr0xy/hunter2", "Pr0xy%2Fhunter2", &*STANDARD.encode("u:Pr0xy/hunter2"), &*STANDARD.encode("Pr0xy/hunter2")] {
        assert!(!said.contains(secret) && !log.contains(secret), "{secret}: {said}");
    }
}

#[test]
fn a_credential_plugin_that_says_how_it_was_called_shows_no_secret() {
    let home = Home::new();
    let args = "['-c', 'echo \"called with $2 and $3\" >&2; exit 1', sh, '--client-secret', 'Hunter2-of-args', '--password=Other-Hunter2']";
    let user = format!("{{exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: sh, args: {args}}}}}");
    let file = home.write("kubeconfig", &kubeconfig("https://127.0.0.1:1", &user));
    let said = home.run(&["status", "--kubeconfig", &file], &[]);
    assert!(said.contains("called with *** and --password=***") && !said.contains("Hunter2"), "{said}");
}

#[test]
fn the_last_words_of_a_credential_plugin_hold_no_secret() {
    let home = Home::new();
    let script = "echo \"no: $DB_PASSWORD, Bearer abc123XYZ, token=q9w8, $LOGIN_SECRET, eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln\" >&2; exit 1";
    let user = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: sh, args: ['-c', '{script}'], \
         env: [{{name: DB_PASSWORD, value: 'p0stgres-pw'}}]}}}}"
    );
    let file = home.write("kubeconfig", &kubeconfig("https://127.0.0.1:1", &user));
    for command in ["status", "doctor"] {
        let said = home.run(&[command, "--kubeconfig", &file], &[("LOGIN_SECRET", "hunter2-of-login")]);
        assert!(said.contains("no: ***, Bearer ***, token=***, ***, ***"), "{said}");
    }
}

#[test]
fn no_odd_address_shows_its_password() {
    let home = Home::new();
    for address in [
        "k8s://u:hunter2@a/b:1",
        "http://u:hunter2/x@host",
        "http://u:1/hunter2@host:1",
        "ftp://h?token=hunter2",
        "u:hunter2@host",
        "http://h/?password=hunter2",
    ] {
        for (flag, variable) in [("--prometheus", "PROMETHEUS_URL"), ("--elasticsearch", "ELASTICSEARCH_URL"), ("--alertmanager", "ALERTMANAGER_URL")]
        {
            let file = home.write("kubeconfig", &kubeconfig("https://127.0.0.1:1", "{}"));
            let said = home.run(&["doctor", "--kubeconfig", &file, flag, address], &[])
                + &home.run(&["doctor", "--kubeconfig", &file], &[(variable, address)]);
            assert!(!said.contains("hunter2"), "{address}: {said}");
        }
    }
    let file = home.write("kubeconfig", &kubeconfig("foo://u:hunter2@h/?token=hunter2", "{}"));
    assert!(!home.run(&["status", "--kubeconfig", &file], &[]).contains("hunter2"));
}

#[test]
fn credentials_do_not_go_over_plain_http_and_that_is_said() {
    let home = Home::new();
    let file = home.write("kubeconfig", &kubeconfig("http://api.invalid:8080", "{token: hunter2}"));
    for command in ["status", "doctor"] {
        let said = home.run(&[command, "--kubeconfig", &file, "--request-timeout", "2s"], &[]);
        assert!(said.contains("http://api.invalid:8080 is plain http: the credentials of u are not sent"), "{said}");
    }
    let file = home.write("kubeconfig", &kubeconfig("https://127.0.0.1:1", "{}"));
    let config =
        |more: &str| home.write("config.toml", &format!("[servers.prometheus]\nurl = 'http://metrics.invalid:9090'\nbearer_env = 'T1'\n{more}"));
    let ask = |config: &str| home.run(&["doctor", "--kubeconfig", &file, "--config", config], &[("T1", "hunter2")]);
    let said = ask(&config(""));
    assert!(said.contains("servers.prometheus: its address is plain http") && said.contains("so nothing was sent"), "{said}");
    let said = ask(&config("login_over_http = true\n"));
    assert!(said.contains("it is sent all the same") && !said.contains("so nothing was sent"), "{said}");
}

#[test]
fn a_command_whose_value_would_be_code_is_refused() {
    let home = Home::new();
    let config = home.write(
        "config.toml",
        "[commands.bad]\nselector = 'app=x'\nargv = ['python3', '-c', 'print({x})']\nfields = ['x identifier']\neffect = 'reads'\n",
    );
    let answer = home.run_under("022", &["config", "check", "--config", &config], &[]);
    let said = String::from_utf8_lossy(&answer.stderr);
    assert!(answer.status.code() == Some(2) && said.contains("has {x} in what python3 runs as code"), "{said}");
}

/// A server that answers everything with `bytes`, which say that they are gzip. Returns its address.
fn bomb(bytes: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let head = BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
            assert!(head.take(100).count() < 100);
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                bytes.len()
            );
            drop(stream.write_all(&[head.as_bytes(), &bytes].concat()));
        }
    });
    address
}

/// The most memory that a process that runs ever had, in KiB.
fn most_memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?.trim().parse().ok()
}

#[test]
fn what_a_monitoring_server_has_packed_small_stays_small() {
    let packed =
        Command::new("sh").args(["-c", "{ printf '{\"status\":\"'; head -c 400000000 /dev/zero | tr '\\0' x; } | gzip -1"]).output().unwrap().stdout;
    assert!(packed.len() < 4 << 20);
    let server = bomb(packed);
    for command in ["doctor", "status"] {
        let home = Home::new();
        let file = home.write("kubeconfig", &kubeconfig("https://127.0.0.1:1", "{}"));
        let servers = ["prometheus", "elasticsearch", "alertmanager"].map(|name| format!("[servers.{name}]\nurl = '{server}'\n"));
        let config = home.write("sev1-config.toml", &servers.concat());
        let mut started = Command::new(env!("CARGO_BIN_EXE_sev1"));
        started.args([command, "--kubeconfig", &file, "--config", &config]).env_clear().env("HOME", home.0.path()).current_dir(home.0.path());
        let mut running = started.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
        let mut most = 0;
        while running.try_wait().unwrap().is_none() {
            most = most_memory(running.id()).unwrap_or(most);
            std::thread::yield_now();
        }
        // Three of them unpack to 1.2 GB. The pages of a debug build's own file are among what it takes.
        assert!((1..144 << 10).contains(&most), "{command} took {most} KiB");
    }
}

#[test]
fn the_words_that_a_credential_plugin_says_last_hold_no_secret_by_any_way_of_telling_it() {
    let home = Home::new();
    for (said, secret) in [
        ("refresh failed: token XYZ", "XYZ"),
        ("client_secret: hunter2", "hunter2"),
        ("clientSecret: correcthorse", "correcthorse"),
        ("called with --client-secret correcthorse", "correcthorse"),
        ("GET https://idp/api/v1/q9W8e7R6t5Y4u3I2o1P0/x failed", "q9W8e7R6t5Y4u3I2o1P0"),
        ("POST https://hooks.slack.com/services/T0/B0/abcdef failed", "abcdef"),
    ] {
        let script = home.write("plugin", &format!("echo '{said}' >&2; exit 1\n"));
        let user = format!("{{exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: sh, args: ['{script}']}}}}");
        let file = home.write("kubeconfig", &kubeconfig("https://127.0.0.1:1", &user));
        for command in ["status", "doctor"] {
            let shown = home.run(&[command, "--kubeconfig", &file], &[]);
            assert!(shown.contains("***") && !shown.contains(secret), "{command}: {shown}");
        }
    }
}

/// A server that refuses, and says the token that it was sent in a way of its own. Returns its address.
fn altering(alter: fn(&str) -> String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let head = BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
            let token = head.filter_map(|line| line.split_once("Bearer ").map(|(_, token)| token.to_owned())).last().unwrap_or_default();
            let body = serde_json::json!({ "kind": "Status", "message": format!("no <{}> here", alter(&token)), "code": 401 }).to_string();
            let head = "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\nconnection: close\r\n";
            drop(stream.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes()));
        }
    });
    address
}

#[test]
fn a_server_that_alters_our_token_shows_it_to_nobody() {
    const TOKEN: &str = "kT9xQ-tokenOfOurs_0123456789abc";
    let ways: [fn(&str) -> String; 6] = [
        str::to_uppercase,
        |token| format!("{}\n{}", &token[..token.len() / 2], &token[token.len() / 2..]),
        |token| token.bytes().fold(String::new(), |all, byte| format!("{all}{byte:02x}")),
        |token| token.bytes().fold(String::new(), |all, byte| format!("{all}%{byte:02X}")),
        |token| STANDARD.encode(format!("Bearer {token}")),
        |token| token.chars().fold(String::new(), |all, character| format!("{all}{character} ")),
    ];
    for way in ways {
        let home = Home::new();
        let file = home.write("kubeconfig", &kubeconfig("https://127.0.0.1:1", "{}"));
        let config = home.write("sev1-config.toml", &format!("[servers.prometheus]\nurl = '{}'\nbearer_env = 'T1'\n", altering(way)));
        let said = home.run(&["doctor", "--kubeconfig", &file, "--config", &config], &[("T1", TOKEN)]);
        let altered = way(TOKEN);
        let pieces: Vec<&str> = altered.split_whitespace().filter(|piece| piece.len() >= 8).collect();
        assert!(said.contains("***") && pieces.iter().all(|piece| !said.contains(piece)) && !said.contains("k T 9 x"), "{altered:?}: {said}");
    }
}
