//! Arguments that are a program of their own: what an interpreter, a remote shell or a database runs as it stands there.
//!
//! A value in one of them would be a part of that program. It belongs after it, as an argument that the program reads.

use super::{Piece, SHELLS, pieces};

/// What takes code, and where.
struct Interpreter {
    /// In small letters, without the version at the end.
    names: &'static [&'static str],
    takes: Takes,
}

enum Takes {
    /// After one of these letters, in a cluster of short options too, or one of these long options; and a file of code, the first argument
    /// that is no option.
    Options(&'static str, &'static [&'static str]),
    /// The same, and the first argument that is no option is code itself.
    First(&'static str, &'static [&'static str]),
    /// SQL after these: a value between single quotes stays there, since no value has one, and a number is one anywhere.
    Sql(&'static str, &'static [&'static str]),
    /// A filter, the first argument that is no option; what `--arg NAME` is followed by is a value.
    Filter,
    /// All that follows is put together for a shell, or may name the program that is run.
    All,
    /// The same once one of these words is among it.
    AllAfter(&'static [&'static str]),
    /// A program and its arguments, which are looked at in their turn: after options, numbers and NAME=VALUE, which may name another program.
    /// These letters are options that take text apart.
    Program(&'static str, &'static [&'static str]),
    /// As `AllAfter`, and the first argument that is neither an option nor the value of one says what is done.
    Command(&'static [&'static str]),
    /// As `Sql`, and what follows the first argument that is no option is SQL.
    SqlArgument(&'static str, &'static [&'static str]),
}

const INTERPRETERS: &[Interpreter] = &[
    Interpreter { names: SHELLS, takes: Takes::Options("c", &["--init-file", "--rcfile", "--command", "--commands"]) },
    Interpreter { names: &["python", "pypy", "ipython", "jython", "micropython"], takes: Takes::Options("cm", &[]) },
    Interpreter { names: &["python", "pypy", "ipython", "jython"], takes: Takes::AllAfter(CODE_OF_PYTHON) },
    Interpreter { names: &["perl", "ruby", "jruby", "raku", "crystal"], takes: Takes::Options("eE", &[]) },
    Interpreter { names: &["node", "nodejs", "bun", "deno"], takes: Takes::Options("epr", &["--eval", "--print", "--require", "--import", "eval"]) },
    Interpreter { names: &["php"], takes: Takes::Options("rBREf", &["--run", "--process-begin", "--process-code", "--process-end", "--file"]) },
    Interpreter {
        names: &[
            "lua",
            "luajit",
            "rscript",
            "r",
            "julia",
            "elixir",
            "iex",
            "ghc",
            "ghci",
            "runghc",
            "groovy",
            "scala",
            "osascript",
            "pwsh",
            "powershell",
            "jshell",
            "erl",
            "escript",
            "tclsh",
            "wish",
            "guile",
            "sbcl",
            "clisp",
            "swipl",
            "octave",
            "gnuplot",
            "emacs",
            "qjs",
            "java",
            "kotlin",
            "dotnet",
            "mono",
            "m4",
            "bc",
            "dc",
            "ed",
            "lldb",
            "dlv",
        ],
        takes: Takes::Options("eEcoO", &["--eval", "--print", "--one-line", "--expression", "-eval", "-command", "-Command", "-jar", "-cp"]),
    },
    Interpreter { names: &["awk", "gawk", "mawk", "nawk", "sed", "gsed"], takes: Takes::First("ef", &["--source", "--expression", "--file"]) },
    Interpreter { names: &["jq", "gojq", "jaq", "yq", "xq", "tomlq", "dasel"], takes: Takes::Filter },
    Interpreter {
        names: &["su", "script", "sg", "vim", "vi", "view", "nvim", "ex", "gdb", "tmux", "screen", "less", "man"],
        takes: Takes::Options("cSxs", &["--command", "--eval-command", "--init-eval-command", "--cmd"]),
    },
    Interpreter {
        names: &[
            "ssh",
            "rsh",
            "dbclient",
            "watch",
            "parallel",
            "eval",
            "exec",
            "xargs",
            "expect",
            "nsenter",
            "doas",
            "sudo",
            "chroot",
            "unshare",
            "strace",
            "ltrace",
            "gosu",
            "setpriv",
            "capsh",
            "start-stop-daemon",
            "systemd-run",
            "bwrap",
            "firejail",
            "entr",
            "socat",
            "at",
            "batch",
            "run-parts",
            "make",
            "gmake",
            "npx",
            "uvx",
            "pipx",
            "flock",
            "runuser",
            "choom",
            "s6-setuidgid",
            "cgexec",
            "ld.so",
            "ld-linux.so",
            "ld-linux-x86-64.so",
            "ld-linux-aarch64.so",
            "ld-musl-x86_64.so",
            "ld-musl-aarch64.so",
            "dbus-run-session",
            "xvfb-run",
            "sshpass",
            "rlwrap",
            "proxychains",
            "torsocks",
            "fakeroot",
            "valgrind",
            "perf",
            "ts-node",
            "tsx",
            "rails",
            "rake",
            "bundle",
            "npm",
            "yarn",
            "pnpm",
            "uv",
            "poetry",
            "mix",
            "django-admin",
            "manage.py",
            "artisan",
            "bpftrace",
            "stap",
            "spark-shell",
            "mysqlsh",
            "usql",
            "hive",
            "beeline",
            "ansible",
            "gs",
            "isql",
            "sqlplus",
        ],
        takes: Takes::All,
    },
    Interpreter { names: &["ip", "consul"], takes: Takes::AllAfter(&["exec"]) },
    Interpreter { names: &["etcdctl"], takes: Takes::AllAfter(&["watch"]) },
    Interpreter { names: &["rabbitmqctl"], takes: Takes::AllAfter(&["eval", "eval_file"]) },
    Interpreter { names: &["sort"], takes: Takes::AllAfter(&["--compress-program"]) },
    Interpreter { names: &["split"], takes: Takes::AllAfter(&["--filter"]) },
    Interpreter { names: &["rg"], takes: Takes::AllAfter(&["--pre"]) },
    Interpreter { names: &["gcc", "g++", "cc", "c++", "clang", "clang++"], takes: Takes::AllAfter(&["-wrapper", "-B"]) },
    Interpreter { names: &["wget"], takes: Takes::AllAfter(&["--use-askpass", "--config", "-e", "--execute"]) },
    Interpreter { names: &["curl"], takes: Takes::AllAfter(&["-K", "--config"]) },
    Interpreter { names: &["kubectl", "oc", "k"], takes: Takes::AllAfter(&["exec", "run", "debug", "attach", "cp", "rsh", "plugin"]) },
    Interpreter {
        names: &["docker", "podman", "nerdctl", "crictl", "ctr", "lxc", "buildah"],
        takes: Takes::AllAfter(&["exec", "run", "create", "task"]),
    },
    Interpreter { names: &["find", "gfind"], takes: Takes::AllAfter(&["-exec", "-execdir", "-ok", "-okdir"]) },
    Interpreter { names: &["fd", "fdfind"], takes: Takes::AllAfter(&["-x", "-X", "--exec", "--exec-batch"]) },
    Interpreter { names: &["nc", "ncat", "netcat"], takes: Takes::AllAfter(&["-e", "-c", "--exec", "--sh-exec", "--lua-exec"]) },
    Interpreter { names: &["git"], takes: Takes::AllAfter(&["-c", "--exec-path", "bisect", "--upload-pack"]) },
    Interpreter { names: &["rsync", "scp", "sftp"], takes: Takes::AllAfter(&["-e", "--rsh", "--rsync-path", "-S"]) },
    Interpreter {
        names: &["tar", "gtar", "bsdtar", "zip"],
        takes: Takes::AllAfter(&["-I", "-F", "-TT", "--to-command", "--use-compress-program", "--checkpoint-action"]),
    },
    Interpreter { names: &["env", "genv"], takes: Takes::Program("S", &["--split-string"]) },
    Interpreter {
        names: &[
            "busybox",
            "toybox",
            "timeout",
            "gtimeout",
            "nice",
            "ionice",
            "nohup",
            "setsid",
            "stdbuf",
            "time",
            "command",
            "builtin",
            "tini",
            "dumb-init",
            "su-exec",
            "chrt",
            "taskset",
            "numactl",
            "prlimit",
            "unbuffer",
            "catchsegv",
            "linux",
            "setarch",
            "faketime",
            "chpst",
            "softlimit",
            "setuidgid",
        ],
        takes: Takes::Program("", &[]),
    },
    Interpreter { names: &["mongo", "mongosh"], takes: Takes::Options("f", &["--eval", "-eval", "--file"]) },
    Interpreter {
        names: &["redis-cli", "valkey-cli", "keydb-cli"],
        takes: Takes::Command(&["eval", "EVAL", "eval_ro", "EVAL_RO", "--eval", "function", "FUNCTION", "script", "SCRIPT"]),
    },
    Interpreter { names: &["psql", "pgcli", "cockroach", "duckdb"], takes: Takes::Sql("cef", &["--command", "--execute", "--file"]) },
    Interpreter {
        names: &["mysql", "mariadb", "mycli", "cqlsh", "sqlcmd", "clickhouse-client", "clickhouse", "influx", "trino", "presto"],
        takes: Takes::Sql("eqQf", &["--execute", "--query", "--file", "--init-command"]),
    },
    Interpreter { names: &["sqlite"], takes: Takes::SqlArgument("c", &["-cmd", "--cmd", "-init"]) },
];

/// Modules of Python that take code as an argument.
const CODE_OF_PYTHON: &[&str] = &["timeit", "pdb", "bdb", "trace", "runpy", "cProfile", "profile", "code", "doctest", "pydoc"];

/// Options of `redis-cli` that the next argument is no value of.
const FLAGS_OF_REDIS: &[&str] =
    &["--raw", "--no-raw", "--csv", "--json", "--tls", "--insecure", "--no-auth-warning", "--quoted-input", "-x", "-X", "-c", "-e", "-2", "-3"];

/// Options of `sqlite3` with a value, without their hyphens.
const OPTIONS_OF_SQLITE: &[&str] = &["cmd", "init", "separator", "newline", "nullvalue", "lookaside", "maxsize", "mmap", "pagecache", "vfs"];

/// Why a value of this command would be code; none: it is not. `is_number`: whether a field is one of digits alone.
pub(super) fn objection(argv: &[String], is_number: impl Fn(&str) -> bool) -> Option<String> {
    let programs = programs(argv);
    argv.iter().enumerate().find_map(|(at, program)| {
        if !programs.contains(&at) && IS_A_WORD_TOO.contains(&name(program).as_str()) {
            return None;
        }
        let mut known = INTERPRETERS.iter().filter(|known| known.names.contains(&name(program).as_str()));
        let field = known.find_map(|known| known.takes.field_in_code(&argv[at + 1..], &is_number))?;
        Some(format!(
            "has {{{field}}} in what {program} runs as code, or where it looks for a program: a value could become a part of it; \
             let the code read it as an argument of its own"
        ))
    })
}

/// Names that stand in arguments as well, where they mean nothing: they count where a program stands.
const IS_A_WORD_TOO: &[&str] = &[
    "perf",
    "rake",
    "rails",
    "bundle",
    "mix",
    "poetry",
    "hive",
    "gs",
    "ansible",
    "ip",
    "consul",
    "sort",
    "split",
    "cc",
    "stap",
    "python",
    "r",
    "k",
    "es",
    "rc",
    "ion",
    "nu",
    "ed",
    "ex",
    "bc",
    "dc",
    "at",
    "time",
    "make",
    "view",
    "less",
    "man",
    "screen",
    "script",
    "exec",
    "eval",
    "command",
    "builtin",
    "batch",
    "watch",
    "expect",
    "java",
    "linux",
    "function",
    "node",
    "scala",
    "mono",
    "wish",
    "find",
    "git",
    "zip",
    "nice",
    "fish",
    "rsh",
    "influx",
    "mysql",
    "mariadb",
    "mongo",
    "cockroach",
    "presto",
    "trino",
    "clickhouse",
    "docker",
    "emacs",
    "entr",
    "octave",
    "parallel",
    "guile",
    "view",
];

/// Where a program stands: the first, and what a wrapper runs.
fn programs(argv: &[String]) -> Vec<usize> {
    let (mut found, mut at) = (vec![0], 0);
    while let Some(program) = argv.get(at)
        && INTERPRETERS.iter().any(|known| known.names.contains(&name(program).as_str()) && matches!(known.takes, Takes::Program(..)))
        && let Some(next) = argv[at + 1..].iter().position(|argument| !is_before_program(argument))
    {
        at += next + 1;
        found.push(at);
    }
    found
}

/// Options of a wrapper, their numbers, and the variables that env sets.
fn is_before_program(argument: &str) -> bool {
    argument.starts_with('-') || argument.contains('=') || argument.starts_with(|first: char| first.is_ascii_digit())
}

/// `/usr/bin/python3.11` is python, and `/bin/SH`, on a disk that takes letters alike, is sh.
fn name(program: &str) -> String {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program).to_ascii_lowercase();
    let name = [".exe", ".static", ".real", ".distrib"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    let bare = name.trim_end_matches(|character: char| character.is_ascii_digit() || matches!(character, '.' | '-' | '_'));
    if bare.is_empty() { name } else { bare }.to_owned()
}

/// A field before what is fixed: a value there would say which file of code is run.
fn field_before_first(rest: &[String]) -> Option<&str> {
    let first = rest.iter().position(|argument| !argument.starts_with('-') && field(argument).is_none()).unwrap_or(rest.len());
    rest[..first].iter().find_map(|argument| field(argument))
}

impl Takes {
    fn field_in_code<'a>(&self, rest: &'a [String], is_number: &impl Fn(&str) -> bool) -> Option<&'a str> {
        match self {
            Self::All => rest.iter().find_map(|argument| field(argument)),
            Self::Options(letters, long) => codes(rest, letters, long).into_iter().find_map(field).or_else(|| field_before_first(rest)),
            Self::AllAfter(words) => {
                let is_it = |argument: &String| words.contains(&argument.split('=').next().unwrap_or_default());
                let at = rest.iter().position(is_it)?;
                // Where it stands first, what is before it belongs to it as well.
                rest[at..].iter().chain(&rest[..at]).find_map(|argument| field(argument))
            }
            Self::Program(letters, long) => codes(rest, letters, long).into_iter().find_map(field).or_else(|| {
                let program = rest.iter().position(|argument| !is_before_program(argument)).unwrap_or(rest.len());
                let sets = rest[..program].iter().filter(|argument| !argument.starts_with('-'));
                sets.chain(rest.get(program)).find_map(|argument| field(argument))
            }),
            Self::Command(words) => {
                let takes_it = |option: &String| option.starts_with('-') && !FLAGS_OF_REDIS.contains(&option.as_str());
                let is_word = |at: usize| !rest[at].starts_with('-') && (at == 0 || !takes_it(&rest[at - 1]));
                let first = (0..rest.len()).find(|at| is_word(*at)).and_then(|at| field(&rest[at]));
                first.or_else(|| Self::AllAfter(words).field_in_code(rest, is_number))
            }
            Self::SqlArgument(letters, long) => {
                let takes_it = |option: &String| OPTIONS_OF_SQLITE.contains(&option.trim_start_matches('-'));
                let names = rest.iter().enumerate().filter(|(at, argument)| !argument.starts_with('-') && (*at == 0 || !takes_it(&rest[at - 1])));
                let sql = names.skip(1).find_map(|(_, argument)| field_outside_quotes(argument, is_number));
                sql.or_else(|| Self::Sql(letters, long).field_in_code(rest, is_number))
            }
            Self::Filter => {
                let mut rest = rest.iter();
                while let Some(argument) = rest.next() {
                    match argument.as_str() {
                        "--arg" | "--argjson" | "--slurpfile" | "--rawfile" => drop((rest.next(), rest.next())),
                        "-f" | "--from-file" | "-L" => return rest.next().and_then(|file| field(file)),
                        option if option.starts_with('-') => {}
                        filter => return field(filter),
                    }
                }
                None
            }
            Self::First(letters, long) => {
                let first = rest.iter().position(|argument| !argument.starts_with('-')).map_or(rest.len(), |first| first + 1);
                // Values of options may stand before it: what is taken for code is rather too much.
                let until_code = rest.iter().position(|argument| argument.contains([' ', '{', '(', '/', ';']) && !argument.starts_with('-'));
                let until = until_code.map_or(first, |at| first.max(at + 1));
                codes(rest, letters, long).into_iter().chain(rest[..until].iter().map(String::as_str)).find_map(field)
            }
            Self::Sql(letters, long) => {
                let mut codes = codes(rest, letters, long);
                codes.extend(rest.iter().map(String::as_str).filter(|argument| argument.contains(' ')));
                codes.into_iter().find_map(|code| field_outside_quotes(code, is_number))
            }
        }
    }
}

/// The arguments that are code by the option before them, or in the same argument.
fn codes<'a>(rest: &'a [String], letters: &str, long: &[&str]) -> Vec<&'a str> {
    let mut codes = Vec::new();
    for (index, argument) in rest.iter().enumerate() {
        let option = argument.split('=').next().unwrap_or_default();
        let is_long = long.contains(&option);
        let is_short = argument.starts_with('-') && !argument.starts_with("--") && argument.chars().skip(1).any(|letter| letters.contains(letter));
        if is_long || is_short {
            codes.push(argument.as_str());
            codes.extend(rest.get(index + 1).map(String::as_str));
        }
    }
    codes
}

fn field(argument: &str) -> Option<&str> {
    pieces(argument).into_iter().find_map(|piece| match piece {
        Piece::Field(name) => Some(name),
        Piece::Literal(_) => None,
    })
}

fn field_outside_quotes<'a>(argument: &'a str, is_number: &impl Fn(&str) -> bool) -> Option<&'a str> {
    let mut is_quoted = false;
    for piece in pieces(argument) {
        match piece {
            Piece::Field(name) if !is_quoted && !is_number(name) => return Some(name),
            Piece::Field(_) => {}
            Piece::Literal(text) => is_quoted ^= text.matches('\'').count() % 2 == 1,
        }
    }
    None
}

/// A shell takes text apart: a value could become a command. None: no text goes to a shell.
pub(super) fn shell(argv: &[String]) -> Option<&str> {
    let programs = programs(argv);
    let is_shell = |(at, argument): (usize, &String)| {
        let name = name(argument);
        SHELLS.contains(&name.as_str()) && (programs.contains(&at) || !IS_A_WORD_TOO.contains(&name.as_str()))
    };
    let takes_text = |argument: &String| argument.starts_with('-') && !argument.starts_with("--") && argument.contains('c');
    let at = argv.iter().enumerate().position(is_shell)?;
    argv[at + 1..].iter().any(takes_text).then_some(argv[at].as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &[&str]) -> Vec<String> {
        line.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn no_value_becomes_code() {
        for line in [
            &["python3", "-c", "print({x})"][..],
            &["python3", "-m", "timeit", "{x}"],
            &["env", "LD_PRELOAD={x}", "ls"],
            &["env", "PATH={x}", "ls"],
            &["redis-cli", "{x}"],
            &["redis-cli", "-h", "redis", "{x}"],
            &["sqlite3", "a.db", "{x}"],
            &["sqlite3", "-readonly", "a.db", "{x}"],
            &["flock", "/tmp/l", "{x}"],
            &["ip", "netns", "exec", "{x}"],
            &["/lib64/ld-linux-x86-64.so.2", "{x}"],
            &["npm", "run", "{x}"],
            &["bpftrace", "-e", "{x}"],
            &["sort", "--compress-program={x}", "f"],
            &["curl", "-K", "{x}"],
            &["/usr/bin/python3.11", "-Ic", "print('{x}')"],
            &["python3", "-cprint({x})"],
            &["timeout", "5", "perl", "-ne", "print {x}"],
            &["ruby", "-e", "p {x}"],
            &["node", "--eval={x}"],
            &["nodejs", "-p", "{x}"],
            &["php", "-r", "echo {x};"],
            &["lua5.4", "-e", "print({x})"],
            &["awk", "{x}"],
            &["awk", "-F", ":", "/{x}/ { print }", "/etc/passwd"],
            &["busybox", "awk", "-f", "prog", "{x}"],
            &["sed", "-n", "/{x}/p", "file"],
            &["env", "-S", "echo {x}"],
            &["xargs", "-I%", "echo", "{x}"],
            &["ssh", "db", "systemctl", "status", "{x}"],
            &["watch", "ls", "{x}"],
            &["su", "postgres", "-c", "psql {x}"],
            &["mongosh", "--eval", "db.{x}.count()"],
            &["redis-cli", "eval", "return {x}", "0"],
            &["psql", "-c", "select {x}"],
            &["psql", "-tAc", "select 'a' || {x}"],
            &["psql", "--command=select {x}"],
            &["mysql", "-e", "show tables like {x}"],
            &["mysql", "-eselect {x}"],
            &["sqlite3", "db", "select {x}"],
            &["/bin/SH", "{x}"],
            &["rbash", "{x}"],
            &["busybox", "sh", "{x}"],
            &["busybox", "{x}"],
            &["bash", "--rcfile", "{x}", "/app/check.sh"],
            &["python3", "{x}"],
            &["python3", "-m", "{x}"],
            &["python3", "-W", "{x}", "/app/check.py"],
            &["Python3.12", "-c", "print({x})"],
            &["node", "-r", "{x}", "/app/check.js"],
            &["java", "-jar", "{x}"],
            &["tclsh", "{x}"],
            &["jshell", "{x}"],
            &["gdb", "-p", "1", "-ex", "print {x}"],
            &["gdb", "--eval-command=print {x}"],
            &["lldb", "-o", "expr {x}"],
            &["jq", ".{x}", "/etc/app.json"],
            &["jq", "-r", "--arg", "a", "b", ".{x}"],
            &["jq", "-f", "{x}"],
            &["yq", "{x}"],
            &["xargs", "{x}"],
            &["xargs", "sh", "{x}"],
            &["nsenter", "-t", "1", "-m", "{x}"],
            &["nsenter", "--target", "1", "ls", "{x}"],
            &["doas", "{x}"],
            &["doas", "sh", "{x}"],
            &["sudo", "-u", "app", "{x}"],
            &["chroot", "/host", "{x}"],
            &["kubectl", "exec", "pod/x", "--", "{x}"],
            &["kubectl", "-n", "{x}", "exec", "pod/x", "--", "ls"],
            &["docker", "run", "{x}"],
            &["crictl", "exec", "id", "{x}"],
            &["find", "/data", "-name", "{x}", "-exec", "rm", "{}", "+"],
            &["find", "{x}", "-execdir", "ls", ";"],
            &["fd", "{x}", "-x", "ls"],
            &["ncat", "-e", "{x}", "host", "80"],
            &["rsync", "--rsh={x}", "a", "b"],
            &["tar", "-cf", "x", "--checkpoint-action=exec={x}", "d"],
            &["env", "{x}"],
            &["env", "A=b", "{x}"],
            &["env", "-i", "--split-string=echo {x}"],
            &["timeout", "5", "{x}"],
            &["nice", "-n", "5", "{x}"],
            &["nohup", "{x}"],
            &["time", "{x}"],
            &["timeout", "5", "nohup", "{x}"],
            &["redis-cli", "EVAL", "return 1", "1", "{x}"],
            &["psql", "-f", "{x}"],
            &["make", "{x}"],
            &["vim", "-c", "e {x}"],
        ] {
            assert!(objection(&words(line), |_| false).is_some_and(|why| why.contains("{x}")), "{line:?}");
        }
    }

    #[test]
    fn a_number_is_one_in_sql_and_nothing_is_in_other_code() {
        let is_number = |name: &str| name == "x";
        assert_eq!(objection(&words(&["psql", "-c", "select 1 limit {x}"]), is_number), None);
        assert!(objection(&words(&["python3", "-c", "print({x})"]), is_number).is_some());
    }

    #[test]
    fn a_value_of_its_own_is_none() {
        for line in [
            &["python3", "-c", "import sys; print(sys.argv[1])", "{x}"][..],
            &["python3", "/app/check.py", "{x}"],
            &["psql", "-c", "select now() - interval '{x}'"],
            &["psql", "-d", "{x}", "-c", "select 1"],
            &["redis-cli", "llen", "{x}"],
            &["wget", "-q", "http://{x}:80/"],
            &["nslookup", "{x}"],
            &["env", "LANG=C", "nslookup", "{x}"],
            &["timeout", "5", "nslookup", "{x}"],
            &["nice", "-n", "5", "nslookup", "{x}"],
            &["busybox", "nslookup", "{x}"],
            &["sh", "/app/check.sh", "{x}"],
            &["java", "-jar", "/app/tool.jar", "{x}"],
            &["jq", "--arg", "name", "{x}", ".[$name]", "/etc/app.json"],
            &["kubectl", "get", "pod", "{x}"],
            &["find", "/data", "-name", "{x}"],
            &["redis-cli", "--scan", "--pattern", "{x}"],
            &["curl", "--max-time", "5", "http://{x}:80/health"],
            &["psql", "-h", "es", "-d", "{x}"],
            &["redis-cli", "hget", "time", "{x}"],
            &["redis-cli", "-h", "{x}", "ping"],
            &["python3", "-m", "http.client", "{x}"],
            &["curl", "-s", "http://{x}:80/health"],
            &["sort", "/data/{x}"],
        ] {
            assert_eq!(objection(&words(line), |_| false), None, "{line:?}");
        }
    }
}
