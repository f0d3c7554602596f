//! Known attacks, from an address that no leg has proven: no byte back, and the counters move.

use std::net::UdpSocket;
use std::time::Duration;

use crate::house::{House, until};

#[test]
#[expect(clippy::disallowed_types, reason = "a stranger has a socket of its own")]
fn every_attack_is_dropped_and_counted_and_nothing_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(folder.path(), 24_200);
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    stranger.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let attacks = [
        // ES2023-01..03: a ClientHello that offers only NULL.
        "16feff0000000000000000007c010000700000000000000070fefd000000006e070956943556d8566c6ea9d9f65b20a0b538a3859f9685e3fff87e\
         0000000200000100004400170000ff01000100000a00080006001d00170018000b0002010000230000000d00140012040308040401050308050501\
         080606010201000e0009000600010008000700",
        // ES2021-09, ES2025-01, and malformed extensions, reports and records.
        "8000702809cd2d15fd3e5c8641",
        "8000ee3c0442a2c1ef0a07de00000000000000000000000000000000000000000000",
        "906f00010000000100000002bede00011f000000",
        "906f000100000001000000021000000101ff0000",
        "80c80000",
        "a1cd0001ff345678",
        "15fefd000000000000777700020100",
        "15fefd000000000000777700020228",
        "17fefd00010000000070090009000000000000000000",
    ];
    let rounds = 20;
    for _ in 0..rounds {
        for attack in attacks {
            let bytes = hex::decode(attack.replace(char::is_whitespace, "")).unwrap();
            stranger.send_to(&bytes, ("127.0.0.1", house.first_port)).unwrap();
        }
    }
    let expected = format!("mediad_drops_total{{reason=\"unknown_source\"}} {}", rounds * attacks.len());
    assert!(until(|| house.metrics().contains(&expected)), "{}", house.metrics());
    assert!(stranger.recv(&mut [0; 1500]).is_err(), "something came back");
    assert!(house.metrics().contains("mediad_datagrams_out_total 0"));
}
