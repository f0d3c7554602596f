//! How often someone may try to sign in, and how much of it is written down. Pure: time is an argument.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};

use crate::model::Millis;

/// Tries of the last minutes, by address, by account and address, and by account alone.
///
/// A try counts as a failure from the moment it is let through, so many at once gain nothing; `succeeded` takes it back.
#[derive(Debug, Default)]
pub struct Logins {
    by_place: HashMap<Place, Window>,
    by_pair: HashMap<(String, Place), Failures>,
    by_account: HashMap<String, Failures>,
    /// Where people have signed in from before: what strangers do to their account does not slow them down.
    known: HashMap<(String, Place), Millis>,
    written: Window,
}

/// Where a try comes from: an IPv4 address, or the /64 every IPv6 subscriber has to themselves (RFC 6177 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place(IpAddr);

#[derive(Debug, Clone, Copy, Default)]
struct Window {
    since: Millis,
    tries: u32,
    /// A row of the audit tells of this minute already.
    told: bool,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    last: Millis,
    count: u32,
}

impl From<IpAddr> for Place {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
            v4 => v4,
        })
    }
}

impl Logins {
    /// Counts a try. `Err`: it must not be looked at, and the next may come after this many seconds.
    pub fn attempt(&mut self, account: &str, ip: IpAddr, now: Millis) -> Result<(), u64> {
        self.make_room(now);
        let (account, place) = (account.to_lowercase(), Place::from(ip));
        let window = self.by_place.entry(place).or_default();
        window.turn(now);
        if window.tries >= TRIES_PER_IP {
            return Err(secs(window.since + MINUTE_MS - now));
        }
        window.tries += 1;
        let pair = (account.clone(), place);
        let mut wait = self.by_pair.get(&pair).map_or(0, |failures| failures.wait_ms(now, pair_delay_ms));
        if !self.known.contains_key(&pair) {
            wait = wait.max(self.by_account.get(&account).map_or(0, |all| all.wait_ms(now, account_delay_ms)));
        }
        if wait > 0 {
            return Err(secs(wait));
        }
        Failures::add(self.by_pair.entry(pair).or_insert(Failures { last: now, count: 0 }), now);
        Failures::add(self.by_account.entry(account).or_insert(Failures { last: now, count: 0 }), now);
        Ok(())
    }

    /// They are in: their failures from here are forgotten, and this address is known.
    pub fn succeeded(&mut self, account: &str, ip: IpAddr, now: Millis) {
        let (account, place) = (account.to_lowercase(), Place::from(ip));
        // WHY: strangers' failures elsewhere stay counted; only the try that has just succeeded was none.
        if let Some(all) = self.by_account.get_mut(&account) {
            all.count = all.count.saturating_sub(1);
        }
        let pair = (account, place);
        self.by_pair.remove(&pair);
        self.known.insert(pair, now);
    }

    /// Someone has signed in from there before this house was opened.
    pub fn know(&mut self, account: &str, ip: IpAddr, at: Millis) {
        if self.known.len() < ENTRIES_MAX {
            self.known.entry((account.to_lowercase(), Place::from(ip))).or_insert(at);
        }
    }

    /// Whether a refusal gets a row in the audit: one a minute and address, and a few a minute of all together. The
    /// rest is counted only: the one connection that writes is not a stranger's to fill.
    pub fn is_worth_a_row(&mut self, ip: IpAddr, now: Millis) -> bool {
        self.make_room(now);
        self.written.turn(now);
        let window = self.by_place.entry(Place::from(ip)).or_default();
        window.turn(now);
        if window.told || self.written.tries >= ROWS_A_MINUTE {
            return false;
        }
        window.told = true;
        self.written.tries += 1;
        true
    }

    // WHY: a stranger chooses the keys, so every map is bounded. Whoever is being slowed down goes last.
    fn make_room(&mut self, now: Millis) {
        if self.by_place.len() >= ENTRIES_MAX {
            self.by_place.retain(|_, window| now - window.since < MINUTE_MS);
            evict(&mut self.by_place, |window| (window.tries >= TRIES_PER_IP, window.since));
        }
        if self.by_pair.len() >= ENTRIES_MAX {
            self.by_pair.retain(|_, failures| now - failures.last < FORGET_MS);
            evict(&mut self.by_pair, |failures| (failures.count >= FREE_FAILURES, failures.last));
        }
        if self.by_account.len() >= ENTRIES_MAX {
            self.by_account.retain(|_, failures| now - failures.last < FORGET_MS);
            evict(&mut self.by_account, |failures| (failures.count >= FREE_ON_ACCOUNT, failures.last));
        }
        if self.known.len() >= ENTRIES_MAX {
            evict(&mut self.known, |at| (false, *at));
        }
    }
}

impl Window {
    fn turn(&mut self, now: Millis) {
        if now - self.since >= MINUTE_MS {
            *self = Self { since: now, tries: 0, told: false };
        }
    }
}

impl Failures {
    fn add(&mut self, now: Millis) {
        if now - self.last >= FORGET_MS {
            self.count = 0;
        }
        *self = Self { last: now, count: self.count.saturating_add(1) };
    }

    fn wait_ms(&self, now: Millis, delay_ms: fn(u32) -> Millis) -> Millis {
        if now - self.last >= FORGET_MS { 0 } else { (self.last + delay_ms(self.count) - now).max(0) }
    }
}

/// If a map is still full, its oldest quarter goes.
fn evict<K: Eq + Hash + Clone, V>(map: &mut HashMap<K, V>, age: impl Fn(&V) -> (bool, Millis)) {
    if map.len() < ENTRIES_MAX {
        return;
    }
    let mut ages: Vec<((bool, Millis), K)> = map.iter().map(|(key, value)| (age(value), key.clone())).collect();
    let quarter = ages.len() / 4;
    ages.select_nth_unstable_by_key(quarter, |(age, _)| *age);
    for (_, key) in ages.drain(..=quarter) {
        map.remove(&key);
    }
}

/// Five wrong ones are free; then one a growing while, doubled each time.
fn pair_delay_ms(failures: u32) -> Millis {
    match failures.checked_sub(FREE_FAILURES) {
        None => 0,
        Some(over) => (FIRST_DELAY_MS << over.min(10)).min(DELAY_MS_MAX),
    }
}

/// A thousand addresses on one account have, after twenty wrong ones, four tries a minute together: never none, or
/// strangers could lock a person out who is on the road.
fn account_delay_ms(failures: u32) -> Millis {
    if failures < FREE_ON_ACCOUNT { 0 } else { FIRST_DELAY_MS }
}

fn secs(ms: Millis) -> u64 {
    u64::try_from(ms.max(1)).unwrap_or(1).div_ceil(1000)
}

const MINUTE_MS: Millis = 60_000;
/// Tries of one address in a minute, whatever the account.
pub const TRIES_PER_IP: u32 = 30;
/// Wrong passwords for one account from one address before the first delay.
pub const FREE_FAILURES: u32 = 5;
/// Wrong passwords for one account from everywhere before addresses that are new to it wait for each other.
const FREE_ON_ACCOUNT: u32 = 20;
const FIRST_DELAY_MS: Millis = 15_000;
const DELAY_MS_MAX: Millis = 15 * MINUTE_MS;
const FORGET_MS: Millis = 30 * MINUTE_MS;
const ENTRIES_MAX: usize = 20_000;
const ROWS_A_MINUTE: u32 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    const IP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn v4(n: u32) -> IpAddr {
        IpAddr::V4((0x0a00_0000 + n).into())
    }

    #[test]
    fn five_wrong_passwords_are_free_and_then_the_delay_grows_but_never_locks_out() {
        let mut logins = Logins::default();
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..20 {
            while let Err(wait) = logins.attempt("Ana@demo.example", IP, now) {
                waits.push(wait);
                now += i64::try_from(wait).unwrap() * 1000;
            }
        }
        assert_eq!(&waits[..5], &[15, 30, 60, 120, 240]);
        assert_eq!(waits.last(), Some(&900));
        logins.succeeded("ANA@demo.example", IP, now);
        assert_eq!(logins.attempt("ana@demo.example", IP, now + 60_000), Ok(()));
    }

    #[test]
    fn tries_at_the_same_moment_count_before_any_of_them_has_failed() {
        let mut logins = Logins::default();
        let let_through = (0..30).filter(|_| logins.attempt("ana@demo.example", IP, 7).is_ok()).count();
        assert_eq!(let_through, usize::try_from(FREE_FAILURES).unwrap());
    }

    #[test]
    fn one_address_has_thirty_tries_a_minute_over_all_accounts() {
        let mut logins = Logins::default();
        for n in 0..30 {
            assert_eq!(logins.attempt(&format!("{n}"), IP, 0), Ok(()));
        }
        assert_eq!(logins.attempt("x", IP, 1_000), Err(59));
        assert_eq!(logins.attempt("x", IpAddr::V4([192, 0, 2, 2].into()), 1_000), Ok(()));
        assert_eq!(logins.attempt("x", IP, 60_000), Ok(()));
    }

    #[test]
    fn the_addresses_of_one_ipv6_subscriber_are_one_address() {
        let mut logins = Logins::default();
        let subscriber = |n: u16| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 7, n, n, n, n));
        let let_through = (0..200).filter(|n| logins.attempt(&format!("{n}"), subscriber(*n), 0).is_ok()).count();
        assert_eq!(let_through, usize::try_from(TRIES_PER_IP).unwrap());
        let neighbour = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 8, 0, 0, 0, 1));
        assert_eq!(logins.attempt("x", neighbour, 0), Ok(()));
        assert_eq!(Place::from("::ffff:192.0.2.1".parse::<IpAddr>().unwrap()), Place::from(IP));
    }

    #[test]
    fn a_thousand_addresses_on_one_account_share_its_tries_and_its_owner_still_gets_in() {
        let mut logins = Logins::default();
        logins.succeeded("ana@demo.example", IP, 0);
        let mut let_through = 0;
        for second in 0..600 {
            for n in 0..1_000 {
                let_through += u32::from(logins.attempt("ana@demo.example", v4(n), second * 1_000).is_ok());
            }
            if second % 60 == 59 {
                assert_eq!(logins.attempt("ana@demo.example", IP, second * 1_000), Ok(()), "second {second}");
                logins.succeeded("ana@demo.example", IP, second * 1_000);
            }
        }
        // The bar is five a minute, beside those that were free.
        assert!(let_through <= FREE_ON_ACCOUNT + 5 * 10, "{let_through} guesses in ten minutes");
        assert!(let_through > 30, "a new address of the owner has its chance too");
    }

    #[test]
    fn refusals_get_one_row_a_minute_and_address_and_a_few_of_all_addresses_together() {
        let mut logins = Logins::default();
        let rows = |logins: &mut Logins, now| (0..50).filter(|_| logins.is_worth_a_row(IP, now)).count();
        assert_eq!(rows(&mut logins, 100_000), 1);
        assert_eq!(rows(&mut logins, 159_999), 0);
        assert_eq!(rows(&mut logins, 160_000), 1);
        assert_eq!((0..5_000).filter(|n| logins.is_worth_a_row(v4(*n), 160_000)).count(), 59);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_a_flood_does_not_wash_a_delay_away() {
        let mut logins = Logins::default();
        while logins.attempt("ana@demo.example", IP, 0).is_ok() {}
        for n in 0..60_000 {
            let _ = logins.attempt(&format!("{n}"), v4(n), 1);
            logins.succeeded(&format!("{n}"), v4(n), 1);
        }
        for n in 0..60_000 {
            let _ = logins.attempt(&format!("{n}"), v4(n), 1);
        }
        let sizes = [logins.by_place.len(), logins.by_pair.len(), logins.by_account.len(), logins.known.len()];
        assert!(sizes.iter().all(|size| *size <= ENTRIES_MAX), "{sizes:?}");
        assert_eq!(logins.attempt("ana@demo.example", IP, 2), Err(15));
    }
}
