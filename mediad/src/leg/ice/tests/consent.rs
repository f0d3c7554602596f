//! Consent over hours, and its loss.

use super::*;

#[test]
fn consent_is_asked_for_every_four_to_six_seconds_for_three_hours_and_never_lost() {
    let mut world = World::lite(1, Duration::ZERO);
    world.loss = 0.1;
    assert!(world.run(Duration::from_secs(20), World::both_selected));
    let before = world.sent;
    let hours = Duration::from_secs(3 * 3_600);
    assert!(!world.run(hours, |world| world.events[0].iter().any(|(_, event)| *event == IceEvent::ConsentLost)));
    let checks = world.sent - before;
    assert!((1_800 * 2..=2_700 * 2).contains(&checks), "{checks} datagrams");
    let Peer::Lite(lite) = &world.peers[1] else { panic!() };
    let steady: Vec<Instant> =
        lite.heard_at.iter().copied().filter(|at| *at > lite.knows_us_at + Duration::from_secs(2)).collect();
    let least = steady.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap();
    assert!(least > Duration::from_millis(3_950), "{least:?}");
}

#[test]
fn consent_is_lost_thirty_seconds_after_the_last_answer_and_nothing_is_sent_from_then_on() {
    for mut world in [World::lite(2, Duration::ZERO), World::full(2, [false, true])] {
        assert!(world.run(Duration::from_secs(20), World::both_selected));
        assert!(!world.run(Duration::from_secs(100), |world| world.events[0].len() > 1));
        world.loss = 1.0;
        let cut_at = world.now;
        assert!(world.run(Duration::from_secs(60), |world| world.events[0].len() > 1));
        let (at, event) = world.events[0][1];
        assert_eq!(event, IceEvent::ConsentLost);
        let silence = at - cut_at;
        assert!((Duration::from_secs(23)..=Duration::from_secs(30)).contains(&silence), "{silence:?}");
        let ice = world.peers[0].ice();
        assert_eq!((ice.selected(), ice.due()), (None, None));
        assert!(!ice.is_valid_source(addr(THEIRS)));
        ice.wake(at + Duration::from_secs(100));
        assert!(ice.give().is_none());
    }
}

#[test]
fn one_legs_consent_is_not_asked_for_in_step_with_anothers() {
    let mut firsts: Vec<Duration> = (0..20)
        .map(|seed| {
            let mut world = World::lite(seed, Duration::ZERO);
            assert!(world.run(Duration::from_secs(20), World::both_selected));
            world.run(Duration::from_millis(300), |_| false);
            let now = world.now;
            world.peers[0].ice().due().unwrap() - now
        })
        .collect();
    firsts.sort();
    assert!(firsts[19] - firsts[0] > Duration::from_millis(1_000), "{firsts:?}");
}

#[test]
fn an_agent_without_consent_finds_its_peer_again_by_a_restart() {
    let mut world = World::full(3, [false, true]);
    assert!(world.run(Duration::from_secs(20), World::both_selected));
    world.loss = 1.0;
    assert!(world.run(Duration::from_secs(60), |world| world.events.iter().all(|events| events.len() > 1)));
    world.loss = 0.0;
    restart(&mut world, 4);
    assert!(world.run(Duration::from_secs(5), World::both_selected));
}

/// Both agents restart with fresh credentials.
fn restart(world: &mut World, seed: u64) {
    let now = world.now;
    let creds = [credentials(seed), credentials(seed + 1_000)];
    for at in 0..2 {
        let remote = described(&creds[1 - at], false, &[world.addrs[1 - at]]);
        world.peers[at].ice().restart(now, creds[at].clone(), &remote);
    }
}

#[test]
fn a_restart_keeps_the_old_pair_until_the_new_one_is_there() {
    let mut world = World::full(5, [false, true]);
    assert!(world.run(Duration::from_secs(20), World::both_selected));
    let old = world.peers[0].ice().selected();
    let late_check = world.hand(false);
    let moved = addr("203.0.113.99:60000");
    world.addrs[1] = moved;
    restart(&mut world, 6);
    let now = world.now;
    let ice = world.peers[0].ice();
    assert_eq!(ice.selected(), old);
    assert!(ice.is_valid_source(addr(THEIRS)) && ice.ufrag_before().is_some());
    // A check of the old generation that was under way is still answered, and counts for nothing.
    assert_eq!(ice.take(now, addr(OURS), addr(THEIRS), late_check.as_slice()), Ok(()));
    assert!(ice.give().is_some());
    assert!(world.run(Duration::from_secs(5), |world| world.peers[0].ice().selected() != old));
    let ice = world.peers[0].ice();
    assert_eq!(ice.selected().map(|pair| pair.remote), Some(moved));
    assert!(!ice.is_valid_source(addr(THEIRS)) && ice.ufrag_before().is_none());
    assert_eq!(ice.take(now, addr(OURS), addr(THEIRS), late_check.as_slice()), Err(BadCheck::Username));
}

#[test]
fn a_restart_that_finds_nobody_ends_the_old_pair_too() {
    let mut world = World::full(7, [false, true]);
    assert!(world.run(Duration::from_secs(20), World::both_selected));
    world.loss = 1.0;
    restart(&mut world, 8);
    assert!(world.run(Duration::from_secs(21), |world| world.events[0].len() > 1));
    assert_eq!(world.events[0][1].1, IceEvent::Failed);
    assert_eq!(world.peers[0].ice().selected(), None);
}
