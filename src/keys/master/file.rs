//! The file with the master keys: 32 bytes each, one after another, that only its owner reads.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::crypto::{self, RootId, RootSecret};
use crate::error::{Error, Result};

const KEY_BYTES: usize = 32;

/// How the name of a file goes on that is not in its place yet. Eight letters follow, and `.tmp`: nothing
/// that anybody would call a copy of his own.
const DRAFT: &str = ".draft-";

/// More is no key file.
const MOST_KEYS: usize = 16;

/// The keys in `file`, in its order.
///
/// # Errors
/// No such file, none that is regular, one that others may read, or one of another length.
pub(super) fn read(file: &Path) -> Result<Vec<RootSecret>> {
    let bytes = bytes(file)?;
    let (keys, _) = bytes.as_chunks::<KEY_BYTES>();
    let mut secrets: Vec<RootSecret> = Vec::new();
    for secret in keys.iter().map(|key| RootSecret::new(*key)) {
        // Who puts files together may have put one in twice.
        if secrets.iter().all(|other| other.id() != secret.id()) {
            secrets.push(secret);
        }
    }
    Ok(secrets)
}

fn bytes(file: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let cannot = |error| cannot("read", file, error);
    let about = std::fs::metadata(file).map_err(cannot)?;
    if !about.is_file() {
        let error = format!("the master key {} is no regular file", file.display());
        return Err(Error::setup(error));
    }
    if about.permissions().mode() & 0o027 != 0 {
        return Err(Error::setup(format!(
            "the master key {} is open to others than its owner: chmod 600 it",
            file.display()
        )));
    }
    let wrong = |length: u64| {
        Error::setup(format!(
            "the master key {} has {length} bytes; it needs exactly 32 (head -c 32 /dev/urandom), \
             and 32 more for each further key, {MOST_KEYS} at most",
            file.display(),
        ))
    };
    let most = u64::try_from(MOST_KEYS * KEY_BYTES).unwrap_or_default();
    if about.len() > most {
        return Err(wrong(about.len()));
    }
    let bytes = Zeroizing::new(std::fs::read(file).map_err(cannot)?);
    let (keys, rest) = bytes.as_chunks::<KEY_BYTES>();
    if keys.is_empty() || keys.len() > MOST_KEYS || !rest.is_empty() {
        return Err(wrong(u64::try_from(bytes.len()).unwrap_or(u64::MAX)));
    }
    Ok(bytes)
}

/// Makes a new key in a new file.
///
/// # Errors
/// The file cannot be made. If another process was quicker, its key is the key.
pub(super) fn create(file: &Path) -> Result<()> {
    match write(file) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(cannot("create", file, error)),
        Ok(()) => {
            log::warn!(
                "made a new master key, {}: back it up, apart from the database",
                file.display()
            );
            Ok(())
        }
    }
}

/// Adds a new key behind those that the file has. It stays the same file, with its owner and mode.
///
/// # Errors
/// The file is unusable, full, or cannot be written.
pub(super) fn append(file: &Path) -> Result<RootSecret> {
    let cannot = |error| cannot("write", file, error);
    let mut open = lock(file)?.open;
    let keys = bytes(file)?.len() / KEY_BYTES;
    if keys >= MOST_KEYS {
        return Err(Error::setup(format!(
            "{} has {MOST_KEYS} keys already: remove those that are retired",
            file.display()
        )));
    }
    let key = Zeroizing::new(crypto::random::<KEY_BYTES>());
    let written = open.write_all(&*key).and_then(|()| open.sync_all());
    if let Err(error) = written {
        // Half a key would be none, and the file unreadable.
        let length = u64::try_from(keys * KEY_BYTES).unwrap_or_default();
        open.set_len(length).map_err(cannot)?;
        return Err(cannot(error));
    }
    Ok(RootSecret::new(*key))
}

/// The file, for this process alone until it is dropped: of several who change it, each sees what
/// the one before has done.
pub(super) struct Locked<'a> {
    file: &'a Path,
    open: File,
}

/// Waits for the file.
///
/// # Errors
/// It cannot be written.
pub(super) fn lock(file: &Path) -> Result<Locked<'_>> {
    let cannot = |error| cannot("write", file, error);
    loop {
        let open = OpenOptions::new().append(true).open(file);
        let open = open.map_err(cannot)?;
        open.lock().map_err(cannot)?;
        // Whoever had it before may have put another file in its place.
        if is_at(&open, file).map_err(cannot)? {
            std::fs::canonicalize(file)
                .and_then(|file| sweep(&file))
                .map_err(cannot)?;
            return Ok(Locked { file, open });
        }
    }
}

fn is_at(open: &File, file: &Path) -> std::io::Result<bool> {
    let (own, there) = (open.metadata()?, std::fs::metadata(file)?);
    Ok((own.dev(), own.ino()) == (there.dev(), there.ino()))
}

/// Takes a key out of the file, which keeps its owner and mode.
///
/// # Errors
/// It is not there, or the only one; the file is unusable or cannot be written.
pub(super) fn remove(locked: &Locked<'_>, id: RootId) -> Result<()> {
    let Locked { file, open } = locked;
    let cannot = |error| cannot("write", file, error);
    let bytes = bytes(file)?;
    let (keys, _) = bytes.as_chunks::<KEY_BYTES>();
    let is_other = |key: &&[u8; KEY_BYTES]| RootSecret::new(**key).id() != id;
    let left: Vec<&[u8]> = keys.iter().filter(is_other).map(|key| &key[..]).collect();
    if left.len() == keys.len() || left.is_empty() {
        let is = if left.is_empty() {
            "the only key in"
        } else {
            "not in"
        };
        return Err(Error::setup(format!("{id} is {is} {}", file.display())));
    }
    let left = Zeroizing::new(left.concat());
    replace(file, &left, open).map_err(cannot)
}

/// Puts a file aside that has no room for another key, and none that is of use.
///
/// # Errors
/// It cannot be renamed.
pub(super) fn put_aside(file: &Path) -> Result<()> {
    let aside = file.with_added_extension(format!("{}.retired", crypto::random_base62(8)));
    std::fs::rename(file, &aside).map_err(|error| cannot("rename", file, error))?;
    log::warn!("{} is now {}", file.display(), aside.display());
    Ok(())
}

/// Whether there is room for another key.
///
/// # Errors
/// It is unusable.
pub(super) fn has_room(file: &Path) -> Result<bool> {
    Ok(bytes(file)?.len() < MOST_KEYS * KEY_BYTES)
}

/// Deletes drafts of the file, which has its lock: whoever made them was killed.
fn sweep(file: &Path) -> std::io::Result<()> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    for one in std::fs::read_dir(directory(file))? {
        let one = one?;
        let other = one.file_name();
        let other = other.to_string_lossy();
        let rest = other
            .strip_prefix(&*name)
            .and_then(|rest| rest.strip_prefix(DRAFT))
            .and_then(|rest| rest.strip_suffix(".tmp"));
        if rest.is_some_and(|letters| letters.len() == 8) {
            std::fs::remove_file(one.path())?;
        }
    }
    Ok(())
}

/// Written whole or not at all: a half-written key must never be found by the next start.
fn write(file: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(directory(file))?;
    let key = Zeroizing::new(crypto::random::<KEY_BYTES>());
    // Unlike a rename, a link never replaces what is there.
    draft(file, &*key, None, |draft| std::fs::hard_link(draft, file))
}

/// The same, in the place of what is there, `old`.
fn replace(file: &Path, keys: &[u8], old: &File) -> std::io::Result<()> {
    // Of a link, what it points to.
    let file = std::fs::canonicalize(file)?;
    draft(&file, keys, Some(old.metadata()?), |draft| {
        match std::fs::rename(draft, &file) {
            // Mounted by itself, as containers have it, it can only be written over.
            Err(error) if error.kind() == ErrorKind::ResourceBusy => overwrite(&file, keys),
            done => done,
        }
    })
}

/// With fewer keys than it has. Cut short, this leaves keys twice, and none less.
fn overwrite(file: &Path, keys: &[u8]) -> std::io::Result<()> {
    let mut open = OpenOptions::new().write(true).open(file)?;
    open.write_all(keys)?;
    open.set_len(u64::try_from(keys.len()).unwrap_or_default())?;
    open.sync_all()
}

/// Writes a file beside `file`, to be put there by `put`; with owner and mode as `like`.
fn draft(
    file: &Path,
    keys: &[u8],
    like: Option<Metadata>,
    put: impl FnOnce(&Path) -> std::io::Result<()>,
) -> std::io::Result<()> {
    // Not the id of the process, which in a container is always the same.
    let letters = crypto::random_base62(8);
    let mut name = file.as_os_str().to_owned();
    name.push(format!("{DRAFT}{letters}.tmp"));
    let draft = PathBuf::from(name);
    let mut open = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    let done = open
        .write_all(keys)
        .and_then(|()| match like {
            Some(like) => fchown(&open, Some(like.uid()), Some(like.gid()))
                .and_then(|()| open.set_permissions(like.permissions())),
            None => Ok(()),
        })
        .and_then(|()| open.sync_all())
        .and_then(|()| put(&draft));
    if draft.exists() {
        std::fs::remove_file(&draft)?;
    }
    done?;
    File::open(directory(file))?.sync_all()
}

fn directory(file: &Path) -> &Path {
    match file.parent() {
        Some(directory) if directory != Path::new("") => directory,
        _ => Path::new("."),
    }
}

fn cannot(verb: &str, file: &Path, error: std::io::Error) -> Error {
    Error::setup(format!("cannot {verb} the master key {}", file.display())).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(file: &Path) -> u32 {
        std::fs::metadata(file).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_key_is_made_once_and_others_come_and_go() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("keys/master.key");
        create(&file).unwrap();
        let made = read(&file).unwrap();
        create(&file).unwrap();
        let added = append(&file).unwrap();
        let ids = || -> Vec<_> { read(&file).unwrap().iter().map(RootSecret::id).collect() };
        assert_eq!(ids(), [made[0].id(), added.id()]);
        let beside = |name: &str| file.with_file_name(name);
        std::fs::write(beside("master.key.draft-abcdefgh.tmp"), [1; 32]).unwrap();
        // Somebody's copy.
        let copy = beside("master.key.20261126.tmp");
        std::fs::write(&copy, [1; 32]).unwrap();
        let remove = |id| remove(&lock(&file).unwrap(), id);
        remove(made[0].id()).unwrap();
        assert_eq!(ids(), [added.id()]);
        for id in [made[0].id(), added.id()] {
            remove(id).unwrap_err();
        }
        assert_eq!(ids(), [added.id()]);
        assert_eq!(mode(&file), 0o600);
        let files = std::fs::read_dir(file.parent().unwrap()).unwrap();
        assert_eq!(files.count(), 2, "no draft is left");
        assert!(copy.exists());
    }

    #[test]
    fn a_key_that_others_can_read_or_of_another_length_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("master.key");
        let refused = |text: &str| {
            let error = read(&file).err().expect("a refusal").to_string();
            assert!(error.contains(text), "{error}");
        };
        refused("cannot read");
        std::fs::write(&file, [1; 32]).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        refused("chmod");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read(&file).unwrap().len(), 1);
        std::fs::write(&file, [1; 64]).unwrap();
        assert_eq!(read(&file).unwrap().len(), 1, "the same twice is one");
        for length in [0, 31, 33, 17 * 32] {
            std::fs::write(&file, vec![1; length]).unwrap();
            refused(&format!("{length} bytes"));
        }
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        refused("no regular file");
    }
}
