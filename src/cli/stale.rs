//! What an earlier run left in the output folder: it would stand beside a summary that knows nothing of it.
//!
//! Removed is what that run's summary lists and what has a table's name, and only when the new run is complete: never a
//! file of somebody else's, nor a delivery under another name that no summary here tells of.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use claimfeed::report::Report;

/// What the names of tables' files end with.
const EXTENSIONS: [&str; 6] = ["csv", "csv.gz", "csv.zst", "parquet", "arrow", "arrows"];

/// Files of an earlier run, each with its inode.
#[derive(Debug, Default)]
pub struct Stale(Vec<(PathBuf, u64)>);

impl Stale {
    /// What is in the folder; `summary` is of the earlier run, if it is there; `tables` are all that there can be.
    pub fn of(folder: &Path, summary: &Path, tables: &[&str]) -> Stale {
        let listed = std::fs::read(summary).ok().and_then(|text| serde_json::from_slice::<Report>(&text).ok());
        let listed = listed.map_or(Vec::new(), |report| report.files);
        // A list that was tampered with leads nowhere else.
        let listed = listed.into_iter().filter(|name| is_inside(name)).map(|name| folder.join(name));
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let named = entries.filter(|path| is_table(path, tables));
        let file = |path: PathBuf| Some((path.symlink_metadata().ok().filter(|meta| meta.is_file())?.ino(), path));
        Stale(listed.chain(named).filter_map(file).map(|(inode, path)| (path, inode)).collect())
    }

    /// The same of a folder that is wholly a run's, with what stands beside the tables: the summary first, without
    /// which the folder is somebody else's.
    pub fn folder(folder: &Path, tables: &[&str], beside: &[&str]) -> Stale {
        let summary = folder.join(beside[0]);
        if !std::fs::read(&summary).is_ok_and(|text| serde_json::from_slice::<Report>(&text).is_ok()) {
            return Stale::default();
        }
        let mut stale = Stale::of(folder, &summary, tables);
        let others = beside.iter().map(|name| folder.join(name));
        let inode = |path: PathBuf| path.symlink_metadata().ok().map(|meta| (path, meta.ino()));
        stale.0.extend(others.filter_map(inode));
        stale
    }

    /// Removes those that were not replaced.
    pub fn remove(&self) {
        for (path, inode) in &self.0 {
            if path.symlink_metadata().is_ok_and(|meta| meta.ino() == *inode) {
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

fn is_inside(name: &str) -> bool {
    Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)))
}

/// Whether a file's name is `TABLE.EXTENSION` or `TABLE-NNNNN.EXTENSION`.
fn is_table(path: &Path, tables: &[&str]) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some((stem, extension)) = name.split_once('.') else { return false };
    let table = match stem.split_once('-') {
        Some((table, number)) if number.len() >= 5 && number.bytes().all(|b| b.is_ascii_digit()) => table,
        Some(_) => return false,
        None => stem,
    };
    EXTENSIONS.contains(&extension) && tables.contains(&table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_known_by_their_names() {
        let is = |name: &str| is_table(&Path::new("out").join(name), &["CCLF1", "CCLF10"]);
        for name in ["CCLF1.csv", "CCLF1.csv.gz", "CCLF10.parquet", "CCLF1-00001.csv", "CCLF1-123456.arrow"] {
            assert!(is(name), "{name}");
        }
        for name in ["CCLF2.csv", "CCLF1.txt", "CCLF1", "CCLF1-1.csv", "CCLF1-2024q.csv", "CCLF1.old.csv", "xCCLF1.csv"]
        {
            assert!(!is(name), "{name}");
        }
        assert!(is_inside("partial/CCLF1.csv"));
        assert!(!is_inside("../x") && !is_inside("/etc/passwd"));
    }
}
