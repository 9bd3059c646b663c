//! Rows with pseudonyms in place of persons, in any format: a sink before another sink.
//!
//! It stands between the rows and whoever encodes them, so everything before it (versions of claims, MBIs in force, counts)
//! goes by the true values, and every format, stream and cut has the replaced ones. A run without pseudonyms has no veil and
//! pays nothing.

use std::sync::Arc;

use super::{CellNote, Encoder, OutTable, Part, SUMMARY_TABLE, Sink};
use crate::crosswalk::kinds::{Kind, Kinds};
use crate::crosswalk::picture::Picture;
use crate::crosswalk::row::Row;
use crate::error::Result;
use crate::pseudonym::Pseudonyms;

/// Replaces what tells who somebody is, and hands all else on.
pub struct Veil<'a> {
    sink: &'a mut dyn Sink,
    kinds: &'a Kinds,
    pseudonyms: &'a Arc<Pseudonyms>,
    /// by table; `None`: nothing in it is of a person
    tables: Vec<Option<Arc<[Column]>>>,
}

#[derive(Debug, Clone, Copy)]
struct Column {
    kind: Kind,
    width: usize,
}

impl<'a> Veil<'a> {
    /// Before a sink.
    pub fn new(sink: &'a mut dyn Sink, kinds: &'a Kinds, pseudonyms: &'a Arc<Pseudonyms>) -> Veil<'a> {
        Veil { sink, kinds, pseudonyms, tables: Vec::new() }
    }

    fn columns(&self, table: &OutTable) -> Result<Option<Arc<[Column]>>> {
        if table.name == SUMMARY_TABLE {
            return Ok(None);
        }
        let columns: Vec<(&str, Picture)> =
            table.columns.iter().map(|column| (column.label.as_str(), column.picture)).collect();
        let kinds = self.kinds.of_table(&table.name, &columns)?;
        let column = |(kind, (_, picture)): (Kind, &(&str, Picture))| Column { kind, width: picture.width() };
        Ok(Some(kinds.into_iter().zip(&columns).map(column).collect()))
    }
}

impl Sink for Veil<'_> {
    fn begin(&mut self, tables: &[OutTable]) -> Result<()> {
        self.tables = tables.iter().map(|table| self.columns(table)).collect::<Result<_>>()?;
        self.sink.begin(tables)
    }

    fn encoder(&self, table: usize) -> Result<Box<dyn Encoder>> {
        let encoder = self.sink.encoder(table)?;
        Ok(match &self.tables[table] {
            None => encoder,
            Some(columns) => Box::new(Veiled {
                encoder,
                pseudonyms: self.pseudonyms.clone(),
                beneficiary: columns.iter().position(|column| column.kind == Kind::Beneficiary),
                columns: columns.clone(),
                known: vec![Known::default(); columns.len()],
                row: Row::default(),
                days: 0,
            }),
        })
    }

    fn part(&mut self, table: usize, part: Part) -> Result<()> {
        self.sink.part(table, part)
    }

    fn finish(&mut self) -> Result<()> {
        self.sink.finish()
    }

    fn files(&self) -> Vec<String> {
        self.sink.files()
    }
}

/// What stood in a column last, and what for it: rows of a claim follow each other, and encryption is dear.
#[derive(Debug, Clone, Default)]
struct Known {
    text: Vec<u8>,
    pseudonym: Vec<u8>,
}

struct Veiled {
    encoder: Box<dyn Encoder>,
    pseudonyms: Arc<Pseudonyms>,
    columns: Arc<[Column]>,
    /// its column
    beneficiary: Option<usize>,
    /// by column
    known: Vec<Known>,
    row: Row,
    /// by which the dates of the beneficiary met last move
    days: i32,
}

impl Veiled {
    /// Shifts of rows go by whom they are about; the hash is asked for when that changes.
    fn meet(&mut self, row: &Row) {
        let beneficiary = self.beneficiary.map_or(&b""[..], |at| row.cell(at));
        let same = self.beneficiary.is_some_and(|at| self.known[at].text == beneficiary);
        if !same || self.days == 0 {
            self.days = self.pseudonyms.days(beneficiary);
        }
    }
}

impl Encoder for Veiled {
    fn row(&mut self, row: &Row) -> Result<()> {
        if self.pseudonyms.shifts() {
            self.meet(row);
        }
        self.row.clear();
        for ((cell, column), known) in row.cells().zip(self.columns.iter()).zip(&mut self.known) {
            match column.kind {
                Kind::Kept => self.row.push(cell),
                Kind::Date if self.days == 0 || cell.is_empty() => self.row.push(cell),
                Kind::Date => {
                    Pseudonyms::date(cell, self.days, self.row.buffer());
                    self.row.end_cell();
                }
                kind => {
                    if known.text != cell {
                        known.text.clear();
                        known.text.extend_from_slice(cell);
                        known.pseudonym.clear();
                        self.pseudonyms.text(kind, cell, column.width, &mut known.pseudonym);
                    }
                    self.row.push(&known.pseudonym);
                }
            }
        }
        self.encoder.row(&self.row)
    }

    fn take(&mut self) -> Result<Part> {
        self.encoder.take()
    }

    fn notes(&self) -> &[CellNote] {
        self.encoder.notes()
    }
}
