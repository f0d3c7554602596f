//! Commands that come twice, controld that goes away, limits that are reached.

use std::net::SocketAddr;

use protocol::{
    CallId, Command, ErrorCode, Event, FromMediad, Hello, LegEnd, LegId, Peer, Reach, RecordingId, Replay, Reply,
};

use super::{World, offer};
use crate::engine::port::{Client, Input};

fn open(name: &str, remote: &str) -> Command {
    let remote: SocketAddr = remote.parse().unwrap();
    let (leg, call) = (LegId::new(name).unwrap(), CallId::new("c").unwrap());
    Command::OpenLeg { leg, call, peer: Peer::Meta, offer: offer(remote), life_secs: 60, reach: Reach::default() }
}

#[test]
fn a_repeated_command_gets_its_answer_again_and_is_not_carried_out_twice() {
    let mut world = World::seeded(1);
    let command = open("one", "198.51.100.1:3480");
    world.ask_as(900, command.clone());
    let first = world.answers.last().cloned();
    world.feed(Input::Gone { client: Client(1) });
    world.hello("controld");
    world.ask_as(900, command);
    assert_eq!(world.answers.last().cloned(), first);
    assert_eq!(world.engine.figures().legs, 1);
    world.ask_as(900, open("two", "198.51.100.2:3480"));
    assert_eq!(world.engine.figures().legs, 2, "the same number with another command is a new command");
}

#[test]
fn relays_are_one_address_for_many_callers_until_the_ports_are_taken() {
    let mut world = World::seeded(2);
    for n in 0..20 {
        world.ok(open(&format!("leg{n:02}"), "203.0.113.5:3480"));
    }
    let refusal = world.ask(open("more", "203.0.113.5:3480")).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::NoPort);
    world.ok(open("elsewhere", "203.0.113.6:3480"));
    world.ok(Command::CloseLeg { leg: LegId::new("leg07").unwrap() });
    world.ok(open("again", "203.0.113.5:3480"));
    let Reply::Snapshot(page) = world.ok(Command::Snapshot { after: None }) else { panic!() };
    assert_eq!((page.legs.len(), page.ports_free, page.next), (21, 0, None));
}

#[test]
fn a_snapshot_comes_in_pages_that_miss_nothing() {
    let mut world = World::seeded(3);
    for n in 0..95 {
        world.ok(open(&format!("leg{n:02}"), &format!("203.0.113.{}:3480", n + 1)));
    }
    let (mut after, mut seen, mut pages) = (None, Vec::new(), 0);
    loop {
        let Reply::Snapshot(page) = world.ok(Command::Snapshot { after: after.clone() }) else { panic!() };
        seen.extend(page.legs.into_iter().map(|leg| leg.leg.to_string()));
        pages += 1;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((seen.len(), pages), (95, 3));
    assert!(seen.windows(2).all(|pair| pair[0] < pair[1]));
    let refusal = (0..10).find_map(|n| world.ask(open(&format!("over{n}"), "198.51.100.9:1")).err()).unwrap();
    assert_eq!(refusal.code, ErrorCode::Busy);
}

#[test]
fn refused_commands_say_why_and_change_nothing() {
    let mut world = World::seeded(4);
    let (caller, _) = world.caller_and_agent();
    let leg = world.peers[caller].leg.clone();
    let code = |world: &mut World, command| world.ask(command).unwrap_err().code;
    let nobody = LegId::new("nobody").unwrap();
    assert_eq!(code(&mut world, Command::OpenGate { leg: nobody }), ErrorCode::UnknownLeg);
    assert_eq!(code(&mut world, open("caller", "198.51.100.77:1")), ErrorCode::NameTaken);
    let answer = String::new();
    assert_eq!(code(&mut world, Command::AnswerLeg { leg: leg.clone(), answer }), ErrorCode::WrongState);
    let offer = "v=0\r\nm=video".to_owned();
    assert_eq!(
        code(&mut world, Command::RestartLeg { leg: leg.clone(), offer, reach: Reach::default() }),
        ErrorCode::BadSdp
    );
    let digits = vec![protocol::Digit::from_event(1).unwrap()];
    assert_eq!(code(&mut world, Command::SendDigits { leg: leg.clone(), digits, tone_ms: 10 }), ErrorCode::BadValue);
    let recording = RecordingId::new("r").unwrap();
    world.ok(Command::Record { leg: leg.clone(), recording });
    let recording = RecordingId::new("r").unwrap();
    assert_eq!(code(&mut world, Command::Record { leg, recording }), ErrorCode::NameTaken);
}

#[test]
fn legs_in_no_bridge_end_when_nobody_has_cared_for_five_minutes() {
    let mut world = World::seeded(5);
    world.caller_and_agent();
    world.run_to(10_000);
    world.feed(Input::Gone { client: Client(1) });
    world.run_to(305_000);
    assert_eq!(world.engine.figures().legs, 2);
    world.run_to(311_000);
    assert_eq!(world.engine.figures().legs, 0);
    let orphaned = |event: &Event| matches!(event, Event::LegEnded { why: LegEnd::Orphaned, .. });
    assert_eq!(world.events.iter().filter(|(_, event)| orphaned(event)).count(), 2);
    let hello = Hello { version: 1, who: "controld".into(), seen: Some(("world".into(), 2)) };
    world.answers.clear();
    world.feed(Input::Hello { client: Client(2), hello });
    let FromMediad::Welcome { welcome } = &world.answers[0] else { panic!("{:?}", world.answers) };
    assert_eq!(welcome.replay, Replay::Complete);
    let seqs: Vec<u64> = world.answers[1..]
        .iter()
        .map(|answer| match answer {
            FromMediad::Event(event) => event.seq,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(seqs, (3..welcome.next_seq).collect::<Vec<u64>>());
}

#[test]
fn a_wrong_version_and_a_command_before_hello_are_shown_the_door() {
    let mut world = World::seeded(6);
    let hello = Hello { version: 99, who: "x".into(), seen: None };
    world.feed(Input::Hello { client: Client(7), hello });
    assert!(matches!(world.answers.last(), Some(FromMediad::Bye { .. })));
    let request = protocol::Request { id: 1, command: Command::Snapshot { after: None } };
    let (clip, then) = Default::default();
    world.feed(Input::Command { client: Client(7), request, clip, then });
    assert!(matches!(world.answers.last(), Some(FromMediad::Bye { .. })));
}
