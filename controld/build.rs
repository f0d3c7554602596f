//! Tells the compiler which rooms are in the tree.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=src");
    for room in ROOMS {
        let name = room.replace('/', "_");
        println!("cargo::rustc-check-cfg=cfg(room_{name})");
        if Path::new("src").join(format!("{room}.rs")).exists() {
            println!("cargo::rustc-cfg=room_{name}");
        }
    }
}

const ROOMS: [&str; 14] = [
    "desk/mod",
    "ivr/mod",
    "store/mod",
    "outside/mediad",
    "outside/whatsapp/mod",
    "outside/callback",
    "http/webhook",
    "http/softphone",
    "store/calls",
    "store/contacts",
    "store/hunts",
    "store/inbox",
    "store/journal",
    "store/presence",
];
