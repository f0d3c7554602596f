//! controld from outside: a real server on loopback, real SQLite files, real HTTP.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

mod access;
mod audio;
mod call_log;
mod cluster;
mod command_line;
mod desk;
mod document;
mod flows;
mod house;
mod login;
mod pages;
mod postgres;
mod recordings;
mod settings;
mod speech;
mod tls;
