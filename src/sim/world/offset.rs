//! Times of a scenario as its file writes them: `"-8m"` is eight minutes before the launch.

use super::stamp::Sec;
use serde::{Deserialize, Deserializer, de};

pub fn offset<'de, D: Deserializer<'de>>(from: D) -> Result<Sec, D::Error> {
    let text = String::deserialize(from)?;
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.as_str()),
    };
    let length = humantime::parse_duration(rest).map_err(|error| de::Error::custom(format!("{text:?} is not a duration: {error}")))?;
    Ok(sign * Sec::try_from(length.as_secs()).map_err(de::Error::custom)?)
}

pub fn some_offset<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Sec>, D::Error> {
    offset(from).map(Some)
}
