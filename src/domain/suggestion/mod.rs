//! Which mitigation the evidence speaks for, what is better waited for, and what is still in force. Nothing is run by itself.
//!
//! What takes the cause away comes before what relieves a symptom, and silence before a guess: where several changes came
//! before a trouble and nothing ties one of them to it, none is suggested and all are named.

mod causes;
mod relief;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::{
    ask::{Request, RequestKind, Wish},
    asks::{SetConfigKey, UndoRollout},
    complaint::{About, Complaint, roots},
    object::{Key, ObjectRef},
    shell::{self, KubectlFlags},
    suspect::{Candidate, Confidence, Onset, Scene, Suspect, TIED, suspects},
    text::Text,
    units,
};

#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    /// The key that opens its card on the cockpit: `u`, `r`, `b`, `s`.
    pub key: char,
    /// `undo rollout api-gateway to rev 41`.
    pub title: Text,
    pub confidence: Confidence,
    /// `2 pods crash, rolled out 2 min before the trouble`.
    pub evidence: Text,
    /// Higher is stronger.
    pub weight: u32,
    /// Id of the indicator it is meant to better, by which it is judged.
    pub aim: Option<Text>,
    pub request: Request,
    /// The same by kubectl, for those who may not write from here.
    pub kubectl: Text,
}

/// What the evidence comes to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Advice {
    /// Strongest first.
    pub suggestions: Vec<Suggestion>,
    /// A mitigation is at work: what it has done so far, and until when to wait.
    pub waiting: Option<Text>,
    /// Why there is no suggestion, and where to look.
    pub note: Option<Text>,
}

/// What is known that speaks for or against a mitigation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evidence {
    pub now: DateTime<Utc>,
    /// When the present trouble began; none while there is none.
    pub began: Option<DateTime<Utc>>,
    /// Id of the worst indicator, by which a cure is judged.
    pub worst: Option<Text>,
    /// Id of an error indicator that is critical.
    pub critical_errors: Option<Text>,
    pub candidates: Vec<Candidate>,
    pub complaints: Vec<Complaint>,
    /// The errors were read, or cannot be: what they might say has not to be waited for.
    pub knows_errors: bool,
    pub onsets: Vec<Onset>,
    /// Where the deployments are that complaints name.
    pub namespace: Text,
    /// Names of the deployments there.
    pub deployments: Vec<Text>,
    /// A quota lets no other pods come.
    pub has_quota: bool,
    /// Unhealthy pods by app, without those on lost nodes.
    pub unhealthy: Vec<UnhealthyApp>,
    /// Nodes that stopped answering, and what was on them.
    pub lost: Vec<LostNode>,
    /// The circuit breaker, where its ConfigMap was seen.
    pub breaker: Option<Breaker>,
    /// Indicators of load that are critical, with the deployment that would take more of it.
    pub overloads: Vec<Overload>,
    /// Autoscalers that want more than they may have.
    pub capped: Vec<Capped>,
    pub reversals: Vec<Reversal>,
    /// A mitigation, ours or another's, whose effect has to be waited for.
    pub waiting: Option<Text>,
    /// A mitigation of ours that is not judged yet, and what it has done so far.
    pub unjudged: Option<Text>,
    /// What somebody changed a moment ago that may be a cure of its own: not to be changed again before that shows.
    pub touched: Vec<Touched>,
    /// What was done in this episode and had no effect: it is not suggested once more.
    pub without_effect: Vec<Tried>,
    /// A mitigation of this episode helped, and nothing went wrong since: only what is tied to the trouble is suggested.
    pub was_cured: bool,
    /// A bad indicator that still gets worse: `Sync backlog 12,161`.
    pub gets_worse: Option<Text>,
    /// The setting of ours that is in force and made an indicator bad that still is.
    pub price: Option<Text>,
    pub restart_at_once: u8,
    /// What leads kubectl here; none: the context's name cannot be written down so that it means the same.
    pub kubectl: Option<KubectlFlags>,
}

/// An object that somebody else just changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// Name of the workload, or of its autoscaler.
    pub name: Text,
    /// That it is too early to see whether it helps.
    pub waiting: Text,
}

/// A mitigation that was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    pub title: Text,
    pub wish: Wish,
}

impl Tried {
    /// Whether a request asks for the same.
    fn is(&self, request: &RequestKind) -> bool {
        let RequestKind::Do(wish) = request else { return false };
        is_same_wish(wish, &self.wish)
    }
}

/// Whether both want the same, with other pods or other numbers too. Another revision, or another value, is something else.
fn is_same_wish(one: &Wish, other: &Wish) -> bool {
    one == other || (!takes_back(one) && one.is_like(other))
}

fn is_same(one: &RequestKind, other: &RequestKind) -> bool {
    match (one, other) {
        (RequestKind::Do(one), RequestKind::Do(other)) => is_same_wish(one, other),
        _ => one == other,
    }
}

/// Whether it is of a kind by which a cause is taken away.
fn takes_back(wish: &Wish) -> bool {
    [UndoRollout::NAME, SetConfigKey::NAME].contains(&wish.kind())
}

impl Touched {
    /// Whether a request changes the same thing in another way. A change taken back takes a cause away, whoever does what there.
    fn is_meant_by(&self, request: &RequestKind) -> bool {
        let RequestKind::Do(wish) = request else { return false };
        !takes_back(wish) && (wish.about() == *self.name || wish.objects().iter().any(|object| object.key.name == self.name))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnhealthyApp {
    pub app: Text,
    pub pods: Vec<ObjectRef>,
    /// How many of them wait in a crash loop.
    pub crash_looping: usize,
    pub out_of_memory: usize,
    /// How many run, and are not ready for no reason that a new start would not end.
    pub hanging: usize,
    /// Others of it that are not among `pods`: not to be expected to be ready yet, or ready again after they were killed.
    pub started: usize,
    /// The deployment they belong to.
    pub deployment: Option<Key>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostNode {
    pub name: Text,
    pub since: Option<DateTime<Utc>>,
    /// Those with a controller that replaces them elsewhere.
    pub pods: Vec<ObjectRef>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    pub config_map: Key,
    pub name: Text,
    pub value_on: Text,
    pub is_on: bool,
    /// Deployments that read it: their calls are guarded. Empty where that is not known.
    pub readers: Vec<Text>,
    /// Services whose callers it spares, as configured. Empty where that is not known.
    pub guards: Vec<Text>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overload {
    /// `Sync backlog 4,210`.
    pub what: Text,
    /// Id of the indicator.
    pub indicator: Text,
    pub deployment: Key,
    pub replicas: u32,
    pub ready: u32,
    /// Most replicas that an autoscaler allows.
    pub max: Option<u32>,
}

/// Something done from here that has to be turned round: it made things worse and is taken back, or it helped, was taken back, and is
/// done again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reversal {
    pub key: char,
    /// `take back: Scale · sync-service`.
    pub title: Text,
    pub evidence: Text,
    pub request: Request,
    pub aim: Option<Text>,
}

/// An autoscaler at its bound, with more load than its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capped {
    pub autoscaler: Key,
    pub max: u32,
    /// How many pods would bring its metric to the target.
    pub wanted: u32,
    /// `cpu 96%/70%`.
    pub metric: Text,
    /// All pods of what it scales are ready.
    pub is_ready: bool,
}

/// How far up a kind of suggestion stands: causes, then what hangs, then relief.
mod weight {
    pub const REVERSAL: u32 = 120;
    pub const LOST_NODES: u32 = 112;
    pub const SUSPECT: u32 = 30;
    pub const HANGING: u32 = 78;
    pub const CAPPED: u32 = 74;
    pub const NAMES: u32 = 72;
    pub const ANEW: u32 = 71;
    pub const DEPENDENCY: u32 = 70;
    pub const OUT_OF_MEMORY: u32 = 46;
    pub const OVERLOAD: u32 = 44;
    pub const RELIEF: u32 = 20;
}

/// Objects that a sentence names at most.
const NAMED: usize = 3;

/// Ranked, strongest first; bounded by what the evidence holds.
pub fn advise(evidence: &Evidence) -> Advice {
    if let Some(waiting) = &evidence.waiting {
        return Advice { waiting: Some(waiting.clone()), ..Advice::default() };
    }
    // What was wrong is past: nothing has to be done any more.
    if evidence.began.is_none() && evidence.unhealthy.is_empty() && evidence.lost.is_empty() {
        return Advice::default();
    }
    let scene = Scene { now: evidence.now, began: evidence.began, complaints: &evidence.complaints, onsets: &evidence.onsets };
    let all = suspects(&evidence.candidates, scene);
    let named: Vec<&Suspect<'_>> = evidence.named(&all);
    let mut suggestions: Vec<Suggestion> = named.iter().filter_map(|suspect| evidence.take_back(suspect)).collect();
    suggestions.extend(evidence.reversals.iter().map(|reversal| Suggestion {
        key: reversal.key,
        title: reversal.title.clone(),
        confidence: Confidence::Likely,
        evidence: reversal.evidence.clone(),
        weight: weight::REVERSAL,
        aim: reversal.aim.clone(),
        request: reversal.request.clone(),
        kubectl: Text::default(),
    }));
    suggestions.extend(evidence.replace());
    suggestions.extend(evidence.unhealthy.iter().filter_map(|app| evidence.restart(app, &named)));
    suggestions.extend(evidence.capped.iter().filter(|_| evidence.began.is_some() && !evidence.has_quota).map(|capped| evidence.raise(capped)));
    suggestions.extend(evidence.restart_dns());
    suggestions.extend(evidence.start_anew());
    let has_cause = !suggestions.is_empty();
    suggestions.extend(evidence.breaker_on(has_cause));
    suggestions.extend(evidence.overloads.iter().filter_map(|overload| evidence.scale(overload, has_cause)));
    suggestions.sort_by(|one, other| other.weight.cmp(&one.weight).then_with(|| one.title.cmp(&other.title)));
    let mut asked: Vec<RequestKind> = Vec::new();
    // What is to be done again may be found by its own grounds, too; and of two numbers for one thing the one with better grounds stays.
    suggestions.retain(|suggestion| {
        let is_new = !asked.iter().any(|asked| is_same(asked, &suggestion.request.kind));
        if is_new {
            asked.push(suggestion.request.kind.clone());
        }
        is_new
    });
    let touched = |suggestion: &Suggestion| evidence.touched.iter().find(|touched| touched.is_meant_by(&suggestion.request.kind));
    let waiting = suggestions.iter().find_map(touched).map(|touched| touched.waiting.clone());
    suggestions.retain(|suggestion| touched(suggestion).is_none());
    let tried = |suggestion: &Suggestion| evidence.without_effect.iter().find(|tried| tried.is(&suggestion.request.kind));
    let in_vain = suggestions.iter().find_map(tried).map(|tried| tried.title.clone());
    suggestions.retain(|suggestion| tried(suggestion).is_none());
    if !suggestions.is_empty() {
        return Advice { suggestions, waiting: None, note: None };
    }
    let in_vain = in_vain.map(|title| Text::line(&format!("{title} had no effect, and nothing else stands out")));
    let note = || evidence.unjudged.clone().or(in_vain).or_else(|| evidence.note(&all));
    let note = if waiting.is_some() { None } else { note() };
    Advice { suggestions, waiting, note }
}

impl Evidence {
    /// The suspects that are worth a suggestion: those that something ties to the trouble; else the only one there is.
    fn named<'s, 'a>(&self, all: &'s [Suspect<'a>]) -> Vec<&'s Suspect<'a>> {
        let likely: Vec<_> = all.iter().filter(|suspect| suspect.confidence == Confidence::Likely).collect();
        if !likely.is_empty() || self.was_cured || self.is_explained() {
            return likely;
        }
        // Coincidence in time alone is no ground; where several are tied by no more than a rise, none stands out.
        let tied: Vec<_> = all.iter().filter(|suspect| suspect.score >= TIED).collect();
        if tied.len() == 1 && self.knows_errors { tied } else { Vec::new() }
    }

    /// Something other than a change accounts for the trouble.
    fn is_explained(&self) -> bool {
        !self.lost.is_empty()
            || !self.capped.is_empty()
            || self.unanswered().is_some()
            || self.speaks_of(&About::Names)
            || self.speaks_of(&About::Certificate)
    }

    fn speaks_of(&self, about: &About) -> bool {
        self.complaints.iter().any(|complaint| complaint.about == *about)
    }

    /// The loudest complaint of something that does not answer: by a service that blames no deployment by name, and says nothing worse of
    /// itself.
    fn unanswered(&self) -> Option<&Complaint> {
        let roots = roots(&self.complaints);
        let blames_by_name = |service: &Text| self.complaints.iter().any(|one| one.service == *service && matches!(one.about, About::Service(_)));
        let of_roots = || self.complaints.iter().filter(|one| roots.contains(&&one.service) || !blames_by_name(&one.service));
        let is_silence = |complaint: &Complaint| matches!(complaint.about, About::Remote | About::Inside(_));
        let loudest = of_roots().filter(|complaint| is_silence(complaint)).max_by_key(|complaint| complaint.recent)?;
        let sum = |is_silent: bool| {
            let of = of_roots().filter(|complaint| complaint.service == loudest.service && is_silence(complaint) == is_silent);
            of.map(|complaint| complaint.recent).fold(0, u64::saturating_add)
        };
        (sum(true) > sum(false)).then_some(loudest)
    }

    fn kubectl(&self, words: &[String], namespace: &str) -> Text {
        let Some(flags) = &self.kubectl else { return Text::default() };
        let mut line = shell::line(std::iter::once("kubectl").chain(words.iter().map(String::as_str)));
        let _ = write!(line, " -n {}", shell::quoted(namespace));
        flags.words().for_each(|flag| line.extend([" ", &flag]));
        let shown = Text::line(&line);
        // Half a command, or one that names something else, is none.
        if shown == line.as_str() && !line.contains("<U+") { shown } else { Text::default() }
    }

    /// Why nothing is suggested, and where to look.
    fn note(&self, all: &[Suspect<'_>]) -> Option<Text> {
        self.began?;
        let service = |about: &About| self.complaints.iter().find(|complaint| complaint.about == *about).map(|complaint| complaint.service.clone());
        let words = if self.has_quota {
            "a quota lets no more pods come: more replicas change nothing".to_owned()
        } else if self.was_cured {
            match &self.gets_worse {
                Some(what) => format!("the mitigation helped, and {what} gets worse: it may be the price of it"),
                None => "the mitigation helped: wait until all is good".to_owned(),
            }
        } else if let Some(price) = &self.price {
            format!("{price}: look whether it is needed still")
        } else if !self.lost.is_empty() {
            // The nodes account for the trouble, and nothing on them is left to be replaced.
            return None;
        } else if let Some(service) = service(&About::Certificate) {
            format!("{service} speaks of a certificate: look at that first")
        } else if all.len() > 1 {
            let mut names: Vec<&str> = all.iter().map(|suspect| suspect.candidate.change.object.key.name.as_str()).collect();
            names.dedup();
            format!("{} changes before it, none stands out: look at {}", all.len(), units::first_few(names, NAMED))
        } else if let Some(complaint) = self.complaints.iter().max_by_key(|complaint| complaint.recent) {
            format!("no change and no pod explains it: look at the errors of {}", complaint.service)
        } else {
            return None;
        };
        Some(Text::line(&words))
    }
}

/// Half as many again, at least one, and no more than the autoscaler allows.
pub fn more_replicas(current: u32, max: Option<u32>) -> u32 {
    let wanted = current.saturating_add((current / 2).max(1));
    max.map_or(wanted, |max| wanted.min(max))
}
