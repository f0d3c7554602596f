//! Links to recordings: signed, and over after a few minutes.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::model::{Millis, RecordingId, UserId};

/// The key links are signed with.
pub struct LinkKey(Vec<u8>);

impl LinkKey {
    /// A key of any length.
    pub fn new(key: Vec<u8>) -> Self {
        Self(key)
    }

    /// A link to this recording, given to this person, and the moment it ends.
    pub fn link(&self, id: &RecordingId, user: &UserId, now: Millis) -> (String, Millis) {
        let expires_secs = now / 1000 + LINK_SECS_MAX;
        let signature = hex::encode(self.mac(id, user, expires_secs).finalize().into_bytes());
        (format!("/recordings/{id}?exp={expires_secs}&user={user}&sig={signature}"), expires_secs * 1000)
    }

    /// The link's parts carry our signature and its time is not over.
    pub fn holds(&self, id: &RecordingId, user: &UserId, expires_secs: i64, signature: &str, now: Millis) -> bool {
        let in_time = (now / 1000..=now / 1000 + LINK_SECS_MAX).contains(&expires_secs);
        let Ok(signature) = hex::decode(signature) else { return false };
        in_time && self.mac(id, user, expires_secs).verify_slice(&signature).is_ok()
    }

    fn mac(&self, id: &RecordingId, user: &UserId, expires_secs: i64) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104 §2)")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("any key length is taken");
        mac.update(format!("recording\n{id}\n{user}\n{expires_secs}").as_bytes());
        mac
    }
}

/// A link lives this long at most.
pub const LINK_SECS_MAX: i64 = 300;

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(link: &str) -> (i64, String) {
        let (_, query) = link.split_once("?exp=").unwrap();
        let (exp, rest) = query.split_once("&user=").unwrap();
        let (_, sig) = rest.split_once("&sig=").unwrap();
        (exp.parse().unwrap(), sig.to_owned())
    }

    #[test]
    fn a_link_holds_for_its_recording_until_its_time_is_over() {
        let key = LinkKey::new(b"key".to_vec());
        let (id, user, now) = (RecordingId::from("rec_1"), UserId::from("usr_1"), 1_000_000_000);
        let (link, expires) = key.link(&id, &user, now);
        assert_eq!(expires, now + 300_000);
        let (exp, sig) = parts(&link);
        assert!(key.holds(&id, &user, exp, &sig, now) && key.holds(&id, &user, exp, &sig, now + 300_000));
        assert!(!key.holds(&id, &user, exp, &sig, now + 301_000));
        assert!(!key.holds(&RecordingId::from("rec_2"), &user, exp, &sig, now));
        assert!(!key.holds(&id, &user, exp + 1, &sig, now + 1000));
        assert!(!key.holds(&id, &UserId::from("usr_2"), exp, &sig, now), "another's name was put in");
        assert!(!LinkKey::new(b"other".to_vec()).holds(&id, &user, exp, &sig, now));
        for bad in ["", "zz", &sig[2..], &sig.replace(sig.chars().next().unwrap(), "x")] {
            assert!(!key.holds(&id, &user, exp, bad, now), "{bad}");
        }
    }
}
