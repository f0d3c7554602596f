//! Bodies of webhooks on their way in: bounded in memory together, bounded in time each.

use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

/// The room for bodies that are being received.
#[derive(Debug)]
pub struct Intake {
    room: Semaphore,
    turn_ms: u64,
    body_ms: u64,
}

/// Why a body was not taken. Meta sends it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// Others fill the room.
    #[error("too many webhooks arrive at once; send this one again")]
    Full,
    /// It came too slowly.
    #[error("the body did not arrive in time; send it again")]
    Slow,
}

impl Default for Intake {
    fn default() -> Self {
        Self::with(TURN_MS, BODY_MS)
    }
}

impl Intake {
    /// Room whose turns and bodies are waited for this long.
    pub fn with(turn_ms: u64, body_ms: u64) -> Self {
        Self { room: Semaphore::new(usize::try_from(ROOM_PIECES).unwrap_or(usize::MAX)), turn_ms, body_ms }
    }

    /// Receives a body of so many bytes, if it says how many.
    ///
    /// WHY by size: a real webhook has a few kilobytes and takes one piece of the room, so a burst of them is not held up
    /// by what only claims to be large.
    pub async fn take<T>(&self, told_bytes: Option<u64>, body: impl Future<Output = T>) -> Result<T, NotTaken> {
        let pieces = told_bytes.map_or(BODY_PIECES, |bytes| bytes.div_ceil(PIECE_BYTES).clamp(1, BODY_PIECES));
        let pieces = u32::try_from(pieces).unwrap_or(u32::MAX);
        let turn = timeout(Duration::from_millis(self.turn_ms), self.room.acquire_many(pieces)).await;
        let Ok(Ok(_turn)) = turn else { return Err(NotTaken::Full) };
        timeout(Duration::from_millis(self.body_ms), body).await.map_err(|_| NotTaken::Slow)
    }
}

/// A webhook's body is no larger: Meta sends at most 3 MB.
pub const WEBHOOK_BODY_BYTES_MAX: usize = 3 * 1024 * 1024;
const PIECE_BYTES: u64 = 64 * 1024;
const BODY_PIECES: u64 = WEBHOOK_BODY_BYTES_MAX as u64 / PIECE_BYTES;
/// Thirty-two of the largest: 96 MiB.
const ROOM_PIECES: u64 = 32 * BODY_PIECES;
const TURN_MS: u64 = 2_000;
const BODY_MS: u64 = 10_000;

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let intake = Intake::with(1, 1);
        assert_eq!(intake.take(Some(10), pending::<()>()).await, Err(NotTaken::Slow));
        assert_eq!(intake.take(Some(10), ready(7)).await, Ok(7));
    }

    #[tokio::test]
    async fn thirty_two_large_bodies_fill_the_room_and_its_room_is_given_back() {
        let intake = Arc::new(Intake::with(1, 60_000));
        let mut held = Vec::new();
        for told in (0..32).map(|n| (n % 2 == 0).then_some(u64::MAX)) {
            let mut body = Box::pin({
                let intake = Arc::clone(&intake);
                async move { intake.take(told, pending::<()>()).await }
            });
            assert!(futures_util::poll!(body.as_mut()).is_pending());
            held.push(body);
        }
        assert_eq!(intake.take(Some(1), ready(())).await, Err(NotTaken::Full));
        held.pop();
        for _ in 0..1_000 {
            assert_eq!(intake.take(Some(3_000), ready(())).await, Ok(()));
        }
    }
}
