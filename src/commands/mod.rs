//! One file per subcommand: wires rooms together, returns an exit code.

pub mod audit;
pub mod cockpit;
pub mod completions;
pub mod config;
pub mod demo;
pub mod doctor;
pub mod exit;
pub mod headless;
pub mod home;
pub mod log;
pub mod look;
pub mod man;
pub mod output;
pub mod rbac;
pub mod setup;
pub mod status;
pub mod usage;

pub use exit::Exit;

#[cfg(test)]
mod one_rule;

use crate::cli::{AuditCommand, Cli, Command, ConfigCommand};

/// What can be typed, with the kinds of mitigation that there are.
pub fn command(program: &str) -> clap::Command {
    let names = crate::actions::kinds::catalogue().iter().map(|entry| entry.spec.name);
    let names = clap::builder::PossibleValuesParser::new(names);
    let command = Cli::command_for(program).mut_subcommand("demo", |command| command.after_help(demo::scenarios()));
    command.mut_subcommand("do", |command| {
        command.after_help(headless::help::kinds()).mut_arg("kind", |kind| kind.value_parser(names).hide_possible_values(true))
    })
}

/// Does what was typed. Configuration is read first, by every command that it could change, so that a mistake in it is
/// said before anything else happens.
pub fn run(cli: &Cli, program: &str) -> Exit {
    match &cli.command {
        Some(Command::Completions { shell }) => completions::run(*shell, program),
        Some(Command::Man) => man::run(program),
        Some(Command::Config(ConfigCommand::Init)) => config::init(cli),
        Some(Command::Config(ConfigCommand::Check)) => config::check(cli),
        Some(Command::Audit(AuditCommand::Verify { file })) => verify(file.as_deref(), cli),
        Some(Command::Do(what)) if what.help => headless::help::print(what.kind.as_deref(), program),
        None
        | Some(
            Command::Demo(_)
            | Command::Status(_)
            | Command::Doctor(_)
            | Command::Do(_)
            | Command::Undo(_)
            | Command::Rbac(_)
            | Command::Config(ConfigCommand::Show { .. }),
        ) => {
            let mut loaded = match setup::load(cli) {
                Ok(loaded) => loaded,
                Err(problems) => return setup::refuse(&problems),
            };
            match &cli.command {
                Some(Command::Demo(demo)) => demo::run(demo, cli, program, loaded),
                Some(Command::Status(status)) => status::run(status, cli, &mut loaded),
                Some(Command::Doctor(doctor)) => doctor::run(doctor, cli, &mut loaded),
                Some(Command::Do(what)) => headless::act(what, cli, &mut loaded),
                Some(Command::Undo(what)) => headless::undo(what, cli, &mut loaded),
                Some(Command::Rbac(rbac)) => rbac::run(rbac, cli, &loaded),
                Some(Command::Config(ConfigCommand::Show { output })) => config::show(&loaded, *output),
                _ => cockpit::run(cli, loaded),
            }
        }
    }
}

fn verify(file: Option<&std::path::Path>, cli: &Cli) -> Exit {
    let which = file.map_or(audit::Which::All, |file| audit::Which::File(file.to_owned()));
    // Where the kubeconfig is a demo's, the journals are the demo's.
    let (root, clock) = match setup::target(cli) {
        Ok((_, _, home)) => (home.journals, home.clock),
        Err(_) => (crate::journal::Root::OfUser, setup::clock()),
    };
    let (code, said) = audit::verify(&which, &root, clock.now().utc);
    match output::print(&said) {
        Exit::DONE => Exit(code),
        failed => failed,
    }
}
