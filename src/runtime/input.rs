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

/// An event of the terminal, and when it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrived {
    pub event: Event,
    pub at: Mono,
    /// Number of the read it came with: what was pasted comes with others.
    pub read: u64,
}

/// An event, and whether it is a key that came as those of pasted text do.
pub type Paced = (Event, bool);

/// The terminal's events, and how fast they come.
pub struct Keyboard<S> {
    stream: S,
    clock: Arc<dyn Clock>,
    /// The key before: when it came, and with which read.
    key: Option<(Mono, u64)>,
    pasted_at: Option<Mono>,
}

impl<S: Stream<Item = io::Result<Arrived>> + Unpin> Keyboard<S> {
    pub fn new(stream: S, clock: Arc<dyn Clock>) -> Self {
        Self { stream, clock, key: None, pasted_at: None }
    }

    /// Waits for an event, then takes all that are there already, oldest first; none: the stream has ended.
    ///
    /// They are asked for by the waker of whoever waits here: a stream may keep the first waker that found it empty, and no other until the
    /// next event, so that a look with a waker of its own (`now_or_never`) would sleep through that event.
    pub async fn read(&mut self) -> Vec<Option<io::Result<Paced>>> {
        let mut events = vec![self.stream.next().await];
        while matches!(events.last(), Some(Some(_))) && events.len() < AT_ONCE {
            let Poll::Ready(event) = futures::poll!(self.stream.next()) else { break };
            events.push(event);
        }
        let pressed: Vec<u64> = events.iter().flatten().flatten().filter(|arrived| is_typed(&arrived.event)).map(|arrived| arrived.read).collect();
        let is_alone = |read: u64| pressed.iter().filter(|other| **other == read).count() < 2;
        events.into_iter().map(|event| event.map(|event| event.map(|arrived| self.paced(arrived, is_alone)))).collect()
    }

    fn paced(&mut self, arrived: Arrived, is_alone: impl Fn(u64) -> bool) -> Paced {
        let Arrived { event, at, read } = arrived;
        let speed = self.clock.speed();
        let is_soon = |after: Option<Mono>, time: Duration| after.is_some_and(|after| speed.real(at.since(after)) < time);
        let is_key = is_press(&event);
        let is_hasty = is_key
            && (!is_alone(read)
                || self.key.is_some_and(|(before, with)| with == read || is_soon(Some(before), APART))
                || is_soon(self.pasted_at, PASTE_ENDS));
        if is_key {
            self.key = Some((at, read));
        }
        if matches!(event, Event::Paste(_)) {
            self.pasted_at = Some(at);
        }
        (event, is_hasty)
    }
}

fn is_press(event: &Event) -> bool {
    matches!(event, Event::Key(key) if key.kind != KeyEventKind::Release)
}

fn is_typed(event: &Event) -> bool {
    is_press(event) || matches!(event, Event::Paste(_))
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
        events: VecDeque<Arrived>,
        waker: Option<Waker>,
        reads: u64,
    }

    #[derive(Clone)]
    struct Keys(Rc<RefCell<FirstWaker>>, Arc<ByHand>);

    impl Keys {
        fn press(&self, key: char) {
            self.send(vec![pressed(key)]);
        }

        /// All of it with one read.
        fn send(&self, events: Vec<Event>) {
            let waker = {
                let mut inner = self.0.borrow_mut();
                inner.reads += 1;
                let (at, read) = (self.1.now().mono, inner.reads);
                inner.events.extend(events.into_iter().map(|event| Arrived { event, at, read }));
                inner.waker.take()
            };
            waker.into_iter().for_each(Waker::wake);
        }
    }

    fn pressed(key: char) -> Event {
        let code = if key == '\r' { Code::Enter } else { Code::Char(key) };
        Event::Key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    impl Stream for Keys {
        type Item = io::Result<Arrived>;

        fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
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
            let clock = Arc::new(ByHand(AtomicU64::new(0), Speed::new(speed)));
            let keys = Keys(Rc::default(), Arc::clone(&clock));
            let keyboard = Keyboard::new(keys.clone(), Arc::clone(&clock) as Arc<dyn Clock>);
            Self { keys, clock, keyboard, woken: Arc::default() }
        }

        fn wait(&self, milliseconds: u64) {
            self.clock.0.fetch_add(milliseconds, Ordering::SeqCst);
        }

        /// What is read while `happens` happens to the keyboard, and whether the last of it is hasty.
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
            let read: Vec<Paced> = read.into_iter().flatten().flatten().collect();
            let is_hasty = read.last().is_some_and(|(_, is_hasty)| *is_hasty);
            let letters = read.into_iter().map(|(event, _)| match event {
                Event::Key(KeyEvent { code: Code::Char(letter), .. }) => letter,
                _ => '.',
            });
            (letters.collect(), is_hasty)
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
            keys.send(vec![pressed('d'), pressed('\r')]);
        };
        assert_eq!(desk.read(both), ("d.".to_owned(), true), "in one read");
    }

    #[test]
    fn a_key_right_after_a_paste_is_hasty_and_one_later_is_not() {
        let mut desk = Desk::new();
        assert_eq!(desk.read(|keys, _| keys.send(vec![Event::Paste("prod".to_owned())])).0, ".");
        assert!(desk.key(999, '\r'));
        assert!(!desk.key(50, '\r'));
        // What ends the brackets itself goes on as keys.
        let with_end = |keys: &Keys, clock: &ByHand| {
            clock.0.fetch_add(5_000, Ordering::SeqCst);
            keys.send(vec![Event::Paste("x".to_owned()), pressed('\r')]);
        };
        assert_eq!(desk.read(with_end), ("..".to_owned(), true));
    }

    #[test]
    fn a_key_counts_from_when_it_came_however_busy_the_loop_was() {
        let mut desk = Desk::new();
        assert!(!desk.key(1_000, 'd'));
        // While a frame goes to a slow terminal: one as fast as a paste, then two at the pace of a hand.
        let press = |desk: &Desk, after: u64| {
            desk.wait(after);
            desk.keys.press('\r');
        };
        press(&desk, 10);
        desk.wait(300);
        assert_eq!(desk.read(|_, _| {}), (".".to_owned(), true));
        press(&desk, 60);
        press(&desk, 60);
        desk.wait(300);
        assert_eq!(desk.read(|_, _| {}), ("..".to_owned(), false));
    }

    #[test]
    fn more_than_is_taken_together_is_one_read() {
        let mut desk = Desk::new();
        let many = |keys: &Keys, _: &ByHand| keys.send(vec![pressed('d'); AT_ONCE + 1]);
        assert_eq!(desk.read(many), ("d".repeat(AT_ONCE), true));
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
