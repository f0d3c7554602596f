//! The floors: who may import whom, what only one room may touch, how big a room may grow.

use std::fs;
use std::path::{Path, PathBuf};

/// Top to bottom. A room imports itself and rooms on floors below; rooms that share a floor do not know each other.
const MEDIAD: &[&[&str]] = &[&["shell"], &["engine"], &["bridge"], &["leg"], &["wire"], &["base"]];
const CONTROLD: &[&[&str]] =
    &[&["serve"], &["http"], &["app"], &["desk", "jobs"], &["store"], &["ivr", "outside"], &["config"], &["model"]];
const AUDIO: &[&[&str]] = &[
    &["transcode", "click"],
    &["two_lane", "decode", "loudness", "clip", "comfort", "trim"],
    &["ogg_opus", "resample"],
    &["opus"],
    &["pcm", "toc"],
    &["limits"],
];

#[test]
fn no_room_imports_a_floor_above_it() {
    let mut broken = Vec::new();
    for (krate, floors) in [("mediad", MEDIAD), ("controld", CONTROLD), ("audio", AUDIO)] {
        for file in rust_files(&house().join(krate).join("src")) {
            let Some(here) = room_of(krate, &file) else { continue };
            for used in imports(&code_of(&file)) {
                if reaches_up(floors, &here, &used) {
                    broken.push(format!("{} imports crate::{used}", shown(&file)));
                }
            }
        }
    }
    assert!(broken.is_empty(), "these imports climb:\n  {}", broken.join("\n  "));
}

#[test]
fn each_outside_thing_is_touched_by_one_room_only() {
    // (crate, words, the rooms that may say them)
    let rules: &[(&str, &[&str], &[&str])] = &[
        (
            "mediad",
            &["mio::", "libc::", "std::fs", "std::thread::spawn", "Instant::now", "SystemTime::now"],
            &["shell", "main"],
        ),
        ("controld", &["sqlx::"], &["store"]),
        ("controld", &["axum::"], &["http", "serve"]),
        ("controld", &["protocol::"], &["outside", "bin", "config"]),
        ("protocol", &["std::fs", "std::net", "std::io", "tokio::", "mio::"], &[]),
        ("audio", &["std::fs", "std::net", "tokio::", "mio::"], &[]),
    ];
    let mut broken = Vec::new();
    for (krate, words, rooms) in rules {
        for file in rust_files(&house().join(krate).join("src")) {
            let here = room_of(krate, &file).unwrap_or_default();
            if rooms.contains(&here.as_str()) || test_rooms(krate).contains(&here) {
                continue;
            }
            let code = code_of(&file);
            broken.extend(words.iter().filter(|w| mentions(&code, w)).map(|w| format!("{} says {w}", shown(&file))));
        }
    }
    assert!(broken.is_empty(), "these rooms touch what is not theirs:\n  {}", broken.join("\n  "));
}

#[test]
fn the_web_app_imports_downwards_only() {
    let floors: &[&[&str]] = &[&["app"], &["screens"], &["api"], &["core", "ui"]];
    let src = house().join("web/src");
    let mut broken = Vec::new();
    for file in files(&src, &["ts", "tsx"]) {
        let here = first_folder(&src, &file);
        for used in web_imports(&fs::read_to_string(&file).unwrap()) {
            let target = resolve(file.parent().unwrap(), &src, &used);
            if let Some(target) = target.filter(|t| reaches_up(floors, &here, &first_folder(&src, t))) {
                broken.push(format!("{} imports {}", shown(&file), shown(&target)));
            }
        }
    }
    assert!(broken.is_empty(), "these imports climb:\n  {}", broken.join("\n  "));
}

#[test]
fn the_daemons_are_driven_over_their_sockets_never_as_libraries() {
    for krate in ["bench", "tests"] {
        let manifest = fs::read_to_string(house().join(krate).join("Cargo.toml")).unwrap();
        for daemon in ["mediad", "controld"] {
            assert!(!manifest.lines().any(|l| l.starts_with(daemon)), "{krate} depends on {daemon}");
        }
    }
}

#[test]
fn no_file_is_over_600_lines_and_no_function_over_60() {
    let mut big = Vec::new();
    for krate in CRATES {
        for file in rust_files(&house().join(krate).join("src")) {
            let code = code_of(&file);
            let lines = code.lines().count();
            if lines > FILE_LINES_MAX {
                big.push(format!("{} has {lines} lines", shown(&file)));
            }
            big.extend(
                functions(&code)
                    .filter(|(_, lines)| *lines > FUNCTION_LINES_MAX)
                    .map(|(name, lines)| format!("{}: fn {name} has {lines} lines", shown(&file))),
            );
        }
    }
    for file in files(&house().join("web/src"), &["ts", "tsx"]) {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        if lines > FILE_LINES_MAX && !shown(&file).contains(".gen") {
            big.push(format!("{} has {lines} lines", shown(&file)));
        }
    }
    assert!(big.is_empty(), "too big to take in at a glance:\n  {}", big.join("\n  "));
}

#[test]
fn every_file_opens_with_what_its_room_is_for() {
    let silent: Vec<String> = CRATES
        .iter()
        .flat_map(|krate| rust_files(&house().join(krate).join("src")))
        .filter(|file| !fs::read_to_string(file).unwrap().starts_with("//!"))
        .map(|file| shown(&file))
        .collect();
    assert!(silent.is_empty(), "no first sentence in:\n  {}", silent.join("\n  "));
}

#[test]
fn every_path_named_in_the_documents_exists() {
    let mut missing = Vec::new();
    for page in ["README.md", "ARCHITECTURE.md", "STYLE.md"] {
        let text = fs::read_to_string(house().join(page)).unwrap();
        for word in text.split('`').skip(1).step_by(2) {
            let is_path =
                word.contains('/') && !word.contains([' ', ':', '<', '*', '{']) && !word.starts_with(['/', 'v']);
            if is_path && !house().join(word.trim_end_matches('/')).exists() {
                missing.push(format!("{page}: {word}"));
            }
        }
    }
    assert!(missing.is_empty(), "named but not there:\n  {}", missing.join("\n  "));
}

#[test]
fn the_stairs_are_counted_right() {
    assert!(reaches_up(MEDIAD, "leg", "bridge"));
    assert!(!reaches_up(MEDIAD, "leg", "wire"));
    assert!(!reaches_up(MEDIAD, "leg", "leg"));
    assert!(reaches_up(CONTROLD, "ivr", "outside"), "rooms on one floor do not know each other");
    assert_eq!(imports("use crate::{wire::rtp, base::slots};\nlet x = crate::leg::Leg;"), ["wire", "base", "leg"]);
    let code = "fn a() {\n    1;\n}\n\nimpl X {\n    pub(crate) async fn b() {\n    }\n}\n";
    assert_eq!(functions(code).collect::<Vec<_>>(), [("a".to_owned(), 3), ("b".to_owned(), 2)]);
}

fn reaches_up(floors: &[&[&str]], here: &str, used: &str) -> bool {
    let floor = |room: &str| floors.iter().position(|rooms| rooms.contains(&room));
    match (floor(here), floor(used)) {
        (Some(here_at), Some(used_at)) => used_at < here_at || (used_at == here_at && here != used),
        _ => false,
    }
}

/// The rooms that `crate::…` and `crate::{…, …}` name.
fn imports(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            Some(group) => {
                let mut depth = 0_i32;
                let mut fresh = true;
                for (at, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => fresh = true,
                        c if fresh && c.is_alphabetic() => {
                            found.push(word(&group[at..]));
                            fresh = false;
                        }
                        _ => {}
                    }
                }
            }
            None => found.push(word(rest)),
        }
    }
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// `words` said in code, not as the tail of a longer path (`crate::outside::protocol::`, `std::io` in `std::iota`).
fn mentions(code: &str, words: &str) -> bool {
    code.match_indices(words).any(|(at, _)| {
        let before = code[..at].chars().next_back().unwrap_or(' ');
        let after = code[at + words.len()..].chars().next().unwrap_or(' ');
        let starts = !(before.is_alphanumeric() || before == '_' || before == ':');
        let ends = words.ends_with(':') || !(after.is_alphanumeric() || after == '_');
        starts && ends
    })
}

/// A file's code: no comments, nothing from the first `#[cfg(test)]` module on.
fn code_of(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let body = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    body.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn functions(code: &str) -> impl Iterator<Item = (String, usize)> {
    let lines: Vec<&str> = code.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let Some(name) = line.find("fn ").filter(|i| is_signature(&line[..*i])).map(|i| word(&line[i + 3..])) else {
            continue;
        };
        let close = format!("{}}}", " ".repeat(indent));
        if line.ends_with(';') || line.ends_with('}') {
            continue;
        }
        if let Some(length) = lines[at..].iter().position(|l| *l == close) {
            found.push((name, length + 1));
        }
    }
    found.into_iter()
}

fn is_signature(before: &str) -> bool {
    before.split_whitespace().all(|w| {
        w.starts_with("pub") || ["async", "const", "unsafe", "extern", "\"C\"", "in"].contains(&w) || w.ends_with(')')
    })
}

fn web_imports(code: &str) -> Vec<String> {
    code.lines()
        .filter(|l| l.starts_with("import") || l.starts_with("export") || l.trim_start().starts_with("} from"))
        .filter_map(|l| l.split(['"', '\'']).nth(1).map(str::to_owned))
        .collect()
}

fn resolve(folder: &Path, src: &Path, import: &str) -> Option<PathBuf> {
    if let Some(rest) = import.strip_prefix("@/") {
        return Some(src.join(rest));
    }
    if !import.starts_with('.') {
        return None;
    }
    let mut path = folder.to_path_buf();
    for part in import.split('/') {
        match part {
            "." => {}
            ".." => {
                path.pop();
            }
            name => path.push(name),
        }
    }
    Some(path)
}

fn first_folder(src: &Path, file: &Path) -> String {
    let below = file.strip_prefix(src).ok().and_then(|p| p.components().next());
    below.map(|c| c.as_os_str().to_string_lossy().into_owned()).unwrap_or_default()
}

fn room_of(krate: &str, file: &Path) -> Option<String> {
    let below = file.strip_prefix(house().join(krate).join("src")).ok()?;
    let first = below.components().next()?.as_os_str().to_string_lossy().into_owned();
    Some(first.trim_end_matches(".rs").to_owned())
}

/// Rooms the crate has in its tests only. They hold files and clocks in their hands for it.
fn test_rooms(krate: &str) -> Vec<String> {
    let lib = fs::read_to_string(house().join(krate).join("src/lib.rs")).unwrap_or_default();
    lib.split("#[cfg(test)]\nmod ").skip(1).map(word).collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    files(folder, &["rs"])
}

fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        // Tests live beside what they test and answer to other rules.
        if path.file_stem().is_some_and(|name| name == "tests") {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path, endings));
        } else if path.extension().is_some_and(|e| endings.iter().any(|w| e == *w)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn shown(file: &Path) -> String {
    file.strip_prefix(house()).unwrap_or(file).display().to_string()
}

fn house() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

const CRATES: [&str; 6] = ["protocol", "audio", "mediad", "controld", "bench", "tests"];
const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 60;
