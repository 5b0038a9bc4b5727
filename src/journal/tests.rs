//! The chain under tampering, crashes and company.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command, sync::Arc};

use chrono::DateTime;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::time::{Mono, Now};

/// A clock that stands.
pub(super) struct Still;

impl Clock for Still {
    fn now(&self) -> Now {
        Now { mono: Mono::ZERO, utc: DateTime::from_timestamp(1_795_399_200, 0).unwrap() }
    }
}

/// A cluster's, below one of its own: what is beside it goes with it.
struct Folder {
    path: PathBuf,
    _above: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        let above = tempfile::tempdir().unwrap();
        let path = above.path().join("uid-1");
        files::own_folder(&path).unwrap();
        Self { path, _above: above }
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

fn journal(directory: &Path) -> Journal {
    Journal::open(directory.to_owned(), "uid-1".into(), "oncall@gov".into(), Arc::new(Still)).unwrap()
}

fn written(count: u64) -> (Folder, Vec<u8>) {
    let directory = Folder::new();
    let journal = journal(directory.path());
    for number in 1..=count {
        assert_eq!(journal.append("note", &json!({ "text": format!("n {number}") })).unwrap(), Seq(number));
    }
    let bytes = fs::read(journal.path()).unwrap();
    (directory, bytes)
}

fn first_broken(path: &Path) -> Option<FirstBroken> {
    match verify(path) {
        Ok(_) => None,
        Err(VerifyError::Broken { broken, .. }) => Some(broken),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_record_says_who_where_when_and_what() {
    let (directory, bytes) = written(2);
    let lines: Vec<Value> =
        bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).map(|line| serde_json::from_slice(line).unwrap()).collect();
    assert_eq!(lines[0]["prev"], line::NO_LINE);
    assert_eq!(lines[1]["prev"], line::sha256(bytes.split(|&byte| byte == b'\n').next().unwrap()));
    assert_eq!(lines[1]["time"], "2026-11-23T02:00:00.000Z");
    assert_eq!(
        (&lines[1]["actor"], &lines[1]["cluster"], &lines[1]["kind"], &lines[1]["text"]),
        (&json!("oncall@gov"), &json!("uid-1"), &json!("note"), &json!("n 2"))
    );
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory.path().join(FILE_NAME)), 0o600);
    let nested = directory.path().join("a/b");
    drop(journal(&nested));
    assert_eq!(mode(&nested), 0o700);
}

#[test]
fn a_field_cannot_take_the_place_of_the_records_own() {
    let directory = Folder::new();
    let journal = journal(directory.path());
    journal.append("note", &json!({ "seq": 99, "prev": "x", "hash": "y", "text": "line\nbreak \u{1b}[2J" })).unwrap();
    journal.append("note", &Value::Null).unwrap();
    let summary = verify(&journal.path()).unwrap();
    assert_eq!(summary.records, 2);
    assert!(fs::read_to_string(journal.path()).unwrap().contains(r#""x_seq":99"#));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn an_altered_byte_is_named_by_its_line(position in any::<prop::sample::Index>(), flip in 1_u8..=255) {
        let (directory, mut bytes) = written(5);
        let position = position.index(bytes.len());
        let line = bytes[..position].split(|&byte| byte == b'\n').count() as u64;
        bytes[position] ^= flip;
        let path = directory.path().join(FILE_NAME);
        fs::write(&path, &bytes).unwrap();
        prop_assert_eq!(first_broken(&path).map(|broken| broken.line), Some(line));
    }

    #[test]
    fn a_removed_line_is_noticed_by_the_next(removed in 0_usize..4) {
        let (directory, bytes) = written(5);
        let kept: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').enumerate().filter(|(number, _)| *number != removed).map(|(_, line)| line).collect();
        let path = directory.path().join(FILE_NAME);
        fs::write(&path, kept.concat()).unwrap();
        prop_assert_eq!(first_broken(&path).map(|broken| broken.line), Some(removed as u64 + 1));
    }

    #[test]
    fn cut_anywhere_and_again_anywhere_it_goes_on(cut in any::<prop::sample::Index>(), again in any::<prop::sample::Index>()) {
        let (directory, bytes) = written(3);
        let path = directory.path().join(FILE_NAME);
        fs::write(&path, &bytes[..=cut.index(bytes.len())]).unwrap();
        journal(directory.path()).append("note", &json!({"text": "after the first crash"})).unwrap();
        verify(&path).unwrap();
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..=again.index(bytes.len())]).unwrap();
        journal(directory.path()).append("note", &json!({"text": "after the second crash"})).unwrap();
        prop_assert!(verify(&path).is_ok(), "{:?}", verify(&path));
    }
}

#[test]
fn a_cut_line_is_kept_and_named() {
    let (directory, bytes) = written(3);
    let path = directory.path().join(FILE_NAME);
    let cut = &bytes[..bytes.len() - 20];
    fs::write(&path, cut).unwrap();
    // A crash that cuts a line has not come to the head after it.
    let hash = line::sha256(bytes.split(|&byte| byte == b'\n').nth(1).unwrap());
    head::Head { seq: Seq(2), hash }.keep(directory.path());
    assert_eq!(first_broken(&path).unwrap().line, 3);
    journal(directory.path()).append("note", &json!({})).unwrap();
    let after = fs::read(&path).unwrap();
    assert!(after.starts_with(cut));
    let summary = verify(&path).unwrap();
    assert_eq!((summary.records, summary.repaired), (4, 1));
}

#[test]
fn an_altered_last_line_is_not_passed_off_as_a_crash() {
    let (directory, mut bytes) = written(3);
    let path = directory.path().join(FILE_NAME);
    let position = bytes.len() - 90;
    bytes[position] ^= 1;
    fs::write(&path, &bytes).unwrap();
    journal(directory.path()).append("note", &json!({})).unwrap();
    assert_eq!(first_broken(&path).unwrap().line, 3);
}

#[test]
fn many_writers_make_one_chain() {
    let directory = Folder::new();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let path = directory.path();
            scope.spawn(move || {
                let journal = journal(path);
                for number in 0..10 {
                    journal.append("note", &json!({ "writer": writer, "number": number })).unwrap();
                }
            });
        }
    });
    assert_eq!(verify(&directory.path().join(FILE_NAME)).unwrap().records, 40);
}

const CHILD: &str = "SEV1_TEST_JOURNAL";

/// Run by the test below in processes of its own; does nothing by itself.
#[test]
fn child_process_writer() {
    let Ok(directory) = std::env::var(CHILD) else { return };
    let journal = journal(Path::new(&directory));
    for number in 0..15 {
        journal.append("note", &json!({ "process": std::process::id(), "number": number })).unwrap();
    }
}

#[test]
fn two_processes_share_a_file() {
    let directory = Folder::new();
    let spawn = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "journal::tests::child_process_writer", "--quiet"]).env(CHILD, directory.path());
        command.stdout(std::process::Stdio::null()).spawn().unwrap()
    };
    let (mut first, mut second) = (spawn(), spawn());
    assert!(first.wait().unwrap().success() && second.wait().unwrap().success());
    assert_eq!(verify(&directory.path().join(FILE_NAME)).unwrap().records, 30);
}

#[test]
fn what_cannot_be_written_says_so_and_what_to_do() {
    let directory = Folder::new();
    // A file where the directory should be fails for root too.
    let blocked = directory.path().join("blocked");
    fs::write(&blocked, "").unwrap();
    let error = Journal::open(blocked.join("uid"), "uid".into(), "me".into(), Arc::new(Still)).err().unwrap().to_string();
    assert!(error.contains("could not create the directory") && error.contains("XDG_STATE_HOME"), "{error}");
    assert!(error.contains(blocked.to_str().unwrap()), "{error}");
}

#[test]
fn a_record_that_is_too_long_is_refused_whole() {
    let directory = Folder::new();
    let journal = journal(directory.path());
    let error = journal.append("note", &json!({ "text": "x".repeat(line::MAX_LINE) })).unwrap_err();
    assert!(matches!(error, JournalError::TooLong { .. }));
    assert_eq!(journal.append("note", &json!({})).unwrap(), Seq(1));
}

#[test]
fn a_stopped_process_that_holds_the_lock_does_not_freeze_this_one() {
    let directory = Folder::new();
    let journal = journal(directory.path());
    let other = File::options().append(true).open(journal.path()).unwrap();
    other.lock().unwrap();
    assert!(matches!(journal.append("note", &json!({})), Err(JournalError::Locked { .. })));
    drop(other);
    journal.append("note", &json!({})).unwrap();
}

#[test]
fn intents_without_an_end_are_found_once_their_run_is_dead() {
    let directory = Folder::new();
    let run = journal(directory.path());
    let done = run.append("intent", &json!({ "id": 1 })).unwrap();
    run.append("outcome", &json!({ "intent": done.0, "state": "done" })).unwrap();
    let unknown = run.append("intent", &json!({ "id": 2 })).unwrap();
    run.append("outcome", &json!({ "intent": unknown.0, "state": "unknown" })).unwrap();
    let resolved = run.append("intent", &json!({ "id": 3 })).unwrap();
    run.append("outcome", &json!({ "intent": resolved.0, "state": "unknown" })).unwrap();
    run.append("resolved", &json!({ "intent": resolved.0, "state": "done" })).unwrap();
    let lost = run.append("intent", &json!({ "id": 4 })).unwrap();
    let given_up = run.append("intent", &json!({ "id": 5 })).unwrap();
    run.append("resolved", &json!({ "intent": given_up.0, "state": "unknown", "last": true })).unwrap();

    let next = journal(directory.path());
    assert_eq!(next.open_intents().unwrap(), Vec::new());
    drop(run);
    let open: Vec<Seq> = next.open_intents().unwrap().into_iter().map(|intent| intent.seq).collect();
    assert_eq!(open, [unknown, lost]);
}

#[test]
fn a_hostile_cluster_uid_stays_in_its_directory() {
    let root = Root::OfUser.directory("0f3e-1").unwrap();
    assert!(root.ends_with("sev1/0f3e-1"));
    let hostile = Root::OfUser.directory("../../etc").unwrap();
    assert_eq!(hostile.parent(), root.parent());
}

/// Each is put where the journal has its file or a folder.
#[test]
fn what_others_may_write_or_what_leads_elsewhere_is_no_journal() {
    use std::os::unix::fs::{DirBuilderExt as _, symlink};
    let elsewhere = tempfile::tempdir().unwrap();
    let refused = |spoil: &dyn Fn(&Path)| {
        let state = tempfile::tempdir().unwrap();
        let directory = state.path().join("c");
        fs::DirBuilder::new().mode(0o700).create(&directory).unwrap();
        spoil(&directory);
        let error = usable(&directory).unwrap_err();
        assert!(matches!(error, JournalError::NotOurs { .. }), "{error}");
        assert!(error.to_string().contains("mitigations stay off until that is done"), "{error}");
        let journal = Journal::new(directory, "c".into(), "me".into(), Arc::new(Still));
        let appended = journal.append("intent", &Value::Null).and_then(|seq| journal.keep(seq, &Value::Null));
        assert!(matches!(appended, Err(JournalError::NotOurs { .. })), "{appended:?}");
        error.to_string()
    };
    let mode = |path: &Path, mode: u32| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    assert!(refused(&|directory| mode(directory, 0o777)).contains("can be written by others (mode 0777)"));
    assert!(refused(&|directory| mode(directory.parent().unwrap(), 0o775)).contains("the folder above it"));
    assert!(refused(&|directory| symlink(elsewhere.path().join("x"), directory.join(FILE_NAME)).unwrap()).contains("symbolic link"));
    assert!(refused(&|directory| symlink(elsewhere.path(), directory.join("undo")).unwrap()).contains("symbolic link"));
    let pipe = |directory: &Path| {
        assert!(std::process::Command::new("mkfifo").arg(directory.join(FILE_NAME)).status().unwrap().success());
    };
    assert!(refused(&pipe).contains("it is a pipe"));
    let socket = |directory: &Path| drop(std::os::unix::net::UnixListener::bind(directory.join(FILE_NAME)).unwrap());
    assert!(refused(&socket).contains("it is a socket"));
    let shared = |directory: &Path| {
        fs::write(directory.join(FILE_NAME), "").unwrap();
        mode(&directory.join(FILE_NAME), 0o666);
    };
    assert!(refused(&shared).contains("can be written by others (mode 0666)"));
    let twice = |directory: &Path| {
        fs::write(directory.join(FILE_NAME), "").unwrap();
        fs::set_permissions(directory.join(FILE_NAME), fs::Permissions::from_mode(0o600)).unwrap();
        fs::hard_link(directory.join(FILE_NAME), directory.with_extension("other")).unwrap();
    };
    assert!(refused(&twice).contains("it has 2 names (hard links)"));
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0, "nothing was written elsewhere");
}

/// What `sev1 audit verify` finds wrong in a folder below this root, joined.
fn wrong(folder: &Path) -> String {
    let root = Root::At(folder.parent().unwrap().to_owned());
    verify(&folder.join(FILE_NAME)).unwrap();
    examine(&folder.join(FILE_NAME), &root, Still.now().utc).unwrap().wrong.join("; ")
}

fn first_lines(bytes: &[u8], count: usize) -> Vec<u8> {
    bytes.split_inclusive(|&byte| byte == b'\n').take(count).flatten().copied().collect()
}

#[test]
fn a_cut_end_is_seen_by_the_head_and_stays_seen_when_the_journal_goes_on() {
    let (directory, bytes) = written(5);
    let (path, head) = (directory.path().join(FILE_NAME), head::path(directory.path()));
    assert_eq!(wrong(directory.path()), "");
    assert_eq!(fs::metadata(&head).unwrap().permissions().mode() & 0o777, 0o600);
    let former = fs::read(&head).unwrap();
    journal(directory.path()).append("note", &json!({})).unwrap();
    fs::write(&head, former).unwrap();
    assert_eq!(wrong(directory.path()), "", "a crash left the head behind");
    fs::write(&path, &bytes).unwrap();
    assert_eq!(wrong(directory.path()), "");
    fs::write(&path, first_lines(&bytes, 3)).unwrap();
    assert_eq!(wrong(directory.path()), "its end was cut: it has 3 records, and had 5");
    assert_eq!(journal(directory.path()).append("note", &json!({})).unwrap(), Seq(5), "one more says that it was cut");
    assert_eq!(wrong(directory.path()), "before record 4 its end was cut: it had 5 records once");
    fs::write(&path, "").unwrap();
    assert_eq!(wrong(directory.path()), "its end was cut: it has 0 records, and had 5");
}

#[test]
fn a_journal_that_was_written_anew_is_not_the_one_that_was() {
    let (directory, _) = written(3);
    let (_other, forged) = {
        let other = Folder::new();
        let journal = journal(other.path());
        for number in 1..=4 {
            journal.append("note", &json!({ "text": format!("forged {number}") })).unwrap();
        }
        let bytes = fs::read(journal.path()).unwrap();
        (other, bytes)
    };
    let path = directory.path().join(FILE_NAME);
    fs::write(&path, &forged).unwrap();
    assert_eq!(wrong(directory.path()), "it was written anew: record 3 is not the one that was written then");
    fs::write(&path, first_lines(&forged, 3)).unwrap();
    assert_eq!(wrong(directory.path()), "it was written anew: record 3 is not the one that was written then");
    journal(directory.path()).append("note", &json!({})).unwrap();
    assert!(wrong(directory.path()).contains("it had 3 records once"));
}

#[test]
fn without_a_head_what_is_kept_to_undo_tells_of_a_cut_end() {
    let (directory, bytes) = written(5);
    journal(directory.path()).keep(Seq(5), &json!({})).unwrap();
    fs::remove_file(head::path(directory.path())).unwrap();
    fs::write(directory.path().join(FILE_NAME), first_lines(&bytes, 3)).unwrap();
    let found = wrong(directory.path());
    assert!(found.starts_with("its end was cut: undo/5.json takes back record 5, and it has 3 records"), "{found}");
    journal(directory.path()).append("note", &json!({})).unwrap();
    let found = wrong(directory.path());
    assert!(found.contains("before record 4 its end was cut: it had 5 records once"), "it stays known: {found}");
}

/// What is done to the head of a journal in this folder.
type Spoiler = fn(&Path);

#[test]
fn a_head_that_is_missing_or_damaged_is_said_and_stays_said_when_the_journal_goes_on() {
    let spoilers: [(&str, Spoiler); 6] = [
        ("is missing", |head| fs::remove_file(head).unwrap()),
        ("it does not hold the number", |head| fs::write(head, "").unwrap()),
        ("it does not hold the number", |head| fs::write(head, "{\"seq\":").unwrap()),
        ("larger than", |head| fs::write(head, vec![b' '; 1 << 20]).unwrap()),
        ("it is a symbolic link", |head| {
            fs::rename(head, head.with_extension("aside")).unwrap();
            std::os::unix::fs::symlink(head.with_extension("aside"), head).unwrap();
        }),
        ("can be written by others", |head| fs::set_permissions(head, fs::Permissions::from_mode(0o666)).unwrap()),
    ];
    for (why, spoil) in spoilers {
        let (directory, _) = written(3);
        spoil(&head::path(directory.path()));
        let found = wrong(directory.path());
        assert!(found.contains("uid-1.head, which tells where it ended") && found.contains(why), "{why}: {found}");
        let again = journal(directory.path());
        again.append("note", &json!({})).unwrap();
        again.append("note", &json!({})).unwrap();
        let found = wrong(directory.path());
        assert!(found.contains("at record 4 nothing told where it had ended"), "{why}: {found}");
        assert_eq!(found.matches("nothing told").count(), 1, "{found}");
    }
}

#[test]
fn a_copy_elsewhere_has_no_head_and_needs_none() {
    let (directory, bytes) = written(2);
    let copy = Folder::new();
    fs::write(copy.path().join(FILE_NAME), bytes).unwrap();
    let found = examine(&copy.path().join(FILE_NAME), &Root::At(directory.path().parent().unwrap().to_owned()), Still.now().utc).unwrap();
    assert_eq!(found, Examination { wrong: Vec::new(), has_head: false });
}

#[test]
fn what_is_left_of_a_journal_that_is_gone_tells_of_it() {
    let (directory, _) = written(5);
    journal(directory.path()).keep(Seq(5), &json!({})).unwrap();
    let (path, root) = (directory.path().join(FILE_NAME), Root::At(directory.path().parent().unwrap().to_owned()));
    fs::remove_file(&path).unwrap();
    assert_eq!(left_of(&path).as_deref(), Some("it is gone, and had 6 records"));
    fs::write(head::path(directory.path()), "x").unwrap();
    assert!(left_of(&path).unwrap().contains("uid-1.head, which told where it ended, is damaged"));
    fs::remove_file(head::path(directory.path())).unwrap();
    assert!(left_of(&path).unwrap().contains("undo/5.json takes back its record 5"), "{:?}", left_of(&path));
    assert_eq!(root.files().unwrap(), std::slice::from_ref(&path));
    journal(directory.path()).append("note", &json!({})).unwrap();
    let found = wrong(directory.path());
    assert!(found.contains("before record 1 its end was cut: it had 5 records once"), "a new one says it too: {found}");
    let empty = Folder::new();
    assert_eq!(left_of(&empty.path().join(FILE_NAME)), None);
}

#[test]
fn a_time_that_is_still_to_come_is_said() {
    let (directory, _) = written(3);
    let root = Root::At(directory.path().parent().unwrap().to_owned());
    let at = |seconds: i64| {
        let now = Still.now().utc + chrono::TimeDelta::seconds(seconds);
        examine(&directory.path().join(FILE_NAME), &root, now).unwrap().wrong.join("; ")
    };
    assert_eq!((at(0).as_str(), at(-2).as_str()), ("", ""), "a clock that is being corrected");
    assert!(at(-3).starts_with("record 1 (and 2 others) is of 2026-11-23T02:00:00+00:00, which is still to come"), "{}", at(-3));
}

#[test]
fn what_is_kept_and_was_altered_is_said_by_its_file() {
    let (directory, _) = written(3);
    let run = journal(directory.path());
    run.keep(Seq(2), &json!({"words": ["3"]})).unwrap();
    run.keep(Seq(3), &json!({"words": ["3"]})).unwrap();
    assert_eq!(wrong(directory.path()), "");
    fs::write(directory.path().join("undo/2.json"), "{\"words\":[\"1\"]}").unwrap();
    fs::write(directory.path().join("undo/1.json"), "{}").unwrap();
    let found = wrong(directory.path());
    assert!(found.contains("undo/1.json does not match the journal") && found.contains("undo/2.json does not match the journal"), "{found}");
    assert!(!found.contains("undo/3.json"), "{found}");
}

#[test]
fn another_cluster_s_journal_is_none_of_this_folder() {
    let (directory, bytes) = written(2);
    let other = directory.path().with_file_name("uid-2");
    files::own_folder(&other).unwrap();
    fs::write(other.join(FILE_NAME), &bytes).unwrap();
    assert!(wrong(&other).starts_with("it is the journal of another cluster, uid-1, than the one its folder is for"), "{}", wrong(&other));
    let stranger = Journal::new(directory.path().to_owned(), "uid-3".into(), "me".into(), Arc::new(Still));
    stranger.append("note", &json!({})).unwrap();
    assert_eq!(wrong(directory.path()), "record 3 is of another cluster, uid-3, than those before");
}

#[test]
fn times_that_go_back_are_said_and_a_clock_that_is_corrected_is_not() {
    struct At(i64);
    impl Clock for At {
        fn now(&self) -> Now {
            Now { mono: Mono::ZERO, utc: DateTime::from_timestamp(1_795_399_200 + self.0, 0).unwrap() }
        }
    }
    let directory = Folder::new();
    let append = |at: i64| Journal::new(directory.path().to_owned(), "uid-1".into(), "me".into(), Arc::new(At(at))).append("note", &json!({}));
    for at in [0, 60, 58, 70] {
        append(at).unwrap();
    }
    assert!(!wrong(directory.path()).contains("go back"));
    append(10).unwrap();
    let found = wrong(directory.path());
    assert!(found.contains("its times go back at record 5, from 2026-11-23T02:01:10"), "{found}");
}

#[test]
fn what_others_could_read_is_closed_to_them_recorded_and_told_once() {
    let (directory, _) = written(2);
    let run = journal(directory.path());
    run.keep(Seq(2), &json!({})).unwrap();
    let files = [directory.path().join(FILE_NAME), head::path(directory.path()), directory.path().join("undo/2.json")];
    let folders = [directory.path().to_owned(), directory.path().join("undo")];
    let mode = |path: &PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let open = || {
        for path in &files {
            fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
        }
        for path in &folders {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
    };
    let are_closed = || files.iter().all(|path| mode(path) == 0o600) && folders.iter().all(|path| mode(path) == 0o700);
    open();
    let told = usable(directory.path()).unwrap();
    assert!(are_closed() && told.len() == 5, "{told:?}");
    assert!(told[1].ends_with("journal.jsonl could be read by others (mode 0644): it is closed to them, 0600"), "{told:?}");
    open();
    run.append("note", &json!({})).unwrap();
    assert!(are_closed());
    assert_eq!((run.take_closed().len(), run.take_closed().len()), (5, 0));
    let bytes = fs::read_to_string(run.path()).unwrap();
    assert_eq!(bytes.matches("closed_to_others").count(), 1, "{bytes}");
}

const CHILD_UNTIL: &str = "SEV1_TEST_JOURNAL_UNTIL";

/// Run by the tests below in processes of its own; does nothing by itself. Writes until it cannot, or for ever.
#[test]
fn child_process_that_writes_until_it_cannot() {
    let Ok(directory) = std::env::var(CHILD_UNTIL) else { return };
    let journal = journal(Path::new(&directory));
    loop {
        let written = journal.append("intent", &json!({ "process": std::process::id() })).and_then(|seq| {
            journal.keep(seq, &json!({ "done": false }))?;
            journal.keep(seq, &json!({ "done": true }))
        });
        if let Err(error) = written {
            println!("{error}");
            return;
        }
    }
}

/// A process of that kind, by a shell that does `first`.
fn writing(directory: &Path, first: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{first} exec \"$0\" \"$@\"")]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", "journal::tests::child_process_that_writes_until_it_cannot", "--nocapture", "--quiet"]);
    command.env(CHILD_UNTIL, directory).stdout(std::process::Stdio::piped());
    command
}

#[test]
fn a_full_disk_is_said_and_leaves_the_journal_whole() {
    let directory = Folder::new();
    // No file may be longer than 4 or 8 KiB, as the shell counts: what is longer is cut in the middle, as by a disk without room.
    let ended = writing(directory.path(), "trap '' XFSZ; ulimit -f 8;").output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(said.contains("could not append to") && said.contains("mitigations stay off"), "{said}");
    let before = fs::read(directory.path().join(FILE_NAME)).unwrap();
    journal(directory.path()).append("note", &json!({ "text": "there is room again" })).unwrap();
    assert!(fs::read(directory.path().join(FILE_NAME)).unwrap().starts_with(&before));
    assert_eq!(wrong(directory.path()), "");
}

#[test]
fn killed_in_the_middle_of_its_writes_it_is_whole_and_nothing_is_said_to_be_altered() {
    let directory = Folder::new();
    for round in 1..=4_u64 {
        let mut child = writing(directory.path(), "").spawn().unwrap();
        let length = || fs::metadata(directory.path().join(FILE_NAME)).map_or(0, |found| found.len());
        let until = length() + 3_000 * round;
        while length() < until && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        journal(directory.path()).append("note", &json!({ "text": "the next run" })).unwrap();
        assert_eq!(wrong(directory.path()), "", "round {round}");
    }
}

#[test]
fn of_a_journal_that_was_blown_up_only_the_end_is_looked_through_and_that_is_said() {
    let (directory, first) = written_intent("long ago");
    let (_, last) = written_intent("just so");
    assert_eq!(too_long(directory.path()), None);
    let path = directory.path().join(FILE_NAME);
    let file = File::options().append(true).open(&path).unwrap();
    file.set_len(10 << 30).unwrap();
    (&file).write_all(&[b"\n", &last[..]].concat()).unwrap();
    let open = open_intents(directory.path()).unwrap();
    let titles: Vec<_> = open.iter().map(|open| open.record["title"].clone()).collect();
    assert_eq!(titles, ["just so"], "of {} bytes before", first.len());
    let why = too_long(directory.path()).unwrap();
    assert!(why.contains("has 10240 MiB, and only its last 64 MiB are looked through") && why.contains("move it away"), "{why}");
    assert_eq!(saved_plan(directory.path(), "uid-1", "abc"), None);
    assert_eq!(journal(directory.path()).kept(), []);
}

fn written_intent(title: &str) -> (Folder, Vec<u8>) {
    let directory = Folder::new();
    let journal = journal(directory.path());
    journal.append("intent", &json!({ "title": title })).unwrap();
    let bytes = fs::read(journal.path()).unwrap();
    (directory, bytes)
}

#[test]
fn a_journal_that_others_may_write_is_not_called_whole() {
    let (directory, _) = written(3);
    let path = directory.path().join(FILE_NAME);
    assert_eq!(wrong(directory.path()), "");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(wrong(directory.path()).contains("may be another's work: "), "{}", wrong(directory.path()));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::hard_link(&path, directory.path().join("second")).unwrap();
    assert!(wrong(directory.path()).contains("2 names"), "{}", wrong(directory.path()));
}

#[test]
fn a_record_that_is_being_written_is_no_cut_one() {
    use std::io::Write as _;
    let (directory, bytes) = written(3);
    let path = directory.path().join(FILE_NAME);
    let end = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    let half = end + (bytes.len() - end) / 2;
    fs::write(&path, &bytes[..half]).unwrap();
    assert!(first_broken(&path).is_some(), "nobody writes: it was cut");
    let mut writer = fs::OpenOptions::new().append(true).open(&path).unwrap();
    writer.lock().unwrap();
    let (begun, looks) = std::sync::mpsc::sync_channel(1);
    let verified = {
        let path = path.clone();
        std::thread::spawn(move || {
            begun.send(()).unwrap();
            first_broken(&path)
        })
    };
    looks.recv().unwrap();
    writer.write_all(&bytes[half..]).unwrap();
    writer.unlock().unwrap();
    assert_eq!(verified.join().unwrap(), None);
}
