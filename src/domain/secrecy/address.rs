//! Addresses: the scheme and the host are shown, logins and keys are not.

use super::{
    HIDDEN,
    names::{is_secret_name, is_webhook_name},
    random::{is_mixed, is_random},
};

/// The value of such a name as it may be shown: the scheme and the host; none where it is no address with a scheme.
pub fn address(name: &str, value: &str, mark: &mut impl FnMut(&str) -> String) -> Option<String> {
    let (scheme, rest) = value.trim().split_once("://")?;
    let (login, rest) = rest.rsplit_once('@').map_or(("", rest), |(login, rest)| (login, rest));
    let mut shown = format!("{scheme}://");
    match login.split_once(':') {
        _ if login.is_empty() => {}
        Some((user, password)) => shown += &[user, ":", &mark(password), "@"].concat(),
        None => shown += &(mark(login) + "@"),
    }
    let host = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    shown += host;
    let behind = &rest[host.len()..];
    if is_webhook_name(name) && behind.len() > 1 {
        return Some(shown + "/" + &mark(behind));
    }
    let (path, query) = behind.split_once('?').map_or((behind, None), |(path, query)| (path, Some(query)));
    shown += &segments(path, mark);
    if let Some(query) = query.filter(|query| !query.is_empty()) {
        let parameter = |parameter: &str, mark: &mut dyn FnMut(&str) -> String| match parameter.split_once('=') {
            Some((name, value)) if is_secret_name(name) || is_random(value) => format!("{name}={}", mark(value)),
            _ => parameter.to_owned(),
        };
        shown.push('?');
        shown += &query.split('&').map(|one| parameter(one, mark)).collect::<Vec<_>>().join("&");
    }
    Some(shown)
}

/// Whether what follows such a part of a path is a secret: `/key/…`, `/api-token/…`.
fn is_named(part: &str) -> bool {
    const NAMES: [&str; 6] = ["key", "keys", "token", "tokens", "password", "passwd"];
    let name: String = part.chars().filter(char::is_ascii_alphabetic).map(|letter| letter.to_ascii_lowercase()).collect();
    NAMES.iter().any(|known| ["", "api", "access", "auth"].iter().any(|before| name.strip_prefix(before) == Some(*known)))
}

/// A path with `mark` in the place of each part that is a key by its letters, or by the part before it.
fn segments(path: &str, mark: &mut impl FnMut(&str) -> String) -> String {
    let mut before = "";
    let mut shown = Vec::new();
    for part in path.split('/') {
        // `;name=value` (RFC 3986, 3.3).
        let (part, parameters) = part.split_at(part.find(';').unwrap_or(part.len()));
        let is_by_letters = part.split(['-', '_', '.', ':']).any(is_random) || (is_random(part) && is_mixed(part));
        let is_hidden = !part.is_empty() && part != HIDDEN && (is_by_letters || is_named(before));
        let mut all = if is_hidden { mark(part) } else { part.to_owned() };
        for parameter in parameters.split(';').skip(1) {
            let shown = match parameter.split_once('=') {
                Some((name, value)) if !value.is_empty() && value != HIDDEN && (is_secret_name(name) || is_random(value)) => {
                    [name, "=", &mark(value)].concat()
                }
                _ => parameter.to_owned(),
            };
            all.push(';');
            all.push_str(&shown);
        }
        shown.push(all);
        before = part;
    }
    shown.join("/")
}

/// `text` with `mark` in the place of what is secret in it: the password of an address, and the parts of its path that are keys. Rather too
/// much than too little is taken for one.
pub fn text(text: &str, mark: &mut impl FnMut(&str) -> String) -> String {
    let (mut done, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = rest.find("://").map(|at| at + 3) {
        let (before, after) = rest.split_at(start);
        done.push_str(before);
        let Some((user, password)) = login(after) else {
            let word = &after[..after.find([' ', '"', '\'', '?', '\n', ',', ')']).unwrap_or(after.len())];
            let host = word.find('/').unwrap_or(word.len());
            done.push_str(&word[..host]);
            done += &segments(&word[host..], mark);
            rest = &after[word.len()..];
            continue;
        };
        done.push_str(user);
        done.push(':');
        done.push_str(&mark(password));
        rest = &after[user.len() + 1 + password.len()..];
    }
    done + rest
}

/// User and password of the address that goes on with `after`. A password with a `/` in it is one too, but no port is.
fn login(after: &str) -> Option<(&str, &str)> {
    let word = &after[..after.find([' ', '"', '\'']).unwrap_or(after.len())];
    let authority = &word[..word.find('/').unwrap_or(word.len())];
    let split = |text: &'_ str| text.rsplit_once('@').map(|(login, _)| login.len());
    let length = split(authority).or_else(|| {
        let (_, port) = authority.split_once(':')?;
        split(word).filter(|_| !port.bytes().all(|byte| byte.is_ascii_digit()))
    })?;
    word[..length].split_once(':').filter(|(_, password)| !password.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secrecy::HIDDEN;

    #[rstest::rstest]
    #[case("http://h/api/key/hunter2", "http://h/api/key/***")]
    #[case("https://h:9090/api-token/a-b-c/prometheus", "https://h:9090/api-token/***/prometheus")]
    #[case("http://h/API_KEY/x1/", "http://h/API_KEY/***/")]
    #[case("http://h/keys/", "http://h/keys/")]
    #[case("https://h/api/v1/namespaces/shop/secrets/db", "https://h/api/v1/namespaces/shop/secrets/db")]
    #[case("https://sso.example/login/page", "https://sso.example/login/page")]
    #[case("http://h/monkey/bar", "http://h/monkey/bar")]
    #[case("http://h:1/;token=pw9secret", "http://h:1/;token=***")]
    #[case("http://h/a;v=1;api_key=hunter2/b", "http://h/a;v=1;api_key=***/b")]
    fn a_key_in_the_path_of_an_address_is_hidden(#[case] address: &str, #[case] shown: &str) {
        assert_eq!(text(address, &mut |_| HIDDEN.to_owned()), shown);
        let once = text(address, &mut |_| HIDDEN.to_owned());
        assert_eq!(text(&once, &mut |_| HIDDEN.to_owned()), once);
    }
}
