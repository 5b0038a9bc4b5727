//! Words as a shell would have to be given them.

/// A word that a shell takes as it is; in single quotes where it would not.
pub fn quoted(word: &str) -> String {
    let is_plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:=@,+%".contains(&byte));
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// The flags by which kubectl reaches the same cluster as the same person, each with its value where it has one; as they are, not cleaned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KubectlFlags(Vec<(&'static str, Option<String>)>);

impl KubectlFlags {
    pub fn of_context(context: &str) -> Self {
        Self::default().with("--context", Some(context))
    }

    /// Unless there is no value.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: Option<&str>) -> Self {
        self.0.extend(value.map(|value| (name, Some(value.to_owned()))));
        self
    }

    #[must_use]
    pub fn with_switch(mut self, name: &'static str, is_on: bool) -> Self {
        self.0.extend(is_on.then_some((name, None)));
        self
    }

    /// Words of a shell, quoted.
    pub fn words(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(name, value)| match value {
            // In one word: a value may begin with a dash.
            Some(value) if value.starts_with('-') => quoted(&format!("{name}={value}")),
            Some(value) => format!("{name} {}", quoted(value)),
            None => (*name).to_owned(),
        })
    }
}

/// Several, with a space between them.
pub fn line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(quoted).collect::<Vec<_>>().join(" ")
}
