//! Tools without opinions: packets, slots, deadlines, counters.

pub mod count;
pub mod outbox;
pub mod packet;
pub mod slots;
pub mod timers;
