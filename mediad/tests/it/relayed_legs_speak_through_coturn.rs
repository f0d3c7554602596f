//! Legs that may speak through a relay only, and a relay that dies: against coturn.

use std::time::Duration;

use serde_json::{Value, json};

use crate::coturn::{ACCOUNT, Coturn};
use crate::house::{Client, House, now, until};

/// A leg of `peer` that is reached as `reach` says calls one that is not relayed; both speak.
fn connect(client: &mut Client, names: (&str, &str), peer: &str, reach: &Value) -> String {
    let (far, near) = names;
    let mut ask = json!({"leg": far, "call": "c", "peer": peer, "life_secs": 600});
    for (key, value) in reach.as_object().into_iter().flatten() {
        ask[key] = value.clone();
    }
    let answer = client.ask(json!({ "offer_leg": ask }));
    let offer = answer["ok"]["leg_offered"]["offer"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    let open = json!({"leg": near, "call": "c", "peer": "browser", "offer": offer, "life_secs": 600});
    let answer = client.ask(json!({ "open_leg": open }))["ok"]["leg_opened"]["answer"].clone();
    let taken = client.ask(json!({"answer_leg": {"leg": far, "answer": answer}}));
    assert!(taken["ok"].is_string(), "{taken}");
    for _ in 0..2 {
        client.event("leg_connected");
    }
    for leg in [far, near] {
        client.ask(json!({"open_gate": {"leg": leg}}));
    }
    offer
}

fn described(client: &mut Client, leg: &str) -> Value {
    client.ask(json!({"describe": {"leg": leg}}))["ok"]["described"].clone()
}

fn received(client: &mut Client, leg: &str) -> u64 {
    described(client, leg)["received_packets"].as_u64().unwrap_or(0)
}

/// Both hear fifty packets more than they have.
fn hear_each_other(client: &mut Client, legs: [&str; 2]) {
    let before = legs.map(|leg| received(client, leg));
    let more = until(|| (0..2).all(|n| received(client, legs[n]) >= before[n] + 50));
    assert!(more, "{} {}", described(client, legs[0]), described(client, legs[1]));
}

fn candidates(sdp: &str) -> Vec<&str> {
    sdp.lines().filter_map(|line| line.strip_prefix("a=candidate:")).collect()
}

fn relayed_by(client: &mut Client, leg: &str, ports: std::ops::Range<u64>) -> bool {
    let local = described(client, leg)["pair"][0].as_str().unwrap_or_default().to_owned();
    local.rsplit_once(':').is_some_and(|(_, port)| port.parse().is_ok_and(|port: u64| ports.contains(&port)))
}

#[test]
fn a_relay_only_leg_tells_no_address_of_ours_and_holds_media_both_ways_over_udp() {
    let folder = tempfile::tempdir().unwrap();
    let coturn = Coturn::start(folder.path(), 24_500, &ACCOUNT);
    let house = House::start(folder.path(), 24_400);
    let mut client = Client::hello(&house, Value::Null);
    let server = json!({"urls": [coturn.url("turn", "udp")], "username": "north", "credential": "wind"});
    for (round, peer) in ["meta", "browser"].into_iter().enumerate() {
        let names = (format!("far{round}"), format!("near{round}"));
        let reach = json!({"ice_servers": [server], "relay_only": true});
        let offer = connect(&mut client, (&names.0, &names.1), peer, &reach);
        let told = candidates(&offer);
        assert_eq!(told.len(), 1, "{offer}");
        assert!(told[0].contains("typ relay"), "{offer}");
        assert!(!(house.first_port..house.first_port + 10).any(|port| offer.contains(&port.to_string())), "{offer}");
        hear_each_other(&mut client, [&names.0, &names.1]);
        assert!(relayed_by(&mut client, &names.0, 24_501..24_600));
        let far = described(&mut client, &names.0);
        assert_eq!(far["drops"]["relay_leak"], Value::Null, "{far}");
    }
    // Nothing keeps a port or an allocation once its leg is gone.
    let free =
        |client: &mut Client| client.ask(json!({"snapshot": {"after": null}}))["ok"]["snapshot"]["ports_free"].clone();
    for leg in ["far0", "near0", "far1", "near1"] {
        client.ask(json!({"close_leg": {"leg": leg}}));
    }
    assert_eq!(free(&mut client), 10);
}

#[test]
fn a_login_made_from_a_shared_secret_is_good_and_a_wrong_one_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let _coturn = Coturn::start(folder.path(), 24_700, &["--use-auth-secret", "--static-auth-secret=north"]);
    let servers = "[[calling.ice_servers]]\nurls = [\"turn:127.0.0.1:24700\"]\nsecret = \"north\"\n";
    let house = House::start_with(folder.path(), 24_600, servers);
    let mut client = Client::hello(&house, Value::Null);
    connect(&mut client, ("far", "near"), "meta", &json!({"relay_only": true}));
    hear_each_other(&mut client, ["far", "near"]);
    let wrong = json!({"urls": ["turn:127.0.0.1:24700"], "username": "north", "credential": "wrong"});
    let reach =
        json!({"leg": "x", "call": "c", "peer": "meta", "life_secs": 60, "ice_servers": [wrong], "relay_only": true});
    let answer = client.ask(json!({ "offer_leg": reach }));
    assert_eq!(answer["err"]["code"], "no_relay", "{answer}");
    assert!(answer["err"]["why"].as_str().unwrap().contains("401"), "{answer}");
}

#[test]
fn a_turn_server_that_dies_is_told_of_and_replaced_within_ten_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Coturn::start(folder.path(), 24_900, &ACCOUNT);
    let second = Coturn::start(folder.path(), 25_000, &ACCOUNT);
    let house = House::start(folder.path(), 24_800);
    let mut client = Client::hello(&house, Value::Null);
    let urls = [first.url("turn", "udp"), second.url("turn", "udp")];
    let reach = json!({"ice_servers": [{"urls": urls, "username": "north", "credential": "wind"}], "relay_only": true});
    connect(&mut client, ("far", "near"), "meta", &reach);
    hear_each_other(&mut client, ["far", "near"]);
    assert!(relayed_by(&mut client, "far", 24_901..25_000));
    first.kill();
    let killed_at = now();
    let lost = client.event("relay_lost");
    assert_eq!(lost["leg"], "far");
    assert!(lost["why"].as_str().unwrap().contains("does not answer"), "{lost}");
    client.event("relay_back");
    assert!(until(|| relayed_by(&mut client, "far", 25_001..25_100)), "{}", described(&mut client, "far"));
    hear_each_other(&mut client, ["far", "near"]);
    let took = killed_at.elapsed();
    println!("sound is back {took:?} after the TURN server died, fifty packets counted in");
    assert!(took < Duration::from_secs(11), "{took:?}");
}

#[test]
fn servers_named_wrongly_are_refused_and_a_dead_one_does_not_hold_up_a_leg_that_can_do_without() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(folder.path(), 25_100);
    let mut client = Client::hello(&house, Value::Null);
    let mut offer = |name: &str, reach: Value| {
        let mut ask = json!({"leg": name, "call": "c", "peer": "meta", "life_secs": 60});
        reach.as_object().unwrap().iter().for_each(|(key, value)| ask[key] = value.clone());
        client.ask(json!({ "offer_leg": ask }))
    };
    assert_eq!(offer("a", json!({"relay_only": true}))["err"]["code"], "no_relay");
    assert_eq!(offer("a", json!({"ice_servers": [{"urls": ["turn:name.example"]}]}))["err"]["code"], "bad_value");
    assert_eq!(offer("a", json!({"ice_servers": [{"urls": ["ftp:x"]}]}))["err"]["code"], "bad_value");
    let many = vec![json!({"urls": []}); 9];
    assert_eq!(offer("a", json!({"ice_servers": many}))["err"]["code"], "bad_value");
    let asked_at = now();
    let dead = json!({"ice_servers": [{"urls": ["turn:127.0.0.1:9", "stun:127.0.0.1:9"]}]});
    let answer = offer("a", dead);
    let took = asked_at.elapsed();
    let told = answer["ok"]["leg_offered"]["offer"].as_str().unwrap();
    assert_eq!(candidates(told).len(), 1, "{told}");
    assert!(told.contains("typ host") && took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn a_relay_only_leg_holds_media_over_tcp_and_over_tls() {
    if std::env::var_os("PATCHBAY_SOAK").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    certify(folder.path());
    let (cert, key) = (format!("--cert={}", file("leaf.pem")), format!("--pkey={}", file("leaf.key")));
    let words = [&ACCOUNT[..], &[&cert, &key, "--tls-listening-port=25399"]].concat();
    let mut coturn = Coturn::start(folder.path(), 25_300, &words);
    let house = House::start_with(folder.path(), 25_200, &format!("turn_ca = {:?}\n", file("ca.pem")));
    let mut client = Client::hello(&house, Value::Null);
    let urls = [("tcp", coturn.url("turn", "tcp")), ("tls", "turns:127.0.0.1:25399".to_owned())];
    for (kind, url) in urls {
        let server = json!({"urls": [url], "username": "north", "credential": "wind"});
        let names = (format!("far-{kind}"), format!("near-{kind}"));
        let begun = now();
        connect(&mut client, (&names.0, &names.1), "meta", &json!({"ice_servers": [server], "relay_only": true}));
        println!("{kind}: connected in {:?}", begun.elapsed());
        for _ in 0..10 {
            hear_each_other(&mut client, [&names.0, &names.1]);
        }
        assert!(relayed_by(&mut client, &names.0, 25_301..25_399));
        client.ask(json!({"close_leg": {"leg": names.0}}));
    }
    // A server whose certificate nobody vouches for is not spoken to.
    let elsewhere = tempfile::tempdir().unwrap();
    let stranger = House::start(elsewhere.path(), 25_400);
    let mut other = Client::hello(&stranger, Value::Null);
    let server = json!({"urls": ["turns:127.0.0.1:25399"], "username": "north", "credential": "wind"});
    let ask =
        json!({"leg": "x", "call": "c", "peer": "meta", "life_secs": 60, "ice_servers": [server], "relay_only": true});
    let answer = other.ask(json!({ "offer_leg": ask }));
    assert_eq!(answer["err"]["code"], "no_relay", "{answer}");
    // A stream that breaks is noticed at once.
    let spare = Coturn::start(folder.path(), 25_700, &ACCOUNT);
    let urls = [coturn.url("turn", "tcp"), spare.url("turn", "udp")];
    let server = json!({"urls": urls, "username": "north", "credential": "wind"});
    connect(&mut client, ("far", "near"), "meta", &json!({"ice_servers": [server], "relay_only": true}));
    coturn.kill();
    let killed_at = now();
    let lost = client.event("relay_lost");
    assert!(lost["why"].as_str().unwrap().contains("connection"), "{lost}");
    client.event("relay_back");
    hear_each_other(&mut client, ["far", "near"]);
    println!("tcp: sound is back {:?} after the server died", killed_at.elapsed());
    assert!(killed_at.elapsed() < Duration::from_secs(5));
}

/// A certificate for 127.0.0.1 and the authority behind it.
fn certify(folder: &std::path::Path) {
    std::fs::write(folder.join("san"), "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n").unwrap();
    let curve = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    for line in [
        format!("req -x509 {curve} -keyout ca.key -out ca.pem -days 2 -subj /CN=authority"),
        format!("req {curve} -keyout leaf.key -out leaf.csr -subj /CN=127.0.0.1"),
        "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out leaf.pem -days 2 -extfile san".to_owned(),
    ] {
        let done = std::process::Command::new("openssl").args(line.split(' ')).current_dir(folder).output().unwrap();
        assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
    }
}
