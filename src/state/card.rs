//! The confirmation card, mitigations in flight, and what became of the finished ones.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chrono::{DateTime, Utc};

use crate::domain::{
    ask::{Request, Undoable, Wish},
    mitigation::{CardId, Check, MitigationId, Outcome, Plan},
    object::ObjectRef,
    text::Text,
    time::Mono,
    verdict::{Comparison, Track, Verdict},
};

/// Columns and rows of the smallest screen on which a card shows what it does.
const LEGIBLE: (u16, u16) = (40, 10);

/// So long after a write its indicators have been asked again.
const ANSWERED: Duration = Duration::from_secs(15);

/// Whether a card says on a screen of this size what it does: otherwise it cannot be confirmed there.
pub fn is_legible((columns, rows): (u16, u16)) -> bool {
    columns >= LEGIBLE.0 && rows >= LEGIBLE.1
}

/// On a card whose plan has an alternative: opens the card of that.
pub const ALTERNATIVE_KEY: char = 'f';

/// A card on the screen, from the request on.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    pub id: CardId,
    pub request: Request,
    /// Id of the indicator it is meant to better.
    pub aim: Option<Text>,
    /// When it was drawn with this content; none: not yet, and keys do not count for it (but `Esc`).
    pub shown_at: Option<Mono>,
    pub content: CardContent,
    pub checks: Vec<Check>,
    /// What is typed into the word field.
    pub typed: String,
    /// Which of its characters came as those of a paste do.
    pub hasty: Vec<bool>,
    pub reason: String,
    pub focus: CardFocus,
    /// Why the last `Enter` did nothing.
    pub complaint: Option<Text>,
    /// First visible line of the details, when they do not fit.
    pub scroll: u16,
}

#[derive(Debug, Clone, PartialEq)]
pub enum CardContent {
    /// Objects are being read.
    Planning,
    Planned(Box<Plan>),
    /// Nothing can be done, and why.
    Impossible(Text),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardFocus {
    Cancel,
    Word,
    Reason,
    Details,
}

/// All mitigations of this session.
#[derive(Debug, Clone, Default)]
pub struct Mitigations {
    pub next_id: u32,
    pub next_card: u32,
    /// Oldest first.
    pub all: Vec<Mitigation>,
    /// What can be taken back, of this run and earlier ones, latest first.
    pub undoable: Vec<Undoable>,
    /// Numbers of the intents of other runs that were judged there: their verdicts are told.
    pub judged_elsewhere: BTreeSet<u64>,
    /// When other runs did what was judged there to have helped, by the servers' time.
    pub cured_elsewhere: Vec<DateTime<Utc>>,
    /// Titles of what other runs did and that lasts until it is taken back, by the numbers of their intents.
    pub lasting_elsewhere: BTreeMap<u64, Text>,
}

impl Mitigations {
    /// What `U` takes back: the last that was neither taken back nor takes another one back, so that pressing it again
    /// goes further back and never forth.
    pub fn last_undoable(&self) -> Option<&Mitigation> {
        self.all.iter().rev().find(|mitigation| mitigation.undoable && mitigation.undone_by.is_none() && mitigation.undoes.is_none())
    }

    /// Why none before it is the last to take back: one that was confirmed later may have been done, or may yet be.
    pub fn last_not_settled(&self) -> Option<String> {
        let before = self.last_undoable().map(|last| last.id);
        self.all.iter().rev().take_while(|mitigation| Some(mitigation.id) != before).find_map(|mitigation| match mitigation.stage {
            Stage::Executing { .. } => Some(format!("{} is being written: it can be taken back when it is done", mitigation.title)),
            Stage::Ended(Outcome::Unknown(_)) => {
                Some(format!("it is not known whether {} was done: look first; undo in the palette has the others", mitigation.title))
            }
            _ => None,
        })
    }

    /// The same of the journal, whichever session it was.
    pub fn last_recorded(&self) -> Option<&Undoable> {
        self.undoable.iter().find(|one| !one.is_undo)
    }

    /// One that another run did and that is watched here, by the number of its intent.
    pub fn recorded_as(&self, intent: u64) -> Option<MitigationId> {
        self.all.iter().find(|mitigation| mitigation.recorded == Some(intent)).map(|mitigation| mitigation.id)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Mitigation {
    pub id: MitigationId,
    /// Number of its intent in the journal, where another run did it; none of this run's own.
    pub recorded: Option<u64>,
    /// Its name in the catalogue.
    pub kind: &'static str,
    pub title: Text,
    pub reason: Text,
    /// What is written.
    pub targets: Vec<ObjectRef>,
    /// The mitigation that this one takes back.
    pub undoes: Option<MitigationId>,
    /// What takes this one back.
    pub inverse: Option<Wish>,
    /// What was asked for; none of what another run did.
    pub wish: Option<Wish>,
    pub confirmed_at: Mono,
    /// The same by the server's clock.
    pub confirmed_on: DateTime<Utc>,
    /// When the write was answered with done.
    pub done_at: Option<Mono>,
    /// Whether the write itself is the effect, or a rollout is waited for.
    pub converges: bool,
    pub stage: Stage,
    pub undoable: bool,
    /// The mitigation that took this one back.
    pub undone_by: Option<MitigationId>,
    /// Id of the indicator it is judged by; none: the one that was worst.
    pub aim: Option<Text>,
    /// Indicators at the moment of confirmation; where none was known then, what their history says of it later.
    pub before: Vec<Comparison>,
    /// What was seen of each indicator, from before the write on; empty once it is judged.
    pub tracks: Vec<Track>,
    /// When what it started was complete.
    pub converged_at: Option<Mono>,
    /// Why the write has no effect yet, as its card said; none: it has.
    pub takes_effect_later: Option<Text>,
    /// Whether something tied what it wrote to to the trouble when it was confirmed.
    pub is_tied: bool,
    /// How its indicators stand while it is watched, as of the last look.
    pub so_far: Option<Verdict>,
    /// Server time by which there is a verdict at the latest; none until something is watched.
    pub judged_by: Option<DateTime<Utc>>,
    pub verdict: Option<Verdict>,
}

impl Mitigation {
    /// One of which no more is known yet. It was confirmed at this moment by our clock and by the server's.
    pub fn begun(id: MitigationId, kind: &'static str, title: Text, (confirmed_at, confirmed_on): (Mono, DateTime<Utc>)) -> Self {
        Self {
            id,
            recorded: None,
            kind,
            title,
            reason: Text::default(),
            targets: Vec::new(),
            undoes: None,
            inverse: None,
            wish: None,
            confirmed_at,
            confirmed_on,
            done_at: None,
            converges: false,
            stage: Stage::Executing { done: 0, of: 0, waits: None },
            undoable: false,
            undone_by: None,
            aim: None,
            before: Vec::new(),
            tracks: Vec::new(),
            converged_at: None,
            takes_effect_later: None,
            is_tied: true,
            so_far: None,
            judged_by: None,
            verdict: None,
        }
    }

    /// Whether its verdict is open, it was not taken back, and what it is aimed at is getting better.
    pub fn is_working(&self) -> bool {
        self.is_open() && self.takes_effect_later.is_none() && self.so_far.as_ref().is_some_and(Verdict::is_getting_better)
    }

    /// Whether it helped, or was about to when it was taken back.
    pub fn has_worked(&self) -> bool {
        let last = self.verdict.as_ref().or(self.so_far.as_ref());
        last.is_some_and(|verdict| verdict.judgement.is_better() || verdict.is_getting_better())
    }

    /// What to wait for while the verdict is open: `error rate 11.9 → 8.1 %, judged by 17:56`.
    pub fn outlook(&self) -> Option<Text> {
        let verdict = self.so_far.as_ref().filter(|_| self.is_open())?;
        let first = verdict.comparisons.first();
        // The answers since have not come yet.
        if first.is_some_and(|first| first.before.is_some() && first.after.is_none()) && verdict.after < ANSWERED {
            return None;
        }
        let numbers = first.map_or_else(|| "no data".to_owned(), Comparison::words);
        let by = self.judged_by.map(|by| format!(", judged by {}", by.format("%H:%M"))).unwrap_or_default();
        Some(Text::line(&format!("{numbers}{by}")))
    }

    /// Done, neither judged nor taken back.
    pub(super) fn is_open(&self) -> bool {
        self.done_at.is_some() && self.verdict.is_none() && self.undone_by.is_none() && !matches!(self.stage, Stage::Ended(_))
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    Executing {
        done: u32,
        of: u32,
        /// What holds up the next write.
        waits: Option<Text>,
    },
    /// `of` is zero until the first word of it.
    Converging {
        ready: u32,
        of: u32,
        old: u32,
        stuck: Option<Text>,
    },
    /// Converged, or done where nothing converges; indicators are watched until the verdict.
    Watching {
        since: Mono,
    },
    Ended(Outcome),
}
