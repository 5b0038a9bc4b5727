//! Which cluster, as whom: kubectl's rules for kubeconfig files and flags, decided once at start.
//!
//! Certificates and keys are read into memory here, so that a later change of the files, or of the current context,
//! changes nothing in a running cockpit. Credential plugins and token files are asked again by their own rules.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use base64::Engine as _;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use kube::config::{AuthInfo, ExecInteractiveMode, KubeConfigOptions, Kubeconfig, KubeconfigError};
use tower::{BoxError, Service};

use super::{ConnectError, wire::Wire};
use crate::domain::text::Text;

/// kubectl's flags, as given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KubeOptions {
    pub kubeconfig: Option<PathBuf>,
    pub context: Option<String>,
    pub cluster: Option<String>,
    pub user: Option<String>,
    pub namespace: Option<String>,
    /// `--as`.
    pub impersonate: Option<String>,
    /// `--as-group`, any number.
    pub impersonate_groups: Vec<String>,
    /// Of one request; zero means no limit, as with kubectl.
    pub request_timeout: Option<Duration>,
    pub insecure_skip_tls_verify: bool,
    /// Address in place of the cluster entry's.
    pub server: Option<String>,
}

/// The one cluster of this run. Everything needed to reach it is inside; no file is consulted again.
#[derive(Clone)]
pub struct Target {
    /// Name of the kubeconfig context; `in-cluster` without a kubeconfig.
    pub context: Text,
    /// Name of the kubeconfig's cluster entry.
    pub cluster: Text,
    /// Name of the kubeconfig's user entry; who that is, the API server says.
    pub user: Text,
    /// `-n`, or the context's namespace, or `default`.
    pub namespace: Text,
    /// Address without any login in it.
    pub server: Text,
    /// TLS verification is off because the user asked for it.
    pub insecure: bool,
    /// Of one request that reads.
    pub request_timeout: Duration,
    /// Of one that writes. What has no answer by then may have been done, so it is longer where no flag says otherwise.
    pub write_timeout: Duration,
    /// Files the kubeconfig came from.
    pub files: Vec<PathBuf>,
    pub(crate) wire: Arc<Wire>,
    /// Hash over address and CA: tells clusters apart where kube-system may not be read.
    pub(crate) fingerprint: Text,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Target").field("context", &self.context).field("server", &self.server).finish_non_exhaustive()
    }
}

impl Target {
    /// A cluster that answers inside this process, as the simulated one can. `api` gets every request, also those that write;
    /// who asks, it has to know by itself.
    pub fn in_process<S, B>(context: &str, namespace: &str, api: S) -> Self
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
        S::Error: Into<BoxError>,
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (context, server) = (Text::line(context), Text::from("in-process"));
        Self {
            cluster: context.clone(),
            user: context.clone(),
            context,
            namespace: Text::line(namespace),
            insecure: false,
            request_timeout: REQUEST_TIMEOUT,
            write_timeout: WRITE_TIMEOUT,
            files: Vec::new(),
            fingerprint: server.clone(),
            wire: Arc::new(Wire::in_process(server.clone(), api)),
            server,
        }
    }
}

/// Limit of one request where no flag says otherwise.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The same of one that writes.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// What is taken from outside besides the flags.
struct Surroundings {
    kubeconfig: Option<OsString>,
    home: Option<PathBuf>,
    /// Whether this runs in a pod.
    in_cluster: bool,
}

/// Decides the target. Reads files, no network.
pub fn load(options: &KubeOptions) -> Result<Target, ConnectError> {
    let surroundings = Surroundings {
        kubeconfig: std::env::var_os("KUBECONFIG"),
        home: etcetera::home_dir().ok(),
        in_cluster: std::env::var_os("KUBERNETES_SERVICE_HOST").is_some(),
    };
    load_in(options, &surroundings)
}

fn load_in(options: &KubeOptions, surroundings: &Surroundings) -> Result<Target, ConnectError> {
    let (candidates, must_exist) = candidates(options, surroundings);
    let mut merged = Kubeconfig::default();
    let mut files = Vec::new();
    for path in &candidates {
        if !must_exist && !path.exists() {
            continue;
        }
        let mut one = Kubeconfig::read_from(path).map_err(|error| unreadable(path, &error))?;
        one.current_context = one.current_context.filter(|name| !name.is_empty());
        merged = merged.merge(one).map_err(|error| unreadable(path, &error))?;
        files.push(path.clone());
    }
    if files.is_empty() {
        if surroundings.in_cluster && options.context.is_none() {
            return in_cluster(options);
        }
        let looked = candidates.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        return Err(ConnectError::config(&format!("no kubeconfig at {looked}: set KUBECONFIG or give --kubeconfig FILE")));
    }
    from_files(options, merged, files)
}

/// The files to merge, first wins; whether each of them must exist (kubectl: only the one of `--kubeconfig`).
fn candidates(options: &KubeOptions, surroundings: &Surroundings) -> (Vec<PathBuf>, bool) {
    if let Some(path) = &options.kubeconfig {
        return (vec![path.clone()], true);
    }
    if let Some(list) = &surroundings.kubeconfig {
        let paths: Vec<_> = std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect();
        if !paths.is_empty() {
            return (paths, false);
        }
    }
    let home = surroundings.home.clone().unwrap_or_else(|| PathBuf::from("~"));
    (vec![home.join(".kube/config")], false)
}

fn from_files(options: &KubeOptions, mut merged: Kubeconfig, files: Vec<PathBuf>) -> Result<Target, ConnectError> {
    let place = files.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(":");
    let contexts: Vec<&str> = merged.contexts.iter().map(|context| context.name.as_str()).collect();
    let Some(context_name) = options.context.clone().or_else(|| merged.current_context.clone()) else {
        return Err(ConnectError::config(&format!("{place}: no current context is set: choose one with --context {}", known(&contexts, ""))));
    };
    let Some(context) = merged.contexts.iter().find(|context| context.name == context_name).and_then(|context| context.context.clone()) else {
        let said_by = if options.context.is_some() { "--context" } else { "current-context" };
        return Err(ConnectError::config(&format!(
            "{place}: there is no context {context_name:?} ({said_by}): use one of {}",
            known(&contexts, &context_name)
        )));
    };
    let cluster_name = options.cluster.clone().unwrap_or_else(|| context.cluster.clone());
    let clusters: Vec<String> = merged.clusters.iter().map(|cluster| cluster.name.clone()).collect();
    let Some(cluster) = merged.clusters.iter_mut().find(|cluster| cluster.name == cluster_name).and_then(|cluster| cluster.cluster.as_mut()) else {
        let names: Vec<_> = clusters.iter().map(String::as_str).collect();
        return Err(ConnectError::config(&format!("{place}: there is no cluster {cluster_name:?}: use one of {}", known(&names, &cluster_name))));
    };
    if let Some(server) = &options.server {
        cluster.server = Some(server.clone());
    }
    if options.insecure_skip_tls_verify {
        cluster.insecure_skip_tls_verify = Some(true);
    }
    let user_name = options.user.clone().or_else(|| context.user.clone()).unwrap_or_default();
    let users: Vec<String> = merged.auth_infos.iter().map(|user| user.name.clone()).collect();
    let entry = merged.auth_infos.iter_mut().find(|user| user.name == user_name).and_then(|user| user.auth_info.as_mut());
    match entry {
        Some(entry) => keep_credentials(entry, &place, &user_name)?,
        None if options.user.is_some() => {
            let names: Vec<_> = users.iter().map(String::as_str).collect();
            return Err(ConnectError::config(&format!("{place}: there is no user {user_name:?}: use one of {}", known(&names, &user_name))));
        }
        None => {}
    }
    let selection = KubeConfigOptions { context: Some(context_name.clone()), cluster: Some(cluster_name.clone()), user: options.user.clone() };
    // The loader is async by signature only: every file it may read was read above or is read at once.
    let config = futures::executor::block_on(kube::Config::from_custom_kubeconfig(merged, &selection))
        .map_err(|error| ConnectError::config(&format!("{place}: context {context_name:?}: {}", words(&error))))?;
    Ok(target(options, config, &context_name, &cluster_name, &user_name, files))
}

fn in_cluster(options: &KubeOptions) -> Result<Target, ConnectError> {
    let config = kube::Config::incluster().map_err(|error| {
        ConnectError::config(&format!("no kubeconfig, and the pod's service account cannot be used: {error}: give --kubeconfig FILE"))
    })?;
    Ok(target(options, config, "in-cluster", "in-cluster", "service account", Vec::new()))
}

fn target(options: &KubeOptions, mut config: kube::Config, context: &str, cluster: &str, user: &str, files: Vec<PathBuf>) -> Target {
    use sha2::{Digest as _, Sha256};
    if options.impersonate.is_some() {
        config.auth_info.impersonate.clone_from(&options.impersonate);
    }
    if !options.impersonate_groups.is_empty() {
        config.auth_info.impersonate_groups = Some(options.impersonate_groups.clone());
    }
    // A plugin must not read from or write to the terminal that the cockpit draws on.
    if let Some(exec) = &mut config.auth_info.exec {
        exec.interactive_mode = Some(ExecInteractiveMode::Never);
    }
    config.default_retry = false;
    let is_here = matches!(config.cluster_url.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    config.disable_compression |= is_here;
    let server = without_login(&config.cluster_url);
    let mut hash = Sha256::new();
    hash.update(server.as_bytes());
    for certificate in config.root_cert.iter().flatten() {
        hash.update(certificate);
    }
    let number = hash.finalize().iter().take(16).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    let namespace = options.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    let asked = options.request_timeout.map(|limit| if limit.is_zero() { Duration::from_hours(1) } else { limit });
    Target {
        context: Text::line(context),
        cluster: Text::line(cluster),
        user: Text::line(user),
        namespace: Text::line(if namespace.is_empty() { "default" } else { &namespace }),
        insecure: config.accept_invalid_certs,
        request_timeout: asked.unwrap_or(REQUEST_TIMEOUT),
        write_timeout: asked.unwrap_or(WRITE_TIMEOUT),
        files,
        fingerprint: Text::line(&format!("address-{number:032x}")),
        wire: Arc::new(Wire::new(config, Text::line(&server))),
        server: Text::line(&server),
    }
}

/// Takes the client certificate and key into memory; says which file is missing.
fn keep_credentials(user: &mut AuthInfo, place: &str, name: &str) -> Result<(), ConnectError> {
    let missing = |what: &str, path: &str, error: &std::io::Error| {
        ConnectError::config(&format!("{place}: user {name:?}: its {what} {path} cannot be read ({error}): log in again or correct the path"))
    };
    let encode = |bytes: Vec<u8>| base64::engine::general_purpose::STANDARD.encode(bytes);
    if user.client_certificate_data.is_none()
        && let Some(path) = user.client_certificate.take()
    {
        user.client_certificate_data = Some(encode(fs::read(&path).map_err(|error| missing("client-certificate", &path, &error))?));
    }
    if user.client_key_data.is_none()
        && let Some(path) = user.client_key.take()
    {
        user.client_key_data = Some(encode(fs::read(&path).map_err(|error| missing("client-key", &path, &error))?).into());
    }
    if user.token.is_none()
        && let Some(path) = &user.token_file
    {
        fs::metadata(path).map_err(|error| missing("tokenFile", path, &error))?;
    }
    Ok(())
}

/// One sentence for a file that could not be read or understood. Never quotes the file, which holds secrets.
fn unreadable(path: &Path, error: &KubeconfigError) -> ConnectError {
    let path = path.display();
    ConnectError::config(&match error {
        KubeconfigError::ReadConfig(error, _) if error.kind() == std::io::ErrorKind::NotFound => {
            format!("kubeconfig {path} does not exist: correct --kubeconfig or KUBECONFIG")
        }
        KubeconfigError::ReadConfig(error, _) => format!("kubeconfig {path} cannot be read ({error}): correct its permissions or the path"),
        KubeconfigError::Parse(error) => {
            let line = error.location().map_or_else(String::new, |location| format!(", line {}", location.line()));
            let said = error.without_snippet().to_string();
            let said = said.lines().next().unwrap_or_default().to_owned();
            format!("kubeconfig {path}{line}: not valid YAML for a kubeconfig: {said}")
        }
        error => format!("kubeconfig {path}: {error}"),
    })
}

fn words(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::LoadCertificateAuthority(error) => format!("its certificate-authority cannot be read: {error}"),
        KubeconfigError::MissingClusterUrl => "its cluster has no server address".to_owned(),
        error => error.to_string(),
    }
}

/// Known names, nearest to what was typed first, at most eight.
fn known(names: &[&str], typed: &str) -> String {
    if names.is_empty() {
        return "(the file names none)".to_owned();
    }
    let mut sorted = names.to_vec();
    let typed = typed.to_lowercase();
    sorted.sort_by_key(|name| strsim::damerau_levenshtein(&name.to_lowercase(), &typed));
    let more = if sorted.len() > 8 { format!(" and {} more", sorted.len() - 8) } else { String::new() };
    sorted.truncate(8);
    format!("{}{more}", sorted.join(", "))
}

fn without_login(url: &http::Uri) -> String {
    let authority = url.authority().map_or("", |authority| authority.as_str());
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{}://{host}{}", url.scheme_str().unwrap_or("https"), url.path().trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "
apiVersion: v1
kind: Config
current-context: prod-uk-1
clusters:
- {name: uk, cluster: {server: 'https://alice:secret@127.0.0.1:6443/base', insecure-skip-tls-verify: true}}
- {name: de, cluster: {server: 'https://127.0.0.1:7443'}}
contexts:
- {name: prod-uk-1, context: {cluster: uk, user: oncall, namespace: digital-identity}}
- {name: staging, context: {cluster: de, user: oncall}}
- {name: far-away, context: {cluster: de, user: nobody}}
users:
- {name: oncall, user: {token: s3cr3t}}
";

    fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    fn nowhere() -> Surroundings {
        Surroundings { kubeconfig: None, home: Some(PathBuf::from("/nonexistent")), in_cluster: false }
    }

    fn with(path: &Path) -> KubeOptions {
        KubeOptions { kubeconfig: Some(path.to_owned()), ..KubeOptions::default() }
    }

    #[test]
    fn the_current_context_decides_unless_a_flag_does() {
        let (_folder, path) = written(TWO);
        let target = load_in(&with(&path), &nowhere()).unwrap();
        assert_eq!((&*target.context, &*target.cluster, &*target.namespace), ("prod-uk-1", "uk", "digital-identity"));
        assert!(target.insecure);
        let options = KubeOptions { context: Some("staging".into()), namespace: Some("shop".into()), ..with(&path) };
        let target = load_in(&options, &nowhere()).unwrap();
        assert_eq!((&*target.context, &*target.server, &*target.namespace), ("staging", "https://127.0.0.1:7443", "shop"));
    }

    #[test]
    fn a_limit_of_requests_is_one_of_writes_too() {
        let (_folder, path) = written(TWO);
        let limits = |request_timeout| {
            let target = load_in(&KubeOptions { request_timeout, ..with(&path) }, &nowhere()).unwrap();
            (target.request_timeout, target.write_timeout)
        };
        assert_eq!(limits(None), (REQUEST_TIMEOUT, WRITE_TIMEOUT));
        assert_eq!(limits(Some(Duration::from_secs(3))), (Duration::from_secs(3), Duration::from_secs(3)));
        let without = Duration::from_hours(1);
        assert_eq!(limits(Some(Duration::ZERO)), (without, without));
    }

    #[test]
    fn a_login_in_the_address_is_not_shown() {
        let (_folder, path) = written(TWO);
        let target = load_in(&with(&path), &nowhere()).unwrap();
        assert_eq!(&*target.server, "https://127.0.0.1:6443/base");
        assert!(!format!("{target:?}").contains("secret"));
    }

    #[test]
    fn an_unknown_context_lists_the_known_ones_nearest_first() {
        let (_folder, path) = written(TWO);
        let options = KubeOptions { context: Some("stagign".into()), ..with(&path) };
        let message = load_in(&options, &nowhere()).unwrap_err().to_string();
        assert!(message.contains("no context \"stagign\"") && message.contains("use one of staging, "), "{message}");
        assert!(message.contains(&path.display().to_string()), "{message}");
    }

    #[test]
    fn the_first_file_of_a_list_wins_and_missing_ones_are_skipped() {
        let (folder, path) = written(TWO);
        let other = folder.path().join("other");
        fs::write(&other, "apiVersion: v1\nkind: Config\ncurrent-context: staging\nclusters: []\ncontexts: []\nusers: []\n").unwrap();
        let list = std::env::join_paths([&folder.path().join("missing"), &other, &path]).unwrap();
        let target = load_in(&KubeOptions::default(), &Surroundings { kubeconfig: Some(list), ..nowhere() }).unwrap();
        assert_eq!(&*target.context, "staging");
        assert_eq!(target.files, [other, path]);
    }

    #[test]
    fn broken_yaml_names_file_and_line_but_quotes_no_secret() {
        let (_folder, path) = written("apiVersion: v1\nusers:\n- name: a\n  user: {token: s3cr3t\n- [\n");
        let message = load_in(&with(&path), &nowhere()).unwrap_err().to_string();
        assert!(message.contains("line ") && message.contains(&path.display().to_string()), "{message}");
        assert!(!message.contains("s3cr3t"), "{message}");
    }

    #[test]
    fn missing_files_are_named_with_a_remedy() {
        let message = load_in(&with(Path::new("/nonexistent/config")), &nowhere()).unwrap_err().to_string();
        assert!(message.contains("/nonexistent/config does not exist"), "{message}");
        let message = load_in(&KubeOptions::default(), &nowhere()).unwrap_err().to_string();
        assert!(message.contains("/nonexistent/.kube/config") && message.contains("--kubeconfig"), "{message}");
        let (folder, path) = written(&TWO.replace("{token: s3cr3t}", "{client-certificate: me.crt, client-key: me.key}"));
        let message = load_in(&with(&path), &nowhere()).unwrap_err().to_string();
        assert!(message.contains(&folder.path().join("me.crt").display().to_string()), "{message}");
    }

    #[test]
    fn later_changes_of_the_file_change_nothing() {
        let (_folder, path) = written(TWO);
        let target = load_in(&with(&path), &nowhere()).unwrap();
        fs::write(&path, TWO.replace("current-context: prod-uk-1", "current-context: staging")).unwrap();
        assert_eq!((&*target.context, &*target.server), ("prod-uk-1", "https://127.0.0.1:6443/base"));
    }
}
