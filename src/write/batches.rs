//! Files of record batches: Parquet, Arrow IPC files and streams.
//!
//! Batches come from the workers, a chunk of input at a time and in input order. Each table has a thread that joins
//! them to larger ones, encodes, compresses and writes, so tables are written side by side and the order of the rows
//! is nobody's lock. Where batches are joined and row groups cut depends on the input alone: the bytes are the same for
//! any number of workers.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::writer::{FileWriter, StreamWriter};
use parquet::arrow::ArrowWriter;

use super::arrow::{ArrowEncoder, schema};
use super::files::{self, Growing, Place};
use super::joined::{BATCH, Joined};
use super::{Encoder, OutTable, Part, Sink, parquet as rules};
use crate::error::{Error, Result};

/// Batches that may wait for a table's thread.
const WAITING: usize = 16;

/// How files are cut; tests make the numbers small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cuts {
    /// rows that are joined before they are encoded
    pub joined: usize,
    /// rows of a Parquet row group at most
    pub row_group: usize,
    /// rows of a file at most; `None`: one file for each table
    pub rows_per_file: Option<NonZeroU64>,
}

impl Default for Cuts {
    /// A million rows for a row group is what readers prefer.
    fn default() -> Cuts {
        Cuts { joined: BATCH, row_group: 1 << 20, rows_per_file: None }
    }
}

/// What the batches are written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// `TABLE.parquet`
    Parquet,
    /// `TABLE.arrow`: an Arrow IPC file
    Arrow,
    /// `TABLE.arrows`: an Arrow IPC stream
    ArrowStream,
}

impl Container {
    /// The file names' ending.
    pub fn extension(self) -> &'static str {
        match self {
            Container::Parquet => "parquet",
            Container::Arrow => "arrow",
            Container::ArrowStream => "arrows",
        }
    }
}

/// Writes one file per table into a folder.
pub struct BatchSink {
    folder: PathBuf,
    container: Container,
    cuts: Cuts,
    tables: Vec<OutTable>,
    /// one per table
    writing: Vec<Writing>,
    written: Vec<String>,
}

/// A table's file and the thread that writes it.
///
/// Dropped before its end, it waits until the thread has removed the unfinished file: nothing of an abandoned run
/// stays on disk.
struct Writing {
    /// `None` once all messages are sent
    messages: Option<SyncSender<Message>>,
    /// `None` once joined
    thread: Option<JoinHandle<Result<Option<Vec<Place>>>>>,
}

enum Message {
    Batch(RecordBatch),
    /// all batches have come; a channel that closes without it is that of an abandoned run
    End,
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.messages = None;
        if let Some(thread) = self.thread.take() {
            // The file goes with what the thread returns, and so does an error nobody asks for any more.
            drop(thread.join());
        }
    }
}

impl BatchSink {
    /// A sink for an existing folder.
    pub fn new(folder: &Path, container: Container) -> BatchSink {
        BatchSink::with(folder, container, Cuts::default())
    }

    /// A sink that cuts its files so.
    pub fn with(folder: &Path, container: Container, cuts: Cuts) -> BatchSink {
        let (tables, writing, written) = (Vec::new(), Vec::new(), Vec::new());
        BatchSink { folder: folder.to_path_buf(), container, cuts, tables, writing, written }
    }
}

impl Sink for BatchSink {
    fn begin(&mut self, tables: &[OutTable]) -> Result<()> {
        self.writing.clear();
        self.tables = tables.to_vec();
        for table in tables {
            let (sender, receiver) = sync_channel(WAITING);
            let mut table_files = TableFiles::begin(table, &self.folder, self.container, self.cuts)?;
            let write = move || table_files.write_all(&receiver).map(|is_whole| is_whole.then_some(table_files.done));
            let thread = std::thread::Builder::new()
                .name(format!("write {}", table.name))
                .spawn(write)
                .map_err(|error| Error::file("start a thread to write to", &self.folder, error))?;
            self.writing.push(Writing { messages: Some(sender), thread: Some(thread) });
        }
        Ok(())
    }

    fn encoder(&self, table: usize) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(ArrowEncoder::new(&self.tables[table])))
    }

    fn part(&mut self, table: usize, part: Part) -> Result<()> {
        let name = &self.tables[table].name;
        let batch = match part {
            Part::Batch(Some(batch)) => batch,
            Part::Batch(None) => return Ok(()),
            Part::Bytes(_) | Part::Rows(..) | Part::Many(_) => {
                return Err(Error::Write { table: name.clone(), message: "expected record batches".to_string() });
            }
        };
        let writing = &mut self.writing[table];
        match &writing.messages {
            Some(messages) if messages.send(Message::Batch(batch)).is_ok() => Ok(()),
            // The thread ended early, and tells why.
            _ => writing.end(name).map(drop),
        }
    }

    fn finish(&mut self) -> Result<()> {
        let mut places = Vec::new();
        for (writing, table) in self.writing.iter_mut().zip(&self.tables) {
            places.extend(writing.end(&table.name)?);
        }
        self.writing.clear();
        self.written = files::publish(places)?;
        Ok(())
    }

    fn files(&self) -> Vec<String> {
        self.written.clone()
    }
}

impl Writing {
    /// Waits for the file to be complete.
    fn end(&mut self, table: &str) -> Result<Vec<Place>> {
        if let Some(messages) = self.messages.take() {
            // If it cannot be sent, the thread has ended and tells why.
            let _ = messages.send(Message::End);
        }
        let gone = || Error::Write { table: table.to_string(), message: "its thread ended too early".to_string() };
        let place = self.thread.take().ok_or_else(gone)?.join().map_err(|_| gone())??;
        place.ok_or_else(gone)
    }
}

/// A table's files, in its thread.
struct TableFiles {
    table: String,
    folder: PathBuf,
    container: Container,
    cuts: Cuts,
    schema: SchemaRef,
    open: Option<(Writer, Place)>,
    /// in the open file
    rows: u64,
    done: Vec<Place>,
}

impl TableFiles {
    fn begin(table: &OutTable, folder: &Path, container: Container, cuts: Cuts) -> Result<TableFiles> {
        let mut files = TableFiles {
            table: table.name.clone(),
            folder: folder.to_path_buf(),
            container,
            cuts,
            schema: schema(table),
            open: None,
            rows: 0,
            done: Vec::new(),
        };
        files.next()?;
        Ok(files)
    }

    /// Begins the first or next file.
    fn next(&mut self) -> Result<()> {
        let is_parted = files::is_parted(&self.table, self.cuts.rows_per_file);
        let number = is_parted.then_some(self.done.len() as u32 + 1);
        let (file, place) = files::begin(&self.folder, &files::name(&self.table, number, self.container.extension()))?;
        let writer = Writer::new(self.container, self.cuts, &self.schema, file);
        self.open = Some((writer.map_err(|error| trouble(&place, &error))?, place));
        self.rows = 0;
        Ok(())
    }

    fn complete(&mut self) -> Result<()> {
        if let Some((writer, place)) = self.open.take() {
            let file = writer.finish().map_err(|error| trouble(&place, &error))?;
            self.done.extend(files::complete(vec![(file, place)])?);
        }
        Ok(())
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let limit = self.cuts.rows_per_file.filter(|_| files::is_parted(&self.table, self.cuts.rows_per_file));
        let mut from = 0;
        while from < batch.num_rows() {
            if limit.is_some_and(|limit| self.rows == limit.get()) {
                self.complete()?;
                self.next()?;
            }
            let rest = batch.num_rows() - from;
            let free = limit.map_or(rest, |limit| usize::try_from(limit.get() - self.rows).unwrap_or(rest));
            let count = rest.min(free);
            if let Some((writer, place)) = &mut self.open {
                writer.write(&batch.slice(from, count)).map_err(|error| trouble(place, &error))?;
            }
            self.rows += count as u64;
            from += count;
        }
        Ok(())
    }

    /// Everything that comes; false if the run was abandoned.
    fn write_all(&mut self, messages: &Receiver<Message>) -> Result<bool> {
        let mut joined = Joined::new(self.schema.clone(), self.cuts.joined);
        loop {
            let (batch, is_last) = match messages.recv() {
                Ok(Message::Batch(batch)) => (joined.push(batch), false),
                Ok(Message::End) => (joined.rest(), true),
                Err(_) => return Ok(false),
            };
            let trouble = |error: ArrowError| Error::Write { table: self.table.clone(), message: error.to_string() };
            if let Some(batch) = batch.map_err(trouble)? {
                self.write(&batch)?;
            }
            if is_last {
                self.complete()?;
                return Ok(true);
            }
        }
    }
}

fn trouble(place: &Place, error: &dyn std::fmt::Display) -> Error {
    Error::file("write", place.target(), std::io::Error::other(error.to_string()))
}

/// An open file of one of the containers.
enum Writer {
    Parquet(Box<ArrowWriter<Growing>>),
    Arrow(Box<FileWriter<Growing>>),
    ArrowStream(Box<StreamWriter<Growing>>),
}

impl Writer {
    fn new(
        container: Container,
        cuts: Cuts,
        schema: &SchemaRef,
        file: Growing,
    ) -> std::result::Result<Writer, Trouble> {
        Ok(match container {
            Container::Parquet => {
                let rules = rules::properties(cuts.row_group)?;
                Writer::Parquet(Box::new(ArrowWriter::try_new(file, schema.clone(), Some(rules))?))
            }
            Container::Arrow => Writer::Arrow(Box::new(FileWriter::try_new(file, schema)?)),
            Container::ArrowStream => Writer::ArrowStream(Box::new(StreamWriter::try_new(file, schema)?)),
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> std::result::Result<(), Trouble> {
        match self {
            Writer::Parquet(writer) => writer.write(batch)?,
            Writer::Arrow(writer) => writer.write(batch)?,
            Writer::ArrowStream(writer) => writer.write(batch)?,
        }
        Ok(())
    }

    fn finish(self) -> std::result::Result<Growing, Trouble> {
        Ok(match self {
            Writer::Parquet(writer) => writer.into_inner()?,
            Writer::Arrow(writer) => writer.into_inner()?,
            Writer::ArrowStream(writer) => writer.into_inner()?,
        })
    }
}

/// What goes wrong in the libraries' writers. They name columns, never values.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}")]
    Arrow(#[from] arrow::error::ArrowError),
    #[error("{0}")]
    Parquet(#[from] parquet::errors::ParquetError),
}
