//! How a server beside the cluster is logged in to, and in which words that is said.

use std::{fmt, path::Path};

use ::secrecy::{ExposeSecret as _, SecretString};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use reqwest::RequestBuilder;

use super::{
    ConnectError,
    credentials::{login, secret_file},
};
use crate::{
    config::shape::{Auth, Secret},
    domain::{secrecy, text::Text},
};

/// Why a login is not sent.
const UNENCRYPTED: &str = "its address is plain http, where the login could be read on the way, so nothing was sent: give its https address, or set \
                           login_over_http for it";

/// At most one of both: what stands in an address counts where nothing is configured.
#[derive(Clone, Default)]
pub(super) struct Login {
    pub configured: Option<Auth>,
    pub in_address: Option<(String, SecretString)>,
    /// It could be read on the way, and nobody allowed that.
    pub is_withheld: bool,
}

impl Login {
    pub fn is_one(&self) -> bool {
        self.configured.is_some() || self.in_address.is_some()
    }

    /// The request with its credentials. Files and variables are read each time, so that a rotated token is picked up.
    pub async fn of(&self, request: RequestBuilder, server: &Text) -> Result<RequestBuilder, ConnectError> {
        let no_credentials = |why: String| ConnectError::Credentials { server: server.clone(), why: Text::line(&why), again: None };
        if self.is_withheld && self.is_one() {
            return Err(no_credentials(UNENCRYPTED.to_owned()));
        }
        let read = async |secret: &Secret| read(secret).await.map_err(no_credentials);
        Ok(match (&self.configured, &self.in_address) {
            (Some(Auth::BearerFile(path)), _) => request.bearer_auth(read(&Secret::File(path.clone())).await?.expose_secret()),
            (Some(Auth::BearerEnv(name)), _) => request.bearer_auth(read(&Secret::Env(name.clone())).await?.expose_secret()),
            (Some(Auth::Basic { user, password }), _) => basic(request, user, &read(password).await?),
            (Some(Auth::ApiKey(secret)), _) => {
                let key = read(secret).await?;
                learn_api_key(key.expose_secret());
                let mut value = http::HeaderValue::try_from(format!("ApiKey {}", key.expose_secret()))
                    .map_err(|_| no_credentials("the API key holds characters that a header cannot carry".to_owned()))?;
                value.set_sensitive(true);
                request.header(http::header::AUTHORIZATION, value)
            }
            (None, Some((user, password))) => basic(request, user, password),
            (None, None) => request,
        })
    }

    /// By the place they come from, never what is there.
    pub fn words(&self) -> Text {
        let of = |what: &str, secret: &Secret| match secret {
            Secret::File(path) => Text::line(&format!("its {what}_file {}", path.display())),
            Secret::Env(name) => Text::line(&format!("its {what}_env {name}")),
        };
        match (&self.configured, &self.in_address) {
            (Some(Auth::BearerFile(path)), _) => of("bearer", &Secret::File(path.clone())),
            (Some(Auth::BearerEnv(name)), _) => of("bearer", &Secret::Env(name.clone())),
            (Some(Auth::Basic { password, .. }), _) => of("password", password),
            (Some(Auth::ApiKey(key)), _) => of("api_key", key),
            (None, Some(_)) => "the login in its address".into(),
            (None, None) => "us without a login".into(),
        }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Login({})", self.words())
    }
}

async fn read(secret: &Secret) -> Result<SecretString, String> {
    let unreadable = |path: &Path, error: &std::io::Error| format!("its secret {} cannot be read: {error}", path.display());
    let value = match secret {
        Secret::File(path) => secret_file(path.clone()).await.map_err(|error| unreadable(path, &error))?,
        Secret::Env(name) => std::env::var(name).map_err(|_| format!("the environment variable {name} is not set"))?,
    };
    secrecy::ours(&value);
    Ok(SecretString::from(value.trim().to_owned()))
}

/// Takes note of what an API key of Elasticsearch is made of: base64 of `id:secret`, and a server knows both.
fn learn_api_key(key: &str) {
    let decoded = STANDARD_NO_PAD.decode(key.trim_end_matches('=')).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    if let Some((_, secret)) = decoded.as_deref().and_then(|decoded| decoded.split_once(':')) {
        secrecy::ours(secret);
    }
}

fn basic(request: RequestBuilder, user: &str, password: &SecretString) -> RequestBuilder {
    login(user, password);
    request.basic_auth(user, Some(password.expose_secret()))
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn the_secret_in_an_api_key_is_hidden_as_the_key_is() {
        learn_api_key(&STANDARD.encode("Vu-id-7:ApiPart0123456789q"));
        assert_eq!(&*secrecy::hide("refused ApiPart0123456789q of Vu-id-7"), "refused *** of Vu-id-7");
        learn_api_key("no base64: at all");
    }
}
