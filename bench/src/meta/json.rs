//! JSON as Meta serialises it: ASCII only, the rest as `\uXXXX`, keys in no promised order.

use rand::seq::SliceRandom as _;
use serde_json::Value;

/// How a body is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    /// Keys of every object in a random order.
    pub shuffled: bool,
    /// `/` as `\/`, as older texts of Meta's show.
    pub slashes_escaped: bool,
}

/// Writes `value`; the bytes are what gets signed and sent.
pub fn write(value: &Value, style: Style, rng: &mut impl rand::Rng) -> String {
    let mut out = String::new();
    put(value, style, rng, &mut out);
    out
}

fn put(value: &Value, style: Style, rng: &mut impl rand::Rng, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            if style.shuffled {
                entries.shuffle(rng);
            }
            out.push('{');
            for (index, (key, inner)) in entries.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                put_text(key, style, out);
                out.push(':');
                put(inner, style, rng, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, inner) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                put(inner, style, rng, out);
            }
            out.push(']');
        }
        Value::String(text) => put_text(text, style, out),
        plain => out.push_str(&plain.to_string()),
    }
}

fn put_text(text: &str, style: Style, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '/' if style.slashes_escaped => out.push_str("\\/"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ' '..='~' => out.push(c),
            other => {
                let mut units = [0u16; 2];
                for unit in other.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;
    use serde_json::json;

    #[test]
    fn an_emoji_becomes_two_escapes_and_reads_back_the_same() {
        let mut rng = rand::rngs::StdRng::seed_from_u64(3);
        let value = json!({"name": "José 🎧 \"x\"", "n": [1, null, true], "url": "a/b", "sdp": "v=0\r\n"});
        for style in [Style::default(), Style { shuffled: true, slashes_escaped: true }] {
            let text = write(&value, style, &mut rng);
            assert!(text.is_ascii(), "{text}");
            assert!(text.contains("Jos\\u00e9 \\ud83c\\udfa7"), "{text}");
            assert_eq!(text.contains("a\\/b"), style.slashes_escaped);
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        }
    }
}
