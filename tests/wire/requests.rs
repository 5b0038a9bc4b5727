//! The list of requests: what sev1 and kubectl ask, as data in `requests/`, played in order.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// One file: requests to one server, in order; later ones use what earlier ones kept.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    pub server: Server,
    pub request: Vec<Request>,
    #[serde(skip)]
    pub subject: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Server {
    Kubernetes,
    Prometheus,
    Alertmanager,
    Elasticsearch,
    /// Behind the API server; only scenes are set there, and only in the real world.
    Etcd,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    #[default]
    Oncall,
    /// May only look.
    Viewer,
    /// Has a token that nobody knows.
    Stranger,
}

/// How the simulated Elasticsearch stands where the real one is brought there by requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scene {
    Whole,
    /// One shard of each index does not answer.
    SomeShards,
    NoShards,
    Overloaded,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub name: String,
    /// Method and target; `{name}` stands for what was kept under that name.
    pub send: String,
    #[serde(default)]
    pub who: Who,
    /// Short for what kubectl accepts: `table`, `metadata`, `metadata list`, `discovery`; else as it is sent.
    #[serde(default = "json")]
    pub accept: String,
    #[serde(default)]
    pub content: String,
    #[serde(default)]
    pub body: String,
    /// Name and JSON pointer into the answer.
    #[serde(default)]
    pub keep: BTreeMap<String, String>,
    /// A stream of lines: so many are read.
    #[serde(default)]
    pub lines: usize,
    /// Asked again until this pointer leads to something.
    #[serde(default)]
    pub until: String,
    /// Sets the scene: sent, not compared.
    #[serde(default)]
    pub scene: bool,
    /// What the simulation does in the place of the request.
    pub simulated: Option<Scene>,
    /// In the place of the script's server.
    pub server: Option<Server>,
}

fn json() -> String {
    "application/json".to_owned()
}

impl Request {
    pub fn method(&self) -> &str {
        self.send.split_once(' ').unwrap().0
    }

    pub fn target(&self) -> &str {
        self.send.split_once(' ').unwrap().1
    }

    /// As kubectl writes it.
    pub fn accepted(&self) -> &str {
        match self.accept.as_str() {
            "table" => "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
            "metadata" => "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
            "metadata list" => "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
            "discovery" => {
                "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,\
                 application/json"
            }
            other => other,
        }
    }
}

/// All files, in the order of their names.
pub fn all() -> Vec<Script> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/wire/requests");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| read(file)).collect()
}

fn read(file: &Path) -> Script {
    let text = std::fs::read_to_string(file).unwrap();
    let mut script: Script = toml::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    file.file_stem().unwrap().to_str().unwrap().clone_into(&mut script.subject);
    script
}

/// `{name}` replaced by what was kept.
pub fn filled(text: &str, kept: &BTreeMap<String, String>) -> String {
    kept.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}
