//! From rows to files or record batches.
//!
//! A [`Sink`] gives every worker an [`Encoder`] per table, so that encoding runs in parallel, and takes the encoded
//! [`Part`]s back in input order. What a row means is not known here; a column is a label and a picture.

pub mod arrow;
pub mod csv;
pub mod describe;

use crate::crosswalk::picture::Picture;
use crate::crosswalk::row::Row;
use crate::crosswalk::schema::Table;
use crate::error::Result;

/// Name of the file summary table.
pub const SUMMARY_TABLE: &str = "CCLF0";

/// What it is.
pub const SUMMARY_TITLE: &str = "File summary: rows and record length of every table";

/// Lineage columns, in order.
pub const LINEAGE: [&str; 3] = ["fhir_id", "source_file", "source_line"];

/// A column of an output table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutColumn {
    /// CCLF label, or the name of a lineage column
    pub label: String,
    /// how its texts are written
    pub picture: Picture,
}

/// An output table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutTable {
    /// e.g. `CCLF1`
    pub name: String,
    /// in order
    pub columns: Vec<OutColumn>,
}

impl OutTable {
    /// The columns of a table's layout, with those of lineage if wanted.
    pub fn of(table: &Table, lineage: bool) -> OutTable {
        let fields = table.layout.fields.iter().map(|field| (field.label.as_str(), field.picture));
        let lineage = LINEAGE.iter().filter(|_| lineage).map(|label| (*label, Picture::Text { width: 255 }));
        OutTable { name: table.layout.table.clone(), columns: fields.chain(lineage).map(OutColumn::of).collect() }
    }

    /// CCLF0, the file summary.
    pub fn summary() -> OutTable {
        let columns = [("File Number", 7), ("File Description", 43), ("Total Records Count", 11), ("Record Length", 5)];
        let column = |(label, width)| OutColumn::of((label, Picture::Text { width }));
        OutTable { name: SUMMARY_TABLE.to_string(), columns: columns.map(column).to_vec() }
    }
}

impl OutColumn {
    fn of((label, picture): (&str, Picture)) -> OutColumn {
        OutColumn { label: label.to_string(), picture }
    }
}

/// Encodes rows of one table; belongs to one worker.
pub trait Encoder: Send {
    /// Appends a row.
    fn row(&mut self, row: &Row) -> Result<()>;

    /// Everything since the last time.
    fn take(&mut self) -> Result<Part>;
}

/// Encoded rows.
#[derive(Debug)]
pub enum Part {
    /// bytes of a text format, without a header
    Bytes(Vec<u8>),
    /// rows as Arrow; `None` if there are none
    Batch(Option<::arrow::array::RecordBatch>),
}

/// Takes encoded rows in input order.
pub trait Sink: Send {
    /// Names the tables, before anything else. Called again if a run has to start over; nothing of before counts.
    fn begin(&mut self, tables: &[OutTable]) -> Result<()>;

    /// An encoder for one of the tables.
    fn encoder(&self, table: usize) -> Result<Box<dyn Encoder>>;

    /// Rows of a table, in input order.
    fn part(&mut self, table: usize, part: Part) -> Result<()>;

    /// All rows have come: makes the output visible.
    fn finish(&mut self) -> Result<()>;
}
