//! What `--format` names, and the sinks for it.

use std::path::Path;

use claimfeed::write::Sink;
use claimfeed::write::batches::{BatchSink, Container};
use claimfeed::write::csv::{Compression, CsvOptions, CsvSink};
use claimfeed::write::fixed::{FixedOptions, FixedSink};
use claimfeed::write::tee::Tee;

/// A form of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// TABLE.csv, or TABLE.csv.gz and TABLE.csv.zst with --compress
    Csv,
    /// TABLE.parquet: exact decimals, dates, zstd
    Parquet,
    /// TABLE.arrow: Arrow IPC file
    Arrow,
    /// TABLE.arrows: Arrow IPC stream
    ArrowStream,
    /// fixed-width files as CMS delivers them
    Cclf,
}

/// What the names of tables' files end with.
const EXTENSIONS: [&str; 6] = ["csv", "csv.gz", "csv.zst", "parquet", "arrow", "arrows"];

impl Format {
    /// What the names of its files end with; those of fixed-width files are CMS's.
    pub fn extension(self, csv: CsvOptions) -> Option<&'static str> {
        match self {
            Format::Csv => Some(csv.compression.map_or("csv", Compression::extension)),
            Format::Cclf => None,
            _ => self.container().map(Container::extension),
        }
    }

    fn container(self) -> Option<Container> {
        match self {
            Format::Parquet => Some(Container::Parquet),
            Format::Arrow => Some(Container::Arrow),
            Format::ArrowStream => Some(Container::ArrowStream),
            Format::Csv | Format::Cclf => None,
        }
    }
}

/// One sink for all the formats. `fixed` is needed for [`Format::Cclf`] only.
pub fn sink(formats: &[Format], folder: &Path, csv: CsvOptions, fixed: Option<&FixedOptions>) -> Box<dyn Sink> {
    let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
    for (at, format) in formats.iter().enumerate() {
        if formats[..at].contains(format) {
            continue;
        }
        match (format.container(), fixed) {
            (Some(container), _) => sinks.push(Box::new(BatchSink::new(folder, container))),
            (None, Some(options)) if *format == Format::Cclf => {
                sinks.push(Box::new(FixedSink::new(folder, options.clone())));
            }
            _ => sinks.push(Box::new(CsvSink::with(folder, csv))),
        }
    }
    Tee::of(sinks)
}

/// Removes tables that an earlier run left in the folder and this one did not write: they would stand beside a summary
/// that knows nothing of them. `written`: their file names.
pub fn forget<'a>(folder: &Path, tables: impl Iterator<Item = &'a str>, written: impl Fn(&str, &str) -> bool) {
    for table in tables {
        for extension in EXTENSIONS {
            if !written(table, extension) {
                let _ = std::fs::remove_file(folder.join(format!("{table}.{extension}")));
            }
        }
    }
}
