//! Call and message ids as Meta shapes them: opaque to a client, readable to whoever knows the recipe.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::RngExt as _;
use serde::{Deserialize, Serialize};

/// `wacid.` and base64 of both numbers and 32 hex digits. Bytes of this recipe never give `+` or `/`; clients must be ready
/// for them all the same, so [`Wacid::awkward`] makes ids that have both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Wacid(String);

/// Who placed the call: one byte of the id tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The WhatsApp user dialled (UIC).
    User,
    /// The business dialled (BIC).
    Business,
}

impl Wacid {
    /// Makes an id from digits of at most 15 characters each (E.164) and the given randomness.
    pub fn new(user: &str, business: &str, direction: Direction, rng: &mut impl rand::Rng) -> Wacid {
        let mut bytes = vec![0x1c, 0x18];
        push_digits(&mut bytes, user);
        bytes.extend([0x15, 0x02, 0x00, if direction == Direction::User { 0x12 } else { 0x11 }, 0x18, 0x20]);
        for _ in 0..32 {
            bytes.push(HEX[rng.random_range(0..HEX.len())]);
        }
        bytes.extend([0x1c, 0x18]);
        push_digits(&mut bytes, business);
        bytes.extend([0x15, 0x02, 0x00, 0x15, 0x0a, 0x00]);
        Wacid(format!("wacid.{}", STANDARD.encode(bytes)))
    }

    /// An id with `+`, `/` and `=` in it, of the same length.
    pub fn awkward(self) -> Wacid {
        let (head, tail) = self.0.split_at(self.0.len().saturating_sub(AWKWARD.len()));
        Wacid(format!("{}{AWKWARD}", if tail.is_empty() { "wacid." } else { head }))
    }

    /// The id as it goes over the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Wacid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Wacid {
    fn from(text: &str) -> Wacid {
        Wacid(text.to_owned())
    }
}

/// A message's id: the user's number, who wrote it, 18 hex digits.
pub fn message_id(user: &str, direction: Direction, rng: &mut impl rand::Rng) -> String {
    let mut bytes = vec![0x1c, 0x18];
    push_digits(&mut bytes, user);
    bytes.extend([0x15, 0x02, 0x00, if direction == Direction::User { 0x12 } else { 0x11 }, 0x18, 0x12]);
    for _ in 0..18 {
        bytes.push(HEX[rng.random_range(0..HEX.len())]);
    }
    bytes.push(0);
    format!("wamid.{}", STANDARD.encode(bytes))
}

fn push_digits(bytes: &mut Vec<u8>, digits: &str) {
    let digits: Vec<u8> = digits.bytes().take(DIGITS_MAX).collect();
    bytes.push(digits.len() as u8);
    bytes.extend(digits);
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";
const DIGITS_MAX: usize = 15;
const AWKWARD: &str = "+/8A/w==";

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;

    #[test]
    fn an_id_has_the_layout_of_the_captured_one() {
        let mut rng = rand::rngs::StdRng::seed_from_u64(1);
        let id = Wacid::new("15550001111", "15559990000", Direction::User, &mut rng);
        let text = id.as_str();
        assert!(text.starts_with("wacid.HBgLMTU1NTAwMDExMTEVAgASGC"), "{text}");
        assert!(
            text.ends_with("HBgLMTU1NTk5OTAwMDAVAgAVCgA=") || text.ends_with("YCzE1NTU5OTkwMDAwFQIAFQoA"),
            "{text}"
        );
    }
}
