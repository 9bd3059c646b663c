//! Options of a delivery as CMS names it, and of fixed-width output.

use claimfeed::write::LineEnd;
use claimfeed::write::fixed::{FileName, FixedOptions};
use claimfeed::{Error, Result};

/// What `--format cclf` and `--file-columns` need to know.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Delivery (--format cclf, --file-columns)")]
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
    /// The delivery, which `reason` needs.
    pub fn name(&self, reason: &str) -> Result<FileName> {
        let (Some(entity), Some(year), Some(delivered)) = (&self.entity, self.performance_year, &self.delivered) else {
            return Err(Error::Usage(format!(
                "expected `--entity`, `--performance-year` and `--delivered` with `{reason}`, found one missing\n  hint: CMS's file names are made of them, e.g. `--entity A0001 --performance-year 2026 --delivered 2026-11-20`"
            )));
        };
        let name = FileName::parse(entity, year, delivered)?;
        let name = if self.runout { name.runout()? } else { name };
        Ok(FileName { test: self.test_names, ..name })
    }

    /// The writer's options.
    pub fn options(&self, line_end: LineEnd) -> Result<FixedOptions> {
        let name = self.name("--format cclf")?;
        Ok(FixedOptions { name, zip: self.zip, keep_commas: self.keep_commas, line_end })
    }

    /// Whether the delivery is named, which means nothing without fixed-width files or file columns.
    pub fn is_named(&self) -> bool {
        let FixedArgs { entity, performance_year, delivered, runout, test_names, .. } = self;
        entity.is_some() || performance_year.is_some() || delivered.is_some() || *runout || *test_names
    }

    /// Whether something is asked for that means nothing without fixed-width files.
    pub fn is_formed(&self) -> bool {
        self.zip || self.keep_commas
    }
}
