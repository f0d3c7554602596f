//! One datagram in a fixed buffer, with room at its tail for what SRTP adds.

/// At most [`PACKET_BYTES_MAX`] bytes, inline: no allocation, and nothing is shared.
///
/// A move copies the whole buffer (about 25 ns in cache), so the packet path hands it on as `&mut Packet`.
#[derive(Clone)]
pub struct Packet {
    len: usize,
    bytes: [u8; PACKET_BYTES_MAX],
}

impl Packet {
    /// An empty packet.
    pub const fn new() -> Self {
        Packet { len: 0, bytes: [0; PACKET_BYTES_MAX] }
    }

    /// A copy of `bytes`, or nothing if they are more than [`PACKET_BYTES_MAX`].
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut packet = Packet::new();
        packet.extend(bytes).then_some(packet)
    }

    /// The bytes in use.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// The bytes in use, to be changed in place.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        self.bytes.get_mut(..self.len).unwrap_or_default()
    }

    /// How many bytes are in use.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no byte is in use.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many bytes still fit.
    pub fn room(&self) -> usize {
        PACKET_BYTES_MAX.saturating_sub(self.len)
    }

    /// Appends `bytes`; false, and nothing appended, if they do not fit.
    #[must_use = "false means the packet is unchanged"]
    pub fn extend(&mut self, bytes: &[u8]) -> bool {
        match self.grow(bytes.len()) {
            Some(tail) => {
                tail.copy_from_slice(bytes);
                true
            }
            None => false,
        }
    }

    /// Appends `more` bytes of unspecified content and hands them out to be written; nothing if they do not fit.
    pub fn grow(&mut self, more: usize) -> Option<&mut [u8]> {
        let end = self.len.checked_add(more)?;
        let tail = self.bytes.get_mut(self.len..end)?;
        self.len = end;
        Some(tail)
    }

    /// Forgets what lies behind the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// The whole buffer, for a read from a socket; [`Packet::set_len`] says afterwards how much of it counts.
    pub fn buffer_mut(&mut self) -> &mut [u8; PACKET_BYTES_MAX] {
        &mut self.bytes
    }

    /// Says that the first `len` bytes of the buffer are in use; more than the buffer holds counts as all of it.
    pub fn set_len(&mut self, len: usize) {
        self.len = len.min(PACKET_BYTES_MAX);
    }
}

impl Default for Packet {
    fn default() -> Self {
        Packet::new()
    }
}

impl AsRef<[u8]> for Packet {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl PartialEq for Packet {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Packet {}

impl std::fmt::Debug for Packet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Packet({} bytes)", self.len)
    }
}

/// The largest datagram we take or send, in bytes: one Ethernet frame's worth.
pub const PACKET_BYTES_MAX: usize = 1_500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_packet_refuses_more_and_stays_as_it_was() {
        let mut packet = Packet::from_slice(&[7; PACKET_BYTES_MAX - 1]).unwrap();
        assert!(!packet.extend(&[1, 2]));
        assert_eq!(packet.len(), PACKET_BYTES_MAX - 1);
        assert!(packet.extend(&[1]));
        assert!(packet.grow(1).is_none());
        assert!(Packet::from_slice(&[0; PACKET_BYTES_MAX + 1]).is_none());
    }

    #[test]
    fn only_the_bytes_in_use_are_compared() {
        let mut one = Packet::from_slice(b"abcd").unwrap();
        one.truncate(2);
        assert_eq!(one, Packet::from_slice(b"ab").unwrap());
        one.set_len(usize::MAX);
        assert_eq!(one.len(), PACKET_BYTES_MAX);
    }
}
