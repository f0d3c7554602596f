//! Where a flow's request may go: public addresses on the ports that are open to flows, and what the operator vouches
//! for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

/// Judges urls and addresses.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    vouched: Vec<Vouched>,
    ports: Vec<u16>,
    own: Vec<IpAddr>,
}

/// A host the operator vouches for, wherever it is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Vouched {
    host: String,
    /// `None`: the ports open to every flow.
    port: Option<u16>,
}

impl Guard {
    /// `vouched`: hosts of the operator's own premises, `crm.internal`, `10.0.0.5:8080`, `[fd00::5]:8080`. `ports`: open
    /// to flows beside 80 and 443. `own`: this machine's public addresses, where no flow has business.
    ///
    /// # Errors
    /// An entry is no host.
    pub fn new(vouched: &[String], ports: &[u16], own: &[IpAddr]) -> Result<Self, BadHost> {
        let vouched = vouched.iter().map(|entry| read(entry)).collect::<Result<_, _>>()?;
        Ok(Self { vouched, ports: ports.to_vec(), own: own.to_vec() })
    }

    /// May a request go to this url, as far as the url alone tells?
    ///
    /// # Errors
    /// Why not.
    pub fn judge_url(&self, url: &Url) -> Result<(), Refusal> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::User);
        }
        let host = host_of(url).ok_or(Refusal::Url)?;
        let port = url.port_or_known_default().ok_or(Refusal::Url)?;
        let mut vouched = self.vouched.iter().filter(|vouched| vouched.host == host).peekable();
        if vouched.peek().is_some() {
            let listed = vouched.any(|vouched| vouched.port.map_or(self.is_open(port), |listed| listed == port));
            return if listed { Ok(()) } else { Err(Refusal::Port(port)) };
        }
        if !self.is_open(port) {
            return Err(Refusal::Port(port));
        }
        match address(&host) {
            Some(address) => self.judge(address),
            None => Ok(()),
        }
    }

    /// May a request to this url go to this address?
    ///
    /// # Errors
    /// Why not.
    pub fn judge_address(&self, url: &Url, address: IpAddr) -> Result<(), Refusal> {
        let host = host_of(url).ok_or(Refusal::Url)?;
        if self.vouches_for(&host) { Ok(()) } else { self.judge(address) }
    }

    /// May a request to a host of that name go to all of these addresses? One bad one is enough.
    ///
    /// # Errors
    /// Why not.
    pub fn judge_answer(&self, host: &str, addresses: &[IpAddr]) -> Result<(), Refusal> {
        if addresses.is_empty() {
            return Err(Refusal::NoAddress);
        }
        if self.vouches_for(&plain(host)) {
            return Ok(());
        }
        addresses.iter().try_for_each(|address| self.judge(*address))
    }

    fn is_open(&self, port: u16) -> bool {
        PORTS.contains(&port) || self.ports.contains(&port)
    }

    fn vouches_for(&self, host: &str) -> bool {
        self.vouched.iter().any(|vouched| vouched.host == host)
    }

    fn judge(&self, address: IpAddr) -> Result<(), Refusal> {
        if self.own.contains(&address) {
            return Err(Refusal::Own);
        }
        if is_public(address) { Ok(()) } else { Err(Refusal::NotPublic) }
    }
}

/// Why a request is not made. It does not repeat the address: that would tell who asks what a name means inside.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not a url.
    #[error("the url cannot be read")]
    Url,
    /// Another scheme.
    #[error("only http and https are asked")]
    Scheme,
    /// `user:password@`.
    #[error("the url names a user")]
    User,
    /// Neither 80, 443 nor one the operator lists.
    #[error("port {0} is not one of 80 and 443, nor listed by the operator")]
    Port(u16),
    /// Private, local, reserved, or an address inside another.
    #[error("the host is not at a public address")]
    NotPublic,
    /// This machine.
    #[error("the host is this machine")]
    Own,
    /// The name means nothing.
    #[error("the host has no address")]
    NoAddress,
    /// The names cannot be asked.
    #[error("the host cannot be looked up")]
    Lookup,
}

/// An entry of the operator's list that is no host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a host or host:port")]
pub struct BadHost(String);

/// Reachable for everyone on the internet, and belonging to someone. IPv6 outside 2000::/3 is not, so neither are
/// IPv4 addresses written inside IPv6 ones (`::ffff:0:0/96`, `64:ff9b::/96`, `::/96`).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !NOT_PUBLIC_V4.iter().any(|(network, bits)| v4_within(v4, *network, *bits)),
        IpAddr::V6(v6) => {
            let global = v6_within(v6, Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
            global && !is_isatap(v6) && !NOT_PUBLIC_V6.iter().any(|(network, bits)| v6_within(v6, *network, *bits))
        }
    }
}

fn v4_within(address: Ipv4Addr, network: Ipv4Addr, bits: u32) -> bool {
    let differs = address.to_bits() ^ network.to_bits();
    differs.checked_shr(u32::BITS - bits).unwrap_or(0) == 0
}

fn v6_within(address: Ipv6Addr, network: Ipv6Addr, bits: u32) -> bool {
    let differs = address.to_bits() ^ network.to_bits();
    differs.checked_shr(u128::BITS - bits).unwrap_or(0) == 0
}

/// RFC 5214 §6.1: an IPv4 address in the last 32 bits.
fn is_isatap(address: Ipv6Addr) -> bool {
    matches!(address.segments(), [_, _, _, _, 0x0000 | 0x0200, 0x5efe, _, _])
}

fn read(entry: &str) -> Result<Vouched, BadHost> {
    let bad = || BadHost(entry.to_owned());
    // Any scheme the parser knows the hosts of; the entry names none.
    let url = Url::parse(&format!("https://{}/", entry.trim())).map_err(|_| bad())?;
    let bare = url.username().is_empty() && url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let host = host_of(&url).filter(|_| bare).ok_or_else(bad)?;
    let written = entry.trim().rsplit_once(':').and_then(|(before, port)| {
        let whole = !before.contains(':') || before.ends_with(']');
        whole.then(|| port.parse().ok()).flatten()
    });
    Ok(Vouched { host, port: written })
}

/// The host as the list has it: lower case, an IPv6 address without brackets, no dot at the end.
fn host_of(url: &Url) -> Option<String> {
    url.host_str().map(plain).filter(|host| !host.is_empty())
}

fn plain(host: &str) -> String {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare.strip_suffix('.').unwrap_or(bare).to_ascii_lowercase()
}

fn address(host: &str) -> Option<IpAddr> {
    host.parse().ok()
}

const PORTS: [u16; 2] = [80, 443];

/// IANA special-purpose registry, multicast, reserved, and what clouds answer on.
const NOT_PUBLIC_V4: [(Ipv4Addr, u32); 18] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 52, 193, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Within 2000::/3: protocol assignments (Teredo, ORCHID), documentation, 6to4.
const NOT_PUBLIC_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0x0db8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];
