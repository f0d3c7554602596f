use super::*;

#[test]
fn a_check_we_write_is_read_and_believed() {
    let key = Key::new(b"password");
    let request = BindingRequest {
        transaction: Transaction([7; 12]),
        username: "theirs:ours",
        priority: 0x7eff_ffff,
        role: Role::Controlling(42),
        nominate: true,
    };
    let packet = request.write(&key);
    let message = Message::parse(packet.as_slice()).unwrap();
    assert_eq!(message.class(), Some(Class::Request));
    assert_eq!(message.receiver_ufrag(), Some("theirs"));
    assert_eq!(message.priority(), Some(0x7eff_ffff));
    assert_eq!(message.role(), Some(Role::Controlling(42)));
    assert!(message.nominates());
    assert_eq!(message.verify(&key), Ok(()));
    assert_eq!(message.verify(&Key::new(b"other")), Err(Unproven::Wrong));
    assert_eq!(message.fingerprint(), Some(true));
    assert_eq!(message.unknown_required().count(), 0);
}
