//! Files that grow under hidden names and get their own names when all of them are complete.
//!
//! So a reader never meets half a table, and what an interrupted run leaves behind goes with it. New files are
//! readable by their owner only.

use std::fs::File;
use std::io::BufWriter;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

use super::SUMMARY_TABLE;
use crate::disk::{self, HIDDEN};
use crate::error::{Error, Result};

/// Bytes gathered before a file is written to, or read at once.
pub const BUFFER: usize = 256 << 10;

/// A file that is being written.
pub type Growing = BufWriter<File>;

/// A place for a file, and the hidden file that will take it.
#[derive(Debug)]
pub struct Place {
    target: PathBuf,
    hidden: TempPath,
}

/// The name of a table's file: `TABLE.EXTENSION`, and of the n-th of several `TABLE-NNNNN.EXTENSION`.
pub fn name(table: &str, number: Option<u32>, extension: &str) -> String {
    match number {
        Some(number) => format!("{table}-{number:05}.{extension}"),
        None => format!("{table}.{extension}"),
    }
}

/// Whether a table's rows go to several files: the file summary is always one.
pub fn is_parted(table: &str, rows_per_file: Option<NonZeroU64>) -> bool {
    rows_per_file.is_some() && table != SUMMARY_TABLE
}

/// Begins a file that will be called `name`.
pub fn begin(folder: &Path, name: &str) -> Result<(Growing, Place)> {
    let file = NamedTempFile::with_prefix_in(HIDDEN, folder)
        .map_err(|error| Error::file("create a file in", folder, error))?;
    let (file, hidden) = file.into_parts();
    Ok((BufWriter::with_capacity(BUFFER, file), Place { target: folder.join(name), hidden }))
}

impl Place {
    /// Where the file will be.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Its name there.
    pub fn name(&self) -> String {
        self.target.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Where it is until then.
    pub fn hidden(&self) -> &Path {
        &self.hidden
    }

    /// An error of writing the file.
    pub fn trouble(&self, error: std::io::Error) -> Error {
        Error::file("write", &self.target, error)
    }
}

/// Makes sure that whole files are on disk.
pub fn complete(files: Vec<(Growing, Place)>) -> Result<Vec<Place>> {
    let (mut whole, mut places) = (Vec::new(), Vec::new());
    for (file, place) in files {
        whole.push(file.into_inner().map_err(|error| place.trouble(error.into_error()))?);
        places.push(place);
    }
    for (synced, place) in disk::sync_all(&whole).into_iter().zip(&places) {
        synced.map_err(|error| place.trouble(error))?;
    }
    Ok(places)
}

/// Gives complete files their names, replacing files of these names; tells the names.
pub fn publish(places: impl IntoIterator<Item = Place>) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for place in places {
        names.push(place.name());
        let Place { target, hidden } = place;
        hidden.persist(&target).map_err(|error| Error::file("rename to", &target, error.error))?;
    }
    Ok(names)
}
