//! What is not genuine is dropped by its reason, is never answered, and changes nothing.

use super::*;
use crate::wire::stun::{Builder, Class};

/// An agent with a peer, and the key its checks are signed with.
fn agent() -> (Instant, Ice, Key) {
    let now = origin();
    let ours = credentials(1);
    let key = Key::new(ours.pwd.as_bytes());
    let mut ice = Ice::new(now, ours, &[addr(OURS)], false, 1);
    ice.set_remote(now, &described(&credentials(2), false, &[addr(THEIRS)]));
    (now, ice, key)
}

fn check(ice: &Ice, key: &Key) -> Packet {
    let username = format!("{}:{}", ice.ufrag(), credentials(2).ufrag);
    let role = Role::Controlling(1);
    BindingRequest { transaction: Transaction([9; 12]), username: &username, priority: 1, role, nominate: true }
        .write(key)
}

const STRANGER: &str = "203.0.113.66:6666";

/// The verdict on bytes from a stranger, and what is sent for them.
fn verdict(ice: &mut Ice, now: Instant, bytes: &[u8]) -> (Result<(), BadCheck>, Vec<Packet>) {
    let taken = ice.take(now, addr(OURS), addr(STRANGER), bytes);
    (taken, std::iter::from_fn(|| ice.give()).map(|sent| sent.packet).collect())
}

#[test]
fn a_genuine_check_is_answered_with_the_address_it_came_from() {
    let (now, mut ice, key) = agent();
    let check = check(&ice, &key);
    let (taken, sent) = verdict(&mut ice, now, check.as_slice());
    assert_eq!(taken, Ok(()));
    let answer = Message::parse(sent[0].as_slice()).unwrap();
    assert_eq!((answer.class(), answer.mapped()), (Some(Class::Success), Some(addr(STRANGER))));
    assert_eq!((answer.verify(&key), answer.transaction()), (Ok(()), Transaction([9; 12])));
    assert!(ice.is_valid_source(addr(STRANGER)));
}

#[test]
fn what_is_not_genuine_is_dropped_by_its_reason_and_not_answered() {
    let (now, mut ice, key) = agent();
    let genuine = check(&ice, &key);
    let mut wrong_print = genuine.clone();
    *wrong_print.as_mut_slice().last_mut().unwrap() ^= 1;
    let unsigned = {
        let mut out = Builder::new(Class::Request, Transaction([1; 12]));
        out.attribute(0x0006, format!("{}:x", ice.ufrag()).as_bytes());
        out.fingerprint()
    };
    let elsewhere = {
        let mut other = credentials(3);
        std::mem::swap(&mut other.ufrag, &mut credentials(4).ufrag);
        let stranger = Ice::new(now, other, &[addr(OURS)], false, 1);
        check(&stranger, &key)
    };
    let nameless = Builder::new(Class::Request, Transaction([1; 12])).fingerprint();
    let bare = {
        let mut out = Builder::new(Class::Request, Transaction([1; 12]));
        out.attribute(0x0006, format!("{}:x", ice.ufrag()).as_bytes());
        out.integrity(&key);
        out.fingerprint()
    };
    let answer = binding_success(Transaction([7; 12]), addr(OURS), &key);
    let indication = Builder::new(Class::Indication, Transaction([1; 12])).fingerprint();
    let cases = [
        (check(&ice, &Key::new(b"guess")), BadCheck::Unproven(Unproven::Wrong)),
        (wrong_print, BadCheck::Fingerprint),
        (unsigned, BadCheck::Unproven(Unproven::Missing)),
        (elsewhere, BadCheck::Username),
        (nameless, BadCheck::Username),
        (bare, BadCheck::Incomplete),
        (answer, BadCheck::Unasked),
        (indication, BadCheck::Class),
        (Packet::from_slice(&[0; 19]).unwrap(), BadCheck::Stun(BadStun::Short)),
    ];
    for (packet, reason) in cases {
        assert_eq!(verdict(&mut ice, now, packet.as_slice()), (Err(reason), vec![]), "{reason}");
        assert!(!ice.is_valid_source(addr(STRANGER)), "{reason}");
    }
    assert_eq!(ice.ways.all.len(), 1);
}

#[test]
fn an_attribute_that_must_be_understood_is_refused_by_name_and_only_when_genuine() {
    let (now, mut ice, key) = agent();
    let with = |key: &Key| {
        let mut out = Builder::new(Class::Request, Transaction([1; 12]));
        out.attribute(0x0006, format!("{}:x", ice.ufrag()).as_bytes());
        out.attribute(0x7fff, b"new");
        out.integrity(key);
        out.fingerprint()
    };
    let (genuine, forged) = (with(&key), with(&Key::new(b"guess")));
    assert_eq!(verdict(&mut ice, now, forged.as_slice()), (Err(BadCheck::Unproven(Unproven::Wrong)), vec![]));
    let (taken, sent) = verdict(&mut ice, now, genuine.as_slice());
    assert_eq!(taken, Ok(()));
    assert_eq!(Message::parse(sent[0].as_slice()).unwrap().error_code(), Some(420));
    assert!(!ice.is_valid_source(addr(STRANGER)));
}

#[test]
fn an_answer_counts_only_from_whom_it_was_asked_and_with_the_peers_key() {
    let (now, mut ice, key) = agent();
    ice.wake(now);
    let asked = ice.give().unwrap();
    let transaction = Message::parse(asked.packet.as_slice()).unwrap().transaction();
    let theirs = Key::new(credentials(2).pwd.as_bytes());
    let genuine = binding_success(transaction, addr(OURS), &theirs);
    let ours = binding_success(transaction, addr(OURS), &key);
    assert_eq!(verdict(&mut ice, now, genuine.as_slice()).0, Err(BadCheck::Source));
    assert_eq!(ice.take(now, addr(OURS), addr(THEIRS), ours.as_slice()), Err(BadCheck::Unproven(Unproven::Wrong)));
    let unsigned = binding_error(transaction, ErrorCode::RoleConflict, &[], None);
    assert_eq!(
        ice.take(now, addr(OURS), addr(THEIRS), unsigned.as_slice()),
        Err(BadCheck::Unproven(Unproven::Missing))
    );
    assert!(!ice.controlling && !ice.is_valid_source(addr(THEIRS)));
    assert_eq!(ice.take(now, addr(OURS), addr(THEIRS), genuine.as_slice()), Ok(()));
    assert!(ice.is_valid_source(addr(THEIRS)));
}

#[test]
fn noise_and_a_million_guesses_leave_no_state_and_draw_no_answer() {
    let (now, mut ice, key) = agent();
    let mut rng = StdRng::seed_from_u64(8);
    for len in 0..=1_500usize {
        let mut noise = vec![0u8; len];
        rng.fill(&mut noise[..]);
        for first in 0..=3 {
            noise.iter_mut().take(1).for_each(|byte| *byte = first);
            let (taken, sent) = verdict(&mut ice, now, &noise);
            assert!(taken.is_err() && sent.is_empty());
        }
    }
    let mut guess = check(&ice, &key);
    let tag_at = guess.len() - 28;
    for _ in 0..1_000_000 {
        // Without FINGERPRINT's help: the tag alone is guessed.
        rng.fill(&mut guess.as_mut_slice()[tag_at..tag_at + 20]);
        let crc = crc32fast::hash(&guess.as_slice()[..guess.len() - 8]) ^ 0x5354_554e;
        let end = guess.len() - 4;
        guess.as_mut_slice()[end..].copy_from_slice(&crc.to_be_bytes());
        let taken = ice.take(now, addr(OURS), addr(STRANGER), guess.as_slice());
        assert_eq!(taken, Err(BadCheck::Unproven(Unproven::Wrong)));
    }
    assert!(ice.give().is_none());
    assert_eq!(ice.ways.all.len(), 1);
}

#[test]
fn credentials_are_long_enough_and_never_the_same() {
    let (one, other) = (credentials(1), credentials(2));
    assert_eq!((one.ufrag.len(), one.pwd.len()), (24, 32));
    assert_ne!(one, other);
    assert_eq!(format!("{one:?}"), format!("Credentials({})", one.ufrag), "a password is never printed");
}
