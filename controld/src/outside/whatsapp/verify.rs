//! The signature of a webhook: proof first, then parsing.

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::model::{AccountId, Secret};

/// These bytes carry Meta's signature. Only [`verify`] can make one.
#[derive(Debug, Clone, Copy)]
pub struct Verified<'a>(&'a [u8]);

impl<'a> Verified<'a> {
    /// The bytes as they came.
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// The receipt's name: SHA-256 of account and body, hex. The same bytes always get the same one.
    pub fn receipt_id(self, account: &AccountId) -> String {
        let mut hash = Sha256::new();
        hash.update(account.as_str().as_bytes());
        hash.update([0]);
        hash.update(self.0);
        hex::encode(hash.finalize())
    }
}

/// The signature is missing, malformed or not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the webhook does not carry the signature of this number's app")]
pub struct BadSignature;

/// Checks `X-Hub-Signature-256` (`sha256=` and 64 hex digits) over the raw body, in constant time.
///
/// Meta signs the bytes it sends, `\uXXXX` escapes and all: a body that was parsed and written again never verifies.
pub fn verify<'a>(app_secret: &Secret, header: &str, body: &'a [u8]) -> Result<Verified<'a>, BadSignature> {
    let given = header.trim().strip_prefix("sha256=").ok_or(BadSignature)?;
    let given = hex::decode(given).map_err(|_| BadSignature)?;
    // An account without a secret can be signed for by anyone.
    if app_secret.0.is_empty() {
        return Err(BadSignature);
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(app_secret.0.as_bytes()).map_err(|_| BadSignature)?;
    mac.update(body);
    mac.verify_slice(&given).map_err(|_| BadSignature)?;
    Ok(Verified(body))
}

/// Bytes from our own inbox: their signature was checked before the row was written.
pub(crate) fn from_inbox(body: &str) -> Verified<'_> {
    Verified(body.as_bytes())
}

/// The header Meta would send with this body. For tests and the stand-in.
#[cfg(test)]
pub fn sign(app_secret: &str, body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(app_secret.as_bytes()) else { return String::new() };
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        Secret("demo-app-secret".into())
    }

    #[test]
    fn the_signature_of_the_raw_bytes_verifies_and_of_rewritten_ones_does_not() {
        let sent = br#"{"name":"Zo\u00eb \ud83c\udf37"}"#;
        let header = sign("demo-app-secret", sent);
        assert!(verify(&secret(), &header, sent).is_ok());
        let rewritten = serde_json::to_vec(&serde_json::from_slice::<serde_json::Value>(sent).unwrap()).unwrap();
        assert_eq!(verify(&secret(), &header, &rewritten).err(), Some(BadSignature));
    }

    #[test]
    fn a_published_vector_verifies() {
        // RFC 4231 §4.3, test case 2.
        let header = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert!(verify(&Secret("Jefe".into()), header, b"what do ya want for nothing?").is_ok());
    }

    #[test]
    fn every_other_header_is_refused() {
        let good = sign("demo-app-secret", b"{}");
        let digits = good.trim_start_matches("sha256=");
        let bad = [
            String::new(),
            "sha256=".into(),
            digits.into(),
            format!("sha1={digits}"),
            format!("sha256={}", &digits[..62]),
            format!("sha256={digits}00"),
            good.replace(&digits[..2], "zz"),
            sign("another-secret", b"{}"),
        ];
        for header in bad {
            assert!(verify(&secret(), &header, b"{}").is_err(), "{header:?} was accepted");
        }
        assert!(verify(&Secret(String::new()), &sign("x", b"{}"), b"{}").is_err());
    }

    #[test]
    fn the_same_bytes_of_two_numbers_have_two_receipts() {
        let header = sign("demo-app-secret", b"{}");
        let proof = verify(&secret(), &header, b"{}").unwrap();
        assert_ne!(proof.receipt_id(&AccountId::from("a")), proof.receipt_id(&AccountId::from("b")));
    }
}
