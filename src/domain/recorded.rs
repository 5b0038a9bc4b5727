//! Mitigations of other runs of the program, as the journal has them: what was done, and what came of it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{
    mitigation::{Expectation, MitigationId, Outcome},
    object::ObjectRef,
    text::Text,
    time::plausible,
    verdict::Judgement,
};

/// Kinds of the records that [`gather`] understands.
pub const RECORDED_KINDS: [&str; 5] = ["intent", "outcome", "resolved", "converged", "verdict"];
/// Targets of one that are believed.
const MOST_TARGETS: usize = 1_000;

/// One mitigation that was confirmed in another run, on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Number of its intent in the journal.
    pub intent: u64,
    /// Number of the intent that it takes back.
    pub undoes: Option<u64>,
    /// The same where it is one of this run, by its number here.
    pub undoes_here: Option<MitigationId>,
    /// Its name in the catalogue.
    pub kind: Text,
    pub title: Text,
    pub targets: Vec<ObjectRef>,
    pub by: Text,
    pub expectation: Expectation,
    /// How it ended; none while that is open.
    pub ended: Option<Ended>,
    /// When what it started was complete, by the clock of this machine.
    pub converged_at: Option<DateTime<Utc>>,
    pub verdict: Option<Judged>,
}

/// What another run judged of a mitigation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// By the clock of this machine.
    pub at: DateTime<Utc>,
    /// None where the record has a word that this program does not know.
    pub judgement: Option<Judgement>,
    pub sentence: Text,
}

/// How a mitigation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// By the clock of this machine.
    pub at: DateTime<Utc>,
    pub outcome: Outcome,
}

/// What the records of a journal say, oldest first. A record that is not as this program writes it is passed over, and so is one that
/// speaks of an intent which is not among them.
pub fn gather<'a>(records: impl IntoIterator<Item = &'a Value>) -> Vec<Recorded> {
    let mut all: Vec<Recorded> = Vec::new();
    let mut known = Known::default();
    for record in records {
        match text(record, "kind") {
            Some("intent") => {
                if let Some(begun) = begun(record) {
                    known.intents.insert(begun.intent, all.len());
                    if let Some(run) = run(record, "id") {
                        known.runs.insert(run, all.len());
                    }
                    all.push(begun);
                }
            }
            Some(kind) => {
                let Some(about) = known.place(record, kind).and_then(|place| all.get_mut(place)) else { continue };
                let Some(at) = moment(record) else { continue };
                match kind {
                    "outcome" | "resolved" => about.ended = ended(record, at).or(about.ended.take()),
                    "converged" => about.converged_at = Some(at),
                    "verdict" => about.verdict = judged(record, at),
                    _ => {}
                }
            }
            None => {}
        }
    }
    all
}

/// Where in the list a record's mitigation stands.
#[derive(Default)]
struct Known {
    /// By the number of the intent.
    intents: BTreeMap<u64, usize>,
    /// By the run, and the number that the mitigation had in it.
    runs: BTreeMap<(String, u64), usize>,
}

impl Known {
    /// A verdict names the mitigation of its own run, or the intent of an earlier one; all others name the intent.
    fn place(&self, record: &Value, kind: &str) -> Option<usize> {
        let by_intent = record.get("intent").and_then(Value::as_u64).and_then(|intent| self.intents.get(&intent));
        let of_run = || self.runs.get(&run(record, "mitigation").filter(|_| kind == "verdict")?);
        by_intent.or_else(of_run).copied()
    }
}

fn begun(record: &Value) -> Option<Recorded> {
    let writes = record.get("writes").and_then(Value::as_array).into_iter().flatten();
    Some(Recorded {
        intent: record.get("seq")?.as_u64()?,
        undoes: record.get("undoes").and_then(Value::as_u64),
        undoes_here: None,
        kind: Text::line(text(record, "mitigation")?),
        title: Text::line(text(record, "title")?),
        targets: writes.filter_map(|write| ObjectRef::recorded(write.get("target")?)).take(MOST_TARGETS).collect(),
        by: Text::line(text(record, "actor")?),
        expectation: expectation(record.get("expects")),
        ended: None,
        converged_at: None,
        verdict: None,
    })
}

/// None of it where the record does not say.
fn expectation(record: Option<&Value>) -> Expectation {
    let words = |name: &str| record.and_then(|record| text(record, name)).map(Text::line);
    let is_tied = record.and_then(|record| record.get("is_tied")).and_then(Value::as_bool).unwrap_or(true);
    Expectation { aim: words("aim"), is_tied, effect_later: words("effect_later") }
}

fn ended(record: &Value, at: DateTime<Utc>) -> Option<Ended> {
    Some(Ended { at, outcome: Outcome::of_parts(text(record, "state")?, text(record, "why"))? })
}

fn judged(record: &Value, at: DateTime<Utc>) -> Option<Judged> {
    let judgement = record.get("judgement").and_then(|word| serde_json::from_value(word.clone()).ok());
    Some(Judged { at, judgement, sentence: Text::line(text(record, "sentence")?) })
}

fn run(record: &Value, number: &str) -> Option<(String, u64)> {
    Some((text(record, "run")?.to_owned(), record.get(number)?.as_u64()?))
}

fn text<'a>(record: &'a Value, name: &str) -> Option<&'a str> {
    record.get(name).and_then(Value::as_str)
}

fn moment(record: &Value) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text(record, "time")?).ok().and_then(|at| plausible(at.to_utc()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(seq: u64, kind: &str, run: &str, mut fields: Value) -> Value {
        for (name, value) in [("kind", json!(kind)), ("run", json!(run)), ("actor", json!("lead@gov")), ("seq", json!(seq))] {
            fields[name] = value;
        }
        fields["time"] = json!(format!("2023-11-14T22:13:{seq:02}.000Z"));
        fields
    }

    fn intent(seq: u64, run: &str, id: u32) -> Value {
        let target = json!({ "kind": "Deployment", "key": { "namespace": "shop", "name": "cart" }, "uid": "u" });
        let fields = json!({ "id": id, "mitigation": "scale", "title": "Scale · cart", "undoes": null, "writes": [{ "target": target }],
            "expects": { "aim": "error_rate", "is_tied": false, "effect_later": "no effect until restarted" } });
        written(seq, "intent", run, fields)
    }

    #[test]
    fn what_was_done_and_what_came_of_it_belong_together_by_intent_and_run() {
        let records = [
            intent(1, "a", 1),
            intent(2, "b", 1),
            written(3, "outcome", "a", json!({ "intent": 1, "state": "unknown", "why": "no answer" })),
            written(4, "resolved", "b", json!({ "intent": 1, "state": "done" })),
            written(5, "outcome", "b", json!({ "intent": 2, "state": "refused", "why": "forbidden" })),
            written(6, "converged", "a", json!({ "intent": 1 })),
            written(7, "verdict", "a", json!({ "mitigation": 1, "judgement": Judgement::Helped, "sentence": "helped: x" })),
            written(8, "verdict", "c", json!({ "mitigation": 1, "sentence": "of a run that is not here" })),
        ];
        let all = gather(&records);
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].targets[0].key.name, "cart");
        assert_eq!(all[0].ended.as_ref().map(|ended| &ended.outcome), Some(&Outcome::Done));
        assert!(all[0].converged_at.is_some());
        let judged = all[0].verdict.as_ref().unwrap();
        assert_eq!((judged.judgement, judged.sentence.as_str()), (Some(Judgement::Helped), "helped: x"));
        assert_eq!(all[1].ended.as_ref().map(|ended| &ended.outcome), Some(&Outcome::Refused("forbidden".into())));
        assert_eq!(all[1].verdict, None);
        let expected = Expectation { aim: Some("error_rate".into()), is_tied: false, effect_later: Some("no effect until restarted".into()) };
        assert_eq!(all[0].expectation, expected);
    }

    #[test]
    fn an_outcome_is_read_back_as_it_was_written() {
        let why: Text = "no answer".into();
        for outcome in
            [Outcome::Done, Outcome::Partly(why.clone()), Outcome::Refused(why.clone()), Outcome::Failed(why.clone()), Outcome::Unknown(why)]
        {
            let (word, why) = outcome.parts();
            assert_eq!(Outcome::of_parts(word, why.map(Text::as_str)), Some(outcome.clone()));
        }
        assert_eq!(Outcome::of_parts("perhaps", None), None);
    }

    #[test]
    fn records_that_are_not_as_they_are_written_are_passed_over() {
        let mut odd = vec![json!(null), json!([]), json!({ "kind": "intent" }), json!({ "kind": "outcome", "intent": 9 })];
        for name in ["seq", "mitigation", "title", "actor"] {
            let mut broken = intent(1, "a", 1);
            broken[name] = json!({ "not": "a text" });
            odd.push(broken);
        }
        assert_eq!(gather(&odd), []);
    }
}
