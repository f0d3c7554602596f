//! controld from outside: a real server on loopback, real SQLite files, real HTTP.

mod access;
mod call_log;
mod desk;
mod document;
mod house;
mod login;
mod pages;
mod recordings;
