//! Several formats in one pass: every row goes to each of them.

use super::{CellNote, Encoder, OutTable, Part, Sink};
use crate::crosswalk::row::Row;
use crate::error::{Error, Result};

/// Hands everything to several sinks.
pub struct Tee {
    sinks: Vec<Box<dyn Sink>>,
}

impl Tee {
    /// All of the sinks; a single one is used as it is, and costs nothing more.
    pub fn of(mut sinks: Vec<Box<dyn Sink>>) -> Box<dyn Sink> {
        match sinks.pop() {
            Some(only) if sinks.is_empty() => only,
            last => {
                sinks.extend(last);
                Box::new(Tee { sinks })
            }
        }
    }
}

impl Sink for Tee {
    fn begin(&mut self, tables: &[OutTable]) -> Result<()> {
        self.sinks.iter_mut().try_for_each(|sink| sink.begin(tables))
    }

    fn encoder(&self, table: usize) -> Result<Box<dyn Encoder>> {
        let encoders = self.sinks.iter().map(|sink| sink.encoder(table)).collect::<Result<_>>()?;
        Ok(Box::new(TeeEncoder { encoders, notes: Vec::new() }))
    }

    fn part(&mut self, table: usize, part: Part) -> Result<()> {
        let parts = match part {
            Part::Many(parts) if parts.len() == self.sinks.len() => parts,
            _ => {
                let message = "expected a part for each format".to_string();
                return Err(Error::Write { table: "several formats".to_string(), message });
            }
        };
        self.sinks.iter_mut().zip(parts).try_for_each(|(sink, part)| sink.part(table, part))
    }

    fn finish(&mut self) -> Result<()> {
        self.sinks.iter_mut().try_for_each(|sink| sink.finish())
    }

    fn files(&self) -> Vec<String> {
        self.sinks.iter().flat_map(|sink| sink.files()).collect()
    }
}

struct TeeEncoder {
    encoders: Vec<Box<dyn Encoder>>,
    notes: Vec<CellNote>,
}

impl Encoder for TeeEncoder {
    fn row(&mut self, row: &Row) -> Result<()> {
        self.notes.clear();
        for encoder in &mut self.encoders {
            encoder.row(row)?;
            self.notes.extend_from_slice(encoder.notes());
        }
        Ok(())
    }

    fn take(&mut self) -> Result<Part> {
        Ok(Part::Many(self.encoders.iter_mut().map(|encoder| encoder.take()).collect::<Result<_>>()?))
    }

    fn notes(&self) -> &[CellNote] {
        &self.notes
    }
}
