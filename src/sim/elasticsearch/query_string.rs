//! The part of the query string syntax that people type: `level:ERROR AND "timed out" NOT service:api-*`.

use chrono::{DateTime, Utc};

use super::error::Error;
use super::fields::{Field, Text};
use super::query::Query;

/// Words joined by AND, OR and NOT (also `+`, `-`, `!`), fields, phrases, wildcards; no brackets, ranges or boosts.
pub fn parse(text: &str, default_field: Option<&str>, all: bool, now: DateTime<Utc>) -> Result<Query, Error> {
    let (mut must, mut should, mut must_not) = (Vec::new(), Vec::new(), Vec::new());
    let mut joined_by_and = all;
    let mut negated = false;
    for token in tokens(text)? {
        match token.as_str() {
            "AND" | "&&" => {
                joined_by_and = true;
                // The clause before the operator is needed too.
                must.extend(should.pop());
            }
            "OR" | "||" => joined_by_and = false,
            "NOT" => negated = true,
            _ => {
                let (sign, clause) = match token.chars().next() {
                    Some(sign @ ('+' | '-' | '!')) => (Some(sign), &token[1..]),
                    _ => (None, token.as_str()),
                };
                let query = clause_query(clause, default_field, now)?;
                if negated || matches!(sign, Some('-' | '!')) {
                    must_not.push(query);
                } else if joined_by_and || sign == Some('+') {
                    must.push(query);
                } else {
                    should.push(query);
                }
                (negated, joined_by_and) = (false, all);
            }
        }
    }
    let at_least = usize::from(must.is_empty() && !should.is_empty());
    Ok(Query::Bool { must, filter: Vec::new(), should, must_not, at_least })
}

/// Split at blanks outside of quotes.
fn tokens(text: &str) -> Result<Vec<String>, Error> {
    let mut tokens = vec![String::new()];
    let mut quoted = false;
    for character in text.chars() {
        match character {
            '"' => quoted = !quoted,
            _ if quoted => {}
            blank if blank.is_whitespace() => {
                tokens.push(String::new());
                continue;
            }
            '(' | ')' | '[' | ']' | '{' | '}' | '^' | '~' => return Err(unreadable(text)),
            _ => {}
        }
        if let Some(last) = tokens.last_mut() {
            last.push(character);
        }
    }
    if quoted {
        return Err(unreadable(text));
    }
    tokens.retain(|token| !token.is_empty());
    Ok(tokens)
}

fn unreadable(text: &str) -> Error {
    Error::shard_query(format!("Failed to parse query [{text}]"))
}

fn clause_query(clause: &str, default_field: Option<&str>, now: DateTime<Utc>) -> Result<Query, Error> {
    let (field, value) = match clause.split_once(':') {
        Some((field, value)) if !field.is_empty() && !field.starts_with('"') => (Some(field), value),
        _ => (default_field.filter(|field| *field != "*"), clause),
    };
    if value == "*" {
        return Ok(match field {
            Some(field) if field != "*" => Field::named(field).map_or(Query::None, Query::Exists),
            _ => Query::All,
        });
    }
    let one = |field: Option<Field>| match value.strip_prefix('"') {
        Some(phrase) => Query::phrase(field, phrase.trim_end_matches('"'), now),
        None if value.contains(['*', '?']) => Query::wildcard(field, &value.to_lowercase(), true),
        None => Query::words(field, value, false, now),
    };
    match field {
        Some("_exists_") => Ok(Field::named(value).map_or(Query::None, Query::Exists)),
        Some(field) => one(Field::named(field)),
        None => {
            let should = Text::ALL.into_iter().map(|(_, text)| one(Some(Field::Text(text)))).collect::<Result<_, _>>()?;
            Ok(Query::Bool { must: vec![], filter: vec![], should, must_not: vec![], at_least: 1 })
        }
    }
}
