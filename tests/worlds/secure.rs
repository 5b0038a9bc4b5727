//! Elasticsearch with TLS and users: what sev1 is told of it, and that nothing of a secret shows anywhere.

use std::{fmt::Write as _, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::{play::Play, proxy::relay::Access};

/// What the configuration says of it, in the words of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trust {
    /// Who signed its certificate is named.
    pub authority: bool,
    pub login: Login,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    None,
    Password,
    WrongPassword,
    ApiKey,
    WrongApiKey,
}

impl Trust {
    /// `its authority and a password`, `a password` …
    pub fn read(words: &str) -> Self {
        let (authority, login) = match words.strip_prefix("its authority and ") {
            Some(login) => (true, login),
            None => (false, words),
        };
        let login = match login {
            "no login" => Login::None,
            "a password" => Login::Password,
            "a wrong password" => Login::WrongPassword,
            "an API key" => Login::ApiKey,
            "a wrong API key" => Login::WrongApiKey,
            other => panic!("{other:?} is no login of the language"),
        };
        Self { authority, login }
    }
}

/// How it is reached in this scenario.
pub struct Secure {
    /// Arguments in the place of its address.
    pub arguments: [String; 2],
    /// The variable that holds a secret, and the secret.
    pub environment: Option<(&'static str, String)>,
    secrets: Vec<String>,
}

const VARIABLE: &str = "LOGS_API_KEY";

/// Writes the configuration, and error lines to be found.
pub fn told(play: &mut Play, trust: Trust) -> Secure {
    let stack = play.stack().clone();
    let url = stack.value("ELASTICSEARCH_SECURE_URL");
    let folder = play.world.folder().to_owned();
    let mut config = format!("[servers.elasticsearch]\nurl = {url:?}\n");
    if trust.authority {
        let _ = writeln!(config, "ca_file = {:?}", stack.value("ELASTICSEARCH_CA"));
    }
    let (mut environment, mut secrets) = (None, Vec::new());
    match trust.login {
        Login::None => {}
        Login::Password | Login::WrongPassword => {
            let (user, file) = (stack.value("ELASTICSEARCH_USER"), folder.join("password"));
            let password = if trust.login == Login::Password { stack.value("ELASTICSEARCH_PASSWORD") } else { "not-the-password" };
            std::fs::write(&file, password).expect("a password file");
            let _ = write!(config, "user = {user:?}\npassword_file = {:?}\n", file.display().to_string());
            secrets.extend([password.to_owned(), BASE64_STANDARD.encode(format!("{user}:{password}"))]);
        }
        Login::ApiKey | Login::WrongApiKey => {
            let key = if trust.login == Login::ApiKey {
                stack.value("ELASTICSEARCH_API_KEY").to_owned()
            } else {
                BASE64_STANDARD.encode("nobody:knows-this")
            };
            let plain = String::from_utf8(BASE64_STANDARD.decode(&key).expect("base64")).expect("text");
            let _ = writeln!(config, "api_key_env = {VARIABLE:?}");
            secrets.push(plain.split_once(':').expect("an id and a key").1.to_owned());
            secrets.push(key.clone());
            environment = Some((VARIABLE, key));
        }
    }
    let file = folder.join("sev1.toml");
    std::fs::write(&file, config).expect("a configuration");
    Secure { arguments: ["--config".to_owned(), file.display().to_string()], environment, secrets }
}

/// A request as its administrator.
pub fn ask(play: &Play, method: &str, path: &str, content_type: &str, body: String) -> String {
    let stack = play.stack();
    let authority = std::fs::read(stack.value("ELASTICSEARCH_CA")).expect("its authority");
    let login = stack.value("ELASTICSEARCH_ADMIN").split_once(':').expect("a user and a password");
    let url = format!("{}{path}", stack.value("ELASTICSEARCH_SECURE_URL"));
    play.world.https(&Access { authority: Some(authority), identity: None }, login, method, &url, content_type, body)
}

impl Secure {
    /// Neither in what was printed or sent to the terminal, nor in any file below the home folder: journal, log, cache.
    pub fn assert_unseen(&self, shown: &[u8], home: &Path) {
        let mut kept = vec![("what was shown".to_owned(), shown.to_owned())];
        read_all(home, &mut kept);
        assert!(kept.iter().any(|(name, _)| name.ends_with("sev1.log")), "there is no log below {}", home.display());
        for secret in &self.secrets {
            for (name, bytes) in &kept {
                assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "a secret stands in {name}");
            }
        }
    }
}

fn read_all(folder: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            read_all(&path, into);
        } else if let Ok(bytes) = std::fs::read(&path) {
            into.push((path.display().to_string(), bytes));
        }
    }
}
