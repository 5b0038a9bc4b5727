//! Ways to spoil bytes: of any kind, and of JSON with its form kept.

use fastrand::Rng;
use serde_json::{Number, Value, json};

/// Pieces that readers stumble over.
const PIECES: &[&[u8]] = &[
    b"\0",
    b"\x1b]0;x\x07",
    b"\x1b[2J",
    b"\xff\xfe",
    "\u{202e}".as_bytes(),
    "\u{feff}".as_bytes(),
    b"\r\n\r\n",
    b"\n",
    b"\"",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"}",
    b",",
    b"-",
    b"1e999",
    b"-0",
    b"NaN",
    b"18446744073709551616",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"null",
    b"9999-12-31T23:59:59.999999999Z",
    b"-262143-01-01T00:00:00Z",
    b"0001-01-01T00:00:00Z",
    b"%00%2f..",
    b"../../..",
    b"&a *a",
    b"<<: *a",
    b"!!binary ",
    b"${HOME}",
];

/// One to eight changes of the bytes.
pub fn bytes(rng: &mut Rng, from: &[u8]) -> Vec<u8> {
    let mut bytes = from.to_vec();
    for _ in 0..rng.usize(1..=8) {
        let at = rng.usize(0..=bytes.len());
        let until = (at + rng.usize(0..40)).min(bytes.len());
        match rng.u8(0..7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..until)),
            2 => {
                let piece = bytes[at..until].to_vec();
                bytes.splice(at..at, piece.iter().copied().cycle().take(piece.len() * rng.usize(1..20)));
            }
            3 if at < bytes.len() => bytes[at] ^= 1 << rng.u8(0..8),
            4 if at < bytes.len() => bytes[at] = rng.u8(..),
            _ => drop(bytes.splice(at..at, PIECES[rng.usize(0..PIECES.len())].iter().copied())),
        }
    }
    bytes
}

/// A few values of the document replaced, removed, renamed or repeated. Not JSON: changes of its bytes.
pub fn document(rng: &mut Rng, from: &[u8]) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<Value>(from) else { return bytes(rng, from) };
    for _ in 0..rng.usize(1..=6) {
        descend(rng, &mut value, 0);
    }
    let text = value.to_string().into_bytes();
    if rng.u8(0..20) == 0 { bytes(rng, &text) } else { text }
}

/// Goes down into the document by chance, and spoils what it comes to.
fn descend(rng: &mut Rng, value: &mut Value, depth: u32) {
    let goes_on = depth < 2 || rng.u8(0..5) > 0;
    match value {
        Value::Array(items) if !items.is_empty() && goes_on => {
            let index = rng.usize(0..items.len());
            match rng.u8(0..12) {
                0 => drop(items.remove(index)),
                1 => items.push(items[index].clone()),
                2 => items.truncate(index),
                3 if items.len() < 2_000 => items.extend(vec![items[index].clone(); rng.usize(1..50)]),
                _ => descend(rng, &mut items[index], depth + 1),
            }
        }
        Value::Object(members) if !members.is_empty() && goes_on => {
            let name = members.keys().nth(rng.usize(0..members.len())).cloned().unwrap_or_default();
            match rng.u8(0..12) {
                0 => drop(members.shift_remove(&name)),
                1 => {
                    let moved = members.shift_remove(&name).unwrap_or_default();
                    members.insert(text(rng), moved);
                }
                _ => {
                    if let Some(member) = members.get_mut(&name) {
                        descend(rng, member, depth + 1);
                    }
                }
            }
        }
        _ => *value = anything(rng, value),
    }
}

fn anything(rng: &mut Rng, instead: &Value) -> Value {
    match rng.u8(0..14) {
        0 => Value::Null,
        1 => json!({}),
        2 => json!([]),
        3 => Value::Bool(rng.bool()),
        4 => json!(rng.i64(..)),
        5 => json!([i64::MAX, i64::MIN, 0, -1, 1 << 40][rng.usize(0..5)]),
        6 => Number::from_f64([1e308, -1e308, 1e-308, 0.1, 1.8e19][rng.usize(0..5)]).map_or(Value::Null, Value::Number),
        7 => json!(u64::MAX),
        8 => json!(rng.i64(..).to_string()),
        9 => json!({ text(rng): instead.clone(), text(rng): [instead.clone()] }),
        10 => (0..rng.usize(1..200)).fold(instead.clone(), |inner, _| json!([inner])),
        11 => json!(text(rng).repeat(rng.usize(1..3_000))),
        _ => Value::String(mixed(rng, instead.as_str().unwrap_or_default())),
    }
}

/// The text with a piece in it that does not belong there.
fn mixed(rng: &mut Rng, before: &str) -> String {
    let mut text = before.to_owned();
    let at = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).nth(rng.usize(0..=text.chars().count())).unwrap_or_default();
    text.insert_str(at, &self::text(rng));
    text
}

fn text(rng: &mut Rng) -> String {
    const TEXTS: &[&str] = &[
        "",
        " ",
        "\u{1b}[31mred\u{1b}[0m",
        "\u{1b}]52;c;AAAA\u{7}",
        "\u{202e}txet",
        "\u{200b}",
        "e\u{301}\u{301}\u{301}\u{301}",
        "👩‍👩‍👧‍👦",
        "字字字字",
        "\0",
        "\t\r\n",
        "a/b",
        "../../x",
        "?x=y&z",
        "%2f",
        "NaN",
        "+Inf",
        "-Inf",
        "1e400",
        "0x10",
        "999999999999999999999Gi",
        "-5m",
        "1970-01-01T00:00:00Z",
        "+262142-12-31T23:59:59Z",
        "2026-02-30T25:61:61Z",
        "0s",
        "106751991167301d",
        "(((((((((",
        "(a*)*b",
        "a{1,99999999}",
        "\\Q",
        "$1",
        "'; rm -rf /; '",
        "DELETED",
        "ERROR",
        "BOOKMARK",
        "Warning",
        "critical",
        "firing",
    ];
    TEXTS[rng.usize(0..TEXTS.len())].to_owned()
}
