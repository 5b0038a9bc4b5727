//! A write to the cluster as data: what was asked, what exactly will happen, what was checked, how it ended.
//!
//! The types make the order of `Plan → Preflight → Confirm → Execute` hard to break: [`ConfirmedPlan`] can only come from
//! [`Plan::confirm`], and the engine executes nothing else.

use std::{fmt, time::Duration};

use super::{
    ask::{Undoable, Wish},
    catalogue::Level,
    object::{ObjectRef, Subject},
    phase::Phase,
    text::Text,
    time::Mono,
    units,
};

pub use super::write::{CommandRun, ContentType, Effect, Field, NewSilence, ObjectWrite, SilenceChange, SilenceWrite, Write, WriteMethod};

/// Sequence number within this run of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct MitigationId(pub u32);

/// An object as it was when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    pub object: ObjectRef,
    /// Its resourceVersion, which moves with its status too.
    pub version: Text,
    /// SHA-256 of what people and controllers want of it: all but its status and what servers count.
    pub wanted: Text,
}

/// A frozen intention. Nothing in it is read again before the write, except to verify that nothing changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub id: MitigationId,
    /// Its name in the catalogue.
    pub kind: &'static str,
    /// `Undo rollout · api-gateway`.
    pub title: Text,
    /// Whose cluster: shown on the card and checked before the write.
    pub cluster: ClusterIdentity,
    /// Every object that is written.
    pub targets: Vec<Basis>,
    /// "What" lines of the card: plain sentences of the change.
    pub what: Vec<Text>,
    /// Removed and added lines of the change (template of an undo), reduced to what a person asked for.
    pub diff: Vec<DiffLine>,
    /// The same by kubectl.
    pub kubectl: Text,
    /// What undoes it, in words: `U brings revision 42 back`, or why nothing does.
    pub undo: Text,
    pub level: Level,
    /// What the card asks for, by the level and the environment.
    pub friction: Friction,
    pub reason: Text,
    /// The same asked for again: planned at once, it gives the same writes.
    pub wish: Wish,
    /// What takes it back; none: nothing does.
    pub inverse: Option<Wish>,
    /// Which other mitigation this one takes back.
    pub undoes: Option<Undoes>,
    /// Another way to the same end, which the card offers beside this one.
    pub alternative: Option<Alternative>,
    /// The writes, ready to send.
    pub writes: Vec<Write>,
    /// How they follow one another.
    pub phases: Vec<Phase>,
    pub planned_at: Mono,
    /// How convergence is recognised after the write.
    pub converge: Converge,
}

/// What can be done in the place of a plan: it has a plan and a card of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// `by force: …`: what is different, and when it is right.
    pub words: Text,
    pub wish: Wish,
}

/// The mitigation that a plan takes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undoes {
    /// Number of its intent in the journal.
    pub recorded: u64,
    /// Its number in this run, if it was done in it.
    pub here: Option<MitigationId>,
}

/// Who and where: pinned at start, compared again before each write.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ClusterIdentity {
    /// kubeconfig context.
    pub context: Text,
    /// Name of the cluster entry of the kubeconfig.
    pub cluster: Text,
    /// uid of the namespace kube-system.
    pub uid: Text,
    /// Who the API server says we are.
    pub user: Text,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffLine {
    pub sign: DiffSign,
    pub text: Text,
}

impl fmt::Display for DiffLine {
    /// `+ replicas: 6`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.sign.mark(), self.text)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiffSign {
    Added,
    Removed,
    Context,
}

impl DiffSign {
    pub fn mark(self) -> &'static str {
        match self {
            Self::Added => "+",
            Self::Removed => "-",
            Self::Context => " ",
        }
    }
}

/// What to wait for after the write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Converge {
    /// The workload's rollout is complete: observed, updated, available.
    Rollout { workload: Subject },
    /// The named pods are gone, and the controllers that make others in their place have as many ready ones as they want.
    Replaced { pods: Vec<ObjectRef>, controllers: Vec<ObjectRef> },
    /// The service sends to every ready pod that its selector means, and to no other.
    Endpoints { service: ObjectRef },
    /// The workload has a number of replicas within these bounds, or none, and its rollout is complete.
    Bounds { workload: Subject, min: u64, max: u64 },
    /// The write itself is the effect.
    Immediately,
    /// The write is stored, and what it is for does not follow by itself: `no pod is replaced: it is scaled to 0`.
    Held { says: Text },
}

/// How much a confirmation asks for (§4: friction follows the blast radius).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Friction {
    /// One `y`.
    Key,
    /// The word to type: the environment's (`prod`) or the object's name.
    Word(Text),
}

/// One line under "Checks".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub what: CheckKind,
    pub result: CheckResult,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub enum CheckKind {
    /// Same cluster and user as at start.
    Identity,
    /// SelfSubjectAccessReview.
    Permission,
    /// Server-side dry-run and its diff.
    DryRun,
    /// Targets unchanged since they were planned on.
    Unchanged,
    /// Who would overwrite it: HPA, Argo CD, Flux, operators.
    Overwritten,
    /// Disruption budgets.
    Disruption,
    /// Things this does not bring back.
    NotCovered,
    /// Whether pods pick it up.
    Effect,
    /// Whether what is left can carry the load, or is nothing at all.
    Outage,
    /// Whether there is room for more pods.
    Room,
    /// The journal can be written.
    Journal,
    /// Whether somebody else has to agree.
    SecondPerson,
    /// Whether a saved plan was saved on this machine.
    Origin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckResult {
    Pending,
    Pass(Text),
    /// Shown amber; does not block. What could not be found out is a warning with the reason.
    Warn(Text),
    /// The plan cannot be confirmed.
    Block(Text),
}

/// How the result of [`CheckKind::Effect`] begins where no pod sees the write before it is restarted.
pub const UNTIL_RESTARTED: &str = "no effect until restarted: ";

impl Check {
    /// Why the write has no effect yet, if this check found that.
    pub fn takes_effect_later(&self) -> Option<&Text> {
        match &self.result {
            CheckResult::Warn(why) if self.what == CheckKind::Effect && why.starts_with(UNTIL_RESTARTED) => Some(why),
            _ => None,
        }
    }
}

/// How one write ended.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub enum Outcome {
    Done,
    /// Of several writes some were done, the others were not, and it is known which.
    Partly(Text),
    /// The server said no; nothing was changed. Its words.
    Refused(Text),
    /// Nothing was sent, or the server reported that nothing was changed.
    Failed(Text),
    /// Sent, and no answer: resolved by reading, never retried.
    Unknown(Text),
}

impl Outcome {
    /// Its word in records, and why.
    pub fn parts(&self) -> (&'static str, Option<&Text>) {
        match self {
            Self::Done => ("done", None),
            Self::Partly(how) => ("partly", Some(how)),
            Self::Refused(why) => ("refused", Some(why)),
            Self::Failed(why) => ("failed", Some(why)),
            Self::Unknown(why) => ("unknown", Some(why)),
        }
    }

    /// From [`parts`](Self::parts) as a record has them; none for any other word.
    pub fn of_parts(word: &str, why: Option<&str>) -> Option<Self> {
        let why = || Text::line(why.unwrap_or("no reason was written down"));
        match word {
            "done" => Some(Self::Done),
            "partly" => Some(Self::Partly(why())),
            "refused" => Some(Self::Refused(why())),
            "failed" => Some(Self::Failed(why())),
            "unknown" => Some(Self::Unknown(why())),
            _ => None,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => formatter.write_str("done"),
            Self::Partly(how) => write!(formatter, "done in part: {how}"),
            Self::Refused(why) => write!(formatter, "refused: {why}"),
            Self::Failed(why) => write!(formatter, "failed: {why}"),
            Self::Unknown(why) => write!(formatter, "outcome unknown: {why}"),
        }
    }
}

/// A plan that a person confirmed. The only thing that is ever executed.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfirmedPlan {
    plan: Plan,
    reason: Text,
    expectation: Expectation,
}

/// What was expected of a mitigation when it was confirmed: its verdict rests on that, in whichever run it is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// Id of the indicator that it is meant to better; none: the one that was worst.
    pub aim: Option<Text>,
    /// Something besides the time tied what was written to to the trouble.
    pub is_tied: bool,
    /// Why it has no effect before something else happens.
    pub effect_later: Option<Text>,
}

/// Why a confirmation was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotConfirmed {
    #[error("type {0} to confirm")]
    WrongWord(Text),
    #[error("blocked: {0}")]
    Blocked(Text),
    #[error("still checking: {0}")]
    StillChecking(&'static str),
}

impl Plan {
    /// Whether the server's dry-run has more to say of it than the card: where fields of an object are written.
    pub fn has_full_diff(&self) -> bool {
        self.writes.iter().any(|write| matches!(write, Write::Object(write) if matches!(write.effect, Effect::Fields(_))))
    }

    /// Accepts `typed` (`y`, or the word) if every check that blocks has passed. `Permission`, `DryRun`, `Unchanged` and
    /// `Identity` must be present and no longer pending.
    pub fn confirm(self, typed: &str, checks: &[Check], reason: Text) -> Result<ConfirmedPlan, NotConfirmed> {
        let expected = match &self.friction {
            Friction::Key => Text::line("y"),
            Friction::Word(word) => word.clone(),
        };
        self.accept(typed, &expected, checks, reason)
    }

    /// Accepts the name of the very context in the place of a typed word: how it is confirmed without a screen.
    pub fn confirm_on(self, context: &str, checks: &[Check], reason: Text) -> Result<ConfirmedPlan, NotConfirmed> {
        let expected = self.cluster.context.clone();
        self.accept(context, &expected, checks, reason)
    }

    fn accept(self, typed: &str, expected: &Text, checks: &[Check], reason: Text) -> Result<ConfirmedPlan, NotConfirmed> {
        let blocked = checks.iter().find_map(|check| match &check.result {
            CheckResult::Block(why) => Some(why.clone()),
            _ => None,
        });
        // A word that is wrong stays wrong; what is still being checked will be over by itself.
        if let Some(why) = blocked {
            return Err(NotConfirmed::Blocked(why));
        }
        if typed != expected.as_str() {
            return Err(NotConfirmed::WrongWord(expected.clone()));
        }
        for needed in [CheckKind::Identity, CheckKind::Permission, CheckKind::DryRun, CheckKind::Unchanged, CheckKind::Journal] {
            let finished = checks.iter().any(|check| check.what == needed && check.result != CheckResult::Pending);
            if !finished {
                return Err(NotConfirmed::StillChecking(needed.word()));
            }
        }
        let mut plan = self;
        plan.writes.iter_mut().for_each(|write| write.because(&reason));
        let effect_later = checks.iter().find_map(Check::takes_effect_later).cloned();
        Ok(ConfirmedPlan { plan, reason, expectation: Expectation { aim: None, is_tied: true, effect_later } })
    }
}

impl ConfirmedPlan {
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The same, meant to better this indicator.
    #[must_use]
    pub fn meant_for(mut self, aim: Option<Text>, is_tied: bool) -> Self {
        self.expectation.aim = aim;
        self.expectation.is_tied = is_tied;
        self
    }

    pub fn expectation(&self) -> &Expectation {
        &self.expectation
    }

    pub fn reason(&self) -> &Text {
        &self.reason
    }
}

impl CheckKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Identity => "cluster identity",
            Self::Permission => "permission",
            Self::DryRun => "server dry-run",
            Self::Unchanged => "unchanged",
            Self::Overwritten => "overwritten by others",
            Self::Disruption => "disruption budgets",
            Self::NotCovered => "not covered",
            Self::Effect => "effect",
            Self::Outage => "what is left to serve",
            Self::Room => "room for more pods",
            Self::Journal => "journal",
            Self::SecondPerson => "second person",
            Self::Origin => "saved plan",
        }
    }
}

/// What a command wrote, cleaned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandOutput {
    /// `db-connections in pod/postgres-primary-0`.
    pub title: Text,
    pub lines: Vec<Text>,
    /// How it ended, how much it wrote, and the hash of that: `exit code 0, 312 bytes, sha256 …`.
    pub summary: Text,
    pub is_success: bool,
}

/// What the engine reports while it works. Sent to `state` in order.
#[derive(Debug, Clone, PartialEq)]
pub enum ActionEvent {
    /// The plan for a card is frozen; its checks follow one by one.
    Planned {
        card: CardId,
        plan: Box<Plan>,
    },
    /// No plan could be made: nothing to undo, object gone, no permission to read.
    NotPlanned {
        card: CardId,
        why: Text,
    },
    Checked {
        card: CardId,
        check: Check,
    },
    /// The intent is in the journal and the write is being sent.
    Started {
        id: MitigationId,
    },
    /// `done` of `of` writes were answered; `waits` says what holds up the next.
    Progress {
        id: MitigationId,
        done: u32,
        of: u32,
        waits: Option<Text>,
    },
    /// The write ended this way. `undoable` says whether `U` can take it back.
    Ended {
        id: MitigationId,
        outcome: Outcome,
        undoable: bool,
    },
    /// Progress towards convergence: `3/5 new pods ready, 1 old left`; `stuck` carries the reason from the cluster.
    Converging {
        id: MitigationId,
        ready: u32,
        of: u32,
        old: u32,
        stuck: Option<Text>,
    },
    /// Converged after this long.
    Converged {
        id: MitigationId,
        after: Duration,
    },
    /// An unknown outcome was resolved by reading. `undoable` as in `Ended`.
    Resolved {
        id: MitigationId,
        outcome: Outcome,
        undoable: bool,
    },
    /// What can be taken back, of this run and earlier ones, latest first.
    Undoable {
        all: Vec<Undoable>,
    },
    /// The journal can be written again, or cannot: mitigations are off with this reason.
    Journal {
        broken: Option<Text>,
    },
    /// What a command that was run wrote.
    Output {
        id: MitigationId,
        output: CommandOutput,
    },
    /// Something a person should know that belongs to no card: what became of a write that a crash cut off.
    Notice {
        text: Text,
        is_error: bool,
    },
}

/// How far a rollout is: `3/5 new pods ready, 1 old left`. `of` is zero while its controller has not seen the write, when
/// every count is still of what was before it.
pub fn converging(ready: u32, of: u32, old: u32) -> String {
    let left = if old > 0 { format!(", {old} old left") } else { String::new() };
    if of == 0 {
        "written; waiting for the rollout".to_owned()
    } else {
        format!("{ready}/{of} new {} ready{left}", units::plural(u64::from(of), "pod"))
    }
}

/// Number of a card, so that a late answer does not land on another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CardId(pub u32);
