//! A peer that changes its address, and one that only pretends to.

use super::*;

const NEW: &str = "203.0.113.50:50000";

/// A connected world in which we are controlled, as toward a browser that offered.
fn connected(seed: u64) -> World {
    let mut world = World::full(seed, [false, true]);
    assert!(world.run(Duration::from_secs(20), World::both_selected));
    world.run(Duration::from_secs(1), |_| false);
    world.events[0].clear();
    world
}

/// Takes a check from `from` and hands out what we send back: the answer first.
fn take_from(world: &mut World, from: &str, bytes: &[u8]) -> Vec<Transmit> {
    let now = world.now;
    let ice = world.peers[0].ice();
    ice.take(now, addr(OURS), addr(from), bytes).unwrap();
    std::iter::from_fn(|| ice.give()).collect()
}

/// Lets time pass for us alone until a check of ours leaves, and answers it.
fn answer_next(world: &mut World) -> SocketAddr {
    let key = credentials_of(world.peers[1].ice()).1;
    let ice = world.peers[0].ice();
    for _ in 0..20 {
        let due = ice.due().unwrap();
        ice.wake(due);
        world.now = world.now.max(due);
        if let Some(sent) = ice.give() {
            let transaction = Message::parse(sent.packet.as_slice()).unwrap().transaction();
            ice.take(due, sent.local, sent.to, binding_success(transaction, sent.local, &key).as_slice()).unwrap();
            return sent.to;
        }
    }
    panic!("no check left");
}

#[test]
fn a_nominated_check_from_a_new_address_moves_the_leg_once_our_own_check_is_answered() {
    let mut world = connected(1);
    let check = world.hand(true);
    let sent = take_from(&mut world, NEW, check.as_slice());
    assert_eq!(sent[0].to, addr(NEW));
    assert_eq!(world.peers[0].ice().selected().unwrap().remote, addr(THEIRS), "not before it is proven");
    assert_eq!(answer_next(&mut world), addr(NEW));
    let moved = Pair { local: addr(OURS), remote: addr(NEW) };
    assert_eq!(world.peers[0].ice().selected(), Some(moved));
    assert_eq!(world.peers[0].ice().take_event(), Some(IceEvent::Selected(moved)));
    assert!(world.peers[0].ice().is_valid_source(addr(NEW)));
}

#[test]
fn a_check_without_nomination_moves_nothing() {
    let mut world = connected(2);
    let check = world.hand(false);
    take_from(&mut world, NEW, check.as_slice());
    assert_eq!(answer_next(&mut world), addr(NEW));
    assert_eq!(world.peers[0].ice().selected().unwrap().remote, addr(THEIRS));
    assert_eq!(world.peers[0].ice().take_event(), None);
    // When it is nominated later, it is already proven.
    let check = world.hand(true);
    take_from(&mut world, NEW, check.as_slice());
    assert_eq!(world.peers[0].ice().selected().unwrap().remote, addr(NEW));
}

#[test]
fn a_replayed_check_from_a_strangers_address_moves_nothing_and_costs_at_most_nine_checks() {
    let mut world = connected(3);
    let check = world.hand(true);
    let mut to_stranger = take_from(&mut world, NEW, check.as_slice()).len();
    let begun = world.now;
    while world.now < begun + Duration::from_secs(15) {
        let ice = world.peers[0].ice();
        let due = ice.due().unwrap();
        ice.wake(due);
        to_stranger += std::iter::from_fn(|| ice.give()).filter(|sent| sent.to == addr(NEW)).count();
        world.now = due;
    }
    assert_eq!(world.peers[0].ice().selected().unwrap().remote, addr(THEIRS));
    assert!(to_stranger <= 9, "{to_stranger}");
}

#[test]
fn the_newest_nomination_wins_and_an_older_one_answered_late_does_not() {
    let mut world = connected(4);
    let (first, second) = ("203.0.113.1:1000", "203.0.113.2:1000");
    for from in [first, second] {
        let check = world.hand(true);
        take_from(&mut world, from, check.as_slice());
    }
    let answered = [answer_next(&mut world), answer_next(&mut world)];
    assert!(answered.contains(&addr(first)) && answered.contains(&addr(second)), "{answered:?}");
    assert_eq!(world.peers[0].ice().selected().unwrap().remote, addr(second));
}

#[test]
fn a_peer_that_nominates_two_pairs_in_turn_does_not_have_us_jump_for_ever() {
    let mut world = connected(5);
    for round in 0..200 {
        let from = if round % 2 == 0 { NEW } else { THEIRS };
        let check = world.hand(true);
        take_from(&mut world, from, check.as_slice());
        if round == 0 {
            answer_next(&mut world);
        }
    }
    let moves = std::iter::from_fn(|| world.peers[0].ice().take_event()).count();
    assert!(moves <= 2, "{moves} moves");
}

#[test]
fn a_peer_that_insists_on_an_earlier_pair_is_followed_back() {
    let mut world = connected(6);
    let check = world.hand(true);
    take_from(&mut world, NEW, check.as_slice());
    answer_next(&mut world);
    assert_eq!(world.peers[0].ice().selected().unwrap().remote, addr(NEW));
    for _ in 0..4 {
        let check = world.hand(true);
        take_from(&mut world, THEIRS, check.as_slice());
    }
    assert_eq!(world.peers[0].ice().selected().unwrap().remote, addr(THEIRS));
}

#[test]
fn a_peer_that_moves_for_days_finds_room_and_takes_no_more_than_its_share() {
    let mut world = connected(7);
    for n in 0..100_000u32 {
        let from = SocketAddr::new([10, (n >> 16) as u8, (n >> 8) as u8, n as u8].into(), 4_000);
        let check = world.hand(false);
        let now = world.now + Duration::from_millis(u64::from(n));
        let ice = world.peers[0].ice();
        ice.take(now, addr(OURS), from, check.as_slice()).unwrap();
        while ice.give().is_some() {}
        assert!(ice.ways.all.len() <= super::super::ways::REMOTES_MAX && ice.is_valid_source(from));
        assert_eq!(ice.selected().unwrap().remote, addr(THEIRS));
    }
}

/// Lets us alone wake until `until`, and hands out what was sent with the times.
fn alone(world: &mut World, until: Instant) -> Vec<(Instant, Transmit)> {
    let mut sent = Vec::new();
    while let Some(due) = world.peers[0].ice().due().filter(|due| *due <= until) {
        world.now = world.now.max(due);
        let now = world.now;
        let ice = world.peers[0].ice();
        ice.wake(now);
        sent.extend(std::iter::from_fn(|| ice.give()).map(|transmit| (now, transmit)));
    }
    sent
}

#[test]
fn a_relay_whose_media_stops_is_asked_again_with_nomination_within_a_second_and_a_half() {
    // Our own NAT was rebound: a relay that only answers learns our new address from a check that nominates.
    let mut world = World::lite(8, Duration::ZERO);
    assert!(world.run(Duration::from_secs(20), World::both_selected));
    world.run(Duration::from_millis(200), |_| false);
    let silent_from = world.now;
    world.peers[0].ice().hear(silent_from);
    let sent = alone(&mut world, silent_from + Duration::from_millis(1_500));
    let first = sent.first().expect("it was asked");
    assert_eq!(first.0 - silent_from, Duration::from_secs(1));
    let message = Message::parse(first.1.packet.as_slice()).unwrap();
    assert!(message.nominates() && first.1.to == addr(THEIRS));
    let transactions: std::collections::BTreeSet<[u8; 12]> =
        sent.iter().map(|(_, sent)| Message::parse(sent.packet.as_slice()).unwrap().transaction().0).collect();
    assert_eq!((sent.len(), transactions.len()), (3, 1), "a late answer to the first still counts");
}

#[test]
fn a_pair_that_falls_dumb_gives_way_to_one_that_answers_whoever_is_in_control() {
    for controlling in [true, false] {
        let mut world = World::full(9, [controlling, !controlling]);
        assert!(world.run(Duration::from_secs(20), World::both_selected));
        world.run(Duration::from_secs(1), |_| false);
        world.events[0].clear();
        let cut_at = world.now;
        world.peers[0].ice().hear(cut_at);
        let ours = credentials_of(world.peers[0].ice());
        let key = credentials_of(world.peers[1].ice()).1;
        // The peer shows itself at a new address, without nominating it, and answers there only.
        let username = format!("{}:{}", ours.0, credentials_of(world.peers[1].ice()).0);
        let role = if controlling { Role::Controlled(0) } else { Role::Controlling(u64::MAX) };
        let check = BindingRequest {
            transaction: Transaction([3; 12]),
            username: &username,
            priority: 1_853_824_767,
            role,
            nominate: false,
        };
        take_from(&mut world, NEW, check.write(&ours.1).as_slice());
        while world.now < cut_at + Duration::from_secs(3)
            && world.peers[0].ice().selected().unwrap().remote != addr(NEW)
        {
            let until = world.peers[0].ice().due().unwrap();
            for (at, sent) in alone(&mut world, until) {
                let transaction = Message::parse(sent.packet.as_slice()).unwrap().transaction();
                if sent.to == addr(NEW) {
                    let answer = binding_success(transaction, sent.local, &key);
                    let _ = world.peers[0].ice().take(at, sent.local, sent.to, answer.as_slice());
                }
            }
        }
        let took = world.now - cut_at;
        assert!(took <= Duration::from_millis(2_000), "controlling {controlling}: {took:?}");
    }
}
