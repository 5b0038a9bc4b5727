//! The user entry that counts: what is sent and in whose name (`client-go/tools/clientcmd/client_config.go` and `validation.go`,
//! `client-go/transport/round_trippers.go`).

use std::{path::PathBuf, sync::Arc};

use ::secrecy::SecretString;
use http::HeaderValue;
use kube::config::{AuthInfo, AuthProviderConfig};

use super::{
    cluster::{decoded, read},
    file::{AuthProvider, Exec, User},
};
use crate::{
    connect::{
        credentials::{Credentials, Identity, TokenFile, basic, bearer},
        plugin::{Asks, Plugin, Spec},
    },
    domain::{conceal, secrecy, text::Text, time::Clock},
};

const GROUP: &str = "client.authentication.k8s.io";

/// Who asks.
pub(super) struct Who {
    pub credentials: Credentials,
    pub identity: Option<Identity>,
    /// A login that kube's client knows.
    pub provider: Option<AuthProvider>,
}

impl Who {
    pub fn nobody() -> Self {
        Self { credentials: Credentials::none(), identity: None, provider: None }
    }
}

/// What a user entry that may be read is worth: a token, a login, a certificate or a plugin, in this order. `cluster` is what a
/// plugin is told of it, where it asks.
pub(super) fn who(
    user: &User,
    cluster: impl FnOnce() -> Result<serde_json::Value, String>,
    server: &Text,
    clock: &Arc<dyn Clock>,
) -> Result<Who, String> {
    for secret in [&user.token, &user.password] {
        secrecy::ours_for_good(secret);
    }
    let has_login = !user.username.is_empty() || !user.password.is_empty();
    if has_login && !(user.token.is_empty() && user.token_file.is_empty()) {
        return Err("has a token and a username: take one out".to_owned());
    }
    let identity = identity(user)?;
    let plugin = user.exec.as_ref().map(|exec| plugin(exec, user, cluster)).transpose()?;
    let token = if user.token.is_empty() { None } else { Some(header(bearer(&user.token), "token")?) };
    let login = !user.username.is_empty();
    let mut provider = None;
    let credentials = if !user.token_file.is_empty() {
        if token.is_none() {
            std::fs::metadata(&user.token_file)
                .map_err(|error| format!("has tokenFile {}, which cannot be read ({error}): log in again or correct the path", user.token_file))?;
        }
        Credentials::TokenFile(TokenFile::new(PathBuf::from(&user.token_file), token, server.clone(), clock.clone()))
    } else if let Some(token) = token {
        Credentials::fixed(token)
    } else if login {
        Credentials::fixed(header(basic(&user.username, &SecretString::from(user.password.clone())), "username")?)
    } else if let Some(spec) = plugin.filter(|_| identity.is_none()) {
        Credentials::Plugin(Arc::new(Plugin::new(spec, server.clone(), clock.clone())))
    } else {
        provider.clone_from(&user.auth_provider);
        Credentials::none()
    };
    // One that is not used beside a token must still be one that there is, as for kubectl.
    match user.auth_provider.as_ref().map(|provider| provider.name.as_str()) {
        None | Some("oidc") => {}
        Some(name @ ("gcp" | "azure")) => {
            let instead = if name == "gcp" { "gke-gcloud-auth-plugin" } else { "kubelogin" };
            return Err(format!("has the auth-provider {name}, which Kubernetes has no more: log in with the credential plugin {instead} instead"));
        }
        Some(name) => return Err(format!("has the auth-provider {name}, which is not known: there is oidc")),
    }
    let told = provider.iter().flat_map(|provider| &provider.config);
    told.filter(|(name, _)| secrecy::is_secret_name(name)).for_each(|(_, value)| secrecy::ours_for_good(value));
    Ok(Who { credentials, identity, provider })
}

/// Whether the entry says who we are in any way.
pub(super) fn has_credentials(user: &User) -> bool {
    let texts = [&user.token, &user.token_file, &user.username, &user.password, &user.client_certificate, &user.client_certificate_data];
    texts.into_iter().any(|text| !text.is_empty()) || user.exec.is_some() || user.auth_provider.is_some()
}

fn header<E>(value: Result<HeaderValue, E>, field: &str) -> Result<HeaderValue, String> {
    value.map_err(|_| format!("has a {field} with a character that a header cannot carry, such as a line break at its end: correct it"))
}

fn identity(user: &User) -> Result<Option<Identity>, String> {
    let certificate = pem(&user.client_certificate, &user.client_certificate_data, "client-certificate")?;
    // A key alone is no certificate and does nothing.
    let Some(certificate) = certificate else { return Ok(None) };
    let key = pem(&user.client_key, &user.client_key_data, "client-key")?;
    let key = SecretString::from(key.ok_or("has client-certificate but no client-key")?);
    Identity::new(&certificate, &key).map(Some).map_err(|why| format!("has {why}"))
}

fn pem(path: &str, data: &str, field: &str) -> Result<Option<String>, String> {
    let bytes = match (path, data) {
        ("", "") => return Ok(None),
        ("", data) => decoded(data, &format!("{field}-data"))?,
        (path, "") => read(path, field)?,
        _ => return Err(format!("has {field} and {field}-data: take one out")),
    };
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn plugin(exec: &Exec, user: &User, cluster: impl FnOnce() -> Result<serde_json::Value, String>) -> Result<Spec, String> {
    if user.auth_provider.is_some() {
        return Err("has a credential plugin (exec) and an auth-provider: take one out".to_owned());
    }
    if exec.command.is_empty() {
        return Err("has a credential plugin (exec) without a command".to_owned());
    }
    let version = exec.api_version.strip_prefix(GROUP).and_then(|rest| rest.strip_prefix('/'));
    let Some(version @ ("v1" | "v1beta1")) = version else {
        return Err(format!("has a credential plugin (exec) with apiVersion {:?}: there are {GROUP}/v1 and {GROUP}/v1beta1", exec.api_version));
    };
    let asks = match (exec.interactive_mode.as_str(), version) {
        ("Never", _) => Asks::Never,
        ("IfAvailable", _) | ("", "v1beta1") => Asks::IfAvailable,
        ("Always", _) => Asks::Always,
        ("", _) => return Err("has a credential plugin (exec) without interactiveMode: write Never, IfAvailable or Always".to_owned()),
        (other, _) => return Err(format!("has a credential plugin (exec) with interactiveMode {other:?}: there are Never, IfAvailable and Always")),
    };
    if exec.env.iter().any(|variable| variable.name.is_empty()) {
        return Err("has a credential plugin (exec) with a variable that has no name".to_owned());
    }
    // It may say what it was called with.
    let args: Vec<&str> = exec.args.iter().map(String::as_str).collect();
    conceal::words(&args, &mut |secret| {
        // A file with one is none.
        if !secret.starts_with(['/', '.', '~']) {
            secrecy::ours_for_good(secret);
        }
        String::new()
    });
    let told = if exec.provide_cluster_info { Some(cluster()?) } else { None };
    Ok(Spec {
        command: exec.command.clone(),
        args: exec.args.clone(),
        env: exec.env.iter().map(|variable| (variable.name.clone(), variable.value.clone())).collect(),
        api_version: exec.api_version.clone(),
        install_hint: Some(exec.install_hint.clone()).filter(|hint| !hint.is_empty()),
        asks,
        cluster: told,
    })
}

/// In whose name it is asked, and with which login of kube's own: all that its client is told of a user.
pub(super) fn auth_info(user: &User, provider: Option<AuthProvider>) -> Result<AuthInfo, String> {
    let present = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let (groups, extra) = (&user.impersonate_groups, &user.impersonate_extra);
    let mut info = AuthInfo {
        auth_provider: provider.map(|AuthProvider { name, config }| AuthProviderConfig {
            name,
            config: config.into_iter().collect(),
            ..Default::default()
        }),
        ..AuthInfo::default()
    };
    if user.impersonate.is_empty() {
        return if groups.is_empty() && extra.is_empty() && user.impersonate_uid.is_empty() {
            Ok(info)
        } else {
            Err("asks for a uid, groups or extras of somebody else without saying whose: give --as too".to_owned())
        };
    }
    let values = [&user.impersonate, &user.impersonate_uid].into_iter().chain(groups).chain(extra.values().flatten());
    for value in values {
        header(HeaderValue::from_str(value), "name to act as")?;
    }
    info.impersonate = present(&user.impersonate);
    info.impersonate_uid = present(&user.impersonate_uid);
    info.impersonate_groups = Some(groups.clone()).filter(|groups| !groups.is_empty());
    info.impersonate_user_extra = Some(extra.clone().into_iter().collect()).filter(|_| !extra.is_empty());
    Ok(info)
}
