//! Tells the compiler which rooms are in the tree.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-env-changed=PATCHBAY_WITHOUT");
    let without = std::env::var("PATCHBAY_WITHOUT").unwrap_or_default();
    for room in ROOMS {
        let name = room.replace('/', "_");
        println!("cargo::rustc-check-cfg=cfg(room_{name})");
        if is_whole(room) && !without.split(',').any(|out| out == room) {
            println!("cargo::rustc-cfg=room_{name}");
        }
    }
}

fn is_whole(room: &str) -> bool {
    let file = Path::new("src").join(format!("{room}.rs"));
    let Ok(text) = std::fs::read_to_string(&file) else { return false };
    let home = if room.ends_with("/mod") { file.parent().unwrap().to_owned() } else { file.with_extension("") };
    let inner = text.lines().filter_map(|l| {
        l.trim_start_matches("pub ").trim_start_matches("pub(crate) ").strip_prefix("mod ")?.strip_suffix(';')
    });
    inner.into_iter().all(|m| home.join(format!("{m}.rs")).exists() || home.join(m).join("mod.rs").exists())
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
