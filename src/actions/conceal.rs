//! Which values may be written down, and which shown. Of a ConfigMap: words that switch something, as a circuit breaker has;
//! any other may be a secret that ended up there, and is told by its length; its hash stands beside the write. Of anything
//! else: what its name does not call a secret.

use serde_json::Value;

/// Parts of a name that say that the value is nobody's business.
const SECRET_NAMES: [&str; 6] = ["PASSW", "SECRET", "TOKEN", "CREDENTIAL", "APIKEY", "API_KEY"];

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

pub fn is_secret_name(name: &str) -> bool {
    let upper = name.to_uppercase();
    SECRET_NAMES.iter().any(|part| upper.contains(part))
}

/// Puts numbers in the places of secrets: the same one for the same value, so that it is seen whether they differ.
pub fn secrets(before: &mut Value, after: &mut Value) {
    let mut known = Vec::new();
    for object in [before, after] {
        hide(object, &mut known);
    }
}

fn hide(value: &mut Value, known: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, known)),
        Value::Object(members) => {
            // A variable of a container has its name beside its value.
            let names_a_secret = members.get("name").and_then(Value::as_str).is_some_and(is_secret_name);
            for (name, value) in members {
                match value {
                    Value::String(text) if name == LAST_APPLIED || is_secret_name(name) || (name == "value" && names_a_secret) => {
                        let number = known.iter().position(|one| one == text).unwrap_or_else(|| {
                            known.push(text.clone());
                            known.len() - 1
                        });
                        *text = format!("(hidden {})", number + 1);
                    }
                    _ => hide(value, known),
                }
            }
        }
        _ => {}
    }
}
