//! Two legs that know each other's IPv6 addresses only.

use serde_json::{Value, json};

use crate::house::{Client, House, until};

#[test]
fn legs_with_nothing_but_ipv6_hear_each_other() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        println!("NOT RUN: this machine has no IPv6, not even loopback");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let house = House::start_with(folder.path(), 25_500, "media_ip6 = \"::1\"\n");
    let mut client = Client::hello(&house, Value::Null);
    let only_six = |sdp: &Value| {
        let is_four = |line: &&str| line.starts_with("a=candidate:") && line.contains("127.0.0.1");
        let kept: Vec<&str> = sdp.as_str().unwrap().lines().filter(|line| !is_four(line)).collect();
        assert!(kept.iter().any(|line| line.starts_with("a=candidate:") && line.contains("::1")), "{sdp}");
        kept.join("\r\n") + "\r\n"
    };
    let ask = json!({"leg": "x", "call": "c", "peer": "browser", "life_secs": 600});
    let offer = only_six(&client.ask(json!({ "offer_leg": ask }))["ok"]["leg_offered"]["offer"]);
    let open = json!({"leg": "y", "call": "c", "peer": "meta", "offer": offer, "life_secs": 600});
    let answer = only_six(&client.ask(json!({ "open_leg": open }))["ok"]["leg_opened"]["answer"]);
    client.ask(json!({"answer_leg": {"leg": "x", "answer": answer}}));
    client.event("leg_connected");
    client.event("leg_connected");
    for leg in ["x", "y"] {
        client.ask(json!({"open_gate": {"leg": leg}}));
    }
    let mut seen = Value::Null;
    let heard = until(|| {
        seen = client.ask(json!({"describe": {"leg": "x"}}))["ok"]["described"].clone();
        seen["received_packets"].as_u64().unwrap_or(0) >= 50
    });
    assert!(heard, "{seen}");
    assert!(seen["pair"][0].as_str().unwrap().starts_with("[::1]:"), "{seen}");
    assert!(seen["pair"][1].as_str().unwrap().starts_with("[::1]:"), "{seen}");
}
