//! Where a request to the API server may go: a path that is made of names and of nothing else.

use super::ConnectError;

/// Between the API server's own path and that of a server behind it.
const BEHIND: &str = "/proxy/";

/// A checked path. Nothing else becomes the address of a request, so that no name, whoever said it, adds a step up, a query or a part of
/// another name: `../../kube-system/pods/x`, `victim?dryRun=All`, `a%2fb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ApiPath<'a>(&'a str);

impl<'a> ApiPath<'a> {
    pub fn new(path: &'a str) -> Result<Self, ConnectError> {
        let (own, behind) = path.split_once(BEHIND).unwrap_or((path, ""));
        let is_own = own.strip_prefix('/').is_some_and(|own| own.is_empty() || own.split('/').all(is_name));
        // Servers behind it have their own rules and escapes, but no way up to the API server's paths.
        let is_behind = behind.split('/').all(|part| !is_dots(&part.to_ascii_lowercase().replace("%2e", ".")))
            && behind.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        if is_own && is_behind {
            return Ok(Self(path));
        }
        Err(ConnectError::config(&format!("nothing is sent to {path}: it holds a name that no Kubernetes object can have")))
    }

    pub fn as_str(self) -> &'a str {
        self.0
    }
}

/// As in the names of objects, groups, versions and services with their ports (`k8s.io/apimachinery/pkg/api/validation/path`, narrowed).
fn is_name(part: &str) -> bool {
    !part.is_empty() && !is_dots(part) && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte))
}

fn is_dots(part: &str) -> bool {
    matches!(part, "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::object::{Key, Kind, ObjectRef, Subject};

    fn of(name: &str) -> String {
        Subject { kind: Kind::Pod, key: Key::new("shop", name) }.reference().path()
    }

    #[test]
    fn a_name_is_one_part_of_a_path_or_none() {
        for name in ["api-gateway-7d9f", "a.b.c", "node_1"] {
            assert_eq!(ApiPath::new(&of(name)).unwrap().as_str(), format!("/api/v1/namespaces/shop/pods/{name}"));
        }
        for name in [
            "../../../kube-system/pods/coredns-1",
            "victim?dryRun=All&x=",
            "?labelSelector=",
            "a%2fb",
            "a/b",
            "victim/eviction",
            "x/proxy/y",
            "..",
            ".",
            "",
            "a#b",
            "a b",
            "a\\b",
            "a\nb",
            "ä",
            "%2e%2e",
        ] {
            let path = of(name);
            assert!(ApiPath::new(&path).is_err(), "{path}");
            let other = ObjectRef { kind: Kind::Pod, key: Key::new(name, "x"), uid: "".into() };
            // Without a namespace it is another path, which the card shows.
            assert!(name.is_empty() || ApiPath::new(&other.path()).is_err(), "{}", other.path());
        }
    }

    #[test]
    fn servers_behind_have_their_escapes_and_no_way_up() {
        for path in [
            "/version",
            "/",
            "/apis",
            "/api/v1/namespaces/m/services/https:es:9200/proxy/logs-%2A/_search?q=1",
            "/api/v1/namespaces/m/services/p:web/proxy/",
        ] {
            assert!(ApiPath::new(path).is_ok(), "{path}");
        }
        for path in [
            "/api/v1/namespaces/m/services/p:web/proxy/../../x",
            "/api/v1/namespaces/m/services/p:web/proxy/%2E%2e/x",
            "version",
            "/a//b",
            "/api/v1/../x",
        ] {
            assert!(ApiPath::new(path).is_err(), "{path}");
        }
    }
}
