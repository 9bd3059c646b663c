//! From rows to files or record batches.
//!
//! A [`Sink`] gives every worker an [`Encoder`] per table, so that encoding runs in parallel, and takes the encoded
//! [`Part`]s back in input order. What a row means is not known here; a column is a label and a picture.

mod about;
pub mod arrow;
pub mod batches;
pub mod csv;
pub mod describe;
pub mod discard;
pub mod files;
pub mod fixed;
pub mod folder;
pub mod joined;
mod parquet;
pub mod pipe;
pub(crate) mod spool;
pub mod tee;
pub mod veil;

pub use self::about::About;
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

/// Columns that tell the delivery, in order; loaders of CCLF add them to CMS's.
pub const FILE_COLUMNS: [&str; 2] = ["FILE_NAME", "FILE_DATE"];

/// What stands after a record of a text format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineEnd {
    /// one line feed
    #[default]
    Lf,
    /// carriage return and line feed
    CrLf,
}

impl LineEnd {
    /// Its bytes.
    pub fn bytes(self) -> &'static [u8] {
        match self {
            LineEnd::Lf => b"\n",
            LineEnd::CrLf => b"\r\n",
        }
    }
}

/// A column of an output table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutColumn {
    /// CCLF label, or the name of a lineage column
    pub label: String,
    /// how its texts are written
    pub picture: Picture,
    /// what formats with metadata say of the column, by name
    pub about: About,
}

/// An output table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutTable {
    /// e.g. `CCLF1`
    pub name: String,
    /// in order
    pub columns: Vec<OutColumn>,
    /// what formats with metadata say of the table, by name
    pub about: About,
    /// how many of the last columns are in no layout: lineage, and the delivery's
    pub added: usize,
}

/// What a format made of a cell it cannot hold as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// commas of a name became spaces
    Comma,
    /// characters of a name became their nearest ASCII characters
    Folded,
    /// characters of a name became `?`
    Unfoldable,
    /// a name was cut to its width
    Cut,
    /// a code that is too wide was left blank
    TooWide,
    /// a code with a comma or outside ASCII was left blank
    Unwritable,
}

impl Change {
    /// The value is not in the output.
    pub fn is_loss(self) -> bool {
        matches!(self, Change::TooWide | Change::Unwritable)
    }

    /// A short stable name.
    pub fn kind(self) -> &'static str {
        match self {
            Change::Comma => "comma-replaced",
            Change::Folded => "folded",
            Change::Unfoldable => "unfoldable",
            Change::Cut => "cut",
            Change::TooWide => "too-wide",
            Change::Unwritable => "unwritable",
        }
    }

    /// Expectation and finding.
    pub fn message(self) -> &'static str {
        match self {
            Change::Comma => "expected a name without commas, found some: written as spaces",
            Change::Folded => "expected a name in printable ASCII, found other characters: written as the nearest",
            Change::Unfoldable => "expected a name in printable ASCII, found characters near none: written as `?`",
            Change::Cut => "expected fewer characters: cut to the width",
            Change::TooWide => "expected a code no wider than its fixed-width field, found a wider one: blank there",
            Change::Unwritable => {
                "expected a code in printable ASCII without commas for its fixed-width field, found another: blank there"
            }
        }
    }
}

/// A [`Change`] of one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellNote {
    /// index of the column in its table
    pub column: usize,
    /// what was made of it
    pub change: Change,
}

impl OutTable {
    /// The columns of a table's layout, with those of lineage and of the delivery if wanted.
    pub fn of(table: &Table, lineage: bool, file_columns: bool) -> OutTable {
        let fields = table.layout.fields.iter().map(|field| (field.label.as_str(), field.picture));
        let lineage = if lineage { &LINEAGE[..] } else { &[] };
        let text = Picture::Text { width: 255 };
        let files = [(FILE_COLUMNS[0], text), (FILE_COLUMNS[1], Picture::Date)];
        let files = if file_columns { &files[..] } else { &[] };
        let columns = fields.chain(lineage.iter().map(|label| (*label, text))).chain(files.iter().copied());
        OutTable {
            name: table.layout.table.clone(),
            columns: columns.map(OutColumn::of).collect(),
            about: About::new(),
            added: table.layout.fields.iter().filter(|field| field.own).count() + lineage.len() + files.len(),
        }
    }

    /// CCLF0, the file summary.
    pub fn summary() -> OutTable {
        let columns = [
            ("File Number", Picture::Text { width: 7 }),
            ("File Description", Picture::Text { width: 43 }),
            ("Total Records Count", Picture::Digits { width: 11 }),
            ("Record Length", Picture::Digits { width: 5 }),
        ];
        OutTable {
            name: SUMMARY_TABLE.to_string(),
            columns: columns.map(OutColumn::of).to_vec(),
            about: About::new(),
            added: 0,
        }
    }
}

impl OutColumn {
    fn of((label, picture): (&str, Picture)) -> OutColumn {
        OutColumn { label: label.to_string(), picture, about: About::new() }
    }
}

/// Encodes rows of one table; belongs to one worker.
pub trait Encoder: Send {
    /// Appends a row.
    fn row(&mut self, row: &Row) -> Result<()>;

    /// Everything since the last time.
    fn take(&mut self) -> Result<Part>;

    /// What was changed in the row appended last. Who writes rows reports it with their place.
    fn notes(&self) -> &[CellNote] {
        &[]
    }
}

/// Encoded rows.
#[derive(Debug)]
pub enum Part {
    /// bytes of a text format, without a header
    Bytes(Vec<u8>),
    /// the same with the position behind every row
    Rows(Vec<u8>, Vec<usize>),
    /// rows as Arrow; `None` if there are none
    Batch(Option<::arrow::array::RecordBatch>),
    /// of several formats, in the order of their sinks
    Many(Vec<Part>),
}

impl Part {
    /// Bytes of memory it holds.
    pub fn held(&self) -> usize {
        match self {
            Part::Bytes(bytes) => bytes.capacity(),
            Part::Rows(bytes, ends) => bytes.capacity() + ends.capacity() * size_of::<usize>(),
            Part::Batch(batch) => batch.as_ref().map_or(0, |batch| batch.get_array_memory_size()),
            Part::Many(parts) => parts.iter().map(Part::held).sum(),
        }
    }
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

    /// Names of the files it wrote, once finished; none if it writes no files.
    fn files(&self) -> Vec<String> {
        Vec::new()
    }
}
