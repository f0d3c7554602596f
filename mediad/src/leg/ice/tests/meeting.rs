//! How two peers find each other.

use super::*;

#[test]
fn two_agents_select_the_same_pair() {
    let mut world = World::full(1, [true, false]);
    let begun = world.now;
    assert!(world.run(Duration::from_secs(20), World::both_selected));
    let pair = Pair { local: addr(OURS), remote: addr(THEIRS) };
    assert_eq!(world.peers[0].ice().selected(), Some(pair));
    assert_eq!(world.peers[1].ice().selected(), Some(Pair { local: pair.remote, remote: pair.local }));
    assert!(world.now - begun < Duration::from_millis(200), "{:?}", world.now - begun);
    assert!(world.peers[0].ice().is_valid_source(addr(THEIRS)));
    assert!(!world.peers[0].ice().is_valid_source(addr("198.51.100.7:3481")));
}

#[test]
fn meta_is_found_in_two_round_trips_and_we_are_in_control() {
    let mut world = World::lite(2, Duration::ZERO);
    let begun = world.now;
    assert!(world.run(Duration::from_secs(20), World::both_selected));
    assert!(world.now - begun < Duration::from_millis(120), "{:?}", world.now - begun);
    assert!(world.run(Duration::from_secs(1), |world| !world.events[0].is_empty()));
    let pair = Pair { local: addr(OURS), remote: addr(THEIRS) };
    assert!(matches!(world.events[0][..], [(_, IceEvent::Selected(selected))] if selected == pair));
}

#[test]
fn a_peer_that_learns_of_us_late_is_found_within_half_a_second() {
    for late_ms in [700, 3_700, 11_000, 19_000] {
        let late = Duration::from_millis(late_ms);
        let mut world = World::lite(3, late);
        let begun = world.now;
        assert!(world.run(Duration::from_secs(20), World::both_selected), "late by {late_ms} ms");
        assert!(world.now - begun < late + Duration::from_millis(650), "late by {late_ms} ms");
    }
}

#[test]
fn checks_are_paced_and_the_first_leaves_at_once() {
    let now = origin();
    let theirs = credentials(5);
    let addrs: Vec<SocketAddr> = (0..10).map(|n| SocketAddr::new(addr(THEIRS).ip(), 4_000 + n)).collect();
    let mut ice = Ice::new(now, credentials(4), &[addr(OURS)], true, 4);
    ice.set_remote(now, &described(&theirs, false, &addrs));
    let mut left = Vec::new();
    while let Some(due) = ice.due().filter(|due| *due < now + Duration::from_millis(460)) {
        ice.wake(due);
        while let Some(sent) = ice.give() {
            left.push((due - now, sent.to));
        }
    }
    assert_eq!(left[0], (Duration::ZERO, addrs[0]));
    assert!(left.windows(2).all(|pair| pair[1].0 - pair[0].0 >= PACING));
    // Higher priority first; resends take their turns among them.
    let first_seen: Vec<_> = addrs.iter().filter_map(|addr| left.iter().position(|(_, to)| to == addr)).collect();
    assert!(first_seen.is_sorted(), "{left:?}");
}

#[test]
fn sixty_meetings_of_sixty_succeed_though_three_of_ten_datagrams_are_lost() {
    let mut slowest = Duration::ZERO;
    for seed in 0..60 {
        for mut world in [World::full(seed, [true, false]), World::lite(seed, Duration::ZERO)] {
            world.loss = 0.3;
            let begun = world.now;
            assert!(world.run(Duration::from_secs(20), World::both_selected), "seed {seed}");
            slowest = slowest.max(world.now - begun);
        }
    }
    println!("slowest meeting: {slowest:?}");
    assert!(slowest < Duration::from_secs(6));
}

#[test]
fn when_both_claim_control_or_neither_does_they_settle_it() {
    for seed in 0..20 {
        for roles in [[true, true], [false, false]] {
            let mut world = World::full(seed, roles);
            assert!(world.run(Duration::from_secs(20), World::both_selected), "seed {seed}, {roles:?}");
            let [one, other] = &mut world.peers;
            assert_ne!(one.ice().controlling, other.ice().controlling, "seed {seed}, {roles:?}");
            assert!(world.now - origin() < Duration::from_secs(2));
        }
    }
}

#[test]
fn without_a_pair_the_agent_fails_after_twenty_seconds_and_is_silent() {
    for candidates in [vec![addr(THEIRS)], vec![addr("[2001:db8::1]:5")], vec![]] {
        let now = origin();
        let mut ice = Ice::new(now, credentials(1), &[addr(OURS)], true, 1);
        assert_eq!(ice.due(), None, "an agent without a peer waits for nothing");
        ice.set_remote(now, &described(&credentials(2), false, &candidates));
        let mut last = now;
        while let Some(due) = ice.due() {
            assert!(due > last || due == now);
            last = due;
            ice.wake(due);
            while ice.give().is_some() {}
        }
        assert_eq!(last - now, PATIENCE);
        assert_eq!(ice.take_event(), Some(IceEvent::Failed));
        assert_eq!(ice.take(last, addr(OURS), addr(THEIRS), &[0; 20]), Err(BadCheck::Silent));
    }
}

#[test]
fn a_better_pair_is_waited_for_a_tenth_of_a_second_and_no_longer() {
    let now = origin();
    let theirs = credentials(8);
    let key = Key::new(theirs.pwd.as_bytes());
    let (v4, v6) = (addr(OURS), addr("[2001:db8::1]:10000"));
    let remote = described(&theirs, true, &[addr("[2a03::1]:3480"), addr(THEIRS)]);
    for better_answers in [true, false] {
        let mut ice = Ice::new(now, credentials(7), &[v6, v4], true, 7);
        ice.set_remote(now, &remote);
        let mut late = None;
        let mut at = now;
        while ice.selected().is_none() {
            at = ice.due().unwrap();
            if let Some(sent) = late.take_if(|_| at > now + Duration::from_millis(60)) {
                answer(&mut ice, now + Duration::from_millis(60), &sent, &key);
            }
            ice.wake(at);
            while let Some(sent) = ice.give() {
                // The better one is asked first and answers late, or never.
                match sent.to.is_ipv4() || (better_answers && late.is_none() && at > now + Duration::from_millis(60)) {
                    true => answer(&mut ice, at, &sent, &key),
                    false if better_answers => late = Some(sent),
                    false => {}
                }
            }
        }
        assert_eq!(ice.selected().unwrap().remote.is_ipv6(), better_answers);
        assert!(at - now <= Duration::from_millis(200), "{:?}", at - now);
    }
}

fn answer(ice: &mut Ice, now: Instant, sent: &Transmit, key: &Key) {
    let transaction = Message::parse(sent.packet.as_slice()).unwrap().transaction();
    ice.take(now, sent.local, sent.to, binding_success(transaction, sent.local, key).as_slice()).unwrap();
}

#[test]
fn a_check_that_comes_before_the_answer_is_answered_and_the_pair_used_later() {
    let mut world = World::full(9, [true, false]);
    let now = world.now;
    let creds = credentials(9);
    let mut early = Ice::new(now, creds.clone(), &[addr(OURS)], true, 3);
    // The peer's own description names no address at all.
    let theirs = described(&credentials(1_009), false, &[]);
    let mut answerer = Ice::new(now, credentials(1_009), &[addr(THEIRS)], false, 4);
    answerer.set_remote(now, &described(&creds, false, &[addr(OURS)]));
    answerer.wake(now);
    let check = answerer.give().unwrap();
    early.take(now, addr(OURS), addr(THEIRS), check.packet.as_slice()).unwrap();
    assert_eq!(early.give().unwrap().to, addr(THEIRS));
    early.set_remote(now, &theirs);
    world.peers = [Peer::Full(Box::new(early)), Peer::Full(Box::new(answerer))];
    assert!(world.run(Duration::from_secs(2), World::both_selected));
}
