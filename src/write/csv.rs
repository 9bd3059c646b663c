//! CSV after RFC 4180 with LF line ends: header of labels, quotes only where needed, blank is null.
//!
//! Files grow under a hidden name beside their place and get their own name when all of them are complete, so a
//! reader never meets half a table. New files are readable by their owner only.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

use super::{Encoder, OutTable, Part, Sink};
use crate::crosswalk::row::Row;
use crate::error::{Error, Result};

/// Bytes gathered before a file is written to.
const BUFFER: usize = 256 << 10;

/// Writes `TABLE.csv` files into a folder.
#[derive(Debug)]
pub struct CsvSink {
    folder: PathBuf,
    files: Vec<(String, BufWriter<File>, TempPath)>,
}

impl CsvSink {
    /// A sink for an existing folder.
    pub fn new(folder: &Path) -> CsvSink {
        CsvSink { folder: folder.to_path_buf(), files: Vec::new() }
    }
}

impl Sink for CsvSink {
    fn begin(&mut self, tables: &[OutTable]) -> Result<()> {
        self.files.clear();
        for table in tables {
            let trouble = |error| Error::file("create a file in", &self.folder, error);
            let file = NamedTempFile::with_prefix_in(".claimfeed-", &self.folder).map_err(trouble)?;
            let (file, path) = file.into_parts();
            let mut writer = BufWriter::with_capacity(BUFFER, file);
            let mut header = CsvEncoder::default();
            let mut row = Row::default();
            for column in &table.columns {
                row.push(column.label.as_bytes());
            }
            header.row(&row)?;
            writer.write_all(&header.bytes).map_err(trouble)?;
            self.files.push((table.name.clone(), writer, path));
        }
        Ok(())
    }

    fn encoder(&self, _table: usize) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(CsvEncoder::default()))
    }

    fn part(&mut self, table: usize, part: Part) -> Result<()> {
        let (name, writer, _) = &mut self.files[table];
        match part {
            Part::Bytes(bytes) => {
                writer.write_all(&bytes).map_err(|error| Error::file("write", &self.folder.join(&*name), error))
            }
            Part::Batch(_) => Err(Error::Write { table: name.clone(), message: "expected encoded text".to_string() }),
        }
    }

    fn finish(&mut self) -> Result<()> {
        let mut done = Vec::new();
        for (name, writer, path) in self.files.drain(..) {
            let target = self.folder.join(format!("{name}.csv"));
            let file = writer.into_inner().map_err(|error| Error::file("write", &target, error.into_error()))?;
            file.sync_all().map_err(|error| Error::file("write", &target, error))?;
            done.push((path, target));
        }
        for (path, target) in done {
            path.persist(&target).map_err(|error| Error::file("rename to", &target, error.error))?;
        }
        Ok(())
    }
}

/// Encodes rows as CSV lines.
///
/// Most cells are short and plain, and a table has dozens of them: finding out that a cell needs no quotes must cost
/// less than a call. What needs quotes goes through the csv crate.
#[derive(Debug, Default)]
pub struct CsvEncoder {
    bytes: Vec<u8>,
}

/// Whether a cell must stand in quotes.
#[inline]
fn is_special(cell: &[u8]) -> bool {
    cell.iter().fold(false, |special, byte| special | matches!(byte, b',' | b'"' | b'\n' | b'\r'))
}

impl CsvEncoder {
    #[cold]
    fn quoted(&mut self, cell: &[u8]) {
        let mut quoted = vec![0; 2 * cell.len() + 2];
        let mut writer = csv_core::Writer::new();
        let (_, _, written) = writer.field(cell, &mut quoted);
        let (_, end) = writer.finish(&mut quoted[written..]);
        self.bytes.extend_from_slice(&quoted[..written + end]);
    }
}

impl Encoder for CsvEncoder {
    fn row(&mut self, row: &Row) -> Result<()> {
        if is_special(row.text()) || row.len() < 2 {
            for cell in row.cells() {
                // A line of one blank cell would be no line at all.
                if is_special(cell) || (cell.is_empty() && row.len() == 1) {
                    self.quoted(cell);
                } else {
                    self.bytes.extend_from_slice(cell);
                }
                self.bytes.push(b',');
            }
        } else {
            self.bytes.reserve(row.text().len() + row.len());
            for cell in row.cells() {
                self.bytes.extend_from_slice(cell);
                self.bytes.push(b',');
            }
        }
        // Instead of the last comma.
        self.bytes.pop();
        self.bytes.push(b'\n');
        Ok(())
    }

    fn take(&mut self) -> Result<Part> {
        let bytes = Vec::with_capacity(self.bytes.len());
        Ok(Part::Bytes(std::mem::replace(&mut self.bytes, bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_only_where_needed() {
        let mut encoder = CsvEncoder::default();
        let mut row = Row::default();
        for cell in ["", "a,b", "say \"x\"", "two\nlines", "plain", ""] {
            row.push(cell.as_bytes());
        }
        encoder.row(&row).unwrap();
        let Part::Bytes(bytes) = encoder.take().unwrap() else { panic!() };
        assert_eq!(String::from_utf8(bytes).unwrap(), ",\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",plain,\n");
    }

    proptest::proptest! {
        #[test]
        fn lines_are_those_of_the_csv_crate(rows in proptest::collection::vec(
            proptest::collection::vec("[a-z ,\"\n\rÄ]{0,20}", 1..5), 1..5,
        )) {
            let mut encoder = CsvEncoder::default();
            let mut writer = csv::WriterBuilder::new()
                .terminator(csv::Terminator::Any(b'\n'))
                .flexible(true)
                .from_writer(Vec::new());
            for cells in &rows {
                let mut row = Row::default();
                cells.iter().for_each(|cell| row.push(cell.as_bytes()));
                encoder.row(&row).unwrap();
                writer.write_record(cells).unwrap();
            }
            let Part::Bytes(bytes) = encoder.take().unwrap() else { panic!() };
            proptest::prop_assert_eq!(bytes, writer.into_inner().unwrap());
        }
    }
}
