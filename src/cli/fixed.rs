//! Options of fixed-width output: whose delivery it is, and how it is written.

use claimfeed::write::LineEnd;
use claimfeed::write::fixed::{FileName, FixedOptions};
use claimfeed::{Error, Result};

/// What `--format cclf` needs to know.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Fixed-width files (--format cclf)")]
pub struct FixedArgs {
    /// Entity in the file names, e.g. A0001
    #[arg(long, value_name = "ID")]
    entity: Option<String>,
    /// Performance year in the file names, e.g. 2026
    #[arg(long, value_name = "YEAR")]
    performance_year: Option<u16>,
    /// Delivery in the file names, e.g. 2026-11-20 or 2026-11-20T12:34:56
    #[arg(long, value_name = "DATE")]
    delivered: Option<String>,
    /// Name the files as a run-out
    #[arg(long)]
    runout: bool,
    /// Name the files as a test (T. instead of P.)
    #[arg(long)]
    test_names: bool,
    /// Write one zip, as CMS delivers, instead of a file per table
    #[arg(long)]
    zip: bool,
    /// Leave commas in names and addresses; widespread readers drop such records without a word
    #[arg(long)]
    keep_commas: bool,
}

impl FixedArgs {
    /// The writer's options.
    pub fn options(&self, line_end: LineEnd) -> Result<FixedOptions> {
        let (Some(entity), Some(year), Some(delivered)) = (&self.entity, self.performance_year, &self.delivered) else {
            return Err(Error::Usage(
                "expected `--entity`, `--performance-year` and `--delivered` with `--format cclf`, found one missing\n  hint: CMS's file names are made of them, e.g. `--entity A0001 --performance-year 2026 --delivered 2026-11-20`"
                    .to_string(),
            ));
        };
        let name = FileName::parse(entity, year, delivered)?;
        let name = if self.runout { name.runout()? } else { name };
        Ok(FixedOptions {
            name: FileName { test: self.test_names, ..name },
            zip: self.zip,
            keep_commas: self.keep_commas,
            line_end,
        })
    }

    /// Whether any of them is given, which means nothing without fixed-width files.
    pub fn given(&self) -> bool {
        let FixedArgs { entity, performance_year, delivered, runout, test_names, zip, keep_commas } = self;
        entity.is_some()
            || performance_year.is_some()
            || delivered.is_some()
            || *runout
            || *test_names
            || *zip
            || *keep_commas
    }
}
