//! STUN and TURN servers that do not answer: who waits for them, how long, and what is left behind.

use protocol::{CallId, Command, ErrorCode, FromMediad, LegId, Peer, Reach, Reply};

use super::{World, offer};
use crate::engine::port::{Client, Input};
use crate::leg::relay::{LoginKind, Plan, TurnServer};
use crate::leg::turn::Account;
use crate::wire::turn::Transport;

/// A house whose servers are all dark.
fn world(only: bool) -> World {
    let mut world = World::seeded(1);
    let login = LoginKind::Fixed(Account { username: "u".into(), password: "p".into() });
    let turn = |n: u8| TurnServer {
        addr: format!("203.0.113.{n}:3478").parse().unwrap(),
        transport: Transport::Udp,
        name: "dark".into(),
        login: login.clone(),
    };
    let stun = vec!["203.0.113.200:3478".parse().unwrap()];
    world.feed(Input::Servers(Plan { only, stun, turn: vec![turn(201), turn(202)] }));
    world
}

fn open(name: &str, reach: Reach) -> Command {
    let (leg, call) = (LegId::new(name).unwrap(), CallId::new("c").unwrap());
    Command::OpenLeg {
        leg,
        call,
        peer: Peer::Meta,
        offer: offer("198.51.100.1:3480".parse().unwrap()),
        life_secs: 60,
        reach,
    }
}

fn answers_to(world: &World, id: u64) -> Vec<&FromMediad> {
    let is_it = |answer: &&FromMediad| match answer {
        FromMediad::Ok { re, .. } | FromMediad::Err { re, .. } => *re == id,
        _ => false,
    };
    world.answers.iter().filter(is_it).collect()
}

#[test]
fn a_leg_that_can_do_without_is_described_after_two_and_a_half_seconds() {
    let mut world = world(false);
    world.ask_as(901, open("a", Reach::default()));
    world.run_to(1_000);
    // Nobody else is kept waiting, and the same command again does nothing but move its answer.
    world.ok(Command::Snapshot { after: None });
    world.feed(Input::Gone { client: Client(1) });
    world.hello("controld");
    world.ask_as(901, open("a", Reach::default()));
    assert_eq!((answers_to(&world, 901).len(), world.engine.figures().legs), (0, 1));
    world.run_to(2_600);
    let [FromMediad::Ok { ok: Reply::LegOpened { answer }, .. }] = answers_to(&world, 901)[..] else {
        panic!("{:?}", world.answers)
    };
    assert!(answer.contains("192.0.2.1 10000 typ host") && !answer.contains("relay"));
    let asked: Vec<usize> =
        [200, 201, 202].map(|n| world.strays_to(format!("203.0.113.{n}:3478").parse().unwrap())).into();
    assert!(asked.iter().all(|asked| (1..=5).contains(asked)), "{asked:?} datagrams to dark servers");
    world.ask_as(901, open("a", Reach::default()));
    assert_eq!(answers_to(&world, 901).len(), 2, "remembered");
}

#[test]
fn a_leg_that_may_not_do_without_is_refused_in_time_and_leaves_nothing_behind() {
    let mut world = world(true);
    world.ask_as(902, open("a", Reach::default()));
    world.run_to(4_600);
    let [FromMediad::Err { err, .. }] = answers_to(&world, 902)[..] else { panic!("{:?}", world.answers) };
    assert_eq!(err.code, ErrorCode::NoRelay);
    assert!(err.why.contains("does not answer"), "{}", err.why);
    assert_eq!((world.engine.figures().legs, world.engine.figures().ports_free), (0, 20));
    assert_eq!(world.strays_to("198.51.100.1:3480".parse().unwrap()), 0, "the peer was never sent to");
    // A command may say otherwise.
    let reach = Reach { ice_servers: Some(Vec::new()), relay_only: Some(false) };
    world.ok(open("b", reach));
}

#[test]
fn a_leg_closed_while_it_waits_has_its_opener_told() {
    let mut world = world(false);
    world.ask_as(903, open("a", Reach::default()));
    world.run_to(300);
    world.ok(Command::CloseLeg { leg: LegId::new("a").unwrap() });
    let [FromMediad::Err { err, .. }] = answers_to(&world, 903)[..] else { panic!("{:?}", world.answers) };
    assert_eq!(err.code, ErrorCode::WrongState);
    world.run_to(10_000);
    assert_eq!((answers_to(&world, 903).len(), world.engine.figures().ports_free), (1, 20));
}
