//! STUN as ICE needs it: a view on a message's bytes, and whether they are genuine (RFC 8489, RFC 8445 §7.1).

mod key;
pub mod turn;
mod write;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

pub use key::Key;
pub use write::{BindingRequest, Builder, ErrorCode, binding_error, binding_success};

use super::split;

/// A message whose lengths all hold. Nothing in it is to be believed before [`Message::verify`] said so.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    kind: u16,
    transaction: Transaction,
    /// Where MESSAGE-INTEGRITY begins. What follows it, FINGERPRINT apart, is not read (RFC 8489 §14.5).
    integrity_at: Option<usize>,
    fingerprint_at: Option<usize>,
}

impl<'a> Message<'a> {
    /// Checks header and attribute lengths of a whole datagram.
    ///
    /// # Errors
    /// Says what does not hold.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BadStun> {
        let ([k0, k1, l0, l1, cookie @ ..], rest) = split::<8>(bytes).ok_or(BadStun::Short)?;
        let (id, body) = split::<12>(rest).ok_or(BadStun::Short)?;
        let kind = u16::from_be_bytes([k0, k1]);
        if kind >> 14 != 0 || cookie != MAGIC {
            return Err(BadStun::NotStun);
        }
        if !body.len().is_multiple_of(4) || usize::from(u16::from_be_bytes([l0, l1])) != body.len() {
            return Err(BadStun::Length);
        }
        let mut message =
            Message { bytes, kind, transaction: Transaction(id), integrity_at: None, fingerprint_at: None };
        let mut walk = Walk { left: body, at: HEADER_BYTES };
        while let Some(attribute) = walk.step()? {
            match attribute.kind {
                MESSAGE_INTEGRITY if attribute.value.len() != INTEGRITY_BYTES => return Err(BadStun::Attribute),
                MESSAGE_INTEGRITY if message.integrity_at.is_none() => message.integrity_at = Some(attribute.at),
                FINGERPRINT if attribute.value.len() == 4 && walk.left.is_empty() => {
                    message.fingerprint_at = Some(attribute.at);
                }
                FINGERPRINT => return Err(BadStun::Attribute),
                _ => {}
            }
        }
        Ok(message)
    }

    /// What the message is for. `None` if it is not about binding.
    pub fn class(&self) -> Option<Class> {
        match self.kind {
            0x0001 => Some(Class::Request),
            0x0011 => Some(Class::Indication),
            0x0101 => Some(Class::Success),
            0x0111 => Some(Class::Error),
            _ => None,
        }
    }

    /// The transaction this message belongs to.
    pub fn transaction(&self) -> Transaction {
        self.transaction
    }

    /// USERNAME as it stands on the wire.
    pub fn username(&self) -> Option<&'a [u8]> {
        self.find(USERNAME)
    }

    /// The part of a request's USERNAME before the colon: the ufrag of whom it is sent to, by which an unknown
    /// address is routed.
    pub fn receiver_ufrag(&self) -> Option<&'a str> {
        let name = std::str::from_utf8(self.username()?).ok()?;
        Some(name.split_once(':')?.0)
    }

    /// PRIORITY of the candidate the peer would make of its address.
    pub fn priority(&self) -> Option<u32> {
        self.find(PRIORITY)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// The role the sender believes to have.
    pub fn role(&self) -> Option<Role> {
        let tie = |kind| self.find(kind)?.try_into().ok().map(u64::from_be_bytes);
        tie(ICE_CONTROLLING).map(Role::Controlling).or_else(|| tie(ICE_CONTROLLED).map(Role::Controlled))
    }

    /// Whether USE-CANDIDATE is set.
    pub fn nominates(&self) -> bool {
        self.find(USE_CANDIDATE).is_some()
    }

    /// XOR-MAPPED-ADDRESS: our address as the peer saw it.
    pub fn mapped(&self) -> Option<SocketAddr> {
        read_xor_address(self.find(XOR_MAPPED_ADDRESS)?, self.transaction)
    }

    /// The number of ERROR-CODE, 300..=699.
    pub fn error_code(&self) -> Option<u16> {
        let ([_, _, class, number], _) = split::<4>(self.find(ERROR_CODE)?)?;
        let code = u16::from(class & 7).checked_mul(100)?.checked_add(u16::from(number))?;
        (number < 100 && (300..700).contains(&code)).then_some(code)
    }

    /// The first comprehension-required attributes we do not know, at most [`UNKNOWN_MAX`], in the order they came.
    pub fn unknown_required(&self) -> impl Iterator<Item = u16> + use<'a> {
        let known =
            [USERNAME, MESSAGE_INTEGRITY, ERROR_CODE, UNKNOWN_ATTRIBUTES, XOR_MAPPED_ADDRESS, PRIORITY, USE_CANDIDATE]
                .into_iter()
                .chain([REALM, NONCE, MAPPED_ADDRESS, MESSAGE_INTEGRITY_SHA256]);
        self.attributes()
            .map(|attribute| attribute.kind)
            .filter(move |kind| *kind < COMPREHENSION_OPTIONAL && !known.clone().any(|k| k == *kind))
            .take(UNKNOWN_MAX)
    }

    /// Whether MESSAGE-INTEGRITY is there and was made with `key`. The comparison takes the same time wherever the
    /// two differ.
    ///
    /// # Errors
    /// [`Unproven::Missing`] if the attribute is absent: a message that claims nothing is not genuine.
    /// [`Unproven::Wrong`] if it does not fit key and bytes.
    pub fn verify(&self, key: &Key) -> Result<(), Unproven> {
        let at = self.integrity_at.ok_or(Unproven::Missing)?;
        let (covered, rest) = self.bytes.split_at_checked(at).ok_or(Unproven::Missing)?;
        let tag = rest.get(4..).and_then(|rest| rest.get(..INTEGRITY_BYTES)).ok_or(Unproven::Wrong)?;
        if key.fits(covered, INTEGRITY_BYTES.saturating_add(4), tag) { Ok(()) } else { Err(Unproven::Wrong) }
    }

    /// Whether FINGERPRINT is right; `None` if there is none.
    pub fn fingerprint(&self) -> Option<bool> {
        let (covered, rest) = self.bytes.split_at_checked(self.fingerprint_at?)?;
        let value = rest.get(4..)?.try_into().ok().map(u32::from_be_bytes);
        Some(value == Some(crc32fast::hash(covered) ^ FINGERPRINT_XOR))
    }

    /// The attributes that integrity covers, in order.
    fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        let end = self.integrity_at.or(self.fingerprint_at).unwrap_or(self.bytes.len());
        let mut walk = Walk { left: self.bytes.get(HEADER_BYTES..end).unwrap_or_default(), at: HEADER_BYTES };
        std::iter::from_fn(move || walk.step().ok().flatten())
    }

    fn find(&self, kind: u16) -> Option<&'a [u8]> {
        self.attributes().find(|attribute| attribute.kind == kind).map(|attribute| attribute.value)
    }
}

/// Names one question and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Transaction(pub [u8; 12]);

/// What a binding message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A question.
    Request,
    /// A remark that wants no answer.
    Indication,
    /// The answer.
    Success,
    /// A refusal.
    Error,
}

/// Who decides which pair is used, with the number that settles a quarrel about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The sender decides.
    Controlling(u64),
    /// The receiver decides.
    Controlled(u64),
}

/// What is wrong with a STUN message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadStun {
    /// Fewer bytes than a header.
    #[error("stun message is shorter than its header")]
    Short,
    /// The magic cookie or the two zero bits are missing.
    #[error("not a stun message")]
    NotStun,
    /// The length does not name the rest of the datagram.
    #[error("stun length does not fit the datagram")]
    Length,
    /// An attribute runs past the end, a proof has another length than it must, or something follows FINGERPRINT.
    #[error("stun attribute does not fit")]
    Attribute,
}

/// Why a message is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unproven {
    /// It carries no MESSAGE-INTEGRITY.
    #[error("stun message carries no integrity")]
    Missing,
    /// Its MESSAGE-INTEGRITY is wrong.
    #[error("stun integrity is wrong")]
    Wrong,
}

struct Attribute<'a> {
    kind: u16,
    at: usize,
    value: &'a [u8],
}

struct Walk<'a> {
    left: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    fn step(&mut self) -> Result<Option<Attribute<'a>>, BadStun> {
        if self.left.is_empty() {
            return Ok(None);
        }
        let ([k0, k1, l0, l1], rest) = split::<4>(self.left).ok_or(BadStun::Attribute)?;
        let len = usize::from(u16::from_be_bytes([l0, l1]));
        let value = rest.get(..len).ok_or(BadStun::Attribute)?;
        let padded = len.next_multiple_of(4);
        let attribute = Attribute { kind: u16::from_be_bytes([k0, k1]), at: self.at, value };
        self.left = rest.get(padded..).ok_or(BadStun::Attribute)?;
        self.at = self.at.saturating_add(4).saturating_add(padded);
        Ok(Some(attribute))
    }
}

// RFC 8489 §14.2
fn read_xor_address(value: &[u8], transaction: Transaction) -> Option<SocketAddr> {
    let ([_, family, p0, p1], rest) = split::<4>(value)?;
    let port = u16::from_be_bytes([p0 ^ MAGIC[0], p1 ^ MAGIC[1]]);
    let mut mask = MAGIC.into_iter().chain(transaction.0);
    let ip: IpAddr = match family {
        1 => Ipv4Addr::from(<[u8; 4]>::try_from(rest).ok()?.map(|b| b ^ mask.next().unwrap_or(0))).into(),
        2 => Ipv6Addr::from(<[u8; 16]>::try_from(rest).ok()?.map(|b| b ^ mask.next().unwrap_or(0))).into(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// How many unknown attributes a refusal names.
pub const UNKNOWN_MAX: usize = 8;

const HEADER_BYTES: usize = 20;
const INTEGRITY_BYTES: usize = 20;
const MAGIC: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const FINGERPRINT_XOR: u32 = 0x5354_554e;
/// Attributes from here on may be ignored when unknown (RFC 8489 §14).
const COMPREHENSION_OPTIONAL: u16 = 0x8000;
const MAPPED_ADDRESS: u16 = 0x0001;
const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
const REALM: u16 = 0x0014;
const NONCE: u16 = 0x0015;
const MESSAGE_INTEGRITY_SHA256: u16 = 0x001c;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const FINGERPRINT: u16 = 0x8028;
const ICE_CONTROLLED: u16 = 0x8029;
const ICE_CONTROLLING: u16 = 0x802a;

#[cfg(test)]
mod tests;
