//! The addresses of the configured STUN and TURN servers: looked up off the loop, again every minute.

use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use mio::Waker;

use crate::engine::servers::add;
use crate::leg::relay::{LoginKind, Plan};
use crate::wire::turn::ServerUrl;

/// A server as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IceServer {
    /// Where, each way it is spoken to.
    pub urls: Vec<ServerUrl>,
    /// The TURN login.
    pub login: LoginKind,
}

/// Looks up names.
pub struct Names {
    found: Option<Receiver<Plan>>,
}

impl Names {
    /// Gives what is known without asking anybody, and begins to ask if there are names among the hosts.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn open(servers: Vec<IceServer>, only: bool, waker: Arc<Waker>) -> std::io::Result<(Self, Plan)> {
        let known = plan(&servers, only, |host, _| host.parse().into_iter().collect());
        let is_name = |url: &ServerUrl| url.host.parse::<IpAddr>().is_err();
        if !servers.iter().flat_map(|server| &server.urls).any(is_name) {
            return Ok((Self { found: None }, known));
        }
        let (tell, found) = sync_channel(1);
        std::thread::Builder::new().name("names".into()).spawn(move || ask_for_ever(&servers, only, &tell, &waker))?;
        Ok((Self { found: Some(found) }, known))
    }

    /// What was found since.
    pub fn found(&mut self) -> Option<Plan> {
        self.found.as_ref()?.try_recv().ok()
    }
}

/// Asks until nobody listens any more. A host that is not found this time keeps the addresses it had.
fn ask_for_ever(servers: &[IceServer], only: bool, tell: &SyncSender<Plan>, waker: &Waker) {
    let mut last: std::collections::BTreeMap<String, Vec<IpAddr>> = std::collections::BTreeMap::new();
    loop {
        let now = plan(servers, only, |host, port| {
            match (host, port).to_socket_addrs().map(|all| all.map(|addr| addr.ip()).collect::<Vec<_>>()) {
                Ok(all) if !all.is_empty() => {
                    let firsts = [false, true].map(|six| all.iter().copied().find(|ip| ip.is_ipv6() == six));
                    let found: Vec<IpAddr> = firsts.into_iter().flatten().collect();
                    last.insert(host.to_owned(), found.clone());
                    found
                }
                Ok(_) | Err(_) => {
                    tracing::warn!("no address is known for ice server {host}");
                    last.get(host).cloned().unwrap_or_default()
                }
            }
        });
        if tell.send(now).is_err() || waker.wake().is_err() {
            return;
        }
        std::thread::sleep(EVERY);
    }
}

fn plan(servers: &[IceServer], only: bool, mut addresses: impl FnMut(&str, u16) -> Vec<IpAddr>) -> Plan {
    let mut plan = Plan { only, ..Plan::default() };
    for server in servers {
        for url in &server.urls {
            for ip in addresses(&url.host, url.port) {
                add(&mut plan, url, ip, &server.login);
            }
        }
    }
    plan
}

/// Names are looked up this often.
const EVERY: Duration = Duration::from_secs(60);
