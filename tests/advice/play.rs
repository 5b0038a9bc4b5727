//! One incident with one thing done about it, from the launch to half an hour later: what is seen at each look.

use std::time::Duration;

use chrono::DateTime;
use sev1::sim::world::World;

use crate::{
    acts::{undo_by_kubectl, with_former_revision},
    cockpit::Cockpit,
    look::{Look, Past},
    truth::{Act, Incident, scale, undo},
};

/// Between two looks.
pub const LOOK: Duration = Duration::from_secs(5);
/// The first look is so long after the launch, beside the instants at which sources ask.
const FIRST: Duration = Duration::from_millis(700);
const ACKNOWLEDGED: Duration = Duration::from_secs(25);
/// When the first thing is done, and the second.
const FIRST_ACT: Duration = Duration::from_mins(1);
const SECOND_ACT: Duration = Duration::from_secs(150);
const TAKEN_BACK: Duration = Duration::from_mins(5);

/// What is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Play {
    Nothing,
    Right,
    Wrong,
    RightThenAnother,
    RightThenTakenBack,
    TwoRight,
    /// A rollback by kubectl.
    SomebodyElse,
}

impl Play {
    pub const ALL: [Self; 7] =
        [Self::Nothing, Self::Right, Self::Wrong, Self::RightThenAnother, Self::RightThenTakenBack, Self::TwoRight, Self::SomebodyElse];

    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::RightThenAnother => "right_then_another",
            Self::RightThenTakenBack => "right_then_taken_back",
            Self::TwoRight => "two_right",
            Self::SomebodyElse => "somebody_else",
        }
    }

    /// Whether the last thing done here is one that helps.
    pub fn ends_with_a_right_one(self) -> bool {
        matches!(self, Self::Right | Self::TwoRight)
    }

    /// The play that is the same but for the last thing done here: what would have been without it.
    pub fn without(self) -> Option<Self> {
        match self {
            Self::Nothing => None,
            Self::Right | Self::Wrong | Self::SomebodyElse => Some(Self::Nothing),
            Self::RightThenAnother | Self::RightThenTakenBack | Self::TwoRight => Some(Self::Right),
        }
    }
}

/// A thing to do, and when.
#[derive(Debug, Clone)]
struct Deed {
    at: Duration,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Act(Act),
    Acknowledge,
    TakeBack,
    UndoByKubectl(String),
}

/// A play that was played.
pub struct Played {
    pub looks: Vec<Look>,
    /// What could not be done, and why: the play goes on without it.
    pub not_done: Vec<String>,
}

/// Plays it for so long. Nothing for a play that this incident has no action for.
pub fn play(
    incident: &Incident,
    launched: &World,
    play: Play,
    length: Duration,
    mut at_look: impl FnMut(&Cockpit, &[Look], &Look),
) -> Option<Played> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let mut cockpit = Cockpit::open(launched.fork(), incident.seed).await;
        let deeds = deeds(incident, play, &cockpit)?;
        let mut played = Played { looks: Vec::new(), not_done: Vec::new() };
        let mut past = Past::default();
        let mut due = deeds.into_iter().peekable();
        let mut at = FIRST;
        while at <= length {
            cockpit.until(at).await;
            let look = Look::of(&cockpit, &mut past);
            at_look(&cockpit, &played.looks, &look);
            played.looks.push(look);
            while let Some(deed) = due.next_if(|deed| deed.at <= at) {
                if let Err(why) = cockpit.carry_out(&deed.what).await {
                    played.not_done.push(why);
                }
            }
            at += LOOK;
        }
        Some(played)
    })
}

/// The world of an incident with its history. Any moment will do for its launch, as long as it is always the same.
pub fn launched(incident: &Incident) -> World {
    let begin = DateTime::from_timestamp(1_795_400_000, 0).unwrap_or_default();
    World::launch(incident.scenario.clone(), incident.seed, 0, begin).expect("the scenario can be played")
}

impl Cockpit {
    async fn carry_out(&mut self, what: &What) -> Result<(), String> {
        match what {
            What::Act(act) => self.act(act).await,
            What::Acknowledge => {
                self.acknowledge();
                Ok(())
            }
            What::TakeBack => self.take_back().await,
            What::UndoByKubectl(deployment) => undo_by_kubectl(self.platform.world.store(), deployment),
        }
    }
}

fn deeds(incident: &Incident, play: Play, cockpit: &Cockpit) -> Option<Vec<Deed>> {
    let first = |what| Deed { at: FIRST_ACT, what };
    let right = || incident.helps.first().cloned().map(What::Act).map(first);
    let second = |act: Act| Deed { at: SECOND_ACT, what: What::Act(act) };
    let store = cockpit.platform.world.store();
    let is_wrong = |act: &Act| ![&incident.helps, &incident.mixed].into_iter().flatten().any(|known| known == act);
    let former = with_former_revision(store);
    let mut useless =
        former.iter().map(|deployment| undo(deployment)).chain([scale("audit-service"), scale("notification-service")]).filter(is_wrong);
    let innocent = former.iter().find(|deployment| is_wrong(&undo(deployment))).cloned();
    let deeds = match play {
        Play::Nothing => Vec::new(),
        Play::Right => vec![right()?],
        Play::Wrong => vec![first(What::Act(incident.harms.first().cloned().or_else(|| useless.next())?))],
        Play::RightThenAnother => vec![right()?, second(useless.find(|act| matches!(act, Act::Scale { .. }))?)],
        Play::RightThenTakenBack => vec![right()?, Deed { at: TAKEN_BACK, what: What::TakeBack }],
        Play::TwoRight => vec![right()?, second(incident.helps.get(1)?.clone())],
        Play::SomebodyElse => {
            let bad = incident.helps.iter().find_map(|act| match act {
                Act::Undo { deployment } => Some(deployment.clone()),
                _ => None,
            });
            vec![first(What::UndoByKubectl(bad.or(innocent)?))]
        }
    };
    // Where something is done, somebody has taken the alarm.
    let taken = (play != Play::Nothing).then_some(Deed { at: ACKNOWLEDGED, what: What::Acknowledge });
    Some(taken.into_iter().chain(deeds).collect())
}
