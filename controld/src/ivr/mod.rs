//! The flow a caller walks through: its words, its one step, its checks. Pure: no clock, no socket, no await.

pub mod deed;
pub mod flow;
pub mod node;
pub mod place;
pub mod schedule;
pub mod step;
pub mod template;
