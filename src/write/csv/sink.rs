//! CSV files of a folder: one for each table, or several of so many rows.

use std::io::Write;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;

use super::{Compression, CountingEncoder, CsvEncoder, CsvOptions, header};
use crate::error::{Error, Result};
use crate::write::files::{self, Growing, Place};
use crate::write::{Encoder, OutTable, Part, Sink};

/// Writes `TABLE.csv` files into a folder.
pub struct CsvSink {
    folder: PathBuf,
    options: CsvOptions,
    tables: Vec<Table>,
    written: Vec<String>,
}

/// A table's files.
struct Table {
    name: String,
    header: Vec<u8>,
    /// the one that grows
    open: (Out, Place),
    /// its rows
    rows: u64,
    /// those before it, complete
    done: Vec<Place>,
    /// rows of one file at most
    limit: Option<u64>,
}

/// An open file. Text is a twentieth of the input: one thread compresses it as fast as the others make it.
enum Out {
    Plain(Growing),
    Gzip(GzEncoder<Growing>),
    Zstd(zstd::Encoder<'static, Growing>),
}

impl Out {
    fn new(file: Growing, compression: Option<Compression>) -> std::io::Result<Out> {
        Ok(match compression {
            None => Out::Plain(file),
            Some(Compression::Gzip) => Out::Gzip(GzEncoder::new(file, flate2::Compression::default())),
            Some(Compression::Zstd) => Out::Zstd(zstd::Encoder::new(file, zstd::DEFAULT_COMPRESSION_LEVEL)?),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Out::Plain(file) => file.write_all(bytes),
            Out::Gzip(file) => file.write_all(bytes),
            Out::Zstd(file) => file.write_all(bytes),
        }
    }

    fn finish(self) -> std::io::Result<Growing> {
        match self {
            Out::Plain(file) => Ok(file),
            Out::Gzip(file) => file.finish(),
            Out::Zstd(file) => file.finish(),
        }
    }
}

impl CsvSink {
    /// A sink for an existing folder: plain, LF.
    pub fn new(folder: &Path) -> CsvSink {
        CsvSink::with(folder, CsvOptions::default())
    }

    /// A sink for an existing folder.
    pub fn with(folder: &Path, options: CsvOptions) -> CsvSink {
        CsvSink { folder: folder.to_path_buf(), options, tables: Vec::new(), written: Vec::new() }
    }
}

impl Table {
    fn begin(table: &OutTable, folder: &Path, options: CsvOptions) -> Result<Table> {
        let limit = options.rows_per_file.filter(|_| files::is_parted(&table.name, options.rows_per_file));
        let (name, header) = (table.name.clone(), header(table, options.line_end)?);
        let open = open(&name, limit.map(|_| 1), &header, folder, options)?;
        Ok(Table { name, header, open, rows: 0, done: Vec::new(), limit: limit.map(NonZeroU64::get) })
    }

    /// Completes the file that grows and begins the next one.
    fn next(&mut self, folder: &Path, options: CsvOptions) -> Result<()> {
        let number = self.done.len() as u32 + 2;
        let next = open(&self.name, Some(number), &self.header, folder, options)?;
        let full = std::mem::replace(&mut self.open, next);
        self.rows = 0;
        self.done.extend(files::complete(vec![end(full)?])?);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let (out, place) = &mut self.open;
        out.write(bytes).map_err(|error| place.trouble(error))
    }

    /// `ends`: the position behind every row.
    fn write_rows(&mut self, bytes: &[u8], ends: &[usize], folder: &Path, options: CsvOptions) -> Result<()> {
        let Some(limit) = self.limit else { return self.write(bytes) };
        let (mut first, mut from) = (0, 0);
        while first < ends.len() {
            if self.rows == limit {
                self.next(folder, options)?;
            }
            let free = usize::try_from(limit - self.rows).unwrap_or(usize::MAX);
            let count = free.min(ends.len() - first);
            let to = ends[first + count - 1];
            self.write(&bytes[from..to])?;
            self.rows += count as u64;
            (first, from) = (first + count, to);
        }
        Ok(())
    }
}

fn open(table: &str, number: Option<u32>, header: &[u8], folder: &Path, options: CsvOptions) -> Result<(Out, Place)> {
    let extension = options.compression.map_or("csv", Compression::extension);
    let (file, place) = files::begin(folder, &files::name(table, number, extension))?;
    let mut out = Out::new(file, options.compression).map_err(|error| place.trouble(error))?;
    out.write(header).map_err(|error| place.trouble(error))?;
    Ok((out, place))
}

/// What is compressed gets its end.
fn end((out, place): (Out, Place)) -> Result<(Growing, Place)> {
    Ok((out.finish().map_err(|error| place.trouble(error))?, place))
}

impl Sink for CsvSink {
    fn begin(&mut self, tables: &[OutTable]) -> Result<()> {
        self.tables.clear();
        for table in tables {
            self.tables.push(Table::begin(table, &self.folder, self.options)?);
        }
        Ok(())
    }

    fn encoder(&self, table: usize) -> Result<Box<dyn Encoder>> {
        let csv = CsvEncoder::new(self.options.line_end);
        Ok(match self.tables[table].limit {
            None => Box::new(csv),
            Some(_) => Box::new(CountingEncoder { csv, ends: Vec::new() }),
        })
    }

    fn part(&mut self, table: usize, part: Part) -> Result<()> {
        let table = &mut self.tables[table];
        match part {
            Part::Bytes(bytes) => table.write(&bytes),
            Part::Rows(bytes, ends) => table.write_rows(&bytes, &ends, &self.folder, self.options),
            Part::Batch(_) | Part::Many(_) => {
                Err(Error::Write { table: "CSV".to_string(), message: "expected encoded text".to_string() })
            }
        }
    }

    fn finish(&mut self) -> Result<()> {
        let (mut before, mut last) = (Vec::new(), Vec::new());
        for table in self.tables.drain(..) {
            before.push(table.done);
            last.push(end(table.open)?);
        }
        let last = files::complete(last)?;
        let places = before.into_iter().zip(last).flat_map(|(before, last)| before.into_iter().chain([last]));
        self.written = files::publish(places)?;
        Ok(())
    }

    fn files(&self) -> Vec<String> {
        self.written.clone()
    }
}
