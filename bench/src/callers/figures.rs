//! What the callers measured in one window.

use super::spread::Spread;

/// One window's figures. Times are nanoseconds.
#[derive(Clone, Default)]
pub struct Figures {
    /// How long the window was open.
    pub window_ns: u64,
    /// CPU time of the callers' loop in it.
    pub cpu_ns: u64,
    /// Packets the callers sent.
    pub sent: u64,
    /// RTP packets they took in.
    pub taken: u64,
    /// Legs that were there from the beginning of the window to its end.
    pub talkers: u64,
    /// Legs of those that heard nothing.
    pub deaf: u64,
    /// Packets said.
    pub said: u64,
    /// Packets of those that came, or of players: packets that came.
    pub came: u64,
    /// Packets said, or numbered by a player, that did not come.
    pub lost: u64,
    /// The most that one leg lost.
    pub lost_by_one: u64,
    /// Packets that came twice.
    pub again: u64,
    /// Packets that others overtook.
    pub late: u64,
    /// Datagrams of no leg, or RTP of a second source.
    pub strays: u64,
    /// RTCP packets.
    pub rtcp: u64,
    /// Datagrams the system refused to take.
    pub unsent: u64,
    /// Packets opened by the other implementation and found to be what was said (of players: genuine).
    pub verified: u64,
    /// Packets that were not genuine.
    pub unverified: u64,
    /// Genuine packets that say something no leg has said.
    pub foreign: u64,
    /// Times the numbering of a leg moved.
    pub moved: u64,
    /// From a packet's leaving to the kernel's taking in what the server made of it.
    pub latency: Spread,
    /// From one packet of a leg to the next.
    pub gap: Spread,
    /// RFC 3550 jitter of each leg at the end.
    pub jitter: Spread,
    /// How much later than planned packets left.
    pub lateness: Spread,
}

impl Figures {
    /// CPU time of the callers per packet they sent or took in, in nanoseconds.
    pub fn cpu_per_packet_ns(&self) -> u64 {
        self.cpu_ns / (self.sent + self.taken).max(1)
    }

    /// The part of a core that the callers' loop took, 0 to 1.
    pub fn cpu_part(&self) -> f64 {
        self.cpu_ns as f64 / self.window_ns.max(1) as f64
    }

    /// Why this window says nothing about the server, if so: the callers were the bottleneck.
    pub fn invalid(&self) -> Option<String> {
        let late = self.lateness.at(0.99);
        if late > LATENESS_NS_MAX {
            return Some(format!("the callers sent {:.2} ms late (p99), more than 1 ms", late as f64 / 1e6));
        }
        if self.cpu_part() >= CPU_PART_MAX {
            return Some(format!("the callers took {:.0} % of their core, 90 % or more", self.cpu_part() * 100.0));
        }
        None
    }
}

/// Sending later than this, the callers are the bottleneck.
const LATENESS_NS_MAX: u64 = 1_000_000;
/// Busier than this, they are too.
const CPU_PART_MAX: f64 = 0.9;
