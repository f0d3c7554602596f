//! The control plane: the business of calls, and never a packet.
//!
//! Floors, top to bottom: `http`, `app`, `desk` and `jobs`, `store`, `ivr` and `outside`, `model` and `config`.
//! A room imports only floors below it.

pub mod app;
pub mod config;
pub mod desk;
pub mod http;
pub mod ivr;
pub mod jobs;
pub mod model;
pub mod outside;
pub mod store;
