//! Servers that are dark, gates that hold, logins that expire; in virtual time.

use super::*;
use crate::leg::turn::Account;
use crate::wire::turn::Transport;

fn plan(only: bool, turn: u8, stun: u8) -> Plan {
    let login = LoginKind::Fixed(Account { username: "u".into(), password: "p".into() });
    let server =
        |n: u8| TurnServer { addr: at(100 + n), transport: Transport::Udp, name: "t".into(), login: login.clone() };
    Plan { only, stun: (0..stun).map(|n| at(200 + n)).collect(), turn: (0..turn).map(server).collect() }
}

fn at(n: u8) -> SocketAddr {
    SocketAddr::new([203, 0, 113, n].into(), 3_478)
}

fn host() -> SocketAddr {
    SocketAddr::new([192, 0, 2, 1].into(), 10_000)
}

#[expect(clippy::disallowed_methods, reason = "an Instant can be had in no other way; time itself is virtual")]
fn origin() -> Instant {
    Instant::now()
}

/// Lets time pass; every server is dark. Gives who was wanted, and when.
fn dark(relay: &mut Relay, begun: Instant, until: Instant) -> Vec<(Duration, SocketAddr)> {
    let mut wanted = Vec::new();
    let mut now = begun;
    loop {
        while let Some(news) = relay.news() {
            if let RelayNews::Wanted(server) = news {
                wanted.push((now - begun, server.addr));
                relay.begin(now, Some(Path { local: host(), remote: server.addr }), 0);
            }
        }
        while relay.give().is_some() {}
        let Some(due) = relay.due().filter(|due| *due <= until) else { return wanted };
        now = now.max(due);
        relay.wake(now);
    }
}

#[test]
fn servers_are_asked_in_turn_and_again_after_a_pause_as_long_as_the_leg_needs_one() {
    let now = origin();
    let mut relay = Relay::new(now, plan(true, 2, 0), &[host()], 1);
    let wanted = dark(&mut relay, now, now + Duration::from_secs(20));
    let order: Vec<SocketAddr> = wanted.iter().map(|(_, server)| *server).collect();
    assert_eq!(order[..4], [at(100), at(101), at(100), at(101)]);
    assert!(wanted[2].0 - wanted[1].0 >= PAUSE && wanted.len() <= 6, "{wanted:?}");
    let mut spare = Relay::new(now, plan(false, 2, 0), &[host()], 1);
    assert_eq!(dark(&mut spare, now, now + Duration::from_secs(60)).len(), 2, "a spare one is not asked for ever");
    assert_eq!(spare.due(), None);
}

#[test]
fn what_is_not_relayed_does_not_leave_a_leg_that_may_not_go_straight() {
    let now = origin();
    let mut relay = Relay::new(now, plan(true, 1, 3), &[host()], 1);
    assert!(relay.queries.is_empty(), "nobody is asked how our own socket is seen");
    let mut out = Outbox::default();
    let peer = SocketAddr::new([198, 51, 100, 7].into(), 3_480);
    assert!(out.next(Path { local: host(), remote: peer }).extend(b"media"));
    assert_eq!((relay.wrap(now, &mut out, 0), out.len()), (1, 0));
    let straight = Path { local: host(), remote: peer };
    let mut packet = Packet::from_slice(&[0x80; 40]).unwrap();
    assert_eq!(relay.take(now, straight, &mut packet), Err(DropReason::NotRelayed));
}

#[test]
fn the_way_back_to_an_offer_that_waits_is_kept_open() {
    let now = origin();
    let mut relay = Relay::new(now, plan(false, 0, 1), &[host()], 1);
    relay.keep_open(true);
    let (path, asked) = relay.give().unwrap();
    let transaction = Message::parse(asked.as_slice()).unwrap().transaction();
    let seen: SocketAddr = "198.51.100.99:7777".parse().unwrap();
    let mut answer = crate::wire::stun::binding_success(transaction, seen, &crate::wire::stun::Key::new(b""));
    assert_eq!(relay.take(now, path, &mut answer.clone()), Ok(Came::Server));
    assert_eq!((relay.news(), relay.mapped()), (Some(RelayNews::Gathered), &[seen][..]));
    for round in 1..=4u64 {
        let later = now + Duration::from_secs(15 * round);
        assert_eq!(relay.due(), Some(later));
        relay.wake(later);
        assert_eq!(relay.give().unwrap().0, path);
        assert_eq!(relay.take(later, path, &mut answer), Ok(Came::Server));
    }
    relay.keep_open(false);
    assert_eq!(relay.due(), None);
}

#[test]
fn a_shared_secret_makes_logins_that_expire() {
    // Vector made with `openssl dgst -sha1 -hmac north -binary | base64` over the username.
    let login = LoginKind::Shared { secret: "north".into(), ttl_secs: 600 };
    let account = login.account(1_790_963_543);
    assert_eq!(account.username, "1790964143:patchbay");
    assert_eq!(account.password, VECTOR);
    assert_eq!(format!("{login:?} {account:?}"), "Shared Account(1790964143:patchbay)", "no secret is printed");
}
const VECTOR: &str = "uGIbGnKjuQWfrWv85qg0b7RUMAQ=";
