//! Terminal events in the words of `state`.

use std::{io, sync::Arc, task::Poll, time::Duration};

use crossterm::event::{Event, KeyCode as Code, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use futures::{Stream, StreamExt as _};

use crate::{
    domain::time::{Clock, Mono},
    state::msg::{Key, KeyCode, Mouse, MouseKind},
};

/// Most events that are taken together.
const AT_ONCE: usize = 1_024;

/// Hands leave at least this between two keys. A terminal without bracketed paste, or a text that ends the brackets itself, hands
/// over what was pasted faster.
const APART: Duration = Duration::from_millis(50);

/// How long after a paste a key may still be a part of what was pasted.
const PASTE_ENDS: Duration = Duration::from_secs(1);

/// What was there to be read, oldest first; none: the stream has ended.
#[derive(Debug)]
pub struct Read {
    pub events: Vec<Option<io::Result<Event>>>,
    /// Whether its keys came as those of pasted text do.
    pub is_hasty: bool,
}

/// The terminal's events, and how fast they come.
pub struct Keyboard<S> {
    stream: S,
    clock: Arc<dyn Clock>,
    /// When there was nothing more to read, the last time that was looked.
    empty_at: Mono,
    key_at: Option<Mono>,
    pasted_at: Option<Mono>,
}

impl<S: Stream<Item = io::Result<Event>> + Unpin> Keyboard<S> {
    pub fn new(stream: S, clock: Arc<dyn Clock>) -> Self {
        let empty_at = clock.now().mono;
        Self { stream, clock, empty_at, key_at: None, pasted_at: None }
    }

    /// Waits for an event, then takes all that are there already.
    ///
    /// They are asked for by the waker of whoever waits here: a stream may keep the first waker that found it empty, and no other until the
    /// next event, so that a look with a waker of its own (`now_or_never`) would sleep through that event.
    pub async fn read(&mut self) -> Read {
        let mut was_waited_for = false;
        let first = futures::future::poll_fn(|context| {
            let polled = self.stream.poll_next_unpin(context);
            if polled.is_pending() {
                was_waited_for = true;
                self.empty_at = self.clock.now().mono;
            }
            polled
        });
        let mut events = vec![first.await];
        // What lay there already may have come as early as right after the last look: the loop was busy with other things.
        let came_at = if was_waited_for { self.clock.now().mono } else { self.empty_at };
        while matches!(events.last(), Some(Some(_))) && events.len() < AT_ONCE {
            let Poll::Ready(event) = futures::poll!(self.stream.next()) else {
                self.empty_at = self.clock.now().mono;
                break;
            };
            events.push(event);
        }
        let is_hasty = self.is_hasty(&events, came_at);
        Read { events, is_hasty }
    }

    fn is_hasty(&mut self, events: &[Option<io::Result<Event>>], came_at: Mono) -> bool {
        let arrived = || events.iter().flatten().flatten();
        let is_press = |event: &&Event| matches!(event, Event::Key(key) if key.kind != KeyEventKind::Release);
        let (keys, pastes) = (arrived().filter(is_press).count(), arrived().filter(|event| matches!(event, Event::Paste(_))).count());
        let speed = self.clock.speed();
        let is_soon = |after: Option<Mono>, time: Duration| after.is_some_and(|after| speed.real(came_at.since(after)) < time);
        let is_hasty = keys + pastes > 1 || is_soon(self.key_at, APART) || is_soon(self.pasted_at, PASTE_ENDS);
        let now = self.clock.now().mono;
        if keys > 0 {
            self.key_at = Some(now);
        }
        if pastes > 0 {
            self.pasted_at = Some(now);
        }
        is_hasty
    }
}

/// What arrived, before the screen is asked what lies under the mouse.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    Key(Key),
    Mouse(Mouse),
    Paste(String),
    Resize { columns: u16, rows: u16 },
}

/// None for what nobody acts on (releases, focus, unknown keys).
pub fn translate(event: Event) -> Option<Input> {
    match event {
        Event::Key(key) => translate_key(key).map(Input::Key),
        Event::Mouse(mouse) => translate_mouse(mouse).map(Input::Mouse),
        Event::Paste(text) => Some(Input::Paste(text)),
        Event::Resize(columns, rows) => Some(Input::Resize { columns, rows }),
        Event::FocusGained | Event::FocusLost => None,
    }
}

fn translate_key(event: KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let code = match event.code {
        Code::Char(character) => KeyCode::Char(character),
        Code::Enter => KeyCode::Enter,
        Code::Esc => KeyCode::Esc,
        Code::Tab => KeyCode::Tab,
        Code::BackTab => KeyCode::BackTab,
        Code::Backspace => KeyCode::Backspace,
        Code::Delete => KeyCode::Delete,
        Code::Up => KeyCode::Up,
        Code::Down => KeyCode::Down,
        Code::Left => KeyCode::Left,
        Code::Right => KeyCode::Right,
        Code::Home => KeyCode::Home,
        Code::End => KeyCode::End,
        Code::PageUp => KeyCode::PageUp,
        Code::PageDown => KeyCode::PageDown,
        Code::F(number) => KeyCode::F(number),
        _ => return None,
    };
    // A character carries its own shift: `U` is `U`, not shift-u.
    let shift = event.modifiers.contains(KeyModifiers::SHIFT) && !matches!(code, KeyCode::Char(_) | KeyCode::BackTab);
    Some(Key { code, ctrl: event.modifiers.contains(KeyModifiers::CONTROL), alt: event.modifiers.contains(KeyModifiers::ALT), shift })
}

fn translate_mouse(event: MouseEvent) -> Option<Mouse> {
    let what = match event.kind {
        MouseEventKind::Down(MouseButton::Left) => MouseKind::Click,
        MouseEventKind::Drag(MouseButton::Left) => MouseKind::Drag,
        MouseEventKind::Up(MouseButton::Left) => MouseKind::Release,
        MouseEventKind::ScrollUp => MouseKind::WheelUp,
        MouseEventKind::ScrollDown => MouseKind::WheelDown,
        _ => return None,
    };
    Some(Mouse { column: event.column, row: event.row, what, hit: None, pane: None })
}

#[cfg(test)]
mod tests {
    use std::{
        cell::RefCell,
        collections::VecDeque,
        pin::{Pin, pin},
        rc::Rc,
        sync::atomic::{AtomicU64, AtomicUsize, Ordering},
        task::{Context, Wake, Waker},
    };

    use super::*;
    use crate::domain::time::{Now, Speed};

    /// Keeps, as a stream may, the first waker that found it empty, and no other until the next event.
    #[derive(Default)]
    struct FirstWaker {
        events: VecDeque<Event>,
        waker: Option<Waker>,
    }

    #[derive(Clone, Default)]
    struct Keys(Rc<RefCell<FirstWaker>>);

    impl Keys {
        fn press(&self, key: char) {
            let code = if key == '\r' { Code::Enter } else { Code::Char(key) };
            self.send(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)));
        }

        fn send(&self, event: Event) {
            let waker = {
                let mut inner = self.0.borrow_mut();
                inner.events.push_back(event);
                inner.waker.take()
            };
            waker.into_iter().for_each(Waker::wake);
        }
    }

    impl Stream for Keys {
        type Item = io::Result<Event>;

        fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Event>>> {
            let mut inner = self.0.borrow_mut();
            if let Some(key) = inner.events.pop_front() {
                return Poll::Ready(Some(Ok(key)));
            }
            inner.waker.get_or_insert_with(|| context.waker().clone());
            Poll::Pending
        }
    }

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Milliseconds, moved by hand.
    struct ByHand(AtomicU64, Speed);

    impl Clock for ByHand {
        fn now(&self) -> Now {
            Now { mono: Mono(Duration::from_millis(self.0.load(Ordering::SeqCst))), utc: chrono::DateTime::UNIX_EPOCH }
        }

        fn speed(&self) -> Speed {
            self.1
        }
    }

    /// A hand at the keyboard, and the loop that reads it.
    struct Desk {
        keys: Keys,
        clock: Arc<ByHand>,
        keyboard: Keyboard<Keys>,
        woken: Arc<Woken>,
    }

    impl Desk {
        fn new() -> Self {
            Self::at_speed(1.0)
        }

        fn at_speed(speed: f64) -> Self {
            let (keys, clock) = (Keys::default(), Arc::new(ByHand(AtomicU64::new(0), Speed::new(speed))));
            let keyboard = Keyboard::new(keys.clone(), Arc::clone(&clock) as Arc<dyn Clock>);
            Self { keys, clock, keyboard, woken: Arc::default() }
        }

        fn wait(&self, milliseconds: u64) {
            self.clock.0.fetch_add(milliseconds, Ordering::SeqCst);
        }

        /// What is read while `happens` happens to the keyboard, and whether it is hasty.
        fn read(&mut self, happens: impl FnOnce(&Keys, &ByHand)) -> (String, bool) {
            let waker = Waker::from(Arc::clone(&self.woken));
            let mut context = Context::from_waker(&waker);
            let mut reading = pin!(self.keyboard.read());
            let mut polled = reading.as_mut().poll(&mut context);
            if polled.is_pending() {
                let before = self.woken.0.load(Ordering::SeqCst);
                happens(&self.keys, &self.clock);
                assert!(self.woken.0.load(Ordering::SeqCst) > before, "nobody was woken for a key");
                polled = reading.poll(&mut context);
            }
            let Poll::Ready(read) = polled else { panic!("a key is there, and nothing is read") };
            let letters = read.events.into_iter().flatten().flatten().map(|event| match event {
                Event::Key(KeyEvent { code: Code::Char(letter), .. }) => letter,
                _ => '.',
            });
            (letters.collect(), read.is_hasty)
        }

        /// `key` comes so long after all that was before, while the loop waits for it.
        fn key(&mut self, after: u64, key: char) -> bool {
            self.read(|keys, clock| {
                clock.0.fetch_add(after, Ordering::SeqCst);
                keys.press(key);
            })
            .1
        }
    }

    #[test]
    fn a_key_after_others_wakes_whoever_waits() {
        let mut desk = Desk::new();
        for _ in 0..3 {
            let (read, _) = desk.read(|keys, _| {
                keys.press('a');
                keys.press('b');
            });
            assert_eq!(read, "ab");
        }
    }

    #[test]
    fn keys_that_come_as_fast_as_in_a_paste_are_hasty() {
        let mut desk = Desk::new();
        assert!(!desk.key(0, 'd'), "the first of all");
        assert!(desk.key(49, '\r'));
        assert!(desk.key(49, '\r'), "one that was too early makes the next no better");
        assert!(!desk.key(50, '\r'));
        let both = |keys: &Keys, clock: &ByHand| {
            clock.0.fetch_add(1_000, Ordering::SeqCst);
            for key in ['d', '\r'] {
                keys.press(key);
            }
        };
        assert_eq!(desk.read(both), ("d.".to_owned(), true), "in one read");
    }

    #[test]
    fn a_key_right_after_a_paste_is_hasty_and_one_later_is_not() {
        let mut desk = Desk::new();
        assert_eq!(desk.read(|keys, _| keys.send(Event::Paste("prod".to_owned()))).0, ".");
        assert!(desk.key(999, '\r'));
        assert!(!desk.key(50, '\r'));
        // What ends the brackets itself goes on as keys.
        let with_end = |keys: &Keys, clock: &ByHand| {
            clock.0.fetch_add(5_000, Ordering::SeqCst);
            keys.send(Event::Paste("x".to_owned()));
            keys.press('\r');
        };
        assert_eq!(desk.read(with_end), ("..".to_owned(), true));
    }

    #[test]
    fn a_key_that_lay_there_while_the_loop_was_busy_is_as_early_as_it_may_be() {
        let mut desk = Desk::new();
        assert!(!desk.key(1_000, 'd'));
        // A frame goes to a slow terminal; the rest of what was pasted has come meanwhile.
        desk.keys.press('\r');
        desk.wait(300);
        assert_eq!(desk.read(|_, _| {}), (".".to_owned(), true));
        assert!(!desk.key(50, '\r'));
    }

    #[test]
    fn more_than_is_taken_together_is_one_read() {
        let mut desk = Desk::new();
        let many = |keys: &Keys, _: &ByHand| {
            for _ in 0..=AT_ONCE {
                keys.press('d');
            }
        };
        assert_eq!(desk.read(many).0.len(), AT_ONCE);
        desk.wait(10_000);
        assert_eq!(desk.read(|_, _| {}), ("d".to_owned(), true));
    }

    #[test]
    fn how_fast_hands_are_is_real_time_in_a_fast_demo_too() {
        let mut desk = Desk::at_speed(10.0);
        desk.key(0, 'd');
        assert!(desk.key(499, '\r'));
        assert!(!desk.key(500, '\r'));
    }

    #[test]
    fn capital_letters_are_keys_of_their_own() {
        let key = translate(Event::Key(KeyEvent::new(Code::Char('U'), KeyModifiers::SHIFT)));
        assert_eq!(key, Some(Input::Key(Key { code: KeyCode::Char('U'), ctrl: false, alt: false, shift: false })));
    }

    #[test]
    fn releases_are_not_presses() {
        let release = KeyEvent::new_with_kind(Code::Char('y'), KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(translate(Event::Key(release)), None);
    }
}
