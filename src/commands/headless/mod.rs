//! A mitigation without a screen: the same plan, checks, journal and writer; the context's name is the confirmation.

mod card;
mod compare;
pub mod help;
mod interrupt;
mod origin;
pub mod plan_file;
mod session;

use std::{path::Path, time::Duration};

use self::{
    origin::Saved,
    session::{Ended, Planned, Session},
};
use super::{Exit, home::Home, output, setup};
use crate::{
    cli::{Cli, Do, Headless, Output, Undo},
    config::Loaded,
    connect::Target,
    domain::{
        ask::{Finished, Request, RequestKind},
        asks::Run,
        mitigation::Outcome,
        text::Text,
    },
};

/// What is wanted, once it was read from the command line.
struct Order<'a> {
    request: RequestKind,
    how: &'a Headless,
    reason: Text,
    /// Where the plan is saved in place of being carried out.
    plan_out: Option<&'a Path>,
    /// The plan that was saved, to compare with.
    saved: Option<&'a Saved>,
}

/// How it came out, for the exit code and the JSON document.
#[derive(Debug, Clone, PartialEq)]
enum Ending {
    /// Planned and printed; whether it could be confirmed as it is.
    Planned {
        blocked: Option<Text>,
    },
    NotPlanned(Text),
    /// The confirmation was not accepted.
    NotConfirmed(Text),
    Ended(Ended),
}

/// `sev1 do`.
pub fn act(what: &Do, cli: &Cli, loaded: &mut Loaded) -> Exit {
    let (target, home) = match place(cli) {
        Ok(found) => found,
        Err(exit) => return exit,
    };
    home.settle(loaded);
    let loaded = &*loaded;
    let saved = match what.plan.as_deref().map(|path| Saved::load(path, &home)).transpose() {
        Ok(saved) => saved,
        Err(refusal) => {
            output::complain(&refusal.says);
            return refusal.exit;
        }
    };
    let words: Vec<&str> = what.words.iter().map(String::as_str).collect();
    let wish = match (&saved, what.kind.as_deref().and_then(crate::actions::kinds::find)) {
        (Some(saved), _) => saved.wish(),
        (None, Some(kind)) => kind.entry.ask(&target.namespace, &words),
        (None, None) => Err("name a kind of mitigation: sev1 do --help lists them".into()),
    };
    let wish = match wish {
        Ok(wish) => wish,
        Err(why) => {
            output::complain(&why);
            return Exit::USAGE;
        }
    };
    if let Some(run) = wish.get::<Run>().filter(|run| only_reads(loaded, run)) {
        return read_by_command(run, what.how.output, (&target, &home), loaded);
    }
    let typed = what.how.reason.trim();
    let reason = match &saved {
        Some(saved) if typed.is_empty() => saved.reason(),
        _ => Text::line(typed),
    };
    let order = Order { request: RequestKind::Do(wish), how: &what.how, reason, plan_out: what.plan_out.as_deref(), saved: saved.as_ref() };
    run(&order, (&target, &home), loaded)
}

/// Whether it is a command of the list that only reads: it needs no confirmation.
fn only_reads(loaded: &Loaded, run: &Run) -> bool {
    let entries = &loaded.config.mitigations.commands;
    entries.iter().any(|entry| entry.name == run.entry && !entry.writes())
}

fn read_by_command(run: &Run, form: Output, (target, home): (&Target, &Home), loaded: &Loaded) -> Exit {
    let ran = setup::block_on(async {
        let session = Session::open(target, home, loaded, Duration::ZERO).await?;
        Ok::<_, Exit>(session.read_by_command(run).await)
    });
    let output = match ran {
        Ok(Ok(Ok(output))) => output,
        Ok(Ok(Err(why))) => {
            output::complain(&why);
            return Exit::FAILED;
        }
        Ok(Err(exit)) | Err(exit) => return exit,
    };
    let exit = if output.is_success { Exit::DONE } else { Exit::FAILED };
    let printed = match form {
        Output::Json => output::print_json(&card::output(&output)),
        Output::Text => {
            output::complain(&format!("{}: {}", output.title, output.summary));
            output::print(&output.lines.iter().fold(String::new(), |text, line| text + line + "\n"))
        }
    };
    if printed == Exit::DONE { exit } else { printed }
}

/// `sev1 undo`.
pub fn undo(what: &Undo, cli: &Cli, loaded: &mut Loaded) -> Exit {
    let (target, home) = match setup::target(cli) {
        Ok((target, _, home)) => (target, home),
        Err(error) => return setup::refuse_connection(&error),
    };
    home.settle(loaded);
    let loaded = &*loaded;
    let found = setup::block_on(async {
        let session = Session::open(&target, &home, loaded, Duration::ZERO).await?;
        Ok::<_, Exit>((session.undoable().await, session.altered().await, session.journal_trouble()))
    });
    let (undoable, altered, trouble) = match found {
        Ok(Ok(found)) => found,
        Ok(Err(exit)) | Err(exit) => return exit,
    };
    if let Some(why) = trouble {
        output::complain(&format!("nothing can be taken back: {why}"));
        return Exit::FAILED;
    }
    for why in &altered {
        output::complain(why);
    }
    if what.list {
        return match what.how.output {
            Output::Json => output::print_json(&undoable),
            Output::Text => output::print(&card::list(&undoable)),
        };
    }
    let chosen = match what.id {
        Some(id) => undoable.iter().find(|one| one.id == id),
        None => card::last(&undoable),
    };
    let Some(chosen) = chosen else {
        output::complain(&match what.id {
            Some(id) => format!("mitigation {id} cannot be taken back, or was already: sev1 undo --list shows what can"),
            None => "nothing that sev1 did on this cluster, from this machine, can be taken back".to_owned(),
        });
        return Exit::FAILED;
    };
    let typed = what.how.reason.trim();
    let reason = if typed.is_empty() { Text::line(&format!("takes back: {}", chosen.title)) } else { Text::line(typed) };
    let request = RequestKind::Undo { of: Finished::Recorded(chosen.id) };
    run(&Order { request, how: &what.how, reason, plan_out: None, saved: None }, (&target, &home), loaded)
}

/// The cluster, whose one namespace names are looked up in, and what goes with it here.
fn place(cli: &Cli) -> Result<(Target, Home), Exit> {
    if cli.cluster.all_namespaces {
        output::complain("a mitigation is for one namespace: give it by -n, not -A");
        return Err(Exit::USAGE);
    }
    match setup::target(cli) {
        Ok((target, _, home)) => Ok((target, home)),
        Err(error) => Err(setup::refuse_connection(&error)),
    }
}

fn run(order: &Order<'_>, (target, home): (&Target, &Home), loaded: &Loaded) -> Exit {
    if let Some(why) = &target.unclear {
        output::complain(why);
        return Exit::USAGE;
    }
    // A clear name is what is shown of it, to the letter.
    if let Some(named) = order.how.yes_on.as_deref().filter(|named| *named != target.context.as_str()) {
        output::complain(&format!("--yes-on names {named}, but this is the context {}: nothing was done", target.context));
        return Exit::USAGE;
    }
    if order.how.yes_on.is_some() && loaded.config.mitigations.reason_required && order.reason.is_empty() {
        output::complain("a reason is asked for here (mitigations.reason_required): give --reason");
        return Exit::USAGE;
    }
    let worked = setup::block_on(async {
        let session = match Session::open(target, home, loaded, order.how.wait).await {
            Ok(session) => session,
            Err(exit) => return exit,
        };
        carry_out(order, session).await
    });
    worked.unwrap_or_else(|exit| exit)
}

async fn carry_out(order: &Order<'_>, mut session: Session) -> Exit {
    let interrupted = interrupt::Interrupt::watch();
    let request = Request { kind: order.request.clone(), reason: order.reason.clone() };
    let planned = tokio::select! {
        planned = session.plan(request) => planned,
        () = interrupted.came() => return Exit::INTERRUPTED,
    };
    let mut planned = match planned {
        Ok(planned) => planned,
        Err(why) => return finish(order, &session, None, &Ending::NotPlanned(why)),
    };
    if let Some(saved) = order.saved {
        if let Some(why) = saved.differs(&planned.plan) {
            return finish(order, &session, Some(&planned), &Ending::NotPlanned(Text::line(&format!("the plan is refused: {why}"))));
        }
        planned.checks.push(saved.check());
    }
    if order.how.full_diff {
        session.add_full_diff(&mut planned).await;
    }
    let blocked = planned.blocked();
    if let Some(path) = order.plan_out {
        return match session.save(path, &planned.plan) {
            Ok(()) => finish(order, &session, Some(&planned), &Ending::Planned { blocked }),
            Err(why) => {
                output::complain(&why);
                Exit::FAILED
            }
        };
    }
    let Some(context) = order.how.yes_on.as_deref().filter(|_| !order.how.dry_run) else {
        return finish(order, &session, Some(&planned), &Ending::Planned { blocked });
    };
    let confirmed = match planned.plan.clone().confirm_on(context, &planned.checks, order.reason.clone()) {
        Ok(confirmed) => confirmed,
        Err(why) => return finish(order, &session, Some(&planned), &Ending::NotConfirmed(Text::line(&why.to_string()))),
    };
    if order.how.output == Output::Text {
        output::say(&card::text(&planned, session.environment()));
    }
    let ended = session.execute(confirmed, &interrupted).await;
    finish(order, &session, Some(&planned), &Ending::Ended(ended))
}

/// Prints what is left to say and gives the exit code.
fn finish(order: &Order<'_>, session: &Session, planned: Option<&Planned>, result: &Ending) -> Exit {
    let exit = code(result);
    let printed = match order.how.output {
        Output::Json => output::print_json(&card::document(planned, session, result)),
        Output::Text => match result {
            Ending::Planned { blocked } => {
                let card = planned.map(|planned| card::text(planned, session.environment())).unwrap_or_default();
                output::print(&format!("{card}{}", card::next_step(order.plan_out, planned, blocked.as_ref(), session.place())))
            }
            Ending::NotPlanned(why) | Ending::NotConfirmed(why) => {
                output::complain(&format!("nothing was written: {why}"));
                Exit::DONE
            }
            Ending::Ended(ended) => output::print(&card::ending(ended)),
        },
    };
    if printed == Exit::DONE { exit } else { printed }
}

fn code(result: &Ending) -> Exit {
    match result {
        Ending::Planned { blocked: None } => Exit::DONE,
        Ending::Planned { blocked: Some(_) } | Ending::NotPlanned(_) | Ending::NotConfirmed(_) => Exit::FAILED,
        Ending::Ended(ended) => match (&ended.outcome, ended.interrupted, &ended.unfinished) {
            (None | Some(Outcome::Unknown(_)), _, _) => Exit::OUTCOME_UNKNOWN,
            (_, true, _) => Exit::INTERRUPTED,
            (Some(Outcome::Done), _, None) => Exit::DONE,
            _ => Exit::FAILED,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(outcome: Option<Outcome>, unfinished: Option<Text>, interrupted: bool) -> Exit {
        code(&Ending::Ended(Ended {
            outcome,
            recorded: Some(1),
            undoable: true,
            notes: Vec::new(),
            converged: None,
            unfinished,
            interrupted,
            output: None,
        }))
    }

    #[test]
    fn exit_codes_say_what_is_known() {
        assert_eq!(ended(Some(Outcome::Done), None, false), Exit::DONE);
        assert_eq!(ended(Some(Outcome::Done), Some("stuck".into()), false), Exit::FAILED);
        assert_eq!(ended(Some(Outcome::Refused("no".into())), None, false), Exit::FAILED);
        assert_eq!(ended(Some(Outcome::Unknown("cut".into())), None, false), Exit::OUTCOME_UNKNOWN);
        assert_eq!(ended(None, None, true), Exit::OUTCOME_UNKNOWN);
        assert_eq!(ended(Some(Outcome::Done), None, true), Exit::INTERRUPTED);
        assert_eq!(code(&Ending::Planned { blocked: None }), Exit::DONE);
        assert_eq!(code(&Ending::Planned { blocked: Some("x".into()) }), Exit::FAILED);
        assert_eq!(code(&Ending::NotPlanned("x".into())), Exit::FAILED);
    }
}
