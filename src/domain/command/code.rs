//! Arguments that are a program of their own: what an interpreter, a remote shell or a database runs as it stands there.
//!
//! A value in one of them would be a part of that program. It belongs after it, as an argument that the program reads.

use super::{
    Piece, SHELLS,
    interpreters::{FLAGS_OF_REDIS, INTERPRETERS, IS_A_WORD_TOO, OPTIONS_OF_SQLITE, OPTIONS_OF_WRAPPERS, Takes},
    pieces,
};

/// Why a value of this command would be code; none: it is not. `is_number`: whether a field is one of digits alone.
pub(super) fn objection(argv: &[String], is_number: impl Fn(&str) -> bool) -> Option<String> {
    let programs = programs(argv);
    argv.iter().enumerate().find_map(|(at, program)| {
        if !programs.contains(&at) && IS_A_WORD_TOO.contains(&name(program).as_str()) {
            return None;
        }
        let mut known = INTERPRETERS.iter().filter(|known| known.names.contains(&name(program).as_str()));
        let field = known.find_map(|known| known.takes.field_in_code(program, &argv[at + 1..], &is_number))?;
        Some(format!(
            "has {{{field}}} in what {program} runs as code, or where it looks for a program: a value could become a part of it; \
             let the code read it as an argument of its own"
        ))
    })
}

/// Where a program stands: the first, and what a wrapper runs.
fn programs(argv: &[String]) -> Vec<usize> {
    let (mut found, mut at) = (vec![0], 0);
    while let Some(program) = argv.get(at)
        && INTERPRETERS.iter().any(|known| known.names.contains(&name(program).as_str()) && matches!(known.takes, Takes::Program(..)))
        && let Some(next) = program_of(program, &argv[at + 1..])
    {
        at += next + 1;
        found.push(at);
    }
    found
}

/// Where the program stands that a wrapper runs, among the arguments of the wrapper.
fn program_of(wrapper: &str, rest: &[String]) -> Option<usize> {
    let wrapper = name(wrapper);
    let valued = OPTIONS_OF_WRAPPERS.iter().find(|(known, _)| *known == wrapper).map_or(&[][..], |(_, options)| options);
    let is_value = |at: usize| at > 0 && valued.contains(&rest[at - 1].as_str());
    (0..rest.len()).find(|at| !is_before_program(&rest[*at]) && !is_value(*at))
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
    fn field_in_code<'a>(&self, program: &str, rest: &'a [String], is_number: &impl Fn(&str) -> bool) -> Option<&'a str> {
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
                let program = program_of(program, rest).unwrap_or(rest.len());
                let sets = rest[..program].iter().filter(|argument| !argument.starts_with('-'));
                sets.chain(rest.get(program)).find_map(|argument| field(argument))
            }),
            Self::Command(words) => {
                let takes_it = |option: &String| option.starts_with('-') && !FLAGS_OF_REDIS.contains(&option.as_str());
                let is_word = |at: usize| !rest[at].starts_with('-') && (at == 0 || !takes_it(&rest[at - 1]));
                let first = (0..rest.len()).find(|at| is_word(*at)).and_then(|at| field(&rest[at]));
                first.or_else(|| Self::AllAfter(words).field_in_code(program, rest, is_number))
            }
            Self::SqlArgument(letters, long) => {
                let takes_it = |option: &String| OPTIONS_OF_SQLITE.contains(&option.trim_start_matches('-'));
                let names = rest.iter().enumerate().filter(|(at, argument)| !argument.starts_with('-') && (*at == 0 || !takes_it(&rest[at - 1])));
                let sql = names.skip(1).find_map(|(_, argument)| field_outside_quotes(argument, is_number));
                sql.or_else(|| Self::Sql(letters, long).field_in_code(program, rest, is_number))
            }
            Self::Variables(letters, long) => codes(rest, letters, long).into_iter().find_map(|set| {
                let (name, value) = set.rsplit_once('=')?;
                let name = name.rsplit_once('=').map_or(name, |(_, name)| name);
                // Its letters may be in the same argument: what follows `-v` is the name.
                let name = if name.starts_with("--") { name } else { name.strip_prefix("-v").unwrap_or(name) };
                let field = field(value).filter(|field| !is_number(field))?;
                rest.iter().any(|code| has_bare_variable(code, name)).then_some(field)
            }),
            Self::Filter => {
                // Subcommands and values of options may stand before the filter: what is taken for code is rather too much.
                let is_filter = |word: &str| word.starts_with('.') || word.contains(['|', '(', '[', '{', ' ']);
                let mut rest = rest.iter();
                while let Some(argument) = rest.next() {
                    match argument.as_str() {
                        "--arg" | "--argjson" | "--slurpfile" | "--rawfile" => drop((rest.next(), rest.next())),
                        option if option.starts_with('-') && field(option).is_none() => {}
                        word => match field(word) {
                            None if is_filter(word) => return None,
                            None => {}
                            found => return found,
                        },
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
                codes.extend(rest.iter().map(String::as_str).filter(|argument| argument.contains([' ', '\t', '\n', '(', ';', '*'])));
                codes.into_iter().find_map(|code| field_outside_quotes(code, is_number))
            }
        }
    }
}

/// Whether `:name` stands there without quotes around the name.
fn has_bare_variable(code: &str, name: &str) -> bool {
    let goes_on = |rest: &str| rest.starts_with(|next: char| next.is_alphanumeric() || next == '_');
    code.match_indices(':').any(|(at, _)| code[at + 1..].strip_prefix(name).is_some_and(|rest| !name.is_empty() && !goes_on(rest)))
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
    // `+xc` is read as `-c` with one option taken back.
    let takes_text = |argument: &String| argument.starts_with(['-', '+']) && !argument.starts_with("--") && argument.contains('c');
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
            &["yq", "e", "{x}"],
            &["yq", "eval-all", "-o", "json", ".{x}", "f"],
            &["jq", "--indent", "2", ".{x}"],
            &["jq", "-L", "/lib", ".{x}"],
            &["jq", "-L{x}", "."],
            &["dasel", "select", "-f", "a.json", "-s", "{x}"],
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
            &["spark-sql", "-e", "{x}"],
            &["litecli", "a.db", "-e", "select {x}"],
            &["pgcli", "--init-command", "{x}"],
            &["osqueryi", "--json", "SELECT {x} FROM users"],
            &["osqueryi", "SELECT/**/({x})"],
            &["bq", "query", "--use_legacy_sql=false", "SELECT {x}"],
            &["crystal", "eval", "{x}"],
            &["psql", "-v", "v={x}", "-c", "SELECT :v"],
            &["psql", "-vv={x}", "-c", "SELECT :v"],
            &["psql", "--set=v={x}", "-c", "SELECT :v"],
            &["psql", "--variable", "v={x}", "-c", "SELECT :v"],
            &["su-exec", "nobody", "{x}"],
            &["chpst", "-u", "nobody", "{x}"],
            &["catatonit", "--", "{x}"],
            &["timeout", "-s", "KILL", "5", "{x}"],
            &["stdbuf", "-o", "L", "{x}"],
            &["env", "-u", "HOME", "{x}"],
            &["setarch", "x86_64", "{x}"],
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
            &["psql", "-v", "v={x}", "-c", "SELECT :'v', :other, x::vtype"],
            &["psql", "-v", "v={x}", "-f", "/app/report.sql"],
            &["catatonit", "--", "nslookup", "{x}"],
            &["timeout", "-s", "KILL", "5", "nslookup", "{x}"],
            &["osqueryi", "SELECT name FROM processes WHERE name = '{x}'"],
        ] {
            assert_eq!(objection(&words(line), |_| false), None, "{line:?}");
        }
    }
}
