//! By which servers legs are reached: the house's own, those a command names, and what is known of their failures.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use protocol::limits::{ICE_SERVERS_MAX, ICE_URLS_MAX};
use protocol::{ErrorCode, IceServer, Reach, Refusal};

use crate::leg::relay::{LoginKind, Plan, TurnServer};
use crate::leg::turn::Account;
use crate::wire::sdp;
use crate::wire::turn::ServerUrl;

/// The house's own servers, and which of all servers failed lately.
#[derive(Debug, Default)]
pub struct Servers {
    /// As configured, names resolved.
    pub own: Plan,
    failed: BTreeMap<SocketAddr, Instant>,
}

/// What a leg's description waits with.
#[derive(Debug, Clone)]
pub enum Waiting {
    /// The answer to the offer it was opened with.
    Answer,
    /// Its own offer.
    Offer,
    /// The answer to an offer it is to begin anew with.
    Restart(Box<sdp::Remote>),
}

impl Servers {
    /// Knows the house's own.
    pub fn new(own: Plan) -> Self {
        Self { own, failed: BTreeMap::new() }
    }

    /// The servers of a leg: its own wishes first, then the house's. Those that failed in the last half minute stand last.
    pub fn plan(&self, now: Instant, before: Option<&Plan>, reach: &Reach) -> Result<Option<Plan>, Refusal> {
        let mut plan = match &reach.ice_servers {
            Some(servers) => named_by(servers)?,
            None => before.unwrap_or(&self.own).clone(),
        };
        plan.only = reach.relay_only.unwrap_or(before.unwrap_or(&self.own).only);
        if plan.only && plan.turn.is_empty() {
            let why = "relay_only needs a turn server whose address is known".to_owned();
            return Err(refuse(ErrorCode::NoRelay, why));
        }
        let lately = |server: &TurnServer| {
            self.failed.get(&server.addr).is_some_and(|at| now.saturating_duration_since(*at) < SHUNNED_FOR)
        };
        plan.turn.sort_by_key(lately);
        Ok(Some(plan).filter(|plan| !plan.turn.is_empty() || !plan.stun.is_empty()))
    }

    /// A server has failed a leg.
    pub fn failed(&mut self, now: Instant, addr: SocketAddr) {
        self.failed.retain(|_, at| now.saturating_duration_since(*at) < SHUNNED_FOR);
        if self.failed.len() < FAILED_MAX {
            self.failed.insert(addr, now);
        }
    }
}

/// The servers a command names, which it must do by address.
fn named_by(servers: &[IceServer]) -> Result<Plan, Refusal> {
    let bad = |why: String| refuse(ErrorCode::BadValue, why);
    if servers.len() > ICE_SERVERS_MAX {
        return Err(bad(format!("{} ice_servers are more than {ICE_SERVERS_MAX}", servers.len())));
    }
    let mut plan = Plan::default();
    for server in servers {
        if server.urls.len() > ICE_URLS_MAX {
            return Err(bad(format!("{} urls of an ice server are more than {ICE_URLS_MAX}", server.urls.len())));
        }
        for url in &server.urls {
            let url = ServerUrl::parse(url).map_err(|why| bad(why.to_string()))?;
            let ip: IpAddr = url.host.parse().map_err(|_| bad(format!("ice server {} is no ip address", url.host)))?;
            let account = Account { username: server.username.clone(), password: server.credential.clone() };
            add(&mut plan, &url, ip, &LoginKind::Fixed(account));
        }
    }
    Ok(plan)
}

/// Adds a server to a plan.
pub fn add(plan: &mut Plan, url: &ServerUrl, ip: IpAddr, login: &LoginKind) {
    let addr = SocketAddr::new(ip.to_canonical(), url.port);
    match url.relay {
        None => plan.stun.push(addr),
        Some(transport) => {
            plan.turn.push(TurnServer { addr, transport, name: url.host.as_str().into(), login: login.clone() });
        }
    }
}

/// A refusal and its sentence.
pub fn refuse(code: ErrorCode, why: String) -> Refusal {
    Refusal { code, why }
}

/// How long a server that failed is asked only when no other is left.
const SHUNNED_FOR: Duration = Duration::from_secs(30);
/// Servers whose failure is remembered.
const FAILED_MAX: usize = 64;
