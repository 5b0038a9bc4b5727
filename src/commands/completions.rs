//! `sev1 completions SHELL`.

use clap_complete::{Shell, generate};

use super::{Exit, output};

pub fn run(shell: Shell, program: &str) -> Exit {
    let mut command = super::command(program);
    // A shell completes the file's name, also where kubectl calls it by another.
    let name = command.get_name().to_owned();
    let mut text = Vec::new();
    generate(shell, &mut command, name, &mut text);
    output::print(&String::from_utf8_lossy(&text))
}
