//! Medians beside each other, as a table in Markdown; behind each peer's figure how many times sev1's it is.

use std::{collections::BTreeMap, fmt};

/// What one run of one program gave.
#[derive(Debug, Default)]
pub struct Figures(Vec<(&'static str, f64)>);

impl Figures {
    pub fn set(&mut self, what: &'static str, value: f64) {
        self.0.push((what, value));
    }
}

pub struct Table {
    title: String,
    /// In the order in which they came; the first is what the others are compared with.
    programs: Vec<&'static str>,
    rows: Vec<&'static str>,
    values: BTreeMap<(&'static str, &'static str), Vec<f64>>,
}

impl Table {
    pub fn new(title: &str) -> Self {
        Self { title: title.to_owned(), programs: Vec::new(), rows: Vec::new(), values: BTreeMap::new() }
    }

    pub fn add(&mut self, program: &'static str, figures: Figures) {
        if !self.programs.contains(&program) {
            self.programs.push(program);
        }
        for (what, value) in figures.0 {
            if !self.rows.contains(&what) {
                self.rows.push(what);
            }
            self.values.entry((program, what)).or_default().push(value);
        }
    }

    fn median(&self, program: &'static str, what: &'static str) -> Option<f64> {
        let mut values = self.values.get(&(program, what))?.clone();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "| {} | {} |", self.title, self.programs.join(" | "))?;
        writeln!(formatter, "|---{}|", "|---".repeat(self.programs.len()))?;
        for what in &self.rows {
            let own = self.programs.first().and_then(|first| self.median(first, what));
            let cells = self.programs.iter().enumerate().map(|(index, program)| match (self.median(program, what), own) {
                (None, _) => "-".to_owned(),
                (Some(value), Some(own)) if index > 0 && own > 0.0 => format!("{} ({} x)", figure(value), figure(value / own)),
                (Some(value), _) => figure(value),
            });
            writeln!(formatter, "| {what} | {} |", cells.collect::<Vec<_>>().join(" | "))?;
        }
        Ok(())
    }
}

/// Two or three digits that say something.
fn figure(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 10.0 || size == 0.0 => 0,
        size if size >= 1.0 => 1,
        _ => 2,
    };
    format!("{value:.digits$}")
}
