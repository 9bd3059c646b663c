//! Lists every issue in issues.csv, shows progress on a terminal, and ends an interrupted job.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use claimfeed::disk::HIDDEN;
use claimfeed::job::Observer;
use claimfeed::report::{Issue, Weight};
use claimfeed::{Error, Result};
use indicatif::{ProgressBar, ProgressStyle};
use tempfile::TempPath;

use super::signals::interruption;

/// The listing's file name.
pub const ISSUES: &str = "issues.csv";

const HEADER: [&str; 9] = ["weight", "kind", "file", "line", "byte", "resource", "id", "field", "message"];

fn named(folder: &Path) -> Result<(csv::Writer<File>, Option<TempPath>)> {
    let trouble = |error| Error::file("create a file in", folder, error);
    let (file, path) = tempfile::NamedTempFile::with_prefix_in(HIDDEN, folder).map_err(trouble)?.into_parts();
    let mut lines = csv::Writer::from_writer(file);
    lines.write_record(HEADER).map_err(|error| trouble(error.into()))?;
    Ok((lines, Some(path)))
}

/// Lists every issue in issues.csv and shows progress on a terminal.
pub struct Listing {
    folder: PathBuf,
    lines: csv::Writer<File>,
    /// none: the listing goes with its process
    path: Option<TempPath>,
    bar: ProgressBar,
    /// set by SIGINT and SIGTERM: the job ends at the next chunk and its unfinished files go with it
    interrupted: Arc<AtomicBool>,
}

impl Listing {
    /// A listing that grows in the folder; `bar`: with progress, where there is a terminal.
    pub fn new(folder: &Path, bar: bool) -> Result<Listing> {
        Listing::with(folder, bar, named(folder)?)
    }

    /// One that nobody will read, in an unnamed file.
    pub fn unnamed(folder: &Path) -> Result<Listing> {
        let file = tempfile::tempfile_in(folder).map_err(|error| Error::file("create a file in", folder, error))?;
        Listing::with(folder, true, (csv::Writer::from_writer(file), None))
    }

    fn with(folder: &Path, bar: bool, (lines, path): (csv::Writer<File>, Option<TempPath>)) -> Result<Listing> {
        let bar = if bar && super::log::is_watched() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        let style = "{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        Ok(Listing { folder: folder.to_path_buf(), lines, path, bar, interrupted: interruption(folder)? })
    }

    /// Gives it its name, once it is [complete](Observer::complete).
    pub fn finish(self, target: &Path) -> Result<()> {
        self.bar.finish_and_clear();
        let Some(path) = self.path else { return Ok(()) };
        path.persist(target).map_err(|error| Error::file("rename to", target, error.error))
    }
}

impl Observer for Listing {
    fn progress(&mut self, done: u64, total: u64) -> Result<()> {
        self.bar.set_length(total);
        self.bar.set_position(done);
        if self.interrupted.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }

    fn issue(&mut self, issue: &Issue, file: &str) -> Result<()> {
        let weight = match issue.weight {
            Weight::Loss => "loss",
            Weight::Skipped => "skipped",
            // Nothing is missing; the summary counts them.
            Weight::Notice => return Ok(()),
        };
        let record = [
            weight,
            issue.kind,
            file,
            &issue.line.to_string(),
            &issue.byte.to_string(),
            issue.resource,
            &issue.id,
            &issue.field,
            &issue.message,
        ];
        let trouble = |error: csv::Error| Error::file("write", &self.folder.join(ISSUES), error.into());
        self.lines.write_record(record).map_err(trouble)
    }

    /// A full disk is told before any table has its name.
    fn complete(&mut self) -> Result<()> {
        if self.path.is_none() {
            return Ok(());
        }
        let trouble = |error| Error::file("write", &self.folder.join(ISSUES), error);
        self.lines.flush().map_err(trouble)?;
        self.lines.get_ref().sync_all().map_err(trouble)
    }

    fn restart(&mut self) -> Result<()> {
        if self.path.is_some() {
            (self.lines, self.path) = named(&self.folder)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_is_full_is_told_when_all_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (_, path) = named(folder.path()).unwrap();
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut listing = Listing::with(folder.path(), false, (csv::Writer::from_writer(full), path)).unwrap();
        let issue = Issue {
            weight: Weight::Loss,
            kind: "broken-line",
            source: 0,
            line: 1,
            byte: 0,
            resource: "",
            id: String::new(),
            field: String::new(),
            message: "left out".into(),
        };
        listing.issue(&issue, "file").unwrap();
        let Err(error @ Error::File { .. }) = listing.complete() else { panic!("it is on a full disk") };
        assert_eq!(error.exit_code(), 1);
    }
}
