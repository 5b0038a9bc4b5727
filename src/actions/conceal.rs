//! Which values may be written down, and which shown. Of a ConfigMap: words that switch something, as a circuit breaker has;
//! any other may be a secret that ended up there, and is told by its length; its hash stands beside the write. Of anything
//! else: what its name does not call a secret.

use serde_json::Value;

use crate::domain::secrecy::NAMES_OF_OBJECTS;
pub use crate::domain::secrecy::{is_secret_name, text};

/// What refers to a secret, and by which fields.
const REFERENCES: [&str; 6] = ["secret", "secretRef", "secretKeyRef", "imagePullSecrets", "nodePublishSecretRef", "secretsStoreRef"];
const PARTS_OF_REFERENCES: [&str; 5] = ["name", "namespace", "key", "optional", "defaultMode"];

/// The whole object once more, secrets of its containers and all.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// In any case of letters.
const SWITCHES: [&str; 14] = ["true", "false", "on", "off", "yes", "no", "enabled", "disabled", "enable", "disable", "open", "closed", "0", "1"];

pub fn is_switch(value: &str) -> bool {
    SWITCHES.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// `"true"`, `<27 characters>`, or `absent`.
pub fn shown(value: Option<&str>) -> String {
    match value {
        None => "absent".to_owned(),
        Some(word) if is_switch(word) => format!("{word:?}"),
        Some(value) => length(value),
    }
}

/// What stands in the place of a value.
pub fn length(value: &str) -> String {
    match value.chars().count() {
        1 => "<1 character>".to_owned(),
        many => format!("<{many} characters>"),
    }
}

/// Whether the field at the end of `spec.volumes[certs].secret.secretName` holds a secret. That one, and what refers to a
/// secret, does not: which one it is may be the very thing that went wrong.
pub fn is_secret_path(path: &str) -> bool {
    let (above, last) = path.rsplit_once('.').unwrap_or(("", path));
    let refers = REFERENCES.iter().any(|reference| above.rsplit('.').next().and_then(|part| part.split('[').next()) == Some(*reference));
    is_secret_name(path) && !NAMES_OF_OBJECTS.contains(&last) && !(refers && PARTS_OF_REFERENCES.contains(&last))
}

/// The words of a command line likewise: also what follows `--password=` and `--password`.
pub fn words(words: &[&str], mark: &mut impl FnMut(&str) -> String) -> Vec<String> {
    let mut is_next = false;
    words
        .iter()
        .map(|word| {
            if std::mem::take(&mut is_next) && !word.starts_with('-') {
                return mark(word);
            }
            match word.split_once('=') {
                Some((name, value)) if is_secret_name(name) && !value.is_empty() => format!("{name}={}", mark(value)),
                None if word.starts_with('-') && is_secret_name(word) => {
                    is_next = true;
                    (*word).to_owned()
                }
                _ => text(word, mark),
            }
        })
        .collect()
}

/// Puts numbers in the places of secrets: the same one for the same value, so that it is seen whether they differ.
pub fn secrets(before: &mut Value, after: &mut Value) {
    let mut known = Vec::new();
    let mut mark = |secret: &str| {
        let number = known.iter().position(|one| one == secret).unwrap_or_else(|| {
            known.push(secret.to_owned());
            known.len() - 1
        });
        format!("(hidden {})", number + 1)
    };
    for object in [before, after] {
        hide(object, &mut mark);
    }
}

fn hide(value: &mut Value, mark: &mut impl FnMut(&str) -> String) {
    match value {
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let shown = words(&items.iter().filter_map(Value::as_str).collect::<Vec<_>>(), mark);
            *items = shown.into_iter().map(Value::String).collect();
        }
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, mark)),
        Value::Object(members) => {
            // A variable of a container has its name beside its value.
            let names_a_secret = members.get("name").and_then(Value::as_str).is_some_and(is_secret_name);
            for (name, value) in members {
                match value {
                    Value::String(secret) if name == LAST_APPLIED || is_secret_name(name) || (name == "value" && names_a_secret) => {
                        *secret = mark(secret);
                    }
                    _ => hide(value, mark),
                }
            }
        }
        Value::String(shown) => *shown = text(shown, mark),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn mark(_: &str) -> String {
        "(hidden)".to_owned()
    }

    #[test]
    fn a_secret_has_its_name_and_what_refers_to_one_is_none() {
        for name in ["DB_PASSWORD", "db-password", "apiKey", "API_KEY", "clientSecret", "TLS_PRIVATE_KEY", "passphrase", "Authorization", "x-token"] {
            assert!(is_secret_name(name) && is_secret_path(name), "{name}");
        }
        for path in [
            "spec.volumes[certs].secret.secretName",
            "envFrom[0].secretRef.name",
            "spec.imagePullSecrets[regcred].name",
            "spec.volumes[csi].csi.volumeAttributes.secretProviderClass",
            "spec.volumes[csi].csi.nodePublishSecretRef.name",
            "LOG_LEVEL",
        ] {
            assert!(!is_secret_path(path), "{path}");
        }
        for path in ["annotations.vault.hashicorp.com/secret.name", "spec.secret.value", "secretRef"] {
            assert!(is_secret_path(path), "{path}");
        }
    }

    #[test]
    fn the_password_of_an_address_is_hidden_and_nothing_else_of_it() {
        for (written, shown) in [
            ("postgres://app:hunter2@db:5432/app?sslmode=require", "postgres://app:(hidden)@db:5432/app?sslmode=require"),
            ("pg://app:hu,nt#er?2@db", "pg://app:(hidden)@db"),
            ("redis://:hunter2@cache", "redis://:(hidden)@cache"),
            ("amqp://a:b@c@one,amqp://d:e@two", "amqp://a:(hidden)@one,amqp://d:(hidden)@two"),
            ("https://host:8080/path@x:y", "https://host:8080/path@x:y"),
            ("https://user@host", "https://user@host"),
            ("://", "://"),
        ] {
            assert_eq!(text(written, &mut mark), shown);
        }
    }

    #[test]
    fn flags_that_are_called_a_secret_have_no_value() {
        let shown = words(&["--user", "app", "--password", "hunter2", "--token=abc", "-v", "--token-file", "--port=1"], &mut mark);
        assert_eq!(shown, ["--user", "app", "--password", "(hidden)", "--token=(hidden)", "-v", "--token-file", "--port=1"]);
    }

    #[test]
    fn an_object_keeps_its_shape_and_the_same_secret_its_number() {
        let object = |password: &str| {
            json!({
                "env": [{"name": "DB_PASSWORD", "value": password}, {"name": "URL", "value": format!("https://u:{password}@h")}],
                "args": ["--password", password], "volumes": [{"secret": {"secretName": "certs"}}],
            })
        };
        let (mut before, mut after) = (object("one"), object("two"));
        secrets(&mut before, &mut after);
        let shown = |number: u8| {
            let hidden = format!("(hidden {number})");
            json!({
                "env": [{"name": "DB_PASSWORD", "value": hidden}, {"name": "URL", "value": format!("https://u:{hidden}@h")}],
                "args": ["--password", hidden], "volumes": [{"secret": {"secretName": "certs"}}],
            })
        };
        assert_eq!((before, after), (shown(1), shown(2)));
    }

    proptest! {
        #[test]
        fn no_password_is_left_and_no_text_is_lost(before in "[ -~]{0,12}", user in "[a-z]{0,6}", password in "[A-Z]{6,12}", after in "[a-z0-9./:]{0,12}") {
            let written = format!("{before}://{user}:{password}@{after}");
            let shown = text(&written, &mut mark);
            prop_assert!(!shown.contains(&password), "{shown}");
            prop_assert_eq!(text(&written, &mut str::to_owned), written);
        }
    }
}
