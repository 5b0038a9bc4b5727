//! `sev1 man`: the manual page, in roff, with every subcommand and every key.

use std::{fmt::Write as _, io};

use super::{Exit, output};
use crate::state::action::{ACTIONS, Action, FIXED_KEYS, Group};

pub fn run(program: &str) -> Exit {
    match render(program) {
        Ok(page) => output::print(&page),
        Err(error) => {
            output::complain(&format!("the manual page cannot be written: {error}"));
            Exit::FAILED
        }
    }
}

/// One page: the program, then each subcommand's own section.
fn render(program: &str) -> io::Result<String> {
    let mut command = super::command(program);
    command.build();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    write_subcommands(&command, &mut page)?;
    page.extend_from_slice(keys_section().as_bytes());
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// The actions of a group that this version has, with their keys.
pub fn keys(group: Group) -> Vec<(String, &'static Action)> {
    let of_group = ACTIONS.iter().filter(|action| action.group == group && action.is_built());
    of_group.map(|action| (action.keys.join(", "), action)).collect()
}

fn keys_section() -> String {
    let mut section = ".SH \"KEYS\"\nThe word in brackets names the action in the section keys of the configuration.\n".to_owned();
    for group in Group::ALL {
        let _ = writeln!(section, ".SS {}", roff(group.title()));
        for (keys, action) in keys(group) {
            let _ = writeln!(section, ".TP\n{}\n{} [{}]", roff(&keys), roff(action.words), roff(action.id));
        }
    }
    section.push_str(".SS Fixed\n");
    for (keys, words) in FIXED_KEYS {
        let _ = writeln!(section, ".TP\n{}\n{}", roff(keys), roff(words));
    }
    section
}

/// Text that roff takes for nothing else.
fn roff(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('-', "\\-");
    if escaped.starts_with(['.', '\'']) { format!("\\&{escaped}") } else { escaped }
}

fn write_subcommands(command: &clap::Command, page: &mut Vec<u8>) -> io::Result<()> {
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
        if subcommand.has_subcommands() {
            write_subcommands(subcommand, page)?;
            continue;
        }
        let name = subcommand.get_bin_name().unwrap_or(subcommand.get_name()).to_uppercase();
        // Global flags are on the page once; each section lists its own.
        let own = subcommand.clone().mut_args(|argument| if argument.is_global_set() { argument.hide(true) } else { argument });
        let man = clap_mangen::Man::new(own);
        let mut section = Vec::new();
        man.render_description_section(&mut section)?;
        man.render_options_section(&mut section)?;
        let section = String::from_utf8_lossy(&section).replace(".SH DESCRIPTION", &format!(".SH \"{name}\"")).replace(".SH OPTIONS\n", "");
        page.extend_from_slice(section.as_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_commands_settings_of_keys_and_no_unbuilt_screen() {
        let page = render("sev1").unwrap();
        for part in [".SH \"SEV1 DEMO\"", ".SH \"SEV1 AUDIT VERIFY\"", ".SH \"KEYS\"", "[undo\\-rollout]", "\\-\\-scenario"] {
            assert!(page.contains(part), "{part}\n{page}");
        }
        assert!(!page.contains("not in this version"), "{page}");
    }
}
