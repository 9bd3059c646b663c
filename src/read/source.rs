//! The files of a run: what the user named, folders opened, pipes spooled.

use std::collections::{HashMap, HashSet};
use std::fs::{File, Metadata};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::codec::{Codec, MAGIC};
use crate::error::{Error, Result};

/// Brings files while others are read.
pub trait Arrivals: Send + Sync + std::fmt::Debug {
    /// Waits until a file is there whole; where it is.
    fn wait(&self, file: usize) -> Result<PathBuf>;

    /// Whether a file is there whole.
    fn is_here(&self, file: usize) -> bool;

    /// The file was read to its end. If it is waited for again all the same, it must come again.
    fn read(&self, file: usize);
}

/// One file of the input.
#[derive(Debug)]
pub struct Source {
    /// as messages show it
    pub path: PathBuf,
    /// file name alone, as lineage shows it; `-` for standard input
    pub name: String,
    /// how it is compressed and its bytes on disk, once it is there
    known: OnceLock<(Codec, u64)>,
    /// who brings it, and as which file
    arrival: Option<(Arc<dyn Arrivals>, usize)>,
    /// of a plain file, only lines whose first byte is in here; `None`: all of them
    range: Option<Range<u64>>,
    /// tells a file from others, whatever its name
    inode: Option<(u64, u64)>,
    /// what changes if somebody writes to it
    stamp: Option<Stamp>,
    /// a pipe cannot be opened again
    spool: Option<File>,
}

/// Inode, bytes, and when they were last written: seconds and nanoseconds.
type Stamp = (u64, u64, i64, i64);

fn stamp(meta: &Metadata) -> Stamp {
    (meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec())
}

/// The input of a run.
#[derive(Debug, Default)]
pub struct Input {
    /// in order
    pub sources: Vec<Source>,
    /// files of folders that are not part of an export: hidden ones, bookkeeping, unfinished downloads, no plain files
    pub ignored: Vec<PathBuf>,
}

impl Input {
    /// Expands what the user named: a folder stands for its files, sorted by path; `-` for standard input.
    ///
    /// Standard input and pipes are spooled to an unnamed file in `spool`, and that folder itself is no input.
    pub fn expand(inputs: &[PathBuf], spool: &Path) -> Result<Input> {
        let mut found = Input::default();
        for input in inputs {
            if input.as_os_str() == "-" {
                found.sources.push(Source::spooled(input, &mut std::io::stdin().lock(), spool)?);
                continue;
            }
            let meta = std::fs::metadata(input).map_err(|error| Error::file("read", input, error))?;
            if meta.is_dir() {
                let mut files = Vec::new();
                list(input, spool.canonicalize().ok().as_deref(), &mut files, &mut found.ignored)?;
                files.sort();
                for file in files {
                    found.sources.push(Source::open_at(&file)?);
                }
            } else if meta.is_file() {
                found.sources.push(Source::open_at(input)?);
            } else {
                let mut file = File::open(input).map_err(|error| Error::file("read", input, error))?;
                found.sources.push(Source::spooled(input, &mut file, spool)?);
            }
        }
        if found.sources.is_empty() {
            return Err(Error::Usage(
                "expected files of an export, found none\n  hint: name NDJSON files, a folder that has some, or `-` for standard input"
                    .to_string(),
            ));
        }
        refuse_twins(&found.sources)?;
        Ok(found)
    }
}

/// The same data twice would double rows and money.
fn refuse_twins(sources: &[Source]) -> Result<()> {
    let mut seen: HashMap<(u64, u64), &Path> = HashMap::new();
    for source in sources {
        if let Some(first) = source.inode.and_then(|inode| seen.insert(inode, &source.path)) {
            return Err(Error::Usage(format!(
                "expected each file once, found `{}` and `{}` to be the same file\n  hint: name it once",
                first.display(),
                source.path.display()
            )));
        }
    }
    let paths: HashSet<&Path> = sources.iter().map(|source| source.path.as_path()).collect();
    for source in sources.iter().filter(|source| source.codec() != Codec::Plain) {
        let unpacked = source.path.with_extension("");
        if unpacked != source.path && paths.contains(unpacked.as_path()) {
            return Err(Error::Usage(format!(
                "expected each file once, found `{}` beside its compressed form\n  hint: remove one of them, or name the files you mean",
                unpacked.display()
            )));
        }
    }
    Ok(())
}

impl Source {
    fn open_at(path: &Path) -> Result<Source> {
        let trouble = |error| Error::file("read", path, error);
        let file = File::open(path).map_err(trouble)?;
        let meta = file.metadata().map_err(trouble)?;
        let codec = magic(&file).map_err(trouble)?;
        let inode = Some((meta.dev(), meta.ino()));
        let known = OnceLock::from((codec, meta.len()));
        let stamp = Some(stamp(&meta));
        Ok(Source { known, inode, stamp, ..Source::at(path) })
    }

    /// Those lines of a file whose first byte is in the range; a compressed file is read whole.
    pub fn part(path: &Path, range: Range<u64>) -> Result<Source> {
        Ok(Source { range: Some(range), ..Source::open_at(path)? })
    }

    /// A file that will be there when it is opened. `path`: where it is expected.
    pub fn arriving(path: &Path, arrivals: Arc<dyn Arrivals>, file: usize) -> Source {
        Source { arrival: Some((arrivals, file)), ..Source::at(path) }
    }

    fn at(path: &Path) -> Source {
        Source {
            path: path.to_path_buf(),
            name: path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
            known: OnceLock::new(),
            range: None,
            arrival: None,
            inode: None,
            stamp: None,
            spool: None,
        }
    }

    /// How it is compressed; plain until it is there.
    pub fn codec(&self) -> Codec {
        self.known.get().map_or(Codec::Plain, |known| known.0)
    }

    /// Bytes on disk; none until it is there.
    pub fn size(&self) -> u64 {
        self.known.get().map_or(0, |known| known.1)
    }

    /// Bytes to read: all of them, or of a part those of its range.
    pub fn extent(&self) -> Range<u64> {
        let all = 0..self.size();
        match &self.range {
            Some(range) if self.codec() == Codec::Plain => range.start.min(all.end)..range.end.min(all.end),
            _ => all,
        }
    }

    /// Only a part of the file is read: how many lines come before it is not known.
    pub fn is_part(&self) -> bool {
        self.range.is_some()
    }

    /// It is there.
    pub fn is_there(&self) -> bool {
        self.known.get().is_some()
    }

    /// It can be opened without waiting for it.
    pub fn can_open(&self) -> bool {
        self.arrival.as_ref().is_none_or(|(arrivals, file)| arrivals.is_here(*file))
    }

    /// Lines that begin before a position of a plain file. Reads it up to there.
    pub fn lines_before(path: &Path, position: u64) -> Result<u64> {
        let Some(last) = position.checked_sub(1) else { return Ok(0) };
        let trouble = |error| Error::file("read", path, error);
        let mut rest = File::open(path).map_err(trouble)?.take(last);
        let mut buffer = vec![0; 256 << 10];
        let mut lines = 1;
        loop {
            match rest.read(&mut buffer) {
                Ok(0) => return Ok(lines),
                Ok(n) => lines += memchr::memchr_iter(b'\n', &buffer[..n]).count() as u64,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(trouble(error)),
            }
        }
    }

    /// An error if the file is not what it was when the run began: part of it, or some of each, may have been read.
    pub fn check_unchanged(&self) -> Result<()> {
        let Some(before) = self.stamp else { return Ok(()) };
        let trouble = |error| Error::file("read", &self.path, error);
        let now = std::fs::metadata(&self.path).map_err(trouble)?;
        if stamp(&now) == before {
            return Ok(());
        }
        let message = "it changed while it was read\n  hint: wait until nobody writes to it, then run again";
        Err(trouble(std::io::Error::other(message)))
    }

    /// It was read to its end.
    pub fn done(&self) {
        if let Some((arrivals, file)) = &self.arrival {
            arrivals.read(*file);
        }
    }

    /// What can be read only once goes to an unnamed file: gone with the process however that ends, and readable by
    /// nobody else.
    fn spooled(path: &Path, from: &mut dyn Read, folder: &Path) -> Result<Source> {
        let trouble = |error| Error::file("spool the input to", folder, error);
        let mut file = tempfile::tempfile_in(folder).map_err(trouble)?;
        let size = std::io::copy(from, &mut file).map_err(trouble)?;
        file.flush().map_err(trouble)?;
        let codec = magic(&file).map_err(trouble)?;
        let known = OnceLock::from((codec, size));
        Ok(Source { known, spool: Some(file), ..Source::at(path) })
    }

    /// The file, positioned at its start; waits for one that is on its way.
    pub fn open(&self) -> Result<File> {
        let trouble = |error| Error::file("read", &self.path, error);
        if let Some((arrivals, file)) = &self.arrival {
            let path = arrivals.wait(*file)?;
            let file = File::open(path).map_err(trouble)?;
            let known = (magic(&file).map_err(trouble)?, file.metadata().map_err(trouble)?.len());
            // If it came before, it is the same one.
            let _ = self.known.set(known);
            return Ok(file);
        }
        match &self.spool {
            None => File::open(&self.path).map_err(trouble),
            Some(spool) => {
                // A clone shares the position; readers of the spool take turns, and plain ones use `pread`.
                let mut file = spool.try_clone().map_err(trouble)?;
                file.seek(SeekFrom::Start(0)).map_err(trouble)?;
                Ok(file)
            }
        }
    }

    /// The first lines that are not blank, uncompressed, with their ends; from at most `limit` bytes of the file.
    ///
    /// Trouble is for later: the lines end where it begins.
    pub fn head(&self, limit: usize) -> Result<impl Iterator<Item = Vec<u8>>> {
        let file = self.open()?;
        let reader = self.codec().reader(file).ok();
        let mut reader = reader.map(|reader| BufReader::new(reader.take(limit as u64)));
        Ok(std::iter::from_fn(move || {
            let reader = reader.as_mut()?;
            loop {
                let mut line = Vec::new();
                match reader.read_until(b'\n', &mut line) {
                    Ok(0) | Err(_) => return None,
                    Ok(_) if line.iter().all(u8::is_ascii_whitespace) => {}
                    Ok(_) => return Some(line),
                }
            }
        }))
    }
}

fn magic(file: &File) -> std::io::Result<Codec> {
    let mut first = [0; MAGIC];
    let mut read = 0;
    while read < MAGIC {
        match file.read_at(&mut first[read..], read as u64)? {
            0 => break,
            n => read += n,
        }
    }
    Ok(Codec::detect(&first[..read]))
}

/// Files and folders that stand beside an export and are not part of it.
const BOOKKEEPING: [&str; 5] = ["manifest.json", "log.ndjson", "summary.json", "error", "deleted"];

fn list(folder: &Path, except: Option<&Path>, files: &mut Vec<PathBuf>, ignored: &mut Vec<PathBuf>) -> Result<()> {
    let trouble = |error| Error::file("read", folder, error);
    if except.is_some() && folder.canonicalize().ok().as_deref() == except {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder).map_err(trouble)? {
        let path = entry.map_err(trouble)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || name.ends_with(".part") || BOOKKEEPING.contains(&&*name) {
            // Not looked at: an editor's lock is a link to nowhere.
            ignored.push(path);
            continue;
        }
        let meta = std::fs::metadata(&path).map_err(|error| Error::file("read", &path, error))?;
        if meta.is_dir() {
            list(&path, except, files, ignored)?;
        } else if meta.is_file() {
            files.push(path);
        } else {
            ignored.push(path);
        }
    }
    Ok(())
}
