//! What is said when the command line is wrong: the nearest right word, what there is to choose from, and where all of it is told.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::command;

/// What is wrong, in lines that end. `typed` begins with the program's own name.
pub fn wrong(mut error: clap::Error, program: &str, typed: &[OsString]) -> String {
    let mut whole = command(program);
    whole.build();
    let words: Vec<_> = typed.iter().skip(1).map(|word| word.to_string_lossy()).collect();
    let (meant, path) = meant(&whole, &words);
    if error.kind() == ErrorKind::UnknownArgument
        && error.get(ContextKind::SuggestedArg).is_none()
        && let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidArg)
        && let Some(near) = nearest(unknown, &options(meant))
    {
        error.insert(ContextKind::SuggestedArg, ContextValue::String(near));
    }
    let said = error.render().to_string();
    let mut lines: Vec<&str> = said.lines().filter(|line| !line.starts_with("For more information")).collect();
    let is_bare = |line: &&str| line.starts_with("Usage: ") && line.ends_with("[OPTIONS] [COMMAND]");
    let commands = || meant.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help").map(clap::Command::get_name);
    let listed = format!("Commands: {}", commands().collect::<Vec<_>>().join(", "));
    let listed_options = format!("Options:  {}", options(meant).join(" "));
    if let Some(at) = lines.iter().position(is_bare) {
        lines.insert(at + 1, &listed);
        lines.insert(at + 2, &listed_options);
    }
    while lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    format!("{}\n\nAll of it: {path} --help\n", lines.join("\n"))
}

/// The command that was meant, as far as its name is right, and how it is called.
fn meant<'a>(whole: &'a clap::Command, words: &[impl AsRef<str>]) -> (&'a clap::Command, String) {
    let mut found = whole;
    let mut path = whole.get_bin_name().unwrap_or(whole.get_name()).to_owned();
    for word in words {
        if let Some(below) = found.find_subcommand(word.as_ref()) {
            found = below;
            path = format!("{path} {}", below.get_name());
        }
    }
    (found, path)
}

/// Long options that a command takes.
fn options(command: &clap::Command) -> Vec<String> {
    command.get_arguments().filter(|argument| !argument.is_hide_set()).filter_map(|argument| Some(format!("--{}", argument.get_long()?))).collect()
}

/// The one that looks most like what was typed, however little that is.
fn nearest(typed: &str, known: &[String]) -> Option<String> {
    let bare = |word: &str| word.trim_start_matches('-').to_lowercase();
    let wanted = bare(typed);
    let likeness = |option: &&String| strsim::jaro_winkler(&wanted, &bare(option));
    known.iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other))).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &[&str]) -> String {
        let typed: Vec<OsString> = line.iter().map(OsString::from).collect();
        wrong(command("sev1").try_get_matches_from(&typed).unwrap_err(), "sev1", &typed)
    }

    #[test]
    fn a_wrong_option_names_the_nearest_one_and_the_help() {
        for (line, near, help) in [
            (&["sev1", "--nope"][..], "'--", "All of it: sev1 --help"),
            (&["sev1", "--kontext", "x"], "'--context'", "All of it: sev1 --help"),
            (&["sev1", "status", "--ouptut", "json"], "'--output'", "All of it: sev1 status --help"),
            (&["sev1", "do", "scale", "x", "3", "--yes"], "'--yes-on'", "All of it: sev1 do --help"),
            (&["sev1", "undo", "--id", "3"], "'--", "All of it: sev1 undo --help"),
            (&["sev1", "config", "show", "--json"], "'--", "All of it: sev1 config show --help"),
            (&["sev1", "-x"], "'--", "All of it: sev1 --help"),
        ] {
            let said = said(line);
            assert!(said.contains("tip: a similar argument exists: ") && said.contains(near) && said.contains(help), "{line:?}\n{said}");
        }
    }

    #[test]
    fn a_usage_that_says_nothing_is_followed_by_what_there_is() {
        let said = said(&["sev1", "--nope"]);
        assert!(["Commands: ", "status", "doctor", "undo", "--namespace"].iter().all(|word| said.contains(word)), "{said}");
        assert!(super::tests::said(&["sev1", "get", "pods"]).contains("Commands: "));
        assert!(super::tests::said(&["sev1", "do", "skale", "x"]).contains("All of it: sev1 do --help"));
        assert!(super::tests::said(&["sev1", "status", "--timeout", "soon"]).contains("All of it: sev1 status --help"));
    }
}
