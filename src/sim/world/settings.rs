//! What containers have read of mounted ConfigMaps: a change is seen after the kubelet's sync, or by a container that starts later.

use super::stamp::Sec;
use serde_json::Value;
use std::collections::BTreeMap;

/// Former values that are kept of a key: more changes than this within one sync are not told apart.
const KEPT: usize = 4;
/// The longest that a kubelet takes to see a change (`syncFrequency` and the cache's delay), seconds.
pub const SYNC: Sec = 75;

/// A value and since when it holds.
type Held = (Sec, Option<String>);

/// The values of the production namespace's ConfigMaps and since when each holds.
#[derive(Debug, Clone, Default)]
pub struct Settings(BTreeMap<(String, String), Vec<Held>>);

impl Settings {
    /// Notes what a ConfigMap holds; an empty object when it is gone.
    pub fn note(&mut self, config_map: &str, data: Option<&Value>, now: Sec) {
        let value = |key: &str| data.and_then(|data| data.get(key)).and_then(Value::as_str).map(str::to_owned);
        for ((name, key), values) in &mut self.0 {
            let present = value(key);
            if name == config_map && values.last().is_some_and(|(_, last)| *last != present) {
                values.push((now, present));
                if values.len() > KEPT {
                    values.remove(0);
                }
            }
        }
        for key in data.and_then(Value::as_object).into_iter().flat_map(|data| data.keys()) {
            let place = (config_map.to_owned(), key.clone());
            self.0.entry(place).or_insert_with(|| vec![(now, value(key))]);
        }
    }

    /// The value that a container has read, and since when it has it. `sync`: how long its kubelet takes.
    pub fn read(&self, config_map: &str, key: &str, started: Sec, sync: Sec, now: Sec) -> Option<(&String, Sec)> {
        let values = self.0.get(&(config_map.to_owned(), key.to_owned()))?;
        let seen = |at: Sec| if at <= started { started } else { at + sync };
        let (at, value) = values.iter().rev().find(|(at, _)| seen(*at) <= now).or_else(|| values.first())?;
        value.as_ref().map(|value| (value, seen(*at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_change_is_seen_after_the_sync_or_by_a_later_container() {
        let mut settings = Settings::default();
        settings.note("limits", Some(&json!({"pool": "24"})), 0);
        settings.note("limits", Some(&json!({"pool": "2"})), 100);
        let read = |settings: &Settings, started, now| settings.read("limits", "pool", started, 40, now).map(|(value, at)| (value.clone(), at));
        assert_eq!(read(&settings, 10, 139), Some(("24".to_owned(), 10)));
        assert_eq!(read(&settings, 10, 140), Some(("2".to_owned(), 140)));
        assert_eq!(read(&settings, 110, 110), Some(("2".to_owned(), 110)));
        settings.note("limits", None, 200);
        assert_eq!(read(&settings, 10, 300), None);
    }
}
