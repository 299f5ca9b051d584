//! The master key: 32 bytes in a file that only its owner reads. Everything sealed in the database
//! is sealed under keys derived from it, and so is the secret of refresh tokens.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use crate::crypto::{self, RootId, RootSecret, Vault};
use crate::error::{Error, Result};

/// The master key in its current version, and older ones that still open.
pub struct MasterKey {
    current: RootSecret,
    older: Vec<RootSecret>,
}

impl MasterKey {
    /// The key in `file`.
    ///
    /// # Errors
    /// No such file (kind `NotFound`), one that others may read, or one of another length.
    pub fn load(file: &Path) -> Result<Self> {
        let bytes =
            Zeroizing::new(std::fs::read(file).map_err(|error| cannot("read", file, error))?);
        let mode = std::fs::metadata(file).map_err(|error| cannot("read", file, error))?;
        if mode.permissions().mode() & 0o027 != 0 {
            return Err(Error::setup(format!(
                "the master key {} is open to others than its owner: chmod 600 it",
                file.display()
            )));
        }
        let key = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| {
            Error::setup(format!(
                "the master key {} has {} bytes; it needs exactly 32 (head -c 32 /dev/urandom)",
                file.display(),
                bytes.len()
            ))
        })?;
        Ok(Self {
            current: RootSecret::new(key),
            older: Vec::new(),
        })
    }

    /// The key in `file`; where there is none, and nothing has been sealed yet, a new one.
    ///
    /// # Errors
    /// As for [`MasterKey::load`]; a missing file where something is already sealed.
    pub fn load_or_create(file: &Path, something_is_sealed: bool) -> Result<Self> {
        if file.exists() {
            return Self::load(file);
        }
        if something_is_sealed {
            return Err(Error::setup(format!(
                "the master key {} is missing, and the database holds secrets sealed under it. \
                 Put the file back (on a further node: copy the first node's)",
                file.display()
            )));
        }
        match create(file) {
            // Another process was quicker: its key is the key.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Self::load(file),
            Err(error) => Err(cannot("create", file, error)),
            Ok(()) => {
                log::warn!(
                    "made a new master key, {}: back it up, apart from the database",
                    file.display()
                );
                Self::load(file)
            }
        }
    }

    /// What seals for `purpose` under the current version and opens older ones.
    pub fn vault(&self, purpose: &str) -> Vault {
        Vault::new(&self.current, &self.older, purpose)
    }

    /// A secret for `purpose` per version, the current one first.
    pub fn secrets(&self, purpose: &str) -> Vec<(RootId, Zeroizing<[u8; 32]>)> {
        let versions = std::iter::once(&self.current).chain(&self.older);
        versions
            .map(|root| (root.id(), root.derive(purpose)))
            .collect()
    }
}

/// Written whole or not at all: a half-written key must never be found by the next start.
fn create(file: &Path) -> std::io::Result<()> {
    if let Some(directory) = file.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let draft = file.with_added_extension(format!("{}.tmp", std::process::id()));
    let mut open = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    let written = open
        .write_all(&*Zeroizing::new(crypto::random::<32>()))
        .and_then(|()| {
            open.sync_all()?;
            // Unlike a rename, a link never replaces what is there.
            std::fs::hard_link(&draft, file)
        });
    std::fs::remove_file(&draft)?;
    written
}

fn cannot(verb: &str, file: &Path, error: std::io::Error) -> Error {
    Error::setup(format!("cannot {verb} the master key {}", file.display())).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_where_nothing_is_sealed() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("keys/master.key");
        assert!(MasterKey::load_or_create(&file, true).is_err());
        assert!(!file.exists());
        let made = MasterKey::load_or_create(&file, false).unwrap();
        let again = MasterKey::load_or_create(&file, true).unwrap();
        assert_eq!(made.vault("p").current(), again.vault("p").current());
        assert_eq!(
            std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            std::fs::read_dir(file.parent().unwrap()).unwrap().count(),
            1
        );
    }

    #[test]
    fn a_key_that_others_can_read_or_of_another_length_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("master.key");
        std::fs::write(&file, [1; 32]).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(MasterKey::load(&file).is_err_and(|error| error.to_string().contains("chmod")));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(MasterKey::load(&file).is_ok());
        std::fs::write(&file, [1; 31]).unwrap();
        assert!(MasterKey::load(&file).is_err_and(|error| error.to_string().contains("31 bytes")));
    }
}
