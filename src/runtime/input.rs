//! Terminal events in the words of `state`.

use std::task::Poll;

use crossterm::event::{Event, KeyCode as Code, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use futures::{Stream, StreamExt as _};

use crate::state::msg::{Key, KeyCode, Mouse, MouseKind};

/// Most events that are taken together.
const AT_ONCE: usize = 1_024;

/// Waits for an event, then takes all that are there already. None: the stream has ended.
///
/// They are asked for by the waker of whoever waits here: crossterm's stream keeps the first waker that found it empty, and no
/// other until the next event, so that a look with a waker of its own (`now_or_never`) would sleep through that event.
pub async fn so_far<S: Stream + Unpin>(stream: &mut S) -> Vec<Option<S::Item>> {
    let mut events = vec![stream.next().await];
    while matches!(events.last(), Some(Some(_)))
        && events.len() < AT_ONCE
        && let Poll::Ready(event) = futures::poll!(stream.next())
    {
        events.push(event);
    }
    events
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
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::{Context, Wake, Waker},
    };

    use super::*;

    /// Keeps, as crossterm's stream does, the first waker that found it empty, and no other until the next event.
    #[derive(Default)]
    struct FirstWaker {
        events: VecDeque<u8>,
        waker: Option<Waker>,
    }

    #[derive(Clone, Default)]
    struct Keys(Rc<RefCell<FirstWaker>>);

    impl Keys {
        fn press(&self, key: u8) {
            let waker = {
                let mut inner = self.0.borrow_mut();
                inner.events.push_back(key);
                inner.waker.take()
            };
            waker.into_iter().for_each(Waker::wake);
        }
    }

    impl Stream for Keys {
        type Item = u8;

        fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<u8>> {
            let mut inner = self.0.borrow_mut();
            if let Some(key) = inner.events.pop_front() {
                return Poll::Ready(Some(key));
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

    #[test]
    fn a_key_after_others_wakes_whoever_waits() {
        let keys = Keys::default();
        let mut stream = keys.clone();
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        for round in 1..=3 {
            let mut waiting = pin!(so_far(&mut stream));
            assert!(waiting.as_mut().poll(&mut context).is_pending());
            keys.press(b'a');
            assert_eq!(woken.0.load(Ordering::SeqCst), round, "nobody was woken for a key of round {round}");
            keys.press(b'b');
            assert_eq!(waiting.poll(&mut context), Poll::Ready(vec![Some(b'a'), Some(b'b')]));
        }
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
