//! The client against a server in a few lines that shares with it only the STUN codec, in virtual time. A server we did
//! not write stands in `tests/it`.

use super::*;
use crate::wire::stun::Key;
use crate::wire::stun::{Builder, Unproven};

#[expect(clippy::disallowed_methods, reason = "an Instant can be had in no other way; time itself is virtual")]
fn origin() -> Instant {
    Instant::now()
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

const PEER: &str = "198.51.100.7:3480";
const RELAYED: &str = "203.0.113.1:50000";
const LIFETIME: u16 = 0x000d;
const CHANNEL_NUMBER: u16 = 0x000c;
const XOR_PEER_ADDRESS: u16 = 0x0012;
const DATA: u16 = 0x0013;
const XOR_RELAYED_ADDRESS: u16 = 0x0016;

/// A server: what it wants, what it was asked, what it has granted.
struct Server {
    nonce: String,
    key: Key,
    lifetime_secs: u32,
    /// It refuses this method with this code.
    refuses: Option<(Method, u16)>,
    silent: bool,
    asked: Vec<(Instant, Method)>,
    /// What peers were sent, and how it came: by a channel or not.
    relayed: Vec<(SocketAddr, Vec<u8>, bool)>,
    permitted: Vec<std::net::IpAddr>,
    channels: Vec<(u16, SocketAddr)>,
}

impl Server {
    fn new() -> Self {
        Server {
            nonce: "first".into(),
            key: Key::long_term("user", "realm", "pass").unwrap(),
            lifetime_secs: 600,
            refuses: None,
            silent: false,
            asked: Vec::new(),
            relayed: Vec::new(),
            permitted: Vec::new(),
            channels: Vec::new(),
        }
    }

    fn take(&mut self, now: Instant, packet: &Packet) -> Option<Packet> {
        if let Some((number, data)) = read_channel_data(packet.as_slice()) {
            let (_, peer) = *self.channels.iter().find(|(bound, _)| *bound == number).expect("a bound channel");
            self.relayed.push((peer, packet.as_slice()[data].to_vec(), true));
            return None;
        }
        let message = Message::parse(packet.as_slice()).unwrap();
        let (method, class) = message.about().unwrap();
        if class == Class::Indication {
            let peer = message.peer().unwrap();
            assert!(self.permitted.contains(&peer.ip()), "not permitted");
            self.relayed.push((peer, packet.as_slice()[message.data().unwrap()].to_vec(), false));
            return None;
        }
        self.asked.push((now, method));
        if self.silent {
            return None;
        }
        let asked_with = message.challenge().map(|challenge| challenge.nonce);
        match message.verify(&self.key) {
            Err(Unproven::Missing) => return Some(self.error(&message, method, 401)),
            Err(Unproven::Wrong) => return Some(self.error(&message, method, 401)),
            Ok(()) if asked_with.as_deref() != Some(&self.nonce) => return Some(self.error(&message, method, 438)),
            Ok(()) => {}
        }
        if let Some((_, code)) = self.refuses.filter(|(refused, _)| *refused == method) {
            return Some(self.error(&message, method, code));
        }
        let mut out = Builder::about(method, Class::Success, message.transaction());
        match method {
            Method::Allocate => {
                out.xor_address(XOR_RELAYED_ADDRESS, addr(RELAYED));
                out.attribute(LIFETIME, &self.lifetime_secs.to_be_bytes());
            }
            Method::Refresh => out.attribute(LIFETIME, &self.lifetime_secs.to_be_bytes()),
            Method::CreatePermission => self.permitted.push(message.peer().unwrap().ip()),
            Method::ChannelBind => {
                let number = packet.as_slice().windows(4).position(|w| w == [0, CHANNEL_NUMBER as u8, 0, 4]).unwrap();
                let number = u16::from_be_bytes([packet.as_slice()[number + 4], packet.as_slice()[number + 5]]);
                self.channels.push((number, message.peer().unwrap()));
                self.permitted.push(message.peer().unwrap().ip());
            }
            Method::Binding | Method::Send | Method::Data => panic!("{method:?}"),
        }
        out.integrity(&self.key);
        Some(out.fingerprint())
    }

    fn error(&self, message: &Message<'_>, method: Method, code: u16) -> Packet {
        let mut out = Builder::about(method, Class::Error, message.transaction());
        out.attribute(0x0009, &[0, 0, (code / 100) as u8, (code % 100) as u8]);
        if matches!(code, 401 | 438) {
            out.attribute(0x0014, b"realm");
            out.attribute(0x0015, self.nonce.as_bytes());
        } else {
            out.integrity(&self.key);
        }
        out.fingerprint()
    }

    fn data(&self, peer: SocketAddr, bytes: &[u8]) -> Packet {
        let mut out = Builder::about(Method::Data, Class::Indication, Transaction([5; 12]));
        out.xor_address(XOR_PEER_ADDRESS, peer);
        out.attribute(DATA, bytes);
        out.finish()
    }
}

fn client(now: Instant) -> Turn {
    let path = Path { local: addr("192.0.2.1:10000"), remote: addr("192.0.2.9:3478") };
    let account = Account { username: "user".into(), password: "pass".into() };
    Turn::new(now, path, Transport::Udp, account, 1)
}

/// Lets both speak until `until`; gives what happened.
fn run(turn: &mut Turn, server: &mut Server, now: &mut Instant, until: Instant) -> Vec<TurnEvent> {
    let mut events = Vec::new();
    loop {
        while let Some(packet) = turn.give() {
            if let Some(mut answer) = server.take(*now, &packet) {
                assert_eq!(turn.take(*now, &mut answer), Ok(Inner::Server));
            }
        }
        events.extend(std::iter::from_fn(|| turn.take_event()));
        let Some(due) = turn.due().filter(|due| *due <= until) else { break };
        *now = (*now).max(due);
        turn.wake(*now);
    }
    *now = until;
    events
}

fn up() -> (Turn, Server, Instant) {
    let mut now = origin();
    let (mut turn, mut server) = (client(now), Server::new());
    let later = now + Duration::from_millis(10);
    let events = run(&mut turn, &mut server, &mut now, later);
    assert_eq!(events, [TurnEvent::Up { relayed: addr(RELAYED), mapped: None }]);
    (turn, server, now)
}

fn packet(bytes: &[u8]) -> Packet {
    Packet::from_slice(bytes).unwrap()
}

#[test]
fn an_address_is_won_after_one_challenge_and_kept_for_hours_through_stale_nonces() {
    let (mut turn, mut server, mut now) = up();
    assert_eq!(server.asked.len(), 2);
    for round in 0..20 {
        server.nonce = format!("nonce {round}");
        let later = now + Duration::from_secs(600);
        assert_eq!(run(&mut turn, &mut server, &mut now, later), []);
    }
    assert_eq!(turn.relayed(), Some(addr(RELAYED)));
    let refreshes: Vec<Instant> =
        server.asked.iter().filter(|(_, method)| *method == Method::Refresh).map(|(at, _)| *at).collect();
    assert!(refreshes.windows(2).all(|pair| pair[1] - pair[0] <= Duration::from_secs(25)), "the NAT is kept open");
}

#[test]
fn the_first_datagram_for_a_peer_waits_for_its_permission_and_media_goes_by_a_channel() {
    let (mut turn, mut server, mut now) = up();
    let mut check = packet(b"check");
    assert!(!turn.wrap(now, addr(PEER), &mut check));
    let later = now + Duration::from_millis(10);
    run(&mut turn, &mut server, &mut now, later);
    assert_eq!(server.relayed, [(addr(PEER), b"check".to_vec(), false)]);
    turn.bind(now, addr(PEER));
    let later = now + Duration::from_millis(10);
    run(&mut turn, &mut server, &mut now, later);
    let mut media = packet(&[9; 1_400]);
    assert!(turn.wrap(now, addr(PEER), &mut media));
    server.take(now, &media);
    assert_eq!(server.relayed[1], (addr(PEER), vec![9; 1_400], true));
    // Both ways back.
    let mut frame = packet(&[0x40, 0, 0, 3, 1, 2, 3, 0]);
    assert_eq!(turn.take(now, &mut frame), Ok(Inner::Peer(addr(PEER))));
    assert_eq!(frame.as_slice(), [1, 2, 3]);
    let mut indicated = server.data(addr("198.51.100.8:1"), b"hello");
    assert_eq!(turn.take(now, &mut indicated), Ok(Inner::Peer(addr("198.51.100.8:1"))));
    assert_eq!(indicated.as_slice(), b"hello");
}

#[test]
fn permissions_and_channels_are_renewed_before_they_end() {
    let (mut turn, mut server, mut now) = up();
    turn.wrap(now, addr(PEER), &mut packet(b"x"));
    turn.bind(now, addr(PEER));
    let begun = now;
    let later = now + Duration::from_secs(3_600);
    run(&mut turn, &mut server, &mut now, later);
    for method in [Method::CreatePermission, Method::ChannelBind] {
        let at: Vec<Instant> = server.asked.iter().filter(|(_, asked)| *asked == method).map(|(at, _)| *at).collect();
        assert!(at.len() >= 15, "{method:?}: {}", at.len());
        assert!(at.windows(2).all(|pair| pair[1] - pair[0] < Duration::from_secs(300)), "{method:?}");
    }
    let rate = server.asked.len() as f64 / (now - begun).as_secs_f64();
    assert!(rate < 0.5, "{rate} requests a second");
}

#[test]
fn a_server_that_falls_silent_is_given_up_within_six_seconds_while_media_goes_through_it() {
    let (mut turn, mut server, mut now) = up();
    turn.bind(now, addr(PEER));
    let later = now + Duration::from_secs(10);
    run(&mut turn, &mut server, &mut now, later);
    server.silent = true;
    let dead_at = now;
    let mut events = Vec::new();
    while events.is_empty() && now < dead_at + Duration::from_secs(60) {
        let later = now + Duration::from_millis(50);
        events = run(&mut turn, &mut server, &mut now, later);
    }
    assert_eq!(events, [TurnEvent::Dead(Loss::NoAnswer)]);
    assert!(now - dead_at <= Duration::from_secs(6), "{:?}", now - dead_at);
    assert_eq!((turn.due(), turn.give()), (None, None));
    assert!(!turn.wrap(now, addr(PEER), &mut packet(b"x")));
}

#[test]
fn a_server_that_never_answers_is_given_up_after_a_second_and_a_half() {
    let mut now = origin();
    let (mut turn, mut server) = (client(now), Server::new());
    server.silent = true;
    let (begun, later) = (now, now + Duration::from_millis(1_500));
    assert_eq!(run(&mut turn, &mut server, &mut now, later), [TurnEvent::Dead(Loss::NoAnswer)]);
    assert_eq!((server.asked.len(), now - begun), (4, Duration::from_millis(1_500)));
}

#[test]
fn refusals_are_told_by_their_code_and_never_asked_for_ever() {
    for (method, code) in [(Method::Allocate, 486), (Method::Allocate, 508), (Method::Allocate, 403)] {
        let mut now = origin();
        let (mut turn, mut server) = (client(now), Server::new());
        server.refuses = Some((method, code));
        let later = now + Duration::from_secs(30);
        assert_eq!(run(&mut turn, &mut server, &mut now, later), [TurnEvent::Dead(Loss::Refused(code))]);
        assert_eq!(server.asked.len(), 2);
    }
    let mut now = origin();
    let (mut turn, mut server) = (client(now), Server::new());
    server.key = Key::new(b"another password");
    let later = now + Duration::from_secs(30);
    assert_eq!(run(&mut turn, &mut server, &mut now, later), [TurnEvent::Dead(Loss::Refused(401))]);
    assert!(server.asked.len() <= 3, "{}", server.asked.len());
}

#[test]
fn a_server_that_has_a_new_nonce_each_time_is_asked_four_times() {
    let mut now = origin();
    let mut turn = client(now);
    let mut server = Server::new();
    let mut events = Vec::new();
    for round in 0..50 {
        let Some(asked) = turn.give() else { break };
        server.nonce = format!("nonce {round}");
        let mut answer = server.take(now, &asked).unwrap();
        turn.take(now, &mut answer).unwrap();
        events.extend(turn.take_event());
        now += Duration::from_millis(10);
    }
    assert_eq!(events, [TurnEvent::Dead(Loss::Refused(438))]);
    assert_eq!(server.asked.len(), 4);
}

#[test]
fn a_restarted_server_that_has_forgotten_us_is_noticed() {
    let (mut turn, mut server, mut now) = up();
    server.refuses = Some((Method::Refresh, 437));
    let later = now + Duration::from_secs(30);
    assert_eq!(run(&mut turn, &mut server, &mut now, later), [TurnEvent::Dead(Loss::Refused(437))]);
}

#[test]
fn a_server_that_forgot_us_in_between_is_found_out_by_the_next_permission() {
    let (mut turn, mut server, mut now) = up();
    turn.wrap(now, addr(PEER), &mut packet(b"x"));
    let asked = turn.give().unwrap();
    let message = Message::parse(asked.as_slice()).unwrap();
    let mut refusal = server.error(&message, Method::CreatePermission, 400);
    turn.take(now, &mut refusal).unwrap();
    server.refuses = Some((Method::Refresh, 437));
    let later = now + Duration::from_millis(50);
    assert_eq!(run(&mut turn, &mut server, &mut now, later), [TurnEvent::Dead(Loss::Refused(437))]);
}

#[test]
fn a_peer_the_server_will_not_have_costs_nothing_but_that_peer() {
    let (mut turn, mut server, mut now) = up();
    server.refuses = Some((Method::CreatePermission, 403));
    for _ in 0..100 {
        assert!(!turn.wrap(now, addr(PEER), &mut packet(b"x")));
        let later = now + Duration::from_millis(20);
        run(&mut turn, &mut server, &mut now, later);
    }
    assert_eq!(server.asked.iter().filter(|(_, method)| *method == Method::CreatePermission).count(), 1);
    assert_eq!(turn.relayed(), Some(addr(RELAYED)));
}

#[test]
fn lifetimes_of_nothing_and_of_a_century_do_not_rule_us() {
    for secs in [0, 1, u32::MAX] {
        let mut now = origin();
        let (mut turn, mut server) = (client(now), Server::new());
        server.lifetime_secs = secs;
        let begun = now;
        let later = now + Duration::from_secs(600);
        run(&mut turn, &mut server, &mut now, later);
        let asked = server.asked.len() as f64;
        assert!((10.0..=40.0).contains(&asked), "lifetime {secs}: {asked} requests in {:?}", now - begun);
    }
}

#[test]
fn what_is_not_the_servers_is_dropped_by_its_reason_and_changes_nothing() {
    let (mut turn, server, now) = up();
    let mut forged = Builder::about(Method::Refresh, Class::Success, Transaction([1; 12]));
    forged.attribute(LIFETIME, &[0; 4]);
    let unasked = forged.fingerprint();
    let cases: [(&[u8], BadTurn); 5] = [
        (unasked.as_slice(), BadTurn::Unasked),
        (&[0x40, 9, 0, 1, 7], BadTurn::Channel),
        (&[0x40, 0, 0, 9, 7], BadTurn::Senseless),
        (&[0x80; 40], BadTurn::Stun(BadStun::NotStun)),
        (&[], BadTurn::Stun(BadStun::Short)),
    ];
    for (bytes, why) in cases {
        assert_eq!(turn.take(now, &mut packet(bytes)), Err(why), "{why}");
    }
    let mut no_peer = Builder::about(Method::Data, Class::Indication, Transaction([5; 12]));
    no_peer.attribute(DATA, b"x");
    assert_eq!(turn.take(now, &mut no_peer.finish()), Err(BadTurn::Senseless));
    assert_eq!(turn.relayed(), Some(addr(RELAYED)));
    drop(server);
}

#[test]
fn an_answer_to_a_signed_question_must_be_signed() {
    let (mut turn, mut server, mut now) = up();
    let later = now + Duration::from_secs(25);
    now = later;
    turn.wake(now);
    let asked = turn.give().expect("a refresh");
    let transaction = Message::parse(asked.as_slice()).unwrap().transaction();
    for code in [437u16, 0] {
        let class = if code == 0 { Class::Success } else { Class::Error };
        let mut out = Builder::about(Method::Refresh, class, transaction);
        out.attribute(0x0009, &[0, 0, (code / 100) as u8, (code % 100) as u8]);
        assert_eq!(turn.take(now, &mut out.fingerprint()), Err(BadTurn::Unproven));
    }
    let mut genuine = server.take(now, &asked).unwrap();
    assert_eq!(turn.take(now, &mut genuine), Ok(Inner::Server));
}

#[test]
fn peers_and_channels_are_bounded_and_no_number_stands_for_two() {
    let (mut turn, mut server, mut now) = up();
    for n in 0..200u16 {
        let peer = SocketAddr::new([10, 0, (n >> 8) as u8, n as u8].into(), 1_000 + n);
        turn.wrap(now, peer, &mut packet(b"x"));
        turn.bind(now, peer);
        let later = now + Duration::from_millis(5);
        run(&mut turn, &mut server, &mut now, later);
    }
    let numbers: std::collections::BTreeSet<u16> = server.channels.iter().map(|(number, _)| *number).collect();
    assert_eq!((numbers.len(), server.channels.len()), (16, 16));
    assert!(turn.requests.len() <= 16 && turn.outgoing.len() <= OUTGOING_MAX);
}

#[test]
fn noise_from_the_servers_address_never_panics_and_leaves_no_state() {
    let (mut turn, mut server, mut now) = up();
    let mut rng = StdRng::seed_from_u64(9);
    turn.bind(now, addr(PEER));
    let later = now + Duration::from_millis(10);
    run(&mut turn, &mut server, &mut now, later);
    for round in 0..200_000usize {
        let mut noise = vec![0u8; round % 200];
        rng.fill(&mut noise[..]);
        if let (Some(first), true) = (noise.first_mut(), round % 3 != 0) {
            *first = if round % 2 == 0 { 0x40 } else { 0x01 };
        }
        let _ = turn.take(now, &mut packet(&noise));
    }
    assert_eq!(turn.relayed(), Some(addr(RELAYED)));
}

#[test]
fn closing_gives_the_address_back() {
    let (mut turn, mut server, now) = up();
    turn.close(now);
    let given = turn.give().expect("a last refresh");
    server.take(now, &given);
    assert_eq!(server.asked.last().unwrap().1, Method::Refresh);
    assert_eq!((turn.give(), turn.due(), turn.relayed()), (None, None, None));
}
