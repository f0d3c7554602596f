//! The two header packets of an Ogg Opus stream (RFC 7845 §5).
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::limits::{RATE_HZ, TAGS_BYTES_MAX};

/// `OpusHead`: how the stream is to be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpusHead {
    /// Output channels.
    pub channels: u8,
    /// Samples (48 kHz) a player throws away at the start.
    pub pre_skip: u16,
    /// The rate of what was encoded, for the curious only.
    pub input_rate_hz: u32,
    /// Gain to apply, in 1/256 dB.
    pub gain_q8: i16,
    /// 0: mono or stereo; 1: several streams, as `mapping` says.
    pub family: u8,
    /// Opus streams in every packet.
    pub streams: u8,
    /// How many of them are stereo.
    pub coupled: u8,
    /// For each output channel, the decoded channel it plays.
    pub mapping: Vec<u8>,
}

impl OpusHead {
    /// One mono stream.
    pub fn mono(pre_skip: u16) -> OpusHead {
        OpusHead {
            channels: 1,
            pre_skip,
            input_rate_hz: RATE_HZ,
            gain_q8: 0,
            family: 0,
            streams: 1,
            coupled: 0,
            mapping: vec![0],
        }
    }

    /// Two mono streams, left and right (mapping family 1).
    pub fn two_lane(pre_skip: u16) -> OpusHead {
        OpusHead { channels: 2, family: 1, streams: 2, mapping: vec![0, 1], ..OpusHead::mono(pre_skip) }
    }

    /// Reads the packet; `None` if it breaks a rule of RFC 7845 §5.1 or has a family other than 0 and 1.
    pub fn parse(packet: &[u8]) -> Option<OpusHead> {
        let body = packet.strip_prefix(b"OpusHead")?;
        let (fixed, table) = body.split_at_checked(11)?;
        let &[version, channels, skip_0, skip_1, r0, r1, r2, r3, g0, g1, family] = fixed else { return None };
        if version >> 4 != 0 || channels == 0 {
            return None;
        }
        let mut head = OpusHead {
            channels,
            pre_skip: u16::from_le_bytes([skip_0, skip_1]),
            input_rate_hz: u32::from_le_bytes([r0, r1, r2, r3]),
            gain_q8: i16::from_le_bytes([g0, g1]),
            family,
            streams: 1,
            coupled: channels.saturating_sub(1),
            mapping: (0..channels).collect(),
        };
        match family {
            0 if channels <= 2 => Some(head),
            1 if channels <= 8 => {
                let (&[streams, coupled], mapping) = table.split_first_chunk::<2>()?;
                let decoded = streams.checked_add(coupled)?;
                let mapping = mapping.get(..usize::from(channels))?;
                let known = mapping.iter().all(|&from| from == 255 || from < decoded);
                (head.streams, head.coupled, head.mapping) = (streams, coupled, mapping.to_vec());
                (streams > 0 && coupled <= streams && known).then_some(head)
            }
            _ => None,
        }
    }

    /// The packet's bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut out = b"OpusHead\x01".to_vec();
        out.push(self.channels);
        out.extend_from_slice(&self.pre_skip.to_le_bytes());
        out.extend_from_slice(&self.input_rate_hz.to_le_bytes());
        out.extend_from_slice(&self.gain_q8.to_le_bytes());
        out.push(self.family);
        if self.family != 0 {
            out.push(self.streams);
            out.push(self.coupled);
            out.extend_from_slice(&self.mapping);
        }
        out
    }
}

/// `OpusTags`: who wrote it, and remarks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpusTags {
    /// The writing program.
    pub vendor: String,
    /// `NAME=value` pairs; names are compared without regard to case.
    pub comments: Vec<(String, String)>,
}

impl OpusTags {
    /// Our own tags, with these remarks.
    pub fn ours(comments: &[(&str, &str)]) -> OpusTags {
        OpusTags {
            vendor: VENDOR.to_owned(),
            comments: comments.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        }
    }

    /// The value of a remark.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.comments.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Reads the packet. `None` if it is longer than [`TAGS_BYTES_MAX`] or claims more than is there.
    pub fn parse(packet: &[u8]) -> Option<OpusTags> {
        if packet.len() > TAGS_BYTES_MAX {
            return None;
        }
        let mut rest = packet.strip_prefix(b"OpusTags")?;
        let vendor = text(&mut rest)?;
        let count = length(&mut rest)?;
        let mut comments = Vec::new();
        // Each remark takes four bytes at least, so `count` cannot make this long.
        for _ in 0..count {
            let remark = text(&mut rest)?;
            if let Some((name, value)) = remark.split_once('=') {
                comments.push((name.to_owned(), value.to_owned()));
            }
        }
        Some(OpusTags { vendor, comments })
    }

    /// The packet's bytes. Remarks that would take it over [`TAGS_BYTES_MAX`] are left out.
    pub fn write(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let mut count = 0u32;
        for (name, value) in &self.comments {
            let remark = format!("{name}={value}");
            if body.len().saturating_add(remark.len()) > TAGS_BYTES_MAX / 2 {
                break;
            }
            body.extend_from_slice(&(remark.len() as u32).to_le_bytes());
            body.extend_from_slice(remark.as_bytes());
            count = count.saturating_add(1);
        }
        let mut out = b"OpusTags".to_vec();
        out.extend_from_slice(&(self.vendor.len() as u32).to_le_bytes());
        out.extend_from_slice(self.vendor.as_bytes());
        out.extend_from_slice(&count.to_le_bytes());
        out.extend_from_slice(&body);
        out
    }
}

fn length(rest: &mut &[u8]) -> Option<usize> {
    let (bytes, after) = rest.split_first_chunk::<4>()?;
    *rest = after;
    usize::try_from(u32::from_le_bytes(*bytes)).ok()
}

fn text(rest: &mut &[u8]) -> Option<String> {
    let length = length(rest)?;
    let (bytes, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(String::from_utf8_lossy(bytes).into_owned())
}

const VENDOR: &str = "Patchbay";

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests may panic")]
mod tests {
    use super::*;

    #[test]
    fn headers_read_back_and_every_cut_one_is_refused() {
        for head in [OpusHead::mono(312), OpusHead::two_lane(0)] {
            let bytes = head.write();
            assert_eq!(OpusHead::parse(&bytes), Some(head));
            assert!((0..bytes.len()).all(|n| OpusHead::parse(&bytes[..n]).is_none()));
        }
        let tags = OpusTags::ours(&[("CALL", "c1"), ("loop", "1")]);
        let bytes = tags.write();
        assert_eq!(OpusTags::parse(&bytes), Some(tags.clone()));
        assert_eq!(tags.get("LOOP"), Some("1"));
        assert!((0..bytes.len()).all(|n| OpusTags::parse(&bytes[..n]).is_none()));
    }

    #[test]
    fn tags_that_claim_four_billion_remarks_cost_nothing() {
        let bytes = b"OpusTags\x00\x00\x00\x00\xff\xff\xff\xff";
        assert_eq!(OpusTags::parse(bytes), None);
    }

    #[test]
    fn a_mapping_that_names_a_channel_that_is_not_there_is_refused() {
        let mut bytes = OpusHead::two_lane(0).write();
        *bytes.last_mut().unwrap() = 2;
        assert_eq!(OpusHead::parse(&bytes), None);
    }
}
