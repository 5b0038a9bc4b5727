//! `docvalue_fields`: values of a hit as the mapping has them, each in a list.

use serde_json::{Map, Value as Json, json};

use super::dates;
use super::error::Error;
use super::fields::Field;
use crate::sim::log_store::Document;

/// What is asked for, in order.
#[derive(Debug, Clone, Default)]
pub struct DocValues(Vec<(String, Field, Option<String>)>);

impl DocValues {
    /// Names, or objects of `field` and `format`. What has no mapping is left out; analysed text has no such values.
    pub fn parse(json: Option<&Json>) -> Result<Self, Error> {
        let mut asked = Vec::new();
        for one in json.and_then(Json::as_array).into_iter().flatten() {
            let name = one.as_str().or_else(|| one.get("field")?.as_str()).ok_or_else(|| Error::parsing("[field_and_format] requires [field]"))?;
            match Field::named(name) {
                Some(Field::Text(_)) => return Err(Error::fielddata(name)),
                Some(field) => asked.push((name.to_owned(), field, one.get("format").and_then(Json::as_str).map(str::to_owned))),
                None => {}
            }
        }
        Ok(Self(asked))
    }

    pub fn of(&self, document: &Document) -> Map<String, Json> {
        let value = |(name, field, format): &(String, Field, Option<String>)| {
            let value = match field {
                Field::Timestamp => {
                    let ms = document.timestamp.timestamp_millis();
                    match format.as_deref() {
                        Some("epoch_millis") => json!(ms.to_string()),
                        Some("epoch_second") => json!(ms.div_euclid(1_000).to_string()),
                        _ => json!(dates::format(ms)),
                    }
                }
                Field::Duration => json!(document.duration_ms?),
                Field::Text(_) | Field::Keyword(_) => json!(field.keyword(document)?),
            };
            Some((name.clone(), json!([value])))
        };
        self.0.iter().filter_map(value).collect()
    }
}
