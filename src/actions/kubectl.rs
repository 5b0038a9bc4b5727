//! The same by kubectl: commands that can be pasted into a shell as they are.

use crate::domain::{mitigation::ClusterIdentity, text::Text};

/// Longest command shown; a hundred pod names fit.
pub const LIMIT: usize = 16_384;

/// `kubectl ARGUMENTS -n NAMESPACE --context CONTEXT`, quoted where a shell needs it; without `-n` where there is no namespace.
pub fn command(arguments: &[&str], namespace: &str, cluster: &ClusterIdentity) -> Text {
    let mut words = vec!["kubectl".to_owned()];
    words.extend(arguments.iter().map(|argument| quoted(argument)));
    if !namespace.is_empty() {
        words.extend(["-n".to_owned(), quoted(namespace)]);
    }
    if !cluster.context.is_empty() {
        words.extend(["--context".to_owned(), quoted(&cluster.context)]);
    }
    Text::bounded(&words.join(" "), LIMIT)
}

/// A word as a shell reads it as it is.
pub fn quoted(word: &str) -> String {
    let is_plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:=@,+%".contains(&byte));
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_a_shell_would_split_are_quoted() {
        let cluster = ClusterIdentity { context: "my prod's".into(), cluster: "c".into(), uid: "u".into(), user: "me".into() };
        let command = command(&["patch", "configmap", "api-config", "--type=merge", "-p", r#"{"data":{"a":"it's"}}"#], "ns", &cluster);
        assert_eq!(
            command.as_str(),
            r#"kubectl patch configmap api-config --type=merge -p '{"data":{"a":"it'\''s"}}' -n ns --context 'my prod'\''s'"#
        );
    }
}
