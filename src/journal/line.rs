//! One line of the journal: sealed with its own hash, and checked against it.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Longest line written or accepted, in bytes.
pub const MAX_LINE: usize = 256 * 1024;
/// Kind of the record that follows a line cut by a crash.
pub const REPAIRED: &str = "repaired";
/// `prev` of the first record.
pub const NO_LINE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

const SEAL_START: &str = r#","hash":""#;
const SEAL_END: &str = r#""}"#;
const SEAL_LENGTH: usize = SEAL_START.len() + 64 + SEAL_END.len();

/// An intact line.
#[derive(Debug)]
pub struct Line {
    pub seq: u64,
    pub prev: String,
    pub kind: String,
    pub record: Value,
    /// Of the whole line, without its newline: what the next record's `prev` says.
    pub hash: String,
}

/// Adds the last member `hash`: SHA-256 of everything before it. `object` is a JSON object on one line.
pub fn seal(object: &str) -> String {
    let open = object.strip_suffix('}').unwrap_or(object);
    format!("{open}{SEAL_START}{}{SEAL_END}", sha256(open.as_bytes()))
}

/// Checks a line without its newline.
pub fn check(bytes: &[u8]) -> Result<Line, &'static str> {
    if bytes.len() > MAX_LINE {
        return Err("longer than a record can be");
    }
    let Some(open_length) = bytes.len().checked_sub(SEAL_LENGTH) else { return Err("cut off: too short for a record") };
    let (open, seal) = bytes.split_at(open_length);
    let sealed = seal.strip_prefix(SEAL_START.as_bytes()).and_then(|rest| rest.strip_suffix(SEAL_END.as_bytes()));
    let Some(hash) = sealed else { return Err("does not end with its hash") };
    if hash != sha256(open).as_bytes() {
        return Err("altered: its hash does not match its content");
    }
    let Ok(record) = serde_json::from_slice::<Value>(bytes) else { return Err("not a JSON object") };
    let text = |name: &str| record.get(name).and_then(Value::as_str).map(str::to_owned);
    let (Some(seq), Some(prev), Some(kind)) = (record.get("seq").and_then(Value::as_u64), text("prev"), text("kind")) else {
        return Err("lacks seq, prev or kind");
    };
    Ok(Line { seq, prev, kind, hash: sha256(bytes), record })
}

/// Lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

pub fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
