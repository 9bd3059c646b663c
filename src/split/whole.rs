//! One table of a whole export as record batches: what `convert` would write, for a caller who wants no files.
//!
//! Which claims count, and what a beneficiary's row says, is known when the last line has been read. So rows wait in an
//! unnamed file of the spool folder, gone with the process however that ends, and are handed out when all is done.

use std::path::PathBuf;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::options::Options;
use super::schema::{cut, project};
use crate::error::{Error, Result};
use crate::job::{Job, Observer, SUMMARY_TABLE};
use crate::report::Report;
use crate::write::arrow::{ArrowEncoder, schema};
use crate::write::spool::{Spool, Spooled};
use crate::write::{Encoder, OutTable, Part, Sink};

/// The rows of one table, in input order.
pub struct Whole {
    schema: SchemaRef,
    rows: Spooled,
    /// What the run told; the same that `convert` writes to summary.json.
    pub report: Report,
}

/// Runs the job for one table; `columns` of it in this order, or all.
pub fn read(job: &Job, table: &str, options: &Options, observer: &mut dyn Observer) -> Result<Whole> {
    if table.eq_ignore_ascii_case(SUMMARY_TABLE) {
        let hint = "it is the summary of a whole conversion: convert into files";
        return Err(Error::Usage(format!("expected one table of rows, found `{SUMMARY_TABLE}`\n  hint: {hint}")));
    }
    let mut job = job.clone();
    let name = options.whole(&mut job, table)?;
    let mut sink = Waiting { table: name, folder: job.spool.clone(), tables: Vec::new(), kept: None };
    let report = job.run(&mut sink, observer)?;
    let Some(kept) = sink.kept.take() else {
        return Err(Error::Usage(format!("expected rows of one table, found none: `{table}`")));
    };
    let rows = kept.read()?;
    let schema = project(&rows.schema(), &options.columns)?;
    Ok(Whole { schema, rows, report })
}

impl Whole {
    /// Of every batch.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

impl Iterator for Whole {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Result<RecordBatch>> {
        Some(self.rows.next()?.and_then(|batch| cut(&batch, &self.schema)))
    }
}

/// Keeps the rows of one table until the run is done.
struct Waiting {
    table: String,
    folder: PathBuf,
    tables: Vec<OutTable>,
    kept: Option<Spool>,
}

impl Sink for Waiting {
    fn begin(&mut self, tables: &[OutTable]) -> Result<()> {
        self.tables = tables.to_vec();
        let table = tables.iter().find(|table| table.name == self.table);
        self.kept = table.map(|table| Spool::new(&schema(table), &self.folder)).transpose()?;
        Ok(())
    }

    fn encoder(&self, table: usize) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(ArrowEncoder::new(&self.tables[table])))
    }

    fn part(&mut self, table: usize, part: Part) -> Result<()> {
        match (&mut self.kept, part) {
            (Some(kept), Part::Batch(Some(batch))) if self.tables[table].name == self.table => kept.push(batch),
            _ => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}
