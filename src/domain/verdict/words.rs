//! Verdicts in words. The word that decides comes first: the end of a line may be cut.

use super::{Comparison, Course, Judgement, Verdict};
use crate::domain::{kpi::Kpi, text::Text, units};

impl Comparison {
    pub fn got_worse(&self) -> bool {
        self.went_bad || self.course == Course::Worse
    }

    /// Of an indicator as it was at the write; none where that is not known yet.
    pub fn since(kpi: &Kpi, before: Option<f64>) -> Self {
        let Kpi { id, title, unit, .. } = kpi;
        Self { kpi: id.clone(), title: title.clone(), unit: *unit, before, after: None, course: Course::NoData, went_bad: false }
    }

    /// `error rate 11.9 → 8.1 %`.
    pub fn words(&self) -> String {
        format!("{} {}", in_sentence(&self.title), units::change(self.before, self.after, self.unit))
    }
}

/// The title of an indicator within a sentence: `error rate`. One that begins with an abbreviation, as `DB connections`, keeps it.
pub fn in_sentence(title: &str) -> String {
    if title.chars().nth(1).is_some_and(char::is_lowercase) { title.to_lowercase() } else { title.to_owned() }
}

impl Verdict {
    /// The same without its time: where a line is short, numbers say more.
    pub fn brief(&self) -> Text {
        Text::line(&self.sentence().replacen(&format!(" in {}", units::spoken(self.after)), "", 1))
    }

    /// `helped: error rate 11.9 → 5.9 % in 2 min; worse: sync backlog 1,635 → 12,161`.
    pub fn sentence(&self) -> Text {
        let after = units::spoken(self.after);
        let (first, others) = self.comparisons.split_first().map_or((None, &[][..]), |(first, others)| (Some(first), others));
        let numbers = first.map_or_else(|| "no indicator".to_owned(), Comparison::words);
        let with = if self.together_with.is_empty() { String::new() } else { format!(", together with {}", list(&self.together_with)) };
        let said = match (self.judgement, &self.without_effect) {
            (Judgement::NoEffect, Some(why)) => why.to_string(),
            (Judgement::Helped, _) => format!("helped{with}: {numbers} in {after}"),
            (Judgement::Better, _) => format!("better since{with}: {numbers} in {after}; perhaps by itself, nothing tied this to the trouble"),
            (Judgement::Worse, _) if self.is_stopped => {
                format!("worse{with}: the recovery stopped, {numbers} in {after}")
            }
            (Judgement::Worse, _) => format!("worse{with}: {numbers} in {after}"),
            (Judgement::InOrder, _) => format!("stayed within its limits: {numbers} in {after}"),
            (Judgement::NoEffect, None) => format!("no effect after {after}: {numbers}"),
            (Judgement::AlreadyRecovering, _) => format!("already recovering before it: {numbers} in {after}"),
            (Judgement::TooEarly, _) => format!("too early to tell: {numbers}"),
            (Judgement::NoData, _) if self.after_unjudged.is_some() => {
                let before = self.after_unjudged.as_ref().map(Text::as_str).unwrap_or_default();
                format!("cannot tell whether it was this or “{before}” before it: {numbers} in {after}")
            }
            (Judgement::NoData, _) if first.is_some_and(|first| first.before.is_some() && first.after.is_some()) => {
                format!("cannot tell whether it helped: something else was done {after} later ({numbers})")
            }
            (Judgement::NoData, _) => "cannot tell whether it helped: no data before or after".to_owned(),
        };
        let got_worse: Vec<String> = others.iter().filter(|other| other.got_worse()).map(Comparison::words).collect();
        let worse = match (got_worse.is_empty(), self.judgement) {
            (true, _) => String::new(),
            (false, Judgement::Worse) => format!("; also {}", got_worse.join(", ")),
            (false, _) => format!("; worse: {}", got_worse.join(", ")),
        };
        Text::line(&format!("{said}{worse}"))
    }
}

/// `a`, `a and b`, `a, b and c`.
fn list(titles: &[Text]) -> String {
    match titles {
        [] => String::new(),
        [one] => one.to_string(),
        [others @ .., last] => format!("{} and {last}", others.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    }
}
