//! Hands out chunks of whole lines to workers.
//!
//! A line belongs to the chunk that holds its first byte, so workers on a plain file read their own ranges
//! (`pread`) and nobody looks for newlines for all. A compressed file is inflated under its lock, one chunk at a
//! time, while other workers parse. Chunks are numbered in input order; a worker learns the line number of its
//! first line from the one before it, which knows as soon as it has counted, long before it has parsed.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::codec::Codec;
use super::{MAX_LINE, SPARE, Source};
use crate::error::{Error, Result};

/// Bytes of one chunk; 256 KB to 1 MB are best, 16 MB lose a quarter.
pub const CHUNK: usize = 512 << 10;

/// How far a reader goes on at once for the end of a line behind its chunk.
const TAIL: usize = 64 << 10;

/// One line of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// first byte in [`Chunk::bytes`]
    pub start: usize,
    /// without its end (`\n` or `\r\n`)
    pub len: usize,
    /// bytes of its end: 2, 1, or 0 of a last line without one
    pub end: usize,
    /// longer than [`MAX_LINE`]; `len` is what was looked at
    pub too_long: bool,
}

/// Whole lines of one source. Reused from chunk to chunk.
#[derive(Debug, Default)]
pub struct Chunk {
    /// position in the input, counted from 0
    pub number: u64,
    /// index of the source
    pub source: usize,
    /// the lines and at least [`SPARE`] more bytes, which mean nothing
    pub bytes: Vec<u8>,
    /// in order; blank lines are there too
    pub lines: Vec<Line>,
    /// line number of the first line, 1-based
    pub first_line: u64,
    /// position of `bytes[0]` in the uncompressed source
    pub offset: u64,
    /// bytes of the file behind this chunk's lines, for progress
    pub consumed: u64,
    /// why the source ends here although it should not
    pub trouble: Option<&'static str>,
}

/// The chunks of a list of sources.
pub struct Feed<'s> {
    sources: &'s [Source],
    /// indices into `sources`, in the order to read them
    order: Vec<usize>,
    size: usize,
    state: Mutex<State>,
    ledger: Mutex<Ledger>,
    turn: Condvar,
}

#[derive(Default)]
struct State {
    /// next in `order`
    next: usize,
    current: Option<(usize, Current)>,
    number: u64,
}

enum Current {
    Plain { file: Arc<File>, size: u64, at: u64 },
    Stream(Stream),
}

/// What a worker got under the lock.
enum Reserved {
    /// a range to read outside the lock
    Range { file: Arc<File>, size: u64, from: u64 },
    /// the lines themselves
    Filled,
}

#[derive(Default)]
struct Ledger {
    next: u64,
    source: Option<usize>,
    line: u64,
    stopped: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A worker that panicked ends the run anyway; what it left is not used.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'s> Feed<'s> {
    /// A feed of some of the sources, in this order, in chunks of about `size` bytes.
    pub fn new(sources: &'s [Source], order: Vec<usize>, size: usize) -> Feed<'s> {
        Feed {
            sources,
            order,
            size: size.max(1),
            state: Mutex::default(),
            ledger: Mutex::default(),
            turn: Condvar::new(),
        }
    }

    /// Fills `chunk` with the next lines; false at the end of the input.
    pub fn next(&self, chunk: &mut Chunk) -> Result<bool> {
        chunk.lines.clear();
        chunk.trouble = None;
        let Some(reserved) = self.reserve(chunk)? else { return Ok(false) };
        if let Reserved::Range { file, size, from } = reserved {
            let to = (from + self.size as u64).min(size);
            let path = &self.sources[chunk.source].path;
            read_range(&file, from, to, chunk).map_err(|error| Error::file("read", path, error))?;
            chunk.consumed = to - from;
        }
        self.number_lines(chunk);
        Ok(true)
    }

    /// Lets workers that wait for their turn go: the run has failed.
    pub fn stop(&self) {
        lock(&self.ledger).stopped = true;
        self.turn.notify_all();
    }

    /// Takes the next number, and either a range to read outside the lock or a stream's lines.
    fn reserve(&self, chunk: &mut Chunk) -> Result<Option<Reserved>> {
        let mut state = lock(&self.state);
        let state = &mut *state;
        loop {
            let Some((source, current)) = &mut state.current else {
                let Some(source) = self.order.get(state.next).copied() else { return Ok(None) };
                state.next += 1;
                state.current = Some((source, self.open(source)?));
                continue;
            };
            chunk.source = *source;
            match current {
                Current::Plain { file, size, at } if *at < *size => {
                    let range = Reserved::Range { file: file.clone(), size: *size, from: *at };
                    *at += self.size as u64;
                    chunk.number = state.number;
                    state.number += 1;
                    return Ok(Some(range));
                }
                Current::Stream(stream) if !stream.ended => {
                    stream.fill(self.size, chunk);
                    chunk.number = state.number;
                    state.number += 1;
                    return Ok(Some(Reserved::Filled));
                }
                _ => {
                    self.sources[*source].done();
                    state.current = None;
                }
            }
        }
    }

    fn open(&self, source: usize) -> Result<Current> {
        let source = &self.sources[source];
        let file = source.open()?;
        if source.codec() == Codec::Plain {
            return Ok(Current::Plain { file: Arc::new(file), size: source.size(), at: 0 });
        }
        let reader = source.codec().reader(file).map_err(|error| Error::file("read", &source.path, error))?;
        Ok(Current::Stream(Stream::new(reader, source.size())))
    }

    fn number_lines(&self, chunk: &mut Chunk) {
        let mut ledger = lock(&self.ledger);
        while ledger.next != chunk.number && !ledger.stopped {
            ledger = self.turn.wait(ledger).unwrap_or_else(PoisonError::into_inner);
        }
        if ledger.source != Some(chunk.source) {
            ledger.source = Some(chunk.source);
            ledger.line = 1;
        }
        chunk.first_line = ledger.line;
        ledger.line += chunk.lines.len() as u64;
        ledger.next += 1;
        self.turn.notify_all();
    }
}

/// Reads a range of the file to `at` in the buffer; fewer bytes if the file has become shorter.
///
/// The buffer only grows: whatever an earlier chunk left behind is overwritten, so nobody fills it with zeros first.
fn read_at(file: &File, from: u64, to: u64, bytes: &mut Vec<u8>, at: usize) -> std::io::Result<usize> {
    let end = at + (to - from) as usize;
    if bytes.len() < end + SPARE {
        bytes.resize(end + SPARE, 0);
    }
    let mut filled = at;
    while filled < end {
        match file.read_at(&mut bytes[filled..end], from + (filled - at) as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled - at)
}

/// Reads the lines whose first byte is in `from..to`.
fn read_range(file: &File, from: u64, to: u64, chunk: &mut Chunk) -> std::io::Result<()> {
    let bytes = &mut chunk.bytes;
    // One byte earlier tells whether a line starts right at `from`.
    chunk.offset = from.saturating_sub(1);
    let own = read_at(file, chunk.offset, to, bytes, 0)?;
    let mut filled = own;
    let mut start = 0;
    if from > 0 {
        start = memchr::memchr(b'\n', &bytes[..own]).map_or(own, |at| at + 1);
    }
    let mut searched = start;
    while start < own {
        match memchr::memchr(b'\n', &bytes[searched..filled]) {
            Some(at) => {
                push_line(&mut chunk.lines, bytes, start..searched + at, 1);
                start = searched + at + 1;
                searched = start;
            }
            None if filled - start > MAX_LINE => {
                push_too_long(&mut chunk.lines, start..filled);
                break;
            }
            None => {
                searched = filled;
                let at = chunk.offset + filled as u64;
                let more = read_at(file, at, at + TAIL as u64, bytes, filled)?;
                filled += more;
                if more == 0 {
                    push_line(&mut chunk.lines, bytes, start..filled, 0);
                    break;
                }
            }
        }
    }
    Ok(())
}

/// A line up to its `\n`, which is there (1) or not (0).
fn push_line(lines: &mut Vec<Line>, bytes: &[u8], line: std::ops::Range<usize>, newline: usize) {
    let cr = usize::from(bytes[line.clone()].last() == Some(&b'\r'));
    let len = line.len() - cr;
    lines.push(Line { start: line.start, len, end: newline + cr, too_long: len > MAX_LINE });
}

/// A line whose end was not looked for.
fn push_too_long(lines: &mut Vec<Line>, line: std::ops::Range<usize>) {
    lines.push(Line { start: line.start, len: line.len(), end: 0, too_long: true });
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len() + SPARE, 0);
}

/// A compressed file, inflated in order.
struct Stream {
    reader: Box<dyn Read + Send>,
    /// the beginning of a line whose end is not inflated yet
    carry: Vec<u8>,
    /// position of `carry[0]` in the uncompressed source
    offset: u64,
    /// bytes on disk, reported as consumed with the last chunk
    size: u64,
    /// inside a line that is longer than allowed
    skipping: bool,
    ended: bool,
}

impl Stream {
    fn new(reader: Box<dyn Read + Send>, size: u64) -> Stream {
        Stream { reader, carry: Vec::new(), offset: 0, size, skipping: false, ended: false }
    }

    /// Inflates about `size` bytes of whole lines.
    fn fill(&mut self, size: usize, chunk: &mut Chunk) {
        let bytes = &mut chunk.bytes;
        bytes.clear();
        bytes.append(&mut self.carry);
        chunk.offset = self.offset;
        chunk.consumed = 0;
        let mut end = 0;
        while end == 0 && !self.ended {
            let wanted = if bytes.len() < size { size - bytes.len() } else { size };
            let start = bytes.len();
            // `read_to_end` on a `take` keeps what it got before an error.
            match self.reader.by_ref().take(wanted as u64).read_to_end(bytes) {
                Ok(_) if bytes.len() - start < wanted => self.ended = true,
                Ok(_) => {}
                Err(error) => {
                    self.ended = true;
                    chunk.trouble = Some(describe(&error));
                }
            }
            if self.skipping {
                // The line was reported when it grew too long; drop the rest of it.
                match memchr::memchr(b'\n', bytes) {
                    Some(at) => {
                        chunk.offset += at as u64 + 1;
                        bytes.drain(..=at);
                        self.skipping = false;
                    }
                    None => {
                        chunk.offset += bytes.len() as u64;
                        bytes.clear();
                        continue;
                    }
                }
            }
            end = memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1);
            if end == 0 && bytes.len() > MAX_LINE {
                push_too_long(&mut chunk.lines, 0..bytes.len());
                self.offset = chunk.offset + bytes.len() as u64;
                self.skipping = true;
                pad(bytes);
                return;
            }
        }
        if self.ended && chunk.trouble.is_none() {
            // The last line of a sound file needs no newline; in a cut file it is only part of a line.
            end = bytes.len();
        }
        if self.ended {
            chunk.consumed = self.size;
        }
        self.carry.extend_from_slice(&bytes[end..]);
        bytes.truncate(end);
        self.offset = chunk.offset + end as u64;
        let mut start = 0;
        for at in memchr::memchr_iter(b'\n', bytes) {
            push_line(&mut chunk.lines, bytes, start..at, 1);
            start = at + 1;
        }
        if start < bytes.len() {
            push_line(&mut chunk.lines, bytes, start..bytes.len(), 0);
        }
        pad(bytes);
    }
}

fn describe(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "the compressed file is cut short",
        _ => "the compressed file is damaged, or something follows its end",
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::Path;

    use super::super::Input;
    use super::*;

    fn lines(codec: Codec, text: &[u8], size: usize) -> Vec<(u64, u64, String)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let bytes = match codec {
            Codec::Plain => text.to_vec(),
            Codec::Gzip => {
                // two members, split anywhere
                let mut out = Vec::new();
                for part in [&text[..text.len() / 2], &text[text.len() / 2..]] {
                    let mut encoder = flate2::write::GzEncoder::new(&mut out, flate2::Compression::fast());
                    encoder.write_all(part).unwrap();
                    encoder.finish().unwrap();
                }
                out
            }
            Codec::Zstd => zstd::encode_all(text, 1).unwrap(),
        };
        std::fs::write(&path, bytes).unwrap();
        let sources = Input::expand(&[path], Path::new("/")).unwrap().sources;
        assert_eq!(sources[0].codec(), if text.is_empty() && codec == Codec::Plain { Codec::Plain } else { codec });
        let feed = Feed::new(&sources, vec![0], size);
        let mut chunk = Chunk::default();
        let mut found = Vec::new();
        while feed.next(&mut chunk).unwrap() {
            assert!(chunk.trouble.is_none());
            for (at, line) in chunk.lines.iter().enumerate() {
                let text = String::from_utf8(chunk.bytes[line.start..line.start + line.len].to_vec()).unwrap();
                found.push((chunk.first_line + at as u64, chunk.offset + line.start as u64, text));
            }
        }
        found
    }

    #[test]
    fn every_line_comes_once_with_its_number_and_byte() {
        for text in [
            "",
            "a",
            "a\n",
            "a\nbb\nccc",
            "\n\na\r\n\nbb\n",
            "aaaaaaaaaaaaaaaa\nb\nc\n",
            "a\nbbbbbbbbbbbbbbbbbbbbbb\nc",
        ] {
            let mut expected = Vec::new();
            let mut byte = 0;
            for (at, line) in text.split_inclusive('\n').enumerate() {
                expected.push((at as u64 + 1, byte, line.trim_end_matches('\n').trim_end_matches('\r').to_string()));
                byte += line.len() as u64;
            }
            for codec in [Codec::Plain, Codec::Gzip, Codec::Zstd] {
                for size in 1..30 {
                    assert_eq!(lines(codec, text.as_bytes(), size), expected, "{text:?} {codec:?} {size}");
                }
            }
        }
    }

    #[test]
    fn a_cut_gzip_gives_its_whole_lines_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.gz");
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
        let text: String = (0..2000).map(|n| format!("line number {n}\n")).collect();
        encoder.write_all(text.as_bytes()).unwrap();
        let bytes = encoder.finish().unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let sources = Input::expand(&[path], Path::new("/")).unwrap().sources;
        let feed = Feed::new(&sources, vec![0], 1 << 20);
        let mut chunk = Chunk::default();
        let mut found = 0;
        let mut trouble = None;
        while feed.next(&mut chunk).unwrap() {
            for line in &chunk.lines {
                assert_eq!(&chunk.bytes[line.start..line.start + line.len], format!("line number {found}").as_bytes());
                found += 1;
            }
            trouble = trouble.or(chunk.trouble);
        }
        assert!(found > 500 && found < 1500, "{found}");
        assert_eq!(trouble, Some("the compressed file is cut short"));
    }
}
