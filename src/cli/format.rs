//! What `--format` names, and the sinks for it.

use std::path::Path;

use claimfeed::write::Sink;
use claimfeed::write::batches::{BatchSink, Container, Cuts};
use claimfeed::write::csv::{CsvOptions, CsvSink};
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

impl Format {
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
    let cuts = Cuts { rows_per_file: csv.rows_per_file, ..Cuts::default() };
    for (at, format) in formats.iter().enumerate() {
        if formats[..at].contains(format) {
            continue;
        }
        match (format.container(), fixed) {
            (Some(container), _) => sinks.push(Box::new(BatchSink::with(folder, container, cuts))),
            (None, Some(options)) if *format == Format::Cclf => {
                sinks.push(Box::new(FixedSink::new(folder, options.clone())));
            }
            _ => sinks.push(Box::new(CsvSink::with(folder, csv))),
        }
    }
    Tee::of(sinks)
}
