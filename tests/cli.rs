//! What a person sees who types something: answers, complaints and exit codes of the built program.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fmt::Write as _, fs, path::Path, sync::Arc};

use assert_cmd::Command;
use sev1::{
    actions::kinds,
    commands::{doctor::permissions, man, rbac},
    config::{self, template},
    journal::Journal,
    runtime::clock::SystemClock,
    sim::world::scenario,
    state::action,
};

/// A home of its own, so that nothing on this machine decides a test.
struct Home(tempfile::TempDir);

struct Answer {
    code: i32,
    out: String,
    err: String,
}

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::create_dir(home.path().join("work")).unwrap();
        home
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn run(&self, arguments: &[&str]) -> Answer {
        self.run_with(arguments, &[])
    }

    fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Answer {
        let mut command = Command::cargo_bin("sev1").unwrap();
        command.env_clear().env("HOME", self.path()).current_dir(self.path().join("work")).args(arguments);
        command.envs(variables.iter().copied());
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Answer { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs what must be refused: exit 2, one line, and not a byte for the terminal.
    fn refused(&self, arguments: &[&str], variables: &[(&str, &str)]) -> String {
        let answer = self.run_with(arguments, variables);
        assert_eq!(answer.code, 2, "{arguments:?}: {}", answer.err);
        assert_eq!(answer.out, "", "{arguments:?}");
        assert!(!answer.err.contains('\u{1b}'), "{arguments:?}: {:?}", answer.err);
        assert_eq!(answer.err.lines().count(), 1, "{arguments:?}: {}", answer.err);
        answer.err
    }
}

const KUBECONFIG: &str = "\
apiVersion: v1
kind: Config
current-context: staging
clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]
contexts: [{name: staging, context: {cluster: c, user: u}}, {name: prod-uk-1, context: {cluster: c, user: u}}]
users: [{name: u, user: {token: hunter2}}]
";

#[test]
fn a_missing_kubeconfig_is_named_with_a_remedy() {
    let home = Home::new();
    for arguments in [&[][..], &["status"], &["doctor"]] {
        let said = home.refused(arguments, &[]);
        assert!(said.contains("no kubeconfig at") && said.contains(".kube/config") && said.contains("--kubeconfig"), "{said}");
        let said = home.refused(&[arguments, &["--kubeconfig", "/nonexistent/file"]].concat(), &[]);
        assert!(said.contains("/nonexistent/file does not exist"), "{said}");
    }
}

#[test]
fn a_broken_kubeconfig_is_named_with_its_line_and_without_its_secrets() {
    let home = Home::new();
    let file = home.write("broken", "apiVersion: v1\nusers:\n- {name: u, user: {token: hunter2}\nclusters: [\n");
    let said = home.refused(&["status"], &[("KUBECONFIG", &file)]);
    assert!(said.contains(&file) && said.contains("line ") && !said.contains("hunter2"), "{said}");
}

#[test]
fn an_unknown_context_lists_the_known_ones() {
    let home = Home::new();
    let file = home.write("kubeconfig", KUBECONFIG);
    let said = home.refused(&["--context", "prod-uk", "--kubeconfig", &file], &[]);
    assert!(said.contains("prod-uk\"") && said.contains("prod-uk-1, staging"), "{said}");
}

#[test]
fn a_bad_url_is_named_with_where_it_was_written() {
    let home = Home::new();
    let said = home.refused(&["--prometheus", "localhost:9090"], &[]);
    assert!(said.contains("flag --prometheus") && said.contains("http://host:port"), "{said}");
    let said = home.refused(&["status"], &[("ELASTICSEARCH_URL", "ftp://me:hunter2@logs")]);
    assert!(said.contains("environment ELASTICSEARCH_URL") && !said.contains("hunter2"), "{said}");
    let said = home.refused(&["--elasticsearch", "http://me:hunter2@logs"], &[]);
    assert!(said.contains("password_file") && !said.contains("hunter2"), "{said}");
}

#[test]
fn a_bad_configuration_is_named_with_line_column_and_the_nearest_right_key() {
    let home = Home::new();
    for (text, expected) in [
        ("[looks]\nthem = 'day'\n", "config.toml:2:1: looks.them is no setting: did you mean theme?"),
        ("[refresh]\n  metrics = 5\n", "config.toml:2:13: refresh.metrics is the number 5, but must be a duration in quotes"),
        ("[keys]\nundoo = ['u']\n", "config.toml:2:9: keys.undoo: there is no such action"),
        ("[keys]\nundo-rollout = ['ctrl-']\n", "config.toml:2:16: keys.undo-rollout"),
        ("[looks\n", "config.toml:1:"),
    ] {
        home.write(".config/sev1/config.toml", text);
        for command in [&["config", "check"][..], &["status"], &["demo"], &[]] {
            let said = home.refused(command, &[]);
            assert!(said.contains(expected), "{command:?}: {expected}\nin {said}");
        }
    }
}

#[test]
fn everything_wrong_is_said_at_once() {
    let home = Home::new();
    let file = home.write("c.toml", "[looks]\ntheme = 1\nmouse = 2\n");
    let answer = home.run(&["config", "check", "--config", &file]);
    assert_eq!((answer.code, answer.err.lines().count()), (2, 2), "{}", answer.err);
}

#[test]
fn an_unknown_theme_has_a_near_one() {
    let said = Home::new().refused(&["demo", "--theme", "nigth"], &[]);
    assert!(said.contains("flag --theme") && said.contains("did you mean night?"), "{said}");
}

#[test]
fn a_file_in_the_working_directory_sets_no_server() {
    let home = Home::new();
    home.write("work/sev1.toml", "[servers.prometheus]\nurl = 'http://evil.example'\n[looks]\ntheme = 'day'\n");
    let answer = home.run(&["config", "show"]);
    assert_eq!(answer.code, 0);
    assert!(answer.err.contains("sev1.toml:2:7: servers.prometheus.url is ignored here"), "{}", answer.err);
    assert!(!answer.out.contains("evil") && answer.out.contains("sev1.toml:4:9"), "{}", answer.out);
}

#[test]
fn a_hostile_file_reaches_the_terminal_as_text_only() {
    let home = Home::new();
    home.write("work/sev1.toml", "\"\\u001b[2J\\u202e\" = 1\n[looks]\ntheme = \"\\u001b]0;x\\u0007\"\n");
    let answer = home.run(&["config", "check"]);
    assert_eq!(answer.code, 2);
    assert!(!answer.err.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{:?}", answer.err);
}

#[test]
fn show_says_value_and_origin_as_text_and_json() {
    let home = Home::new();
    let answer = home.run_with(&["config", "show", "-o", "json", "--read-only"], &[("SEV1_THEME", "day")]);
    let listing: serde_json::Value = serde_json::from_str(&answer.out).unwrap();
    let of = |name: &str| listing.as_array().unwrap().iter().find(|shown| shown["setting"] == name).unwrap().clone();
    assert_eq!(of("looks.theme"), serde_json::json!({"setting": "looks.theme", "value": "day", "from": {"environment": "SEV1_THEME"}}));
    assert_eq!(of("read_only")["from"], serde_json::json!({"flag": "--read-only"}));
    assert_eq!(of("looks.mouse")["from"], "default");
    let text = home.run(&["config", "show"]).out;
    assert!(text.lines().any(|line| line.starts_with("refresh.metrics ") && line.ends_with("\"5s\"  # default")), "{text}");
}

#[test]
fn init_writes_once_and_what_it_writes_is_right() {
    let home = Home::new();
    let answer = home.run(&["config", "init"]);
    assert_eq!(answer.code, 0, "{}", answer.err);
    let file = home.path().join(".config/sev1/config.toml");
    assert_eq!(fs::read_to_string(&file).unwrap(), template::text());
    fs::write(&file, "# mine\n").unwrap();
    let again = home.run(&["config", "init"]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("left alone"), "{}", again.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), "# mine\n");
    assert!(home.run(&["config", "check"]).out.contains("config.toml: right"));
}

#[test]
fn wrong_usage_is_two() {
    let home = Home::new();
    for arguments in [&["frobnicate"][..], &["--frobnicate"], &["status", "--timeout", "soon"], &["-n", "x", "-A"], &["demo", "--speed", "0"]] {
        assert_eq!(home.run(arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn completions_and_the_manual_page_print() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        let answer = home.run(&["completions", shell]);
        assert_eq!(answer.code, 0);
        assert!(answer.out.contains("sev1") && answer.out.contains("doctor"), "{shell}");
    }
    let page = home.run(&["man"]);
    assert_eq!(page.code, 0);
    assert!(page.out.contains(".TH") && page.out.contains("KEYS"), "{}", page.out);
}

#[test]
fn help_is_as_agreed() {
    let home = Home::new();
    let answer = home.run(&["-h"]);
    assert_eq!((answer.code, answer.err.as_str()), (0, ""));
    insta::assert_snapshot!("help", answer.out);
    assert_eq!(home.run(&["--version"]).out, format!("sev1 {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_dead_cluster_cannot_be_told() {
    let home = Home::new();
    let file = home.write("kubeconfig", KUBECONFIG);
    let answer = home.run(&["status", "--kubeconfig", &file, "--timeout", "5s"]);
    assert_eq!(answer.code, 2, "{}{}", answer.out, answer.err);
    assert!(answer.out.contains("Cannot tell"), "{}", answer.out);
    let answer = home.run(&["doctor", "--kubeconfig", &file, "--timeout", "5s"]);
    assert_eq!(answer.code, 1, "{}{}", answer.out, answer.err);
    assert!(answer.out.contains("FAIL  Kubernetes") && answer.out.contains("->") && !answer.out.contains("hunter2"), "{}", answer.out);
}

/// The part of a document between two marks; printed in full where it differs, to be pasted.
fn in_document(document: &str, mark: &str, expected: &str) {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(document)).unwrap();
    let (start, end) = (format!("<!-- {mark} -->\n"), format!("<!-- /{mark} -->"));
    let part = text.split_once(&start).and_then(|(_, rest)| rest.split_once(&end)).map(|(part, _)| part);
    if part != Some(expected) {
        println!("{document} differs from the program between the marks of {mark:?}; it should say:\n{expected}");
    }
    assert!(part == Some(expected), "{document}, {mark}");
}

#[test]
fn the_documents_have_every_default() {
    in_document("docs/configuration.md", "defaults", &format!("```toml\n{}```\n", template::text()));
}

#[test]
fn the_readme_and_the_help_have_every_scenario() {
    let help = Home::new().run(&["demo", "--help"]).out;
    let mut text = "| scenario | what happens |\n|---|---|\n".to_owned();
    for (name, title) in scenario::titles() {
        let _ = writeln!(text, "| `{name}` | {title} |");
        let is_line = |line: &str| line.trim_start().starts_with(name) && line.ends_with(&title);
        assert!(help.lines().any(is_line), "{name}: {title}\n{help}");
    }
    in_document("README.md", "scenarios", &text);
}

#[test]
fn the_documents_have_every_key() {
    let mut text = String::new();
    for group in action::Group::ALL {
        let _ = write!(text, "\n**{}**\n\n| key | |\n|---|---|\n", group.title());
        for (keys, action) in man::keys(group) {
            let _ = writeln!(text, "| `{keys}` | {} |", action.words);
        }
    }
    text += "\n**Fixed**\n\n| key | |\n|---|---|\n";
    for (keys, words) in action::FIXED_KEYS {
        let _ = writeln!(text, "| {keys} | {words} |");
    }
    in_document("docs/keys.md", "keys", &(text + "\n"));
}

#[test]
fn the_documents_have_every_permission() {
    let mut text = "\n| to | takes |\n|---|---|\n".to_owned();
    for (name, rights) in permissions::features() {
        let rights: Vec<String> = rbac::merged(rights.iter().copied()).iter().map(rbac::Merged::words).collect();
        let _ = writeln!(text, "| {name} | {} |", rights.join(", "));
    }
    in_document("docs/permissions.md", "permissions", &(text + "\n"));
}

#[test]
fn the_documents_have_every_kind_of_mitigation() {
    let mut text = "\n| kind | does | on | level | taken back by |\n|---|---|---|---|---|\n".to_owned();
    for entry in kinds::catalogue() {
        let spec = entry.spec;
        let on: Vec<_> = spec.on.iter().map(|kind| kind.singular()).collect();
        let more = if spec.more.is_empty() { String::new() } else { format!("; {}", spec.more) };
        let _ = writeln!(text, "| `{}` | {} | {} | {}{more} | {} |", spec.name, spec.summary, on.join(", "), spec.level.word(), spec.undo);
    }
    in_document("docs/mitigations.md", "kinds", &(text + "\n"));
}

#[test]
fn a_mitigation_without_a_screen_reads_its_words_before_it_asks_a_server() {
    let home = Home::new();
    let file = home.write("kubeconfig", KUBECONFIG);
    let run = |words: &[&str]| home.run(&[words, &["--kubeconfig", &file]].concat());
    let help = run(&["do", "--help"]);
    assert!(help.code == 0 && kinds::catalogue().iter().all(|entry| help.out.contains(entry.spec.name)), "{}", help.out);
    let help = run(&["do", "scale", "--help"]);
    assert!(help.code == 0 && help.out.contains("scale deployment|statefulset|replicaset/NAME REPLICAS"), "{}", help.out);
    assert!(help.out.contains("patch deployments/scale.apps"), "{}", help.out);
    for (words, says) in [
        (&["do", "explode", "deployment/x"][..], "explode"),
        (&["do"], "KIND"),
        (&["do", "scale", "deployment/x"], "lacks an argument"),
        (&["do", "scale", "pod/x", "3"], "cannot be done to"),
        (&["do", "scale", "deployment/x", "-A", "3"], "-n, not -A"),
        (&["do", "scale", "deployment/x", "3", "--yes-on", "elsewhere"], "--yes-on names elsewhere"),
        (&["do", "--plan", "nowhere.json"], "is no plan of sev1"),
    ] {
        let answer = run(words);
        assert!(answer.code == 2 && answer.err.contains(says), "{words:?}: {} {}", answer.code, answer.err);
    }
}

#[test]
fn a_context_whose_name_cannot_be_seen_is_read_and_never_written() {
    let home = Home::new();
    let context = |name: &str| serde_json::json!({"name": name, "context": {"cluster": "c", "user": "u"}});
    let raw = ["prod\tuk", "prod uk\u{202e}", " prod-uk-1", "pr\u{200b}od"];
    let contexts: Vec<_> = raw.iter().chain(&["prod    uk", "my prod's"]).map(|name| context(name)).collect();
    let config = serde_json::json!({
        "apiVersion": "v1", "kind": "Config", "current-context": raw[0], "contexts": contexts,
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}], "users": [{"name": "u", "user": {"token": "t"}}],
    });
    let file = home.write("kubeconfig", &config.to_string());
    let run = |words: &[&str], context: &str| home.run(&[words, &["--kubeconfig", &file, "--context", context]].concat());
    for name in raw {
        for said in ["prod    uk", name] {
            let answer = run(&["do", "scale", "deployment/x", "3", "--yes-on", said], name);
            assert!(answer.code == 2 && answer.err.contains("kubectl config rename-context"), "{name:?}: {} {}", answer.code, answer.err);
            assert!(answer.err.lines().count() == 1 && !answer.err.contains(['\u{202e}', '\u{200b}', '\t']), "{:?}", answer.err);
        }
        let answer = run(&["status", "--timeout", "5s"], name);
        assert!(answer.out.contains("Cannot tell") && !answer.err.contains("rename-context"), "it is read: {}{}", answer.out, answer.err);
    }
    for clear in ["prod    uk", "my prod's"] {
        let answer = run(&["do", "scale", "deployment/x", "3", "--yes-on", clear], clear);
        assert!(!answer.err.contains("rename-context") && !answer.err.contains("--yes-on names"), "{}", answer.err);
    }
}

#[test]
fn a_journal_that_is_not_what_was_written_is_told_by_audit() {
    let home = Home::new();
    let folder = home.path().join(".local/state/sev1/uid-1");
    let journal = |cluster: &str| Journal::new(folder.clone(), cluster.into(), "me".into(), Arc::new(SystemClock::new()));
    for number in 0..5 {
        journal("uid-1").append("note", &serde_json::json!({ "number": number })).unwrap();
    }
    let path = folder.join("journal.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    let audit = || home.run(&["audit", "verify"]);
    assert!(audit().code == 0 && audit().out.contains("intact, 5 records"), "{}", audit().out);
    fs::write(&path, whole.split_inclusive('\n').take(3).collect::<String>()).unwrap();
    assert!(audit().code == 1 && audit().out.contains("not intact: its end was cut: it has 3 records, and had 5"), "{}", audit().out);
    fs::write(&path, &whole).unwrap();
    let other = folder.with_file_name("uid-2");
    fs::rename(&folder, &other).unwrap();
    assert!(audit().code == 1 && audit().out.contains("another cluster, uid-1"), "{}", audit().out);
    fs::remove_dir_all(&other).unwrap();
    assert!(audit().code == 1 && audit().out.contains("not intact: it is gone, and had 5 records"), "{}", audit().out);
    fs::write(folder.with_extension("head"), "x").unwrap();
    assert!(audit().code == 1 && audit().out.contains("uid-1.head, which told where it ended, is damaged"), "{}", audit().out);
}

#[test]
fn a_journal_whose_second_place_is_gone_is_not_called_intact() {
    let home = Home::new();
    let root = home.path().join(".local/state/sev1");
    let folder = root.join("uid-1");
    let journal = Journal::new(folder.clone(), "uid-1".into(), "me".into(), Arc::new(SystemClock::new()));
    let intent = journal.append("intent", &serde_json::json!({})).unwrap();
    journal.keep(intent, &serde_json::json!({ "words": ["x"] })).unwrap();
    let audit = || home.run(&["audit", "verify"]);
    assert!(audit().code == 0 && audit().out.contains("intact, 2 records"), "{}", audit().out);
    fs::write(folder.join("undo/1.json"), "{}").unwrap();
    assert!(audit().code == 1 && audit().out.contains("undo/1.json does not match the journal"), "{}", audit().out);
    let head = root.join("uid-1.head");
    fs::write(&head, "{}").unwrap();
    assert!(audit().code == 1 && audit().out.contains("uid-1.head, which tells where it ended, is damaged"), "{}", audit().out);
    fs::remove_file(&head).unwrap();
    assert!(audit().code == 1 && audit().out.contains("uid-1.head, which tells where it ended, is missing"), "{}", audit().out);
    fs::remove_file(folder.join("journal.jsonl")).unwrap();
    assert!(audit().code == 1 && audit().out.contains("not intact: it is gone: undo/1.json takes back its record 1"), "{}", audit().out);
}

#[test]
fn the_least_rights_are_printed_without_a_cluster() {
    let home = Home::new();
    let answer = home.run(&["rbac", "--profile", "respond", "-n", "shop", "--group", "oncall"]);
    assert_eq!(answer.code, 0, "{}", answer.err);
    let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(&answer.out).unwrap();
    assert_eq!(documents.len(), 8);
    assert!(documents.iter().all(|document| document["apiVersion"] == "rbac.authorization.k8s.io/v1"), "{}", answer.out);
    assert_eq!(home.run(&["rbac", "--profile", "respond", "-n", "sh op"]).code, 2);
}

#[test]
fn the_themes_are_those_in_their_folder() {
    let mut files: Vec<String> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("themes"))
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().path().file_stem()?.to_str()?.to_owned()))
        .collect();
    files.sort();
    for known in [config::settings::THEMES, &action::THEMES] {
        let mut known: Vec<&str> = known.to_vec();
        known.sort_unstable();
        assert_eq!(known, files);
    }
}

/// Words of libraries and of the operating system's tables, which say nothing to who typed something.
const FOREIGN: [&str; 10] = [
    "os error",
    "invalid digit",
    "target type",
    "is not in 1..",
    "EOF while",
    "trailing characters",
    "expected value",
    "URL without a base",
    "invalid utf-8",
    "within 0 s",
];

#[test]
fn whatever_is_typed_wrongly_is_told_in_words_of_our_own() {
    let home = Home::new();
    let kubeconfig = home.write("kubeconfig", KUBECONFIG);
    let (empty, bytes) = (home.write("empty", ""), home.write("bytes", "\u{1}\u{2}x"));
    fs::write(home.path().join("binary"), [0xff_u8, 0xfe, 0x00]).unwrap();
    let binary = home.path().join("binary").display().to_string();
    let (folder, nowhere, nothing) = (home.path().display().to_string(), "/nonexistent/file".to_owned(), String::new());
    let at = ["--kubeconfig", kubeconfig.as_str()];
    let mut typed: Vec<Vec<&str>> = Vec::new();
    for number in ["x", "-1", "1.5", "", "99999999999999999999999"] {
        typed.extend([vec!["undo", "--", number], vec!["demo", "--seed", number], vec!["demo", "--pods", number]]);
        typed.push(vec!["do", "scale", "deployment/a", "--", number]);
        typed.extend([vec!["status", "--timeout", number], vec!["status", "--request-timeout", number], vec!["doctor", "--timeout", number]]);
    }
    typed.extend([
        vec!["demo", "--speed", "x"],
        vec!["demo", "--speed", "0"],
        vec!["demo", "--pods", "0"],
        vec!["demo", "--pods", "50001"],
        vec!["status", "--timeout", "0"],
        vec!["doctor", "--timeout", "0s"],
    ]);
    for file in [&empty, &bytes, &binary, &folder, &nowhere, &nothing] {
        typed.extend([
            vec!["status", "--kubeconfig", file],
            vec!["do", "--plan", file],
            vec!["audit", "verify", file],
            vec!["config", "check", "--config", file],
        ]);
    }
    for url in ["x", "http://", "http://h:99999", "ftp://h", "k8s://", "http://[::1", "http://a b"] {
        typed.extend(["--prometheus", "--alertmanager", "--elasticsearch"].map(|flag| vec!["status", flag, url]));
    }
    typed.extend([vec!["do", "restart", "deployment/a", "--yes-on", ""], vec!["rbac", "--profile", "view", "--group", ""]]);
    typed.extend([vec!["rbac", "--profile", "view", "--for-user", ""], vec!["status", "-n", "A B"], vec!["doctor", "-n", "../x"]]);
    typed.extend(["--context", "--cluster", "--user"].map(|flag| vec!["status", flag, "nope"]));
    for mut words in typed {
        let file_is_meant = words.contains(&"--kubeconfig");
        if !file_is_meant {
            // Before `--`, behind which everything is a word.
            words.splice(1..1, at);
        }
        let answer = home.run(&words);
        let harmless = words.contains(&empty.as_str()) && (words.contains(&"verify") || words.contains(&"check"));
        assert!(answer.code == 1 || answer.code == 2 || harmless, "{words:?}: {} {}", answer.code, answer.err);
        let said = answer.out + &answer.err;
        assert!(FOREIGN.iter().all(|word| !said.contains(word)), "{words:?}: {said}");
        assert!(!said.trim().is_empty(), "{words:?}");
    }
}

#[test]
fn what_is_not_in_the_kubeconfig_is_named_with_its_flag_its_file_and_what_there_is() {
    let home = Home::new();
    let file = home.write("kubeconfig", KUBECONFIG);
    for (flag, known) in [("--context", "staging"), ("--cluster", "use one of c"), ("--user", "use one of u")] {
        let said = home.refused(&["status", "--kubeconfig", &file, flag, "nope"], &[]);
        assert!([flag, known, "\"nope\"", &file].iter().all(|part| said.contains(part)), "{said}");
        // As for kubectl, what is empty is not given.
        let answer = home.run(&["status", "--kubeconfig", &file, flag, "", "--timeout", "1ms"]);
        assert!(answer.out.contains("Cannot tell"), "{flag}: {} {}", answer.out, answer.err);
    }
    let said = home.refused(&["status", "--kubeconfig", &home.write("empty", "")], &[]);
    assert!(said.contains("holds no context"), "{said}");
    let said = home.refused(&["status", "--kubeconfig", &file, "-n", "A B"], &[]);
    assert!(said.contains("-n is \"A B\"") && said.contains("cannot be the name of a namespace"), "{said}");
}
