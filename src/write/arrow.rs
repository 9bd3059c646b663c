//! Arrow record batches: amounts as exact decimals, dates as dates, codes as text with their leading zeros.
//!
//! Batches are made in the workers, a chunk of input at a time, and joined in input order.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Builder, Decimal128Builder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::spool::Spool;
use super::{Encoder, OutColumn, OutTable, Part, Sink};
use crate::crosswalk::amount::scaled;
use crate::crosswalk::picture::Picture;
use crate::crosswalk::row::Row;
use crate::error::{Error, Result};

/// The Arrow schema of an output table. Every column may be null; a decimal has the picture's digits.
pub fn schema(table: &OutTable) -> SchemaRef {
    let field = |column: &OutColumn| {
        let metadata = column.about.clone().into_iter().collect();
        Field::new(&column.label, data_type(column.picture), true).with_metadata(metadata)
    };
    let fields: Vec<Field> = table.columns.iter().map(field).collect();
    Arc::new(Schema::new(fields).with_metadata(table.about.clone().into_iter().collect()))
}

fn data_type(picture: Picture) -> DataType {
    match picture {
        Picture::Text { .. } | Picture::Digits { .. } => DataType::Utf8,
        Picture::Decimal { whole, scale } => DataType::Decimal128((whole + scale) as u8, scale as i8),
        Picture::Date => DataType::Date32,
    }
}

/// Hands record batches to a closure: table name and batch of [`BATCH`](super::joined::BATCH) rows or more, the last of fewer, table by
/// table, each in input order.
///
/// They come when all is read: which claims count is not known before, and what was handed on cannot be taken back. Until then they
/// wait in unnamed files.
pub struct ArrowSink<F> {
    folder: PathBuf,
    tables: Vec<OutTable>,
    spools: Vec<Spool>,
    batches: F,
}

impl<F: FnMut(&str, RecordBatch) -> Result<()> + Send> ArrowSink<F> {
    /// A sink that calls `batches`; rows wait in the system's folder for temporary files.
    pub fn new(batches: F) -> Self {
        ArrowSink::in_folder(std::env::temp_dir(), batches)
    }

    /// The same with another folder for rows to wait in.
    pub fn in_folder(folder: impl Into<PathBuf>, batches: F) -> Self {
        ArrowSink { folder: folder.into(), tables: Vec::new(), spools: Vec::new(), batches }
    }
}

impl<F: FnMut(&str, RecordBatch) -> Result<()> + Send> Sink for ArrowSink<F> {
    fn begin(&mut self, tables: &[OutTable]) -> Result<()> {
        self.tables = tables.to_vec();
        self.spools = tables.iter().map(|table| Spool::new(&schema(table), &self.folder)).collect::<Result<_>>()?;
        Ok(())
    }

    fn encoder(&self, table: usize) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(ArrowEncoder::new(&self.tables[table])))
    }

    fn part(&mut self, table: usize, part: Part) -> Result<()> {
        match part {
            Part::Batch(Some(batch)) => self.spools[table].push(batch),
            Part::Batch(None) => Ok(()),
            Part::Bytes(_) | Part::Rows(..) | Part::Many(_) => {
                let message = "expected record batches".to_string();
                Err(Error::Write { table: self.tables[table].name.clone(), message })
            }
        }
    }

    fn finish(&mut self) -> Result<()> {
        for (table, spool) in self.tables.iter().zip(std::mem::take(&mut self.spools)) {
            for batch in spool.read()? {
                (self.batches)(&table.name, batch?)?;
            }
        }
        Ok(())
    }
}

enum Column {
    Text(StringBuilder),
    Decimal(Decimal128Builder, usize),
    Date(Date32Builder),
}

/// Encodes rows as one record batch at a time.
pub struct ArrowEncoder {
    table: String,
    schema: SchemaRef,
    columns: Vec<Column>,
    rows: usize,
}

impl ArrowEncoder {
    /// For rows of this table.
    pub fn new(table: &OutTable) -> ArrowEncoder {
        let columns = table
            .columns
            .iter()
            .map(|column| match column.picture {
                Picture::Decimal { scale, .. } => {
                    Column::Decimal(Decimal128Builder::new().with_data_type(data_type(column.picture)), scale)
                }
                Picture::Date => Column::Date(Date32Builder::new()),
                _ => Column::Text(StringBuilder::new()),
            })
            .collect();
        ArrowEncoder { table: table.name.clone(), schema: schema(table), columns, rows: 0 }
    }

    fn trouble(&self, error: &dyn std::fmt::Display) -> Error {
        Error::Write { table: self.table.clone(), message: error.to_string() }
    }
}

impl Encoder for ArrowEncoder {
    fn row(&mut self, row: &Row) -> Result<()> {
        self.rows += 1;
        for (column, cell) in self.columns.iter_mut().zip(row.cells()) {
            match column {
                Column::Text(builder) if cell.is_empty() => builder.append_null(),
                // Cells come from JSON strings, which the parser has validated.
                Column::Text(builder) => builder.append_value(std::str::from_utf8(cell).unwrap_or_default()),
                Column::Decimal(builder, scale) => builder.append_option(scaled(cell, *scale)),
                Column::Date(builder) => builder.append_option(days(cell)),
            }
        }
        Ok(())
    }

    fn take(&mut self) -> Result<Part> {
        if std::mem::take(&mut self.rows) == 0 {
            return Ok(Part::Batch(None));
        }
        let arrays: Vec<ArrayRef> = self
            .columns
            .iter_mut()
            .map(|column| -> ArrayRef {
                match column {
                    Column::Text(builder) => Arc::new(builder.finish()),
                    Column::Decimal(builder, _) => Arc::new(builder.finish()),
                    Column::Date(builder) => Arc::new(builder.finish()),
                }
            })
            .collect();
        let batch = RecordBatch::try_new(self.schema.clone(), arrays).map_err(|error| self.trouble(&error))?;
        Ok(Part::Batch(Some(batch)))
    }
}

/// Days since 1970-01-01 of an ISO date; `None` for a blank.
fn days(cell: &[u8]) -> Option<i32> {
    if cell.len() != 10 {
        return None;
    }
    let number = |range: std::ops::Range<usize>| cell[range].iter().fold(0i64, |n, b| n * 10 + i64::from(b - b'0'));
    // Howard Hinnant's days_from_civil.
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    i32::try_from(era * 146_097 + day_of_era - 719_468).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_since_1970() {
        assert_eq!(days(b"1970-01-01"), Some(0));
        assert_eq!(days(b"1969-12-31"), Some(-1));
        assert_eq!(days(b"2000-02-29"), Some(11016));
        assert_eq!(days(b"2026-11-20"), Some(20777));
        assert_eq!(days(b""), None);
    }
}
