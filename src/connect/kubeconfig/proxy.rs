//! The proxy on the way to a server, as the environment names it: the rules of Go's `golang.org/x/net/http/httpproxy`, by which
//! kubectl goes. What cannot be read there is passed over, as by Go.

use std::net::IpAddr;

use ::secrecy::SecretString;
use http::Uri;
use url::Url;

use crate::{
    connect::{credentials::login, endpoint::percent_decoded},
    domain::secrecy,
};

/// The variables that count. The first of each pair that is not empty: `HTTPS_PROXY`, then `https_proxy`.
#[derive(Debug, Clone, Default)]
pub(super) struct Environment {
    pub http: String,
    pub https: String,
    pub no_proxy: String,
    /// `REQUEST_METHOD` is set: in a CGI script `HTTP_PROXY` may come from a header of a client.
    pub is_cgi: bool,
}

impl Environment {
    pub fn real() -> Self {
        let variable = |names: [&str; 2]| {
            names
                .into_iter()
                .filter_map(std::env::var_os)
                .find(|value| !value.is_empty())
                .map_or_else(String::new, |value| value.to_string_lossy().into_owned())
        };
        // Also those on the way to other servers, which read the environment by themselves.
        for names in [["HTTP_PROXY", "http_proxy"], ["HTTPS_PROXY", "https_proxy"], ["ALL_PROXY", "all_proxy"]] {
            names.into_iter().filter_map(|name| parsed(&std::env::var(name).ok()?)).for_each(|proxy| learn_login(&proxy));
        }
        Self {
            http: variable(["HTTP_PROXY", "http_proxy"]),
            https: variable(["HTTPS_PROXY", "https_proxy"]),
            no_proxy: variable(["NO_PROXY", "no_proxy"]),
            is_cgi: std::env::var_os("REQUEST_METHOD").is_some_and(|value| !value.is_empty()),
        }
    }

    /// The proxy for this server, if any. `Err`: the environment forbids to guess.
    pub fn proxy(&self, server: &Uri) -> Result<Option<Url>, String> {
        let is_https = server.scheme_str() == Some("https");
        let named = if is_https { &self.https } else { &self.http };
        let Some(proxy) = parsed(named) else { return Ok(None) };
        if !is_https && self.is_cgi {
            return Err("HTTP_PROXY is not used where REQUEST_METHOD is set: a CGI script's client could choose it".to_owned());
        }
        let host = server.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_lowercase();
        let port = server.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        Ok((!is_direct(&self.no_proxy, &host, port)).then_some(proxy))
    }
}

/// Whether Go refuses an address for blanks or control characters that the URL standard passes over.
pub(super) fn is_loose(text: &str) -> bool {
    text.trim() != text || text.contains(char::is_control)
}

/// Takes note of the password in an address, as it is meant and as it is sent.
pub(super) fn learn_login(address: &Url) {
    if let Some(password) = address.password() {
        let (user, password) = (percent_decoded(address.username()), percent_decoded(password));
        secrecy::ours_for_good(&password);
        secrecy::ours_for_good(login(&user, &SecretString::from(password)).trim_end_matches('='));
    }
}

/// An address without a scheme is one of an HTTP proxy.
fn parsed(text: &str) -> Option<Url> {
    if text.is_empty() || is_loose(text) {
        return None;
    }
    match Url::parse(text) {
        Ok(url) if url.has_host() => Some(url),
        _ => Url::parse(&format!("http://{text}")).ok().filter(Url::has_host),
    }
}

/// Whether a server is reached without a proxy: this machine always is.
fn is_direct(no_proxy: &str, host: &str, port: u16) -> bool {
    let address: Option<IpAddr> = host.parse().ok().map(|address: IpAddr| address.to_canonical());
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    no_proxy.split(',').map(|entry| entry.trim().to_lowercase()).any(|entry| matches(&entry, host, address, port))
}

/// One entry: `*`, a network, an address or a domain, the last two with a port or without.
fn matches(entry: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Some(is_within) = network(entry) {
        return address.is_some_and(is_within);
    }
    let (name, of_port) = split_port(entry);
    let is_port = of_port.is_none_or(|of_port| of_port.is_empty() || of_port == port.to_string());
    if let Ok(named) = name.parse::<IpAddr>() {
        return is_port && address == Some(named.to_canonical());
    }
    let domain = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
    let is_host = match domain.strip_prefix('.') {
        Some(_) => host.ends_with(domain),
        None => !domain.is_empty() && (host == domain || host.ends_with(&format!(".{domain}"))),
    };
    is_port && is_host
}

/// `host:port` and `[address]:port`; an IPv6 address without brackets has no port.
fn split_port(entry: &str) -> (&str, Option<&str>) {
    match entry.rsplit_once(':') {
        Some((name, port)) if name.starts_with('[') && name.ends_with(']') => (&name[1..name.len() - 1], Some(port)),
        Some((name, port)) if !name.contains(':') => (name, Some(port)),
        _ => (entry, None),
    }
}

/// Whether an address lies in a network such as `10.0.0.0/8`; none for anything else.
fn network(entry: &str) -> Option<impl Fn(IpAddr) -> bool + use<>> {
    let (base, length) = entry.split_once('/')?;
    let base = base.parse::<IpAddr>().ok()?;
    let length: u32 = length.parse().ok()?;
    let width = if base.is_ipv4() { 32 } else { 128 };
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    (length <= width).then_some(move |address: IpAddr| {
        let differs = bits(address) ^ bits(base);
        address.is_ipv4() == base.is_ipv4() && differs.checked_shr(width - length).unwrap_or(0) == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goes_through(no_proxy: &str, server: &str) -> bool {
        let environment = Environment { https: "http://proxy:3128".into(), no_proxy: no_proxy.into(), ..Environment::default() };
        environment.proxy(&server.parse().unwrap()).unwrap().is_some()
    }

    #[test]
    fn entries_of_no_proxy_are_read_as_go_reads_them() {
        let server = "https://api.corp.example:6443";
        for (no_proxy, expected) in [
            ("", true),
            ("localhost,127.0.0.1,", true),
            ("10.0.0.0/8,,.corp", true),
            (",,, ,", true),
            ("localhost 127.0.0.1", true),
            ("!!,%zz,:6443,[", true),
            ("*", false),
            ("a, * ,b", false),
            ("corp.example", false),
            (".corp.example", false),
            ("*.corp.example", false),
            (" CORP.Example ", false),
            ("api.corp.example", false),
            (".api.corp.example", true),
            ("rp.example", true),
            ("corp.example:6443", false),
            ("corp.example:443", true),
            ("*corp.example", true),
        ] {
            assert_eq!(goes_through(no_proxy, server), expected, "NO_PROXY={no_proxy:?}");
        }
        assert!(!goes_through("corp.example:443", "https://api.corp.example"), "the scheme has its port");
    }

    #[test]
    fn addresses_and_networks_match_addresses_alone() {
        for (no_proxy, server, expected) in [
            ("10.0.0.0/8", "https://10.1.2.3:6443", false),
            ("10.0.0.0/8", "https://11.1.2.3:6443", true),
            ("0.0.0.0/0", "https://11.1.2.3", false),
            ("10.0.0.0/33", "https://10.1.2.3", true),
            ("10.1.2.3", "https://10.1.2.3:6443", false),
            ("10.1.2.3:443", "https://10.1.2.3:6443", true),
            ("fd00::/8", "https://[fd00::1]:6443", false),
            ("fd00::1", "https://[fd00::1]:6443", false),
            ("[fd00::1]:6443", "https://[fd00::1]:6443", false),
            ("[fd00::1]:443", "https://[fd00::1]:6443", true),
            ("", "https://127.8.8.8:6443", false),
            ("", "https://[::1]:6443", false),
            ("", "https://LOCALHOST:6443", false),
        ] {
            assert_eq!(goes_through(no_proxy, server), expected, "NO_PROXY={no_proxy:?} {server}");
        }
    }

    #[test]
    fn each_scheme_has_its_variable_and_what_is_no_address_is_passed_over() {
        let environment = Environment { http: "plain:3128".into(), https: "socks5://safe".into(), ..Environment::default() };
        let proxy = |server: &str| environment.proxy(&server.parse().unwrap()).unwrap().map(|url| url.to_string());
        assert_eq!(proxy("http://api").as_deref(), Some("http://plain:3128/"));
        assert_eq!(proxy("https://api").as_deref(), Some("socks5://safe"));
        let environment = Environment { https: "%zz".into(), ..environment };
        assert_eq!(environment.proxy(&"https://api".parse().unwrap()), Ok(None));
        for loose in ["http://proxy:3128 ", " http://proxy:3128", "http://proxy:3128\n"] {
            let environment = Environment { https: loose.into(), ..environment.clone() };
            assert_eq!(environment.proxy(&"https://api".parse().unwrap()), Ok(None), "{loose:?}");
        }
        let environment = Environment { is_cgi: true, ..environment };
        assert!(environment.proxy(&"http://api".parse().unwrap()).is_err());
    }
}
