//! Secrets at rest: sealed with a key that lies outside the database.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::model::Secret;

/// Seals secrets before they are written and opens them after they are read.
pub struct Vault(Option<LessSafeKey>);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The file.
    #[error("the key of the secrets, {0}, cannot be used: {1}")]
    File(String, #[source] io::Error),
    /// What is in it.
    #[error("the key of the secrets, {0}, is not 64 hex digits")]
    Mangled(String),
}

impl Vault {
    /// Without a key: for tests that are about something else.
    pub fn open_plan() -> Self {
        Self(None)
    }

    /// With the key in this file; one is made, for its owner's eyes only, if there is none.
    pub fn with_key_in(path: &Path) -> Result<Self, VaultError> {
        let shown = path.display().to_string();
        let refused = |why| VaultError::File(shown.clone(), why);
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(why) if why.kind() == io::ErrorKind::NotFound => make(path).map_err(refused)?,
            Err(why) => return Err(refused(why)),
        };
        let key = hex::decode(text.trim()).map_err(|_| VaultError::Mangled(shown.clone()))?;
        let key = UnboundKey::new(&AES_256_GCM, &key).map_err(|_| VaultError::Mangled(shown))?;
        Ok(Self(Some(LessSafeKey::new(key))))
    }

    /// A secret as the database may hold it. `whose`: row and column, so that one cannot be put in another's place.
    pub(in crate::store) fn seal(&self, whose: &str, secret: &Secret) -> String {
        let Some(key) = self.0.as_ref().filter(|_| !secret.0.is_empty()) else { return secret.0.clone() };
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = secret.0.clone().into_bytes();
        let aad = Aad::from(whose.as_bytes());
        if key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed).is_err() {
            // Only beyond 64 GiB.
            return String::new();
        }
        let mut all = nonce.to_vec();
        all.extend(sealed);
        format!("{MARK}{}", STANDARD.encode(all))
    }

    /// The secret again. `None`: it was sealed with another key, or for another place.
    pub(in crate::store) fn open(&self, whose: &str, kept: &str) -> Option<Secret> {
        let Some(sealed) = kept.strip_prefix(MARK) else { return Some(Secret(kept.to_owned())) };
        let all = STANDARD.decode(sealed).ok()?;
        let (nonce, sealed) = all.split_at_checked(NONCE_LEN)?;
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let plain = self.0.as_ref()?.open_in_place(nonce, Aad::from(whose.as_bytes()), &mut sealed).ok()?;
        String::from_utf8(plain.to_vec()).ok().map(Secret)
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Vault(key)" } else { "Vault(no key)" })
    }
}

fn make(path: &Path) -> io::Result<String> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let text = hex::encode(rand::random::<[u8; 32]>());
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(text)
}

const MARK: &str = "sealed.1.";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_opens_with_its_key_in_its_place_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/house.key");
        let vault = Vault::with_key_in(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let secret = Secret("EAAG-token".into());
        let kept = vault.seal("acc_1.token", &secret);
        assert!(!kept.contains("EAAG") && kept != vault.seal("acc_1.token", &secret));
        assert_eq!(Vault::with_key_in(&path).unwrap().open("acc_1.token", &kept), Some(secret.clone()));
        assert_eq!(vault.open("acc_2.token", &kept), None);
        assert_eq!(Vault::with_key_in(&folder.path().join("other.key")).unwrap().open("acc_1.token", &kept), None);
        assert_eq!(vault.open("acc_1.token", &kept[..kept.len() - 4]), None);
        assert_eq!(vault.open("acc_1.token", "from before"), Some(Secret("from before".into())));
        fs::write(&path, "short").unwrap();
        assert!(matches!(Vault::with_key_in(&path), Err(VaultError::Mangled(_))));
    }
}
