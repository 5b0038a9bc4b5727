//! `sev1 config show|check|init`.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

use super::{Exit, output, setup};
use crate::{
    cli::{Cli, Output},
    config::{Loaded, template},
    domain::text::Text,
    files,
};

/// Every setting, its value and where that came from. Secrets are files and names of variables here, never values.
pub fn show(loaded: &Loaded, output: Output) -> Exit {
    let listing = loaded.listing();
    if output == Output::Json {
        return output::print_json(&listing);
    }
    let width = listing.iter().map(|shown| shown.setting.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for shown in &listing {
        let value = shown.value.as_ref().map_or_else(|| "(not set)".to_owned(), ToString::to_string);
        let _ = writeln!(text, "{:width$}  {value}  # {}", shown.setting, Text::bounded(&shown.from.to_string(), 4_096));
    }
    output::print(&text)
}

/// Says everything that is wrong, or which files are right.
pub fn check(cli: &Cli) -> Exit {
    let loaded = match setup::load(cli) {
        Ok(loaded) => loaded,
        Err(problems) => return setup::refuse(&problems),
    };
    let said = match loaded.files.as_slice() {
        [] => "no configuration file: every setting has its default\n".to_owned(),
        files => files.iter().map(|file| Text::bounded(&file.display().to_string(), 4_096).to_string() + ": right\n").collect(),
    };
    output::print(&said)
}

/// Writes the commented file with every default, where none stands yet.
pub fn init(cli: &Cli) -> Exit {
    let Some(path) = setup::inputs(cli).explicit_file.or_else(setup::user_file) else {
        output::complain("there is no home directory to write to: name a file by --config FILE");
        return Exit::FAILED;
    };
    let written = path.parent().map_or(Ok(()), files::private_folders).and_then(|()| {
        let mut file = files::create_private(&path)?;
        file.write_all(template::text().as_bytes())?;
        file.sync_all()
    });
    match written {
        Ok(()) => {
            output::print(&format!("{}: written, every setting commented out at its default\n", Text::bounded(&path.display().to_string(), 4_096)))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            output::complain(&format!("{}: stands already and is left alone: move it away, or name another file by --config FILE", path.display()));
            Exit::FAILED
        }
        Err(error) => {
            output::complain(&format!("{}: cannot be written: {error}", path.display()));
            Exit::FAILED
        }
    }
}
