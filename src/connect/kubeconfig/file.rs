//! Kubeconfig files and how several become one, by the rules of client-go (`k8s.io/client-go/tools/clientcmd`, `loader.go`).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{KubeOptions, place, shape};
use crate::{connect::ConnectError, files};

/// What stands in the files. A text that is empty is absent, as in Go.
#[derive(Default)]
pub(super) struct Merged {
    pub current_context: String,
    pub clusters: Vec<Named<Cluster>>,
    pub contexts: Vec<Named<Context>>,
    pub users: Vec<Named<User>>,
}

#[derive(Default)]
pub(super) struct Named<T> {
    pub name: String,
    pub entry: T,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Cluster {
    pub server: String,
    pub tls_server_name: String,
    pub insecure_skip_tls_verify: bool,
    pub certificate_authority: String,
    pub certificate_authority_data: String,
    pub proxy_url: String,
    pub disable_compression: bool,
    pub extensions: Vec<Extension>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Extension {
    pub name: String,
    pub extension: Value,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Context {
    pub cluster: String,
    pub user: String,
    pub namespace: String,
}

#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct User {
    pub client_certificate: String,
    pub client_certificate_data: String,
    pub client_key: String,
    pub client_key_data: String,
    pub token: String,
    #[serde(rename = "tokenFile")]
    pub token_file: String,
    #[serde(rename = "as")]
    pub impersonate: String,
    #[serde(rename = "as-uid")]
    pub impersonate_uid: String,
    #[serde(rename = "as-groups")]
    pub impersonate_groups: Vec<String>,
    #[serde(rename = "as-user-extra")]
    pub impersonate_extra: BTreeMap<String, Vec<String>>,
    pub username: String,
    pub password: String,
    pub auth_provider: Option<AuthProvider>,
    pub exec: Option<Exec>,
}

#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct AuthProvider {
    pub name: String,
    pub config: BTreeMap<String, String>,
}

#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Exec {
    pub command: String,
    pub args: Vec<String>,
    pub env: Vec<Variable>,
    pub api_version: String,
    pub install_hint: String,
    pub provide_cluster_info: bool,
    pub interactive_mode: String,
}

#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Variable {
    pub name: String,
    pub value: String,
}

/// Largest kubeconfig that is read, in bytes: one with certificates for hundreds of clusters has a few mebibytes.
const LIMIT: u64 = 16 << 20;

fn find<'e, T>(entries: &'e [Named<T>], name: &str) -> Option<&'e T> {
    entries.iter().find(|entry| entry.name == name).map(|entry| &entry.entry)
}

impl Merged {
    /// Reads one file; relative paths in it start from its folder. None where there is no such file.
    pub fn read(path: &Path) -> Result<Option<Self>, ConnectError> {
        let shown = format!("kubeconfig {}", path.display());
        let bytes = match files::read_or_pipe(path, LIMIT) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(ConnectError::of_file(&shown, &format!(" cannot be read ({error}): correct its permissions or the path")));
            }
        };
        let text = decoded(&bytes).ok_or_else(|| ConnectError::of_file(&shown, ": not text in UTF-8 or UTF-16"))?;
        let document = document(&text).map_err(|why| ConnectError::of_file(&shown, &why))?;
        let mut one = Self::of(document, &text).map_err(|why| ConnectError::of_file(&shown, &why))?;
        one.make_absolute(path.parent().unwrap_or(Path::new("")));
        Ok(Some(one))
    }

    /// The first file that names something decides about it, whole.
    pub fn merge(&mut self, next: Self) {
        fn append<T>(mine: &mut Vec<Named<T>>, next: Vec<Named<T>>) {
            let is_known: Vec<bool> = next.iter().map(|one| mine.iter().any(|known| known.name == one.name)).collect();
            mine.extend(next.into_iter().zip(is_known).filter(|(_, is_known)| !is_known).map(|(one, _)| one));
        }
        append(&mut self.clusters, next.clusters);
        append(&mut self.contexts, next.contexts);
        append(&mut self.users, next.users);
        if self.current_context.is_empty() {
            self.current_context = next.current_context;
        }
    }

    /// Whether cluster and user are left open, as by `kubectl config set-context NAME --namespace=…` in a pod: kubectl then asks as the
    /// pod's service account, and gives up where it is in none. Gives the namespace that is named all the same, or nothing for none.
    pub fn left_open(&self, options: &KubeOptions) -> Option<&str> {
        if options.cluster.is_some() || options.user.is_some() || options.server.is_some() {
            return None;
        }
        let name = options.context.as_ref().unwrap_or(&self.current_context);
        if name.is_empty() {
            return Some("");
        }
        let context = find(&self.contexts, name)?;
        let is_open = context.cluster.is_empty()
            && find(&self.clusters, "").is_none()
            && find(&self.users, &context.user).is_none_or(|user| *user == User::default());
        is_open.then_some(&context.namespace)
    }

    /// `text` is what the document was written as. An error begins after the file's name: with the line, where there is one.
    fn of(document: Value, text: &str) -> Result<Self, String> {
        let fields = match without_nulls(document) {
            Value::Null => return Ok(Self::default()),
            Value::Object(fields) => fields,
            _ => return Err(": not a kubeconfig: a list of fields is expected".to_owned()),
        };
        let whole = Value::Object(fields);
        if let Some((path, what)) = shape::mistake(&whole) {
            let line = place::line(first_document(text), &path).map_or_else(String::new, |line| format!(", line {line}"));
            return Err(format!("{line}: {what}"));
        }
        let Value::Object(mut fields) = whole else { return Ok(Self::default()) };
        for (field, expected) in [("apiVersion", "v1"), ("kind", "Config")] {
            match fields.get(field) {
                None => {}
                Some(Value::String(found)) if found == expected || found.is_empty() => {}
                Some(_) => return Err(format!(": not a kubeconfig: its {field} is not {expected}")),
            }
        }
        Ok(Self {
            current_context: fields.remove("current-context").as_ref().and_then(Value::as_str).unwrap_or_default().to_owned(),
            clusters: entries(fields.remove("clusters"), "clusters", "cluster")?,
            contexts: entries(fields.remove("contexts"), "contexts", "context")?,
            users: entries(fields.remove("users"), "users", "user")?,
        })
    }

    fn make_absolute(&mut self, folder: &Path) {
        let absolute = |path: &mut String| {
            if !path.is_empty() {
                *path = folder.join(&*path).to_string_lossy().into_owned();
            }
        };
        for cluster in &mut self.clusters {
            absolute(&mut cluster.entry.certificate_authority);
        }
        for Named { entry, .. } in &mut self.users {
            for path in [&mut entry.client_certificate, &mut entry.client_key, &mut entry.token_file] {
                absolute(path);
            }
            // A name alone is looked for on `PATH`.
            if let Some(exec) = entry.exec.as_mut().filter(|exec| exec.command.contains(std::path::MAIN_SEPARATOR)) {
                absolute(&mut exec.command);
            }
        }
    }
}

/// The files to merge, first wins; whether it must exist (kubectl: only the one of `--kubeconfig`).
pub(super) fn candidates(flag: Option<&Path>, variable: Option<&std::ffi::OsStr>, home: Option<&Path>) -> (Vec<PathBuf>, bool) {
    if let Some(path) = flag {
        return (vec![path.to_owned()], true);
    }
    let Some(list) = variable.filter(|list| !list.is_empty()) else {
        return (vec![home.unwrap_or(Path::new("~")).join(".kube/config")], false);
    };
    let mut paths: Vec<PathBuf> = Vec::new();
    for path in std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty()) {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    (paths, false)
}

/// Says which entry is wrong, never what is in it. Kinds of fields and names were looked at before.
fn entries<T: DeserializeOwned + Default>(list: Option<Value>, place: &str, field: &str) -> Result<Vec<Named<T>>, String> {
    let Some(Value::Array(list)) = list else { return Ok(Vec::new()) };
    let mut named: Vec<Named<T>> = Vec::new();
    for mut one in list {
        let name = one.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let entry = one.get_mut(field).map(Value::take).filter(|entry| !entry.is_null()).map_or_else(|| Ok(T::default()), serde_json::from_value);
        let entry = entry.map_err(|_| format!(": {field} {name:?} of {place} has a field of the wrong kind"))?;
        named.push(Named { name, entry });
    }
    Ok(named)
}

/// The first document, as kubectl takes no other.
fn document(text: &str) -> Result<Value, String> {
    let first = first_document(text);
    if first.trim().is_empty() {
        return Ok(Value::Null);
    }
    let options = serde_saphyr::options! { duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins };
    let words = serde_saphyr::options! { duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins, strict_booleans: true };
    let read = serde_saphyr::from_str_with_options(first, options);
    // A value that is marked as true or false (`!!bool yes`) is a mistake to the strict reader, and none to kubectl's.
    let read = read.map(|lax: Value| match serde_saphyr::from_str_with_options(first, words) {
        Ok(strict) => booleans(lax, strict),
        Err(_) => lax,
    });
    read.map_err(|error| {
        let line = error.location().map_or_else(String::new, |location| format!(", line {}", location.line()));
        let said = error.without_snippet().to_string();
        format!("{line}: not valid YAML for a kubeconfig: {}", said.lines().next().unwrap_or_default())
    })
}

/// Up to the mark of a second document; a mark before everything begins the first. Empty where there are only comments in it.
fn first_document(text: &str) -> &str {
    let mut at = 0;
    let (mut has_content, mut has_begun) = (false, false);
    for line in text.split_inclusive('\n') {
        let is_mark = line.trim_end() == "---" || line.starts_with("--- ");
        if (is_mark && (has_content || has_begun)) || line.trim_end() == "..." {
            break;
        }
        has_begun |= is_mark;
        has_content |= !is_mark && !line.trim().is_empty() && !line.starts_with(['#', '%']);
        at += line.len();
    }
    if has_content { &text[..at] } else { "" }
}

/// By its byte order mark; without one UTF-8.
fn decoded(bytes: &[u8]) -> Option<String> {
    let wide = |rest: &[u8], of: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest.chunks_exact(2).map(|pair| of([pair[0], pair[1]])).collect();
        String::from_utf16(&units).ok()
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => std::str::from_utf8(rest).ok().map(str::to_owned),
        bytes => std::str::from_utf8(bytes).ok().map(str::to_owned),
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name, without_nulls(value))).collect(),
        Value::Array(list) => Value::Array(list.into_iter().map(without_nulls).collect()),
        value => value,
    }
}

/// What is true or false for one reader of YAML and a word for another is true or false where it is written as YAML 1.1 has it, and as
/// kubectl's reader knows it: `yes`, `Yes`, `YES` and not `yEs`. What is in quotes is a word for both.
fn booleans(lax: Value, strict: Value) -> Value {
    match (lax, strict) {
        (Value::Bool(_), Value::String(word)) if !is_boolean(&word) => Value::String(word),
        (Value::Object(lax), Value::Object(mut strict)) => {
            let pairs = lax.into_iter().map(|(name, value)| {
                let value = booleans(value, strict.remove(&name).unwrap_or_default());
                (name, value)
            });
            Value::Object(pairs.collect())
        }
        (Value::Array(lax), Value::Array(strict)) => Value::Array(lax.into_iter().zip(strict).map(|(lax, strict)| booleans(lax, strict)).collect()),
        (lax, _) => lax,
    }
}

/// One of the words of YAML 1.1, small, capital or with a capital letter.
fn is_boolean(word: &str) -> bool {
    let word = word.trim();
    let (small, rest) = (word.to_ascii_lowercase(), word.get(1..).unwrap_or_default());
    let is_written_so = rest == rest.to_ascii_lowercase() || word == word.to_ascii_uppercase();
    matches!(&*small, "y" | "yes" | "on" | "n" | "no" | "off" | "true" | "false") && is_written_so
}
