//! The real binary under strangers' bytes, broken clients and `kill -9`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed; the lint spares only test functions")]
#![expect(clippy::disallowed_types, reason = "a stranger has a socket of its own")]

mod coturn;
mod house;

mod a_killed_mediad_salvages_its_recordings;
mod abuse_of_the_control_socket_harms_nobody_else;
mod attack_packets_from_strangers_get_no_answer;
mod legs_meet_over_ipv6;
mod relayed_legs_speak_through_coturn;
mod two_symmetric_nats_are_crossed_by_turn;
