//! The kubeconfig that points kubectl at the simulated cluster.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::access::Tokens;

/// Four contexts on one server: production as the engineer on call (current), as a viewer and as its administrator, and staging.
pub fn kubeconfig(url: &str, ca_pem: &str, tokens: &Tokens) -> String {
    let ca = BASE64_STANDARD.encode(ca_pem);
    let cluster = |name: &str| format!("- name: {name}\n  cluster:\n    server: {url}\n    certificate-authority-data: {ca}\n");
    let context = |name: &str, cluster: &str, user: &str, namespace: &str| {
        format!("- name: {name}\n  context:\n    cluster: {cluster}\n    user: {user}\n    namespace: {namespace}\n")
    };
    let user = |name: &str, token: &str| format!("- name: {name}\n  user:\n    token: {token}\n");
    [
        "apiVersion: v1\nkind: Config\ncurrent-context: prod-uk-1\npreferences: {}\nclusters:\n".to_owned(),
        cluster("prod-uk-1"),
        cluster("staging-uk-1"),
        "contexts:\n".to_owned(),
        context("prod-uk-1", "prod-uk-1", "oncall@gov", "digital-identity"),
        context("prod-uk-1-viewer", "prod-uk-1", "viewer@gov", "digital-identity"),
        context("prod-uk-1-admin", "prod-uk-1", "admin@gov", "digital-identity"),
        context("staging-uk-1", "staging-uk-1", "oncall@gov", "digital-identity-staging"),
        "users:\n".to_owned(),
        user("oncall@gov", &tokens.on_call),
        user("viewer@gov", &tokens.viewer),
        user("admin@gov", &tokens.administrator),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn it_is_yaml_with_four_contexts() {
        let text = kubeconfig("https://127.0.0.1:1", "PEM", &Tokens::from_seed(1));
        let value: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(value["current-context"], "prod-uk-1");
        assert_eq!(value["contexts"].as_array().unwrap().len(), 4);
        assert_eq!(value["contexts"][3]["context"]["namespace"], "digital-identity-staging");
    }
}
