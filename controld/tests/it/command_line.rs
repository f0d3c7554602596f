//! The programs as a person starts them.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

fn controld(words: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_controld")).args(words).current_dir(folder).output().unwrap()
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_misspelt_key_ends_the_start_with_code_2_and_the_right_spelling() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.toml"), "[calling]\nhold_musik_file = 'x.ogg'\n").unwrap();
    for words in [&[][..], &["check-config"]] {
        let out = controld(words, folder.path());
        assert_eq!(out.status.code(), Some(2));
        let why = said(&out.stderr);
        assert_eq!(
            why.trim(),
            "[calling] has no key \"hold_musik_file\"; did you mean \"hold_music_file\" in [calling]?"
        );
    }
}

#[test]
fn check_config_tells_the_ceiling_and_every_fault_and_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[calling]\nudp_port_min = 20000\nudp_port_max = 20009\n[server]\ntls_cert = 'none.pem'\n\
                trusted_proxies = ['the-proxy']\n[callbacks]\nhosts = ['http://crm']\n";
    std::fs::write(folder.path().join("config.toml"), text).unwrap();
    let out = controld(&["check-config"], folder.path());
    assert_eq!(out.status.code(), Some(2));
    assert!(said(&out.stdout).contains("10 ports carry 10 WhatsApp calls per relay address"), "{}", said(&out.stdout));
    assert!(said(&out.stdout).contains("opusenc_binary is accepted but unused"));
    for fault in [
        "belong together",
        "none.pem, which is not a file",
        "trusted_proxies holds addresses and networks, not \"the-proxy\"",
        "[callbacks] hosts: \"http://crm\" is not a host or host:port",
    ] {
        assert!(said(&out.stderr).contains(fault), "{}", said(&out.stderr));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_configuration_file_that_is_named_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let out = controld(&["--config", "gone.toml"], folder.path());
    assert_eq!(out.status.code(), Some(2));
    assert!(said(&out.stderr).starts_with("gone.toml cannot be read"), "{}", said(&out.stderr));
    assert_eq!(controld(&["--port", "1"], folder.path()).status.code(), Some(2));
}

#[test]
fn openapi_prints_the_document() {
    let out = controld(&["openapi"], Path::new("."));
    let document: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert!(document["paths"]["/api/login"]["post"].is_object());
}

#[test]
fn callctl_says_who_does_not_answer() {
    let out =
        Command::new(env!("CARGO_BIN_EXE_callctl")).args(["--socket", "/nowhere/mediad.sock", "snapshot"]).output();
    let out = out.unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(said(&out.stderr).starts_with("mediad does not answer on /nowhere/mediad.sock"), "{}", said(&out.stderr));
}

#[test]
fn whatever_a_house_writes_is_for_nobody_else_on_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    // No mediad is needed to write the first files; a program that ends at once stands in its place.
    let text = "[server]\nlisten = '127.0.0.1:0'\n[media]\nmediad_binary = '/bin/false'\nsocket = 'none.sock'\n";
    std::fs::write(folder.path().join("config.toml"), text).unwrap();
    let mut house = Command::new(env!("CARGO_BIN_EXE_controld"))
        .current_dir(folder.path())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let files = ["var/patchbay.db", "var/spool", "var/recordings", "audio"].map(|name| folder.path().join(name));
    let began = Instant::now();
    while files.iter().any(|file| !file.exists()) && began.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    house.kill().unwrap();
    house.wait().unwrap();
    for file in files {
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", file.display());
    }
}
