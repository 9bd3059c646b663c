//! Files that grow under hidden names and get their own names when all of them are complete.
//!
//! So a reader never meets half a table, and what an interrupted run leaves behind goes with it. New files are
//! readable by their owner only.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::{NamedTempFile, TempPath};

use super::SUMMARY_TABLE;
use crate::disk::HIDDEN;
use crate::error::{Error, Result};

/// Threads that wait for the disk besides the one that would.
const HELPERS: usize = 3;

/// Bytes gathered before a file is written to.
const BUFFER: usize = 256 << 10;

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

    /// An error of writing the file.
    pub fn trouble(&self, error: std::io::Error) -> Error {
        Error::file("write", &self.target, error)
    }

    /// Makes sure that the whole file is on disk.
    pub fn complete(&self, mut file: Growing) -> Result<()> {
        file.flush().and_then(|()| file.get_ref().sync_all()).map_err(|error| self.trouble(error))
    }
}

/// [Completes](Place::complete) files side by side, since each of them waits for the disk and little else.
pub fn complete_all(files: Vec<(Growing, Place)>) -> Result<Vec<Place>> {
    let next = Mutex::new(files.into_iter().enumerate());
    let done = Mutex::new(Vec::new());
    let complete = || {
        while let Some((at, (file, place))) = locked(&next).next() {
            let result = place.complete(file).map(|()| place);
            locked(&done).push((at, result));
        }
    };
    std::thread::scope(|scope| {
        // Where the system has no more threads, this one does it alone.
        for _ in 0..HELPERS {
            let _ = std::thread::Builder::new().spawn_scoped(scope, complete);
        }
        complete();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives complete files their names, replacing files of these names; tells the names.
pub fn publish(places: impl IntoIterator<Item = Place>) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for Place { target, hidden } in places {
        hidden.persist(&target).map_err(|error| Error::file("rename to", &target, error.error))?;
        names.extend(target.file_name().map(|name| name.to_string_lossy().into_owned()));
    }
    Ok(names)
}
