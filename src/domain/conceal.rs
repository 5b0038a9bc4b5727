//! Which values may be written down, and which shown. In the journal of a ConfigMap: words that switch something, as a circuit breaker
//! has; any other may be a secret that ended up there, and is told by its length; its hash stands beside the write. On the screen, in what
//! is printed and in saved plans: what its name or its content does not call a secret.

use std::borrow::Cow;

use serde_json::Value;

use super::secrecy::{self, NAMES_OF_OBJECTS, is_secret_name};

/// What refers to a secret, and by which fields.
const REFERENCES: [&str; 6] = ["secret", "secretRef", "secretKeyRef", "imagePullSecrets", "nodePublishSecretRef", "secretsStoreRef"];
const PARTS_OF_REFERENCES: [&str; 5] = ["name", "namespace", "key", "optional", "defaultMode"];

/// Annotations with the whole object once more, secrets of its containers and all: of kubectl, kapp, Rancher and Banzai Cloud's operators.
const LAST_APPLIED: [&str; 5] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "kapp.k14s.io/original",
    "kapp.k14s.io/original-diff",
    "objectset.rio.cattle.io/applied",
    "banzaicloud.com/last-applied",
];

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

/// The value of a key, as of a ConfigMap, as it may be shown: a secret by the key's name is told by its length, one within the value is
/// replaced.
pub fn value<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    if is_switch(value) || value.is_empty() {
        return Cow::Borrowed(value);
    }
    if is_secret_name(name) {
        return Cow::Owned(length(value));
    }
    let mut mark = |_: &str| "(hidden)".to_owned();
    if secrecy::is_address_name(name) && value.trim().bytes().all(|byte| byte.is_ascii_graphic()) {
        return Cow::Owned(secrecy::address(name, value, &mut mark).unwrap_or_else(|| length(value)));
    }
    let shown = text(value, &mut mark);
    let shown = if is_of_digests(name) { shown } else { secrecy::random_words(&shown, &mut mark) };
    if shown == value { Cow::Borrowed(value) } else { Cow::Owned(shown) }
}

/// Whose value is long and random, and tells which one it is: nothing to hide.
fn is_of_digests(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["digest", "sha", "checksum", "commit", "revision", "uid", "uuid", "etag", "image", "version", "fingerprint"]
        .iter()
        .any(|word| name.contains(word))
}

/// `text` with `mark` in the place of what is secret in it: a private key, what is a secret by its form, the password of an address, and
/// what follows a secret's name as `password=` or `password:`. Rather too much than too little is taken for one.
pub fn text(text: &str, mark: &mut impl FnMut(&str) -> String) -> String {
    if text.contains("PRIVATE KEY-----") {
        return mark(text);
    }
    let lines = text.split_inclusive('\n').map(|line| {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        secrecy::by_form(&assigned(line, mark), mark) + end
    });
    lines.collect()
}

/// One line, with `mark` in the place of what is assigned to a secret's name.
fn assigned(line: &str, mark: &mut impl FnMut(&str) -> String) -> String {
    let (mut done, mut rest) = (String::with_capacity(line.len()), line);
    while let Some(at) = rest.find(['=', ':']) {
        let (before, after) = rest.split_at(at + 1);
        let start = after.len() - after.trim_start().len();
        let found =
            if is_secret_name(last_name(&before[..at])) { secret(&before[at..], &after[start..], is_first_name(&before[..at])) } else { None };
        let Some((skipped, length)) = found.filter(|_| !after[start..].starts_with("//")) else {
            done.push_str(before);
            rest = after;
            continue;
        };
        let from = start + skipped;
        // What was copied before holds no secret's name, but may hold an address.
        done.push_str(before);
        done.push_str(&after[..from]);
        done.push_str(&mark(&after[from..from + length]));
        rest = &after[from + length..];
    }
    secrecy::text(&(done + rest), mark)
}

/// The name at the end: of `{"db_password"` it is `db_password`.
fn last_name(before: &str) -> &str {
    let name = before.trim_end().trim_end_matches(['"', '\'']);
    let is_of_name = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-' | '.');
    &name[name.rfind(|character| !is_of_name(character)).map_or(0, |at| at + name[at..].chars().next().map_or(1, char::len_utf8))..]
}

/// Whether nothing but the name stands before: as in a file of properties, where a value goes on to the end of its line.
fn is_first_name(before: &str) -> bool {
    let before = before.trim_start().trim_start_matches("- ");
    last_name(before).len() == before.trim_end().len()
}

/// Where the value after a secret's name begins and how long it is; none where it is no secret.
fn secret(separator: &str, after: &str, to_the_end: bool) -> Option<(usize, usize)> {
    let (skipped, length) = match after.chars().next()? {
        quote @ ('"' | '\'') => (1, after[1..].find(quote).unwrap_or(after.len() - 1)),
        _ if to_the_end || separator == ":" => (0, after.trim_end().len()),
        _ => (0, after.find([' ', '\t', '&', ';', ',', '"', '\'', ')', '}']).unwrap_or(after.len())),
    };
    let value = &after[skipped..skipped + length];
    // A reference to a secret is none.
    let refers = (value.starts_with("${") || value.starts_with("$(") || value.starts_with("{{")) && value.ends_with(['}', ')']);
    (!value.is_empty() && !is_switch(value) && !refers && !matches!(value, "{" | "[" | "|" | ">" | "|-" | ">-" | "null")).then_some((skipped, length))
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

/// The same of one object alone.
pub fn secrets_of(object: &mut Value) {
    secrets(object, &mut Value::Null);
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
                    Value::String(secret) if LAST_APPLIED.contains(&name.as_str()) => *secret = mark(secret),
                    Value::String(secret) if is_secret_name(name) || (name == "value" && names_a_secret) => {
                        if !is_switch(secret) && !secret.is_empty() {
                            *secret = mark(secret);
                        }
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
        let real = [
            "REDIS_DSN",
            "JWT_SIGNING_KEY",
            "SMTP_PASS",
            "aws_secret_access_key",
            "client.secret",
            ".dockerconfigjson",
            "tls.key",
            "GITHUB_PAT",
            "SENTRY_DSN",
            "STRIPE_KEY",
            "RAILS_MASTER_KEY",
            "SECRET_KEY_BASE",
            "PGPASSWORD",
            "MYSQL_PWD",
            "id_rsa",
            "ssh-privatekey",
            "DB_CREDS",
            "AZURE_STORAGE_SAS",
            "RABBITMQ_ERLANG_COOKIE",
            "oauth2-proxy-cookie-secret",
            "datadog-api-key",
            "app.master-key",
            "client-key-data",
            "spring.datasource.password",
            "_authToken",
            "BASIC_AUTH",
            "HMAC_KEY",
            "krb5.keytab",
        ];
        assert_eq!(real.iter().find(|name| !is_secret_name(name)), None);
        let plain = [
            "key",
            "KEY",
            "ROUTING_KEY",
            "sort-key",
            "public_key",
            "spec.tolerations[0].key",
            "configMapKeyRef.key",
            "topologyKey",
            "monkey",
            "path",
            "PATCH",
            "author",
            "pathology",
            "sign",
            "passive",
            "api.key.count",
        ];
        assert_eq!(plain.iter().find(|name| is_secret_name(name)), None);
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

    #[test]
    fn a_value_is_hidden_by_its_key_or_by_what_is_in_it() {
        for (name, written, shown) in [
            ("db_password", "hunter2", "<7 characters>"),
            ("dsn", "app:hunter2@tcp(db)/app", "<23 characters>"),
            ("DATABASE_URL", "postgres://app:hunter2@db/app", "postgres://app:(hidden)@db/app"),
            ("password_auth", "on", "on"),
            ("pool_size", "20", "20"),
            ("app.properties", "pool=5\ndb.password=hunter2 and more\nurl=x", "pool=5\ndb.password=(hidden)\nurl=x"),
            ("app.yaml", "db:\n  password: hunter2 # old\n  pool: 5", "db:\n  password: (hidden)\n  pool: 5"),
            ("app.json", r#"{"token": "hunter2", "pool": 5}"#, r#"{"token": "(hidden)", "pool": 5}"#),
            ("libpq", "host=db user=app password=hunter2 sslmode=require", "host=db user=app password=(hidden) sslmode=require"),
            ("url", "https://h/x?token=hunter2&page=2", "https://h/x?token=(hidden)&page=2"),
            ("jaas", r#"Login required user="a" password="hunter2";"#, r#"Login required user="a" password="(hidden)";"#),
            ("opts", "-Dspring.password=${DB_PASSWORD}", "-Dspring.password=${DB_PASSWORD}"),
            (".dockerconfigjson", r#"{"auths":{}}"#, "<12 characters>"),
            ("jwt", "hunter2", "<7 characters>"),
            ("jwt_issuer", "https://login", "https://login"),
            ("otp_seed", "JBSWY3DPEHPK3PXP", "<16 characters>"),
            ("otpSeed", "hunter2", "<7 characters>"),
            ("dbpw", "hunter2", "<7 characters>"),
            ("db.pw", "hunter2", "<7 characters>"),
            ("signing_salt", "hunter2", "<7 characters>"),
            ("pin", "4711", "<4 characters>"),
            ("pin2", "4711", "<4 characters>"),
            ("pins", "4711", "4711"),
            ("spinning", "fast", "fast"),
            ("session-cookie", "hunter2", "<7 characters>"),
            ("webhook_url", "https://chat.example.com/hooks/x/y", "https://chat.example.com/(hidden)"),
            ("slackWebhook", "https://chat.example.com/x", "https://chat.example.com/(hidden)"),
            ("slack.url", "https://chat.example.com/x?y=z", "https://chat.example.com/(hidden)"),
            ("redis_uri", "redis://hunter2@cache:6379/0", "redis://(hidden)@cache:6379/0"),
            ("redis_uri", "redis://:1234/hunter2@cache:6379/0", "redis://:(hidden)@cache:6379/0"),
            (
                "DATABASE_URL",
                "postgres://db/app?user=a&password=hunter2&sslmode=require",
                "postgres://db/app?user=a&password=(hidden)&sslmode=require",
            ),
            ("DATABASE_URL", "hunter2", "<7 characters>"),
            ("databaseUrl", "mysql://a:hunter2@db/app", "mysql://a:(hidden)@db/app"),
            ("service_url", "http://orders:8080/v1", "http://orders:8080/v1"),
            ("any", "https://h/api/v1/q9W8e7R6t5Y4u3I2o1P0/x", "https://h/api/v1/(hidden)/x"),
            ("any", "5f4dcc3b5aa765d61d8327deb882cf99", "(hidden)"),
            ("any", "a q9W8e7R6t5Y4u3I2o1P0 b", "a (hidden) b"),
            ("commit", "5f4dcc3b5aa765d61d8327deb882cf99", "5f4dcc3b5aa765d61d8327deb882cf99"),
            (
                "any",
                "registry/app@sha256:5f4dcc3b5aa765d61d8327deb882cf995f4dcc3b5aa765d61d8327deb882cf99",
                "registry/app@sha256:5f4dcc3b5aa765d61d8327deb882cf995f4dcc3b5aa765d61d8327deb882cf99",
            ),
            ("any", "api-gateway-7d9f8b6c5d-abcde", "api-gateway-7d9f8b6c5d-abcde"),
            ("any", "/var/lib/app/data/2026-11-23/v1", "/var/lib/app/data/2026-11-23/v1"),
            ("any", "com.example.KafkaConsumerConfiguration2", "com.example.KafkaConsumerConfiguration2"),
            ("tls.key", "hunter2", "<7 characters>"),
            ("STRIPE_KEY", "hunter2", "<7 characters>"),
            ("partition-key", "orders", "orders"),
            ("note", "key AKIAIOSFODNN7EXAMPLE here", "key (hidden) here"),
            ("note", "push by ghp_0123456789abcdefghij0123456789abcdef", "push by (hidden)"),
            ("note", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln", "(hidden)"),
            ("note", "see https://hooks.slack.com/services/T0/B0/x", "see https://(hidden)"),
            ("nginx.conf", "proxy_set_header X \"Basic dTpwdzEyMw==\";", "proxy_set_header X \"Basic (hidden)\";"),
            ("note", "first line\nand redis://:hunter2@cache in a text", "first line\nand redis://:(hidden)@cache in a text"),
            ("kubeconfig", "users:\n- user:\n    client-key-data: aHVudGVyMg==", "users:\n- user:\n    client-key-data: (hidden)"),
            ("htpasswd", "x", "<1 character>"),
            ("users", "u:$apr1$abc$defghi", "u:(hidden)"),
            ("key.pem", "-----BEGIN PRIVATE KEY-----\nhunter2", "(hidden)"),
            ("secretName", "certs", "certs"),
            ("level", "password: ", "password: "),
        ] {
            assert_eq!(value(name, written), shown, "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_value_of_a_secret_is_left_and_any_text_is_read(before in "[ -~é\n]{0,20}", after in "[ -~é\n]{0,20}") {
            let written = format!("{before}\npassword=HUNTER2\n{after}");
            prop_assert!(!value("app.conf", &written).contains("HUNTER2"));
            prop_assert_eq!(text(&written, &mut str::to_owned), written);
        }


        #[test]
        fn no_password_is_left_and_no_text_is_lost(before in "[ -~]{0,12}", user in "[a-z]{0,6}", password in "[A-Z]{6,12}", after in "[a-z0-9./:]{0,12}") {
            let written = format!("{before}://{user}:{password}@{after}");
            let shown = text(&written, &mut mark);
            prop_assert!(!shown.contains(&password), "{shown}");
            prop_assert_eq!(text(&written, &mut str::to_owned), written);
        }
    }
}
