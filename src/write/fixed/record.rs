//! One row as one record.
//!
//! A name or an address may lose what a byte cannot hold: commas become spaces (unless they are to stay), other
//! letters their ASCII neighbours, what is too long is cut. A code, an amount, a date is written whole or not at all,
//! for a changed one would be a wrong one: what its field cannot hold is blank and a loss. Each change is noted, once
//! a cell.

use super::ascii::{Folded, fold};
use super::{FixedOptions, LineEnd, SUMMARY};
use crate::crosswalk::picture::Picture;
use crate::crosswalk::row::Row;
use crate::error::{Error, Result};
use crate::write::{CellNote, Change, Encoder, OutTable, Part};

/// The header of CCLF0, 69 columns.
pub fn summary_header(line_end: LineEnd) -> Vec<u8> {
    let titles = [("File Number", 13), ("File Description", 20), ("Total Records Count", 20), ("Record Length", 13)];
    let titles: Vec<String> = titles.iter().map(|(title, width)| format!("{title:<width$}")).collect();
    [titles.join("|").as_bytes(), line_end.bytes()].concat()
}

#[derive(Debug, Clone, Copy)]
struct Field {
    width: usize,
    /// numbers stand right
    right: bool,
    /// a name, an address, or a description of CCLF0
    free: bool,
}

/// Encodes rows as records of one table.
///
/// Names and addresses are folded to ASCII without commas; what else its field cannot hold is blank. Each change is a
/// [`CellNote`].
#[derive(Debug)]
pub struct FixedEncoder {
    table: String,
    fields: Vec<Field>,
    /// CCLF0: `|` between fields and a blank at the end
    summary: bool,
    keep_commas: bool,
    line_end: LineEnd,
    bytes: Vec<u8>,
    notes: Vec<CellNote>,
    folded: Vec<u8>,
}

impl FixedEncoder {
    /// For rows of this table; its lineage columns are left out.
    pub fn new(table: &OutTable, options: &FixedOptions) -> FixedEncoder {
        let columns = &table.columns[..table.columns.len().saturating_sub(table.added)];
        let summary = table.name == SUMMARY;
        let fields = columns
            .iter()
            .map(|column| Field {
                width: column.picture.width(),
                right: matches!(column.picture, Picture::Digits { .. } | Picture::Decimal { .. }),
                free: summary || column.label.ends_with("_NAME") || column.label.ends_with("_ADR"),
            })
            .collect();
        FixedEncoder {
            table: table.name.clone(),
            fields,
            summary,
            keep_commas: options.keep_commas,
            line_end: options.line_end,
            bytes: Vec::new(),
            notes: Vec::new(),
            folded: Vec::new(),
        }
    }

    fn cell(&mut self, column: usize, cell: &[u8]) {
        let Field { width, right, free } = self.fields[column];
        let cell = cell.trim_ascii();
        let is_plain = |b: &u8| (*b == b' ' || b.is_ascii_graphic()) && (*b != b',' || self.keep_commas);
        if cell.len() <= width && cell.iter().all(is_plain) {
            pad(&mut self.bytes, cell, width, right);
        } else if free {
            self.fold(column, cell);
            let text = self.folded.trim_ascii();
            let text = if text.len() > width {
                self.notes.push(CellNote { column, change: Change::Cut });
                text[..width].trim_ascii_end()
            } else {
                text
            };
            pad(&mut self.bytes, text, width, right);
        } else {
            let change = if cell.iter().all(is_plain) { Change::TooWide } else { Change::Unwritable };
            self.notes.push(CellNote { column, change });
            pad(&mut self.bytes, b"", width, right);
        }
    }

    /// Fills `folded` with a name in ASCII.
    fn fold(&mut self, column: usize, cell: &[u8]) {
        self.folded.clear();
        let (mut commas, mut near, mut unknown) = (false, false, false);
        for c in String::from_utf8_lossy(cell).chars() {
            match fold(c) {
                Folded::Same(b',') if !self.keep_commas => {
                    commas = true;
                    self.folded.push(b' ');
                }
                Folded::Same(byte) => self.folded.push(byte),
                Folded::Near(byte) => {
                    near = true;
                    self.folded.push(byte);
                }
                Folded::Nothing => near = true,
                Folded::Unknown => {
                    unknown = true;
                    self.folded.push(b'?');
                }
            }
        }
        for (is, change) in [(commas, Change::Comma), (near, Change::Folded), (unknown, Change::Unfoldable)] {
            if is {
                self.notes.push(CellNote { column, change });
            }
        }
    }
}

fn pad(out: &mut Vec<u8>, text: &[u8], width: usize, right: bool) {
    let end = out.len() + width;
    if right {
        out.resize(end - text.len(), b' ');
    }
    out.extend_from_slice(text);
    out.resize(end, b' ');
}

impl Encoder for FixedEncoder {
    fn row(&mut self, row: &Row) -> Result<()> {
        self.notes.clear();
        if row.len() < self.fields.len() {
            let message = format!("expected a row of {} cells, found {}", self.fields.len(), row.len());
            return Err(Error::Write { table: self.table.clone(), message });
        }
        for column in 0..self.fields.len() {
            if self.summary && column > 0 {
                self.bytes.push(b'|');
            }
            self.cell(column, row.cell(column));
        }
        if self.summary {
            self.bytes.push(b' ');
        }
        self.bytes.extend_from_slice(self.line_end.bytes());
        Ok(())
    }

    fn take(&mut self) -> Result<Part> {
        Ok(Part::Bytes(std::mem::take(&mut self.bytes)))
    }

    fn notes(&self) -> &[CellNote] {
        &self.notes
    }
}
