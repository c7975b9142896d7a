//! Files that are their owner's alone, and a sealing key in one. For the examples: an app has the
//! Keychain, DPAPI, the Secret Service or a KMS for that.

use std::fs::{self, OpenOptions};
use std::io::{Error, ErrorKind, Result, Write as _};
use std::path::{Path, PathBuf};

use grantlet::{Random as _, Secret, SystemRandom};

/// The 32 bytes under which the store in this file seals its keys: in FILE.key, made on first use.
/// Tells whether that was now.
pub(crate) fn sealing_key(store: &Path) -> Result<(Secret, bool)> {
    let path = beside(store, ".key");
    // Looked at first: a key is there before its store is, and another process may be making both.
    let store_is_there = fs::metadata(store).is_ok_and(|file| file.len() > 0);
    let is_new = !path.exists();
    if is_new && store_is_there {
        let (store, key) = (store.display(), path.display());
        let what = format!("{store} is there, but {key} is not, and nothing else opens it");
        return Err(Error::new(ErrorKind::NotFound, what));
    }
    let key = match is_new {
        true => make_key(&path).and_then(|()| fs::read(&path)),
        false => fs::read(&path),
    };
    let at = |error: Error| Error::new(error.kind(), format!("{}: {error}", path.display()));
    Ok((Secret::new(key.map_err(at)?), is_new))
}

fn make_key(path: &Path) -> Result<()> {
    let mut key = [0; 32];
    SystemRandom::default()
        .fill(&mut key)
        .map_err(Error::other)?;
    let fresh = beside(path, &format!(".{}", std::process::id()));
    write_new(&fresh, &key)?;
    // A link is there whole or not at all. Of two who make one at once, the first wins.
    let linked = fs::hard_link(&fresh, path);
    fs::remove_file(&fresh)?;
    match linked {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}

/// Makes a file that only its owner may read (0600); returns when it is on the disk.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The file whose name is this one's and more.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
