//! What is a secret by its name, or an address with one in it.

/// Parts of a name that say that the value is nobody's business; without `-` and `_`.
const SECRET_NAMES: [&str; 20] = [
    "PASSW",
    "BINDPW",
    "SESSIONID",
    "KEYDATA",
    "ERLANGCOOKIE",
    "HMACKEY",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "CREDENTIAL",
    "APIKEY",
    "PRIVATEKEY",
    "AUTHORIZATION",
    "ACCESSKEY",
    "ACCOUNTKEY",
    "SIGNINGKEY",
    "ENCRYPTIONKEY",
    "CONNECTIONSTRING",
    "CONNSTR",
    "HTPASS",
];
/// Words of a name that say so where they stand last, as in `DB_PASS`, `redis.auth`, `otpSeed`: within another word they say nothing, and
/// before another, as in `jwt_issuer`, what follows says what it is.
const SECRET_WORDS: [&str; 41] = [
    "PASS",
    "PWD",
    "PW",
    "DSN",
    "AUTH",
    "APPKEY",
    "PAT",
    "CREDS",
    "CRED",
    "SAS",
    "SIG",
    "BEARER",
    "PGPASS",
    "NETRC",
    "KEYTAB",
    "JWT",
    "JWE",
    "OTP",
    "TOTP",
    "HOTP",
    "MFA",
    "SEED",
    "SALT",
    "PEPPER",
    "PIN",
    "PINCODE",
    "PUK",
    "CVV",
    "CVC",
    "PSK",
    "COOKIE",
    "MNEMONIC",
    "KEYSTORE",
    "HMAC",
    "DBPW",
    "DBPASS",
    "USERPASS",
    "LOGIN",
    "SESSIONID",
    "PASSCODE",
    "NTLM",
];
/// What an address is of where it has a login in it, in front of `_url`, `_uri`, `.dsn` and the like.
const ADDRESS_OF: [&str; 33] = [
    "DATABASE",
    "DATABASES",
    "DB",
    "REDIS",
    "VALKEY",
    "MONGO",
    "MONGODB",
    "POSTGRES",
    "POSTGRESQL",
    "PG",
    "MYSQL",
    "MARIADB",
    "MSSQL",
    "SQLSERVER",
    "SQLALCHEMY",
    "JDBC",
    "DATASOURCE",
    "AMQP",
    "RABBIT",
    "RABBITMQ",
    "NATS",
    "KAFKA",
    "BROKER",
    "CELERY",
    "CACHE",
    "QUEUE",
    "SMTP",
    "MAIL",
    "LDAP",
    "SENTRY",
    "WEBHOOK",
    "HOOK",
    "STORAGE",
];
/// The last word of such a name.
const ADDRESS: [&str; 8] = ["URL", "URI", "URLS", "URIS", "CONNECTION", "CONN", "ENDPOINT", "ADDRESS"];
/// Makers of chats and pagers, whose addresses are the key to a room.
const WEBHOOKS: [&str; 8] = ["WEBHOOK", "WEBHOOKS", "HOOK", "SLACK", "TEAMS", "DISCORD", "PAGERDUTY", "TELEGRAM"];
/// Names of files that are one.
const SECRET_FILES: [&str; 6] = [".dockerconfigjson", ".dockercfg", "id_rsa", "id_ecdsa", "id_ed25519", "id_dsa"];
/// A `…_key` is a secret's name, but for what is called so where things are counted, sorted and sent.
const PLAIN_KEYS: [&str; 26] = [
    "PUBLIC",
    "PUB",
    "PARTITION",
    "ROUTING",
    "SORT",
    "PRIMARY",
    "FOREIGN",
    "CACHE",
    "GROUP",
    "HASH",
    "TOPOLOGY",
    "LABEL",
    "ANNOTATION",
    "CONFIG",
    "SEARCH",
    "INDEX",
    "ROW",
    "MESSAGE",
    "OBJECT",
    "LOOKUP",
    "SHARD",
    "UNIQUE",
    "REDIS",
    "FEATURE",
    "HEADER",
    "QUERY",
];
/// Whose `.key` is a file with a private key in it.
const KEY_FILES: [&str; 10] = ["TLS", "SERVER", "CLIENT", "CA", "SSL", "PEER", "ETCD", "KAFKA", "WEBHOOK", "APISERVER"];
/// The folder a program is in.
const NO_SECRETS: [&str; 2] = ["PWD", "OLDPWD"];

/// They name an object that holds secrets, and hold none.
pub const NAMES_OF_OBJECTS: [&str; 2] = ["secretName", "secretProviderClass"];

/// Whether what has this name is nobody's business.
pub fn is_secret_name(name: &str) -> bool {
    let bare: String = name.chars().filter(|character| !matches!(character, '-' | '_')).flat_map(char::to_uppercase).collect();
    let last = words(name).pop().unwrap_or_default();
    let by_word = SECRET_WORDS.contains(&last.as_str()) && !NO_SECRETS.contains(&name);
    let by_word = by_word || SECRET_FILES.contains(&name) || is_key(name);
    !NAMES_OF_OBJECTS.contains(&name) && (by_word || SECRET_NAMES.iter().any(|part| bare.contains(part)))
}

/// The words of a name in capitals, split at its signs and where small letters become large: `otpSeed` and `otp_seed2` are OTP and SEED.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_small = false;
    for character in name.chars() {
        if !character.is_alphanumeric() || (character.is_uppercase() && is_small) {
            words.push(String::new());
        }
        is_small = character.is_lowercase();
        if character.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(character.to_uppercase());
        }
    }
    let bare = words.iter().map(|word| word.trim_end_matches(|character: char| character.is_ascii_digit()).to_owned());
    bare.filter(|word| !word.is_empty()).collect()
}

/// Whether what has this name is an address that may hold a login or a key: `DATABASE_URL`, `redisUri`, `slack-webhook`.
pub fn is_address_name(name: &str) -> bool {
    let words = words(name);
    let Some((last, before)) = words.split_last() else { return false };
    let is_of = |word: &String| ADDRESS_OF.contains(&word.as_str()) || WEBHOOKS.contains(&word.as_str());
    is_webhook_name(name) || (ADDRESS.contains(&last.as_str()) && before.iter().any(is_of))
}

/// Whether it is one whose path is the key: who has it may write there.
pub(super) fn is_webhook_name(name: &str) -> bool {
    let words = words(name);
    let is_one = |word: &String| WEBHOOKS.contains(&word.as_str());
    words.last().is_some_and(|last| ["WEBHOOK", "WEBHOOKS", "HOOK"].contains(&last.as_str()))
        || (words.last().is_some_and(|last| ADDRESS.contains(&last.as_str())) && words.iter().any(is_one))
}

/// Whether it ends as `STRIPE_KEY`, `app.master-key` or `tls.key` do.
fn is_key(name: &str) -> bool {
    let upper = name.to_uppercase();
    let Some(before) = upper.strip_suffix("KEY") else { return false };
    let word = before.trim_end_matches(['-', '_', '.']).rsplit(['-', '_', '.', '/', '[', ']']).next().unwrap_or_default();
    match before.chars().next_back() {
        Some('-' | '_') => !word.is_empty() && !PLAIN_KEYS.contains(&word),
        Some('.') => KEY_FILES.contains(&word),
        _ => false,
    }
}
