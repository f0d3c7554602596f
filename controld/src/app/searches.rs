//! One search of the call log at a time for each person.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::model::UserId;

/// Who is searching.
#[derive(Debug, Default)]
pub struct Searches(Mutex<HashMap<UserId, Weak<Semaphore>>>);

impl Searches {
    /// This person's turn, once their last search is over; `None`: it takes too long, come back. Dropping it ends it.
    pub async fn turn(&self, user: &UserId) -> Option<OwnedSemaphorePermit> {
        let turns = self.turns_of(user);
        timeout(Duration::from_millis(TURN_MS), turns.acquire_owned()).await.ok()?.ok()
    }

    fn turns_of(&self, user: &UserId) -> Arc<Semaphore> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turns) = all.get(user).and_then(Weak::upgrade) {
            return turns;
        }
        all.retain(|_, turns| turns.strong_count() > 0);
        let turns = Arc::new(Semaphore::new(1));
        all.insert(user.clone(), Arc::downgrade(&turns));
        turns
    }
}

const TURN_MS: u64 = 3_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_person_searches_once_at_a_time_and_others_are_not_in_their_way() {
        let (searches, ana, ben) = (Searches::default(), UserId::from("ana"), UserId::from("ben"));
        let first = searches.turn(&ana).await.unwrap();
        let mut second = Box::pin(searches.turn(&ana));
        assert!(futures_util::poll!(second.as_mut()).is_pending());
        assert!(searches.turn(&ben).await.is_some());
        drop(first);
        assert!(second.await.is_some());
        drop(searches.turn(&ben).await);
        assert_eq!(searches.0.lock().unwrap().len(), 1, "who searches no more is forgotten");
    }
}
