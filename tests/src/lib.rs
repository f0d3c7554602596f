//! The testkit: starts the whole house, plays its users, and hears what they hear.

pub mod agent;
pub mod caller;
pub mod desk;
pub mod house;
pub mod meta;
pub mod spectrum;
pub mod talk;
pub mod tone;
