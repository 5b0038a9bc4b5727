//! Which cluster, as whom: kubectl's rules for kubeconfig files and flags, decided once at start.
//!
//! Certificates and keys are read into memory here, so that a later change of the files, or of the current context,
//! changes nothing in a running cockpit. Credential plugins and token files are asked again by their own rules.

mod cluster;
mod file;
mod place;
mod proxy;
mod shape;
mod user;

use std::{ffi::OsString, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Full;
use tower::{BoxError, Service};

use self::{
    cluster::Server,
    file::{Cluster, Context, Merged, Named, User},
    proxy::Environment,
    user::Who,
};
use super::{ConnectError, credentials::Credentials, wire::Wire};
use crate::{
    domain::{
        secrecy,
        shell::KubectlFlags,
        text::{Text, is_clear},
        time::Clock,
    },
    files,
};

/// Of the file with the namespace of a pod's service account, in bytes: a name has at most 63.
const NAMESPACE_LIMIT: u64 = 4 << 10;

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
    /// What leads kubectl to the same cluster as the same person.
    pub kubectl: KubectlFlags,
    /// Why nothing may be written to it: what is shown of a name here is not the name, so that what people compare, type and paste would
    /// mean another one.
    pub unclear: Option<Text>,
    /// Name of the kubeconfig's cluster entry.
    pub cluster: Text,
    /// Name of the kubeconfig's user entry; who that is, the API server says.
    pub user: Text,
    /// In whose name everything is asked, by `--as` or the kubeconfig.
    pub impersonates: Option<Text>,
    /// `-n`, or the context's namespace, or `default`.
    pub namespace: Text,
    /// Address without any login in it.
    pub server: Text,
    /// TLS verification is off because the user asked for it.
    pub insecure: bool,
    /// There are credentials and they are not sent: the address is plain http to another machine.
    pub withholds: bool,
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
        let (unclear, context, server) = (unclear(context), Text::line(context), Text::from("in-process"));
        Self {
            kubectl: KubectlFlags::of_context(&context),
            unclear,
            cluster: context.clone(),
            user: context.clone(),
            context,
            impersonates: None,
            namespace: Text::line(namespace),
            insecure: false,
            withholds: false,
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
    /// `KUBERNETES_SERVICE_HOST` and `_PORT`, as in a pod.
    service: Option<(String, String)>,
    /// Where a pod finds its service account.
    account: PathBuf,
    /// `POD_NAMESPACE`.
    pod_namespace: Option<String>,
    proxies: Environment,
}

impl Surroundings {
    fn real() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            kubeconfig: std::env::var_os("KUBECONFIG"),
            home: etcetera::home_dir().ok(),
            service: variable("KUBERNETES_SERVICE_HOST").zip(variable("KUBERNETES_SERVICE_PORT")),
            account: PathBuf::from("/var/run/secrets/kubernetes.io/serviceaccount"),
            pod_namespace: variable("POD_NAMESPACE"),
            proxies: Environment::real(),
        }
    }

    /// The namespace where none is named: in a pod it is the pod's, also with a kubeconfig.
    fn namespace(&self) -> String {
        let of_pod = || {
            let in_file = files::text(&self.account.join("namespace"), NAMESPACE_LIMIT).ok().map(|name| name.trim().to_owned());
            self.pod_namespace.clone().or(in_file).filter(|name| !name.is_empty())
        };
        self.in_cluster().and_then(|_| of_pod()).unwrap_or_else(|| "default".to_owned())
    }

    /// Whether this runs in a pod that may ask its API server.
    fn in_cluster(&self) -> Option<&(String, String)> {
        self.service.as_ref().filter(|_| self.account.join("token").is_file())
    }
}

/// Decides the target. Reads files, no network. The clock says when a credential has run out.
pub fn load(options: &KubeOptions, clock: &Arc<dyn Clock>) -> Result<Target, ConnectError> {
    load_in(options, &Surroundings::real(), clock)
}

/// Names of the contexts of the kubeconfig, in its order; none where it cannot be read.
pub fn contexts(options: &KubeOptions) -> Vec<Text> {
    let surroundings = Surroundings::real();
    let (candidates, _) = file::candidates(options.kubeconfig.as_deref(), surroundings.kubeconfig.as_deref(), surroundings.home.as_deref());
    let mut merged = Merged::default();
    // What is no file can be read only once.
    for one in candidates.iter().filter(|path| path.is_file()).filter_map(|path| Merged::read(path).ok().flatten()) {
        merged.merge(one);
    }
    merged.contexts.iter().map(|context| Text::line(&context.name)).collect()
}

fn load_in(options: &KubeOptions, surroundings: &Surroundings, clock: &Arc<dyn Clock>) -> Result<Target, ConnectError> {
    let (candidates, must_exist) = file::candidates(options.kubeconfig.as_deref(), surroundings.kubeconfig.as_deref(), surroundings.home.as_deref());
    let (mut merged, mut files) = (Merged::default(), Vec::new());
    for path in &candidates {
        match Merged::read(path)? {
            Some(one) => {
                merged.merge(one);
                files.push(path.clone());
            }
            None if must_exist => {
                return Err(ConnectError::config(&format!("kubeconfig {} does not exist: correct --kubeconfig", path.display())));
            }
            None => {}
        }
    }
    if let Some(namespace) = merged.left_open(options)
        && let Some(service) = surroundings.in_cluster()
    {
        return in_cluster(options, surroundings, service, namespace, clock);
    }
    if files.is_empty() {
        let looked = candidates.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        let looked = if looked.is_empty() { "the places that KUBECONFIG names".to_owned() } else { looked };
        return Err(ConnectError::config(&format!("no kubeconfig at {looked}: set KUBECONFIG or give --kubeconfig FILE")));
    }
    from_files(options, merged, files, surroundings, clock)
}

fn from_files(
    options: &KubeOptions,
    mut merged: Merged,
    files: Vec<PathBuf>,
    surroundings: &Surroundings,
    clock: &Arc<dyn Clock>,
) -> Result<Target, ConnectError> {
    fn names<T>(entries: &[Named<T>]) -> Vec<&str> {
        entries.iter().map(|entry| entry.name.as_str()).collect()
    }
    fn take<T>(entries: &mut Vec<Named<T>>, name: &str) -> Option<T> {
        let at = entries.iter().position(|entry| entry.name == name)?;
        Some(entries.swap_remove(at).entry)
    }
    let place = files.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(":");
    let wrong = |what: &str| ConnectError::of_file(&place, &format!(": {what}"));
    let context_name = options.context.clone().unwrap_or_else(|| merged.current_context.clone());
    if context_name.is_empty() && options.cluster.is_none() && merged.contexts.is_empty() {
        return Err(wrong("it holds no context: give another file with --kubeconfig, or log in to a cluster so that one is written"));
    }
    if context_name.is_empty() && options.cluster.is_none() {
        return Err(wrong(&format!("no current context is set: choose one with --context {}", known(&names(&merged.contexts), ""))));
    }
    let said_by = if options.context.is_some() { "--context" } else { "current-context" };
    let known_contexts = known(&names(&merged.contexts), &context_name);
    let context = match take(&mut merged.contexts, &context_name) {
        Some(context) => context,
        None if context_name.is_empty() => Context::default(),
        None => return Err(wrong(&format!("there is no context {context_name:?} ({said_by}): use one of {known_contexts}"))),
    };
    let cluster_by = if options.cluster.is_some() { "--cluster".to_owned() } else { format!("named by the context {context_name:?}") };
    let cluster_name = options.cluster.clone().unwrap_or(context.cluster);
    let known_clusters = known(&names(&merged.clusters), &cluster_name);
    let mut cluster = match take(&mut merged.clusters, &cluster_name) {
        Some(cluster) => cluster,
        // Its address is all that is needed of it.
        None if options.server.is_some() && options.cluster.is_none() => Cluster::default(),
        None if cluster_name.is_empty() => {
            let remedy = "choose another with --context, or give it one with kubectl config set-context";
            return Err(wrong(&format!("the context {context_name:?} names no cluster: {remedy}")));
        }
        None => return Err(wrong(&format!("there is no cluster {cluster_name:?} ({cluster_by}): use one of {known_clusters}"))),
    };
    if let Some(server) = &options.server {
        cluster.server.clone_from(server);
        cluster.tls_server_name = String::new();
    }
    if options.insecure_skip_tls_verify {
        cluster.insecure_skip_tls_verify = true;
        cluster.certificate_authority = String::new();
        cluster.certificate_authority_data = String::new();
    }
    let user_name = options.user.clone().unwrap_or(context.user);
    let known_users = known(&names(&merged.users), &user_name);
    let user = match take(&mut merged.users, &user_name) {
        Some(user) => user,
        None if options.user.is_some() => return Err(wrong(&format!("there is no user {user_name:?} (--user): use one of {known_users}"))),
        // As kubectl, which asks as nobody then.
        None => User::default(),
    };
    let of_cluster = |what: String| wrong(&format!("cluster {cluster_name:?} {what}"));
    let of_user = |what: String| wrong(&format!("user {user_name:?} {what}"));
    let server = Server::of(&cluster).map_err(of_cluster)?;
    let shown = Text::line(&secrecy::text(&shown(&server.uri), &mut |_| secrecy::HIDDEN.to_owned()));
    let mut config = kube::Config::new(server.uri.clone());
    config.proxy_url = cluster::proxy(&cluster, &server.uri, &surroundings.proxies).map_err(of_cluster)?;
    config.disable_compression = cluster.disable_compression;
    let mut who = Who::nobody();
    if server.is_encrypted() {
        config.root_cert = cluster::authority(&cluster).map_err(of_cluster)?;
        config.accept_invalid_certs = cluster.insecure_skip_tls_verify;
        config.tls_server_name = Some(cluster.tls_server_name.clone()).filter(|name| !name.is_empty());
    }
    // Nothing that says who we are goes over a connection that others can read, as with kubectl.
    let is_safe = server.is_encrypted() || server.is_here();
    let withholds = !is_safe && (server.login.is_some() || user::has_credentials(&user));
    if is_safe {
        who = user::who(&user, || cluster::for_plugin(&cluster), &shown, clock).map_err(of_user)?;
    }
    if let (Credentials::Fixed(fixed), Some(login)) = (&who.credentials, server.login.filter(|_| is_safe))
        && fixed.authorization.is_none()
        && who.provider.is_none()
    {
        who.credentials = Credentials::fixed(login);
    }
    let namespace = if context.namespace.is_empty() { surroundings.namespace() } else { context.namespace };
    let named = Chosen {
        context: if context_name.is_empty() { &cluster_name } else { &context_name },
        cluster: &cluster_name,
        user: &user_name,
        kubectl: Some(&*context_name).filter(|name| !name.is_empty()),
    };
    let target = target(options, config, (user, who), &named, &namespace, files).map_err(of_user)?;
    Ok(Target { withholds, ..target })
}

/// As a pod's service account.
fn in_cluster(
    options: &KubeOptions,
    surroundings: &Surroundings,
    (host, port): &(String, String),
    namespace: &str,
    clock: &Arc<dyn Clock>,
) -> Result<Target, ConnectError> {
    let wrong =
        |what: String| ConnectError::config(&format!("no kubeconfig names a cluster, and the pod's service account {what}: give --kubeconfig FILE"));
    let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    let ca = surroundings.account.join("ca.crt");
    let cluster =
        Cluster { server: format!("https://{host}:{port}"), certificate_authority: ca.to_string_lossy().into_owned(), ..Cluster::default() };
    let server = Server::of(&cluster).map_err(wrong)?;
    let mut config = kube::Config::new(server.uri.clone());
    config.root_cert = cluster::authority(&cluster).map_err(wrong)?;
    config.root_cert_file = Some(ca);
    config.proxy_url = cluster::proxy(&cluster, &server.uri, &surroundings.proxies).map_err(wrong)?;
    let token = surroundings.account.join("token");
    let user = User { token_file: token.to_string_lossy().into_owned(), ..User::default() };
    let who = user::who(&user, || Ok(serde_json::Value::Null), &Text::line(&shown(&server.uri)), clock).map_err(wrong)?;
    let namespace = Some(namespace.to_owned()).filter(|name| !name.is_empty()).unwrap_or_else(|| surroundings.namespace());
    let named = Chosen { context: "in-cluster", cluster: "in-cluster", user: "service account", kubectl: None };
    target(options, config, (user, who), &named, &namespace, Vec::new()).map_err(wrong)
}

/// The entries that were chosen.
struct Chosen<'a> {
    context: &'a str,
    cluster: &'a str,
    user: &'a str,
    /// Name of the context for kubectl; none: it finds the cluster without one.
    kubectl: Option<&'a str>,
}

/// As this program was called, but for the context, which is named in any case: the kubeconfig's may be another one later.
fn kubectl(options: &KubeOptions, context: Option<&str>) -> KubectlFlags {
    let file = options.kubeconfig.as_deref().map(|file| std::path::absolute(file).unwrap_or_else(|_| file.to_owned()));
    // What is no text cannot be shown: neither is a command with it.
    let file = file.as_deref().map(|file| file.to_str().unwrap_or("\0"));
    let flags = KubectlFlags::default().with("--context", context).with("--kubeconfig", file);
    let flags = flags.with("--cluster", options.cluster.as_deref()).with("--server", options.server.as_deref());
    let flags = flags.with("--user", options.user.as_deref()).with("--as", options.impersonate.as_deref());
    let flags = options.impersonate_groups.iter().fold(flags, |flags, group| flags.with("--as-group", Some(group)));
    flags.with_switch("--insecure-skip-tls-verify", options.insecure_skip_tls_verify)
}

fn target(
    options: &KubeOptions,
    mut config: kube::Config,
    (mut user, who): (User, Who),
    named: &Chosen<'_>,
    namespace: &str,
    files: Vec<PathBuf>,
) -> Result<Target, String> {
    use sha2::{Digest as _, Sha256};
    if let Some(name) = &options.impersonate {
        user.impersonate.clone_from(name);
    }
    if !options.impersonate_groups.is_empty() {
        user.impersonate_groups.clone_from(&options.impersonate_groups);
    }
    config.auth_info = user::auth_info(&user, who.provider)?;
    config.default_retry = false;
    let is_here = matches!(config.cluster_url.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    config.disable_compression |= is_here;
    let server = shown(&config.cluster_url);
    let mut hash = Sha256::new();
    hash.update(server.as_bytes());
    for certificate in config.root_cert.iter().flatten() {
        hash.update(certificate);
    }
    let number = hash.finalize().iter().take(16).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    // A key may stand in the path.
    let shown = Text::line(&secrecy::text(&server, &mut |_| secrecy::HIDDEN.to_owned()));
    let asked = options.request_timeout.map(|limit| if limit.is_zero() { Duration::from_hours(1) } else { limit });
    Ok(Target {
        kubectl: kubectl(options, named.kubectl),
        context: Text::line(named.context),
        unclear: unclear(named.context),
        cluster: Text::line(named.cluster),
        user: Text::line(named.user),
        impersonates: Some(&user.impersonate).filter(|name| !name.is_empty()).map(|name| Text::line(name)),
        namespace: Text::line(options.namespace.as_deref().filter(|name| !name.is_empty()).unwrap_or(namespace)),
        insecure: config.accept_invalid_certs,
        withholds: false,
        request_timeout: asked.unwrap_or(REQUEST_TIMEOUT),
        write_timeout: asked.unwrap_or(WRITE_TIMEOUT),
        files,
        fingerprint: Text::line(&format!("address-{number:032x}")),
        wire: Arc::new(Wire::new(config, who.credentials, who.identity, shown.clone())),
        server: shown,
    })
}

/// Why nothing is written in a context of this name.
fn unclear(context: &str) -> Option<Text> {
    (!is_clear(context)).then(|| {
        Text::line(&format!(
            "the context {context:?} has characters in its name that cannot be seen, so it could be taken for another one: nothing is written \
             with it; kubectl config rename-context gives it a plain name"
        ))
    })
}

/// An address for messages.
fn shown(url: &Uri) -> String {
    let authority = url.authority().map_or("", |authority| authority.as_str());
    format!("{}://{authority}{}", url.scheme_str().unwrap_or("https"), url.path().trim_end_matches('/'))
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

#[cfg(test)]
mod tests;
