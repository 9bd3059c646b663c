//! A folder for tables that nobody wants.
//!
//! They are rows of patients all the same. The folder goes with the measuring, and what a killed one left goes with the
//! next one in the same place. So that it never removes that of one that is alive, each holds its folder by a lock, which
//! goes with the process however that ends.

use std::fs::{File, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use crate::disk::{self, Hold};
use crate::error::{Error, Result};

/// What its name begins with.
const PREFIX: &str = ".claimfeed-bench-";

/// A private folder, there as long as this is.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
    /// open until the end; `None` where the file system knows no locks
    _hold: Option<File>,
}

impl Scratch {
    /// Makes one in `place`, and removes those of the dead there.
    pub fn within(place: &Path) -> Result<Scratch> {
        let trouble = |error| Error::file("create a folder in", place, error);
        sweep(place);
        loop {
            let mut builder = tempfile::Builder::new();
            let folder = builder.prefix(PREFIX).permissions(Permissions::from_mode(0o700)).tempdir_in(place);
            let folder = folder.map_err(trouble)?;
            // Until it is held, another one may take it for dead: whoever looks holds it, and removes it before letting go.
            let hold = match disk::hold(folder.path()) {
                Ok(Hold::Ours(hold)) => Some(hold),
                Ok(Hold::Unknown) => None,
                Ok(Hold::Theirs) => continue,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(trouble(error)),
            };
            if folder.path().exists() {
                return Ok(Scratch { folder, _hold: hold });
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Whom it cannot read or remove it leaves: they are somebody else's.
fn sweep(place: &Path) {
    for entry in std::fs::read_dir(place).into_iter().flatten().flatten() {
        let is_one = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_one
            && is_folder
            && let Ok(Hold::Ours(_hold)) = disk::hold(&entry.path())
        {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_the_dead_go_and_no_others() {
        let place = tempfile::tempdir().unwrap();
        let alive = Scratch::within(place.path()).unwrap();
        assert_eq!(std::fs::metadata(alive.path()).unwrap().permissions().mode() & 0o777, 0o700);
        let (dead, file, theirs) = (".claimfeed-bench-dead", ".claimfeed-bench-file", "claimfeed-bench-theirs");
        for folder in [dead, theirs] {
            std::fs::create_dir(place.path().join(folder)).unwrap();
            std::fs::write(place.path().join(folder).join("CCLF5.csv"), "rows").unwrap();
        }
        std::fs::write(place.path().join(file), "theirs").unwrap();
        let other = Scratch::within(place.path()).unwrap();
        assert!(!place.path().join(dead).exists());
        assert!(place.path().join(theirs).exists() && place.path().join(file).exists());
        assert!(alive.path().exists() && other.path().exists() && alive.path() != other.path());
        drop((alive, other));
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 2);
    }
}
