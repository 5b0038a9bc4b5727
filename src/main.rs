//! Start: crypto provider, panic hook, parse, dispatch, exit code.

use std::{env, ffi::OsString, process::ExitCode};

use clap::FromArgMatches as _;
use sev1::{
    cli::Cli,
    commands::{self, Exit},
    runtime,
};

fn main() -> ExitCode {
    // Before the first TLS use; a second provider would mean that it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    if let Err(report) = color_eyre::install() {
        commands::output::complain(&format!("panics will be reported plainly: {report}"));
    }
    // After the other hooks: the terminal is given back before they print.
    runtime::terminal::install_panic_hook();

    let arguments: Vec<OsString> = env::args_os().collect();
    let program = arguments.first().map(|program| program.to_string_lossy().into_owned()).unwrap_or_default();
    let parsed = commands::command(&program).try_get_matches_from(&arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(cli) => {
            let _log = commands::log::start();
            commands::run(&cli, &program).into()
        }
        Err(error) => {
            // Help and version are asked for, and printed on standard output.
            if !error.use_stderr() {
                return if error.print().is_ok() { Exit::DONE.into() } else { Exit::USAGE.into() };
            }
            // What was typed stands in it.
            commands::output::say(&commands::usage::wrong(error, &program, &arguments));
            Exit::USAGE.into()
        }
    }
}
