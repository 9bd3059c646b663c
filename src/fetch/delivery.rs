//! The files of a finished job: their names here, which of them are there, and how the rest comes.
//!
//! A delivery is done when every file is whole and manifest.json tells so: the server's manifest with file, bytes, lines and
//! SHA-256 of each. Whoever commits the state does it after that.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Map, Value, json};

use super::client::Client;
use super::download::{Downloader, Item, name, unnamed};
use super::gate::Gate;
use super::journal::Journal;
use super::log::{Log, bare};
use super::manifest::{Kind, Listed, Manifest};
use super::observer::Event;
use super::request::Dialect;
use super::shelf::Shelf;
use super::state::{OWN, make_folder};
use super::verify::Whole;
use crate::disk::write_whole;
use crate::error::{Error, Result};
use crate::read::codec::Codec;

/// The manifest's file name.
pub const MANIFEST: &str = "manifest.json";
/// Folders of what is no data; converters leave them out.
const ASIDE: [(Kind, &str); 2] = [(Kind::Error, "error"), (Kind::Deleted, "deleted")];

/// The files of a finished job.
#[derive(Debug)]
pub struct Delivery<'a> {
    client: &'a Client,
    dialect: Dialect,
    manifest: Manifest,
    items: Vec<Item>,
    folder: PathBuf,
    journal: Journal,
    log: Log,
    parallel: usize,
    resume_from: u64,
    /// its place among all, for messages
    started: Instant,
}

/// What a whole delivery holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// data files
    pub files: u64,
    /// as stored
    pub bytes: u64,
    /// resources
    pub lines: u64,
    /// what the server could not export: lines of its error files
    pub errors: u64,
    /// what the server only remarks
    pub warnings: u64,
}

/// Names of all files: type and number in the server's order; data in the order in which it is converted.
fn items(listed: Vec<Listed>) -> Vec<Item> {
    let mut totals: HashMap<(Kind, String), usize> = HashMap::new();
    for file in &listed {
        *totals.entry((file.kind, file.resource.clone())).or_default() += 1;
    }
    let mut numbers: HashMap<(Kind, String), usize> = HashMap::new();
    let mut items: Vec<Item> = listed
        .into_iter()
        .map(|listed| {
            let key = (listed.kind, listed.resource.clone());
            // The same width for all, so that their order by name is their order.
            let width = totals[&key].to_string().len().max(4);
            let number = numbers.entry(key).or_default();
            *number += 1;
            let aside = ASIDE
                .iter()
                .find(|(kind, _)| *kind == listed.kind)
                .map_or(String::new(), |(_, name)| format!("{name}/"));
            Item { stem: format!("{aside}{}.{number:0width$}", listed.resource), listed }
        })
        .collect();
    items.sort_by(|a, b| a.order().cmp(&b.order()));
    items
}

impl Item {
    /// Those that others look up come first; claims follow, then what is no data.
    fn order(&self) -> (u8, &str) {
        let first = match (self.listed.kind, &*self.listed.resource) {
            (Kind::Output, "Patient" | "Coverage") => 0,
            (Kind::Output, _) => 1,
            _ => 2,
        };
        (first, &self.stem)
    }

    /// It is data to convert.
    pub fn is_data(&self) -> bool {
        self.listed.kind == Kind::Output
    }
}

impl<'a> Delivery<'a> {
    /// `id` names the export in its log; `parallel`: downloads at once.
    #[allow(clippy::too_many_arguments, reason = "each is one of the facts a delivery is made of")]
    pub fn open(
        client: &'a Client,
        dialect: Dialect,
        manifest: Manifest,
        folder: &Path,
        id: &str,
        parallel: usize,
        resume_from: u64,
    ) -> Result<Delivery<'a>> {
        make_folder(&folder.join(OWN))?;
        let items = items(manifest.files()?);
        for item in &items {
            // Before the first byte: an address that will not be followed fails the whole, not the last file of it.
            client.follow(client.address.base(), &item.listed.url)?;
        }
        for (kind, name) in ASIDE {
            if items.iter().any(|item| item.listed.kind == kind) {
                make_folder(&folder.join(name))?;
            }
        }
        let (journal, log) = (Journal::open(folder)?, Log::open(folder, id)?);
        let folder = folder.to_path_buf();
        Ok(Delivery {
            client,
            dialect,
            manifest,
            items,
            folder,
            journal,
            log,
            parallel,
            resume_from,
            started: Instant::now(),
        })
    }

    /// All files, those to convert first.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The server's manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where a file is, once it is whole.
    pub fn path(&self, at: usize, whole: &Whole) -> PathBuf {
        self.folder.join(self.items[at].name(whole.codec))
    }

    /// Where a file will be if the server compresses it, as BCDA does.
    pub fn usual_path(&self, at: usize) -> PathBuf {
        self.folder.join(self.items[at].name(Codec::Gzip))
    }

    /// What is there already; `ahead`: how many files may wait to be converted.
    pub fn shelf(&self, ahead: Option<usize>) -> Result<Shelf> {
        let mut there = Vec::new();
        for item in &self.items {
            let known = self.journal.known(&item.stem);
            let named = |whole: &Whole| {
                let path = self.folder.join(item.name(whole.codec));
                std::fs::metadata(path).is_ok_and(|meta| meta.len() == whole.bytes)
            };
            there.push(match known {
                Some(whole) if named(whole) => Some(whole.clone()),
                Some(whole) if unnamed(item, &self.folder, whole) => {
                    name(item, &self.folder, whole)?;
                    Some(whole.clone())
                }
                _ => None,
            });
        }
        let (all, there_now) = (there.len(), there.iter().flatten().count());
        self.client.observer.tell(Event::Files { all, there: there_now });
        Ok(Shelf::new(there, ahead))
    }

    /// Downloads what the shelf wants until nothing more is wanted; `stay`: until it is closed.
    pub fn download(&self, shelf: &Shelf, stay: bool) {
        let gate = Gate::new(self.parallel);
        let downloader = Downloader {
            client: self.client,
            dialect: self.dialect,
            with_token: self.manifest.wants_token(),
            folder: &self.folder,
            gate: &gate,
            log: &self.log,
            resume_from: self.resume_from,
        };
        std::thread::scope(|scope| {
            for _ in 0..self.parallel.clamp(1, self.items.len().max(1)) {
                scope.spawn(|| {
                    let _guard = CloseOnPanic(shelf);
                    while let Some(at) = shelf.next(stay) {
                        match self.one(&downloader, &self.items[at]) {
                            Ok(whole) => shelf.put(at, whole),
                            // The other files are worth having if only this one is missing.
                            Err(error @ (Error::Remote(_) | Error::Gone(_))) => shelf.fail(at, error, false),
                            Err(error) => shelf.fail(at, error, true),
                        }
                    }
                });
            }
        });
    }

    fn one(&self, downloader: &Downloader<'_>, item: &Item) -> Result<Whole> {
        let whole = downloader.get(item)?;
        self.journal.add(&item.stem, &whole)?;
        name(item, &self.folder, &whole)?;
        self.log.add(
            "download_complete",
            json!({ "fileUrl": bare(&item.listed.url), "resourceCount": whole.lines, "fileSize": whole.bytes }),
        )?;
        self.client.observer.tell(Event::Whole(&item.stem));
        Ok(whole)
    }

    /// Every file was whole: writes manifest.json and tells what there is.
    pub fn finish(&self) -> Result<Counts> {
        let journal = Journal::open(&self.folder)?;
        let mut counts = Counts::default();
        let mut about: HashMap<(Kind, &str), Map<String, Value>> = HashMap::new();
        for item in &self.items {
            let Some(whole) = journal.known(&item.stem) else {
                return Err(Error::Remote(format!("expected {} to be whole, found no note of it", item.stem)));
            };
            if item.is_data() {
                counts.files += 1;
                counts.bytes += whole.bytes;
                counts.lines += whole.lines;
            } else if item.listed.kind == Kind::Error {
                counts.errors += whole.errors;
                counts.warnings += whole.warnings;
            }
            let told = json!({ "file": item.name(whole.codec), "bytes": whole.bytes, "lines": whole.lines, "sha256": whole.sha256 });
            if let Value::Object(told) = told {
                about.insert((item.listed.kind, &item.listed.url), told);
            }
        }
        let listed = self.manifest.files()?;
        let told = self
            .manifest
            .told(listed.iter().map(|file| about.get(&(file.kind, &*file.url)).cloned().unwrap_or_default()));
        let mut text = serde_json::to_vec_pretty(&told).unwrap_or_default();
        text.push(b'\n');
        write_whole(&self.folder.join(MANIFEST), &text)?;
        self.log.add(
            "export_complete",
            json!({ "files": counts.files, "resources": counts.lines, "bytes": counts.bytes, "attachments": 0,
                    "duration": self.started.elapsed().as_millis() as u64 }),
        )?;
        Ok(counts)
    }
}

/// A worker that panics must not leave others waiting for its file for ever.
struct CloseOnPanic<'a>(&'a Shelf);

impl Drop for CloseOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.close();
        }
    }
}

/// Removes what an export that can never be whole left in a folder; tells how many files that were.
pub fn clear(folder: &Path) -> Result<usize> {
    if !Journal::path(folder).exists() {
        return Ok(0);
    }
    let journal = Journal::open(folder)?;
    let mut removed = 0;
    for (stem, whole) in journal.stems() {
        for end in [".ndjson.gz", ".ndjson.zst", ".ndjson"] {
            let path = folder.join(format!("{stem}{end}"));
            if std::fs::metadata(&path).is_ok_and(|meta| meta.len() == whole.bytes) {
                std::fs::remove_file(&path).map_err(|error| Error::file("remove", &path, error))?;
                removed += 1;
            }
        }
    }
    for parts in ["", "error", "deleted"].map(|name| folder.join(name)) {
        for entry in std::fs::read_dir(&parts).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().ends_with(".ndjson.part") {
                std::fs::remove_file(entry.path()).map_err(|error| Error::file("remove", &entry.path(), error))?;
            }
        }
    }
    let path = Journal::path(folder);
    std::fs::remove_file(&path).map_err(|error| Error::file("remove", &path, error))?;
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_types_and_numbers_and_people_come_first() {
        let listed = |kind, resource: &str| Listed {
            kind,
            resource: resource.into(),
            url: "u".into(),
            count: None,
            sha256: None,
            length: None,
        };
        let names: Vec<String> = items(vec![
            listed(Kind::Output, "ExplanationOfBenefit"),
            listed(Kind::Error, "OperationOutcome"),
            listed(Kind::Output, "Patient"),
            listed(Kind::Output, "ExplanationOfBenefit"),
            listed(Kind::Output, "Coverage"),
        ])
        .iter()
        .map(|item| item.name(Codec::Gzip))
        .collect();
        assert_eq!(
            names,
            [
                "Coverage.0001.ndjson.gz",
                "Patient.0001.ndjson.gz",
                "ExplanationOfBenefit.0001.ndjson.gz",
                "ExplanationOfBenefit.0002.ndjson.gz",
                "error/OperationOutcome.0001.ndjson.gz"
            ]
        );
    }
}
