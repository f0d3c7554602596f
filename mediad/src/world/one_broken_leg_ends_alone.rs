//! A defect of ours is one leg's end, never the process's.

use protocol::{Event, LegEnd};

use super::World;

#[test]
fn a_panic_in_one_leg_ends_that_leg_and_is_counted() {
    let mut world = World::seeded(1);
    let (caller, agent) = world.caller_and_agent();
    for at in [caller, agent] {
        world.peers[at].speak_from(world.start);
    }
    world.run_to(1_000);
    let leg = world.peers[caller].leg.clone();
    world.engine.leg_by_hand(&leg).break_down();
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    world.run_to(2_000);
    std::panic::set_hook(quiet);
    assert_eq!(world.engine.figures().totals.defects, 1);
    let ended =
        world.events.iter().any(|(_, event)| *event == Event::LegEnded { leg: leg.clone(), why: LegEnd::Defect });
    assert!(ended);
    assert_eq!(world.engine.figures().legs, 1);
    let heard = world.peers[agent].heard.len();
    world.run_to(3_000);
    assert_eq!(world.peers[agent].heard.len(), heard + 50, "the other leg goes on");
}
