//! CSV after RFC 4180 with LF line ends, if not asked otherwise: header of labels, quotes only where needed, blank is null.

mod sink;

use std::num::NonZeroU64;

pub use self::sink::CsvSink;
use super::{Encoder, LineEnd, OutTable, Part};
use crate::crosswalk::row::{MARK, Row};
use crate::error::Result;

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
    /// `None`: one file for each table
    pub rows_per_file: Option<NonZeroU64>,
}

/// The line of labels.
pub(in crate::write) fn header(table: &OutTable, line_end: LineEnd) -> Result<Vec<u8>> {
    let mut header = CsvEncoder::new(line_end);
    let mut row = Row::default();
    for column in &table.columns {
        row.push(column.label.as_bytes());
    }
    header.row(&row)?;
    Ok(header.bytes)
}

/// Encodes rows as CSV lines.
///
/// Most rows need no quotes and are a line as they are, with their marks for commas. What needs quotes goes through the csv
/// crate.
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

/// Whether some cell of the row must stand in quotes.
#[inline]
fn has_special(row: &Row) -> bool {
    let commas = memchr::memchr_iter(MARK, row.marked()).count();
    commas > row.len()
        || row.marked().iter().fold(false, |special, byte| special | matches!(byte, b'"' | b'\n' | b'\r'))
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
        const { assert!(MARK == b',') };
        if has_special(row) || row.len() < 2 {
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
            self.bytes.extend_from_slice(row.marked());
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

/// The same, telling where rows end.
#[derive(Debug, Default)]
struct CountingEncoder {
    csv: CsvEncoder,
    ends: Vec<usize>,
}

impl Encoder for CountingEncoder {
    fn row(&mut self, row: &Row) -> Result<()> {
        self.csv.row(row)?;
        self.ends.push(self.csv.bytes.len());
        Ok(())
    }

    fn take(&mut self) -> Result<Part> {
        let bytes = std::mem::take(&mut self.csv.bytes);
        Ok(Part::Rows(bytes, std::mem::take(&mut self.ends)))
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
