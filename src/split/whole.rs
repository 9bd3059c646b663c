//! One table of a whole export as record batches: what `convert` would write, for a caller who wants no files.
//!
//! Which claims count, and what a beneficiary's row says, is known when the last line has been read. So rows wait in an
//! unnamed file of the spool folder, gone with the process however that ends, and are handed out when all is done.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use super::options::Options;
use super::schema::{cut, project};
use crate::error::{Error, Result};
use crate::job::{Job, Observer, SUMMARY_TABLE};
use crate::report::Report;
use crate::write::arrow::{ArrowEncoder, schema};
use crate::write::joined::{BATCH, Joined};
use crate::write::{Encoder, OutTable, Part, Sink};

/// Bytes gathered before the file is written to or after it is read.
const BUFFER: usize = 1 << 20;

/// The rows of one table, in input order.
pub struct Whole {
    schema: SchemaRef,
    rows: StreamReader<BufReader<File>>,
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
    let Some(Kept { rows: writer, .. }) = sink.kept.take() else {
        return Err(Error::Usage(format!("expected rows of one table, found none: `{table}`")));
    };
    let trouble = trouble(&job.spool);
    let file = writer.into_inner().map_err(|error| trouble(io(error)))?;
    let mut file = file.into_inner().map_err(|error| trouble(error.into_error()))?;
    file.seek(SeekFrom::Start(0)).map_err(&trouble)?;
    let rows = StreamReader::try_new(BufReader::with_capacity(BUFFER, file), None).map_err(|e| trouble(io(e)))?;
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
        let broken = |error| trouble(Path::new("the spool folder"))(io(error));
        Some(self.rows.next()?.map_err(broken).and_then(|batch| cut(&batch, &self.schema)))
    }
}

fn trouble(folder: &Path) -> impl Fn(std::io::Error) -> Error + use<> {
    let folder = folder.to_path_buf();
    move |error| Error::file("keep rows in", &folder, error)
}

fn io(error: ArrowError) -> std::io::Error {
    match error {
        ArrowError::IoError(_, error) => error,
        error => std::io::Error::other(error.to_string()),
    }
}

/// Keeps the rows of one table in a file until the run is done.
struct Waiting {
    table: String,
    folder: PathBuf,
    tables: Vec<OutTable>,
    kept: Option<Kept>,
}

struct Kept {
    joined: Joined,
    rows: StreamWriter<BufWriter<File>>,
}

impl Kept {
    fn push(&mut self, batch: RecordBatch) -> std::result::Result<(), ArrowError> {
        self.joined.push(batch)?.map_or(Ok(()), |batch| self.rows.write(&batch))
    }

    fn finish(&mut self) -> std::result::Result<(), ArrowError> {
        self.joined.rest()?.map_or(Ok(()), |batch| self.rows.write(&batch))?;
        self.rows.finish()
    }
}

impl Sink for Waiting {
    fn begin(&mut self, tables: &[OutTable]) -> Result<()> {
        self.tables = tables.to_vec();
        self.kept = None;
        if let Some(table) = tables.iter().find(|table| table.name == self.table) {
            let trouble = trouble(&self.folder);
            let file = tempfile::tempfile_in(&self.folder).map_err(&trouble)?;
            let file = BufWriter::with_capacity(BUFFER, file);
            let schema = schema(table);
            let rows = StreamWriter::try_new(file, &schema).map_err(|error| trouble(io(error)))?;
            self.kept = Some(Kept { joined: Joined::new(schema, BATCH), rows });
        }
        Ok(())
    }

    fn encoder(&self, table: usize) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(ArrowEncoder::new(&self.tables[table])))
    }

    fn part(&mut self, table: usize, part: Part) -> Result<()> {
        match (&mut self.kept, part) {
            (Some(kept), Part::Batch(Some(batch))) if self.tables[table].name == self.table => {
                kept.push(batch).map_err(|error| trouble(&self.folder)(io(error)))
            }
            _ => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<()> {
        match &mut self.kept {
            Some(kept) => kept.finish().map_err(|error| trouble(&self.folder)(io(error))),
            None => Ok(()),
        }
    }
}
