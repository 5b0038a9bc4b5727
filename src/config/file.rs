//! A configuration file as a list of settings, each with its line and column.

use std::path::Path;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    problem::{Place, Problem},
    settings::{self, Found, Meaning},
    value::Value,
};

/// One line of a file that is a setting.
#[derive(Debug)]
pub struct Entry {
    pub found: Found,
    /// What stands in the place of `*`.
    pub star: String,
    pub value: Value,
    pub place: Place,
}

/// Largest file that is read, in bytes.
pub const LIMIT: u64 = 1 << 20;

/// Reads everything that can be understood and says everything that cannot. A syntax error ends the reading.
pub fn parse(path: &Path, text: &str) -> (Vec<Entry>, Vec<Problem>) {
    let mut reading = Reading { path, text, entries: Vec::new(), problems: Vec::new() };
    match DeTable::parse(text) {
        Ok(root) => reading.table(root.get_ref(), &mut Vec::new()),
        Err(error) => {
            let place = error.span().map_or_else(|| Place::WholeFile(path.to_owned()), |span| reading.place(span.start));
            reading.problems.push(Problem::new(place, format!("is not valid TOML: {}", error.message().replace('\n', ", "))));
        }
    }
    (reading.entries, reading.problems)
}

struct Reading<'a> {
    path: &'a Path,
    text: &'a str,
    entries: Vec<Entry>,
    problems: Vec<Problem>,
}

impl Reading<'_> {
    fn table(&mut self, table: &DeTable<'_>, before: &mut Vec<String>) {
        for (key, value) in table {
            before.push(key.get_ref().to_string());
            self.item(key.span().start, value, before);
            before.pop();
        }
    }

    fn item(&mut self, key_start: usize, value: &Spanned<DeValue<'_>>, parts: &mut Vec<String>) {
        let name = parts.iter().map(|part| settings::bare_or_quoted(part)).collect::<Vec<_>>().join(".");
        match settings::meaning(parts) {
            Meaning::Setting(found, star) => match read(value.get_ref()) {
                Ok(read) => self.entries.push(Entry { found, star, value: read, place: self.place(value.span().start) }),
                Err(why) => self.complain(value.span().start, format!("{name} {why}")),
            },
            Meaning::Section => match value.get_ref() {
                DeValue::Table(table) => self.table(table, parts),
                DeValue::Array(_) => self.complain(key_start, format!("{name} is a section, not a list: write [{name}…] with single brackets")),
                _ => self.complain(key_start, format!("{name} is a section, not a value: write [{name}] and its settings below")),
            },
            Meaning::Unknown(remedy) => self.complain(key_start, format!("{name} is no setting: {remedy}")),
        }
    }

    fn complain(&mut self, start: usize, message: String) {
        let place = self.place(start);
        self.problems.push(Problem::new(place, message));
    }

    fn place(&self, start: usize) -> Place {
        let before = &self.text[..start.min(self.text.len())];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Place::File { path: self.path.to_owned(), line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }
}

fn read(value: &DeValue<'_>) -> Result<Value, String> {
    Ok(match value {
        DeValue::String(text) => Value::text(text),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Integer(number) => {
            let read = i64::from_str_radix(number.as_str(), number.radix());
            Value::Integer(read.map_err(|_| format!("is {number}, which is too large"))?)
        }
        DeValue::Float(number) => Value::Number(number.as_str().parse().map_err(|_| format!("is {number}, which is no number"))?),
        DeValue::Array(items) => {
            let texts = items.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
            Value::List(texts.collect::<Option<_>>().ok_or("is a list of something else than texts: write [\"one\", \"two\"]")?)
        }
        DeValue::Datetime(_) => return Err("is a date, which no setting is".to_owned()),
        DeValue::Table(_) => return Err("is a value, not a section".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only_problem(text: &str) -> String {
        let (_, problems) = parse(Path::new("c.toml"), text);
        assert_eq!(problems.len(), 1, "{problems:?}");
        problems[0].to_string()
    }

    #[test]
    fn unknown_keys_have_line_column_and_the_nearest_right_one() {
        assert_eq!(only_problem("[looks]\n  them = \"day\"\n"), "c.toml:2:3: looks.them is no setting: did you mean theme?");
        assert_eq!(only_problem("[kpis.error_rate]\nqeury = 'x'\n"), "c.toml:2:1: kpis.error_rate.qeury is no setting: did you mean query?");
        assert_eq!(only_problem("ünder = 1"), "c.toml:1:1: is not valid TOML: invalid unquoted key, expected letters, numbers, `-`, `_`");
    }

    #[test]
    fn syntax_errors_have_their_line() {
        assert!(only_problem("[looks]\ntheme = \n").starts_with("c.toml:2:"), "{}", only_problem("[looks]\ntheme = \n"));
    }

    #[test]
    fn a_section_is_not_a_value_and_a_value_not_a_section() {
        assert!(only_problem("looks = 1").contains("write [looks]"));
        assert!(only_problem("[[kpis]]\nquery = 'x'").contains("single brackets"));
        assert!(only_problem("[looks.theme]\nname = 'x'").contains("not a section"));
    }

    #[test]
    fn columns_count_characters() {
        let (entries, problems) = parse(Path::new("c.toml"), "[production.words]\n\"ü\" = \"w\"");
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(entries[0].place, Place::File { path: "c.toml".into(), line: 2, column: 7 });
        assert_eq!(entries[0].star, "ü");
    }
}
