//! The terminal's input: a thread reads it as it comes, so that nothing lies unread until the next key.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind},
    os::{fd::AsFd as _, unix::net::UnixStream},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    thread,
};

use crossterm::event::Event;
use futures::Stream;
use rustix::event::{PollFd, PollFlags, poll};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    time::{Sleep, sleep},
};

use super::{input::Arrived, sequences::Sequences};
use crate::domain::time::{Clock, Mono};

/// Most bytes that are read at once.
const AT_ONCE: usize = 16 << 10;
/// Reads that may wait for the loop; more wait in the terminal.
const WAITING: usize = 16;

/// Keys, mouse, pastes and changes of size. It ends with the terminal. Dropped, it reads no more.
pub struct Tty {
    reads: mpsc::Receiver<io::Result<Read>>,
    sequences: Sequences,
    events: VecDeque<Arrived>,
    /// When the last read came, and its number.
    last: (Mono, u64),
    clock: Arc<dyn Clock>,
    sizes: Signal,
    /// Until when the rest of a sequence is waited for.
    patience: Option<Pin<Box<Sleep>>>,
    is_over: bool,
    /// Closed, it ends the thread.
    _ends: UnixStream,
}

/// What one read gave, and when.
struct Read {
    bytes: Vec<u8>,
    at: Mono,
}

impl Tty {
    /// Reads standard input, which has to be a terminal.
    pub fn open(clock: &Arc<dyn Clock>) -> io::Result<Self> {
        let sizes = signal(SignalKind::window_change())?;
        let (ends, ended) = UnixStream::pair()?;
        let (tell, reads) = mpsc::channel(WAITING);
        let of_thread = Arc::clone(clock);
        thread::Builder::new().name("terminal".to_owned()).spawn(move || read_on(&ended, &tell, &*of_thread))?;
        Ok(Self {
            reads,
            sequences: Sequences::default(),
            events: VecDeque::new(),
            last: (clock.now().mono, 0),
            clock: Arc::clone(clock),
            sizes,
            patience: None,
            is_over: false,
            _ends: ends,
        })
    }

    fn arrived(&mut self, events: impl IntoIterator<Item = Event>) {
        let (at, read) = self.last;
        self.events.extend(events.into_iter().map(|event| Arrived { event, at, read }));
    }
}

/// Until the terminal is gone, or nobody wants to know any more.
fn read_on(ended: &UnixStream, tell: &mpsc::Sender<io::Result<Read>>, clock: &dyn Clock) {
    let terminal = io::stdin();
    let mut buffer = vec![0; AT_ONCE];
    loop {
        let read = match wait(&terminal, ended) {
            Ok(true) => rustix::io::read(&terminal, &mut buffer[..]).map_err(io::Error::from),
            Ok(false) => return,
            Err(error) => Err(error),
        };
        let read = match read {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            // Stamped here: how busy the loop is says nothing about how fast hands are.
            Ok(length) => Ok(Read { bytes: buffer[..length].to_vec(), at: clock.now().mono }),
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => continue,
            Err(error) => Err(error),
        };
        let is_last = read.is_err();
        if tell.blocking_send(read).is_err() || is_last {
            return;
        }
    }
}

/// Until the terminal has something; false: it is not to be read any more.
fn wait(terminal: &io::Stdin, ended: &UnixStream) -> io::Result<bool> {
    let terminal = terminal.as_fd();
    let mut both = [PollFd::new(&terminal, PollFlags::IN), PollFd::new(ended, PollFlags::IN)];
    poll(&mut both, None)?;
    Ok(both[1].revents().is_empty())
}

impl Stream for Tty {
    type Item = io::Result<Arrived>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(event) = this.events.pop_front() {
                return Poll::Ready(Some(Ok(event)));
            }
            if this.is_over {
                return Poll::Ready(None);
            }
            if this.sizes.poll_recv(context).is_ready() {
                let size = crossterm::terminal::size();
                let at = this.clock.now().mono;
                return Poll::Ready(Some(size.map(|(columns, rows)| Arrived { event: Event::Resize(columns, rows), at, read: this.last.1 })));
            }
            if let Poll::Ready(read) = this.reads.poll_recv(context) {
                match read {
                    Some(Ok(Read { bytes, at })) => {
                        this.last = (at, this.last.1 + 1);
                        let events = this.sequences.push(&bytes);
                        this.arrived(events);
                        this.patience = this.sequences.patience().map(|patience| Box::pin(sleep(patience)));
                        continue;
                    }
                    Some(Err(error)) => {
                        this.is_over = true;
                        return Poll::Ready(Some(Err(error)));
                    }
                    None => {
                        this.is_over = true;
                        return Poll::Ready(None);
                    }
                }
            }
            match this.patience.as_mut().map(|patience| patience.as_mut().poll(context)) {
                Some(Poll::Ready(())) => {
                    this.patience = None;
                    let event = this.sequences.give_up();
                    this.arrived(event);
                }
                Some(Poll::Pending) | None => return Poll::Pending,
            }
        }
    }
}
