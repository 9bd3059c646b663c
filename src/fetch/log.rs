//! log.ndjson: what happened, in the format that Bulk Data clients share.
//!
//! One JSON object a line: `exportId`, `timestamp`, `eventId`, `eventDetail`. Addresses lose their query, which may be a
//! key to the file; bodies of errors are left out, which may speak of patients.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::error::{Error, Result};

/// The log's file name.
pub const LOG: &str = "log.ndjson";

/// An export's log; it grows.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    id: String,
    file: Mutex<File>,
}

impl Log {
    /// `id` tells one export from others in a joined log.
    pub fn open(folder: &Path, id: &str) -> Result<Log> {
        let path = folder.join(LOG);
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
        let file = file.map_err(|error| Error::file("open", &path, error))?;
        Ok(Log { path, id: id.to_string(), file: Mutex::new(file) })
    }

    /// Adds an event.
    pub fn add(&self, event: &str, detail: Value) -> Result<()> {
        let line = json!({
            "exportId": self.id,
            "timestamp": jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            "eventId": event,
            "eventDetail": detail,
        });
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // One write, so that lines of several workers never mix.
        file.write_all(format!("{line}\n").as_bytes()).map_err(|error| Error::file("write", &self.path, error))
    }
}

/// An address without its query.
pub fn bare(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}
