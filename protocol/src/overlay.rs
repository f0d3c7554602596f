//! Environment variables over `config.toml`, the same way in both daemons.
//!
//! `PATCHBAY_CALLING__UDP_PORT_MAX=10200` sets `udp_port_max` in `[calling]`: section and key are parted by two
//! underscores. A value that reads as TOML (a number, `true`, an array) is taken as such, anything else as text.

use toml::{Table, Value};

/// The prefix of every variable we read.
pub const PREFIX: &str = "PATCHBAY_";

/// Lays `vars` (name, value) over `table`. Variables without the prefix or without a section are not ours.
pub fn overlay(mut table: Table, vars: impl IntoIterator<Item = (String, String)>) -> Table {
    for (name, value) in vars {
        let Some((section, key)) = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once("__")) else {
            continue;
        };
        let section = table.entry(section.to_ascii_lowercase()).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(section) = section {
            section.insert(key.to_ascii_lowercase(), read(value));
        }
    }
    table
}

fn read(value: String) -> Value {
    let as_toml = toml::from_str::<Table>(&format!("v = {value}"));
    as_toml.ok().and_then(|mut table| table.remove("v")).unwrap_or(Value::String(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_wins_over_the_file_and_keeps_its_type() {
        let file: Table = toml::from_str("[calling]\nudp_port_max = 10100\naudio_dir = './a'").unwrap();
        let vars =
            [("PATCHBAY_CALLING__UDP_PORT_MAX", "10200"), ("PATCHBAY_SERVER__LISTEN", "127.0.0.1:1"), ("PATH", "/bin")];
        let out = overlay(file, vars.map(|(k, v)| (k.to_owned(), v.to_owned())));
        assert_eq!(out["calling"]["udp_port_max"].as_integer(), Some(10200));
        assert_eq!(out["calling"]["audio_dir"].as_str(), Some("./a"));
        assert_eq!(out["server"]["listen"].as_str(), Some("127.0.0.1:1"));
    }
}
