//! The addresses of this machine's own interfaces, as Linux tells them.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Every address of this machine, now. Elsewhere than on Linux: none.
pub fn own_addresses() -> BTreeSet<IpAddr> {
    let text = |path| std::fs::read_to_string(path).unwrap_or_default();
    let mut all: BTreeSet<IpAddr> = v4(&text("/proc/net/fib_trie")).map(IpAddr::V4).collect();
    all.extend(v6(&text("/proc/net/if_inet6")).map(IpAddr::V6));
    all
}

/// A leaf of the routing trie is an address on one line and what it is on the next: `/32 host LOCAL` is one of ours.
fn v4(trie: &str) -> impl Iterator<Item = Ipv4Addr> {
    let pairs = trie.lines().zip(trie.lines().skip(1));
    pairs.filter(|(_, kind)| kind.trim() == "/32 host LOCAL").filter_map(|(leaf, _)| {
        let (_, address) = leaf.split_once("|-- ")?;
        address.trim().parse().ok()
    })
}

/// One line an address, which is its first 32 hex digits.
fn v6(table: &str) -> impl Iterator<Item = Ipv6Addr> {
    table.lines().filter_map(|line| {
        let digits = line.split_whitespace().next().filter(|digits| digits.len() == 32)?;
        u128::from_str_radix(digits, 16).ok().map(Ipv6Addr::from_bits)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_are_read_from_what_linux_shows() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n\
                    \x20    +-- 203.0.113.0/24 2 0 2\n        |-- 203.0.113.0\n           /24 link UNICAST\n\
                    \x20       |-- 203.0.113.9\n           /32 host LOCAL\n\
                    \x20       |-- 203.0.113.255\n           /32 link BROADCAST\n";
        assert_eq!(v4(trie).collect::<Vec<_>>(), [Ipv4Addr::new(203, 0, 113, 9)]);
        let table = "20010db8000000000000000000000002 04 40 00 82     eth0\nmangled 04 40\n";
        assert_eq!(v6(table).collect::<Vec<_>>(), ["2001:db8::2".parse::<Ipv6Addr>().unwrap()]);
        assert_eq!(v4("mangled\n/32 host LOCAL").count(), 0);
    }

    #[test]
    fn this_machine_knows_itself() {
        let all = own_addresses();
        assert!(all.contains(&IpAddr::V4(Ipv4Addr::LOCALHOST)), "{all:?}");
    }
}
