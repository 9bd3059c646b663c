//! What a `run` that ended made of which export, noted in the export's own folder: the same command again has nothing to do,
//! and another one must not take its tables for its own.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use claimfeed::disk::write_whole;
use claimfeed::fetch::state::OWN;
use claimfeed::fetch::verify::hex;
use claimfeed::{Error, Result};
use serde::{Deserialize, Serialize};

use super::convert::How;
use super::target::{PARTIAL, SUMMARY};

/// The note's name in the folder of the state.
const NOTE: &str = "tables.json";

/// Tables of one export.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// the export's folder
    export: PathBuf,
    /// up to when its data goes
    transaction_time: Option<String>,
    /// the tables' folder
    out: PathBuf,
    /// what tells the options of a run from others
    options: String,
    /// sums of the summaries there; another run in that folder writes another one
    summaries: Vec<String>,
}

/// The note: tables, and how the run ended.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    #[serde(flatten)]
    made: Made,
    code: u8,
}

impl Made {
    /// What is there now, as if a run with these options had just made it of this export.
    pub fn of(how: &How, export: &Path, transaction_time: Option<&str>, out: &Path) -> Result<Made> {
        let mut summaries = Vec::new();
        for path in [out.join(SUMMARY), out.join(PARTIAL).join(SUMMARY)] {
            if path.exists() {
                let text = std::fs::read(&path).map_err(|error| Error::file("read", &path, error))?;
                summaries.push(hex(digest(&SHA256, &text).as_ref()));
            }
        }
        Ok(Made {
            export: whole(export),
            transaction_time: transaction_time.map(str::to_string),
            out: whole(out),
            options: how.fingerprint(),
            summaries,
        })
    }

    /// How the run ended that made just this; `None` if none has.
    pub fn code(&self, raw: &Path) -> Option<u8> {
        let text = std::fs::read(raw.join(OWN).join(NOTE)).ok()?;
        let note: Note = serde_json::from_slice(&text).ok()?;
        (note.made == *self).then_some(note.code)
    }

    /// Notes it.
    pub fn note(self, raw: &Path, code: u8) -> Result<()> {
        let mut text = serde_json::to_vec_pretty(&Note { made: self, code }).unwrap_or_default();
        text.push(b'\n');
        write_whole(&raw.join(OWN).join(NOTE), &text)
    }
}

/// However it was spelled.
fn whole(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}
