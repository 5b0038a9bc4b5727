//! Request bodies in Kubernetes' protobuf encoding, which kubectl's typed commands send, turned into JSON values.
//!
//! The messages are a table (`protobuf_messages.txt`: message, then field number, name and type each; `*` repeated, `%` map from
//! string, `^` inlined into the parent in JSON), taken from the `generated.proto` files of k8s.io/api 0.36. Unknown fields are
//! skipped, as protobuf wants it. Answers are always JSON.

use std::collections::HashMap;
use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Value, json};

/// Marks protobuf in storage and on the wire.
const MAGIC: &[u8] = b"k8s\0";
/// Messages within messages; no Kubernetes object comes near.
const DEEPEST: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Single,
    Repeated,
    Map,
    Inline,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) kind: &'static str,
}

pub(super) type Messages = HashMap<&'static str, HashMap<u64, Field>>;

pub(super) static MESSAGES: LazyLock<Messages> = LazyLock::new(|| {
    let mut messages = Messages::new();
    let mut current = "";
    for line in include_str!("protobuf_messages.txt").lines() {
        let Some(field) = line.strip_prefix(' ') else {
            current = line;
            messages.insert(current, HashMap::new());
            continue;
        };
        let mut words = field.split(' ');
        if let (Some(number), Some(name), Some(kind)) = (words.next().and_then(|number| number.parse().ok()), words.next(), words.next()) {
            let shape = match kind.as_bytes()[0] {
                b'*' => Shape::Repeated,
                b'%' => Shape::Map,
                b'^' => Shape::Inline,
                _ => Shape::Single,
            };
            let field = Field { name, shape, kind: kind.trim_start_matches(['*', '%', '^']) };
            messages.entry(current).or_default().insert(number, field);
        }
    }
    messages
});

/// The object in an envelope, with its `apiVersion` and `kind`. None: not protobuf, damaged, or of a type not in the table.
pub fn decode(body: &[u8]) -> Option<Value> {
    let mut envelope = Reader(body.strip_prefix(MAGIC)?);
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    while !envelope.0.is_empty() {
        match envelope.field()? {
            (1, Wire::Bytes(bytes)) => {
                let mut type_meta = Reader(bytes);
                while !type_meta.0.is_empty() {
                    match type_meta.field()? {
                        (1, Wire::Bytes(text)) => api_version = String::from_utf8(text.to_vec()).ok()?,
                        (2, Wire::Bytes(text)) => kind = String::from_utf8(text.to_vec()).ok()?,
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("core", &api_version));
    let package = group.split('.').next().unwrap_or_default();
    let name = if kind == "DeleteOptions" { "meta.v1.DeleteOptions".to_owned() } else { format!("{package}.{version}.{kind}") };
    let Value::Object(fields) = message(&name, raw, 0)? else { return None };
    let mut object = Map::new();
    object.insert("apiVersion".to_owned(), json!(api_version));
    object.insert("kind".to_owned(), json!(kind));
    object.extend(fields);
    Some(Value::Object(object))
}

enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Fixed64(u64),
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn field(&mut self) -> Option<(u64, Wire<'a>)> {
        let key = self.varint()?;
        let wire = match key & 7 {
            0 => Wire::Number(self.varint()?),
            1 => Wire::Fixed64(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Wire::Bytes(self.take(length)?)
            }
            5 => Wire::Number(u64::from(u32::from_le_bytes(self.take(4)?.try_into().ok()?))),
            _ => return None,
        };
        Some((key >> 3, wire))
    }
}

fn message(name: &str, bytes: &[u8], depth: usize) -> Option<Value> {
    if depth > DEEPEST {
        return None;
    }
    match name {
        "meta.v1.Time" | "meta.v1.MicroTime" => return time(bytes, name == "meta.v1.MicroTime"),
        "util.intstr.IntOrString" => return int_or_string(bytes),
        "api.resource.Quantity" => return first_string(bytes),
        "meta.v1.FieldsV1" | "runtime.RawExtension" | "meta.v1.Duration" => return Some(Value::Null),
        _ => {}
    }
    let fields = MESSAGES.get(name)?;
    let mut object = Map::new();
    let mut reader = Reader(bytes);
    while !reader.0.is_empty() {
        let (number, wire) = reader.field()?;
        let Some(field) = fields.get(&number) else { continue };
        match field.shape {
            Shape::Map => {
                let Wire::Bytes(entry) = wire else { return None };
                let (key, value) = map_entry(field.kind, entry, depth)?;
                if let Some(map) = object.entry(field.name).or_insert_with(|| json!({})).as_object_mut() {
                    map.insert(key, value);
                }
            }
            Shape::Repeated => {
                let value = single(field.kind, &wire, depth)?;
                if let Some(list) = object.entry(field.name).or_insert_with(|| json!([])).as_array_mut() {
                    list.push(value);
                }
            }
            Shape::Inline => {
                if let Value::Object(inner) = single(field.kind, &wire, depth)? {
                    object.extend(inner);
                }
            }
            Shape::Single => {
                let value = single(field.kind, &wire, depth)?;
                // What is not set is sent as empty text or false, and left out of JSON.
                if !value.is_null() && value != json!("") && value != json!(false) {
                    object.insert(field.name.to_owned(), value);
                }
            }
        }
    }
    Some(Value::Object(object))
}

fn single(kind: &str, wire: &Wire<'_>, depth: usize) -> Option<Value> {
    Some(match (kind, wire) {
        ("string", Wire::Bytes(bytes)) => json!(std::str::from_utf8(bytes).ok()?),
        ("bytes", Wire::Bytes(bytes)) => json!(BASE64_STANDARD.encode(bytes)),
        ("bool", Wire::Number(number)) => json!(*number != 0),
        ("double", Wire::Fixed64(bits)) => json!(f64::from_bits(*bits)),
        ("int32" | "int64" | "uint32" | "uint64", Wire::Number(number)) => json!(number.cast_signed()),
        (name, Wire::Bytes(bytes)) => message(name, bytes, depth + 1)?,
        _ => return None,
    })
}

fn map_entry(kind: &str, bytes: &[u8], depth: usize) -> Option<(String, Value)> {
    let (mut key, mut value) = (String::new(), Value::Null);
    let mut reader = Reader(bytes);
    while !reader.0.is_empty() {
        match reader.field()? {
            (1, Wire::Bytes(text)) => key = String::from_utf8(text.to_vec()).ok()?,
            (2, wire) => value = single(kind, &wire, depth)?,
            _ => {}
        }
    }
    // Empty text is not sent as a value.
    Some((key, if value.is_null() && kind == "string" { json!("") } else { value }))
}

fn time(bytes: &[u8], micro: bool) -> Option<Value> {
    let (mut seconds, mut nanos) = (0_i64, 0_u32);
    let mut reader = Reader(bytes);
    while !reader.0.is_empty() {
        match reader.field()? {
            (1, Wire::Number(number)) => seconds = number.cast_signed(),
            (2, Wire::Number(number)) => nanos = u32::try_from(number).ok()?,
            _ => {}
        }
    }
    if bytes.is_empty() {
        return Some(Value::Null);
    }
    let form = if micro { SecondsFormat::Micros } else { SecondsFormat::Secs };
    Some(json!(DateTime::from_timestamp(seconds, nanos)?.to_rfc3339_opts(form, true)))
}

fn int_or_string(bytes: &[u8]) -> Option<Value> {
    let (mut is_text, mut number, mut text) = (false, 0, String::new());
    let mut reader = Reader(bytes);
    while !reader.0.is_empty() {
        match reader.field()? {
            (1, Wire::Number(kind)) => is_text = kind == 1,
            (2, Wire::Number(value)) => number = value.cast_signed(),
            (3, Wire::Bytes(value)) => text = String::from_utf8(value.to_vec()).ok()?,
            _ => {}
        }
    }
    Some(if is_text { json!(text) } else { json!(number) })
}

fn first_string(bytes: &[u8]) -> Option<Value> {
    let mut reader = Reader(bytes);
    match reader.field()? {
        (1, Wire::Bytes(text)) => Some(json!(std::str::from_utf8(text).ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
    }

    fn envelope(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let type_meta = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), field(1, &type_meta), field(2, raw)].concat()
    }

    #[test]
    fn a_config_map_is_read() {
        let metadata = field(1, b"c");
        let entry = [field(1, b"k"), field(2, b"v")].concat();
        let body = envelope("v1", "ConfigMap", &[field(1, &metadata), field(2, &entry)].concat());
        assert_eq!(decode(&body).unwrap(), json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"k": "v"}}));
    }

    #[test]
    fn every_named_message_is_in_the_table() {
        let scalar = ["string", "bytes", "bool", "double", "int32", "int64", "uint32", "uint64"];
        let special = [
            "meta.v1.Time",
            "meta.v1.MicroTime",
            "util.intstr.IntOrString",
            "api.resource.Quantity",
            "meta.v1.FieldsV1",
            "runtime.RawExtension",
            "meta.v1.Duration",
        ];
        for field in MESSAGES.values().flat_map(HashMap::values) {
            let known = scalar.contains(&field.kind) || special.contains(&field.kind) || MESSAGES.contains_key(field.kind);
            assert!(known, "{} of {}", field.name, field.kind);
        }
    }

    #[test]
    fn damage_is_refused() {
        let body = envelope("v1", "ConfigMap", &[0x0a, 0x7f]);
        assert!(decode(&body).is_none());
        assert!(decode(b"{}").is_none());
        assert!(decode(&envelope("v1", "Unheard", b"")).is_none());
    }
}
