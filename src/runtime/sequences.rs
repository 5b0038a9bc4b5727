//! What a terminal sends, cut into keys, mouse reports and pastes.
//!
//! Where a sequence ends is decided here, by the grammar of ECMA-48: nothing that was cut, made up or never ended can swallow the keys after it.
//! What a whole sequence means, `terminput` knows.

use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use memchr::memmem;

const ESC: u8 = 0x1b;
const PASTE_BEGINS: &[u8] = b"\x1b[200~";
const PASTE_ENDS: &[u8] = b"\x1b[201~";
/// Most of one paste that is kept, in bytes; the rest is dropped.
const LONGEST_PASTE: usize = 1 << 20;
/// Longest control sequence, in bytes: no key or mouse report comes near it.
const LONGEST: usize = 64;
/// The same of a string, such as an answer about a colour.
const LONGEST_STRING: usize = 4 << 10;

/// How long the rest of a sequence is waited for; after `Esc` alone it is most likely a key.
const REST: Duration = Duration::from_millis(100);
const AFTER_ESC: Duration = Duration::from_millis(25);
/// The same within a paste: a terminal sends it in one go, over however slow a line.
const REST_OF_PASTE: Duration = Duration::from_secs(1);

/// What was sent and is not a whole sequence yet.
#[derive(Debug, Default)]
pub struct Sequences {
    begun: Vec<u8>,
    paste: Option<Vec<u8>>,
}

/// How the bytes begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// With a sequence of so many bytes.
    Whole(usize),
    /// With so many that mean nothing.
    Nothing(usize),
    /// With a sequence that goes on.
    More,
}

impl Sequences {
    /// Takes what was read; gives what is whole now.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut all = std::mem::take(&mut self.begun);
        all.extend_from_slice(bytes);
        let (mut rest, mut events) = (all.as_slice(), Vec::new());
        loop {
            if let Some(paste) = &mut self.paste {
                let Some(end) = memmem::find(rest, PASTE_ENDS) else {
                    let kept = rest.len() - partly(rest, PASTE_ENDS);
                    add(paste, &rest[..kept]);
                    rest = &rest[kept..];
                    break;
                };
                add(paste, &rest[..end]);
                rest = &rest[end + PASTE_ENDS.len()..];
                events.extend(self.take_paste());
                continue;
            }
            match cut(rest) {
                Cut::Whole(length) if rest[..length] == *PASTE_BEGINS => {
                    self.paste = Some(Vec::new());
                    rest = &rest[length..];
                }
                Cut::Whole(length) => {
                    events.extend(meaning(&rest[..length]));
                    rest = &rest[length..];
                }
                Cut::Nothing(length) => rest = &rest[length..],
                Cut::More => break,
            }
        }
        self.begun = rest.to_vec();
        events
    }

    /// How long the rest of what has begun may take; none where nothing has.
    pub fn patience(&self) -> Option<Duration> {
        match (&self.paste, &*self.begun) {
            (Some(_), _) => Some(REST_OF_PASTE),
            (None, []) => None,
            (None, [ESC]) => Some(AFTER_ESC),
            (None, _) => Some(REST),
        }
    }

    /// The rest did not come: what was it? `Esc` and Alt with a letter begin like sequences; a paste is what came of it; all else is nothing.
    pub fn give_up(&mut self) -> Option<Event> {
        let begun = std::mem::take(&mut self.begun);
        if let Some(paste) = &mut self.paste {
            add(paste, &begun);
            return self.take_paste();
        }
        match *begun {
            [ESC] => Some(Event::Key(KeyCode::Esc.into())),
            [ESC, letter] if letter.is_ascii_graphic() => Some(Event::Key(KeyEvent::new(KeyCode::Char(char::from(letter)), KeyModifiers::ALT))),
            _ => None,
        }
    }

    fn take_paste(&mut self) -> Option<Event> {
        self.paste.take().map(|paste| Event::Paste(String::from_utf8_lossy(&paste).into_owned()))
    }
}

fn add(paste: &mut Vec<u8>, bytes: &[u8]) {
    let room = LONGEST_PASTE.saturating_sub(paste.len());
    paste.extend_from_slice(&bytes[..bytes.len().min(room)]);
}

/// How many of the last bytes may be the beginning of `of`.
fn partly(bytes: &[u8], of: &[u8]) -> usize {
    (1..of.len()).rev().find(|length| bytes.ends_with(&of[..*length])).unwrap_or(0)
}

fn cut(bytes: &[u8]) -> Cut {
    match *bytes {
        // The last: F1 to F4, the keypad, or Alt and the letter O.
        [] | [ESC] | [ESC, b'O'] => Cut::More,
        [ESC, ESC, ..] => Cut::Whole(1),
        [ESC, b'[', ref rest @ ..] => control(rest).plus(2),
        [ESC, b'O', b'@'..=b'~', ..] => Cut::Whole(3),
        [ESC, b']' | b'P' | b'_' | b'^' | b'X', ref rest @ ..] => string(rest).plus(2),
        [ESC, ref rest @ ..] => character(rest).plus(1),
        _ => character(bytes),
    }
}

impl Cut {
    /// Of bytes that have so many more before them.
    fn plus(self, more: usize) -> Self {
        match self {
            Self::Whole(length) => Self::Whole(length + more),
            Self::Nothing(length) => Self::Nothing(length + more),
            Self::More => Self::More,
        }
    }
}

/// After `ESC [`: parameters and one byte that ends them.
fn control(bytes: &[u8]) -> Cut {
    match *bytes {
        // A Linux console's F1 to F5.
        [b'['] => return Cut::More,
        [b'[', ..] => return Cut::Whole(2),
        // A mouse report of three bytes that may be any.
        [b'M', ref rest @ ..] => return if rest.len() < 3 { Cut::More } else { Cut::Whole(4) },
        _ => {}
    }
    match bytes.iter().position(|byte| !matches!(byte, 0x20..=0x3f)) {
        Some(end) if end < LONGEST && matches!(bytes[end], 0x40..=0x7e) => Cut::Whole(end + 1),
        // What interrupts it begins something itself.
        Some(end) => Cut::Nothing(end),
        None if bytes.len() >= LONGEST => Cut::Nothing(bytes.len()),
        None => Cut::More,
    }
}

/// After what begins a string: up to `BEL` or `ESC \`.
fn string(bytes: &[u8]) -> Cut {
    match memchr::memchr2(0x07, ESC, bytes) {
        Some(end) if bytes[end] == 0x07 => Cut::Nothing(end + 1),
        Some(end) if bytes.get(end + 1) == Some(&b'\\') => Cut::Nothing(end + 2),
        Some(end) if bytes.len() > end + 1 => Cut::Nothing(end),
        None if bytes.len() > LONGEST_STRING => Cut::Nothing(bytes.len()),
        _ => Cut::More,
    }
}

/// One character in UTF-8.
fn character(bytes: &[u8]) -> Cut {
    let length = match bytes[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        0x80.. => return Cut::Nothing(1),
        _ => return Cut::Whole(1),
    };
    let there = &bytes[..bytes.len().min(length)];
    match std::str::from_utf8(there) {
        Ok(_) => Cut::Whole(length),
        // Without a length of what is wrong, only the end is missing.
        Err(error) if error.error_len().is_none() => Cut::More,
        Err(error) => Cut::Nothing(error.error_len().unwrap_or(1)),
    }
}

fn meaning(sequence: &[u8]) -> Option<Event> {
    let event = terminput::Event::parse_from(sequence).ok().flatten()?;
    terminput_crossterm::to_crossterm(event).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(code: KeyCode) -> Event {
        Event::Key(code.into())
    }

    fn character(character: char) -> Event {
        key(KeyCode::Char(character))
    }

    fn alt(character: char) -> Event {
        Event::Key(KeyEvent::new(KeyCode::Char(character), KeyModifiers::ALT))
    }

    fn ctrl(character: char) -> Event {
        Event::Key(KeyEvent::new(KeyCode::Char(character), KeyModifiers::CONTROL))
    }

    fn all(bytes: &[u8]) -> Vec<Event> {
        let mut sequences = Sequences::default();
        let mut events = sequences.push(bytes);
        events.extend(sequences.give_up());
        events
    }

    #[test]
    fn keys_are_keys() {
        let cases: &[(&[u8], Event)] = &[
            (b"a", character('a')),
            ("é".as_bytes(), character('é')),
            ("字".as_bytes(), character('字')),
            (b"\r", key(KeyCode::Enter)),
            (b"\t", key(KeyCode::Tab)),
            (b"\x7f", key(KeyCode::Backspace)),
            (b"\x1b", key(KeyCode::Esc)),
            (b"\x1ba", alt('a')),
            (b"\x1b[", alt('[')),
            (b"\x1bO", alt('O')),
            (b"\x1b]", alt(']')),
            (b"\x03", ctrl('c')),
            (b"\n", ctrl('j')),
            (b"\x1b[A", key(KeyCode::Up)),
            (b"\x1bOA", key(KeyCode::Up)),
            (b"\x1bOP", key(KeyCode::F(1))),
            (b"\x1b[[A", key(KeyCode::F(1))),
            (b"\x1b[5~", key(KeyCode::PageUp)),
            (b"\x1b[1;5D", Event::Key(KeyEvent::new(KeyCode::Left, KeyModifiers::CONTROL))),
            (b"\x1b[200~two\nlines\x1b[201~", Event::Paste("two\nlines".to_owned())),
        ];
        for (bytes, event) in cases {
            assert_eq!(all(bytes), std::slice::from_ref(event), "{}", bytes.escape_ascii());
        }
        assert_eq!(all(b"\x1b[Z").len(), 1);
        assert!(matches!(all(b"\x1b[<0;3;4M")[..], [Event::Mouse(mouse)] if (mouse.column, mouse.row) == (2, 3)));
    }

    #[test]
    fn what_comes_in_pieces_is_one() {
        let bytes = b"\x1b[<64;10;20M\x1b[1;5Aa\x1b[200~p\x1b[20\x1b[201~\xe5\xad\x97";
        let at_once = all(bytes);
        assert_eq!(at_once.len(), 5);
        let mut sequences = Sequences::default();
        let one_by_one: Vec<Event> = bytes.iter().flat_map(|byte| sequences.push(&[*byte])).collect();
        assert_eq!(one_by_one, at_once);
        assert_eq!(sequences.patience(), None);
    }

    #[test]
    fn what_never_ends_swallows_no_key_after_it() {
        for cut in ["\x1b[<0;3", "\x1b[?", "\x1b[1;", "\x1b]11;rgb:", "\x1bP1$r", "\x1b[M", "\x1b[", "\x1bO"] {
            let mut sequences = Sequences::default();
            sequences.push(cut.as_bytes());
            assert!(sequences.patience().is_some_and(|patience| patience <= REST), "{cut:?}");
            sequences.give_up();
            assert_eq!(sequences.push(b"q"), [character('q')], "{cut:?}");
        }
        let mut sequences = Sequences::default();
        assert_eq!(sequences.push(b"\x1b[200~lost"), []);
        assert_eq!(sequences.patience(), Some(REST_OF_PASTE));
        assert_eq!(sequences.give_up(), Some(Event::Paste("lost".to_owned())));
        assert_eq!(sequences.push(b"q\x1b[201~"), [character('q')], "a late end is nothing");
    }

    #[test]
    fn an_endless_paste_is_cut_and_not_typed() {
        let mut sequences = Sequences::default();
        sequences.push(PASTE_BEGINS);
        for _ in 0..3 {
            assert_eq!(sequences.push(&vec![b'y'; LONGEST_PASTE]), []);
        }
        let Some(Event::Paste(text)) = sequences.push(PASTE_ENDS).pop() else { panic!("no paste") };
        assert_eq!(text.len(), LONGEST_PASTE);
        assert_eq!(sequences.push(&[b'0'; 100]).len(), 100);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_and_leave_little(bytes in prop::collection::vec(prop_oneof![
            prop::collection::vec(any::<u8>(), 1..20),
            prop::sample::select(vec!["\x1b[", "\x1b[<", "\x1b[?", "\x1b]", "\x1bP", "\x1b[M", "\x1b\\", "\x1b[200~", "\x1b[201~", "\x1b[35;0;0M", ";", "99999999999", "字"])
                .prop_map(|piece| piece.as_bytes().to_vec()),
        ], 0..60), cuts in prop::collection::vec(1usize..40, 1..10)) {
            let bytes = bytes.concat();
            let mut sequences = Sequences::default();
            let (mut rest, mut cuts) = (&bytes[..], cuts.iter().cycle());
            while !rest.is_empty() {
                let (now, later) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
                sequences.push(now);
                rest = later;
                prop_assert!(sequences.begun.len() <= LONGEST_STRING + 40);
            }
            while sequences.patience().is_some() {
                sequences.give_up();
            }
            prop_assert_eq!(sequences.push(b"q"), [character('q')]);
        }
    }
}
