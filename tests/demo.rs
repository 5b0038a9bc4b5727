//! A served demo from outside: what it prints can be pasted, what is done to it is its own, and nothing of it stays.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

struct Demo {
    served: Child,
    /// The lines that it printed before it waited.
    said: Vec<String>,
}

impl Demo {
    fn serve(home: &Path) -> Self {
        let mut served = sev1(home).args(["demo", "--serve", "--speed", "10"]).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(served.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut said: Vec<_> = Vec::new();
        for line in lines {
            let is_last = line.contains("Ctrl-C");
            said.push(line);
            if is_last {
                break;
            }
        }
        Self { served, said }
    }

    fn commands(&self) -> Vec<&str> {
        self.said.iter().map(String::as_str).filter(|line| !line.starts_with('#') && !line.starts_with("export ")).collect()
    }

    fn exported(&self, name: &str) -> &str {
        self.said.iter().find_map(|line| line.strip_prefix("export ")?.strip_prefix(name)?.strip_prefix('=')).unwrap()
    }

    fn folder(&self) -> PathBuf {
        Path::new(self.exported("KUBECONFIG")).parent().unwrap().to_owned()
    }

    /// Ends it as Ctrl-C does.
    fn end(mut self) {
        Command::new("kill").args(["-INT", &self.served.id().to_string()]).status().unwrap();
        self.served.wait().unwrap();
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.served.kill();
        let _ = self.served.wait();
    }
}

fn prepared(mut command: Command, home: &Path) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("HOME", home).env("TMPDIR", home).current_dir(home).stdin(Stdio::null());
    command
}

fn sev1(home: &Path) -> Command {
    prepared(Command::new(env!("CARGO_BIN_EXE_sev1")), home)
}

fn shell(home: &Path, line: &str) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", line]);
    prepared(command, home).output().unwrap()
}

fn has(program: &str) -> bool {
    Command::new(program).arg("--help").output().is_ok()
}

#[test]
fn every_command_that_a_served_demo_prints_works_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    let demo = Demo::serve(home.path());
    let mut run = 0;
    for command in demo.commands() {
        let program = command.split(' ').next().unwrap();
        if !has(program) {
            eprintln!("SKIPPED: {program} is not on PATH: {command}");
            continue;
        }
        let answer = shell(home.path(), command);
        let (out, err) = (String::from_utf8_lossy(&answer.stdout), String::from_utf8_lossy(&answer.stderr));
        assert!(answer.status.success() && !out.trim().is_empty(), "{command}\n{out}\n{err}");
        run += 1;
    }
    let printed = demo.said.join("\n");
    assert!(run >= 6 && ["kubectl", "curl", "do run ", "--yes-on", "undo", "audit verify"].iter().all(|part| printed.contains(part)), "{printed}");
    assert_eq!(journals(&demo.folder().join("state")).len(), 1);
    assert!(!home.path().join(".local").exists(), "the user's own state is not a demo's");
    let folder = demo.folder();
    demo.end();
    assert!(!folder.exists());
}

/// Folders of journals; beside each stands where it ended.
fn journals(state: &Path) -> Vec<PathBuf> {
    fs::read_dir(state).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
}

#[test]
fn what_was_done_to_one_demo_is_not_undone_in_the_next() {
    let home = tempfile::tempdir().unwrap();
    let (one, other) = (Demo::serve(home.path()), Demo::serve(home.path()));
    let ask = |demo: &Demo, words: &[&str]| {
        let answer = sev1(home.path()).args(["--kubeconfig", demo.exported("KUBECONFIG")]).args(words).output().unwrap();
        String::from_utf8(answer.stdout).unwrap()
    };
    ask(&one, &["do", "scale", "deployment/web-portal", "5", "--yes-on", "prod-uk-1"]);
    assert!(ask(&one, &["undo", "--list"]).contains("Scale"));
    assert!(ask(&other, &["undo", "--list"]).contains("nothing that sev1 did"));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&one.folder()), mode(&one.folder().join("kubeconfig"))), (0o700, 0o600));
    // One that is killed leaves its folder; the next start removes it, and not that of the one that lives.
    let left = one.folder();
    drop(one);
    assert!(left.exists());
    let third = Demo::serve(home.path());
    assert!(!left.exists() && other.folder().exists() && third.folder().exists());
}

/// Changes something about the state folder, and whether `do` and `undo` still write.
#[test]
fn nothing_is_written_while_others_could_rewrite_the_record_and_watching_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let demo = Demo::serve(home.path());
    let run = |words: &[&str]| {
        let answer = sev1(home.path()).args(["--kubeconfig", demo.exported("KUBECONFIG")]).args(words).output().unwrap();
        (answer.status.code(), String::from_utf8_lossy(&answer.stdout).into_owned() + &String::from_utf8_lossy(&answer.stderr))
    };
    let scale = |replicas: &str| run(&["do", "scale", "deployment/web-portal", replicas, "--yes-on", "prod-uk-1"]);
    let (code, said) = scale("5");
    assert_eq!(code, Some(0), "{said}");
    let state = demo.folder().join("state");
    let cluster = journals(&state).remove(0);
    let mode = |path: &Path, mode: u32| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let (journal, aside) = (cluster.join("journal.jsonl"), cluster.join("aside"));
    let refused = |what: &str, reason: &str| {
        for (code, said) in [scale("4"), run(&["undo"])] {
            assert!(code != Some(0) && said.contains(reason), "{what}: {code:?} {said}");
        }
        let (code, said) = run(&["doctor"]);
        assert!(code == Some(1) && said.contains("FAIL  journal") && said.contains(reason), "{what}: {said}");
        let (_, said) = run(&["status"]);
        assert!(said.contains("HighErrorRate"), "{what}: {said}");
    };
    for (folder, usual) in [(&cluster, 0o700), (&state, 0o700), (&home.path().to_owned(), 0o700)] {
        mode(folder, 0o777);
        refused(&folder.display().to_string(), "can be written by others (mode 0777)");
        mode(folder, usual);
    }
    for what in ["link", "pipe"] {
        fs::rename(&journal, &aside).unwrap();
        if what == "link" {
            std::os::unix::fs::symlink(&aside, &journal).unwrap();
        } else {
            assert!(Command::new("mkfifo").arg(&journal).status().unwrap().success());
        }
        refused(what, if what == "link" { "symbolic link" } else { "pipe" });
        fs::remove_file(&journal).unwrap();
        fs::rename(&aside, &journal).unwrap();
    }
    fs::rename(cluster.join("undo"), &aside).unwrap();
    std::os::unix::fs::symlink(&aside, cluster.join("undo")).unwrap();
    refused("undo", "symbolic link");
    fs::remove_file(cluster.join("undo")).unwrap();
    fs::rename(&aside, cluster.join("undo")).unwrap();
    let (code, said) = run(&["undo"]);
    assert!(said.contains("Scale"), "{code:?} {said}");
}
