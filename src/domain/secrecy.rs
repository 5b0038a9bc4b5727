//! What is a secret by its name or its shape, and how it is hidden.

/// Parts of a name that say that the value is nobody's business; without `-` and `_`.
const SECRET_NAMES: [&str; 15] = [
    "PASSW",
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
/// Words of a name that say so where they stand alone, as in `DB_PASS`, `redis.auth`, `dsn`: within another word they say nothing.
const SECRET_WORDS: [&str; 5] = ["PASS", "PWD", "DSN", "AUTH", "APPKEY"];
/// The folder a program is in.
const NO_SECRETS: [&str; 2] = ["PWD", "OLDPWD"];

/// They name an object that holds secrets, and hold none.
pub const NAMES_OF_OBJECTS: [&str; 2] = ["secretName", "secretProviderClass"];

/// Whether what has this name is nobody's business.
pub fn is_secret_name(name: &str) -> bool {
    let bare: String = name.chars().filter(|character| !matches!(character, '-' | '_')).flat_map(char::to_uppercase).collect();
    let last = name.rsplit(['-', '_', '.', '/', '[', ']']).find(|word| !word.is_empty()).unwrap_or_default().to_uppercase();
    let by_word = SECRET_WORDS.contains(&last.as_str()) && !NO_SECRETS.contains(&name);
    !NAMES_OF_OBJECTS.contains(&name) && (by_word || SECRET_NAMES.iter().any(|part| bare.contains(part)))
}

/// `text` with `mark` in the place of what is secret in it: the password of an address. Rather too much than too little is
/// taken for one.
pub fn text(text: &str, mark: &mut impl FnMut(&str) -> String) -> String {
    let (mut done, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = rest.find("://").map(|at| at + 3) {
        let (before, after) = rest.split_at(start);
        done.push_str(before);
        let authority = &after[..after.find(['/', ' ', '"', '\'']).unwrap_or(after.len())];
        let Some((user, password)) =
            authority.rsplit_once('@').and_then(|(login, _)| login.split_once(':')).filter(|(_, password)| !password.is_empty())
        else {
            rest = after;
            continue;
        };
        done.push_str(user);
        done.push(':');
        done.push_str(&mark(password));
        rest = &after[user.len() + 1 + password.len()..];
    }
    done + rest
}
