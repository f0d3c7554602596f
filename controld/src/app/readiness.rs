//! Whether the database can be written, asked at most once a second however many want to know.

use tokio::sync::Mutex;

use crate::model::Millis;

/// The last answer and when it was given.
#[derive(Debug, Default)]
pub struct Readiness(Mutex<Option<(Millis, bool)>>);

impl Readiness {
    /// The answer, asked for anew if the last one is old. Who comes while one asks waits for that answer.
    pub async fn get(&self, now: Millis, ask: impl Future<Output = bool>) -> bool {
        let mut last = self.0.lock().await;
        if let Some((_, answer)) = last.filter(|(at, _)| (0..KEPT_MS).contains(&(now - at))) {
            return answer;
        }
        let answer = ask.await;
        *last = Some((now, answer));
        answer
    }
}

const KEPT_MS: Millis = 1_000;

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn however_many_ask_the_database_is_asked_once_a_second() {
        let (readiness, asked) = (Readiness::default(), Cell::new(0));
        let ask = || async {
            asked.set(asked.get() + 1);
            asked.get() != 2
        };
        for now in [5_000, 5_001, 5_999] {
            assert!(readiness.get(now, ask()).await);
        }
        assert_eq!(asked.get(), 1);
        assert!(!readiness.get(6_000, ask()).await);
        assert!(!readiness.get(6_999, ask()).await);
        assert!(readiness.get(7_000, ask()).await);
        assert!(readiness.get(1_000, ask()).await, "a clock that was set back is no reason to keep an answer for ever");
        assert_eq!(asked.get(), 4);
    }
}
