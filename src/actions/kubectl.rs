//! The same by kubectl: commands that can be pasted into a shell as they are.

use serde_json::Value;

use crate::domain::{
    mitigation::CommandRun,
    shell::{self, KubectlFlags, quoted},
    text::Text,
};

/// Longest command shown; a hundred pod names fit.
pub const LIMIT: usize = 16_384;

/// How a line begins that stands in the place of a command: a comment to every shell.
const NOT_SHOWN: &str = "# the command";

/// A command, whole: half of one, or one without what may not be shown, would do something else.
pub fn whole(command: &str) -> Text {
    let shown = Text::bounded(command, LIMIT);
    if shown.as_str() == command {
        return shown;
    }
    let why = if command.len() > LIMIT { "is too long to be shown" } else { "has characters that cannot be shown" };
    Text::from(format!("{NOT_SHOWN} {why}; sev1 do --plan-out keeps the plan"))
}

/// Several commands as one, each run only if the one before was done. All of them are shown, or none.
pub fn one_after_the_other(commands: impl Iterator<Item = Text>) -> Text {
    let commands: Vec<_> = commands.collect();
    match commands.iter().find(|command| command.starts_with(NOT_SHOWN)) {
        Some(why_not) => why_not.clone(),
        None => whole(&commands.iter().map(Text::as_str).collect::<Vec<_>>().join(" && ")),
    }
}

/// `kubectl ARGUMENTS -n NAMESPACE FLAGS`, quoted where a shell needs it; without `-n` where there is no namespace.
pub fn command(arguments: &[&str], namespace: &str, place: &KubectlFlags) -> Text {
    let mut words = vec!["kubectl".to_owned()];
    words.extend(arguments.iter().map(|argument| quoted(argument)));
    if !namespace.is_empty() {
        words.extend(["-n".to_owned(), quoted(namespace)]);
    }
    words.extend(place.words());
    whole(&words.join(" "))
}

/// Writes the manifest of these pods of a namespace into a file that nobody else can read and that is not there yet.
pub fn keep_manifest(pods: &[&str], namespace: &str, place: &KubectlFlags) -> Text {
    let arguments: Vec<&str> = ["get", "pod"].into_iter().chain(pods.iter().copied()).chain(["-o", "yaml"]).collect();
    let name = if let [pod] = pods { format!("{pod}.yaml") } else { format!("pods-{namespace}.yaml") };
    let kept = command(&arguments, namespace, place);
    if kept.starts_with(NOT_SHOWN) { kept } else { whole(&format!("(umask 077; set -C; {kept} > {})", quoted(&name))) }
}

/// A comment in the place of a command that would hold a secret, with another one that shows it to nobody but the person who types it.
pub fn by_hand(arguments: &[&str], namespace: &str, place: &KubectlFlags) -> Text {
    whole(&format!("{NOT_SHOWN} holds a secret and is not shown; by hand: {}", command(arguments, namespace, place)))
}

/// `kubectl exec pod/NAME -c CONTAINER -n NAMESPACE FLAGS -- ARGV`.
pub fn exec(run: &CommandRun, place: &KubectlFlags) -> Text {
    let mut words = vec!["kubectl".to_owned(), "exec".to_owned(), run.pod.to_string(), "-c".to_owned(), quoted(&run.container)];
    words.extend(["-n".to_owned(), quoted(&run.pod.key.namespace)]);
    words.extend(place.words());
    words.push("--".to_owned());
    if run.shown_argv() != run.argv {
        return whole(&format!("{NOT_SHOWN} holds a secret and is not shown; it begins {}", words.join(" ")));
    }
    words.push(argv(&run.argv));
    whole(&words.join(" "))
}

/// Arguments as a shell would have to be given them.
pub fn argv(argv: &[String]) -> String {
    shell::line(argv.iter().map(String::as_str))
}

/// A request to a path of the API server, its body from standard input.
pub fn create_raw(path: &str, body: &Value, place: &KubectlFlags) -> Text {
    let kubectl = raw(&["create", "--raw", path, "-f", "-"], place);
    // Not by echo, which in some shells has a meaning of its own for a backslash.
    whole(&format!("printf %s {} | {kubectl}", quoted(&body.to_string())))
}

/// A POST to a server behind the service proxy. `kubectl create --raw` says no content type, which such servers refuse, so that
/// kubectl only lends its credentials, over a socket of this shell's own: on a port another cluster might be listening.
pub fn post_by_proxy(path: &str, body: &Value, place: &KubectlFlags) -> Text {
    let proxy = raw(&["proxy"], place);
    let wait = r#"for i in 1 2 3 4 5; do test -S "$s" || sleep 1; done"#;
    let curl = r#"curl -fsS --unix-socket "$s" -H Content-Type:application/json"#;
    let (body, url) = (quoted(&body.to_string()), quoted(&format!("http://localhost{path}")));
    whole(&format!(r#"s=${{TMPDIR:-/tmp}}/sev1-$$.sock; {proxy} -u "$s" & {wait}; {curl} -d {body} {url}; kill $!; rm -f "$s""#))
}

pub fn delete_raw(path: &str, place: &KubectlFlags) -> Text {
    whole(&raw(&["delete", "--raw", path], place))
}

fn raw(arguments: &[&str], place: &KubectlFlags) -> String {
    let mut words = vec!["kubectl".to_owned()];
    words.extend(arguments.iter().map(|argument| quoted(argument)));
    words.extend(place.words());
    words.join(" ")
}

/// Alertmanager's own tool, where it is not reached through the API server.
pub fn amtool(server: &str, arguments: &[String]) -> Text {
    whole(&format!("amtool --alertmanager.url={} {}", quoted(server), argv(arguments)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::domain::object::{Key, Kind, ObjectRef};

    fn place() -> KubectlFlags {
        KubectlFlags::of_context("my prod's")
    }

    #[test]
    fn every_command_goes_to_the_same_place_as_the_same_person() {
        let place = KubectlFlags::of_context("prod")
            .with("--kubeconfig", Some("/tmp/it's here/config"))
            .with("--user", Some("-admin"))
            .with("--as", Some("bob $(id)"))
            .with("--cluster", None)
            .with_switch("--insecure-skip-tls-verify", true);
        let flags = r"--context prod --kubeconfig '/tmp/it'\''s here/config' --user=-admin --as 'bob $(id)' --insecure-skip-tls-verify";
        let run = CommandRun {
            entry: "id".into(),
            pod: ObjectRef { kind: Kind::Pod, key: Key::new("n", "p"), uid: "u".into() },
            container: "c".into(),
            argv: vec!["id".into()],
            time_limit: Duration::ZERO,
            output_limit: 0,
        };
        for line in [
            command(&["cordon", "n"], "", &place),
            by_hand(&["edit", "configmap", "c"], "n", &place),
            exec(&run, &place),
            create_raw("/api", &json!({}), &place),
            post_by_proxy("/api", &json!({}), &place),
            delete_raw("/api", &place),
        ] {
            assert!(line.contains(flags), "{line}");
        }
        let secret = exec(&CommandRun { argv: ["mysql", "--password=hunter2"].map(str::to_owned).to_vec(), ..run }, &place);
        assert!(secret.starts_with(NOT_SHOWN) && secret.contains(flags) && !secret.contains("hunter2"), "{secret}");
        assert!(command(&["cordon", "n"], "", &KubectlFlags::default().with("--kubeconfig", Some("a\u{202e}b"))).starts_with(NOT_SHOWN));
    }

    #[test]
    fn half_a_command_is_never_shown() {
        let named = |name: &str| command(&["delete", "pod", name], "ns", &place());
        assert!(named("a").starts_with("kubectl"));
        let both = |other: &str| one_after_the_other([named("a"), named(other)].into_iter());
        assert_eq!(both("b").as_str(), format!("{} && {}", named("a"), named("b")));
        assert_eq!(both("a\u{202e}b"), named("a\u{202e}b"), "not the one without the other");
        assert_eq!(named(&"a".repeat(LIMIT)).as_str(), "# the command is too long to be shown; sev1 do --plan-out keeps the plan");
        assert_eq!(named("a\u{202e}b").as_str(), "# the command has characters that cannot be shown; sev1 do --plan-out keeps the plan");
    }

    #[test]
    fn a_shell_leaves_the_body_of_a_request_as_it_is() {
        let body = json!({"matchers": [{"value": r"it's \d\n"}]});
        let line = create_raw("/api", &body, &place());
        let (printing, _) = line.as_str().split_once(" | ").unwrap();
        let printed = std::process::Command::new("sh").args(["-c", printing]).output().unwrap().stdout;
        assert_eq!(serde_json::from_slice::<Value>(&printed).unwrap(), body);
    }

    #[test]
    fn words_that_a_shell_would_split_are_quoted() {
        let place = place();
        let command = command(&["patch", "configmap", "api-config", "--type=merge", "-p", r#"{"data":{"a":"it's"}}"#], "ns", &place);
        assert_eq!(
            command.as_str(),
            r#"kubectl patch configmap api-config --type=merge -p '{"data":{"a":"it'\''s"}}' -n ns --context 'my prod'\''s'"#
        );
    }
}
