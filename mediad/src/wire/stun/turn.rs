//! What TURN adds to STUN: methods, attributes, and requests that log in (RFC 8656 §18, RFC 8489 §9.2).

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use super::{Builder, Class, HEADER_BYTES, Key, Message, NONCE, REALM, Transaction, USERNAME, read_xor_address};
use crate::base::packet::Packet;

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Method {
    /// Where am I seen?
    Binding = 0x001,
    /// Give me an address.
    Allocate = 0x003,
    /// Let me keep it, or take it back.
    Refresh = 0x004,
    /// To a peer.
    Send = 0x006,
    /// From a peer.
    Data = 0x007,
    /// Let this peer reach me.
    CreatePermission = 0x008,
    /// Let this number stand for this peer.
    ChannelBind = 0x009,
}

impl Method {
    /// The message type with `class` in its bits (RFC 8489 §5).
    pub(super) fn kind(self, class: Class) -> u16 {
        let class = match class {
            Class::Request => 0x000,
            Class::Indication => 0x010,
            Class::Success => 0x100,
            Class::Error => 0x110,
        };
        self as u16 | class
    }
}

impl Message<'_> {
    /// Method and class, if we know the method.
    pub fn about(&self) -> Option<(Method, Class)> {
        let class = match self.kind & 0x0110 {
            0x000 => Class::Request,
            0x010 => Class::Indication,
            0x100 => Class::Success,
            _ => Class::Error,
        };
        let method = match self.kind & !0x0110 {
            0x001 => Method::Binding,
            0x003 => Method::Allocate,
            0x004 => Method::Refresh,
            0x006 => Method::Send,
            0x007 => Method::Data,
            0x008 => Method::CreatePermission,
            0x009 => Method::ChannelBind,
            _ => return None,
        };
        Some((method, class))
    }

    /// LIFETIME in seconds.
    pub fn lifetime_secs(&self) -> Option<u32> {
        self.find(LIFETIME)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// XOR-RELAYED-ADDRESS: the address the server holds for us.
    pub fn relayed(&self) -> Option<SocketAddr> {
        read_xor_address(self.find(XOR_RELAYED_ADDRESS)?, self.transaction)
    }

    /// XOR-PEER-ADDRESS: whom a DATA came from.
    pub fn peer(&self) -> Option<SocketAddr> {
        read_xor_address(self.find(XOR_PEER_ADDRESS)?, self.transaction)
    }

    /// Where DATA lies in the message.
    pub fn data(&self) -> Option<Range<usize>> {
        let found = self.attributes().find(|attribute| attribute.kind == DATA)?;
        let from = found.at.checked_add(4)?;
        Some(from..from.checked_add(found.value.len())?)
    }

    /// REALM and NONCE of a refusal that asks for a login, each at most [`CHALLENGE_BYTES_MAX`].
    pub fn challenge(&self) -> Option<Challenge> {
        let text = |kind| {
            let value = self.find(kind).filter(|value| value.len() <= CHALLENGE_BYTES_MAX)?;
            std::str::from_utf8(value).ok().map(str::to_owned)
        };
        Some(Challenge { realm: text(REALM)?, nonce: text(NONCE)? })
    }
}

/// What a server wants a login to be made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Whose accounts.
    pub realm: String,
    /// Its proof that we are fresh.
    pub nonce: String,
}

/// A login with its key for one realm.
#[derive(Clone, Debug)]
pub struct Login {
    /// The account.
    pub username: String,
    /// What the server last said.
    pub challenge: Challenge,
    /// MD5 of account, realm and password.
    pub key: Key,
}

/// A request to a TURN server.
#[derive(Clone, Copy, Debug)]
pub struct TurnRequest {
    /// Fresh for every try.
    pub transaction: Transaction,
    /// What is wanted.
    pub ask: Ask,
}

/// What may be wanted of a TURN server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// An IPv4 address for UDP.
    Allocate,
    /// To keep it for so many seconds; 0 gives it back.
    Refresh(u32),
    /// Packets from and to this address.
    Permit(IpAddr),
    /// This number for this peer.
    Bind(u16, SocketAddr),
}

impl Ask {
    /// The method it goes by.
    pub fn method(self) -> Method {
        match self {
            Ask::Allocate => Method::Allocate,
            Ask::Refresh(_) => Method::Refresh,
            Ask::Permit(_) => Method::CreatePermission,
            Ask::Bind(..) => Method::ChannelBind,
        }
    }
}

impl TurnRequest {
    /// The request, logged in if there is a login.
    pub fn write(&self, login: Option<&Login>) -> Packet {
        let mut out = Builder::about(self.ask.method(), Class::Request, self.transaction);
        match self.ask {
            // RFC 8656 §18.8: 17 is UDP.
            Ask::Allocate => out.attribute(REQUESTED_TRANSPORT, &[17, 0, 0, 0]),
            Ask::Refresh(secs) => out.attribute(LIFETIME, &secs.to_be_bytes()),
            Ask::Permit(ip) => out.xor_address(XOR_PEER_ADDRESS, SocketAddr::new(ip, 0)),
            Ask::Bind(number, peer) => {
                let [high, low] = number.to_be_bytes();
                out.attribute(CHANNEL_NUMBER, &[high, low, 0, 0]);
                out.xor_address(XOR_PEER_ADDRESS, peer);
            }
        }
        if let Some(login) = login {
            out.attribute(USERNAME, login.username.as_bytes());
            out.attribute(REALM, login.challenge.realm.as_bytes());
            out.attribute(NONCE, login.challenge.nonce.as_bytes());
            out.integrity(&login.key);
        }
        out.fingerprint()
    }
}

/// A question to a STUN server: where am I seen?
pub fn where_am_i(transaction: Transaction) -> Packet {
    Builder::new(Class::Request, transaction).fingerprint()
}

/// A Send indication around `data`; nothing if it does not fit a packet.
pub fn send_indication(transaction: Transaction, peer: SocketAddr, data: &[u8]) -> Option<Packet> {
    if data.len() > INDICATED_BYTES_MAX {
        return None;
    }
    let mut out = Builder::about(Method::Send, Class::Indication, transaction);
    out.xor_address(XOR_PEER_ADDRESS, peer);
    out.attribute(DATA, data);
    Some(out.finish())
}

/// Longest REALM or NONCE we carry, in bytes. RFC 8489 §14.9 allows 763; servers use tens.
pub const CHALLENGE_BYTES_MAX: usize = 256;
/// What a Send indication has room for in one packet.
pub const INDICATED_BYTES_MAX: usize = 1_440;

const CHANNEL_NUMBER: u16 = 0x000c;
const LIFETIME: u16 = 0x000d;
const XOR_PEER_ADDRESS: u16 = 0x0012;
const DATA: u16 = 0x0013;
const XOR_RELAYED_ADDRESS: u16 = 0x0016;
const REQUESTED_TRANSPORT: u16 = 0x0019;

const _: () = assert!(INDICATED_BYTES_MAX + HEADER_BYTES + 24 + 4 + 3 <= crate::base::packet::PACKET_BYTES_MAX);
