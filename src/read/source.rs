//! The files of a run: what the user named, folders opened, standard input spooled.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::codec::{Codec, MAGIC};
use crate::error::{Error, Result};

/// One file of the input.
#[derive(Debug)]
pub struct Source {
    /// as messages show it
    pub path: PathBuf,
    /// file name alone, as lineage shows it; `-` for standard input
    pub name: String,
    /// how it is compressed
    pub codec: Codec,
    /// bytes on disk
    pub size: u64,
    /// standard input has no path to open again
    spool: Option<File>,
}

impl Source {
    /// Expands what the user named: a folder stands for its files (sorted by path, hidden ones and the export's own
    /// bookkeeping left out), `-` for standard input, which is spooled to an unnamed file in `spool`.
    pub fn expand(inputs: &[PathBuf], spool: &Path) -> Result<Vec<Source>> {
        let mut sources = Vec::new();
        for input in inputs {
            if input.as_os_str() == "-" {
                sources.push(Source::standard_input(spool)?);
                continue;
            }
            let meta = std::fs::metadata(input).map_err(|error| Error::file("read", input, error))?;
            if meta.is_dir() {
                let mut files = Vec::new();
                list(input, &mut files)?;
                files.sort();
                for file in files {
                    sources.push(Source::open_at(&file)?);
                }
            } else {
                sources.push(Source::open_at(input)?);
            }
        }
        if sources.is_empty() {
            return Err(Error::Usage(
                "expected files of an export, found none\n  hint: name NDJSON files, a folder that has some, or `-` for standard input"
                    .to_string(),
            ));
        }
        Ok(sources)
    }

    fn open_at(path: &Path) -> Result<Source> {
        let trouble = |error| Error::file("read", path, error);
        let file = File::open(path).map_err(trouble)?;
        let size = file.metadata().map_err(trouble)?.len();
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok(Source { path: path.to_path_buf(), name, codec: magic(&file).map_err(trouble)?, size, spool: None })
    }

    fn standard_input(folder: &Path) -> Result<Source> {
        let trouble = |error| Error::file("spool standard input to", folder, error);
        // Unnamed, so it is gone with the process however that ends, and readable by nobody else.
        let mut file = tempfile::tempfile_in(folder).map_err(trouble)?;
        let size = std::io::copy(&mut std::io::stdin().lock(), &mut file).map_err(trouble)?;
        file.flush().map_err(trouble)?;
        let codec = magic(&file).map_err(trouble)?;
        Ok(Source { path: PathBuf::from("-"), name: "-".to_string(), codec, size, spool: Some(file) })
    }

    /// The file, positioned at its start.
    pub fn open(&self) -> Result<File> {
        let trouble = |error| Error::file("read", &self.path, error);
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
        let reader = self.codec.reader(self.open()?).ok();
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

/// Files that stand beside an export and are not part of it.
const BOOKKEEPING: [&str; 3] = ["manifest.json", "log.ndjson", "summary.json"];

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let trouble = |error| Error::file("read", folder, error);
    for entry in std::fs::read_dir(folder).map_err(trouble)? {
        let entry = entry.map_err(trouble)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') || name.ends_with(".part") || BOOKKEEPING.contains(&&*name) {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
