//! Which bytes of a file a request wants (RFC 9110 §14). Pure.

/// What to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// 200, everything.
    Whole,
    /// 206, these bytes, both included.
    Bytes {
        /// First.
        first: u64,
        /// Last.
        last: u64,
    },
    /// 416.
    Beyond,
}

/// Reads a `Range` line for a file of `len` bytes.
///
/// Several ranges, another unit or a mangled line mean the whole file: RFC 9110 §14.2 lets a server ignore the field.
pub fn part(line: Option<&str>, len: u64) -> Part {
    let Some((first, last)) = line.and_then(|line| line.strip_prefix("bytes=")).and_then(|spec| spec.split_once('-'))
    else {
        return Part::Whole;
    };
    let (first, last) = (number(first), number(last));
    match (first, last) {
        (Some(None), Some(Some(count))) => match len.checked_sub(count.min(len)) {
            Some(first) if first < len => Part::Bytes { first, last: len.saturating_sub(1) },
            _ => Part::Beyond,
        },
        (Some(Some(first)), Some(last)) => match last {
            Some(last) if last < first => Part::Whole,
            _ if first >= len => Part::Beyond,
            last => Part::Bytes { first, last: last.unwrap_or(u64::MAX).min(len.saturating_sub(1)) },
        },
        _ => Part::Whole,
    }
}

/// `None`: not a number at all; `Some(None)`: nothing there.
fn number(text: &str) -> Option<Option<u64>> {
    match text.trim() {
        "" => Some(None),
        text if text.bytes().all(|byte| byte.is_ascii_digit()) => Some(Some(text.parse().unwrap_or(u64::MAX))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        let of = |line: &str| part(Some(line), 100);
        let bytes = |first, last| Part::Bytes { first, last };
        assert_eq!(part(None, 100), Part::Whole);
        assert_eq!(of("bytes=0-"), bytes(0, 99));
        assert_eq!(of("bytes=0-0"), bytes(0, 0));
        assert_eq!(of("bytes=10-19"), bytes(10, 19));
        assert_eq!(of("bytes=90-1000"), bytes(90, 99));
        assert_eq!(of("bytes=-1"), bytes(99, 99));
        assert_eq!(of("bytes=-1000"), bytes(0, 99));
        assert_eq!(of("bytes=99-99999999999999999999999"), bytes(99, 99));
        for beyond in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(of(beyond), Part::Beyond, "{beyond}");
        }
        for whole in
            ["", "bytes", "bytes=-", "bytes=5-4", "bytes=a-b", "bytes=0-1,5-6", "items=0-1", "bytes=+1-2", "bytes=--1"]
        {
            assert_eq!(of(whole), Part::Whole, "{whole}");
        }
        assert_eq!(part(Some("bytes=0-"), 0), Part::Beyond);
        assert_eq!(part(Some("bytes=-5"), 0), Part::Beyond);
    }
}
