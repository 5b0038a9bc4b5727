//! Which change may have caused an episode, and how sure that is.
//!
//! Time alone proves little: on an ordinary day something is rolled out every few minutes. A change is a likely cause when
//! something besides the time ties it to the trouble: its own pods are sick, its service complains of itself, others complain
//! of its service. A change made while the trouble lasted did not cause it; it is suspected only if it made things worse.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    change::{Change, ChangeKind},
    complaint::{About, Complaint, mentions, roots},
    kpi::Role,
    text::Text,
    units,
};

/// A change at most this long before a trouble began is suspected of it.
pub const SUSPECT: TimeDelta = TimeDelta::minutes(30);

/// Clocks of two servers, and points of a history, may differ by this much without meaning an order.
pub const AT_THE_SAME_TIME: TimeDelta = TimeDelta::seconds(30);

/// New pods are given this long to become ready before they speak against the version they run.
const SETTLING: TimeDelta = TimeDelta::minutes(2);

/// An indicator begins to rise at most this long after its cause: pods take their time to start, queries average.
const RISES_WITHIN: TimeDelta = TimeDelta::seconds(150);

/// A service that complains of another this soon after its own change may have been set up wrongly.
const AT_ONCE: TimeDelta = TimeDelta::seconds(120);

/// From this score on a suspect is a likely one.
const LIKELY: u32 = 40;
/// From this score on something besides its moment ties it to the trouble.
pub const TIED: u32 = 30;

/// A change with what is known around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub change: Change,
    /// What it set is still so: nothing changed it again since.
    pub is_present: bool,
    /// Unhealthy pods of the very version that it brought.
    pub sick: Sick,
    /// Its workload has fewer pods than its load asks for.
    pub is_short: bool,
    /// Deployments that read a changed ConfigMap.
    pub readers: Vec<Text>,
}

/// Unhealthy pods, and what is wrong with them. A pod counts once in `pods` and once at most beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sick {
    pub pods: usize,
    pub crashing: usize,
    pub out_of_memory: usize,
    /// They wait for an image, a volume or a setting.
    pub cannot_start: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    Possible,
    Likely,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect<'a> {
    pub candidate: &'a Candidate,
    pub confidence: Confidence,
    /// Higher is stronger.
    pub score: u32,
    /// `2 pods crash, rolled out 2 min before the trouble`.
    pub why: Text,
}

/// What the candidates are held against.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    pub now: DateTime<Utc>,
    /// When the trouble began; none where only pods are unhealthy.
    pub began: Option<DateTime<Utc>>,
    pub complaints: &'a [Complaint],
    pub onsets: &'a [Onset],
}

/// When an indicator that is bad began to leave its usual height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onset {
    /// `Error rate`.
    pub title: Text,
    pub role: Role,
    pub at: DateTime<Utc>,
}

impl<'a> Scene<'a> {
    /// The indicator that a change may have made rise. Where the database has no connection left, everything that asks it fails at the
    /// same moment: only what is used up says who took it.
    fn risen_since(self, at: DateTime<Utc>) -> Option<&'a Onset> {
        let is_used_up = self.complaints.iter().any(|complaint| complaint.about == About::DatabaseSlots);
        let tells = |onset: &&Onset| !is_used_up || onset.role == Role::Saturation;
        self.onsets.iter().filter(tells).find(|onset| (-AT_THE_SAME_TIME..=RISES_WITHIN).contains(&(onset.at - at)))
    }
}

impl Sick {
    fn words(self) -> Option<String> {
        let pods = |count: usize, one: &str, several: &str| if count == 1 { format!("1 pod {one}") } else { format!("{count} pods {several}") };
        match self {
            Self { pods: 0, .. } => None,
            Self { out_of_memory, .. } if out_of_memory > 0 => Some(format!("{} for memory", pods(out_of_memory, "was killed", "were killed"))),
            Self { crashing, .. } if crashing > 0 => Some(pods(crashing, "crashes", "crash")),
            Self { cannot_start, .. } if cannot_start > 0 => Some(pods(cannot_start, "cannot start", "cannot start")),
            Self { pods: count, .. } => Some(pods(count, "not ready", "not ready")),
        }
    }

    /// Ends by itself again and again, or cannot begin: not merely slow to start.
    fn is_broken(self) -> bool {
        self.crashing + self.out_of_memory + self.cannot_start > 0
    }
}

/// Everything that is suspected, the strongest first.
pub fn suspects<'a>(candidates: &'a [Candidate], scene: Scene<'_>) -> Vec<Suspect<'a>> {
    let mut found: Vec<Suspect<'a>> = candidates.iter().filter_map(|candidate| candidate.suspected(scene)).collect();
    let order = |suspect: &Suspect<'_>| (std::cmp::Reverse(suspect.score), std::cmp::Reverse(suspect.candidate.change.at));
    found.sort_by(|one, other| order(one).cmp(&order(other)).then_with(|| one.candidate.change.object.key.cmp(&other.candidate.change.object.key)));
    found
}

impl Candidate {
    fn suspected(&self, scene: Scene<'_>) -> Option<Suspect<'_>> {
        let at = self.change.at?;
        if !self.is_present || self.change.is_own() {
            return None;
        }
        let is_settled = scene.now - at >= SETTLING;
        if self.change.goes_back() {
            // Somebody took a rollout back. It ran before, so that only pods that break speak against it.
            return (self.sick.is_broken() && is_settled).then(|| self.tied(scene, at, 50)).flatten();
        }
        let lead = scene.began.map(|began| began - at);
        match lead {
            Some(lead) if lead > SUSPECT => None,
            Some(lead) if lead >= -AT_THE_SAME_TIME => self.before(scene, at, lead),
            // To half or less while the trouble lasted, and more is wrong since.
            _ if self.is_halved() && is_settled && scene.now - at <= SUSPECT && (self.is_short || scene.risen_since(at).is_some()) => {
                Some(self.suspect(scene, at, 62, Some("more is wrong since".to_owned())))
            }
            // Made while the trouble lasted, or without any trouble that is known.
            _ if self.sick.pods > 0 && scene.now - at <= SUSPECT && (is_settled || self.sick.is_broken()) => self.tied(scene, at, 45),
            _ => None,
        }
    }

    fn before(&self, scene: Scene<'_>, at: DateTime<Utc>, lead: TimeDelta) -> Option<Suspect<'_>> {
        let name = &self.change.object.key.name;
        let since = |complaint: &&Complaint| complaint.first_seen >= at - AT_THE_SAME_TIME;
        let own = || scene.complaints.iter().filter(since).filter(|complaint| complaint.service == *name);
        let of_itself = own().find(|complaint| complaint.about == About::Itself);
        // Who is blamed and blames another is not where it begins.
        let is_root = roots(scene.complaints).contains(&name);
        let of_it = scene.complaints.iter().filter(since).find(|complaint| is_root && complaint.about.other() == Some(name));
        let of_another = own().find(|complaint| matches!(complaint.about, About::Remote | About::Inside(_)) && complaint.first_seen - at <= AT_ONCE);
        let rises = scene.risen_since(at).map(|onset| format!("{} rose after it", onset.title));
        let nearness = u32::try_from(9 - 9 * lead.max(TimeDelta::zero()).num_seconds() / SUSPECT.num_seconds()).unwrap_or(0);
        let (score, why) = match &self.change.what {
            ChangeKind::Rollout { .. } => match (self.sick.words(), of_itself, of_it, of_another) {
                (Some(sick), ..) => (70, Some(sick)),
                (_, Some(complaint), ..) => (60, Some(format!("new errors in {}", complaint.service))),
                (_, _, Some(complaint), _) => (50, Some(format!("{} complains of it", complaint.service))),
                (_, _, _, Some(complaint)) => (45, Some(format!("new errors in {}", complaint.service))),
                _ if rises.is_some() => (TIED, rises),
                _ => (20, None),
            },
            ChangeKind::ConfigChanged { keys } => {
                let named = scene.complaints.iter().filter(since).find(|complaint| {
                    mentions(&complaint.shape, name) || keys.iter().any(|(key, ..)| mentions(&complaint.shape.to_lowercase(), &key.to_lowercase()))
                });
                let reads = |complaint: &&Complaint| {
                    self.readers.contains(&complaint.service) && !matches!(complaint.about, About::Service(_) | About::Overload)
                };
                let by_reader = scene.complaints.iter().filter(since).find(reads);
                match (named, by_reader) {
                    (Some(complaint), _) => (62, Some(format!("errors of {} name it", complaint.service))),
                    (_, Some(complaint)) => (58, Some(format!("new errors in {}, which reads it", complaint.service))),
                    _ if rises.is_some() => (TIED, rises),
                    _ => (18, None),
                }
            }
            ChangeKind::Scaled { from: Some(from), to } if to < from => {
                if self.is_short {
                    (65, Some("too few pods for the load".to_owned()))
                } else {
                    (19, None)
                }
            }
            ChangeKind::BoundsChanged { from: Some(from), to } if to.1 < from.1 => {
                if self.is_short {
                    (66, Some("at its bound".to_owned()))
                } else {
                    (19, None)
                }
            }
            _ => return None,
        };
        Some(self.suspect(scene, at, score + nearness, why))
    }

    fn is_halved(&self) -> bool {
        matches!(self.change.what, ChangeKind::Scaled { from: Some(from), to } if to.saturating_mul(2) <= from)
    }

    /// Suspected for its own sick pods, whenever it was made.
    fn tied(&self, scene: Scene<'_>, at: DateTime<Utc>, score: u32) -> Option<Suspect<'_>> {
        Some(self.suspect(scene, at, score, Some(self.sick.words()?)))
    }

    fn suspect(&self, scene: Scene<'_>, at: DateTime<Utc>, score: u32, why: Option<String>) -> Suspect<'_> {
        let when = format!("{} {}", self.verb(), when(scene, at));
        let why = why.map_or_else(|| when.clone(), |why| format!("{why}, {when}"));
        let confidence = if score >= LIKELY { Confidence::Likely } else { Confidence::Possible };
        Suspect { candidate: self, confidence, score, why: Text::line(&why) }
    }

    fn verb(&self) -> &'static str {
        match self.change.what {
            ChangeKind::Rollout { .. } => "rolled out",
            ChangeKind::Scaled { .. } => "scaled down",
            _ => "changed",
        }
    }
}

/// `2 min before the trouble`, `as the trouble began`, `7 min into the trouble`, `3 min ago`.
fn when(scene: Scene<'_>, at: DateTime<Utc>) -> String {
    let spoken = |length: TimeDelta| units::spoken(length.abs().to_std().unwrap_or_default());
    match scene.began.map(|began| began - at) {
        None => format!("{} ago", spoken(scene.now - at)),
        Some(lead) if lead.abs() <= AT_THE_SAME_TIME => "as the trouble began".to_owned(),
        Some(lead) if lead > TimeDelta::zero() => format!("{} before the trouble", spoken(lead)),
        Some(lead) => format!("{} into the trouble", spoken(lead)),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::object::{Key, Kind, ObjectRef},
        *,
    };

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + minutes * 60, 0).unwrap()
    }

    fn rollout(name: &str, minute: i64) -> Candidate {
        Candidate {
            change: Change {
                at: Some(at(minute)),
                object: ObjectRef { kind: Kind::Deployment, key: Key::new("n", name), uid: "u".into() },
                what: ChangeKind::Rollout { from: 41, to: 42, images: Vec::new(), brings_back: None, images_of: None },
                by: Some("ci".into()),
            },
            is_present: true,
            sick: Sick::default(),
            is_short: false,
            readers: Vec::new(),
        }
    }

    fn complaint(service: &str, about: About, minute: i64) -> Complaint {
        Complaint { service: service.into(), shape: "something is wrong".into(), recent: 20, first_seen: at(minute), about }
    }

    fn found<'a>(candidates: &'a [Candidate], complaints: &[Complaint], now: i64) -> Vec<(&'a str, Confidence, String)> {
        let scene = Scene { now: at(now), began: Some(at(7)), complaints, onsets: &[] };
        let name = |candidate: &'a Candidate| candidate.change.object.key.name.as_str();
        suspects(candidates, scene).into_iter().map(|suspect| (name(suspect.candidate), suspect.confidence, suspect.why.to_string())).collect()
    }

    use Confidence::{Likely, Possible};

    #[test]
    fn sick_pods_and_new_errors_tie_a_rollout_to_the_trouble_and_time_alone_does_not() {
        let mut sick = rollout("gateway", 5);
        sick.sick = Sick { pods: 2, crashing: 2, ..Sick::default() };
        let candidates = [rollout("portal", 6), rollout("engine", 4), sick];
        let complaints = [complaint("engine", About::Itself, 7), complaint("portal", About::Service("engine".into()), 7)];
        let expected = [
            ("gateway", Likely, "2 pods crash, rolled out 2 min before the trouble".to_owned()),
            ("engine", Likely, "new errors in engine, rolled out 3 min before the trouble".to_owned()),
            ("portal", Possible, "rolled out 60 s before the trouble".to_owned()),
        ];
        assert_eq!(found(&candidates, &complaints, 10), expected);
    }

    #[test]
    fn errors_that_were_there_before_a_rollout_do_not_speak_against_it() {
        let candidates = [rollout("engine", 4)];
        assert_eq!(found(&candidates, &[complaint("engine", About::Itself, 2)], 10)[0].1, Possible);
    }

    #[test]
    fn what_changed_while_the_trouble_lasted_is_suspected_only_for_its_own_sick_pods() {
        let mut late = rollout("gateway", 14);
        assert_eq!(found(&[late.clone()], &[complaint("gateway", About::Itself, 15)], 20), []);
        late.sick = Sick { pods: 1, ..Sick::default() };
        assert_eq!(found(&[late.clone()], &[], 15), [], "they may still be starting");
        assert_eq!(found(&[late], &[], 20), [("gateway", Likely, "1 pod not ready, rolled out 7 min into the trouble".to_owned())]);
    }

    #[test]
    fn an_image_that_was_set_back_is_not_suspected_for_errors() {
        let mut back = rollout("gateway", 6);
        back.change.what = ChangeKind::Rollout { from: 42, to: 43, images: Vec::new(), brings_back: None, images_of: Some(41) };
        assert_eq!(found(&[back], &[complaint("gateway", About::Itself, 7)], 20), []);
    }

    #[test]
    fn what_took_a_rollout_back_is_not_suspected_of_anything_but_broken_pods() {
        let mut back = rollout("gateway", 14);
        back.change.what = ChangeKind::Rollout { from: 42, to: 43, images: Vec::new(), brings_back: Some(41), images_of: None };
        back.sick = Sick { pods: 2, ..Sick::default() };
        assert_eq!(found(&[back.clone()], &[], 20), []);
        back.sick.crashing = 2;
        assert_eq!(found(&[back], &[], 20).len(), 1);
    }

    #[test]
    fn what_sev1_wrote_and_what_was_changed_again_is_not_suspected() {
        let mut own = rollout("gateway", 5);
        own.sick = Sick { pods: 2, crashing: 2, ..Sick::default() };
        let past = Candidate { is_present: false, ..own.clone() };
        own.change.by = Some("sev1".into());
        assert_eq!(found(&[own, past], &[], 20), []);
    }

    #[test]
    fn clocks_that_differ_by_seconds_make_no_order() {
        let mut candidate = rollout("gateway", 7);
        candidate.change.at = candidate.change.at.map(|at| at + TimeDelta::seconds(20));
        assert_eq!(found(&[candidate], &[], 10), [("gateway", Possible, "rolled out as the trouble began".to_owned())]);
    }

    #[test]
    fn an_indicator_that_rises_since_a_change_ties_it_though_not_for_sure() {
        let candidates = [rollout("portal", 1), rollout("gateway", 4)];
        let onsets = [Onset { title: "DB connections".into(), role: Role::Saturation, at: at(2) }];
        let scene = Scene { now: at(10), began: Some(at(7)), complaints: &[], onsets: &onsets };
        let found = suspects(&candidates, scene);
        assert_eq!(found[0].why, "DB connections rose after it, rolled out 6 min before the trouble");
        assert_eq!((found[0].confidence, found[0].score >= TIED, found[1].score >= TIED), (Possible, true, false));
    }

    /// Everything that asks the database fails once it is full: errors rise at that moment, whoever took the connections.
    #[test]
    fn where_the_database_is_full_only_its_connections_tell_who_took_them() {
        let onset = |title: &str, role, minute| Onset { title: title.into(), role, at: at(minute) };
        let complaints = [complaint("engine", About::DatabaseSlots, 7)];
        let onsets = [onset("Error rate", Role::Errors, 6), onset("DB connections", Role::Saturation, 1)];
        let candidates = [rollout("innocent", 5), rollout("leaks", 0)];
        let scene = Scene { now: at(10), began: Some(at(7)), complaints: &complaints, onsets: &onsets };
        let tied = |found: &[Suspect<'_>]| {
            found
                .iter()
                .filter(|suspect| suspect.score >= TIED)
                .map(|suspect| suspect.candidate.change.object.key.name.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(tied(&suspects(&candidates, scene)), ["leaks"]);
        let without = Scene { complaints: &[], ..scene };
        assert_eq!(tied(&suspects(&candidates, without)), ["innocent", "leaks"]);
    }

    #[test]
    fn a_config_map_is_tied_by_the_errors_of_who_reads_it() {
        let mut config = rollout("engine-settings", 5);
        config.change.what = ChangeKind::ConfigChanged { keys: Vec::new() };
        config.readers = vec!["engine".into()];
        assert_eq!(found(&[config.clone()], &[complaint("engine", About::Itself, 6)], 10)[0].1, Likely);
        assert_eq!(found(&[config], &[complaint("engine", About::Service("gov".into()), 6)], 10)[0].1, Possible);
    }

    #[test]
    fn an_old_rollout_is_not_suspected() {
        let candidates = [rollout("gateway", 7 - 31)];
        assert_eq!(found(&candidates, &[], 10), []);
    }

    #[test]
    fn fewer_pods_are_a_likely_cause_where_the_load_asks_for_more() {
        let mut scaled = rollout("engine", 5);
        scaled.change.what = ChangeKind::Scaled { from: Some(6), to: 2 };
        assert_eq!(found(&[scaled.clone()], &[], 10)[0].1, Possible);
        scaled.is_short = true;
        assert_eq!(found(&[scaled], &[], 10), [("engine", Likely, "too few pods for the load, scaled down 2 min before the trouble".to_owned())]);
    }

    #[test]
    fn a_key_that_errors_name_is_a_likely_cause() {
        let mut config = rollout("engine-config", 5);
        config.change.what = ChangeKind::ConfigChanged { keys: vec![("pool_size".into(), Some("24".into()), Some("0".into()))] };
        let mut complaint = complaint("engine", About::Itself, 7);
        assert_eq!(found(&[config.clone()], std::slice::from_ref(&complaint), 10)[0].1, Possible);
        complaint.shape = "POOL_SIZE must be greater than 0".into();
        assert_eq!(found(&[config], &[complaint], 10)[0].1, Likely);
    }

    #[test]
    fn sick_pods_of_a_fresh_rollout_count_before_any_indicator_moved() {
        let mut candidate = rollout("gateway", 5);
        candidate.sick = Sick { pods: 1, cannot_start: 1, ..Sick::default() };
        let scene = Scene { now: at(8), began: None, complaints: &[], onsets: &[] };
        assert_eq!(suspects(&[candidate], scene)[0].why, "1 pod cannot start, rolled out 3 min ago");
    }
}
