//! What survives the process: which job is running for which export, and up to when the data is here.
//!
//! It lies in `.claimfeed/` beside the data, and is written before anything else is done with what it says: an address of a
//! job that is known only to a process that was killed is a job that must run again.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::disk::write_whole;
use crate::error::{Error, Result};

/// Folder for what is ours, hidden from converters.
pub const OWN: &str = ".claimfeed";

/// Shape of the state file.
const VERSION: u32 = 1;

/// A job that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// of its files, below the folder of the state; empty: that folder itself
    pub folder: String,
    /// the whole request
    pub url: String,
    /// when it was first sent, UTC by this machine's clock: tells exports apart
    pub asked: String,
    /// the same by the server's clock, if it told it
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_time: Option<String>,
    /// where the job is, once that is known
    pub job: Option<String>,
}

/// An export that is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// of its files
    pub folder: String,
    /// the whole request
    pub url: String,
    /// the server could not export some of what was asked for
    pub errors: u64,
}

/// What is known of exports that go on from each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// up to when the data is here, as the server wrote it
    pub transaction_time: Option<String>,
    /// the last one that is whole
    pub done: Option<Done>,
    /// the one that is not
    pub running: Option<Running>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Document {
    version: u32,
    /// by server, version, group, types and filter
    series: BTreeMap<String, Series>,
}

/// The state of a folder; no other process changes it meanwhile.
#[derive(Debug)]
pub struct State {
    folder: PathBuf,
    document: Document,
    /// released with the process, however that ends
    _lock: File,
}

impl State {
    /// Opens the state of a folder, making both if they are not there.
    pub fn open(folder: &Path) -> Result<State> {
        let own = folder.join(OWN);
        make_folder(&own)?;
        let path = own.join("lock");
        let trouble = |error| Error::file("open", &path, error);
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path).map_err(trouble)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Usage(format!(
                    "expected nobody else to fetch into `{}`, found another process that does\n  hint: wait for it, or name another folder",
                    folder.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(trouble(error)),
        }
        let path = own.join("state.json");
        let document = match std::fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice::<Document>(&bytes).map_err(|error| Error::file("read", &path, error.into()))?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Document { version: VERSION, ..Document::default() }
            }
            Err(error) => return Err(Error::file("read", &path, error)),
        };
        if document.version != VERSION {
            return Err(Error::Usage(format!(
                "expected state of version {VERSION}, found {} in `{}`\n  hint: it was written by another version of claimfeed",
                document.version,
                path.display()
            )));
        }
        Ok(State { folder: folder.to_path_buf(), document, _lock: lock })
    }

    /// The folder it belongs to.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What is known of a series.
    pub fn series(&self, key: &str) -> Series {
        self.document.series.get(key).cloned().unwrap_or_default()
    }

    /// All series, by key.
    pub fn all(&self) -> impl Iterator<Item = (&String, &Series)> {
        self.document.series.iter()
    }

    /// Changes a series; it is on disk when this returns.
    pub fn change(&mut self, key: &str, change: impl FnOnce(&mut Series)) -> Result<()> {
        change(self.document.series.entry(key.to_string()).or_default());
        let mut text = serde_json::to_vec_pretty(&self.document).unwrap_or_default();
        text.push(b'\n');
        write_whole(&self.folder.join(OWN).join("state.json"), &text)
    }
}

/// Makes a folder that its owner alone can open.
pub fn make_folder(folder: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| Error::file("create", folder, error))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_was_changed_is_there_after_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("deep/export");
        let running =
            Running { folder: String::new(), url: "u".into(), asked: "now".into(), server_time: None, job: None };
        let mut state = State::open(&folder).unwrap();
        state.change("key", |series| series.running = Some(running.clone())).unwrap();
        let second = State::open(&folder).unwrap_err().to_string();
        assert!(second.contains("another process"), "{second}");
        drop(state);
        let state = State::open(&folder).unwrap();
        assert_eq!(state.series("key").running, Some(running));
        assert_eq!(state.series("other"), Series::default());
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join(".claimfeed/state.json")), 0o600);
        assert_eq!(mode(&folder.join(".claimfeed/lock")), 0o600);
    }
}
