//! CMS's own form: fixed-width files under CMS's names, for whoever loads CCLF as CMS delivers it.
//!
//! Every record is exactly as long as its layout says, one byte a character, then the line end. Codes and dates
//! stand left, numbers right, blanks are spaces; an amount's minus stands directly before its first digit, so a reader
//! that trims and one that casts both get it right. CCLF0 is the only file with `|`, at CMS's columns, and with a
//! header. Lineage columns are in no layout and are not written here.
//!
//! What a field cannot hold as it is, [`Encoder::notes`] tells; [`FixedEncoder`] says what becomes of it.

mod ascii;
mod name;
mod record;
mod zip;

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

pub use self::name::{Delivered, Entity, FileName};
pub use self::record::FixedEncoder;
pub use super::LineEnd;
use super::files::{self, Growing, Place};
use super::{Encoder, OutTable, Part, Sink};
use crate::error::{Error, Result};

/// The table that counts the others.
const SUMMARY: &str = "CCLF0";

/// How fixed-width files are written.
#[derive(Debug, Clone)]
pub struct FixedOptions {
    /// whose delivery it is, and of when
    pub name: FileName,
    /// one zip under the delivery's name instead of a file per table
    pub zip: bool,
    /// commas stay in names and addresses; widespread readers then drop the whole record without a word
    pub keep_commas: bool,
    /// what stands after a record; no part of its length
    pub line_end: LineEnd,
}

impl FixedOptions {
    /// Files under these names, LF, no commas.
    pub fn new(name: FileName) -> FixedOptions {
        FixedOptions { name, zip: false, keep_commas: false, line_end: LineEnd::Lf }
    }
}

/// Writes one file per table into a folder, or a zip of them.
///
/// Files grow under hidden names, readable by their owner only, and get their own names when all are complete.
#[derive(Debug)]
pub struct FixedSink {
    folder: PathBuf,
    options: FixedOptions,
    tables: Vec<OutTable>,
    files: Vec<(Growing, Place)>,
    written: Vec<String>,
}

impl FixedSink {
    /// A sink for an existing folder.
    pub fn new(folder: &Path, options: FixedOptions) -> FixedSink {
        FixedSink { folder: folder.to_path_buf(), options, tables: Vec::new(), files: Vec::new(), written: Vec::new() }
    }
}

impl FixedSink {
    /// Removes what an earlier run wrote of the same delivery and this one did not: a delivery is replaced whole.
    fn forget(&self, written: &[String]) -> Result<()> {
        for name in self.options.name.all().filter(|name| !written.contains(name)) {
            let old = self.folder.join(name);
            match std::fs::remove_file(&old) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::file("replace", &old, error)),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Sink for FixedSink {
    fn begin(&mut self, tables: &[OutTable]) -> Result<()> {
        self.files.clear();
        self.tables = tables.to_vec();
        for table in tables {
            let (mut file, place) = files::begin(&self.folder, &self.options.name.table(&table.name)?)?;
            if table.name == SUMMARY {
                let header = record::summary_header(self.options.line_end);
                file.write_all(&header).map_err(|error| place.trouble(error))?;
            }
            self.files.push((file, place));
        }
        Ok(())
    }

    fn encoder(&self, table: usize) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(FixedEncoder::new(&self.tables[table], &self.options)))
    }

    fn part(&mut self, table: usize, part: Part) -> Result<()> {
        let (file, place) = &mut self.files[table];
        match part {
            Part::Bytes(bytes) => file.write_all(&bytes).map_err(|error| place.trouble(error)),
            Part::Rows(..) | Part::Batch(_) | Part::Many(_) => {
                Err(Error::Write { table: place.name(), message: "expected encoded text".to_string() })
            }
        }
    }

    fn finish(&mut self) -> Result<()> {
        let mut whole = files::complete(std::mem::take(&mut self.files))?;
        if self.options.zip {
            let (zip, place) = files::begin(&self.folder, &self.options.name.zip())?;
            let zip = zip::write(zip, &place, &whole, &self.options.name.delivered)?;
            whole = files::complete(vec![(zip, place)])?;
        }
        let written = files::publish(whole)?;
        self.forget(&written)?;
        self.written = written;
        Ok(())
    }

    fn files(&self) -> Vec<String> {
        self.written.clone()
    }
}
