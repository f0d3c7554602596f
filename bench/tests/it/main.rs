//! The stand-in for Meta, held against the facts it imitates.

mod business;
mod facade;
mod faults;
mod media;
mod states;
mod world;
