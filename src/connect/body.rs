//! Reading bodies that may be huge, stall or break off: whole with a limit, or line by line.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};
use tower::BoxError;

use super::{
    ConnectError,
    budget::{Budget, Share},
};
use crate::domain::{secrecy, text::Text};

pub(crate) type Body = UnsyncBoxBody<Bytes, BoxError>;

/// Reads all of a body of at most `limit` bytes, as far as there is room. The caller sets the time limit.
pub(crate) async fn whole(mut body: Body, limit: usize, server: &Text, budget: &Budget) -> Result<Bytes, ConnectError> {
    let (mut read, mut share) = (BytesMut::new(), budget.share());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| cut(server, &error))?;
        if let Some(data) = frame.data_ref() {
            if read.len() + data.len() > limit {
                return Err(ConnectError::TooLarge { server: server.clone(), limit });
            }
            share.grow(read.len() + data.len()).await;
            read.extend_from_slice(data);
        }
    }
    Ok(share.of(read.freeze()))
}

/// What to do with a line longer than the limit, and with a last line without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlong {
    /// The line is an error: half a JSON document is worth nothing.
    Fail,
    /// The line is cut and the rest skipped: half a log line is worth something.
    Cut,
}

/// A body as lines. `next` may be cancelled at any time without losing a byte.
pub struct Lines {
    body: Body,
    buffer: BytesMut,
    /// Start of the part of `buffer` that holds no newline for certain.
    searched: usize,
    limit: usize,
    overlong: Overlong,
    idle: Duration,
    skipping: bool,
    ended: bool,
    server: Text,
    share: Share,
}

impl Lines {
    pub(crate) fn new(body: Body, limit: usize, overlong: Overlong, idle: Duration, server: Text, budget: &Budget) -> Self {
        Self { body, buffer: BytesMut::new(), searched: 0, limit, overlong, idle, skipping: false, ended: false, server, share: budget.share() }
    }

    /// The next line without its end; none when the server ended the stream properly. Fails when no byte came for the
    /// idle limit.
    pub async fn next(&mut self) -> Option<Result<Bytes, ConnectError>> {
        loop {
            if let Some(line) = self.buffered() {
                return Some(line);
            }
            if self.buffer.is_empty() {
                self.share.clear();
            }
            self.share.grow(self.buffer.len()).await;
            if self.ended {
                return None;
            }
            match tokio::time::timeout(self.idle, self.body.frame()).await {
                Err(_) => {
                    self.ended = true;
                    return Some(Err(ConnectError::Timeout { server: self.server.clone(), after: self.idle }));
                }
                Ok(None) => {
                    self.ended = true;
                    return self.last();
                }
                Ok(Some(Err(error))) => {
                    self.ended = true;
                    return Some(Err(cut(&self.server, &error)));
                }
                Ok(Some(Ok(frame))) => {
                    if let Some(data) = frame.data_ref() {
                        self.buffer.extend_from_slice(data);
                    }
                }
            }
        }
    }

    /// A line that is complete in the buffer already. Never waits: for taking a burst as one batch.
    pub fn buffered(&mut self) -> Option<Result<Bytes, ConnectError>> {
        loop {
            if let Some(offset) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(self.searched + offset).freeze();
                self.buffer.advance(1);
                self.searched = 0;
                if std::mem::take(&mut self.skipping) {
                    continue;
                }
                let line = line.strip_suffix(b"\r").map_or_else(|| line.clone(), |stripped| line.slice(..stripped.len()));
                if line.is_empty() {
                    continue;
                }
                return Some(Ok(line));
            }
            self.searched = self.buffer.len();
            if self.buffer.len() <= self.limit {
                return None;
            }
            let first = self.buffer.split_to(self.limit).freeze();
            let was_skipping = self.skipping;
            self.buffer.clear();
            self.searched = 0;
            match self.overlong {
                Overlong::Fail => {
                    self.ended = true;
                    return Some(Err(ConnectError::TooLarge { server: self.server.clone(), limit: self.limit }));
                }
                Overlong::Cut => {
                    self.skipping = true;
                    if was_skipping {
                        return None;
                    }
                    return Some(Ok(first));
                }
            }
        }
    }

    fn last(&mut self) -> Option<Result<Bytes, ConnectError>> {
        self.searched = 0;
        let rest = self.buffer.split().freeze();
        if rest.is_empty() || self.skipping {
            return None;
        }
        Some(match self.overlong {
            Overlong::Cut => Ok(rest),
            Overlong::Fail => Err(ConnectError::Cut { server: self.server.clone(), why: "half a line".into() }),
        })
    }
}

fn cut(server: &Text, error: &BoxError) -> ConnectError {
    ConnectError::Cut { server: server.clone(), why: Text::line(&innermost(error.as_ref())) }
}

/// The last cause of an error: what the operating system or the protocol said.
pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    secrecy::hide(&error.to_string())
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;

    fn lines(chunks: &[&'static str], limit: usize, overlong: Overlong) -> Lines {
        let frames: Vec<_> = chunks.iter().map(|chunk| Ok::<_, BoxError>(Frame::data(Bytes::from_static(chunk.as_bytes())))).collect();
        let body = StreamBody::new(stream::iter(frames)).boxed_unsync();
        Lines::new(body, limit, overlong, Duration::from_secs(5), "test".into(), &Budget::new())
    }

    async fn all(mut lines: Lines) -> Vec<Result<String, ConnectError>> {
        let mut read = Vec::new();
        while let Some(line) = lines.next().await {
            read.push(line.map(|line| String::from_utf8_lossy(&line).into_owned()));
        }
        read
    }

    #[tokio::test]
    async fn lines_are_put_together_however_they_are_cut() {
        let read = all(lines(&["a", "b\nc", "d\r\n", "\n", "e\nf"], 100, Overlong::Cut)).await;
        assert_eq!(read, ["ab", "cd", "e", "f"].map(|line| Ok(line.to_owned())));
    }

    #[tokio::test]
    async fn a_half_last_line_is_an_error_where_lines_are_documents() {
        let read = all(lines(&["{}\n{\"a\":"], 100, Overlong::Fail)).await;
        assert!(matches!(read.as_slice(), [Ok(_), Err(ConnectError::Cut { .. })]), "{read:?}");
    }

    #[tokio::test]
    async fn an_overlong_log_line_is_cut_and_its_rest_skipped() {
        let read = all(lines(&["0123456789", "0123456789", "\nshort\n"], 12, Overlong::Cut)).await;
        assert_eq!(read, ["012345678901", "short"].map(|line| Ok(line.to_owned())));
        let read = all(lines(&["0123456789", "0123456789", "\nshort\n"], 12, Overlong::Fail)).await;
        assert!(matches!(read.as_slice(), [Err(ConnectError::TooLarge { .. })]), "{read:?}");
    }
}
