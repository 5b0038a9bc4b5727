//! The picture of the README: a frame of the cockpit, drawn as SVG in its own colours.
//!
//! `SEV1_PICTURE=write cargo test --test advice picture` draws it anew.

use std::{fmt::Write as _, fs, path::Path, time::Duration};

use libtest_mimic::{Failed, Trial};
use ratatui::{
    Terminal,
    backend::TestBackend,
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};
use sev1::ui::{self, Theme};

use crate::{play, settings::Settings, truth::Incident};

const FILE: &str = "docs/cockpit.svg";
/// So long after the launch, when the first suggestions have come.
const AT: Duration = Duration::from_secs(100);
const SIZE: (u16, u16) = (80, 24);
/// Of a character, in pixels.
const (WIDTH, HEIGHT): (u16, u16) = (9, 19);

pub fn trials(settings: &Settings) -> Vec<Trial> {
    let Some(incident) = settings.incidents.iter().find(|incident| incident.cause == "bad-deploy").cloned() else { return Vec::new() };
    vec![Trial::test("picture", move || check(&incident))]
}

fn check(incident: &Incident) -> Result<(), Failed> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let drawn = svg(&frame(incident));
    if std::env::var_os("SEV1_PICTURE").is_some_and(|word| word == "write") {
        return Ok(fs::write(file, drawn)?);
    }
    if fs::read_to_string(&file)? == drawn {
        return Ok(());
    }
    Err(format!("{FILE} is not what the cockpit looks like; SEV1_PICTURE=write cargo test --test advice picture draws it anew").into())
}
