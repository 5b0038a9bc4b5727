//! Addresses: the scheme and the host are shown, logins and keys are not.

use super::{
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

/// A path with `mark` in the place of each part that is a key by its letters.
fn segments(path: &str, mark: &mut impl FnMut(&str) -> String) -> String {
    let shown: Vec<String> = path
        .split('/')
        .map(|part| if part.split(['-', '_', '.', ':']).any(is_random) || (is_random(part) && is_mixed(part)) { mark(part) } else { part.to_owned() })
        .collect();
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
