//! The files of an export, gzip as BCDA keeps them.
//!
//! A version's population is generated once and kept compressed in memory, about 50 MB per 1,000 beneficiaries; or the
//! files are those of a folder and stay there. A job with `_since` or a filter gets copies of what passes. Batches
//! nobody passes are left out, as BCDA does.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;

use super::filter::{Facts, Filter};
use crate::Api;
use crate::Error;
use crate::Result;
use crate::sandbox::json::Json;
use crate::sandbox::{Resource, Synth};

/// How many beneficiaries BCDA puts into a file of a type.
const fn batch(resource: Resource) -> u64 {
    match resource {
        Resource::Patient => 5000,
        Resource::Coverage => 4000,
        Resource::ExplanationOfBenefit => 50,
    }
}

/// Bytes that are served again and again.
#[derive(Clone)]
pub enum Stored {
    Memory(Arc<[u8]>),
    Disk(Arc<Path>, u64),
}

/// One file of an export.
#[derive(Clone)]
pub struct Item {
    pub resource: String,
    pub stored: Stored,
}

impl Stored {
    pub fn size(&self) -> u64 {
        match self {
            Stored::Memory(bytes) => bytes.len() as u64,
            Stored::Disk(_, size) => *size,
        }
    }

    /// From `start`, `length` bytes of it.
    pub fn open(&self, start: u64, length: u64) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Stored::Memory(bytes) => {
                let mut cursor = Cursor::new(Arc::clone(bytes));
                cursor.set_position(start);
                Box::new(cursor.take(length))
            }
            Stored::Disk(path, _) => {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(start))?;
                Box::new(file.take(length))
            }
        })
    }

    pub fn bytes(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(0, self.size())?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Everything, decompressed.
    pub fn text(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(MultiGzDecoder::new(self.open(0, self.size())?)))
    }
}

pub fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Nothing fails that only grows a vector.
    let _ = encoder.write_all(text);
    encoder.finish().unwrap_or_default()
}

/// Generates a version's export; `files` asks for so many files of claims instead of BCDA's 50 beneficiaries each.
pub fn generate(synth: &Synth, files: Option<u64>) -> Vec<Item> {
    let people = synth.beneficiaries;
    let mut items = Vec::new();
    // Each with whether something is in it: BCDA lists no empty files.
    let mut open: Vec<(u64, GzEncoder<Vec<u8>>, bool)> = Vec::new();
    let part = |resource: Resource, index: u64| match (resource, files) {
        (Resource::ExplanationOfBenefit, Some(files)) => {
            (u128::from(index) * u128::from(files.max(1)) / u128::from(people.max(1))) as u64
        }
        _ => index / batch(resource),
    };
    let close = |resource: Resource, encoder: GzEncoder<Vec<u8>>, is_filled: bool, items: &mut Vec<Item>| {
        if !is_filled {
            return;
        }
        let bytes = encoder.finish().unwrap_or_default();
        items.push(Item { resource: resource.name().to_owned(), stored: Stored::Memory(bytes.into()) });
    };
    let fresh = || GzEncoder::new(Vec::new(), Compression::fast());
    let mut json = Json::default();
    for index in 0..people {
        for (at, resource) in Resource::ALL.into_iter().enumerate() {
            let part = part(resource, index);
            match open.get_mut(at) {
                None => open.push((part, fresh(), false)),
                Some(one) if one.0 != part => {
                    let (_, encoder, is_filled) = std::mem::replace(one, (part, fresh(), false));
                    close(resource, encoder, is_filled, &mut items);
                }
                Some(_) => {}
            }
        }
        synth.render(&synth.make(index), index, &mut json, &mut |resource, line| {
            let (_, encoder, is_filled) = &mut open[resource as usize];
            *is_filled = true;
            let _ = encoder.write_all(line).and_then(|()| encoder.write_all(b"\n"));
        });
    }
    for ((_, encoder, is_filled), resource) in open.into_iter().zip(Resource::ALL) {
        close(resource, encoder, is_filled, &mut items);
    }
    // A database's order. Claims first is the least convenient one for whoever needs Patients first.
    items.sort_by_key(|item| std::cmp::Reverse(Resource::ALL.iter().position(|known| known.name() == item.resource)));
    items
}

/// The `*.ndjson.gz` of a folder, by name; what they hold is what their first line says.
pub fn folder(dir: &Path) -> Result<Vec<Item>> {
    let trouble = |error| Error::file("read", dir, error);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir)
        .map_err(trouble)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()
        .map_err(trouble)?;
    paths.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".ndjson.gz")));
    paths.sort();
    if paths.is_empty() {
        return Err(Error::Usage(format!(
            "expected files named *.ndjson.gz, found none in `{}`\n  hint: `claimfeed synth --gzip` makes some",
            dir.display()
        )));
    }
    paths.iter().map(|path| item(path).map_err(|error| Error::file("read", path, error))).collect()
}

fn item(path: &Path) -> io::Result<Item> {
    let size = std::fs::metadata(path)?.len();
    let mut line = Vec::new();
    BufReader::new(MultiGzDecoder::new(File::open(path)?)).read_until(b'\n', &mut line)?;
    let facts: Facts = serde_json::from_slice(&line).map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidData, "expected a resource in the first line, found something else")
    })?;
    Ok(Item { resource: facts.resource_type, stored: Stored::Disk(path.into(), size) })
}

/// What a job leaves in: lines changed after `since` up to `until`, claims that pass.
pub struct Sieve {
    pub api: Api,
    pub since: Option<Timestamp>,
    pub until: Timestamp,
    pub filter: Option<Filter>,
}

impl Sieve {
    /// v3 leaves out partially adjudicated claims unless a filter names a system.
    fn is_open(&self) -> bool {
        self.api != Api::V3 && self.since.is_none() && self.filter.is_none()
    }

    /// `None` when nothing passes.
    pub fn sift(&self, item: &Item) -> io::Result<Option<Item>> {
        if self.is_open() {
            return Ok(Some(item.clone()));
        }
        let (mut kept, mut dropped) = (Vec::new(), 0u64);
        let mut reader = BufReader::with_capacity(1 << 16, item.stored.text()?);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            if self.passes(&line)? {
                kept.extend_from_slice(&line);
            } else {
                dropped += 1;
            }
            line.clear();
        }
        Ok(match (kept.is_empty(), dropped) {
            (true, _) => None,
            (false, 0) => Some(item.clone()),
            (false, _) => Some(Item { resource: item.resource.clone(), stored: Stored::Memory(gzip(&kept).into()) }),
        })
    }

    fn passes(&self, line: &[u8]) -> io::Result<bool> {
        let plain = self.since.is_none() && self.filter.is_none();
        if plain && memchr::memmem::find(line, b"SharedSystem").is_none() {
            return Ok(true);
        }
        let facts: Facts = serde_json::from_slice(line)?;
        let updated: Option<Timestamp> = facts.meta.last_updated.parse().ok();
        let changed = self.since.is_none_or(|since| updated.is_some_and(|at| at > since && at <= self.until));
        if facts.resource_type != Resource::ExplanationOfBenefit.name() {
            return Ok(changed);
        }
        Ok(changed
            && match &self.filter {
                Some(filter) => filter.passes(&facts),
                None => self.api != Api::V3 || !facts.is_shared(),
            })
    }
}
