//! The terminal's input: a thread reads it as it comes, so that nothing lies unread until the next key.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind},
    os::{fd::AsFd as _, unix::net::UnixStream},
    pin::Pin,
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

use super::sequences::Sequences;

/// Most bytes that are read at once.
const AT_ONCE: usize = 16 << 10;
/// Reads that may wait for the loop; more wait in the terminal.
const WAITING: usize = 16;

/// Keys, mouse, pastes and changes of size. It ends with the terminal. Dropped, it reads no more.
pub struct Tty {
    reads: mpsc::Receiver<io::Result<Vec<u8>>>,
    sequences: Sequences,
    events: VecDeque<Event>,
    sizes: Signal,
    /// Until when the rest of a sequence is waited for.
    patience: Option<Pin<Box<Sleep>>>,
    is_over: bool,
    /// Closed, it ends the thread.
    _ends: UnixStream,
}

impl Tty {
    /// Reads standard input, which has to be a terminal.
    pub fn open() -> io::Result<Self> {
        let sizes = signal(SignalKind::window_change())?;
        let (ends, ended) = UnixStream::pair()?;
        let (tell, reads) = mpsc::channel(WAITING);
        thread::Builder::new().name("terminal".to_owned()).spawn(move || read_on(&ended, &tell))?;
        Ok(Self { reads, sequences: Sequences::default(), events: VecDeque::new(), sizes, patience: None, is_over: false, _ends: ends })
    }
}

/// Until the terminal is gone, or nobody wants to know any more.
fn read_on(ended: &UnixStream, tell: &mpsc::Sender<io::Result<Vec<u8>>>) {
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
            Ok(length) => Ok(buffer[..length].to_vec()),
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
    type Item = io::Result<Event>;

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
                return Poll::Ready(Some(size.map(|(columns, rows)| Event::Resize(columns, rows))));
            }
            if let Poll::Ready(read) = this.reads.poll_recv(context) {
                match read {
                    Some(Ok(bytes)) => {
                        this.events.extend(this.sequences.push(&bytes));
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
                    this.events.extend(this.sequences.give_up());
                }
                Some(Poll::Pending) | None => return Poll::Pending,
            }
        }
    }
}
