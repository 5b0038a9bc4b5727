//! Just enough of Rust's grammar to see imports: tokens without comments, strings and test code.

use std::collections::BTreeSet;

/// A file as tokens: words, `::` and single characters.
pub struct Source {
    /// Without what only tests compile.
    tokens: Vec<String>,
    test_modules: Vec<String>,
}

impl Source {
    pub fn parse(text: &str) -> Self {
        let all = tokens(text);
        let mut kept = Vec::with_capacity(all.len());
        let mut test_modules = Vec::new();
        let mut index = 0;
        while index < all.len() {
            if let Some(after) = after_test_attribute(&all, index) {
                let (end, module) = item(&all, after);
                test_modules.extend(module);
                index = end;
            } else {
                kept.push(all[index].clone());
                index += 1;
            }
        }
        Self { tokens: kept, test_modules }
    }

    /// Names of `#[cfg(test)] mod name;`.
    pub fn test_modules(&self) -> &[String] {
        &self.test_modules
    }

    pub fn contains(&self, sequence: &[&str]) -> bool {
        self.tokens.windows(sequence.len()).any(|window| window.iter().zip(sequence).all(|(token, expected)| token == expected))
    }

    /// Names that follow the crate's root in any path: `crate::x`, `sev1::x`, or as many `super` as there are modules above.
    pub fn imports(&self, depth: usize) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut index = 0;
        while index < self.tokens.len() {
            let token = self.tokens[index].as_str();
            let root_end = match token {
                "crate" | "sev1" => Some(index + 1),
                "super" => self.end_of_supers(index, depth),
                _ => None,
            };
            match root_end {
                Some(end) if self.token(end) == "::" => {
                    self.first_names(end + 1, &mut found);
                    index = end;
                }
                // `use crate as x` and the like would hide what follows.
                Some(end) if token == "crate" && self.token(end) == "as" => {
                    found.insert("(the whole crate)".to_owned());
                    index = end;
                }
                _ => index += 1,
            }
        }
        found
    }

    fn token(&self, index: usize) -> &str {
        self.tokens.get(index).map_or("", String::as_str)
    }

    /// The end of `super::super` where that reaches the crate's root.
    fn end_of_supers(&self, start: usize, depth: usize) -> Option<usize> {
        if start >= 2 && self.token(start - 1) == "::" && self.token(start - 2) == "super" {
            return None;
        }
        let mut count = 1;
        let mut end = start + 1;
        while self.token(end) == "::" && self.token(end + 1) == "super" {
            count += 1;
            end += 2;
        }
        (count >= depth).then_some(end)
    }

    /// The name at `start`, or the first name of each branch of a group.
    fn first_names(&self, start: usize, found: &mut BTreeSet<String>) {
        if self.token(start) != "{" {
            let name = self.token(start);
            found.insert(if name == "*" { "(the whole crate)".to_owned() } else { name.to_owned() });
            return;
        }
        let (mut level, mut index, mut begins) = (1, start + 1, true);
        while level > 0 && index < self.tokens.len() {
            match self.token(index) {
                "{" => level += 1,
                "}" => level -= 1,
                "," if level == 1 => begins = true,
                name if begins && level == 1 => {
                    found.insert(name.to_owned());
                    begins = false;
                }
                _ => {}
            }
            index += 1;
        }
    }
}

/// Where the item after `#[cfg(test)]` begins.
fn after_test_attribute(tokens: &[String], index: usize) -> Option<usize> {
    const ATTRIBUTE: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let window = tokens.get(index..index + ATTRIBUTE.len())?;
    window.iter().zip(ATTRIBUTE).all(|(token, expected)| token == expected).then_some(index + ATTRIBUTE.len())
}

/// The end of an item, and its name when it is a module in another file. An item ends with its first block or with `;`.
fn item(tokens: &[String], start: usize) -> (usize, Option<String>) {
    let mut index = start;
    let mut module = None;
    let mut is_use = false;
    while index < tokens.len() {
        match tokens[index].as_str() {
            "mod" => module = tokens.get(index + 1).cloned(),
            "use" => is_use = true,
            ";" => return (index + 1, module),
            "{" if !is_use => return (end_of_block(tokens, index), None),
            _ => {}
        }
        index += 1;
    }
    (index, None)
}

fn end_of_block(tokens: &[String], open: usize) -> usize {
    let mut level = 0usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.as_str() {
            "{" => level += 1,
            "}" => {
                level -= 1;
                if level == 0 {
                    return index + 1;
                }
            }
            _ => {}
        }
    }
    tokens.len()
}

fn tokens(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let rest = &characters[at..];
        let next = rest.get(1).copied().unwrap_or('\0');
        match rest[0] {
            '/' if next == '/' => at += rest.iter().position(|&character| character == '\n').unwrap_or(rest.len()),
            '/' if next == '*' => at += block_comment(rest),
            '"' => at += string(rest),
            '\'' => at += quote(rest),
            ':' if next == ':' => {
                tokens.push("::".to_owned());
                at += 2;
            }
            first if first.is_alphabetic() || first == '_' => {
                let word: String = rest.iter().take_while(|character| character.is_alphanumeric() || **character == '_').collect();
                let end = word.chars().count();
                if let Some(length) = raw_string(&word, &rest[end..]) {
                    at += end + length;
                } else {
                    tokens.push(word);
                    at += end;
                }
            }
            first => {
                if !first.is_whitespace() {
                    tokens.push(first.to_string());
                }
                at += 1;
            }
        }
    }
    tokens
}

fn block_comment(rest: &[char]) -> usize {
    let (mut level, mut at) = (0usize, 0);
    while at < rest.len() {
        match (rest[at], rest.get(at + 1)) {
            ('/', Some('*')) => {
                level += 1;
                at += 2;
            }
            ('*', Some('/')) => {
                level -= 1;
                at += 2;
                if level == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    at
}

/// Length of `"…"` with its escapes.
fn string(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// Length of what follows `r`, `br` or `cr` when that is a raw string.
fn raw_string(word: &str, rest: &[char]) -> Option<usize> {
    if !matches!(word, "r" | "br" | "cr") {
        return None;
    }
    let hashes = rest.iter().take_while(|character| **character == '#').count();
    if rest.get(hashes) != Some(&'"') {
        return None;
    }
    let mut at = hashes + 1;
    while at < rest.len() {
        if rest[at] == '"' && rest[at + 1..].iter().take_while(|character| **character == '#').count() >= hashes {
            return Some(at + 1 + hashes);
        }
        at += 1;
    }
    Some(rest.len())
}

/// Length of a character literal, or of the mark of a lifetime.
fn quote(rest: &[char]) -> usize {
    match (rest.get(1), rest.get(2)) {
        (Some('\\'), _) => rest.iter().skip(3).position(|&character| character == '\'').map_or(rest.len(), |end| end + 4),
        (Some(_), Some('\'')) => 3,
        _ => 1,
    }
}
