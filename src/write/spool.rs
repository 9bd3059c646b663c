//! Rows of one table that wait as record batches until a run is done: a job may start over, and what was handed on cannot be
//! taken back. They wait in an unnamed file, gone with the process however that ends.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use super::joined::{BATCH, Joined};
use crate::error::{Error, Result};

/// Bytes gathered before the file is written to or after it is read.
const BUFFER: usize = 1 << 20;

/// The batches of one table, while they come.
pub struct Spool {
    folder: PathBuf,
    joined: Joined,
    rows: StreamWriter<BufWriter<File>>,
}

impl Spool {
    /// An empty one, in an unnamed file of the folder.
    pub fn new(schema: &SchemaRef, folder: &Path) -> Result<Spool> {
        let trouble = trouble(folder);
        let file = tempfile::tempfile_in(folder).map_err(&trouble)?;
        let rows = StreamWriter::try_new(BufWriter::with_capacity(BUFFER, file), schema).map_err(|e| trouble(io(e)))?;
        Ok(Spool { folder: folder.to_path_buf(), joined: Joined::new(schema.clone(), BATCH), rows })
    }

    /// Keeps a batch.
    pub fn push(&mut self, batch: RecordBatch) -> Result<()> {
        let kept = self.joined.push(batch).and_then(|batch| batch.map_or(Ok(()), |batch| self.rows.write(&batch)));
        kept.map_err(|error| trouble(&self.folder)(io(error)))
    }

    /// All that came, from the beginning: batches of [`BATCH`] rows or more, the last of fewer.
    pub fn read(mut self) -> Result<Spooled> {
        let trouble = trouble(&self.folder);
        let rest = self.joined.rest().and_then(|batch| batch.map_or(Ok(()), |batch| self.rows.write(&batch)));
        rest.and_then(|()| self.rows.finish()).map_err(|error| trouble(io(error)))?;
        let file = self.rows.into_inner().map_err(|error| trouble(io(error)))?;
        let mut file = file.into_inner().map_err(|error| trouble(error.into_error()))?;
        file.seek(SeekFrom::Start(0)).map_err(&trouble)?;
        let rows = StreamReader::try_new(BufReader::with_capacity(BUFFER, file), None).map_err(|e| trouble(io(e)))?;
        Ok(Spooled { folder: self.folder, rows })
    }
}

/// The batches of one table, as they are handed out.
pub struct Spooled {
    folder: PathBuf,
    rows: StreamReader<BufReader<File>>,
}

impl Spooled {
    /// Of every batch.
    pub fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }
}

impl Iterator for Spooled {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Result<RecordBatch>> {
        Some(self.rows.next()?.map_err(|error| trouble(&self.folder)(io(error))))
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
