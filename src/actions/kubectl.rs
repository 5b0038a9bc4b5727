//! The same by kubectl: commands that can be pasted into a shell as they are.

use serde_json::Value;

use crate::domain::{
    mitigation::{ClusterIdentity, CommandRun},
    text::Text,
};

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

/// `kubectl exec pod/NAME -c CONTAINER -n NAMESPACE --context CONTEXT -- ARGV`.
pub fn exec(run: &CommandRun, cluster: &ClusterIdentity) -> Text {
    let mut words = vec!["kubectl".to_owned(), "exec".to_owned(), run.pod.to_string(), "-c".to_owned(), quoted(&run.container)];
    words.extend(["-n".to_owned(), quoted(&run.pod.key.namespace)]);
    if !cluster.context.is_empty() {
        words.extend(["--context".to_owned(), quoted(&cluster.context)]);
    }
    words.push("--".to_owned());
    words.push(argv(&run.argv));
    Text::bounded(&words.join(" "), LIMIT)
}

/// Arguments as a shell would have to be given them.
pub fn argv(argv: &[String]) -> String {
    argv.iter().map(|argument| quoted(argument)).collect::<Vec<_>>().join(" ")
}

/// A request to a path of the API server, its body from standard input.
pub fn create_raw(path: &str, body: &Value, cluster: &ClusterIdentity) -> Text {
    let kubectl = raw(&["create", "--raw", path, "-f", "-"], cluster);
    Text::bounded(&format!("echo {} | {kubectl}", quoted(&body.to_string())), LIMIT)
}

pub fn delete_raw(path: &str, cluster: &ClusterIdentity) -> Text {
    Text::bounded(&raw(&["delete", "--raw", path], cluster), LIMIT)
}

fn raw(arguments: &[&str], cluster: &ClusterIdentity) -> String {
    let mut words = vec!["kubectl".to_owned()];
    words.extend(arguments.iter().map(|argument| quoted(argument)));
    if !cluster.context.is_empty() {
        words.extend(["--context".to_owned(), quoted(&cluster.context)]);
    }
    words.join(" ")
}

/// Alertmanager's own tool, where it is not reached through the API server.
pub fn amtool(server: &str, arguments: &[String]) -> Text {
    Text::bounded(&format!("amtool --alertmanager.url={} {}", quoted(server), argv(arguments)), LIMIT)
}

fn quoted(word: &str) -> String {
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
