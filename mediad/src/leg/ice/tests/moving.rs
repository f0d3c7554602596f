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
