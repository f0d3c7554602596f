//! The flow a caller walks through: its words, its one step, its checks. Pure: no clock, no socket, no await.

pub mod deed;
pub mod demo;
pub mod diff;
pub mod flow;
pub mod lint;
pub mod node;
pub mod parse;
pub mod place;
pub mod schedule;
pub mod simulate;
pub mod step;
pub mod template;

#[cfg(test)]
mod tests;
