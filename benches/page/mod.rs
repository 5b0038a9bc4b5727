//! A page of a pod list as an API server sends it.

mod pod;

use serde_json::{Value, json};

/// Pods of the page.
pub const PODS: usize = 500;
/// What a pod weighs, on average.
const POD_BYTES: std::ops::Range<usize> = 8_400..8_700;

/// The page as JSON.
pub fn body() -> Vec<u8> {
    let items: Vec<Value> = (0..PODS).map(pod::json).collect();
    let page = json!({ "kind": "PodList", "apiVersion": "v1", "metadata": { "resourceVersion": "4812399", "continue": "eyJ2IjoibWV0YS5rOHMuaW8vdjEi" }, "items": items });
    let body = page.to_string().into_bytes();
    assert!(POD_BYTES.contains(&(body.len() / PODS)), "a pod has {} bytes", body.len() / PODS);
    body
}
