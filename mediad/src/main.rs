//! `mediad --config <path>`: the media server.

fn main() {}
