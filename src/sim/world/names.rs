//! Names as the control plane makes them: pod template hashes, random suffixes.

use fastrand::Rng;
use serde_json::Value;
use std::fmt::Write;

/// The letters of generated names: no vowels, so that no word appears (`k8s.io/apimachinery/pkg/util/rand`).
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Five random letters, the end of a pod's name.
pub fn suffix(rng: &mut Rng) -> String {
    (0..5).map(|_| char::from(ALPHABET[rng.usize(..ALPHABET.len())])).collect()
}

/// The hash of a pod template, spelled like the real one. The template must not carry the label `pod-template-hash`.
pub fn template_hash(template: &Value) -> String {
    let mut text = String::new();
    canonical(template, &mut text);
    fnv(text.as_bytes()).to_string().bytes().map(|b| char::from(ALPHABET[usize::from(b) % ALPHABET.len()])).collect()
}

/// FNV-1a, 32 bit.
pub fn fnv(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// JSON with sorted keys: two equal templates have one text whatever the order of their keys.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<_> = map.iter().collect();
            keys.sort_by_key(|(key, _)| key.as_str());
            out.push('{');
            for (key, value) in keys {
                let _ = write!(out, "{key:?}:");
                canonical(value, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for item in items {
                canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_hash_ignores_the_order_of_keys_and_sees_a_change() {
        assert_eq!(template_hash(&json!({"a": 1, "b": [2]})), template_hash(&json!({"b": [2], "a": 1})));
        assert_ne!(template_hash(&json!({"a": 1, "b": [2]})), template_hash(&json!({"a": 1, "b": [3]})));
    }
}
