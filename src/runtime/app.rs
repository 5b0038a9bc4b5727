//! The loop: messages in, effects out, a frame when something visible changed.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;

use crate::{
    domain::{
        mitigation::ActionEvent,
        observation::Observation,
        text::Text,
        time::{Clock, Mono, Speed},
    },
    state::{
        State,
        msg::{Effect, Key, KeyCode, Mouse, Msg},
        overlay::Overlay,
        switch::Destination,
        update::update,
    },
    ui::{
        self,
        theme::{Depth, Theme},
    },
};

use super::{
    clipboard,
    effects::{Effects, Wiring},
    fault::Fault,
    input::{self, Input, Keyboard},
    signals::{self, Jobs},
    terminal::{self, Taken},
    tty::Tty,
};

/// Shortest time between two frames: 30 a second.
const FRAME: Duration = Duration::from_millis(33);

/// Observations applied in one go before input is looked at again, and the time after which no further one is.
const BATCH: usize = 64;
const BATCH_TIME: Duration = Duration::from_millis(8);

/// Exit code when a write was still without an answer.
const OUTCOME_UNKNOWN: i32 = 3;

/// What ended the cockpit.
#[derive(Debug, thiserror::Error)]
pub enum CockpitError {
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[from] std::io::Error),
    #[error("{0}")]
    Theme(String),
}

/// Channels into the loop. All bounded; sources wait, input has its own way in.
#[derive(Debug)]
pub struct Inbox {
    pub observations: mpsc::Receiver<Observation>,
    pub actions: mpsc::Receiver<ActionEvent>,
    pub messages: mpsc::Receiver<Msg>,
}

/// How the cockpit was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// With this exit code.
    Ended(i32),
    /// For another place, drawn with this theme.
    For { to: Destination, theme: String },
}

/// Runs the cockpit until it is left.
pub async fn run(state: State, wiring: Wiring, mut inbox: Inbox, clock: Arc<dyn Clock>) -> Result<Left, CockpitError> {
    let mut signals = signals::watch()?;
    let mut jobs = Jobs::watch()?;
    let mut fault = Fault::watch()?;
    let theme = theme_of(&state)?;
    let taken = Taken::take(state.config.looks.mouse)?;
    let mut keyboard = Keyboard::new(Tty::open(&clock)?, Arc::clone(&clock));
    let mut cockpit = Cockpit {
        state,
        theme,
        taken,
        effects: Effects::new(wiring, Arc::clone(&clock)),
        clock,
        last_frame: None,
        redraw_all: false,
        leave: None,
        next: None,
        stop: false,
    };
    if let Ok((columns, rows)) = crossterm::terminal::size() {
        cockpit.apply(Msg::Resize { columns, rows });
    }
    loop {
        cockpit.draw_when_due()?;
        if let Some(code) = cockpit.leave {
            let Cockpit { effects, taken, next, state, .. } = cockpit;
            // The terminal first: nobody should wait for it.
            drop(taken);
            let settled = effects.finish().await;
            let code = if settled || code != 0 { code } else { OUTCOME_UNKNOWN };
            return Ok(match next {
                Some(to) if code == 0 => Left::For { to, theme: state.theme },
                _ => Left::Ended(code),
            });
        }
        if std::mem::take(&mut cockpit.stop) {
            cockpit.stop_for_a_while(&mut jobs).await?;
            continue;
        }
        let wake = cockpit.sleep_for();
        tokio::select! {
            biased;
            () = jobs.asked() => cockpit.apply(Msg::Suspend),
            code = signals.recv() => cockpit.leave = Some(code.unwrap_or(143)),
            // Everything typed so far goes before the next frame, so that held keys do not queue up.
            events = keyboard.read() => {
                for event in events {
                    let Some(Ok((event, is_hasty))) = event else {
                        // The terminal is gone; waiting for it would spin.
                        cockpit.leave = Some(129);
                        break;
                    };
                    cockpit.input(event, is_hasty);
                    if cockpit.leave.is_some() {
                        break;
                    }
                }
            }
            Some(event) = inbox.actions.recv() => cockpit.apply(Msg::Action(event)),
            Some(message) = inbox.messages.recv() => cockpit.apply(message),
            Some(observation) = inbox.observations.recv() => {
                let began = cockpit.clock.now().mono;
                cockpit.observe(observation);
                for _ in 1..BATCH {
                    if cockpit.clock.speed().real(cockpit.clock.now().mono.since(began)) > BATCH_TIME {
                        break;
                    }
                    let Ok(observation) = inbox.observations.try_recv() else { break };
                    cockpit.observe(observation);
                }
            }
            () = tokio::time::sleep(wake) => cockpit.tick(),
            () = fault.strike() => {}
        }
    }
}

fn theme_of(state: &State) -> Result<Theme, CockpitError> {
    let theme = Theme::by_name(&state.theme).map_err(|unknown| CockpitError::Theme(unknown.to_string()))?;
    // What terminals say that take 24-bit colours; the others get the nearest of the 256.
    let has_true_colour = std::env::var("COLORTERM").is_ok_and(|depth| matches!(&*depth, "truecolor" | "24bit"));
    Ok(if has_true_colour { theme } else { theme.at_depth(Depth::Indexed) })
}

/// How long it really is until `at`. A clock that runs fast changes what is shown more often than frames are drawn.
fn wait_for(at: Mono, now: Mono, speed: Speed) -> Duration {
    let wait = speed.real(at.since(now));
    if speed.is_fast() { wait.max(FRAME) } else { wait }
}

struct Cockpit {
    state: State,
    theme: Theme,
    taken: Taken,
    effects: Effects,
    clock: Arc<dyn Clock>,
    last_frame: Option<Mono>,
    /// Nothing that the terminal showed can be relied on.
    redraw_all: bool,
    leave: Option<i32>,
    /// Where to go on then.
    next: Option<Destination>,
    /// It is to be stopped until the shell lets it go on.
    stop: bool,
}

impl Cockpit {
    fn input(&mut self, event: crossterm::event::Event, is_hasty: bool) {
        match input::translate(event) {
            Some(Input::Key(key)) => self.key(key, is_hasty),
            Some(Input::Mouse(mouse)) => {
                let hit = ui::hit_test(&self.state, mouse.column, mouse.row);
                let pane = ui::pane_at(&self.state, mouse.column, mouse.row);
                self.apply(Msg::Mouse(Mouse { hit, pane, ..mouse }));
            }
            Some(Input::Paste(text)) => self.apply(Msg::Paste(text)),
            Some(Input::Resize { columns, rows }) => {
                // Sizes in between may have been missed, and with them cells that the terminal threw away.
                self.redraw_all = true;
                self.state.dirty = true;
                self.apply(Msg::Resize { columns, rows });
            }
            None => {}
        }
    }

    /// `Esc` and a letter typed right after it arrive as one Alt-key: unless something is bound to that, they are two keys.
    fn key(&mut self, key: Key, is_hasty: bool) {
        if key.alt && self.state.keymap.action(key, &self.state.places()).is_none() {
            self.apply(Msg::Key(Key { code: KeyCode::Esc, ctrl: false, alt: false, shift: false }));
            self.apply(Msg::HastyKey(Key { alt: false, ..key }));
        } else {
            self.apply(if is_hasty { Msg::HastyKey(key) } else { Msg::Key(key) });
        }
    }

    /// As a shell's `Ctrl-Z` and `fg` have it: the terminal is given back, and taken again afterwards.
    async fn stop_for_a_while(&mut self, jobs: &mut Jobs) -> Result<(), CockpitError> {
        if !signals::has_shell() {
            let text = "Ctrl-Z does nothing here: there is no shell that could bring sev1 back".into();
            self.apply(Msg::Notice { text, is_error: false });
            return Ok(());
        }
        if !terminal::restore() {
            return Ok(());
        }
        jobs.stop().await?;
        self.taken.take_again(self.state.config.looks.mouse)?;
        self.redraw_all = true;
        self.state.dirty = true;
        // The window may have another size; and what was asked for before the stop will not be answered any more.
        let (columns, rows) = crossterm::terminal::size().unwrap_or(self.state.size);
        self.apply(Msg::Resize { columns, rows });
        self.effects.continued();
        Ok(())
    }

    fn observe(&mut self, observation: Observation) {
        self.effects.observed(&observation);
        self.apply(Msg::Observation(observation));
    }

    fn tick(&mut self) {
        let now = self.clock.now();
        let effects = update(&mut self.state, Msg::Tick(now));
        self.perform(effects);
    }

    /// Time first, so that what the message does is dated right.
    fn apply(&mut self, message: Msg) {
        self.tick();
        let effects = update(&mut self.state, message);
        self.perform(effects);
        self.lay_out();
    }

    /// Tells the state how many rows its lists have, when that changed.
    fn lay_out(&mut self) {
        let heights = ui::heights(&self.state);
        if heights != self.state.heights {
            let effects = update(&mut self.state, Msg::Layout(heights));
            self.perform(effects);
        }
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Quit { code } => self.leave = Some(code),
                Effect::Switch(to) => {
                    self.next = Some(to);
                    self.leave = Some(0);
                }
                Effect::Suspend => self.stop = true,
                Effect::Theme(_) => self.state.dirty = true,
                Effect::Bell => self.push(b"\x07"),
                Effect::Copy(text) => self.copy(&text),
                Effect::CopySelected => {
                    let text = ui::selected_text(&self.state, &self.theme).unwrap_or_default();
                    self.copy(&text);
                }
                other => self.effects.perform(other),
            }
        }
    }

    /// Hands text to the terminal's clipboard and says how much, since what was meant may have been more.
    fn copy(&mut self, text: &str) {
        let (words, is_error) = match clipboard::sequence(text) {
            _ if text.trim().is_empty() => ("nothing but blanks there: nothing was copied".to_owned(), false),
            Some(sequence) => {
                self.push(sequence.as_bytes());
                // A name that a narrow column shortened is no name.
                let cut = if text.contains(ui::glyph::ELLIPSIS) { "; what … cuts is missing there too: Esc c copies a whole name" } else { "" };
                (format!("sent {} to the terminal's clipboard{cut}", clipboard::amount(text)), false)
            }
            None => (format!("{} are too much for the terminal's clipboard", clipboard::amount(text)), true),
        };
        let effects = update(&mut self.state, Msg::Notice { text: Text::line(&words), is_error });
        self.perform(effects);
    }

    fn push(&mut self, bytes: &[u8]) {
        use ratatui::backend::Backend;
        if !terminal::is_taken() {
            return;
        }
        let backend = self.taken.terminal.backend_mut();
        // A terminal that takes no bytes is noticed by the next frame.
        let _ = backend.push(bytes).and_then(|()| backend.flush());
    }

    fn sleep_for(&self) -> Duration {
        let now = self.clock.now().mono;
        let clock = self.state.next_wake().map_or(Duration::from_mins(1), |at| wait_for(at, now, self.clock.speed()));
        let frame = if self.state.dirty { self.frame_due(now) } else { Duration::MAX };
        clock.min(frame).max(Duration::from_millis(1))
    }

    fn frame_due(&self, now: Mono) -> Duration {
        self.last_frame.map_or(Duration::ZERO, |last| FRAME.saturating_sub(self.clock.speed().real(now.since(last))))
    }

    fn draw_when_due(&mut self) -> Result<(), CockpitError> {
        let now = self.clock.now();
        // After a panic elsewhere the terminal is the shell's again, while the loop is still being told.
        if !self.state.dirty || !self.frame_due(now.mono).is_zero() || !terminal::is_taken() {
            return Ok(());
        }
        if self.theme.name != self.state.theme {
            self.theme = theme_of(&self.state)?;
        }
        if std::mem::take(&mut self.redraw_all) {
            self.taken.terminal.clear()?;
        }
        let (state, theme) = (&self.state, &self.theme);
        self.taken.terminal.draw(|frame| ui::render(frame, state, theme))?;
        self.last_frame = Some(now.mono);
        self.state.dirty = false;
        let shown = match self.state.overlays.last() {
            Some(Overlay::Card(card)) if card.shown_at.is_none() => Some(card.id),
            _ => None,
        };
        if let Some(card) = shown {
            let effects = update(&mut self.state, Msg::CardShown { card, at: now });
            self.perform(effects);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loop_sleeps_in_real_time() {
        let (now, due) = (Mono(Duration::from_mins(1)), Mono(Duration::from_mins(6)));
        let wait = |speed: f64| wait_for(due, now, Speed::new(speed));
        assert_eq!([wait(1.0), wait(20.0), wait(0.5)], [300, 15, 600].map(Duration::from_secs));
        assert_eq!(wait_for(Mono(now.0 + Duration::from_millis(20)), now, Speed::new(20.0)), FRAME);
    }
}
