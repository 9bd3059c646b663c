//! The versions of claims in a split, for SQL to tell which of them counts.
//!
//! Deliveries overlap, and which version of a claim is the newest is known when all splits are read. A claim that a
//! rule leaves out still takes the place of its older versions, so there is a row for it too, though no table has one.

use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeBinaryBuilder, Int32Builder, Int64Builder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::options::SOURCE_NUMBER;
use super::plan::Split;
use super::read::{Lines, Sent};
use crate::error::{Error, Result};
use crate::job::{Job, Piece, Silent, Version};
use crate::report::Report;

/// The name that asks for versions in place of a table.
pub const VERSIONS: &str = "VERSIONS";

/// Rows of one batch.
const ROWS: usize = 64 << 10;

/// `claim_key` (16 bytes, equal for equal resource ids), `updated` (nanoseconds since 1970, null if the claim does not
/// say), `source_file` (name), `source_number` (position in the plan), `source_line` (1-based).
pub(super) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("claim_key", DataType::FixedSizeBinary(16), false),
        Field::new("updated", DataType::Int64, true),
        Field::new("source_file", DataType::Utf8, false),
        Field::new(SOURCE_NUMBER, DataType::Int32, false),
        Field::new("source_line", DataType::Int64, false),
    ]))
}

/// What the thread of [`Split::versions`] does.
pub(super) fn send(split: &Split, job: &Job, sent: Sent) -> Result<Report> {
    let lines = Lines::new(split).counted()?;
    let sources = [lines.source()?];
    let name = sources[0].name.clone();
    let mut rows = Rows::default();
    let result = Piece::new(job, &sources)?.versions(&mut Silent, |version| {
        rows.add(&version, &name, split.file);
        if rows.len < ROWS { Ok(()) } else { hand_on(&mut rows, &sent) }
    });
    let report = lines.placed(result)?;
    hand_on(&mut rows, &sent)?;
    Ok(report)
}

fn hand_on(rows: &mut Rows, sent: &Sent) -> Result<()> {
    if rows.len == 0 {
        return Ok(());
    }
    sent.send(rows.take()?).map_err(|_| Error::Interrupted)
}

struct Rows {
    keys: FixedSizeBinaryBuilder,
    updated: Int64Builder,
    names: StringBuilder,
    files: Int32Builder,
    lines: Int64Builder,
    len: usize,
}

impl Default for Rows {
    fn default() -> Rows {
        Rows {
            keys: FixedSizeBinaryBuilder::new(16),
            updated: Int64Builder::new(),
            names: StringBuilder::new(),
            files: Int32Builder::new(),
            lines: Int64Builder::new(),
            len: 0,
        }
    }
}

impl Rows {
    fn add(&mut self, version: &Version, name: &str, file: u32) {
        // 16 bytes are the builder's width.
        let _ = self.keys.append_value(version.key().to_be_bytes());
        self.updated.append_option(version.updated());
        self.names.append_value(name);
        self.files.append_value(file as i32);
        self.lines.append_value(version.line() as i64);
        self.len += 1;
    }

    fn take(&mut self) -> Result<RecordBatch> {
        self.len = 0;
        let columns: [ArrayRef; 5] = [
            Arc::new(self.keys.finish()),
            Arc::new(self.updated.finish()),
            Arc::new(self.names.finish()),
            Arc::new(self.files.finish()),
            Arc::new(self.lines.finish()),
        ];
        RecordBatch::try_new(schema(), columns.to_vec())
            .map_err(|error| Error::Write { table: VERSIONS.to_string(), message: error.to_string() })
    }
}
