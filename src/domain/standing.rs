//! Whether a pod is well: the one rule that screen, counts, `status`, suggestions and mitigations go by.
//!
//! What is past is past, what ended for good stands apart, what has only just started is spared.

use chrono::{DateTime, TimeDelta, Utc};

use super::{ailment::Ailment, pod::Phase};

/// Start-up patience, in seconds, of a pod whose probes ask for no more.
pub const PATIENCE: u16 = 60;
/// How long the end of a pod that nothing brings back is told as an ailment: one that ended before is history.
pub const HISTORY: TimeDelta = TimeDelta::hours(1);
/// How long an end by the memory limit counts for a pod that is ready again. A kubelet takes a container that ran for so long
/// as recovered and begins its back-off anew (twice its longest back-off: `pkg/kubelet/kubelet.go`).
pub const LATELY: TimeDelta = TimeDelta::minutes(10);
/// How long past its grace period a pod may take to go.
pub const OVERDUE: TimeDelta = TimeDelta::minutes(1);

/// Longest that probes are believed to need, in seconds: a deployment gives its rollout no longer (`progressDeadlineSeconds`).
const LONGEST: u32 = 600;

/// A probe as far as it takes time; what is not said is as the API server fills it in.
#[derive(Debug, Clone, Copy, Default)]
pub struct Probe {
    pub delay: Option<u32>,
    pub period: Option<u32>,
    pub failures: Option<u32>,
    pub successes: Option<u32>,
}

impl Probe {
    /// Seconds until it can have failed for good, or has to have succeeded.
    fn seconds(self) -> u32 {
        let rounds = self.failures.unwrap_or(3).max(self.successes.unwrap_or(1));
        self.delay.unwrap_or(0).saturating_add(self.period.unwrap_or(10).saturating_mul(rounds))
    }
}

/// Seconds that a container has from its start until it should be ready: its readiness is asked for once its start-up was
/// told. Zero without probes.
pub fn patience(startup: Option<Probe>, readiness: Option<Probe>) -> u16 {
    let seconds = [startup, readiness].into_iter().flatten().fold(0_u32, |sum, probe| sum.saturating_add(probe.seconds()));
    u16::try_from(seconds.min(LONGEST)).unwrap_or(u16::MAX)
}

/// What the rule goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vitals<'a> {
    pub phase: Phase,
    /// STATUS as kubectl prints it, or a reason that a container waits or ended for.
    pub word: &'a str,
    /// The Ready condition.
    pub is_ready: bool,
    /// When that condition became false; a kubelet sets it before it starts a container.
    pub unready_since: Option<DateTime<Utc>>,
    pub restarts: u32,
    pub created: DateTime<Utc>,
    /// When the newest of the containers that run was started.
    pub started: Option<DateTime<Utc>>,
    /// Seconds that its probes give it from there.
    pub patience: u16,
    /// When a container's last run was ended for memory, the newest.
    pub killed: Option<DateTime<Utc>>,
    /// Deletion was asked for: by when it is to be gone.
    pub gone_by: Option<DateTime<Utc>>,
    /// Kind of its controller.
    pub controller: Option<&'a str>,
    /// Its node does not answer, or is gone.
    pub is_node_lost: bool,
}

/// How a pod stands to what it should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Well,
    /// Not ready, and not to be expected to be yet.
    Starting,
    /// On its way out. What comes instead counts.
    Leaving,
    /// Completed, or failed and replaced by its controller: neither ready nor missing.
    Ended,
    /// Somebody on call should look at it.
    Ill(Ailment),
}

impl Vitals<'_> {
    pub fn standing(&self, now: DateTime<Utc>) -> Standing {
        match self.phase {
            Phase::Succeeded => return Standing::Ended,
            Phase::Failed if self.controller.is_some() => return Standing::Ended,
            Phase::Failed if now >= self.ended() + HISTORY => return Standing::Ended,
            Phase::Failed => return Standing::Ill(Ailment::of_end(self.word)),
            Phase::Pending | Phase::Running | Phase::Unknown => {}
        }
        if let Some(gone_by) = self.gone_by {
            return match () {
                () if self.is_replaced_at_once() => Standing::Leaving,
                () if self.is_node_lost => Standing::Ill(Ailment::NodeLost),
                () if now < gone_by + OVERDUE => Standing::Leaving,
                () => Standing::Ill(Ailment::Hanging),
            };
        }
        if self.is_node_lost {
            return Standing::Ill(Ailment::NodeLost);
        }
        let was_killed = self.killed.is_some_and(|killed| now < killed + LATELY);
        if was_killed {
            return Standing::Ill(Ailment::OutOfMemory);
        }
        if self.is_ready {
            return Standing::Well;
        }
        match Ailment::of(self.word) {
            Some(ailment) => Standing::Ill(ailment),
            None if self.phase == Phase::Unknown => Standing::Ill(Ailment::Hanging),
            // Somebody holds it back on purpose, until they take the gate away.
            None if self.word == "SchedulingGated" => Standing::Starting,
            None if self.is_new() && now < self.grown_up() => Standing::Starting,
            None if matches!(self.word, "Running" | "NotReady" | "Unknown") => Standing::Ill(Ailment::Hanging),
            None => Standing::Ill(Ailment::CannotStart),
        }
    }

    pub fn is_unhealthy(&self, now: DateTime<Utc>) -> bool {
        matches!(self.standing(now), Standing::Ill(_))
    }

    /// Why another one in its place is not what it needs; none where it is.
    pub fn spared(&self, now: DateTime<Utc>) -> Option<&'static str> {
        match self.standing(now) {
            Standing::Well => Some("it is healthy now"),
            Standing::Starting => Some("it has only just started"),
            Standing::Leaving => Some("it is being deleted already"),
            Standing::Ended if self.phase == Phase::Succeeded => Some("it has completed"),
            Standing::Ended if self.controller.is_none() => Some("it has ended, and nothing would bring it back: it has no controller"),
            Standing::Ended => Some("it has ended, and its controller made another"),
            Standing::Ill(Ailment::NodeLost) if self.controller == Some("StatefulSet") => {
                Some("its stateful set makes no other until it is gone: once its node is off, delete-pod with force=yes")
            }
            Standing::Ill(_) if self.gone_by.is_some() => Some("it is being deleted already"),
            Standing::Ill(_) if self.controller.is_none() => Some("nothing would bring it back: it has no controller"),
            Standing::Ill(_) if self.controller == Some("Node") => Some("its node runs it from a file: deleting it restarts nothing"),
            Standing::Ill(Ailment::NodeLost) if self.controller == Some("DaemonSet") => Some("its daemon set makes none elsewhere"),
            Standing::Ill(ailment) if self.is_ready && ailment != Ailment::NodeLost => Some("it is ready again"),
            Standing::Ill(_) => None,
        }
    }

    /// The moments at which it may stand otherwise without a word from the cluster.
    pub fn turns(&self) -> [Option<DateTime<Utc>>; 4] {
        let is_waited_for = !self.is_ready && self.is_new();
        let past = (self.phase == Phase::Failed && self.controller.is_none()).then(|| self.ended() + HISTORY);
        [past, is_waited_for.then(|| self.grown_up()), self.killed.map(|killed| killed + LATELY), self.gone_by.map(|gone_by| gone_by + OVERDUE)]
    }

    /// The first moment after `now` at which it is unhealthy where it was not, or well again.
    pub fn next_turn(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let is = self.is_unhealthy(now);
        self.turns().into_iter().flatten().filter(|turn| *turn > now && self.is_unhealthy(*turn) != is).min()
    }

    /// Its controller makes another as soon as its deletion was asked for; a stateful set waits until it is gone.
    fn is_replaced_at_once(&self) -> bool {
        matches!(self.controller, Some("ReplicaSet" | "ReplicationController" | "Job"))
    }

    /// When a pod that failed did so: it is ready no longer since then, where it was at all.
    fn ended(&self) -> DateTime<Utc> {
        self.unready_since.map_or(self.created, |since| since.max(self.created))
    }

    /// It was never ready yet, as far as can be told, and no container was started again.
    fn is_new(&self) -> bool {
        let was_ready = self.started.is_some_and(|started| self.unready_since.is_some_and(|since| since > started));
        self.restarts == 0 && !was_ready
    }

    /// When it stops being excused for not being ready.
    fn grown_up(&self) -> DateTime<Utc> {
        let patience = TimeDelta::seconds(self.patience.max(PATIENCE).into());
        let at_least = self.created + TimeDelta::seconds(PATIENCE.into());
        self.started.map_or(at_least, |started| at_least.max(started + patience))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    const NOW: i64 = 0;

    /// An hour old, running and ready.
    fn well() -> Vitals<'static> {
        Vitals {
            phase: Phase::Running,
            word: "Running",
            is_ready: true,
            unready_since: None,
            restarts: 0,
            created: at(-3_600),
            started: Some(at(-3_600)),
            patience: 0,
            killed: None,
            gone_by: None,
            controller: Some("ReplicaSet"),
            is_node_lost: false,
        }
    }

    fn stands(vitals: Vitals<'_>) -> Standing {
        vitals.standing(at(NOW))
    }

    #[test]
    fn a_kill_for_memory_is_past_once_the_container_ran_on_for_ten_minutes() {
        let killed = |seconds| Vitals { restarts: 1, killed: Some(at(seconds)), ..well() };
        assert_eq!(stands(killed(-20 * 86_400)), Standing::Well);
        assert_eq!(stands(killed(-601)), Standing::Well);
        assert_eq!(stands(killed(-60)), Standing::Ill(Ailment::OutOfMemory));
        assert_eq!(killed(-60).spared(at(NOW)), Some("it is ready again"), "it serves: it is not deleted");
        assert_eq!(killed(-60).next_turn(at(NOW)), Some(at(540)));
        let down = Vitals { is_ready: false, word: "CrashLoopBackOff", ..killed(-60) };
        assert_eq!((stands(down), down.spared(at(NOW))), (Standing::Ill(Ailment::OutOfMemory), None));
        assert_eq!(stands(Vitals { killed: Some(at(-86_400)), ..down }), Standing::Ill(Ailment::Crashing), "an old kill is not why it crashes now");
    }

    #[test]
    fn probes_say_how_long_a_start_may_take() {
        let probe = |delay, period, failures| Some(Probe { delay, period, failures, successes: None });
        assert_eq!(patience(None, None), 0);
        assert_eq!(patience(None, probe(Some(45), None, None)), 75);
        assert_eq!(patience(probe(None, Some(5), Some(30)), probe(None, None, None)), 180);
        assert_eq!(patience(probe(None, Some(u32::MAX), Some(u32::MAX)), None), 600);
    }

    #[test]
    fn what_ended_stands_apart_where_a_controller_made_another() {
        let failed = Vitals { phase: Phase::Failed, word: "Evicted", is_ready: false, ..well() };
        assert_eq!(stands(failed), Standing::Ended);
        assert_eq!(stands(Vitals { phase: Phase::Succeeded, ..failed }), Standing::Ended);
        let bare = Vitals { controller: None, unready_since: Some(at(-3_000)), ..failed };
        assert!(matches!(stands(bare), Standing::Ill(_)), "nothing replaced it");
        assert_eq!(bare.next_turn(at(NOW)), Some(at(600)), "an hour later it is history");
        assert_eq!(stands(Vitals { unready_since: Some(at(-3_600)), ..bare }), Standing::Ended);
        let gated = Vitals { phase: Phase::Pending, word: "SchedulingGated", is_ready: false, started: None, ..well() };
        assert_eq!((stands(gated), gated.next_turn(at(NOW))), (Standing::Starting, None), "held back on purpose");
    }

    #[test]
    fn what_just_started_is_spared_as_long_as_its_probes_say() {
        let new = Vitals { is_ready: false, created: at(-20), started: Some(at(-10)), ..well() };
        assert_eq!((stands(new), new.next_turn(at(NOW))), (Standing::Starting, Some(at(50))));
        let slow = Vitals { created: at(-300), started: Some(at(-100)), patience: 180, ..new };
        assert_eq!((stands(slow), slow.next_turn(at(NOW))), (Standing::Starting, Some(at(80))));
        assert_eq!(stands(Vitals { patience: 90, ..slow }), Standing::Ill(Ailment::Hanging));
        assert_eq!(stands(Vitals { restarts: 1, ..slow }), Standing::Ill(Ailment::Hanging), "one that was started again is not new");
        let fell = Vitals { unready_since: Some(at(-5)), ..new };
        assert_eq!(stands(fell), Standing::Ill(Ailment::Hanging), "it was ready before");
        assert_eq!(stands(Vitals { unready_since: Some(at(-10)), ..new }), Standing::Starting);
        let creating = Vitals { word: "ContainerCreating", phase: Phase::Pending, created: at(-5), started: None, ..new };
        assert_eq!(stands(creating), Standing::Starting);
        assert_eq!(stands(Vitals { created: at(-61), ..creating }), Standing::Ill(Ailment::CannotStart));
        assert!(matches!(stands(Vitals { word: "ErrImagePull", ..creating }), Standing::Ill(_)), "what does not pass by itself is not waited for");
    }

    #[test]
    fn what_is_being_deleted_is_unhealthy_only_where_nothing_comes_before_it_is_gone() {
        let leaving = Vitals { is_ready: false, gone_by: Some(at(-3_600)), is_node_lost: true, ..well() };
        assert_eq!(stands(leaving), Standing::Leaving, "the replica set made another at once");
        let kept = Vitals { controller: Some("StatefulSet"), ..leaving };
        assert_eq!(stands(kept), Standing::Ill(Ailment::NodeLost));
        assert_eq!(stands(Vitals { gone_by: Some(at(10)), is_node_lost: false, ..kept }), Standing::Leaving);
        assert_eq!(stands(Vitals { is_node_lost: false, ..kept }), Standing::Ill(Ailment::Hanging));
    }

    #[test]
    fn pods_of_a_lost_node_are_lost_and_another_elsewhere_is_what_they_need() {
        let lost = Vitals { is_node_lost: true, ..well() };
        assert_eq!((stands(lost), lost.spared(at(NOW))), (Standing::Ill(Ailment::NodeLost), None));
        assert!(Vitals { controller: Some("DaemonSet"), ..lost }.spared(at(NOW)).is_some());
        assert!(Vitals { controller: Some("StatefulSet"), ..lost }.spared(at(NOW)).unwrap().contains("force=yes"));
    }
}
