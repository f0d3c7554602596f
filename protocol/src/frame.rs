//! Lines on a stream: cutting what arrives, writing what leaves. Pure; the caller owns the socket.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::limits::MESSAGE_BYTES_MAX;

/// Why a connection must be closed.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// A line over the limit. Its rest is never read.
    #[error("a message has at most {MESSAGE_BYTES_MAX} bytes")]
    TooLong,
    /// Not JSON, or not a message.
    #[error("not a message: {0}")]
    Mangled(#[from] serde_json::Error),
}

/// Cuts a byte stream into messages. Holds at most one unfinished line.
#[derive(Debug, Default)]
pub struct Lines {
    buffer: Vec<u8>,
    /// Bytes before this index are known to hold no line end.
    searched: usize,
}

impl Lines {
    /// Takes what was read from the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message, `None` when more bytes are needed. After an error the connection is closed.
    ///
    /// Call it until it says `None` after every [`Lines::push`] of at most 64 KiB: that is what bounds the buffer.
    #[expect(clippy::should_implement_trait, reason = "what comes out is chosen by the caller, so it is no iterator")]
    pub fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, FrameError> {
        let Some(found) = self.buffer.iter().skip(self.searched).position(|b| *b == b'\n') else {
            self.searched = self.buffer.len();
            return if self.buffer.len() > MESSAGE_BYTES_MAX { Err(FrameError::TooLong) } else { Ok(None) };
        };
        let end = self.searched.saturating_add(found);
        self.searched = 0;
        if end >= MESSAGE_BYTES_MAX {
            return Err(FrameError::TooLong);
        }
        let line: Vec<u8> = self.buffer.drain(..=end).collect();
        Ok(Some(serde_json::from_slice(&line)?))
    }
}

/// One message as the line that carries it.
///
/// # Panics
/// Never for the types of this crate: they hold no map with keys that are not text.
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    let mut line = serde_json::to_vec(message).unwrap_or_default();
    line.push(b'\n');
    line
}
