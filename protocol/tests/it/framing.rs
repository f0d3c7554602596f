//! A stream is cut into messages whatever its chunks are, and bad input ends one connection, not the process.

use protocol::limits::MESSAGE_BYTES_MAX;
use protocol::{Command, FrameError, LegId, Lines, Request, ToMediad, encode};

#[test]
fn a_message_survives_being_cut_at_every_byte() {
    let message =
        ToMediad::Request(Request { id: 7, command: Command::OpenGate { leg: LegId::new("leg-1").unwrap() } });
    let bytes = encode(&message);
    for cut in 0..=bytes.len() {
        let mut lines = Lines::default();
        let (head, tail) = bytes.split_at(cut);
        lines.push(head);
        let early: Option<ToMediad> = lines.next().unwrap();
        lines.push(tail);
        let late: Option<ToMediad> = lines.next().unwrap();
        assert_eq!(early.or(late), Some(message.clone()), "cut at {cut}");
    }
}

#[test]
fn two_messages_in_one_chunk_come_out_in_order() {
    let mut lines = Lines::default();
    lines.push(b"1\n2\n3");
    assert_eq!(lines.next::<u64>().unwrap(), Some(1));
    assert_eq!(lines.next::<u64>().unwrap(), Some(2));
    assert_eq!(lines.next::<u64>().unwrap(), None);
    lines.push(b"\n");
    assert_eq!(lines.next::<u64>().unwrap(), Some(3));
}

#[test]
fn a_line_without_end_is_refused_at_the_limit() {
    let mut lines = Lines::default();
    let chunk = [b'x'; 4096];
    let refused = (0..=MESSAGE_BYTES_MAX / chunk.len() + 1).find(|_| {
        lines.push(&chunk);
        matches!(lines.next::<ToMediad>(), Err(FrameError::TooLong))
    });
    assert!(refused.is_some());
}

#[test]
fn an_over_long_line_with_an_end_is_refused_too() {
    let mut lines = Lines::default();
    let mut line = vec![b' '; MESSAGE_BYTES_MAX];
    line.push(b'\n');
    lines.push(&line);
    assert!(matches!(lines.next::<ToMediad>(), Err(FrameError::TooLong)));
}

#[test]
fn bytes_that_are_no_message_are_an_error_and_not_a_panic() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..20_000 {
        let mut junk: Vec<u8> = encode(&ToMediad::Request(Request {
            id: round,
            command: Command::Describe { leg: LegId::new("leg-1").unwrap() },
        }));
        for _ in 0..=(seed % 4) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let at = (seed as usize) % (junk.len() - 1);
            junk[at] = (seed >> 32) as u8;
        }
        let mut lines = Lines::default();
        lines.push(&junk);
        while let Ok(Some(_)) = lines.next::<ToMediad>() {}
    }
}

#[test]
fn the_fullest_snapshot_page_fits_a_message() {
    use protocol::limits::{CLIP_NAME_BYTES_MAX, ID_BYTES_MAX, SNAPSHOT_LEGS_MAX};
    use protocol::snapshot::{BridgeSummary, LegSummary, RecordingSummary};
    use protocol::*;
    let long = "x".repeat(ID_BYTES_MAX);
    let leg = LegId::new(long.as_str()).unwrap();
    let summary = LegSummary {
        leg: leg.clone(),
        call: CallId::new(long.as_str()).unwrap(),
        peer: Peer::Browser,
        state: LegState::Handshaking,
        gate_open: false,
        clip: Some(ClipName::new("c".repeat(CLIP_NAME_BYTES_MAX)).unwrap()),
        bridge: Some(BridgeId::new(long.as_str()).unwrap()),
        role: Some(Role::Whisperer { to: leg.clone() }),
    };
    let bridge = BridgeSummary {
        bridge: BridgeId::new(long.as_str()).unwrap(),
        caller: leg.clone(),
        agent: leg.clone(),
        on_hold: false,
        agent_silent: false,
    };
    let recording = RecordingId::new(long.as_str()).unwrap();
    let recording = RecordingSummary { recording, leg: leg.clone(), duration_ms: u64::MAX, paused: true };
    let page = Snapshot {
        seq: u64::MAX,
        legs: vec![summary; SNAPSHOT_LEGS_MAX],
        next: Some(leg),
        bridges: vec![bridge; SNAPSHOT_LEGS_MAX],
        recordings: vec![recording; SNAPSHOT_LEGS_MAX],
        ports_free: u32::MAX,
    };
    assert!(encode(&FromMediad::Ok { re: u64::MAX, ok: Reply::Snapshot(page) }).len() < MESSAGE_BYTES_MAX);
}
