//! Which values of a ConfigMap may be written down: words that switch something, as a circuit breaker has. Any other may
//! be a secret that ended up in a ConfigMap, and is told by its length; its hash stands beside the write.

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
