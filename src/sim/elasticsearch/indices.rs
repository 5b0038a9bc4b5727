//! Which indices a request means: names, patterns, lists, and what happens when there are none.

use regex::Regex;

use super::error::Error;

/// How missing indices are taken (`ignore_unavailable`, `allow_no_indices`).
#[derive(Debug, Clone, Copy)]
pub struct Missing {
    pub ignore_unavailable: bool,
    pub allow_none: bool,
}

impl Default for Missing {
    fn default() -> Self {
        Self { ignore_unavailable: false, allow_none: true }
    }
}

/// The existing indices that an expression like `logstash-*,-logstash-2026.*` means, in order.
pub fn resolve(expression: &str, existing: &[String], missing: Missing) -> Result<Vec<String>, Error> {
    let mut chosen: Vec<String> = Vec::new();
    for part in expression.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        if let Some(excluded) = part.strip_prefix('-').filter(|_| !chosen.is_empty()) {
            let matches = pattern(excluded)?;
            chosen.retain(|name| !matches.is_match(name));
            continue;
        }
        let is_pattern = part == "_all" || part.contains('*');
        let matches = pattern(if part == "_all" { "*" } else { part })?;
        let before = chosen.len();
        for name in existing.iter().filter(|name| matches.is_match(name)) {
            if !chosen.contains(name) {
                chosen.push(name.clone());
            }
        }
        let found = chosen.len() > before || existing.iter().any(|name| matches.is_match(name));
        let refused = if is_pattern { !missing.allow_none } else { !missing.ignore_unavailable };
        if !found && refused {
            return Err(Error::no_such_index(part));
        }
    }
    Ok(chosen)
}

fn pattern(text: &str) -> Result<Regex, Error> {
    Regex::new(&format!("^{}$", regex::escape(text).replace(r"\*", ".*")))
        .map_err(|why| Error::argument(format!("invalid index name [{text}]: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_choose_among_what_exists() {
        let existing = ["logstash-2026.11.22".to_owned(), "logstash-2026.11.23".to_owned()];
        let chosen =
            |expression: &str, missing| resolve(expression, &existing, missing).map(|names| names.len()).map_err(|error| error.status.as_u16());
        let strict = Missing { ignore_unavailable: false, allow_none: false };
        let lenient = Missing { ignore_unavailable: true, allow_none: true };
        assert_eq!(chosen("logstash-*", Missing::default()), Ok(2));
        assert_eq!(chosen("_all", Missing::default()), Ok(2));
        assert_eq!(chosen("logstash-*,-*.22", Missing::default()), Ok(1));
        assert_eq!(chosen("logstash-2026.11.23,logstash-*", Missing::default()), Ok(2));
        assert_eq!(chosen("nothing-*", Missing::default()), Ok(0));
        assert_eq!(chosen("nothing-*", strict), Err(404));
        assert_eq!(chosen("nothing", Missing::default()), Err(404));
        assert_eq!(chosen("nothing,logstash-2026.11.22", lenient), Ok(1));
    }
}
