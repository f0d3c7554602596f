//! Half frames, endless lines, garbage, wrong versions: one connection ends, and mediad is well.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::house::{Client, House};

/// What comes back before the connection is closed, if it is.
fn said_to(house: &House, bytes: &[u8], times: usize) -> (String, bool) {
    let mut stream = UnixStream::connect(house.socket()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    for _ in 0..times {
        if stream.write_all(bytes).is_err() {
            break;
        }
    }
    let mut said = Vec::new();
    let closed = stream.read_to_end(&mut said).is_ok();
    (String::from_utf8_lossy(&said).into_owned(), closed)
}

#[test]
fn whatever_one_client_sends_the_others_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(folder.path(), 24_100);
    let mut good = Client::hello(&house, Value::Null);
    let (said, _) = said_to(&house, &[b'x'; 65_536], 64);
    assert!(said.is_empty() || said.contains("bye"), "an endless line: {said}");
    let (said, closed) = said_to(&house, b"\xff\xfe garbage\n", 1);
    assert!(closed && said.contains("bye"), "garbage: {said}");
    let (said, closed) = said_to(&house, b"{\"hello\":{\"version\":99,\"who\":\"x\",\"seen\":null}}\n", 1);
    assert!(closed && said.contains("version 1, not 99"), "a wrong version: {said}");
    let (said, closed) = said_to(&house, b"{\"id\":1,\"do\":{\"snapshot\":{\"after\":null}}}\n", 1);
    assert!(closed && said.contains("hello"), "no hello: {said}");
    let (_, closed) = said_to(&house, b"{\"hello\":{\"ver", 1);
    assert!(!closed, "half a frame is waited for");
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(house.socket()).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    assert!(good.ask(json!({"snapshot": {"after": null}}))["ok"]["snapshot"].is_object());
}
