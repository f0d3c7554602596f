//! Binding messages written attribute by attribute into a packet.

use std::net::SocketAddr;

use super::turn::Method;
use super::{
    Class, ERROR_CODE, FINGERPRINT, FINGERPRINT_XOR, ICE_CONTROLLED, ICE_CONTROLLING, INTEGRITY_BYTES, Key, MAGIC,
    MESSAGE_INTEGRITY, PRIORITY, Role, Transaction, UNKNOWN_ATTRIBUTES, UNKNOWN_MAX, USE_CANDIDATE, USERNAME,
    XOR_MAPPED_ADDRESS,
};
use crate::base::packet::Packet;

/// A connectivity check to be sent.
#[derive(Clone, Copy, Debug)]
pub struct BindingRequest<'a> {
    /// Fresh for every check.
    pub transaction: Transaction,
    /// `theirs:ours`.
    pub username: &'a str,
    /// Priority the peer would give the address it sees us at (RFC 8445 §7.1.1).
    pub priority: u32,
    /// Our role with our tie breaker.
    pub role: Role,
    /// Sets USE-CANDIDATE.
    pub nominate: bool,
}

impl BindingRequest<'_> {
    /// The request, signed with the peer's password.
    pub fn write(&self, key: &Key) -> Packet {
        let mut out = Builder::new(Class::Request, self.transaction);
        out.attribute(USERNAME, self.username.as_bytes());
        out.attribute(PRIORITY, &self.priority.to_be_bytes());
        match self.role {
            Role::Controlling(tie) => out.attribute(ICE_CONTROLLING, &tie.to_be_bytes()),
            Role::Controlled(tie) => out.attribute(ICE_CONTROLLED, &tie.to_be_bytes()),
        }
        if self.nominate {
            out.attribute(USE_CANDIDATE, &[]);
        }
        out.integrity(key);
        out.fingerprint()
    }
}

/// The answer to a check: where it came from, signed with our password.
pub fn binding_success(transaction: Transaction, from: SocketAddr, key: &Key) -> Packet {
    let mut out = Builder::new(Class::Success, transaction);
    out.xor_address(XOR_MAPPED_ADDRESS, from);
    out.integrity(key);
    out.fingerprint()
}

/// The refusal of a check, at most 84 bytes; `unknown` goes with [`ErrorCode::UnknownAttribute`].
pub fn binding_error(transaction: Transaction, code: ErrorCode, unknown: &[u16], key: Option<&Key>) -> Packet {
    let mut out = Builder::new(Class::Error, transaction);
    let number = code.number();
    let (class, rest) = (u8::try_from(number / 100).unwrap_or(0), u8::try_from(number % 100).unwrap_or(0));
    out.attribute(ERROR_CODE, &[0, 0, class, rest]);
    if code == ErrorCode::UnknownAttribute {
        let kinds: Vec<u8> = unknown.iter().take(UNKNOWN_MAX).flat_map(|kind| kind.to_be_bytes()).collect();
        out.attribute(UNKNOWN_ATTRIBUTES, &kinds);
    }
    if let Some(key) = key {
        out.integrity(key);
    }
    out.fingerprint()
}

/// Why a check is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// 400: the request makes no sense.
    BadRequest,
    /// 401: the credentials are wrong.
    Unauthenticated,
    /// 420: it holds an attribute that must be understood and is not.
    UnknownAttribute,
    /// 487: both sides believe to have the same role.
    RoleConflict,
}

impl ErrorCode {
    /// The number on the wire.
    pub fn number(self) -> u16 {
        match self {
            ErrorCode::BadRequest => 400,
            ErrorCode::Unauthenticated => 401,
            ErrorCode::UnknownAttribute => 420,
            ErrorCode::RoleConflict => 487,
        }
    }
}

/// Writes any message; what does not fit 1,500 bytes is left out and asserted in tests.
#[derive(Debug)]
pub struct Builder {
    packet: Packet,
    transaction: Transaction,
    pad: u8,
}

impl Builder {
    /// A binding message without attributes.
    pub fn new(class: Class, transaction: Transaction) -> Self {
        Self::about(Method::Binding, class, transaction)
    }

    /// A message of another method without attributes.
    pub fn about(method: Method, class: Class, transaction: Transaction) -> Self {
        let kind = method.kind(class);
        let mut packet = Packet::new();
        let fits = packet.extend(&kind.to_be_bytes())
            && packet.extend(&[0, 0])
            && packet.extend(&MAGIC)
            && packet.extend(&transaction.0);
        debug_assert!(fits, "a header fits a packet");
        Builder { packet, transaction, pad: 0 }
    }

    /// Appends one attribute.
    pub fn attribute(&mut self, kind: u16, value: &[u8]) {
        let Ok(len) = u16::try_from(value.len()) else { return };
        let padding = value.len().next_multiple_of(4).saturating_sub(value.len());
        let pad = [self.pad; 3];
        let before = self.packet.len();
        let fits = self.packet.extend(&kind.to_be_bytes())
            && self.packet.extend(&len.to_be_bytes())
            && self.packet.extend(value)
            && self.packet.extend(pad.get(..padding).unwrap_or_default());
        debug_assert!(fits, "an attribute fits a packet");
        if !fits {
            self.packet.truncate(before);
        }
        self.set_length(0);
    }

    /// Appends an address, masked (RFC 8489 §14.2).
    pub fn xor_address(&mut self, kind: u16, addr: SocketAddr) {
        let mut mask = MAGIC.into_iter().chain(self.transaction.0);
        let mut masked = |b: u8| b ^ mask.next().unwrap_or(0);
        let [p0, p1] = addr.port().to_be_bytes();
        let port = [p0 ^ MAGIC[0], p1 ^ MAGIC[1]];
        match addr {
            SocketAddr::V4(v4) => {
                let [a, b, c, d] = v4.ip().octets().map(&mut masked);
                self.attribute(kind, &[0, 1, port[0], port[1], a, b, c, d]);
            }
            SocketAddr::V6(v6) => {
                let mut value = [0; 20];
                let head = [0, 2, port[0], port[1]].into_iter();
                let octets = v6.ip().octets().map(&mut masked);
                for (slot, byte) in value.iter_mut().zip(head.chain(octets)) {
                    *slot = byte;
                }
                self.attribute(kind, &value);
            }
        }
    }

    /// Signs what stands so far.
    pub fn integrity(&mut self, key: &Key) {
        let after = INTEGRITY_BYTES.saturating_add(4);
        if let Some(tag) = key.tag(self.packet.as_slice(), after) {
            self.attribute(MESSAGE_INTEGRITY, &tag);
        }
    }

    /// Appends FINGERPRINT and hands out the message.
    pub fn fingerprint(mut self) -> Packet {
        self.set_length(8);
        let crc = crc32fast::hash(self.packet.as_slice()) ^ FINGERPRINT_XOR;
        self.attribute(FINGERPRINT, &crc.to_be_bytes());
        self.packet
    }

    /// Hands out the message as it is.
    pub fn finish(self) -> Packet {
        self.packet
    }

    /// Fills attributes up with `pad`, as the vectors of RFC 5769 do; ours use zero.
    #[cfg(test)]
    pub(super) fn padded_with(mut self, pad: u8) -> Self {
        self.pad = pad;
        self
    }

    fn set_length(&mut self, more: usize) {
        let len = self.packet.len().saturating_sub(super::HEADER_BYTES).saturating_add(more);
        let len = u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes();
        if let Some(field) = self.packet.as_mut_slice().get_mut(2..4) {
            field.copy_from_slice(&len);
        }
    }
}
