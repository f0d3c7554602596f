//! Every message has a file with its bytes: who changes a byte changes a file in the diff.
//!
//! `PATCHBAY_BLESS=1 cargo test -p protocol` writes the files anew.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::PathBuf;

use protocol::snapshot::{BridgeSummary, RecordingSummary};
use protocol::{
    BridgeId, CallId, ClipName, Command, Digit, ErrorCode, Event, Filler, FromMediad, Hello, Hop, IceServer,
    LegDescription, LegEnd, LegId, LegState, LegSummary, Numbered, Peer, PlayEnd, Reach, RecordingEnd, RecordingId,
    Refusal, Replay, Reply, Request, Role, Snapshot, Stuck, ToMediad, Welcome, encode,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The file holds exactly these bytes, and reading them gives the message back.
fn holds<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, message: &T) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.json"));
    let bytes = encode(message);
    if std::env::var_os("PATCHBAY_BLESS").is_some() {
        std::fs::write(&path, &bytes).unwrap();
    }
    let golden = std::fs::read(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    assert_eq!(String::from_utf8_lossy(&golden), String::from_utf8_lossy(&bytes), "{name}");
    let read: T = serde_json::from_slice(&golden).unwrap();
    assert_eq!(&read, message, "{name}");
}

fn command(name: &str, command: Command) {
    holds(&format!("command.{name}.v1"), &ToMediad::Request(Request { id: 41, command }));
}

fn answer(name: &str, ok: Reply) {
    holds(&format!("reply.{name}.v1"), &FromMediad::Ok { re: 41, ok });
}

fn event(name: &str, event: Event) {
    holds(&format!("event.{name}.v1"), &FromMediad::Event(Numbered { seq: 12, at_ms: 1_790_963_543_407, event }));
}

fn leg() -> LegId {
    LegId::new("leg-7").unwrap()
}
fn call() -> CallId {
    CallId::new("call-3").unwrap()
}
fn bridge() -> BridgeId {
    BridgeId::new("bridge-2").unwrap()
}
fn recording() -> RecordingId {
    RecordingId::new("rec-5").unwrap()
}
fn clip(name: &str) -> ClipName {
    ClipName::new(name).unwrap()
}

fn relayed() -> Reach {
    let (username, credential) = ("1790964143:patchbay".to_owned(), "uGIbGnKjuQWfrWv85qg0b7RUMAQ=".to_owned());
    let turn = IceServer { urls: vec!["turn:192.0.2.7:3478?transport=udp".into()], username, credential };
    let stun = IceServer { urls: vec!["stun:192.0.2.7:3478".into()], ..IceServer::default() };
    Reach { ice_servers: Some(vec![stun, turn]), relay_only: Some(true) }
}

fn summary() -> LegSummary {
    LegSummary {
        leg: leg(),
        call: call(),
        peer: Peer::Meta,
        state: LegState::Connected,
        gate_open: true,
        clip: Some(clip("hold-music.ogg")),
        bridge: None,
        role: None,
    }
}

#[test]
fn the_first_line_says_who_speaks() {
    let hello = Hello { version: 1, who: "controld".into(), seen: Some(("0192f0c4".into(), 11)) };
    holds("hello.v1", &ToMediad::Hello { hello });
    let welcome = |replay| FromMediad::Welcome {
        welcome: Welcome { version: 1, epoch: "0192f0c4".into(), next_seq: 12, replay },
    };
    holds("welcome.complete.v1", &welcome(Replay::Complete));
    holds("welcome.lapsed.v1", &welcome(Replay::Lapsed));
    holds("bye.v1", &FromMediad::Bye { bye: "this mediad speaks version 1, not 2".into() });
}

#[test]
fn commands_about_a_leg_keep_their_bytes() {
    let (offer, life_secs) = ("v=0\r\n".to_owned(), 3600);
    command(
        "open_leg",
        Command::OpenLeg {
            leg: leg(),
            call: call(),
            peer: Peer::Meta,
            offer: offer.clone(),
            life_secs,
            reach: Reach::default(),
        },
    );
    command(
        "offer_leg",
        Command::OfferLeg { leg: leg(), call: call(), peer: Peer::Browser, life_secs, reach: Reach::default() },
    );
    command(
        "offer_leg.relayed",
        Command::OfferLeg { leg: leg(), call: call(), peer: Peer::Meta, life_secs, reach: relayed() },
    );
    command("answer_leg", Command::AnswerLeg { leg: leg(), answer: offer.clone() });
    command("restart_leg", Command::RestartLeg { leg: leg(), offer: offer.clone(), reach: Reach::default() });
    command("restart_leg.relayed", Command::RestartLeg { leg: leg(), offer, reach: relayed() });
    command("open_gate", Command::OpenGate { leg: leg() });
    command("close_leg", Command::CloseLeg { leg: leg() });
    command("describe", Command::Describe { leg: leg() });
    command("snapshot", Command::Snapshot { after: None });
    command("snapshot_after", Command::Snapshot { after: Some(leg()) });
    command("listen_for_tones", Command::ListenForTones { leg: leg(), on: true });
    let digits = "1*#d".chars().map(|key| Digit::try_from(key).unwrap()).collect();
    command("send_digits", Command::SendDigits { leg: leg(), digits, tone_ms: 100 });
}

#[test]
fn commands_about_sound_keep_their_bytes() {
    let music = clip("hold-music.ogg");
    let then = Filler::Music(music.clone());
    command("play", Command::Play { leg: leg(), clip: clip("demo/menu.ogg"), stop_on_digit: true, then });
    command("beep", Command::Beep { leg: leg(), clip: clip("warning.ogg") });
    command("fill", Command::Fill { leg: leg(), with: Filler::Comfort });
    let agent = LegId::new("leg-8").unwrap();
    command("bridge", Command::Bridge { bridge: bridge(), caller: leg(), agent, music: music.clone() });
    command("hold", Command::Hold { bridge: bridge() });
    command("resume", Command::Resume { bridge: bridge() });
    command("unbridge", Command::Unbridge { bridge: bridge(), caller_hears: Filler::Music(music) });
    let to = LegId::new("leg-8").unwrap();
    for (name, role) in [("party", Role::Party), ("listener", Role::Listener), ("whisperer", Role::Whisperer { to })] {
        command(&format!("join.{name}"), Command::Join { bridge: bridge(), leg: leg(), role });
    }
    command("leave", Command::Leave { leg: leg(), hears: Filler::Comfort });
    command("record", Command::Record { leg: leg(), recording: recording() });
    command("pause_recording", Command::PauseRecording { recording: recording() });
    command("resume_recording", Command::ResumeRecording { recording: recording() });
    command("stop_recording", Command::StopRecording { recording: recording() });
}

#[test]
fn answers_keep_their_bytes() {
    answer("done", Reply::Done);
    answer("leg_opened", Reply::LegOpened { answer: "v=0\r\n".into() });
    answer("leg_offered", Reply::LegOffered { offer: "v=0\r\n".into() });
    let bridges = vec![BridgeSummary {
        bridge: bridge(),
        caller: leg(),
        agent: LegId::new("leg-8").unwrap(),
        on_hold: false,
        agent_silent: true,
    }];
    let mut bridged = summary();
    (bridged.bridge, bridged.role, bridged.clip) = (Some(bridge()), Some(Role::Party), None);
    answer(
        "snapshot_bridged",
        Reply::Snapshot(Snapshot {
            seq: 12,
            legs: vec![bridged],
            next: None,
            bridges: bridges.clone(),
            recordings: Vec::new(),
            ports_free: 94,
        }),
    );
    let recordings = vec![RecordingSummary { recording: recording(), leg: leg(), duration_ms: 61_020, paused: false }];
    let next = Some(leg());
    answer(
        "snapshot",
        Reply::Snapshot(Snapshot { seq: 12, legs: vec![summary()], next, bridges, recordings, ports_free: 94 }),
    );
    answer(
        "described",
        Reply::Described(Box::new(LegDescription {
            summary: summary(),
            pair: Some(("192.0.2.1:10000".into(), "198.51.100.9:3480".into())),
            srtp_profile: Some("aead_aes_128_gcm".into()),
            dtls_role: "client".into(),
            ssrc: 613_016_344,
            sent_packets: 1500,
            received_packets: 1490,
            bridge: Some(bridge()),
            drops: BTreeMap::from([("auth_failed".to_owned(), 3)]),
        })),
    );
}

#[test]
fn every_refusal_keeps_its_code() {
    let codes = [
        (ErrorCode::UnknownLeg, "unknown_leg"),
        (ErrorCode::UnknownBridge, "unknown_bridge"),
        (ErrorCode::UnknownRecording, "unknown_recording"),
        (ErrorCode::NameTaken, "name_taken"),
        (ErrorCode::BadSdp, "bad_sdp"),
        (ErrorCode::BadClip, "bad_clip"),
        (ErrorCode::BadValue, "bad_value"),
        (ErrorCode::WrongState, "wrong_state"),
        (ErrorCode::NoPort, "no_port"),
        (ErrorCode::NoRelay, "no_relay"),
        (ErrorCode::Busy, "busy"),
    ];
    for (code, name) in codes {
        let err = Refusal { code, why: "no leg is called leg-7".into() };
        holds(&format!("refusal.{name}.v1"), &FromMediad::Err { re: 41, err });
    }
}

#[test]
fn events_of_a_leg_keep_their_bytes() {
    event("leg_connected", Event::LegConnected { leg: leg() });
    let server = || "turn.example.net (192.0.2.7:3478)".to_owned();
    let why = "the turn server does not answer".to_owned();
    event("relay_lost", Event::RelayLost { leg: leg(), server: server(), why });
    event("relay_back", Event::RelayBack { leg: leg(), server: server() });
    event("leg_heard", Event::LegHeard { leg: leg() });
    event("digit", Event::Digit { leg: leg(), digit: Digit::try_from('#').unwrap() });
    let ends = [
        (LegEnd::Closed, "closed"),
        (LegEnd::IceFailed, "ice_failed"),
        (LegEnd::ConsentLost, "consent_lost"),
        (LegEnd::DtlsFailed, "dtls_failed"),
        (LegEnd::WrongFingerprint, "wrong_fingerprint"),
        (LegEnd::PeerClosed, "peer_closed"),
        (LegEnd::LifeOver, "life_over"),
        (LegEnd::Orphaned, "orphaned"),
        (LegEnd::Defect, "defect"),
    ];
    for (why, name) in ends {
        event(&format!("leg_ended.{name}"), Event::LegEnded { leg: leg(), why });
    }
    let quality = |rtt_ms, far_loss| {
        let (mos, far_mos) = (None, None);
        Event::Quality { leg: leg(), loss: 0.25, jitter_ms: 3.5, rtt_ms, far_loss, mos, far_mos }
    };
    let (leg_, mos, far_mos) = (leg(), Some(3.5), Some(4.25));
    let (rtt_ms, far_loss) = (Some(80.5), Some(0.5));
    event("quality_with_mos", Event::Quality { leg: leg_, loss: 0.25, jitter_ms: 3.5, rtt_ms, far_loss, mos, far_mos });
    let hops = [
        (Hop::NoStunAnswer, "no_stun_answer"),
        (Hop::StunButNoDtls, "stun_but_no_dtls"),
        (Hop::DtlsButNoRtp, "dtls_but_no_rtp"),
        (Hop::RtpButNotDecryptable, "rtp_but_not_decryptable"),
        (Hop::RtpButSilent, "rtp_but_silent"),
    ];
    for (hop, name) in hops {
        event(&format!("hop_broken.{name}"), Event::HopBroken { leg: leg(), hop });
    }
    event("hop_mended", Event::HopMended { leg: leg(), hop: Hop::DtlsButNoRtp });
    event("quality", quality(Some(42.5), Some(0.125)));
    event("quality_before_reports", quality(None, None));
}

#[test]
fn events_of_sound_keep_their_bytes() {
    for (why, name) in [(PlayEnd::Finished, "finished"), (PlayEnd::Digit, "digit"), (PlayEnd::Replaced, "replaced")] {
        event(&format!("play_ended.{name}"), Event::PlayEnded { leg: leg(), clip: clip("demo/menu.ogg"), why });
    }
    event("agent_silent", Event::AgentSilent { bridge: bridge() });
    event("agent_back", Event::AgentBack { bridge: bridge() });
    event("bridge_ended", Event::BridgeEnded { bridge: bridge() });
    let stuck = [(Stuck::DiskFull, "disk_full"), (Stuck::DiskSlow, "disk_slow"), (Stuck::DiskFailing, "disk_failing")];
    for (why, name) in stuck {
        event(&format!("recording_stuck.{name}"), Event::RecordingStuck { recording: recording(), why });
    }
    event("recording_goes_on", Event::RecordingGoesOn { recording: recording(), lost_ms: 1_240 });
    let ends = [
        (RecordingEnd::Finished, "finished"),
        (RecordingEnd::Salvaged, "salvaged"),
        (RecordingEnd::DiskFailed, "disk_failed"),
    ];
    for (why, name) in ends {
        let (duration_ms, bytes) = (61_020, 412_345);
        event(
            &format!("recording_ended.{name}"),
            Event::RecordingEnded { recording: recording(), why, duration_ms, bytes },
        );
    }
}

#[test]
fn no_golden_file_is_left_over() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/protocol.md")).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let word = name.split('.').nth(1).unwrap().trim_end_matches("_after").trim_end_matches("_before_reports");
        let word = word.trim_end_matches("_bridged").trim_end_matches("_with_mos");
        let kind = name.split('.').next().unwrap();
        let said = if word == "v1" { kind } else { word };
        assert!(document.contains(&format!("`{said}`")), "docs/protocol.md does not speak of `{said}` ({name})");
    }
}
