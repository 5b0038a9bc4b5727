//! Help of `sev1 do` and of each kind, made from what the kinds say of themselves.

use std::fmt::Write as _;

use crate::{
    actions::kinds,
    commands::{self, Exit, output},
    domain::catalogue::Spec,
};

/// `sev1 do --help`, or `sev1 do KIND --help`.
pub fn print(kind: Option<&str>, program: &str) -> Exit {
    if let Some(kind) = kind.and_then(kinds::find) {
        return output::print(&of_kind(kind.entry.spec));
    }
    let mut command = commands::command(program);
    command.build();
    match command.find_subcommand_mut("do") {
        Some(command) => output::print(&command.render_help().to_string()),
        None => Exit::FAILED,
    }
}

/// One line for each kind.
pub fn kinds() -> String {
    let mut text = "Kinds (sev1 do KIND --help says more):\n".to_owned();
    for entry in kinds::catalogue() {
        let _ = writeln!(text, "  {:<18} {}", entry.spec.name, entry.spec.summary);
    }
    text.push_str("\nWithout --yes-on it plans, checks and prints, and writes nothing to the cluster.");
    text
}

fn of_kind(spec: &Spec) -> String {
    let mut text = format!("{}\n\nUsage: sev1 do {} [--reason TEXT] [--yes-on CONTEXT]\n", capitalised(spec.summary), spec.usage());
    if !spec.parameters.is_empty() {
        text.push_str("\nArguments:\n");
        for parameter in spec.parameters {
            let _ = writeln!(text, "  {:<18} {}", parameter.name, parameter.about);
        }
    }
    let more = if spec.more.is_empty() { String::new() } else { format!("; {}", spec.more) };
    let _ = writeln!(text, "\nLevel:  {}{more}", spec.level.word());
    let _ = writeln!(text, "Undo:   {}", spec.undo);
    text.push_str("\nIt takes:\n");
    for right in commands::rbac::merged(spec.rights.iter().copied()) {
        let _ = writeln!(text, "  {}", right.words());
    }
    text.push_str("\nsev1 do --help lists the options.\n");
    text
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
