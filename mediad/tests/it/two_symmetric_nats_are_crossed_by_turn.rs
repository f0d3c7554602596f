//! Two mediads, each behind a NAT that takes a new port for every destination: only a relay joins them. In network
//! namespaces of their own; where those cannot be made the test says NOT RUN.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::coturn::{ACCOUNT, Coturn};
use crate::house::{Client, House, until};

/// `a` and `b` are hosts, `ra` and `rb` the routers before them, `p` is the public network with the TURN server.
struct Net {
    tag: u32,
}

impl Net {
    /// Nothing if this user may not make one.
    fn make() -> Option<Net> {
        let net = Net { tag: std::process::id() };
        for name in ["p", "ra", "rb", "a", "b"] {
            run(&["ip", "netns", "add", &net.name(name)]).then_some(())?;
            assert!(net.inside(name, "ip link set lo up"));
        }
        net.public().then_some(())?;
        (net.behind_nat("a", "ra", 1) && net.behind_nat("b", "rb", 2)).then_some(net)
    }

    fn name(&self, short: &str) -> String {
        format!("pbt{}{short}", self.tag)
    }

    /// A bridge that the routers are plugged into.
    fn public(&self) -> bool {
        ["ip link add name pub type bridge", "ip addr add 198.51.100.1/24 dev pub", "ip link set pub up", DEFAULT]
            .iter()
            .all(|line| self.inside("p", line))
    }

    fn behind_nat(&self, host: &str, router: &str, number: u8) -> bool {
        let (host_ns, router_ns) = (self.name(host), self.name(router));
        let plug = format!("plug{number}");
        // A closing brace must stand on a line of its own for this nft.
        let rules = "table ip nat {\nchain post {\ntype nat hook postrouting priority 100;\n\
                     oifname wan masquerade fully-random\n}\n}\n";
        self.inside("p", &format!("ip link add {plug} type veth peer name wan netns {router_ns}"))
            && self.inside("p", &format!("ip link set {plug} master pub up"))
            && self.inside(router, &format!("ip link add lan type veth peer name eth0 netns {host_ns}"))
            && self.inside(router, &format!("ip addr add 198.51.100.1{number}/24 dev wan"))
            && self.inside(router, &format!("ip addr add 10.0.{number}.1/24 dev lan"))
            && ["wan", "lan"].iter().all(|dev| self.inside(router, &format!("ip link set {dev} up")))
            && self.inside(router, "sysctl -qw net.ipv4.ip_forward=1")
            && run(&["ip", "netns", "exec", &router_ns, "nft", rules])
            && self.inside(host, &format!("ip addr add 10.0.{number}.2/24 dev eth0"))
            && self.inside(host, "ip link set eth0 up")
            && self.inside(host, &format!("ip route add default via 10.0.{number}.1"))
    }

    fn inside(&self, name: &str, line: &str) -> bool {
        let name = self.name(name);
        let words: Vec<&str> = ["ip", "netns", "exec", &name].into_iter().chain(line.split(' ')).collect();
        run(&words)
    }

    fn command(&self, name: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name(name), program]);
        command
    }

    fn house(&self, name: &str, folder: &Path, ip: &str, more: &str) -> House {
        House::spawn(self.command(name, env!("CARGO_BIN_EXE_mediad")), folder, 25_600, ip, more)
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for name in ["a", "b", "ra", "rb", "p"] {
            run(&["ip", "netns", "del", &self.name(name)]);
        }
    }
}

/// coturn ends an allocation that sends where the machine has no route at all.
const DEFAULT: &str = "ip route add default dev pub";

fn run(words: &[&str]) -> bool {
    let done = Command::new(words[0]).args(&words[1..]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    done.is_ok_and(|status| status.success())
}

fn described(client: &mut Client, leg: &str) -> Value {
    client.ask(json!({"describe": {"leg": leg}}))["ok"]["described"].clone()
}

#[test]
fn two_mediads_behind_symmetric_nats_hear_each_other_through_a_relay() {
    let Some(net) = Net::make() else {
        println!("NOT RUN: network namespaces and nft need CAP_NET_ADMIN");
        return;
    };
    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let _coturn = Coturn::spawn(net.command("p", "turnserver"), "198.51.100.1", folders[2].path(), 3_478, &ACCOUNT);
    assert!(until(|| net.inside("p", "bash -c </dev/tcp/198.51.100.1/3478")), "coturn did not come up");
    let servers = "[[calling.ice_servers]]\nurls = [\"stun:198.51.100.1\", \"turn:198.51.100.1\"]\n\
                   username = \"north\"\ncredential = \"wind\"\n";
    let one = net.house("a", folders[0].path(), "10.0.1.2", servers);
    // The other has no relay. It must know its router's address all the same: a TURN server lets through whom we name.
    let stun = "[[calling.ice_servers]]\nurls = [\"stun:198.51.100.1\"]\n";
    let other = net.house("b", folders[1].path(), "10.0.2.2", stun);
    let (mut near, mut far) = (Client::hello(&one, Value::Null), Client::hello(&other, Value::Null));
    let ask = json!({"leg": "x", "call": "c", "peer": "browser", "life_secs": 600});
    let offer = near.ask(json!({ "offer_leg": ask }))["ok"]["leg_offered"]["offer"].as_str().unwrap().to_owned();
    for kind in ["10.0.1.2 25600 typ host", "198.51.100.11", "typ srflx", "198.51.100.1 ", "typ relay"] {
        assert!(offer.contains(kind), "{kind} is missing in {offer}");
    }
    let open = json!({"leg": "y", "call": "c", "peer": "browser", "offer": offer, "life_secs": 600});
    let answer = far.ask(json!({ "open_leg": open }))["ok"]["leg_opened"]["answer"].clone();
    near.ask(json!({"answer_leg": {"leg": "x", "answer": answer}}));
    let is_up = |client: &mut Client, leg: &str| described(client, leg)["summary"]["state"] == "connected";
    let up = until(|| is_up(&mut near, "x") && is_up(&mut far, "y"));
    assert!(up, "{offer}\n{answer}\n{}\n{}", described(&mut near, "x"), described(&mut far, "y"));
    near.ask(json!({"open_gate": {"leg": "x"}}));
    far.ask(json!({"open_gate": {"leg": "y"}}));
    let heard = |client: &mut Client, leg: &str| described(client, leg)["received_packets"].as_u64().unwrap_or(0);
    assert!(until(|| heard(&mut near, "x") >= 100 && heard(&mut far, "y") >= 100), "{}", described(&mut near, "x"));
    let pair = described(&mut near, "x")["pair"].clone();
    assert!(pair[0].as_str().unwrap().starts_with("198.51.100.1:"), "the relay carries it: {pair}");
    assert!(pair[1].as_str().unwrap().starts_with("198.51.100.12:"), "the other's router is seen: {pair}");
}
