//! The folder that tables are written to: what stands in it beside them, and what an earlier run left there.

use std::path::Path;

use claimfeed::crosswalk::schema::{ENROLLMENT, Schemas};
use claimfeed::disk::write_whole;
use claimfeed::report::Report;
use claimfeed::write::SUMMARY_TABLE;
use claimfeed::write::fixed::FixedOptions;
use claimfeed::write::folder::Folder;
use claimfeed::{Error, Result};

use super::stale::Stale;

/// Where tables go.
#[derive(Debug)]
pub struct Target<'a> {
    /// made by [`prepare`]
    pub folder: &'a Path,
    /// of an earlier run
    pub stale: Stale,
    /// if there are to be fixed-width files
    pub fixed: Option<FixedOptions>,
}

/// File names of what stands beside the tables.
pub const SUMMARY: &str = "summary.json";
pub const PAGE: &str = "report.html";
/// The folder of partially adjudicated claims.
pub const PARTIAL: &str = "partial";

/// All tables that there can be.
pub fn table_names(schemas: &Schemas) -> Vec<&str> {
    let tables = schemas.tables.iter().map(|table| table.layout.table.as_str());
    tables.chain([SUMMARY_TABLE, ENROLLMENT]).collect()
}

/// Makes and holds the output folder; checks that nothing in it would be mixed with the new tables.
pub fn prepare(folder: &Path, force: bool) -> Result<Folder> {
    let held = hold(folder)?;
    check_empty(folder, force)?;
    begin(folder)?;
    Ok(held)
}

/// Makes and holds the output folder, with what an earlier run made as it is.
pub fn hold(folder: &Path) -> Result<Folder> {
    if folder.exists() && !folder.is_dir() {
        return Err(Error::Usage(format!(
            "expected a folder to write to, found a file at `{}`\n  hint: name a folder",
            folder.display()
        )));
    }
    Folder::hold(folder)
}

/// An error if something is in the folder that would be mixed with the new tables.
pub fn check_empty(folder: &Path, force: bool) -> Result<()> {
    let mut entries = std::fs::read_dir(folder).map_err(|error| Error::file("read", folder, error))?;
    if !force && entries.next().is_some() {
        return Err(Error::Usage(format!(
            "expected an empty output folder, found files in `{}`\n  hint: name another folder, or add `--force` to replace files of the same names",
            folder.display()
        )));
    }
    Ok(())
}

/// Takes the earlier run's summary away before the first new table can appear. The summary comes last: where it is, everything is
/// complete. The page would tell of other tables.
pub fn begin(folder: &Path) -> Result<()> {
    for old in [SUMMARY, PAGE].map(|name| folder.join(name)) {
        if old.exists() {
            std::fs::remove_file(&old).map_err(|error| Error::file("replace", &old, error))?;
        }
    }
    Ok(())
}

/// Removes a folder if nothing is in it.
pub fn remove_empty(folder: &Path) {
    let _ = std::fs::remove_dir(folder);
}

/// What a run came to, for programs.
pub fn write_summary(report: &Report, target: &Path) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(report).map_err(|error| Error::file("write", target, error.into()))?;
    text.push(b'\n');
    write_whole(target, &text)
}
