//! The Kubernetes API as somebody else than sev1 uses it: plain HTTP, past the proxy.

use reqwest::{Client, Method};
use serde_json::Value;

use super::proxy::relay::Access;

pub struct Api {
    client: Client,
    server: String,
    token: Option<String>,
}

impl Api {
    pub fn new(server: &str, access: &Access, token: Option<String>) -> Self {
        Self { client: access.client().build().expect("a client"), server: server.to_owned(), token }
    }

    /// The answer's JSON; anything but success fails the test.
    pub async fn ask(&self, method: &str, path: &str, content_type: &str, body: &Value) -> Value {
        self.ask_for(None, method, path, content_type, body).await
    }

    /// The same in the name of another user.
    pub async fn ask_for(&self, user: Option<&str>, method: &str, path: &str, content_type: &str, body: &Value) -> Value {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.server));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(user) = user {
            request = request.header("impersonate-user", user);
        }
        if !body.is_null() {
            request = request.header("content-type", content_type).body(body.to_string());
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let status = answer.status();
        let json: Value = answer.json().await.unwrap_or_else(|error| panic!("{method} {path}: {status}, {error}"));
        assert!(status.is_success(), "{method} {path}: {json}");
        json
    }
}

/// A request to a server beside the cluster; anything but success fails the test.
pub async fn ask(access: &Access, login: Option<(&str, &str)>, method: &str, url: &str, content_type: &str, body: String) -> String {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let client = access.client().build().expect("a client");
    let mut request = client.request(method.clone(), url).header("content-type", content_type).body(body);
    if let Some((user, password)) = login {
        request = request.basic_auth(user, Some(password));
    }
    let answer = request.send().await.unwrap_or_else(|error| panic!("{method} {url}: {error}"));
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    assert!(status.is_success(), "{method} {url}: {status}: {text}");
    text
}
