//! What can be wrong with a configuration, told in sentences before anything starts.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::Path;

use super::Config;
use super::network::Network;

impl Config {
    /// What would keep the house from starting, a sentence each. Creates nothing.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        self.check_server(&mut faults);
        self.check_ports(&mut faults);
        self.check_folders(&mut faults);
        self.check_values(&mut faults);
        faults
    }

    /// What is worth knowing before a start, a sentence each.
    pub fn remarks(&self) -> Vec<String> {
        let ports = self.ports();
        let mut remarks = vec![
            format!("{ports} ports carry {ports} WhatsApp calls per relay address, and any number of agents"),
            "[tts] opusenc_binary is accepted but unused: prompts are encoded by libopus inside the program".to_owned(),
        ];
        if self.server.demo {
            remarks.push("[server] demo is on: an empty database gets users with a published password".to_owned());
        }
        if self.is_tls() && self.server.tls_cert.is_empty() && self.server.trusted_proxies.is_empty() {
            remarks.push(
                "[server] public_url is https and the door is plain, so a proxy stands before it; name it in \
                 trusted_proxies, or everyone who signs in counts as one address"
                    .to_owned(),
            );
        }
        remarks
    }

    fn check_server(&self, faults: &mut Vec<String>) {
        for (key, address) in
            [("[server] listen", &self.server.listen), ("[media] admin_listen", &self.media.admin_listen)]
        {
            if address.parse::<SocketAddr>().is_err() {
                faults.push(format!("{key} is an address with a port, such as 127.0.0.1:8080, not {address:?}"));
            }
        }
        let web = |url: &str| url.starts_with("http://") || url.starts_with("https://");
        for (key, url) in
            [("[server] public_url", &self.server.public_url), ("[whatsapp] graph_url", &self.whatsapp.graph_url)]
        {
            if !web(url) {
                faults.push(format!("{key} starts with https:// or http://, not {url:?}"));
            }
        }
        let (cert, key) = (&self.server.tls_cert, &self.server.tls_key);
        if cert.is_empty() != key.is_empty() {
            faults.push("[server] tls_cert and tls_key belong together: set both or neither".to_owned());
        }
        for (name, path) in [("tls_cert", cert), ("tls_key", key)] {
            if !path.is_empty() && !Path::new(path).is_file() {
                faults.push(format!("[server] {name} names {path}, which is not a file"));
            }
        }
        for entry in &self.server.trusted_proxies {
            if Network::read(entry).is_none() {
                faults.push(format!("[server] trusted_proxies holds addresses and networks, not {entry:?}"));
            }
        }
        if !["text", "json"].contains(&self.server.log_format.as_str()) {
            faults.push(format!("[server] log_format is \"text\" or \"json\", not {:?}", self.server.log_format));
        }
        let engines = ["sqlite:", "postgres:", "postgresql:"];
        if !engines.iter().any(|engine| self.database.url.starts_with(engine)) {
            // Not repeated: it may hold a password.
            faults.push("[database] url starts with sqlite: or postgres:".to_owned());
        }
    }

    fn check_ports(&self, faults: &mut Vec<String>) {
        let (min, max) = (self.calling.udp_port_min, self.calling.udp_port_max);
        if min > max {
            faults.push(format!("[calling] udp_port_min ({min}) is above udp_port_max ({max})"));
        } else if min < PORT_MIN {
            faults
                .push(format!("[calling] udp_port_min is {PORT_MIN} or above, not {min}: lower ports need privileges"));
        } else if self.ports() > PORTS_MAX {
            faults.push(format!("[calling] the port range has {} ports; {PORTS_MAX} are the limit", self.ports()));
        }
        for (key, ip) in [("[calling] public_ip", &self.calling.public_ip), ("[media] media_ip", &self.media.media_ip)]
        {
            if !ip.is_empty() && ip.parse::<IpAddr>().is_err() {
                faults.push(format!("{key} is an IP address or empty, not {ip:?}"));
            }
        }
        let ip6 = &self.media.media_ip6;
        if !ip6.is_empty() && ip6.parse::<Ipv6Addr>().is_err() {
            faults.push(format!("[media] media_ip6 is an IPv6 address or empty, not {ip6:?}"));
        }
    }

    fn check_folders(&self, faults: &mut Vec<String>) {
        let folders = [
            ("[calling] audio_dir", &self.calling.audio_dir),
            ("[media] spool_dir", &self.media.spool_dir),
            ("[media] recordings_dir", &self.media.recordings_dir),
        ];
        for (key, folder) in folders {
            if let Err(why) = can_be_folder(Path::new(folder)) {
                faults.push(format!("{key} names {folder}, {why}"));
            }
        }
        let binary = self.mediad_binary();
        if !binary.is_file() {
            faults.push(format!("mediad was not found at {}; set [media] mediad_binary", binary.display()));
        }
    }

    fn check_values(&self, faults: &mut Vec<String>) {
        if !(1..=protocol::limits::LIFE_SECS_MAX).contains(&self.calling.max_call_duration) {
            faults.push(format!("[calling] max_call_duration is 1 to {} seconds", protocol::limits::LIFE_SECS_MAX));
        }
        if self.calling.transfer_timeout_secs == 0 {
            faults.push("[calling] transfer_timeout_secs is at least 1".to_owned());
        }
        if self.calling.relay_only
            && !self.calling.ice_servers.iter().any(|s| s.urls.iter().any(|u| u.starts_with("turn")))
        {
            faults.push("[calling] relay_only needs a turn: server in [[calling.ice_servers]]".to_owned());
        }
        for name in [&self.calling.hold_music_file, &self.calling.ringback_file] {
            if let Err(why) = protocol::ClipName::new(name.clone()) {
                faults.push(format!("[calling] {name:?} cannot be a sound: {why}"));
            }
        }
        if !self.storage.s3_bucket.is_empty() {
            faults.push(
                "[storage] s3_bucket is set, but recordings are kept in [media] recordings_dir only: leave it empty"
                    .to_owned(),
            );
        }
    }
}

fn can_be_folder(folder: &Path) -> Result<(), &'static str> {
    let first_there = folder.ancestors().find(|p| p.as_os_str().is_empty() || p.exists());
    match first_there.map(|p| if p.as_os_str().is_empty() { Path::new(".") } else { p }) {
        Some(there) if !there.is_dir() => Err("which is no folder and cannot become one"),
        Some(there) if there.metadata().is_ok_and(|m| m.permissions().readonly()) => Err("which cannot be written"),
        Some(_) => Ok(()),
        None => Err("which cannot be made"),
    }
}

const PORT_MIN: u16 = 1024;
const PORTS_MAX: u32 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_of_calls_is_the_number_of_ports() {
        assert!(Config::default().remarks()[0].starts_with("101 ports carry 101 WhatsApp calls per relay address"));
    }

    #[test]
    fn a_proxy_that_is_not_named_is_remarked_on() {
        let mut config = Config::default();
        let said = |config: &Config| config.remarks().iter().any(|remark| remark.contains("trusted_proxies"));
        assert!(!said(&config));
        config.server.public_url = "https://calls.example".into();
        assert!(said(&config));
        config.server.trusted_proxies = vec!["127.0.0.1".into()];
        assert!(!said(&config));
        config.server.trusted_proxies.clear();
        config.server.tls_cert = "cert.pem".into();
        assert!(!said(&config));
    }

    #[test]
    fn faults_are_sentences_about_the_key_that_is_wrong() {
        let mut config = Config::default();
        config.calling.udp_port_min = 20_000;
        config.server.tls_cert = "/nowhere/cert.pem".into();
        config.server.listen = "everywhere".into();
        config.calling.audio_dir = "/proc/version/audio".into();
        let faults = config.faults().join("\n");
        for said in [
            "udp_port_min (20000) is above udp_port_max (10100)",
            "belong together",
            "listen is an address",
            "audio_dir names",
        ] {
            assert!(faults.contains(said), "{said} is missing in:\n{faults}");
        }
    }
}
