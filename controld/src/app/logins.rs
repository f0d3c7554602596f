//! How often someone may try to sign in. Pure: time is an argument.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::model::Millis;

/// Tries of the last minutes, by address and by account and address.
#[derive(Debug, Default)]
pub struct Logins {
    by_ip: HashMap<IpAddr, Window>,
    by_pair: HashMap<(String, IpAddr), Failures>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    since: Millis,
    tries: u32,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    last: Millis,
    count: u32,
}

impl Logins {
    /// Counts a try. `Err`: it must not be looked at, and the next may come after this many seconds.
    pub fn attempt(&mut self, account: &str, ip: IpAddr, now: Millis) -> Result<(), u64> {
        self.make_room(now);
        let window = self.by_ip.entry(ip).or_insert(Window { since: now, tries: 0 });
        if now - window.since >= MINUTE_MS {
            *window = Window { since: now, tries: 0 };
        }
        if window.tries >= TRIES_PER_IP {
            return Err(secs(window.since + MINUTE_MS - now));
        }
        window.tries += 1;
        match self.by_pair.get(&(account.to_lowercase(), ip)) {
            Some(failures) if now < failures.last + delay_ms(failures.count) => {
                Err(secs(failures.last + delay_ms(failures.count) - now))
            }
            _ => Ok(()),
        }
    }

    /// The password was wrong, or nobody has that name.
    pub fn failed(&mut self, account: &str, ip: IpAddr, now: Millis) {
        let failures = self.by_pair.entry((account.to_lowercase(), ip)).or_insert(Failures { last: now, count: 0 });
        if now - failures.last >= FORGET_MS {
            failures.count = 0;
        }
        *failures = Failures { last: now, count: failures.count.saturating_add(1) };
    }

    /// They are in: their failures are forgotten.
    pub fn succeeded(&mut self, account: &str, ip: IpAddr) {
        self.by_pair.remove(&(account.to_lowercase(), ip));
    }

    // WHY: a stranger chooses both keys, so both maps are bounded. When the old ones do not make room, all go:
    // limits are then counted afresh, which is kinder than refusing everyone.
    fn make_room(&mut self, now: Millis) {
        if self.by_ip.len() >= ENTRIES_MAX {
            self.by_ip.retain(|_, window| now - window.since < MINUTE_MS);
        }
        if self.by_pair.len() >= ENTRIES_MAX {
            self.by_pair.retain(|_, failures| now - failures.last < FORGET_MS);
        }
        if self.by_ip.len() >= ENTRIES_MAX {
            self.by_ip.clear();
        }
        if self.by_pair.len() >= ENTRIES_MAX {
            self.by_pair.clear();
        }
    }
}

/// Five wrong ones are free; then one a growing while, doubled each time.
fn delay_ms(failures: u32) -> Millis {
    match failures.checked_sub(FREE_FAILURES) {
        None => 0,
        Some(over) => (FIRST_DELAY_MS << over.min(10)).min(DELAY_MS_MAX),
    }
}

fn secs(ms: Millis) -> u64 {
    u64::try_from(ms.max(1)).unwrap_or(1).div_ceil(1000)
}

const MINUTE_MS: Millis = 60_000;
/// Tries of one address in a minute, whatever the account.
pub const TRIES_PER_IP: u32 = 30;
/// Wrong passwords for one account from one address before the first delay.
pub const FREE_FAILURES: u32 = 5;
const FIRST_DELAY_MS: Millis = 15_000;
const DELAY_MS_MAX: Millis = 15 * MINUTE_MS;
const FORGET_MS: Millis = 30 * MINUTE_MS;
const ENTRIES_MAX: usize = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    const IP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

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
            logins.failed("ana@demo.example", IP, now);
        }
        assert_eq!(&waits[..5], &[15, 30, 60, 120, 240]);
        assert_eq!(waits.last(), Some(&900));
        logins.succeeded("ANA@demo.example", IP);
        assert_eq!(logins.attempt("ana@demo.example", IP, now + 60_000), Ok(()));
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
    fn what_is_remembered_is_bounded() {
        let mut logins = Logins::default();
        for n in 0..60_000_u32 {
            let ip = IpAddr::V4(n.into());
            let _ = logins.attempt("x", ip, 0);
            logins.failed("x", ip, 0);
        }
        assert!(logins.by_ip.len() <= ENTRIES_MAX && logins.by_pair.len() <= ENTRIES_MAX);
    }
}
