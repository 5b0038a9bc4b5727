//! Pieces of the Kubernetes wire format that several kinds share, decoded without copying where possible.

use std::{borrow::Cow, fmt, marker::PhantomData, ops::Deref};

use chrono::{DateTime, Utc};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::domain::{object::Key, pod::Owner, text::Text, time};

/// Most labels, images or data keys kept of one object.
pub(super) const MOST_PAIRS: usize = 64;

/// Former revisions kept of one replica set.
const MOST_REVISIONS: usize = 64;

/// A string borrowed from the answer unless it holds escapes. Unlike `Cow`, also inside options and lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Str<'a>(pub Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;
        impl<'de> Visitor<'de> for Reading {
            type Value = Str<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Str(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Str(Cow::Owned(text.to_owned())))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Str::default())
            }
        }
        deserializer.deserialize_any(Reading)
    }
}

impl Str<'_> {
    pub fn text(&self) -> Text {
        Text::line(&self.0)
    }

    pub fn is(&self, other: &str) -> bool {
        self.0 == other
    }
}

/// A cleaned field, empty when it is missing.
pub(super) fn text(field: Option<&Str<'_>>) -> Text {
    field.map(Str::text).unwrap_or_default()
}

/// A point in time, none when it is missing or malformed, or was never set.
pub(super) fn time(field: Option<&Str<'_>>) -> Option<DateTime<Utc>> {
    time::read(&field?.0)
}

/// The first elements of a list: no object has more of anything that it can be kept.
#[derive(Debug)]
pub(super) struct Few<T>(Vec<T>);

/// Most elements of a list in an object. An endpoint slice has 1,000 endpoints at most, a pod far fewer containers.
const MOST_ELEMENTS: usize = 1_000;

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Few<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reading<T> {
            type Value = Few<T>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }
            fn visit_seq<S: SeqAccess<'de>>(self, mut sequence: S) -> Result<Self::Value, S::Error> {
                let mut first = Vec::new();
                while first.len() < MOST_ELEMENTS {
                    let Some(element) = sequence.next_element()? else { return Ok(Few(first)) };
                    first.push(element);
                }
                while sequence.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Few(first))
            }
        }
        deserializer.deserialize_seq(Reading(PhantomData))
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'f, T> IntoIterator for &'f Few<T> {
    type Item = &'f T;
    type IntoIter = std::slice::Iter<'f, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// A map of strings in the order of the wire, bounded.
#[derive(Debug, Clone, Default)]
pub(super) struct Pairs<'a>(pub Vec<(Str<'a>, Str<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;
        impl<'de> Visitor<'de> for Reading {
            type Value = Pairs<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a map of strings")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut pairs = Vec::with_capacity(map.size_hint().unwrap_or(4).min(MOST_PAIRS));
                while let Some(key) = map.next_key()? {
                    if pairs.len() < MOST_PAIRS {
                        pairs.push((key, map.next_value()?));
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Pairs(pairs))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Pairs::default())
            }
        }
        deserializer.deserialize_any(Reading)
    }
}

impl Pairs<'_> {
    pub fn get(&self, name: &str) -> Option<&Str<'_>> {
        self.0.iter().find(|(key, _)| key.is(name)).map(|(_, value)| value)
    }
}

/// A map as cleaned pairs, at most `most` of them.
pub(super) fn texts(pairs: Option<&Pairs<'_>>, most: usize) -> Box<[(Text, Text)]> {
    pairs.map(|pairs| pairs.0.iter().take(most).map(|(key, value)| (key.text(), value.text())).collect()).unwrap_or_default()
}

/// `metadata`, without what nobody looks at.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Meta<'a> {
    #[serde(borrow)]
    pub name: Option<Str<'a>>,
    pub namespace: Option<Str<'a>>,
    pub uid: Option<Str<'a>>,
    pub resource_version: Option<Str<'a>>,
    pub creation_timestamp: Option<Str<'a>>,
    pub deletion_timestamp: Option<Str<'a>>,
    pub deletion_grace_period_seconds: Option<i64>,
    pub generation: Option<u64>,
    pub labels: Option<Pairs<'a>>,
    pub annotations: Option<Pairs<'a>>,
    pub owner_references: Option<Few<OwnerReference<'a>>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct OwnerReference<'a> {
    #[serde(borrow)]
    kind: Option<Str<'a>>,
    name: Option<Str<'a>>,
    uid: Option<Str<'a>>,
    controller: Option<bool>,
}

impl Meta<'_> {
    /// None for an object without a name, which no server sends.
    pub fn key(&self) -> Option<Key> {
        let name = self.name.as_ref().filter(|name| !name.0.is_empty())?;
        Some(Key { namespace: text(self.namespace.as_ref()), name: name.text() })
    }

    pub fn uid(&self) -> Text {
        text(self.uid.as_ref())
    }

    pub fn created(&self) -> DateTime<Utc> {
        time(self.creation_timestamp.as_ref()).unwrap_or_default()
    }

    pub fn annotation(&self, name: &str) -> Option<&Str<'_>> {
        self.annotations.as_ref().and_then(|annotations| annotations.get(name))
    }

    /// The controller among the owners.
    pub fn controller(&self) -> Option<Owner> {
        let owner = self.owner_references.as_ref()?.iter().find(|owner| owner.controller == Some(true))?;
        Some(Owner { kind: text(owner.kind.as_ref()), name: text(owner.name.as_ref()), uid: text(owner.uid.as_ref()) })
    }

    /// The revisions that a replica set had before its present one, oldest first; the newest [`MOST_REVISIONS`] of them.
    pub fn revision_history(&self) -> Box<[u64]> {
        let former = self.annotation("deployment.kubernetes.io/revision-history").map_or("", |text| &*text.0);
        let mut former: Vec<u64> = former.rsplit(',').take(MOST_REVISIONS).filter_map(|number| number.trim().parse().ok()).collect();
        former.reverse();
        former.into()
    }

    /// `deployment.kubernetes.io/revision`; zero when there is none.
    pub fn revision(&self) -> u64 {
        self.annotation("deployment.kubernetes.io/revision").and_then(|text| text.0.parse().ok()).unwrap_or(0)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Condition<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Option<Str<'a>>,
    pub status: Option<Str<'a>>,
    pub reason: Option<Str<'a>>,
    pub message: Option<Str<'a>>,
    pub last_transition_time: Option<Str<'a>>,
}

/// The condition of a type.
pub(super) fn condition<'c, 'a>(conditions: Option<&'c Few<Condition<'a>>>, kind: &str) -> Option<&'c Condition<'a>> {
    conditions?.iter().find(|condition| condition.kind.as_ref().is_some_and(|name| name.is(kind)))
}

impl Condition<'_> {
    pub fn is(&self, status: &str) -> bool {
        self.status.as_ref().is_some_and(|own| own.is(status))
    }
}

/// `spec.template` as far as its images.
#[derive(Debug, Deserialize)]
pub(super) struct Template<'a> {
    #[serde(borrow)]
    spec: Option<TemplateSpec<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TemplateSpec<'a> {
    #[serde(borrow)]
    containers: Option<Few<Container<'a>>>,
    init_containers: Option<Few<Container<'a>>>,
    volumes: Option<Few<Volume<'a>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container<'a> {
    #[serde(borrow)]
    name: Option<Str<'a>>,
    image: Option<Str<'a>>,
    env: Option<Few<Variable<'a>>>,
    env_from: Option<Few<Source<'a>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Variable<'a> {
    #[serde(borrow)]
    value_from: Option<Source<'a>>,
}

/// Whatever may name a ConfigMap: a variable, all variables, a volume, a part of one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source<'a> {
    #[serde(borrow, alias = "configMapRef", alias = "configMap")]
    config_map_key_ref: Option<Named<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Volume<'a> {
    #[serde(borrow)]
    config_map: Option<Named<'a>>,
    projected: Option<Projected<'a>>,
}

#[derive(Debug, Deserialize)]
struct Projected<'a> {
    #[serde(borrow)]
    sources: Option<Few<Source<'a>>>,
}

#[derive(Debug, Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    name: Option<Str<'a>>,
}

/// Names of the ConfigMaps that the pods of a template read, in order and once each.
pub(super) fn config_maps(template: Option<&Template<'_>>) -> Box<[Text]> {
    let Some(spec) = template.and_then(|template| template.spec.as_ref()) else { return Box::default() };
    let containers = || [&spec.containers, &spec.init_containers].into_iter().flatten().flatten();
    let variables = containers().flat_map(|container| container.env.iter().flatten()).filter_map(|variable| variable.value_from.as_ref());
    let whole = containers().flat_map(|container| container.env_from.iter().flatten());
    let volumes = || spec.volumes.iter().flatten();
    let parts = volumes().filter_map(|volume| volume.projected.as_ref()).flat_map(|projected| projected.sources.iter().flatten());
    let maps = variables.chain(whole).chain(parts).filter_map(|source| source.config_map_key_ref.as_ref());
    let maps = maps.chain(volumes().filter_map(|volume| volume.config_map.as_ref()));
    let names: std::collections::BTreeSet<Text> = maps.map(|map| text(map.name.as_ref())).filter(|name| !name.is_empty()).collect();
    names.into_iter().take(MOST_PAIRS).collect()
}

/// `(container, image)` of each container of a template.
pub(super) fn images(template: Option<&Template<'_>>) -> Box<[(Text, Text)]> {
    let containers = template.and_then(|template| template.spec.as_ref()?.containers.as_ref());
    let pair = |container: &Container<'_>| (text(container.name.as_ref()), text(container.image.as_ref()));
    containers.map(|containers| containers.iter().take(MOST_PAIRS).map(pair).collect()).unwrap_or_default()
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Selector<'a> {
    #[serde(borrow)]
    pub match_labels: Option<Pairs<'a>>,
}

/// A count as wide as shown; negative or absurd ones become zero.
pub(super) fn count(number: Option<i64>) -> u32 {
    number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}
