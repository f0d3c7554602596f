//! The sentences of the flow's contract, one test each, and callers who press at random.

mod callback;
mod demo;
mod gather;
mod greeting;
mod hours;
mod lint;
mod menu;
mod parse;
mod random;
mod simulate;
mod talk;
mod template;
mod ways_out;
