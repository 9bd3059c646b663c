//! Rows that go nowhere: what is left of a run's time without encoding, or without files.
//!
//! For measuring, so it does exactly what other sinks do up to the point where it stops; and for passes that make none.

use super::csv::CsvEncoder;
use super::{Encoder, LineEnd, OutTable, Part, Sink};
use crate::crosswalk::row::Row;
use crate::error::Result;

/// Takes rows and drops them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discard {
    /// as they are made
    Rows,
    /// as CSV, in input order
    Csv,
}

impl Sink for Discard {
    fn begin(&mut self, _tables: &[OutTable]) -> Result<()> {
        Ok(())
    }

    fn encoder(&self, _table: usize) -> Result<Box<dyn Encoder>> {
        Ok(match self {
            Discard::Rows => Box::new(Nothing),
            Discard::Csv => Box::new(CsvEncoder::new(LineEnd::default())),
        })
    }

    fn part(&mut self, _table: usize, _part: Part) -> Result<()> {
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

struct Nothing;

impl Encoder for Nothing {
    fn row(&mut self, _row: &Row) -> Result<()> {
        Ok(())
    }

    fn take(&mut self) -> Result<Part> {
        Ok(Part::Bytes(Vec::new()))
    }
}
