//! Files that were found whole, remembered across processes so that none is fetched or checked twice.
//!
//! A line is on disk before the file gets its name; a last line that is cut belongs to a file that has no name yet.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::state::OWN;
use super::verify::Whole;
use crate::error::{Error, Result};
use crate::read::codec::Codec;

/// A whole file as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    stem: String,
    codec: Codec,
    bytes: u64,
    sha256: String,
    lines: u64,
    text_bytes: u64,
    errors: u64,
    warnings: u64,
}

/// The whole files of an export.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: Mutex<File>,
    known: HashMap<String, Whole>,
}

impl Journal {
    /// Where the journal of a folder is.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join(OWN).join("files.ndjson")
    }

    /// Opens or begins it.
    pub fn open(folder: &Path) -> Result<Journal> {
        let path = Journal::path(folder);
        let trouble = |error| Error::file("open", &path, error);
        let mut known = HashMap::new();
        let text = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(trouble(error)),
        };
        for line in text.split(|byte| *byte == b'\n') {
            if let Ok(entry) = serde_json::from_slice::<Entry>(line) {
                let Entry { stem, codec, bytes, sha256, lines, text_bytes, errors, warnings } = entry;
                known.insert(stem, Whole { bytes, sha256, lines, text_bytes, codec, errors, warnings });
            }
        }
        let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(trouble)?;
        if text.last().is_some_and(|last| *last != b'\n') {
            // What was cut must not join with what comes.
            file.write_all(b"\n").map_err(trouble)?;
        }
        Ok(Journal { path, file: Mutex::new(file), known })
    }

    /// What was remembered when it was opened.
    pub fn known(&self, stem: &str) -> Option<&Whole> {
        self.known.get(stem)
    }

    /// All that was remembered: names without their ends.
    pub fn stems(&self) -> impl Iterator<Item = (&String, &Whole)> {
        self.known.iter()
    }

    /// Remembers a file; it is on disk when this returns.
    pub fn add(&self, stem: &str, whole: &Whole) -> Result<()> {
        let Whole { bytes, sha256, lines, text_bytes, codec, errors, warnings } = whole.clone();
        let entry = Entry { stem: stem.to_string(), codec, bytes, sha256, lines, text_bytes, errors, warnings };
        let mut line = serde_json::to_vec(&entry).unwrap_or_default();
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&line).and_then(|()| file.sync_data()).map_err(|error| Error::file("write", &self.path, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_last_line_costs_its_file_only() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(OWN)).unwrap();
        let whole = |bytes| Whole {
            bytes,
            sha256: "ab".into(),
            lines: 2,
            text_bytes: 3,
            codec: Codec::Gzip,
            errors: 0,
            warnings: 1,
        };
        let journal = Journal::open(folder.path()).unwrap();
        journal.add("a", &whole(1)).unwrap();
        journal.add("b", &whole(2)).unwrap();
        let path = Journal::path(folder.path());
        let text = std::fs::read(&path).unwrap();
        std::fs::write(&path, &text[..text.len() - 5]).unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        assert_eq!((journal.known("a"), journal.known("b")), (Some(&whole(1)), None));
        journal.add("c", &whole(3)).unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        assert_eq!((journal.known("a"), journal.known("c")), (Some(&whole(1)), Some(&whole(3))));
    }
}
