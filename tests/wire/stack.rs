//! The real servers, as the environment variable `SEV1_STACK` names them: a file of `NAME=value` lines.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The names in the file and their values.
pub struct Stack(BTreeMap<String, String>);

impl Stack {
    /// None without `SEV1_STACK`: then recorded answers take the servers' place.
    pub fn named() -> Option<Self> {
        let path = std::env::var("SEV1_STACK").ok().filter(|path| !path.is_empty())?;
        let text = std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("SEV1_STACK names {path}, which cannot be read: {why}"));
        Some(Self(text.lines().filter_map(pair).collect()))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn value(&self, name: &str) -> &str {
        self.get(name).unwrap_or_else(|| panic!("the file of SEV1_STACK does not say {name}"))
    }

    pub fn program(&self, name: &str) -> PathBuf {
        self.value(name).into()
    }
}

fn pair(line: &str) -> Option<(String, String)> {
    let line = line.trim().trim_start_matches("export ");
    if line.starts_with('#') {
        return None;
    }
    let (name, value) = line.split_once('=')?;
    Some((name.trim().to_owned(), value.trim().trim_matches('"').to_owned()))
}

/// Whether answers of the real servers are to be kept (`SEV1_RECORD=1`).
pub fn is_recording() -> bool {
    std::env::var("SEV1_RECORD").is_ok_and(|value| value == "1")
}

/// A number in the environment.
pub fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

/// A client for the servers without TLS.
pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}
