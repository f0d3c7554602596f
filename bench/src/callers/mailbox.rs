//! Words between threads of different rank: who runs first never waits for who does not.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A box many put into and one takes from. The usual channels spin until a sender who was pushed off its core has
/// finished its word; a taker that runs before everything else would then spin for ever.
pub struct Mailbox<T>(Arc<Inside<T>>);

struct Inside<T> {
    words: Mutex<Vec<T>>,
    came: Condvar,
}

impl<T> Clone for Mailbox<T> {
    fn clone(&self) -> Self {
        Mailbox(Arc::clone(&self.0))
    }
}

impl<T> Default for Mailbox<T> {
    fn default() -> Self {
        Mailbox(Arc::new(Inside { words: Mutex::new(Vec::new()), came: Condvar::new() }))
    }
}

impl<T> Mailbox<T> {
    /// Puts a word in; waits for its turn.
    pub fn put(&self, word: T) {
        self.lock().push(word);
        self.0.came.notify_one();
    }

    /// Puts all words in, or none if it is not free this moment.
    pub fn try_put(&self, words: &mut Vec<T>) {
        if words.is_empty() {
            return;
        }
        if let Ok(mut inside) = self.0.words.try_lock() {
            inside.append(words);
            drop(inside);
            self.0.came.notify_one();
        }
    }

    /// Takes what is there, or nothing if it is not free this moment.
    pub fn try_take(&self) -> Vec<T> {
        self.0.words.try_lock().map(|mut inside| std::mem::take(&mut *inside)).unwrap_or_default()
    }

    /// Takes what is there; if that is nothing, what comes first within that time.
    pub fn take_within(&self, wait: Duration) -> Vec<T> {
        let waited = self.0.came.wait_timeout_while(self.lock(), wait, |words| words.is_empty());
        let (mut words, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *words)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        // A thread that panicked with the box in its hands had only pushed a word.
        self.0.words.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_out_in_the_order_they_went_in_and_a_taker_waits_for_the_first() {
        let mailbox = Mailbox::default();
        mailbox.put(1);
        mailbox.try_put(&mut vec![2, 3]);
        assert_eq!(mailbox.try_take(), [1, 2, 3]);
        assert!(mailbox.take_within(Duration::from_millis(1)).is_empty());
        let other = mailbox.clone();
        let thread = std::thread::spawn(move || other.put(4));
        assert_eq!(mailbox.take_within(Duration::from_secs(10)), [4]);
        thread.join().unwrap();
    }
}
