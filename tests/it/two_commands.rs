//! `make run` as a newcomer meets it: it says where to go, Ctrl-C leaves no process, a missing package is asked for in words.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tests::house::{Ports, alone, signal};

#[test]
fn the_demo_prints_where_to_go_and_ctrl_c_leaves_no_process() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let ports = Ports::free();
    // Whoever runs the tests in the background has Ctrl-C ignored, and a shell cannot undo that for itself.
    let mut demo = Command::new("env")
        .arg("--default-signal=INT")
        .arg(house("deploy/demo.sh"))
        .env("CARGO_TARGET_DIR", target())
        .env("DEMO_FOLDER", folder.path())
        .envs([("DESK_PORT", ports.desk), ("PHONE_PORT", ports.meta), ("RELAY_PORT", ports.relay)].map(text))
        .envs(
            [("MIN", ports.media.0), ("MAX", ports.media.1)]
                .map(|(end, port)| text((&*format!("PATCHBAY_CALLING__UDP_PORT_{end}"), port))),
        )
        .env("PATCHBAY_MEDIA__ADMIN_LISTEN", format!("127.0.0.1:{}", ports.admin))
        .stdout(Stdio::piped())
        // A terminal's Ctrl-C reaches the whole group it started.
        .process_group(0)
        .spawn()
        .unwrap();
    let mut said = String::new();
    for line in BufReader::new(demo.stdout.take().unwrap()).lines() {
        said.push_str(&line.unwrap());
        said.push('\n');
        if said.contains("Ctrl-C") {
            break;
        }
    }
    let logs = || ["controld", "meta"].map(|of| fs::read_to_string(folder.path().join(format!("var/{of}.log"))));
    for word in ["Call from", "Answer at", "ana@demo.example", &format!("127.0.0.1:{}", ports.desk)] {
        assert!(said.contains(word), "nothing was said of {word}: {said}\n{:?}", logs());
    }
    assert!(living_in(folder.path()).len() >= 4, "the script, the stand-in, controld and mediad");

    signal(-(demo.id() as i32), libc::SIGINT);
    assert!(demo.wait().unwrap().success(), "Ctrl-C is how it ends");
    let began = Instant::now();
    while !living_in(folder.path()).is_empty() {
        assert!(began.elapsed() < Duration::from_secs(10), "left behind: {:?}", living_in(folder.path()));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn without_root_a_missing_package_is_asked_for_in_words() {
    let tools = tempfile::tempdir().unwrap();
    for (name, script) in [("dpkg-query", "exit 1"), ("id", "echo 1000"), ("sudo", "exit 1")] {
        let path = tools.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}", tools.path().display(), std::env::var("PATH").unwrap());
    let out = Command::new(house("deploy/install.sh")).arg("run").env("PATH", path).output().unwrap();
    assert_eq!(out.status.code(), Some(1));
    let said = String::from_utf8(out.stderr).unwrap();
    assert!(said.contains("sudo apt-get install -y --no-install-recommends build-essential"), "{said}");
}

/// What runs with this folder as its working directory.
fn living_in(folder: &Path) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    processes
        .filter(|process| fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == folder))
        .map(|process| fs::read_to_string(process.join("cmdline")).unwrap_or_default().replace('\0', " "))
        .collect()
}

fn text((key, port): (&str, u16)) -> (String, String) {
    (key.to_owned(), port.to_string())
}

fn house(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// `target`, with `debug` and the programs in it.
fn target() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned()
}
