//! The writes of a confirmed plan, phase by phase: each is sent once, and what became of each is journalled.
//!
//! A refusal changes nothing, so to ask again after one has no second effect. It is done only where the phase says so, after
//! a line of its own in the journal, and with the same precondition on the uid as the first time: an eviction of a pod that
//! is on its way out already changes nothing, and one of a namesake is refused. An answer that did not come is never asked
//! for again: it ends the sending, and is looked into by reading.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use serde_json::Value;

use crate::{
    connect::Ran,
    domain::{
        mitigation::{ActionEvent, CommandRun, Outcome, Plan, Write},
        object::ObjectRef,
        phase::{LeftOut, Phase, Refusal, Wait},
        text::Text,
        time::Mono,
    },
    journal::Seq,
};

use super::{
    api::Sent,
    converge,
    engine::{Core, LONGEST_PAUSE},
    nodes, pods, record, write,
};

/// What became of the writes of a plan.
pub struct Sending {
    pub outcome: Outcome,
    /// Writes that the server answered with success.
    pub done: u32,
    /// What a person should know besides: pods left out, and why.
    pub notes: Vec<Text>,
    /// The write without an answer.
    pub unanswered: Option<Write>,
    /// What was changed last and is still there, as the answer shows it, and the write that made it so.
    pub stored: Option<(Write, Value)>,
    /// The command that was run, and what it wrote.
    pub ran: Option<(CommandRun, Ran)>,
}

/// Why no more is sent.
enum End {
    /// The answer of a write that the others rest on, or none.
    Answered(Outcome),
    /// The rest was left alone, and why.
    LeftAlone(String),
}

/// What became of one write, where others follow.
enum Taken {
    Done,
    LeftOut,
    /// A disruption budget refuses it for the moment, in the server's words.
    Waits(Text),
}

struct Run<'a> {
    core: &'a Arc<Core>,
    plan: &'a Plan,
    intent: Seq,
    owners: &'a [converge::Owner],
    of: u32,
    answered: u32,
    /// What each was about, and the server's words.
    refused: Vec<(String, Text)>,
    sending: Sending,
}

pub async fn all(core: &Arc<Core>, plan: &Plan, intent: Seq, owners: &[converge::Owner]) -> Sending {
    let of = u32::try_from(plan.writes.len()).unwrap_or(u32::MAX);
    let sending = Sending { outcome: Outcome::Done, done: 0, notes: Vec::new(), unanswered: None, stored: None, ran: None };
    let mut run = Run { core, plan, intent, owners, of, answered: 0, refused: Vec::new(), sending };
    let mut rest = plan.writes.as_slice();
    for phase in &plan.phases {
        let (writes, later) = rest.split_at(phase.writes.min(rest.len()));
        rest = later;
        if let ControlFlow::Break(end) = run.phase(phase, writes).await {
            return run.finish(Some(end));
        }
    }
    run.finish(None)
}

impl Run<'_> {
    async fn phase(&mut self, phase: &Phase, writes: &[Write]) -> ControlFlow<End> {
        let began = self.core.clock.now().mono;
        let mut waiting = Vec::new();
        let mut all_gone = Vec::new();
        let mut batches = writes.chunks(phase.wait.after().unwrap_or(writes.len()).max(1)).peekable();
        while let Some(batch) = batches.next() {
            let is_last = batches.peek().is_none();
            let mut gone = Vec::new();
            for write in batch {
                match self.one(phase, write, 1).await? {
                    Taken::Done => gone.extend(write.target().cloned()),
                    Taken::LeftOut => {}
                    Taken::Waits(says) => waiting.push((write, says)),
                }
            }
            if !is_last && !gone.is_empty() {
                all_gone.extend(gone.iter().cloned());
                self.wait(phase, &all_gone, &gone, began).await?;
            }
        }
        match phase.refusal {
            Refusal::AskedAgain { within } if !waiting.is_empty() => self.ask_again(phase, waiting, began, within).await,
            _ => ControlFlow::Continue(()),
        }
    }

    /// Sends one write, unless it is left out or the person stopped it all.
    async fn one(&mut self, phase: &Phase, write: &Write, attempt: u32) -> ControlFlow<End, Taken> {
        self.not_stopped()?;
        if let Some(note) = left_out(self.core, phase.left_out, write).await {
            return self.leave_out(write, attempt, note).await;
        }
        match write::send(&self.core.api, write).await {
            Sent::Done(object) => {
                if !write.removes() {
                    self.sending.stored = Some((write.clone(), object));
                }
                self.done(write, attempt).await
            }
            Sent::Ran(ran) => {
                if let Write::Command(run) = write {
                    self.sending.ran = Some((run.clone(), ran));
                }
                self.done(write, attempt).await
            }
            Sent::Refused { status: 404 | 409, says } if phase.left_out != LeftOut::Never => {
                let note = Text::line(&format!("{} left out: gone or replaced meanwhile: {says}", name(write)));
                self.leave_out(write, attempt, note).await
            }
            Sent::Refused { status, says } if phase.refusal.is_asked_again(status) => {
                self.say_progress(Some(held(write, "", &says))).await;
                ControlFlow::Continue(Taken::Waits(says))
            }
            Sent::Refused { says, .. } if phase.refusal != Refusal::Ends => {
                self.refused.push((write.to_string(), says.clone()));
                self.note(write, attempt, &Outcome::Refused(says)).await?;
                self.progress(None).await;
                ControlFlow::Continue(Taken::LeftOut)
            }
            Sent::Refused { status: 404 | 409 | 422, says } => {
                ControlFlow::Break(End::Answered(Outcome::Refused(self.with_what_changed(write, says).await)))
            }
            other => {
                if let Sent::Unknown(_) = other {
                    self.sending.unanswered = Some(write.clone());
                }
                ControlFlow::Break(End::Answered(other.outcome()))
            }
        }
    }

    /// A refusal by a precondition says no more than that it failed: what changed is read.
    async fn with_what_changed(&self, write: &Write, says: Text) -> Text {
        match write::moved(&self.core.api, write, false, &self.plan.targets).await {
            Ok(Some(changed)) => Text::line(&format!("{changed} ({says})")),
            Ok(None) | Err(_) => says,
        }
    }

    async fn done(&mut self, write: &Write, attempt: u32) -> ControlFlow<End, Taken> {
        self.sending.done += 1;
        self.note(write, attempt, &Outcome::Done).await?;
        self.progress(None).await;
        ControlFlow::Continue(Taken::Done)
    }

    async fn leave_out(&mut self, write: &Write, attempt: u32, note: Text) -> ControlFlow<End, Taken> {
        self.sending.notes.push(note.clone());
        self.note(write, attempt, &Outcome::Refused(note)).await?;
        self.progress(None).await;
        ControlFlow::Continue(Taken::LeftOut)
    }

    /// Asks for the refused evictions again, in turn, until the time is up or none is left.
    async fn ask_again(&mut self, phase: &Phase, mut waiting: Vec<(&Write, Text)>, began: Mono, within: Duration) -> ControlFlow<End> {
        let mut pause = self.core.api.pace.ask_again_after;
        let mut attempt = 1;
        loop {
            let Some((write, says)) = waiting.first() else { return ControlFlow::Continue(()) };
            let others = if waiting.len() > 1 { format!(", and {} more", waiting.len() - 1) } else { String::new() };
            let waits = held(write, &others, says);
            if self.core.clock.now().mono.since(began) + pause > within {
                return ControlFlow::Break(End::LeftAlone(format!("after {} {waits}", in_words(within))));
            }
            self.say_progress(Some(waits)).await;
            self.pause(pause).await?;
            pause = (pause * 2).min(LONGEST_PAUSE);
            attempt += 1;
            let mut still = Vec::new();
            for (write, says) in waiting {
                self.not_stopped()?;
                let again = record::step(self.intent.0, self.plan, write, attempt, &Outcome::Refused(says));
                self.journal(record::ASKED_AGAIN, again).await?;
                if let Taken::Waits(says) = self.one(phase, write, attempt).await? {
                    still.push((write, says));
                }
            }
            waiting = still;
        }
    }

    /// What has to be there before the next batch. `gone` are those of the last one.
    async fn wait(&self, phase: &Phase, all_gone: &[ObjectRef], gone: &[ObjectRef], began: Mono) -> ControlFlow<End> {
        match phase.wait {
            Wait::Nothing => ControlFlow::Continue(()),
            Wait::Replacements { .. } if self.owners.iter().any(|owner| owner.before.is_none()) => {
                ControlFlow::Break(End::LeftAlone("the replacements could not be watched".to_owned()))
            }
            Wait::Replacements { .. } => {
                let replaced = converge::replacements(self.core, (self.plan.id, self.answered, self.of), self.owners, all_gone);
                match self.unless_stopped(replaced).await? {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(why) => ControlFlow::Break(End::LeftAlone(why)),
                }
            }
            Wait::Gone { .. } => self.until_gone(phase, gone, began).await,
        }
    }

    async fn until_gone(&self, phase: &Phase, gone: &[ObjectRef], began: Mono) -> ControlFlow<End> {
        loop {
            let mut left = Vec::new();
            for pod in gone {
                // What cannot be read may be there still.
                if self.core.api.find(pod).await.map_or(true, |found| found.is_some_and(|found| pods::uid(&found) == pod.uid.as_str())) {
                    left.push(pod);
                }
            }
            let Some(first) = left.first() else { return ControlFlow::Continue(()) };
            let waits = match gone.len() {
                1 => format!("{first} is not gone yet"),
                many => format!("{} of the last {many} pods not gone yet, {first} among them", left.len()),
            };
            if let Refusal::AskedAgain { within } = phase.refusal
                && self.core.clock.now().mono.since(began) > within
            {
                return ControlFlow::Break(End::LeftAlone(format!("after {} {waits}", in_words(within))));
            }
            self.say_progress(Some(Text::line(&waits))).await;
            self.pause(self.core.api.pace.look_every).await?;
        }
    }

    fn not_stopped(&self) -> ControlFlow<End> {
        if self.of > 1 && self.core.stopped().borrow().contains(&self.plan.id) { ControlFlow::Break(stopped()) } else { ControlFlow::Continue(()) }
    }

    async fn pause(&self, pause: Duration) -> ControlFlow<End> {
        self.unless_stopped(self.core.pause(pause)).await.map_continue(drop)
    }

    /// Only for what writes nothing: it is dropped when the person stops it.
    async fn unless_stopped<T>(&self, waiting: impl Future<Output = T>) -> ControlFlow<End, T> {
        let mut stops = self.core.stopped();
        let came = stops.wait_for(|stopped| stopped.contains(&self.plan.id));
        tokio::select! {
            biased;
            _ = came => ControlFlow::Break(stopped()),
            done = waiting => ControlFlow::Continue(done),
        }
    }

    /// Journals what became of one write of several; of a single one the outcome says it.
    async fn note(&self, write: &Write, attempt: u32, outcome: &Outcome) -> ControlFlow<End> {
        if self.of == 1 {
            return ControlFlow::Continue(());
        }
        self.journal(record::STEP, record::step(self.intent.0, self.plan, write, attempt, outcome)).await
    }

    async fn journal(&self, kind: &'static str, fields: Value) -> ControlFlow<End> {
        match self.core.journal(kind, fields).await {
            Ok(_) => ControlFlow::Continue(()),
            Err(why) => ControlFlow::Break(End::LeftAlone(format!("the journal cannot be written: {why}"))),
        }
    }

    /// One more write has its answer.
    async fn progress(&mut self, waits: Option<Text>) {
        self.answered += 1;
        self.say_progress(waits).await;
    }

    async fn say_progress(&self, waits: Option<Text>) {
        self.core.say(ActionEvent::Progress { id: self.plan.id, done: self.answered, of: self.of, waits }).await;
    }

    fn finish(self, end: Option<End>) -> Sending {
        let Self { of, refused, mut sending, .. } = self;
        let (done, refusals) = (sending.done, refusals(&refused));
        sending.outcome = match end {
            Some(End::Answered(outcome)) => after(done, of, outcome),
            Some(End::LeftAlone(why)) if done == 0 => Outcome::Failed(Text::line(&format!("nothing was done: {why}{refusals}"))),
            Some(End::LeftAlone(why)) => {
                Outcome::Partly(Text::line(&format!("{done} of {of} were done, the others were left alone: {why}{refusals}")))
            }
            None if done == 0 && refused.is_empty() => Outcome::Refused("nothing was done: every pod is healthy or gone by now".into()),
            None if done == 0 => Outcome::Refused(Text::line(refusals.trim_start_matches("; "))),
            None if !refused.is_empty() => Outcome::Partly(Text::line(&format!("{done} of {of} were done{refusals}"))),
            None => Outcome::Done,
        };
        sending
    }
}

fn stopped() -> End {
    End::LeftAlone("stopped by you".to_owned())
}

/// `; the server refuses pod/a: …`, or nothing.
fn refusals(refused: &[(String, Text)]) -> String {
    let all: Vec<_> = refused.iter().map(|(target, says)| format!("; the server refuses {target}: {says}")).collect();
    all.concat()
}

/// What it is about, without its kind.
fn name(write: &Write) -> String {
    write.target().map_or_else(|| write.to_string(), |target| target.key.name.to_string())
}

/// `PDB shop-pdb holds pod/shop-abc: …`, with the name of the budget first: a narrow screen shows no more.
fn held(write: &Write, others: &str, says: &str) -> Text {
    let budget = says.split_once("The disruption budget ").and_then(|(_, rest)| rest.split_whitespace().next());
    let who = budget.map_or_else(|| "the server".to_owned(), |budget| format!("PDB {budget}"));
    Text::line(&format!("{who} holds {write}{others}: {says}"))
}

fn in_words(span: Duration) -> String {
    let seconds = span.as_secs();
    if seconds.is_multiple_of(60) { format!("{} min", seconds / 60) } else { format!("{seconds} s") }
}

/// Why a write is not sent after all.
async fn left_out(core: &Core, when: LeftOut, write: &Write) -> Option<Text> {
    let target = write.target().filter(|_| when != LeftOut::Never)?;
    let name = &target.key.name;
    match core.api.find(target).await {
        Ok(Some(pod)) if pods::uid(&pod) != target.uid.as_str() => Some(Text::line(&format!("{name} left out: another pod has its name now"))),
        Ok(Some(pod)) if when != LeftOut::Erased && pods::is_deleting(&pod) => {
            Some(Text::line(&format!("{name} left out: it is being deleted already")))
        }
        Ok(Some(pod)) if when == LeftOut::GoneOrHealthy => {
            let lost = nodes::lost(&core.api, std::iter::once(&pod)).await;
            pods::vitals_on(&pod, &lost).spared(core.server_now()).map(|why| Text::line(&format!("{name} left out: {why}")))
        }
        Ok(None) => Some(Text::line(&format!("{name} left out: it is gone"))),
        // The write carries the uid: it may be sent without this look.
        Ok(Some(_)) | Err(_) => None,
    }
}

/// The outcome of a whole plan, once it is known what became of its one write without an answer: the last that was sent.
pub fn with_others(plan: &Plan, done: u32, write: &Write, outcome: Outcome) -> Outcome {
    let of = u32::try_from(plan.writes.len()).unwrap_or(u32::MAX);
    match outcome {
        Outcome::Done if done + 1 < of => {
            let done = done + 1;
            Outcome::Partly(Text::line(&format!("{done} of {of} were done; the answer for {write} was lost, and nothing was sent after it")))
        }
        Outcome::Failed(why) if done > 0 => Outcome::Partly(Text::line(&format!("{done} of {of} were done, and nothing was sent after: {why}"))),
        other => after(done, of, other),
    }
}

/// The outcome of a write that was not the first says how many went before.
fn after(done: u32, of: u32, outcome: Outcome) -> Outcome {
    if done == 0 {
        return outcome;
    }
    let say = |why: &Text| Text::line(&format!("after {done} of {of} were done: {why}"));
    match outcome {
        Outcome::Done => Outcome::Done,
        Outcome::Partly(how) => Outcome::Partly(say(&how)),
        Outcome::Refused(why) => Outcome::Refused(say(&why)),
        Outcome::Failed(why) => Outcome::Failed(say(&why)),
        Outcome::Unknown(why) => Outcome::Unknown(say(&why)),
    }
}
