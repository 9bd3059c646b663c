//! CSV after RFC 4180 with LF line ends, if not asked otherwise: header of labels, quotes only where needed, blank is null.

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;

use super::files::{self, Growing, Place};
use super::{Encoder, LineEnd, OutTable, Part, Sink};
use crate::crosswalk::row::Row;
use crate::error::{Error, Result};

/// How CSV files are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// `TABLE.csv.gz`
    Gzip,
    /// `TABLE.csv.zst`
    Zstd,
}

impl Compression {
    /// What file names end with.
    pub fn extension(self) -> &'static str {
        match self {
            Compression::Gzip => "csv.gz",
            Compression::Zstd => "csv.zst",
        }
    }
}

/// How CSV files are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CsvOptions {
    /// what ends a line
    pub line_end: LineEnd,
    /// `None`: plain
    pub compression: Option<Compression>,
}

/// Writes `TABLE.csv` files into a folder.
pub struct CsvSink {
    folder: PathBuf,
    options: CsvOptions,
    files: Vec<(Out, Place)>,
}

/// An open file. Text is a twentieth of the input: one thread compresses it as fast as the others make it.
enum Out {
    Plain(Growing),
    Gzip(GzEncoder<Growing>),
    Zstd(zstd::Encoder<'static, Growing>),
}

impl Out {
    fn new(file: Growing, compression: Option<Compression>) -> std::io::Result<Out> {
        Ok(match compression {
            None => Out::Plain(file),
            Some(Compression::Gzip) => Out::Gzip(GzEncoder::new(file, flate2::Compression::default())),
            Some(Compression::Zstd) => Out::Zstd(zstd::Encoder::new(file, zstd::DEFAULT_COMPRESSION_LEVEL)?),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Out::Plain(file) => file.write_all(bytes),
            Out::Gzip(file) => file.write_all(bytes),
            Out::Zstd(file) => file.write_all(bytes),
        }
    }

    fn finish(self) -> std::io::Result<Growing> {
        match self {
            Out::Plain(file) => Ok(file),
            Out::Gzip(file) => file.finish(),
            Out::Zstd(file) => file.finish(),
        }
    }
}

impl CsvSink {
    /// A sink for an existing folder: plain, LF.
    pub fn new(folder: &Path) -> CsvSink {
        CsvSink::with(folder, CsvOptions::default())
    }

    /// A sink for an existing folder.
    pub fn with(folder: &Path, options: CsvOptions) -> CsvSink {
        CsvSink { folder: folder.to_path_buf(), options, files: Vec::new() }
    }
}

/// The line of labels.
pub(super) fn header(table: &OutTable, line_end: LineEnd) -> Result<Vec<u8>> {
    let mut header = CsvEncoder::new(line_end);
    let mut row = Row::default();
    for column in &table.columns {
        row.push(column.label.as_bytes());
    }
    header.row(&row)?;
    Ok(header.bytes)
}

impl Sink for CsvSink {
    fn begin(&mut self, tables: &[OutTable]) -> Result<()> {
        self.files.clear();
        for table in tables {
            let extension = self.options.compression.map_or("csv", Compression::extension);
            let (file, place) = files::begin(&self.folder, &format!("{}.{extension}", table.name))?;
            let header = header(table, self.options.line_end)?;
            let mut out = Out::new(file, self.options.compression).map_err(|error| place.trouble(error))?;
            out.write(&header).map_err(|error| place.trouble(error))?;
            self.files.push((out, place));
        }
        Ok(())
    }

    fn encoder(&self, _table: usize) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(CsvEncoder::new(self.options.line_end)))
    }

    fn part(&mut self, table: usize, part: Part) -> Result<()> {
        let (out, place) = &mut self.files[table];
        match part {
            Part::Bytes(bytes) => out.write(&bytes).map_err(|error| place.trouble(error)),
            Part::Batch(_) | Part::Many(_) => {
                Err(Error::Write { table: "CSV".to_string(), message: "expected encoded text".to_string() })
            }
        }
    }

    fn finish(&mut self) -> Result<()> {
        let mut places = Vec::new();
        for (out, place) in self.files.drain(..) {
            place.complete(out.finish().map_err(|error| place.trouble(error))?)?;
            places.push(place);
        }
        files::publish(places)
    }
}

/// Encodes rows as CSV lines.
///
/// Most cells are short and plain, and a table has dozens of them: finding out that a cell needs no quotes must cost
/// less than a call. What needs quotes goes through the csv crate.
#[derive(Debug, Default)]
pub struct CsvEncoder {
    bytes: Vec<u8>,
    line_end: LineEnd,
}

/// Whether a cell must stand in quotes.
#[inline]
fn is_special(cell: &[u8]) -> bool {
    cell.iter().fold(false, |special, byte| special | matches!(byte, b',' | b'"' | b'\n' | b'\r'))
}

impl CsvEncoder {
    /// Lines that end so.
    pub fn new(line_end: LineEnd) -> CsvEncoder {
        CsvEncoder { bytes: Vec::new(), line_end }
    }

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
        self.bytes.extend_from_slice(self.line_end.bytes());
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
