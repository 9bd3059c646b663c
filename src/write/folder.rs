//! The output folder, for one run at a time.
//!
//! A run that is killed leaves hidden files behind, with rows of patients in them: the next run in the folder removes
//! them. So that it never removes those of a run that is alive, every run holds the folder until it ends. The hold is a
//! lock on the folder itself: it goes with the process however that ends, and leaves no file.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use crate::disk::{self, HIDDEN, Hold};
use crate::error::{Error, Result};

/// A folder that no other run writes to meanwhile.
#[derive(Debug)]
pub struct Folder {
    /// it was not there before
    pub made: bool,
    /// open until the run ends; `None` where the file system knows no locks
    _hold: Option<File>,
}

impl Folder {
    /// Makes the folder if it is not there, holds it, and removes what killed runs left.
    pub fn hold(folder: &Path) -> Result<Folder> {
        let made = !folder.exists();
        if made {
            let trouble = |error| Error::file("create", folder, error);
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(trouble)?;
        }
        let hold = match disk::hold(folder).map_err(|error| Error::file("read", folder, error))? {
            Hold::Ours(hold) => Some(hold),
            Hold::Theirs => {
                return Err(Error::Usage(format!(
                    "expected an output folder of its own, found another run that writes to `{}`\n  hint: name another folder, or wait",
                    folder.display()
                )));
            }
            // Without locks nobody knows whose the hidden files are: they stay.
            Hold::Unknown => None,
        };
        if hold.is_some() {
            sweep(folder)?;
        }
        Ok(Folder { made, _hold: hold })
    }
}

fn sweep(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder).map_err(|error| Error::file("read", folder, error))? {
        let entry = entry.map_err(|error| Error::file("read", folder, error))?;
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && is_unfinished(&entry.file_name().to_string_lossy()) {
            std::fs::remove_file(entry.path()).map_err(|error| Error::file("remove", &entry.path(), error))?;
        }
    }
    Ok(())
}

/// A prefix and six letters or digits, as `tempfile` makes them; the mark of `run` is shorter.
fn is_unfinished(name: &str) -> bool {
    name.strip_prefix(HIDDEN)
        .is_some_and(|rest| rest.len() == 6 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_at_a_time_and_leftovers_go() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("tables");
        let held = Folder::hold(&path).unwrap();
        assert!(held.made);
        std::fs::write(path.join(".claimfeed-aB3dEf"), "rows").unwrap();
        for theirs in [".gitignore", ".claimfeed-run"] {
            std::fs::write(path.join(theirs), "stays").unwrap();
        }
        let refused = Folder::hold(&path).unwrap_err();
        assert_eq!(refused.exit_code(), 2);
        assert!(refused.to_string().contains("found another run"), "{refused}");
        assert!(path.join(".claimfeed-aB3dEf").exists(), "those of a run that is alive stay");
        drop(held);
        let held = Folder::hold(&path).unwrap();
        assert!(!held.made && !path.join(".claimfeed-aB3dEf").exists() && path.join(".gitignore").exists());
        assert!(path.join(".claimfeed-run").exists());
    }
}
