//! The control plane: the business of calls, and never a packet.
//!
//! Floors, top to bottom: `http`, `app`, `desk` and `jobs`, `store`, `ivr` and `outside`, `model` and `config`.
//! A room imports only floors below it.

#[cfg(room_store_mod)]
pub mod app;
pub mod config;
#[cfg(room_ivr_mod)]
pub mod ivr;
pub mod model;
pub mod outside;
#[cfg(room_store_mod)]
pub mod store;
#[cfg(room_desk_mod)]
pub mod desk;

pub mod http;
pub mod jobs;
