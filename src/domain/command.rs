//! Commands that may be run in a container: named entries with typed fields, and no shell.
//!
//! A field's value is checked by its type and put in the place of `{field}` in one argument. No type admits a quote, a space,
//! a brace or a leading dash: a value cannot leave its argument, nor the quotes around it inside of a larger one.

mod code;
mod interpreters;

use std::{fmt, time::Duration};

use super::secrecy::is_secret_name;

/// One entry of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandEntry {
    pub name: String,
    /// What it does, without a subject.
    pub summary: String,
    /// None: where it is asked for.
    pub namespace: Option<String>,
    /// Labels of the pods it may run in.
    pub selector: String,
    /// None: the pod's first.
    pub container: Option<String>,
    /// Program and arguments; `{field}` stands for a value.
    pub argv: Vec<String>,
    pub fields: Vec<Field>,
    /// None: not said, which is wrong.
    pub effect: Option<CommandEffect>,
    /// How long it may run.
    pub time_limit: Duration,
    /// Most bytes of output that are kept.
    pub output_limit: usize,
    /// A reading entry whose output the card of this one shows.
    pub shows_first: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandEffect {
    Reads,
    Writes,
}

impl CommandEffect {
    pub fn word(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Writes => "writes",
        }
    }

    pub fn named(word: &str) -> Option<Self> {
        [Self::Reads, Self::Writes].into_iter().find(|effect| effect.word() == word)
    }
}

/// A value that is typed: `age duration 1m..24h = 5m`.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: String,
    pub kind: FieldKind,
    pub default: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum FieldKind {
    /// `integer 1..100`.
    Integer { least: u64, most: u64 },
    /// `duration 1m..24h`; its argument has it in seconds: `300s`.
    Duration { least: Duration, most: Duration },
    /// `dns-name`: letters, digits, dots and dashes (RFC 1123).
    DnsName,
    /// `identifier`: letters, digits and underscores.
    Identifier,
    /// `enum idle|active`.
    Enum(Vec<String>),
}

impl FieldKind {
    /// The value as it stands in the argument.
    fn accept(&self, typed: &str) -> Result<String, String> {
        let is_word =
            |extra: &[u8]| !typed.is_empty() && typed.len() <= 253 && typed.bytes().all(|byte| byte.is_ascii_alphanumeric() || extra.contains(&byte));
        match self {
            Self::Integer { least, most } => {
                let number =
                    typed.parse::<u64>().ok().filter(|number| (least..=most).contains(&number) && typed.bytes().all(|byte| byte.is_ascii_digit()));
                number.map(|number| number.to_string()).ok_or_else(|| format!("takes a number from {least} to {most}, not {typed:?}"))
            }
            Self::Duration { least, most } => {
                let duration = humantime::parse_duration(typed).ok().filter(|duration| (least..=most).contains(&duration));
                let range = || format!("{}..{}", short(*least), short(*most));
                duration
                    .map(|duration| format!("{}s", duration.as_secs()))
                    .ok_or_else(|| format!("takes a duration {}, as 5m, not {typed:?}", range()))
            }
            Self::DnsName => {
                let is_name = is_word(b"-.") && typed.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
                if is_name { Ok(typed.to_owned()) } else { Err(format!("takes a DNS name, not {typed:?}")) }
            }
            Self::Identifier => {
                let is_identifier = is_word(b"_") && !typed.starts_with(|first: char| first.is_ascii_digit());
                if is_identifier { Ok(typed.to_owned()) } else { Err(format!("takes letters, digits and _, not {typed:?}")) }
            }
            Self::Enum(words) => {
                if words.iter().any(|word| word == typed) {
                    Ok(typed.to_owned())
                } else {
                    Err(format!("takes one of {}, not {typed:?}", words.join(", ")))
                }
            }
        }
    }
}

impl fmt::Display for FieldKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer { least, most } => write!(formatter, "integer {least}..{most}"),
            Self::Duration { least, most } => write!(formatter, "duration {}..{}", short(*least), short(*most)),
            Self::DnsName => formatter.write_str("dns-name"),
            Self::Identifier => formatter.write_str("identifier"),
            Self::Enum(words) => write!(formatter, "enum {}", words.join("|")),
        }
    }
}

fn short(duration: Duration) -> String {
    humantime::format_duration(duration).to_string().replace(' ', "")
}

impl Field {
    pub fn parse(text: &str) -> Result<Self, String> {
        let usage = || {
            format!(
                "{text:?} is no field: write as \"age duration 1m..24h = 5m\"; types: integer A..B, duration A..B, dns-name, identifier, enum a|b"
            )
        };
        let (declared, default) = match text.split_once('=') {
            Some((declared, default)) => (declared, Some(default.trim().to_owned())),
            None => (text, None),
        };
        let words: Vec<&str> = declared.split_whitespace().collect();
        let (name, kind) = match *words.as_slice() {
            [name, "integer", range] => {
                let (least, most) = range.split_once("..").ok_or_else(usage)?;
                (name, FieldKind::Integer { least: least.parse().map_err(|_| usage())?, most: most.parse().map_err(|_| usage())? })
            }
            [name, "duration", range] => {
                let (least, most) = range.split_once("..").ok_or_else(usage)?;
                let read = |word| humantime::parse_duration(word).map_err(|_| usage());
                (name, FieldKind::Duration { least: read(least)?, most: read(most)? })
            }
            [name, "dns-name"] => (name, FieldKind::DnsName),
            [name, "identifier"] => (name, FieldKind::Identifier),
            [name, "enum", words] => {
                let words: Vec<_> = words.split('|').map(str::to_owned).collect();
                let is_plain = |word: &String| {
                    word.starts_with(|first: char| first.is_ascii_alphanumeric())
                        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
                };
                if !words.iter().all(is_plain) {
                    return Err(format!("{text:?}: the words of an enum are letters, digits, - _ . and begin with a letter or digit"));
                }
                (name, FieldKind::Enum(words))
            }
            _ => return Err(usage()),
        };
        if !FieldKind::Identifier.accept(name).is_ok_and(|_| name != "pod") {
            return Err(format!("{name:?} cannot be the name of a field: letters, digits and _, and not pod"));
        }
        let field = Self { name: name.to_owned(), kind, default };
        match field.default.as_deref().map(|default| field.kind.accept(default)) {
            Some(Err(why)) => Err(format!("the default of {name} does not fit: it {why}")),
            _ => Ok(field),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.name, self.kind)?;
        self.default.as_ref().map_or(Ok(()), |default| write!(formatter, " = {default}"))
    }
}

/// What an argument is made of.
#[derive(Debug, PartialEq)]
enum Piece<'a> {
    Literal(&'a str),
    Field(&'a str),
}

/// `{name}` is a field; any other brace stands for itself.
fn pieces(argument: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = argument;
    let mut from = 0;
    while let Some(open) = rest[from..].find('{').map(|at| at + from) {
        let name = rest[open + 1..].split_once('}').map(|(name, _)| name).filter(|name| FieldKind::Identifier.accept(name).is_ok());
        let Some(name) = name else {
            from = open + 1;
            continue;
        };
        if open > 0 {
            pieces.push(Piece::Literal(&rest[..open]));
        }
        pieces.push(Piece::Field(name));
        rest = &rest[open + name.len() + 2..];
        from = 0;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest));
    }
    pieces
}

const SHELLS: &[&str] = &[
    "sh", "bash", "dash", "ash", "hush", "zsh", "ksh", "ksh93", "mksh", "pdksh", "oksh", "lksh", "posh", "yash", "fish", "csh", "tcsh", "rbash",
    "rksh", "rzsh", "rsh", "sash", "es", "rc", "ion", "nu", "elvish", "xonsh", "osh", "ysh",
];

impl CommandEntry {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            summary: String::new(),
            namespace: None,
            selector: String::new(),
            container: None,
            argv: Vec::new(),
            fields: Vec::new(),
            effect: None,
            time_limit: Duration::from_secs(15),
            output_limit: 64 << 10,
            shows_first: None,
        }
    }

    pub fn writes(&self) -> bool {
        self.effect != Some(CommandEffect::Reads)
    }

    /// Whether it can be run as it is.
    pub fn needs_values(&self) -> bool {
        self.fields.iter().any(|field| field.default.is_none())
    }

    /// `NAME age=DURATION`.
    pub fn usage(&self) -> String {
        let fields = self.fields.iter().map(|field| match &field.default {
            Some(default) => format!(" [{}={default}]", field.name),
            None => format!(" {}={}", field.name, field.kind.to_string().split(' ').next().unwrap_or_default().to_uppercase()),
        });
        format!("{}{}", self.name, fields.collect::<String>())
    }

    /// Whether a pod's labels fit its selector, as far as that is made of equalities.
    pub fn selects<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.selector.split(',').all(|part| match (part.split_once("!="), part.split_once('=')) {
            (Some((name, value)), _) => label(name.trim()) != Some(value.trim()),
            (None, Some((name, value))) => label(name.trim()) == Some(value.trim_start_matches('=').trim()),
            (None, None) => false,
        })
    }

    /// What is wrong with it, among all entries.
    pub fn check(&self, all: &[Self]) -> Result<(), String> {
        let Some(program) = self.argv.first() else { return Err("has no argv: write argv = [\"program\", \"argument\"]".to_owned()) };
        if self.effect.is_none() {
            return Err("does not say its effect: write effect = \"reads\" or \"writes\"".to_owned());
        }
        if self.selector.is_empty() {
            return Err("has no selector: write the labels of the pods it may run in, as selector = \"app=postgresql\"".to_owned());
        }
        if program.is_empty() || pieces(program).iter().any(|piece| matches!(piece, Piece::Field(_))) {
            return Err("has a program that is not fixed: the first of argv names it".to_owned());
        }
        for argument in &self.argv {
            self.check_pieces(argument)?;
        }
        self.check_code()?;
        for (index, field) in self.fields.iter().enumerate() {
            if is_secret_name(&field.name) {
                return Err(format!(
                    "has a field {}: what is typed there would stand on cards and in the journal; let the program find it in the pod",
                    field.name
                ));
            }
            if self.fields[..index].iter().any(|before| before.name == field.name) {
                return Err(format!("has the field {} twice", field.name));
            }
            if !self.argv.iter().any(|argument| pieces(argument).contains(&Piece::Field(&field.name))) {
                return Err(format!("has a field {} that no argument takes: write {{{}}} in argv, or leave it out", field.name, field.name));
            }
        }
        let Some(first) = &self.shows_first else { return Ok(()) };
        let shown = all.iter().find(|entry| entry.name == *first).ok_or_else(|| format!("shows {first} first, which is no entry"))?;
        if shown.writes() {
            return Err(format!("shows {first} first, which writes: nothing is written before it is confirmed"));
        }
        match shown.fields.iter().find(|field| field.default.is_none() && !self.fields.iter().any(|own| own.name == field.name)) {
            Some(missing) => Err(format!("shows {first} first, whose field {} it does not have", missing.name)),
            None => Ok(()),
        }
    }

    fn check_code(&self) -> Result<(), String> {
        if let Some(shell) = code::shell(&self.argv) {
            return Err(format!(
                "runs text in a shell ({shell} -c): it would be taken apart and a value could become a command; name the program and its arguments one by one"
            ));
        }
        let is_number = |name: &str| self.fields.iter().any(|field| field.name == name && matches!(field.kind, FieldKind::Integer { .. }));
        code::objection(&self.argv, is_number).map_or(Ok(()), Err)
    }

    fn check_pieces(&self, argument: &str) -> Result<(), String> {
        let pieces = pieces(argument);
        for (index, piece) in pieces.iter().enumerate() {
            let Piece::Field(name) = piece else { continue };
            if !self.fields.iter().any(|field| field.name == *name) {
                return Err(format!("takes {{{name}}}, which is no field of it: declare it in fields"));
            }
            let is_joined = |character: Option<char>| character.is_some_and(|character| character.is_alphanumeric() || "_-".contains(character));
            let before = index.checked_sub(1).and_then(|before| match pieces[before] {
                Piece::Literal(text) => text.chars().next_back(),
                Piece::Field(_) => Some('_'),
            });
            let after = pieces.get(index + 1).and_then(|after| match after {
                Piece::Literal(text) => text.chars().next(),
                Piece::Field(_) => Some('_'),
            });
            if is_joined(before) || is_joined(after) {
                return Err(format!(
                    "has {{{name}}} joined to other text in {argument:?}: it must be an argument of its own, or stand between delimiters"
                ));
            }
        }
        Ok(())
    }

    /// Program and arguments with the values in their places.
    pub fn argv_with(&self, values: &[(String, String)]) -> Result<Vec<String>, String> {
        if let Some((unknown, _)) = values.iter().find(|(name, _)| !self.fields.iter().any(|field| field.name == *name)) {
            return Err(format!("{} has no field {unknown}; write: {}", self.name, self.usage()));
        }
        let mut filled = Vec::new();
        for field in &self.fields {
            let typed = values.iter().find(|(name, _)| *name == field.name).map(|(_, value)| value).or(field.default.as_ref());
            let typed = typed.ok_or_else(|| format!("{} needs {}=; write: {}", self.name, field.name, self.usage()))?;
            filled.push((field.name.as_str(), field.kind.accept(typed).map_err(|why| format!("{} {why}", field.name))?));
        }
        let value = |name: &str| filled.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
        let argument = |template: &String| {
            pieces(template)
                .iter()
                .map(|piece| match piece {
                    Piece::Literal(text) => *text,
                    Piece::Field(name) => value(name),
                })
                .collect::<String>()
        };
        Ok(self.argv.iter().map(argument).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(argv: &[&str], fields: &[&str]) -> CommandEntry {
        CommandEntry {
            selector: "app=db".to_owned(),
            argv: argv.iter().map(|&argument| argument.to_owned()).collect(),
            fields: fields.iter().map(|field| Field::parse(field).unwrap()).collect(),
            effect: Some(CommandEffect::Reads),
            ..CommandEntry::new("try")
        }
    }

    fn wrong(argv: &[&str], fields: &[&str]) -> String {
        entry(argv, fields).check(&[]).unwrap_err()
    }

    #[test]
    fn no_field_is_for_a_secret() {
        assert!(wrong(&["login", "{token}"], &["token integer 1..9"]).contains("would stand on cards"));
    }

    #[test]
    fn a_value_stands_in_its_place_and_nowhere_else() {
        let entry = entry(&["psql", "-c", "… > interval '{age}' limit {most}"], &["age duration 1m..24h", "most integer 1..50 = 10"]);
        entry.check(&[]).unwrap();
        let values = [("age".to_owned(), "5m".to_owned())];
        assert_eq!(entry.argv_with(&values).unwrap(), ["psql", "-c", "… > interval '300s' limit 10"]);
        assert!(entry.argv_with(&[]).unwrap_err().contains("needs age="));
        assert!(entry.argv_with(&[("age".to_owned(), "2d".to_owned())]).unwrap_err().contains("1m..1day"));
        assert!(entry.argv_with(&[values[0].clone(), ("x".to_owned(), "1".to_owned())]).unwrap_err().contains("no field x"));
        assert_eq!(entry.usage(), "try age=DURATION [most=10]");
    }

    #[test]
    fn text_for_a_shell_is_refused_whatever_stands_before_the_shell() {
        for argv in [
            &["sh", "-c", "date"][..],
            &["/bin/bash", "-lc", "date"],
            &["/bin/SH", "-c", "date"],
            &["bash", "+xc", "date"],
            &["bash5.2", "-c", "date"],
            &["rbash", "-c", "date"],
            &["mksh", "-ec", "date"],
            &["env", "sh", "-c", "date"],
            &["busybox", "ash", "-c", "date"],
            &["busybox.static", "sh", "-c", "date"],
            &["doas", "sh", "-c", "date"],
            &["xargs", "sh", "-c", "date"],
            &["nsenter", "-t", "1", "sh", "-c", "date"],
            &["kubectl", "exec", "x", "--", "sh", "-c", "date"],
            &["find", "/x", "-exec", "sh", "-c", "date", ";"],
            &["ssh", "host", "sh", "-c", "date"],
        ] {
            assert!(wrong(argv, &[]).contains("runs text in a shell"), "{argv:?}");
        }
        entry(&["psql", "-c", "select 1"], &[]).check(&[]).unwrap();
    }

    #[test]
    fn a_field_is_an_argument_or_stands_between_delimiters() {
        entry(&["nslookup", "{host}"], &["host dns-name"]).check(&[]).unwrap();
        entry(&["wget", "http://{host}:{port}/health"], &["host dns-name", "port integer 1..65535"]).check(&[]).unwrap();
        assert!(wrong(&["nslookup", "x{host}"], &["host dns-name"]).contains("joined to other text"));
        assert!(wrong(&["nslookup", "{host}{host}"], &["host dns-name"]).contains("joined to other text"));
        assert!(wrong(&["nslookup", "{name}"], &[]).contains("no field of it"));
        assert!(wrong(&["nslookup"], &["host dns-name"]).contains("no argument takes"));
        assert!(wrong(&["{host}"], &["host dns-name"]).contains("not fixed"));
        assert!(wrong(&["awk", "{print}"], &[]).contains("no field of it"));
        entry(&["awk", "{ print $1 }"], &[]).check(&[]).unwrap();
    }

    #[test]
    fn what_is_shown_first_reads_and_takes_what_is_there() {
        let reads = entry(&["psql", "{age}"], &["age duration 1m..24h"]);
        let writes = CommandEntry {
            effect: Some(CommandEffect::Writes),
            shows_first: Some("try".to_owned()),
            name: "end".to_owned(),
            ..entry(&["psql", "{age}"], &["age duration 1m..24h"])
        };
        writes.check(&[reads.clone(), writes.clone()]).unwrap();
        assert!(writes.check(&[]).unwrap_err().contains("is no entry"));
        let other = CommandEntry { name: "try".to_owned(), ..writes.clone() };
        assert!(writes.check(&[other]).unwrap_err().contains("which writes"));
    }

    #[test]
    fn equalities_of_a_selector_are_understood() {
        let fits = |selector: &str| {
            let entry = CommandEntry { selector: selector.to_owned(), ..CommandEntry::new("x") };
            entry.selects(|name| (name == "app").then_some("db"))
        };
        assert!(fits("app=db") && fits("app==db,tier!=web"));
        assert!(!fits("app=web") && !fits("app=db,tier=web") && !fits("app in (db)"));
    }

    proptest! {
        #[test]
        fn no_accepted_value_can_leave_its_quotes_or_become_an_option(typed in any::<String>()) {
            let kinds = ["x integer 0..100", "x duration 1s..1day", "x dns-name", "x identifier", "x enum a|b.c"];
            for kind in kinds.map(|kind| Field::parse(kind).unwrap().kind) {
                if let Ok(value) = kind.accept(&typed) {
                    prop_assert!(!value.is_empty() && !value.starts_with('-'));
                    prop_assert!(value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)), "{value:?}");
                }
            }
        }

        #[test]
        fn a_field_is_written_as_it_is_read(name in "[a-o_][a-z0-9_]{0,6}", least in 0u64..10, more in 0u64..1000) {
            let text = format!("{name} integer {least}..{} = {least}", least + more);
            prop_assert_eq!(Field::parse(&text).unwrap().to_string(), text);
        }
    }
}
