//! Arguments that are a program of their own: what an interpreter, a remote shell or a database runs as it stands there.
//!
//! A value in one of them would be a part of that program. It belongs after it, as an argument that the program reads.

use super::{Piece, SHELLS, pieces};

/// What takes code, and where.
struct Interpreter {
    /// Without the version at the end.
    names: &'static [&'static str],
    takes: Takes,
}

enum Takes {
    /// After one of these letters, in a cluster of short options too, or one of these long options.
    Options(&'static str, &'static [&'static str]),
    /// The same, and the first argument that is no option.
    First(&'static str, &'static [&'static str]),
    /// SQL after these: a value between single quotes stays there, since no value has one, and a number is one anywhere.
    Sql(&'static str, &'static [&'static str]),
    /// All that follows is put together for a shell.
    All,
}

const INTERPRETERS: &[Interpreter] = &[
    Interpreter { names: &["python", "pypy", "ipython", "jython"], takes: Takes::Options("c", &[]) },
    Interpreter { names: &["perl", "ruby", "jruby", "raku"], takes: Takes::Options("eE", &[]) },
    Interpreter { names: &["node", "nodejs", "bun", "deno"], takes: Takes::Options("ep", &["--eval", "--print", "eval"]) },
    Interpreter { names: &["php"], takes: Takes::Options("rBRE", &["--run", "--process-begin", "--process-code", "--process-end"]) },
    Interpreter {
        names: &["lua", "luajit", "Rscript", "R", "julia", "elixir", "ghc", "groovy", "scala", "osascript", "pwsh", "powershell", "jshell", "erl"],
        takes: Takes::Options("eEc", &["--eval", "--print", "-eval", "-command", "-Command"]),
    },
    Interpreter { names: &["awk", "gawk", "mawk", "nawk", "sed", "gsed"], takes: Takes::First("e", &["--source", "--expression"]) },
    Interpreter { names: &["env"], takes: Takes::Options("S", &["--split-string"]) },
    Interpreter { names: &["su", "runuser", "script", "flock", "sg", "vim", "vi", "ex", "gdb", "tmux"], takes: Takes::Options("cS", &["--command"]) },
    Interpreter { names: &["ssh", "rsh", "watch", "parallel", "eval", "xargs", "expect"], takes: Takes::All },
    Interpreter { names: &["mongo", "mongosh"], takes: Takes::Options("", &["--eval", "-eval"]) },
    Interpreter { names: &["redis-cli", "valkey-cli", "keydb-cli"], takes: Takes::Options("", &["eval", "EVAL", "eval_ro", "EVAL_RO", "--eval"]) },
    Interpreter { names: &["psql", "pgcli", "cockroach", "duckdb"], takes: Takes::Sql("ce", &["--command", "--execute"]) },
    Interpreter {
        names: &["mysql", "mariadb", "mycli", "cqlsh", "sqlcmd", "clickhouse-client", "clickhouse", "influx", "trino", "presto"],
        takes: Takes::Sql("eqQ", &["--execute", "--query"]),
    },
    Interpreter { names: &["sqlite", "sqlplus"], takes: Takes::Sql("c", &["-cmd", "--cmd"]) },
];

/// Why a value of this command would be code; none: it is not. `is_number`: whether a field is one of digits alone.
pub(super) fn objection(argv: &[String], is_number: impl Fn(&str) -> bool) -> Option<String> {
    argv.iter().enumerate().find_map(|(at, program)| {
        let interpreter = INTERPRETERS.iter().find(|known| known.names.contains(&name(program)))?;
        let field = interpreter.takes.field_in_code(&argv[at + 1..], &is_number)?;
        Some(format!(
            "has {{{field}}} in what {program} runs as code: a value could become a part of it; let the code read it as an argument of its own"
        ))
    })
}

/// `/usr/bin/python3.11` is python.
fn name(program: &str) -> &str {
    let name = program.rsplit('/').next().unwrap_or(program);
    let bare = name.trim_end_matches(|character: char| character.is_ascii_digit() || matches!(character, '.' | '-'));
    if bare.is_empty() { name } else { bare }
}

impl Takes {
    fn field_in_code<'a>(&self, rest: &'a [String], is_number: &impl Fn(&str) -> bool) -> Option<&'a str> {
        match self {
            Self::All => rest.iter().find_map(|argument| field(argument)),
            Self::Options(letters, long) => codes(rest, letters, long).into_iter().find_map(field),
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
    let is_shell = |argument: &String| SHELLS.contains(&name(argument));
    let takes_text = |argument: &String| argument.starts_with('-') && !argument.starts_with("--") && argument.contains('c');
    let at = argv.iter().position(is_shell)?;
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
        ] {
            assert_eq!(objection(&words(line), |_| false), None, "{line:?}");
        }
    }
}
