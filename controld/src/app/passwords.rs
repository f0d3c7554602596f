//! Passwords: argon2id, a few at once, and the same work whether the person exists or not.

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::model::Secret;

/// Hashes and checks passwords on threads of their own.
pub struct Passwords {
    /// So that a storm of logins leaves the API its cores.
    turns: Semaphore,
    /// What an unknown person's password is compared with.
    nobody: Secret,
}

impl Passwords {
    /// Prepares the hash nobody's password fits.
    pub fn new() -> Self {
        let nobody = hash(&hex::encode(rand::random::<[u8; 32]>())).unwrap_or_default();
        Self { turns: Semaphore::new(AT_ONCE), nobody: Secret(nobody) }
    }

    /// The PHC string to keep for a password.
    pub async fn hash(&self, password: &str) -> Result<Secret, HashFailed> {
        let password = password.to_owned();
        let done = self.work(move || hash(&password)).await.and_then(|hash| hash);
        done.map(Secret).ok_or(HashFailed)
    }

    /// Whether the password fits. `kept` is `None` for someone who does not exist: the same work, and `false`.
    pub async fn fits(&self, password: &str, kept: Option<&Secret>) -> bool {
        let (password, exists) = (password.to_owned(), kept.is_some());
        let kept = kept.unwrap_or(&self.nobody).clone();
        let fits = self.work(move || {
            PasswordHash::new(&kept.0).is_ok_and(|kept| argon2().verify_password(password.as_bytes(), &kept).is_ok())
        });
        fits.await.unwrap_or(false) && exists
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let _turn = self.turns.acquire().await.ok()?;
        tokio::task::spawn_blocking(work).await.ok()
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

/// The password could not be hashed.
#[derive(Debug, thiserror::Error)]
#[error("a password could not be hashed")]
pub struct HashFailed;

fn hash(password: &str) -> Option<String> {
    let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>()).ok()?;
    Some(argon2().hash_password(password.as_bytes(), &salt).ok()?.to_string())
}

fn argon2() -> Argon2<'static> {
    // OWASP password storage: argon2id with 19 MiB, two passes, one lane.
    let params = Params::new(19 * 1024, 2, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

const AT_ONCE: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_and_nobody_fits_none() {
        let passwords = Passwords::new();
        let kept = passwords.hash("patchbay-demo").await.unwrap();
        assert!(kept.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", kept.0);
        assert!(passwords.fits("patchbay-demo", Some(&kept)).await);
        assert!(!passwords.fits("patchbay-demp", Some(&kept)).await);
        assert!(!passwords.fits("patchbay-demo", Some(&Secret("not a hash".into()))).await);
        assert!(!passwords.fits("", None).await);
    }
}
