//! One run of a credential plugin, as a process.

use std::{
    ffi::OsStr,
    io::{ErrorKind, IsTerminal as _},
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::Duration,
};

use rustix::process::Pid;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader},
    process::Command,
};

use super::{Asks, Given, Plugin, answer};
use crate::{
    domain::{secrecy, text::Text},
    files,
};

/// A run that takes longer is ended: it may hang, and nothing would ever try again.
const LONGEST_RUN: Duration = Duration::from_mins(5);
/// What it says on standard error after it ended is waited for so long: a process that it left behind may keep that open.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// The same for its answer, which it has written by then.
const LAST_BYTES: Duration = Duration::from_secs(1);
/// A credential is a few kilobytes.
const ANSWER_LIMIT: u64 = 1 << 20;
/// Lines of standard error that are kept, and bytes of each.
const KEPT_LINES: usize = 3;
const LINE_LIMIT: u64 = 4 << 10;
/// Characters of its words in a message.
const WORDS: usize = 400;

/// The credential, or why there is none in words that name the plugin.
pub(super) async fn run(plugin: &Arc<Plugin>) -> Result<Given, Text> {
    let (spec, title) = (&plugin.spec, plugin.title());
    let failed = |why: &str| Text::bounded(&format!("{title} {why}"), 2 * WORDS);
    let lends = plugin.lends_terminal.load(Ordering::Relaxed) && std::io::stdin().is_terminal();
    if spec.asks == Asks::Always && !lends {
        return Err(failed(
            "asks on the terminal (interactiveMode: Always), and there is none for it: log in with it in a shell, or set IfAvailable",
        ));
    }
    let given =
        spec.env.iter().cloned().chain(std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))));
    given.filter(|(name, _)| secrecy::is_secret_name(name)).for_each(|(_, value)| secrecy::ours(&value));
    let is_interactive = lends && spec.asks != Asks::Never;
    let Some(path) = found(&spec.command, std::env::var_os("PATH").as_deref()) else {
        return Err(failed(&not_started(plugin, ErrorKind::NotFound.into())));
    };
    let mut command = Command::new(path);
    command.arg0(&spec.command).args(&spec.args).envs(spec.env.iter().map(|(name, value)| (name, value)));
    command.env("KUBERNETES_EXEC_INFO", answer::question(spec, is_interactive)).kill_on_drop(true);
    let (stdin, stderr) = if is_interactive { (Stdio::inherit(), Stdio::inherit()) } else { (Stdio::null(), Stdio::piped()) };
    // Beside the cockpit what it starts ends with it. Beside a command it ends with that, by whatever signal a shell sends to both.
    let is_apart = !plugin.lends_terminal.load(Ordering::Relaxed);
    if is_apart {
        command.process_group(0);
    }
    let mut child = command.stdin(stdin).stdout(Stdio::piped()).stderr(stderr).spawn().map_err(|error| failed(&not_started(plugin, error)))?;
    let group = Group(plugin);
    *plugin.group.lock().unwrap_or_else(PoisonError::into_inner) = child.id().filter(|_| is_apart).and_then(|id| Pid::from_raw(id.cast_signed()));
    let said = Arc::new(Mutex::new(Vec::new()));
    let listening = child.stderr.take().map(|stderr| tokio::spawn(listen(plugin.clone(), stderr, said.clone())));
    let stdout = child.stdout.take();
    let ending = async {
        let mut answer = Vec::new();
        let mut wait = async || {
            let status = child.wait().await;
            plugin.has_ended();
            status
        };
        let Some(stdout) = stdout else { return Ok((wait().await?, answer)) };
        let mut stdout = stdout.take(ANSWER_LIMIT);
        let status = tokio::select! {
            read = read_on(&mut stdout, &mut answer) => {
                read?;
                wait().await?
            }
            status = wait() => {
                // What it left behind may keep its output open for ever.
                let _ = tokio::time::timeout(LAST_BYTES, read_on(&mut stdout, &mut answer)).await;
                status?
            }
        };
        Ok::<_, std::io::Error>((status, answer))
    };
    let ended = tokio::time::timeout(LONGEST_RUN, ending).await;
    drop(group);
    if let Some(mut listening) = listening
        && tokio::time::timeout(LAST_WORDS, &mut listening).await.is_err()
    {
        listening.abort();
    }
    let said = said.lock().unwrap_or_else(PoisonError::into_inner).join(" ");
    let words = if said.is_empty() { String::new() } else { format!(": {}", Text::bounded(&said, WORDS)) };
    match ended {
        Err(_) => Err(failed(&format!("did not end within {} minutes and was stopped{words}", LONGEST_RUN.as_secs() / 60))),
        Ok(Err(error)) => Err(failed(&format!("could not be read: {}", files::plain(error)))),
        Ok(Ok((status, _))) if !status.success() => Err(failed(&format!("failed ({}){words}{}", how(status), hint(plugin, status)))),
        Ok(Ok((_, answer))) => answer::read(spec, &answer).map_err(|why| failed(&why)),
    }
}

/// May be cancelled: what was read until then is in `answer`.
async fn read_on(from: &mut (impl AsyncRead + Unpin), answer: &mut Vec<u8>) -> std::io::Result<()> {
    while from.read_buf(answer).await? > 0 {}
    Ok(())
}

/// Ends the processes of a run that is not waited for to its end.
struct Group<'p>(&'p Plugin);

impl Drop for Group<'_> {
    fn drop(&mut self) {
        self.0.kill();
    }
}

/// A name is looked for on our own `PATH`, as Go does it, and not on one that the kubeconfig sets for the plugin.
fn found(command: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    if command.contains('/') {
        return Some(PathBuf::from(command));
    }
    let can_run = |path: &PathBuf| std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
    std::env::split_paths(path?).filter(|folder| folder.is_absolute()).map(|folder| folder.join(command)).find(can_run)
}

fn not_started(plugin: &Plugin, error: std::io::Error) -> String {
    let command = &plugin.spec.command;
    if error.kind() != ErrorKind::NotFound {
        return format!("could not be started ({command}: {})", files::plain(error));
    }
    let place = if command.contains('/') { format!("there is no {command}") } else { format!("{command} is not on PATH") };
    format!("is not installed: {place}{}", install_hint(plugin))
}

/// A shell that does not find the command says so by its exit code.
fn hint(plugin: &Plugin, status: ExitStatus) -> String {
    if status.code() == Some(127) { install_hint(plugin) } else { String::new() }
}

fn install_hint(plugin: &Plugin) -> String {
    plugin.spec.install_hint.as_ref().map_or_else(String::new, |hint| format!(". {}", hint.trim()))
}

fn how(status: ExitStatus) -> String {
    status.code().map_or_else(|| "ended by a signal".to_owned(), |code| format!("exit code {code}"))
}

/// Keeps the last lines of its standard error, and says each as it comes.
async fn listen(plugin: Arc<Plugin>, stderr: impl AsyncRead + Unpin, said: Arc<Mutex<Vec<String>>>) {
    let mut stderr = BufReader::new(stderr);
    loop {
        let mut line = Vec::new();
        match (&mut stderr).take(LINE_LIMIT).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let line = secrecy::hide(line);
        plugin.says(Text::bounded(&line, WORDS));
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() == KEPT_LINES {
            said.remove(0);
        }
        said.push(line);
    }
}
