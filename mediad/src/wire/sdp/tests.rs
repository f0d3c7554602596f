//! Offers as the peers really make them, and offers nobody should make.

mod hostile;

use super::*;

/// The fixtures are kept with plain line ends; on the wire lines end in CRLF.
fn wire(fixture: &str) -> String {
    fixture.replace('\n', "\r\n")
}

fn meta() -> String {
    wire(include_str!("fixtures/meta-offer.sdp"))
}

fn chrome() -> String {
    wire(include_str!("fixtures/chrome-offer.sdp"))
}

fn local() -> Local {
    Local {
        ice_ufrag: "ourUfrag".to_owned(),
        ice_pwd: "ourPasswordOfManyCharacters".to_owned(),
        candidates: vec!["203.0.113.5:10010".parse().unwrap(), "[2001:db8::5]:10010".parse().unwrap()],
        reflexive: Vec::new(),
        relayed: Vec::new(),
        fingerprint: [0xab; 32],
        setup: Setup::Active,
        ssrc: 77,
        cname: "patchbay".to_owned(),
        session_id: 42,
        session_version: 1,
    }
}

#[test]
fn metas_offer_is_read_whole() {
    let remote = parse_offer(&meta()).unwrap();
    assert!(remote.ice_lite && remote.bundle && remote.rtcp_mux);
    assert_eq!((remote.ice_ufrag.as_str(), remote.ice_pwd.as_str()), ("Wm4kT9xQz1LpR7sA", "q83vEjRWeJq83vEjRWeJqQ=="));
    assert_eq!(remote.candidates.len(), 2);
    assert_eq!(remote.candidates[0].addr, "57.144.43.49:3480".parse().unwrap());
    assert_eq!(remote.candidates[1].addr, "[2a03:2880:f312:131:face:b00c:0:699c]:3480".parse().unwrap());
    assert!(remote.candidates[1].priority > remote.candidates[0].priority);
    assert_eq!(remote.setup, Setup::Actpass);
    assert_eq!((remote.opus_pt, remote.ssrc), (111, Some(613_016_344)));
    assert_eq!(remote.dtmf, [Dtmf { pt: 126, clock_hz: 8_000 }]);
    assert_eq!(remote.mid.as_deref(), Some("audio"));
    assert_eq!(remote.fingerprint[..3], [0x00, 0x11, 0x22]);
    assert_eq!(remote.dtmf_clock_hz(126), Some(8_000));
}

#[test]
fn metas_older_offer_and_its_answer_are_read_too() {
    let remote = parse_offer(&wire(include_str!("fixtures/meta-offer-old.sdp"))).unwrap();
    assert_eq!((remote.ice_ufrag.len(), remote.ice_pwd.len(), remote.candidates.len()), (14, 32, 2));
    let answer = parse_answer(&wire(include_str!("fixtures/meta-answer.sdp"))).unwrap();
    assert_eq!((answer.setup, answer.ice_lite), (Setup::Active, true));
    assert_eq!(
        parse_answer(&meta()).unwrap_err().to_string(),
        "sdp line `a=setup:actpass` is not valid: an answer chooses a role"
    );
}

#[test]
fn the_answer_to_meta_is_exactly_this() {
    let answer = write_answer(&local(), &parse_offer(&meta()).unwrap());
    let fingerprint = ["AB"; 32].join(":");
    let expected = format!(
        "v=0\no=- 42 1 IN IP4 127.0.0.1\ns=-\nt=0 0\na=group:BUNDLE audio\n\
         m=audio 10010 UDP/TLS/RTP/SAVPF 111 126\nc=IN IP4 203.0.113.5\n\
         a=candidate:1 1 udp 2130706431 203.0.113.5 10010 typ host\n\
         a=candidate:2 1 udp 2130706175 2001:db8::5 10010 typ host\na=end-of-candidates\n\
         a=ice-ufrag:ourUfrag\na=ice-pwd:ourPasswordOfManyCharacters\na=fingerprint:sha-256 {fingerprint}\n\
         a=setup:active\na=mid:audio\na=sendrecv\na=rtcp-mux\na=rtpmap:111 opus/48000/2\n\
         a=fmtp:111 minptime=20;maxaveragebitrate=20000;maxplaybackrate=16000;useinbandfec=1;usedtx=0\n\
         a=rtpmap:126 telephone-event/8000\na=ptime:20\na=maxptime:20\na=msid:patchbay audio\n\
         a=ssrc:77 cname:patchbay\n"
    );
    assert_eq!(answer, wire(&expected));
}

#[test]
fn the_answer_to_chrome_keeps_its_numbers_and_declines_what_is_not_audio() {
    let remote = parse_offer(&chrome()).unwrap();
    let kinds: Vec<_> = remote.candidates.iter().map(|c| (c.addr.to_string(), c.kind)).collect();
    let expected = [("192.0.2.2:40321", CandidateKind::Host), ("198.51.100.4:40321", CandidateKind::ServerReflexive)];
    assert_eq!(kinds, expected.map(|(addr, kind)| (addr.to_owned(), kind)));
    assert_eq!(remote.dtmf, [Dtmf { pt: 110, clock_hz: 48_000 }, Dtmf { pt: 126, clock_hz: 8_000 }]);
    let answer = write_answer(&local(), &remote);
    assert!(answer.contains("m=audio 10010 UDP/TLS/RTP/SAVPF 111 110 126\r\n"), "{answer}");
    assert!(answer.contains("a=group:BUNDLE 0\r\n"), "{answer}");
    assert!(answer.contains("m=video 0 UDP/TLS/RTP/SAVPF 96\r\n"), "{answer}");
    assert!(answer.contains("m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"), "{answer}");
    for unwanted in ["red", "CN/", "extmap", "nack", "transport-cc", "rtcp-rsize", "rtcp-fb"] {
        assert!(!answer.contains(unwanted), "{unwanted} in {answer}");
    }
    let own = parse_answer(&answer).unwrap();
    assert_eq!((own.opus_pt, own.dtmf, own.setup), (111, remote.dtmf, Setup::Active));
}

#[test]
fn firefoxs_offer_is_read_with_its_session_attributes_and_its_direction_mirrored() {
    let remote = parse_offer(&wire(include_str!("fixtures/firefox-offer.sdp"))).unwrap();
    assert_eq!((remote.opus_pt, remote.direction), (109, Direction::RecvOnly));
    assert_eq!(remote.dtmf, [Dtmf { pt: 101, clock_hz: 8_000 }]);
    assert_eq!(remote.candidates.len(), 1);
    assert!(write_answer(&local(), &remote).contains("a=sendonly\r\n"));
}

#[test]
fn pions_offer_is_read() {
    let remote = parse_offer(&wire(include_str!("fixtures/pion-offer.sdp"))).unwrap();
    assert!(remote.ice_lite);
    assert_eq!(remote.candidates.iter().map(|c| c.addr.port()).collect::<Vec<_>>(), [40_944]);
}

#[test]
fn our_own_offer_is_read_by_ourselves() {
    let offer = write_offer(&local());
    let remote = parse_offer(&offer).unwrap();
    assert_eq!((remote.setup, remote.opus_pt, remote.ssrc), (Setup::Active, 111, Some(77)));
    assert_eq!(remote.dtmf, [Dtmf { pt: 126, clock_hz: 8_000 }]);
    assert_eq!(remote.candidates.len(), 2);
    assert_eq!(remote.fingerprint, [0xab; 32]);
    let unplaced = write_offer(&Local { candidates: Vec::new(), ..local() });
    assert!(unplaced.contains("m=audio 9 ") && unplaced.contains("c=IN IP4 0.0.0.0\r\n"), "{unplaced}");
}

#[test]
fn an_offer_whose_transport_stands_at_the_head_of_its_bundle_is_read() {
    let offer = chrome().replace("m=audio 40321", "m=audio 0").replace("a=mid:0\r\n", "a=mid:0\r\na=bundle-only\r\n");
    let offer = offer.replacen("a=ice-ufrag:hO/Z\r\n", "", 1).replace("BUNDLE 0 1 2", "BUNDLE 1 0 2");
    let remote = parse_offer(&offer).unwrap();
    assert_eq!(remote.ice_ufrag, "hO/Z");
    assert!(write_answer(&local(), &remote).contains("a=group:BUNDLE 0\r\n"));
}

#[test]
fn candidates_that_hide_their_address_are_passed_over_and_the_rest_is_kept() {
    let hidden =
        "a=candidate:9 1 udp 2122260223 0d2a0b5c-6b6f-4b0e-9d5e-1f5b6a2f9c11.local 50000 typ host generation 0\r\n";
    let tcp = "a=candidate:8 1 tcp 1518280447 192.0.2.8 9 typ host tcptype active\r\n";
    let offer =
        write_offer(&local()).replace("a=end-of-candidates\r\n", &format!("{hidden}{tcp}a=end-of-candidates\r\n"));
    assert_eq!(parse_offer(&offer).unwrap().candidates.len(), 2);
    // A browser without microphone permission has nothing else to say: it is found by its own checks.
    let only_hidden = write_offer(&Local { candidates: Vec::new(), ..local() })
        .replace("a=ice-ufrag", &format!("{hidden}a=ice-ufrag"));
    assert!(only_hidden.contains(".local"));
    assert_eq!(parse_offer(&only_hidden).unwrap().candidates, []);
}

#[test]
fn what_servers_gave_us_is_told_behind_our_own_addresses_and_says_nothing_of_them() {
    let (reflexive, relayed) = (vec!["198.51.100.9:777".parse().unwrap()], vec!["203.0.113.77:3490".parse().unwrap()]);
    let all = write_offer(&Local { reflexive, relayed: relayed.clone(), ..local() });
    let kinds: Vec<_> = parse_offer(&all).unwrap().candidates.iter().map(|c| c.kind).collect();
    use super::CandidateKind::{Host, Relayed, ServerReflexive};
    assert_eq!(kinds, [Host, Host, ServerReflexive, Relayed]);
    let hidden = write_offer(&Local { candidates: Vec::new(), relayed, ..local() });
    assert!(hidden.contains("m=audio 3490 ") && hidden.contains("c=IN IP4 203.0.113.77\r\n"));
    assert!(!hidden.contains("203.0.113.5") && !hidden.contains("2001:db8"));
}
