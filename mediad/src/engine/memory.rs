//! The answers given lately, so that a repeated command is answered again and not carried out again.

use std::collections::{BTreeMap, VecDeque};

use protocol::limits::REPLY_MEMORY_LEN;
use protocol::{Command, FromMediad};

/// Answers by who asked and under which number.
#[derive(Debug, Default)]
pub struct Memory {
    answers: BTreeMap<(String, u64), (Command, FromMediad)>,
    order: VecDeque<(String, u64)>,
}

impl Memory {
    /// The answer to the same command under the same number. A number that comes again with another command is a new
    /// command: its speaker has been restarted and counts from the beginning.
    pub fn recall(&self, who: &str, id: u64, command: &Command) -> Option<&FromMediad> {
        let (same, answer) = self.answers.get(&(who.to_owned(), id))?;
        (same == command).then_some(answer)
    }

    /// Keeps an answer. Those to questions are not kept: asking twice is harmless, and they are large.
    pub fn keep(&mut self, who: &str, id: u64, command: Command, answer: &FromMediad) {
        if matches!(command, Command::Snapshot { .. } | Command::Describe { .. }) {
            return;
        }
        let key = (who.to_owned(), id);
        if self.answers.insert(key.clone(), (command, answer.clone())).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > REPLY_MEMORY_LEN {
            if let Some(old) = self.order.pop_front() {
                self.answers.remove(&old);
            }
        }
    }
}
