//! One table to a pipe, as it grows: `claimfeed convert ... -o - | python`.
//!
//! What has been sent cannot be taken back, so a job that must start over ends with an error instead.

use std::io::{ErrorKind, Write};

use arrow::ipc::writer::StreamWriter;

use super::arrow::{ArrowEncoder, schema};
use super::csv::{CsvEncoder, header};
use super::{Encoder, LineEnd, OutTable, Part, Sink};
use crate::error::{Error, Result};

/// What goes through the pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// CSV with its header
    Csv,
    /// an Arrow IPC stream
    Arrow,
}

/// Writes one table to a pipe, and nothing of the others.
pub struct PipeSink<W: Write + Send> {
    table: String,
    stream: Stream,
    tables: Vec<OutTable>,
    /// `None` before the beginning
    out: Option<W>,
    open: Option<Open<W>>,
    sent: bool,
}

enum Open<W: Write> {
    Csv(W),
    Arrow(Box<StreamWriter<W>>),
}

impl<W: Write + Send> PipeSink<W> {
    /// A sink for the table of this name.
    pub fn new(table: &str, stream: Stream, out: W) -> PipeSink<W> {
        PipeSink { table: table.to_string(), stream, tables: Vec::new(), out: Some(out), open: None, sent: false }
    }

    fn is_it(&self, table: usize) -> bool {
        self.tables[table].name == self.table
    }
}

/// A reader that has gone away ends the job as an interruption does.
fn trouble(error: std::io::Error) -> Error {
    if error.kind() == ErrorKind::BrokenPipe {
        return Error::Interrupted;
    }
    Error::file("write to", std::path::Path::new("standard output"), error)
}

fn arrow_trouble(error: arrow::error::ArrowError) -> Error {
    match error {
        arrow::error::ArrowError::IoError(_, error) => trouble(error),
        error => trouble(std::io::Error::other(error.to_string())),
    }
}

impl<W: Write + Send> Sink for PipeSink<W> {
    fn begin(&mut self, tables: &[OutTable]) -> Result<()> {
        if self.sent {
            return Err(Error::Usage(
                "expected every claim once, and Patients and Coverages in files of their own, found it otherwise: rows that are sent cannot be taken back\n  hint: write to a folder instead of `-`"
                    .to_string(),
            ));
        }
        self.tables = tables.to_vec();
        let Some(table) = tables.iter().find(|table| table.name == self.table) else { return Ok(()) };
        let Some(mut out) = self.out.take() else { return Ok(()) };
        self.open = Some(match self.stream {
            Stream::Csv => {
                out.write_all(&header(table, LineEnd::Lf)?).map_err(trouble)?;
                Open::Csv(out)
            }
            Stream::Arrow => Open::Arrow(Box::new(StreamWriter::try_new(out, &schema(table)).map_err(arrow_trouble)?)),
        });
        Ok(())
    }

    fn encoder(&self, table: usize) -> Result<Box<dyn Encoder>> {
        Ok(match self.stream {
            Stream::Csv => Box::new(CsvEncoder::default()),
            Stream::Arrow => Box::new(ArrowEncoder::new(&self.tables[table])),
        })
    }

    fn part(&mut self, table: usize, part: Part) -> Result<()> {
        if !self.is_it(table) {
            return Ok(());
        }
        match (&mut self.open, part) {
            (Some(Open::Csv(out)), Part::Bytes(bytes)) if !bytes.is_empty() => {
                self.sent = true;
                out.write_all(&bytes).map_err(trouble)
            }
            (Some(Open::Arrow(writer)), Part::Batch(Some(batch))) => {
                self.sent = true;
                writer.write(&batch).map_err(arrow_trouble)
            }
            _ => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<()> {
        match self.open.take() {
            Some(Open::Csv(mut out)) => out.flush().map_err(trouble),
            Some(Open::Arrow(mut writer)) => {
                writer.finish().map_err(arrow_trouble)?;
                writer.get_mut().flush().map_err(trouble)
            }
            None => Ok(()),
        }
    }
}
