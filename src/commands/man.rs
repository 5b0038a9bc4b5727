//! `sev1 man`: the manual page, in roff, with every subcommand.

use std::io;

use super::{Exit, output};
use crate::cli::Cli;

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
    let mut command = Cli::command_for(program);
    command.build();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    write_subcommands(&command, &mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
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
