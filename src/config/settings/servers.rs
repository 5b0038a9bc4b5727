//! Where Prometheus, Alertmanager and Elasticsearch are, and where their secrets are kept.

use std::path::PathBuf;

use url::Url;

use crate::{
    config::{
        shape::{Auth, Config, Secret, Server},
        value::{Read, Value},
    },
    domain::secrecy,
};

use super::{Draft, Section, Setting, Stars};

pub const NAMES: &[&str] = &["prometheus", "alertmanager", "elasticsearch"];

/// The settings of one server before it is known whether they make sense together.
#[derive(Debug, Clone, Default)]
pub struct ServerDraft {
    pub url: Option<String>,
    pub ca_file: Option<PathBuf>,
    pub insecure_skip_tls_verify: bool,
    pub login_over_http: bool,
    pub bearer: Option<Secret>,
    pub user: Option<String>,
    pub password: Option<Secret>,
    pub api_key: Option<Secret>,
}

impl ServerDraft {
    /// The sentence says which setting is missing or too many.
    pub fn finish(self) -> Read<Option<Server>> {
        let auth = match (self.bearer, self.user, self.password, self.api_key) {
            (None, None, None, None) => None,
            (Some(Secret::File(file)), None, None, None) => Some(Auth::BearerFile(file)),
            (Some(Secret::Env(name)), None, None, None) => Some(Auth::BearerEnv(name)),
            (None, Some(user), Some(password), None) => Some(Auth::Basic { user, password }),
            (None, None, None, Some(key)) => Some(Auth::ApiKey(key)),
            (None, Some(_), None, None) => return Err("has a user without password_file or password_env".to_owned()),
            (None, None, Some(_), None) => return Err("has a password without a user".to_owned()),
            _ => return Err("has more than one way to log in: keep a bearer token, a user with a password, or an API key".to_owned()),
        };
        match self.url {
            Some(url) => Ok(Some(Server {
                url,
                auth,
                ca_file: self.ca_file,
                insecure_skip_tls_verify: self.insecure_skip_tls_verify,
                login_over_http: self.login_over_http,
            })),
            None if auth.is_some() || self.ca_file.is_some() || self.insecure_skip_tls_verify || self.login_over_http => {
                Err("has settings but no url: these are only used for a server reached by its url".to_owned())
            }
            None => Ok(None),
        }
    }
}

pub static SERVERS: Section = Section {
    name: "servers.*",
    about: "Where a server is. Without a url it is looked for in the cluster and reached through the API server's service proxy.",
    project_may_set: false,
    stars: Stars::Fixed(NAMES),
    settings: &[
        Setting {
            name: "url",
            about: "http(s)://host:port/path, or k8s://namespace/service:port for a service of the cluster.",
            example: "\"https://metrics.example.org\"",
            get: |config, star| server(config, star).map(|server| Value::text(shown(&server.url))),
            set: |draft, star, value| {
                let url = read_url(value)?;
                server_draft(draft, star)?.url = Some(url);
                Ok(())
            },
        },
        Setting {
            name: "ca_file",
            about: "PEM file with a certificate authority to trust besides the system's.",
            example: "\"/etc/ssl/metrics-ca.pem\"",
            get: |config, star| server(config, star)?.ca_file.as_deref().map(Value::path),
            set: |draft, star, value| {
                server_draft(draft, star)?.ca_file = Some(value.read_path()?);
                Ok(())
            },
        },
        Setting {
            name: "insecure_skip_tls_verify",
            about: "Trust any certificate. The header shows it.",
            example: "true",
            get: |config, star| server(config, star).map(|server| Value::Flag(server.insecure_skip_tls_verify)),
            set: |draft, star, value| {
                server_draft(draft, star)?.insecure_skip_tls_verify = value.read_flag()?;
                Ok(())
            },
        },
        Setting {
            name: "login_over_http",
            about: "Send the login to an http address of another machine too, where it can be read on the way.",
            example: "true",
            get: |config, star| server(config, star).map(|server| Value::Flag(server.login_over_http)),
            set: |draft, star, value| {
                server_draft(draft, star)?.login_over_http = value.read_flag()?;
                Ok(())
            },
        },
        Setting {
            name: "bearer_file",
            about: "File that holds a bearer token.",
            example: "\"/run/secrets/metrics-token\"",
            get: |config, star| match server(config, star)?.auth.as_ref()? {
                Auth::BearerFile(file) => Some(Value::path(file)),
                _ => None,
            },
            set: |draft, star, value| {
                server_draft(draft, star)?.bearer = Some(Secret::File(value.read_path()?));
                Ok(())
            },
        },
        Setting {
            name: "bearer_env",
            about: "Environment variable that holds a bearer token.",
            example: "\"METRICS_TOKEN\"",
            get: |config, star| match server(config, star)?.auth.as_ref()? {
                Auth::BearerEnv(name) => Some(Value::text(name)),
                _ => None,
            },
            set: |draft, star, value| {
                server_draft(draft, star)?.bearer = Some(Secret::Env(read_variable(value)?));
                Ok(())
            },
        },
        Setting {
            name: "user",
            about: "User of basic authentication; needs password_file or password_env.",
            example: "\"cockpit\"",
            get: |config, star| match server(config, star)?.auth.as_ref()? {
                Auth::Basic { user, .. } => Some(Value::text(user)),
                _ => None,
            },
            set: |draft, star, value| {
                server_draft(draft, star)?.user = Some(value.read_text()?.to_owned());
                Ok(())
            },
        },
        Setting {
            name: "password_file",
            about: "File that holds the user's password.",
            example: "\"/run/secrets/logs-password\"",
            get: |config, star| password(config, star)?.0,
            set: |draft, star, value| {
                server_draft(draft, star)?.password = Some(Secret::File(value.read_path()?));
                Ok(())
            },
        },
        Setting {
            name: "password_env",
            about: "Environment variable that holds the user's password.",
            example: "\"LOGS_PASSWORD\"",
            get: |config, star| password(config, star)?.1,
            set: |draft, star, value| {
                server_draft(draft, star)?.password = Some(Secret::Env(read_variable(value)?));
                Ok(())
            },
        },
        Setting {
            name: "api_key_file",
            about: "File that holds an Elasticsearch API key.",
            example: "\"/run/secrets/logs-api-key\"",
            get: |config, star| api_key(config, star)?.0,
            set: |draft, star, value| {
                server_draft(draft, star)?.api_key = Some(Secret::File(value.read_path()?));
                Ok(())
            },
        },
        Setting {
            name: "api_key_env",
            about: "Environment variable that holds an Elasticsearch API key.",
            example: "\"LOGS_API_KEY\"",
            get: |config, star| api_key(config, star)?.1,
            set: |draft, star, value| {
                server_draft(draft, star)?.api_key = Some(Secret::Env(read_variable(value)?));
                Ok(())
            },
        },
    ],
};

fn server<'a>(config: &'a Config, star: &str) -> Option<&'a Server> {
    match star {
        "prometheus" => config.servers.prometheus.as_ref(),
        "alertmanager" => config.servers.alertmanager.as_ref(),
        "elasticsearch" => config.servers.elasticsearch.as_ref(),
        _ => None,
    }
}

fn server_draft<'a>(draft: &'a mut Draft, star: &str) -> Read<&'a mut ServerDraft> {
    let name = NAMES.iter().find(|name| **name == star).ok_or_else(|| format!("is of no server: {}", NAMES.join(", ")))?;
    Ok(draft.servers.entry(name).or_default())
}

type FileOrVariable = (Option<Value>, Option<Value>);

fn password(config: &Config, star: &str) -> Option<FileOrVariable> {
    match server(config, star)?.auth.as_ref()? {
        Auth::Basic { password, .. } => Some(file_or_variable(password)),
        _ => None,
    }
}

fn api_key(config: &Config, star: &str) -> Option<FileOrVariable> {
    match server(config, star)?.auth.as_ref()? {
        Auth::ApiKey(key) => Some(file_or_variable(key)),
        _ => None,
    }
}

fn file_or_variable(secret: &Secret) -> FileOrVariable {
    match secret {
        Secret::File(file) => (Some(Value::path(file)), None),
        Secret::Env(name) => (None, Some(Value::text(name))),
    }
}

fn read_variable(value: &Value) -> Read<String> {
    let name = value.read_text()?;
    let is_name = name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
    // What is no name may be the secret itself, so it is not repeated.
    if is_name { Ok(name.to_owned()) } else { Err("must be the name of an environment variable, not its value".to_owned()) }
}

/// Checks a server's address. The sentence never repeats an address that holds a password.
fn read_url(value: &Value) -> Read<String> {
    let shape = "write http://host:port, https://host:port/path or k8s://namespace/service:port";
    let text = value.read_text()?.trim();
    let shown = Value::text(shown(text).split(['?', '#']).next().unwrap_or_default());
    if let Some(rest) = text.strip_prefix("k8s://") {
        return if is_service(rest) { Ok(text.to_owned()) } else { Err(format!("is {shown}: write k8s://namespace/service:port")) };
    }
    let url = Url::parse(text).map_err(|error| format!("is {shown}, which is no URL{}: {shape}", url_fault(error)))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("is {shown}, whose scheme is {}: {shape}", Value::text(url.scheme())));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("has a query or a fragment: write the address alone".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// What is wrong with an address, where it can be said in a word.
fn url_fault(error: url::ParseError) -> &'static str {
    use url::ParseError as Fault;
    match error {
        Fault::RelativeUrlWithoutBase | Fault::RelativeUrlWithCannotBeABaseBase => " (it does not begin with http:// or https://)",
        Fault::EmptyHost => " (it names no host)",
        Fault::InvalidPort => " (its port is no number up to 65535)",
        Fault::InvalidIpv4Address | Fault::InvalidIpv6Address => " (its host is no IP address)",
        Fault::InvalidDomainCharacter | Fault::IdnaError => " (its host has a character that no host may have)",
        _ => "",
    }
}

/// Whether an address holds a user or a password. Arguments and files are read by others, so only a variable may.
pub fn has_login(url: &str) -> bool {
    without_login(url) != url
}

/// An address as typed, without what stands before its `@`.
fn without_login(url: &str) -> String {
    let Some((before, host)) = url.rsplit_once('@') else { return url.to_owned() };
    let scheme = before.split_once("://").map_or_else(String::new, |(scheme, _)| format!("{scheme}://"));
    format!("{scheme}{host}")
}

/// An address as it may be shown: without its login, and without a key in its path.
fn shown(url: &str) -> String {
    secrecy::text(&without_login(url), &mut |_| secrecy::HIDDEN.to_owned())
}

/// `namespace/service:port`, the port by number or name, with the scheme of the service proxy (`https:`) before the service at most.
fn is_service(rest: &str) -> bool {
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | '.'));
    let Some((namespace, service)) = rest.trim_end_matches('/').split_once('/') else { return false };
    let service = service.strip_prefix("https:").or_else(|| service.strip_prefix("http:")).unwrap_or(service);
    let Some((service, port)) = service.split_once(':') else { return false };
    is_name(namespace) && is_name(service) && is_name(port)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("http://localhost:9090", true)]
    #[case("https://metrics.example.org/prometheus/", true)]
    #[case("k8s://monitoring/prometheus:9090", true)]
    #[case("k8s://monitoring/prometheus:web", true)]
    #[case("k8s://monitoring/prometheus", false)]
    #[case("localhost:9090", false)]
    #[case("ftp://host", false)]
    #[case("http://", false)]
    #[case("http://host?token=1", false)]
    fn addresses(#[case] url: &str, #[case] good: bool) {
        assert_eq!(read_url(&Value::text(url)).is_ok(), good, "{url}: {:?}", read_url(&Value::text(url)));
    }

    #[test]
    fn a_password_in_an_address_is_never_repeated() {
        for address in [
            "ftp://me:hunter2@host",
            "me:hunter2@host",
            "https://me:hunter2@host:no-port",
            "https://me:hunter2/@host?x",
            "k8s://me:hunter2@a/b:1",
            "ftp://host?token=hunter2",
            "host#hunter2",
        ] {
            let why = read_url(&Value::text(address)).unwrap_err();
            assert!(!why.contains("hunter2"), "{why}");
        }
        assert_eq!(without_login("https://me:hunter2@host/path"), "https://host/path");
        assert!(has_login("https://me@host") && !has_login("https://host/path") && !has_login("https://host/api/key/hunter2"));
        assert_eq!(shown("https://me:hunter2@host/api/key/hunter2"), "https://host/api/key/***");
    }

    #[test]
    fn a_login_needs_both_halves_and_only_one_way() {
        let with = |change: fn(&mut ServerDraft)| {
            let mut draft = ServerDraft { url: Some("http://host".to_owned()), ..ServerDraft::default() };
            change(&mut draft);
            draft.finish()
        };
        assert!(with(|draft| draft.user = Some("me".to_owned())).unwrap_err().contains("password_file"));
        let both = with(|draft| {
            draft.bearer = Some(Secret::Env("A".to_owned()));
            draft.api_key = Some(Secret::Env("B".to_owned()));
        });
        assert!(both.unwrap_err().contains("more than one"));
        assert!(with(|draft| draft.api_key = Some(Secret::Env("B".to_owned()))).unwrap().is_some());
        assert!(ServerDraft { insecure_skip_tls_verify: true, ..ServerDraft::default() }.finish().unwrap_err().contains("no url"));
    }
}
