//! What every kind says of itself holds together.

use std::collections::BTreeSet;

use super::rig::NS;
use crate::{
    actions::kinds,
    domain::catalogue::{Entry, Presence},
};

/// Words that each kind reads, for its first object.
fn words_for(entry: &Entry) -> Vec<String> {
    let object = entry.spec.on.first().map(|kind| format!("{}/x", kind.singular()));
    let arguments =
        entry.spec.parameters.iter().filter(|parameter| matches!(parameter.presence, Presence::Required | Presence::Repeated)).map(|parameter| {
            // A number where one word is asked for, a pair where a pair is, with its name where that is fixed; the last of several ways.
            if let Some((_, last)) = parameter.name.rsplit_once('|') {
                last.replace("=N", "=3")
            } else if parameter.name.contains('=') {
                "a=b".to_owned()
            } else {
                "3".to_owned()
            }
        });
    object.into_iter().chain(arguments).collect()
}

#[test]
fn the_words_of_an_ask_give_the_same_ask() {
    for entry in kinds::catalogue() {
        let words = words_for(entry);
        let wish = entry.ask(NS, &words.iter().map(String::as_str).collect::<Vec<_>>()).unwrap_or_else(|why| panic!("{}: {why}", entry.spec.name));
        assert_eq!(wish.kind(), entry.spec.name);
        let again = wish.words();
        assert_eq!(entry.ask(NS, &again.iter().map(String::as_str).collect::<Vec<_>>()), Ok(wish), "{again:?}");
    }
}

#[test]
fn names_and_keys_are_given_once_and_every_kind_can_write() {
    let (mut names, mut keys) = (BTreeSet::new(), BTreeSet::new());
    for entry in kinds::catalogue() {
        let spec = entry.spec;
        assert!(names.insert(spec.name) && keys.insert(spec.key), "{} has another's name or key", spec.name);
        assert!(!matches!(spec.key, 'y' | 'j' | 'k' | 'g' | 'G' | 'q' | 'U'), "{}: the key {} moves, leaves or confirms", spec.name, spec.key);
        assert!(spec.rights.iter().any(crate::domain::catalogue::Right::writes), "{} names no right to write", spec.name);
        assert!(!spec.summary.is_empty() && !spec.undo.is_empty(), "{}", spec.name);
    }
}

#[test]
fn words_that_are_too_many_or_wrong_are_refused_with_the_usage() {
    for entry in kinds::catalogue() {
        if !entry.spec.on.is_empty() || entry.spec.needs_arguments() {
            let why = entry.ask(NS, &[]).unwrap_err();
            assert!(why.contains(entry.spec.name) && why.contains("write: "), "{why}");
        }
        assert!(entry.ask(NS, &["secret/x", "3", "a=b"]).is_err(), "{}", entry.spec.name);
        let mut words = words_for(entry);
        words.push("!".to_owned());
        assert!(entry.ask(NS, &words.iter().map(String::as_str).collect::<Vec<_>>()).is_err(), "{}", entry.spec.name);
    }
}
