//! One table to a pipe: `claimfeed convert ... -o - | python`.
//!
//! What has been sent cannot be taken back, and which claims count is known when the last one has been read. So rows wait
//! in an unnamed file, gone with the process however that ends, and are sent when all is done.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use arrow::ipc::writer::StreamWriter;

use super::arrow::{ArrowEncoder, schema};
use super::csv::{CsvEncoder, header};
use super::{Encoder, LineEnd, OutTable, Part, Sink};
use crate::error::{Error, Result};

/// Bytes gathered before the file is written to.
const BUFFER: usize = 256 << 10;

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
    folder: PathBuf,
    tables: Vec<OutTable>,
    out: W,
    waiting: Option<Waiting>,
}

enum Waiting {
    Csv(BufWriter<File>),
    Arrow(Box<StreamWriter<BufWriter<File>>>),
}

impl<W: Write + Send> PipeSink<W> {
    /// A sink for the table of this name; rows wait in a file of `folder`.
    pub fn new(table: &str, stream: Stream, folder: &Path, out: W) -> PipeSink<W> {
        let (table, folder) = (table.to_string(), folder.to_path_buf());
        PipeSink { table, stream, folder, tables: Vec::new(), out, waiting: None }
    }

    fn trouble(&self) -> impl Fn(std::io::Error) -> Error + use<W> {
        let folder = self.folder.clone();
        move |error| Error::file("write to a file in", &folder, error)
    }
}

fn sending(error: std::io::Error) -> Error {
    Error::file("write to", Path::new("standard output"), error)
}

fn io(error: arrow::error::ArrowError) -> std::io::Error {
    match error {
        arrow::error::ArrowError::IoError(_, error) => error,
        error => std::io::Error::other(error.to_string()),
    }
}

impl Waiting {
    fn begin(stream: Stream, table: &OutTable, file: File) -> Result<std::io::Result<Waiting>> {
        let mut file = BufWriter::with_capacity(BUFFER, file);
        Ok(match stream {
            Stream::Csv => {
                let header = header(table, LineEnd::Lf)?;
                file.write_all(&header).map(|()| Waiting::Csv(file))
            }
            Stream::Arrow => {
                StreamWriter::try_new(file, &schema(table)).map(|w| Waiting::Arrow(Box::new(w))).map_err(io)
            }
        })
    }

    fn add(&mut self, part: Part) -> std::io::Result<()> {
        match (self, part) {
            (Waiting::Csv(file), Part::Bytes(bytes)) => file.write_all(&bytes),
            (Waiting::Arrow(writer), Part::Batch(Some(batch))) => writer.write(&batch).map_err(io),
            (Waiting::Arrow(_), Part::Batch(None)) => Ok(()),
            _ => Err(std::io::Error::other("expected rows of the stream's own form")),
        }
    }

    fn end(self) -> std::io::Result<File> {
        let file = match self {
            Waiting::Csv(file) => file,
            Waiting::Arrow(writer) => writer.into_inner().map_err(io)?,
        };
        let mut file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }
}

impl<W: Write + Send> Sink for PipeSink<W> {
    fn begin(&mut self, tables: &[OutTable]) -> Result<()> {
        self.tables = tables.to_vec();
        self.waiting = None;
        if let Some(table) = tables.iter().find(|table| table.name == self.table) {
            let file = tempfile::tempfile_in(&self.folder).map_err(self.trouble())?;
            self.waiting = Some(Waiting::begin(self.stream, table, file)?.map_err(self.trouble())?);
        }
        Ok(())
    }

    fn encoder(&self, table: usize) -> Result<Box<dyn Encoder>> {
        Ok(match self.stream {
            Stream::Csv => Box::new(CsvEncoder::default()),
            Stream::Arrow => Box::new(ArrowEncoder::new(&self.tables[table])),
        })
    }

    fn part(&mut self, table: usize, part: Part) -> Result<()> {
        let trouble = self.trouble();
        match &mut self.waiting {
            Some(waiting) if self.tables[table].name == self.table => waiting.add(part).map_err(trouble),
            _ => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<()> {
        let Some(waiting) = self.waiting.take() else { return Ok(()) };
        let mut file = waiting.end().map_err(self.trouble())?;
        std::io::copy(&mut file, &mut self.out).and_then(|_| self.out.flush()).map_err(sending)
    }
}
