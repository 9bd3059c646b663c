//! A plain file, read in ranges by any number of workers at once.
//!
//! A line belongs to the range that holds its first byte, so each worker finds its own lines with `pread` and nobody
//! looks for newlines for all.

use std::fs::File;
use std::io::{ErrorKind, Result};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use super::{Chunk, MAX_LINE, SPARE};

/// How far a reader goes on at once for the end of a line behind its range.
const TAIL: usize = 64 << 10;

/// Reads the lines whose first byte is in the range of a file of so many bytes.
///
/// A file that ends before it has so many was cut while it was read: an error, because what is missing would be lost
/// without a word wherever the cut falls on the end of a line.
pub fn read_lines(file: &File, range: Range<u64>, size: u64, chunk: &mut Chunk) -> Result<()> {
    let Range { start: from, end: to } = range;
    // One byte earlier tells whether a line starts right at `from`.
    chunk.offset = from.saturating_sub(1);
    chunk.consumed = to - from;
    chunk.dropped = 0;
    let own = read_at(file, chunk.offset, to, &mut chunk.bytes, 0)?;
    if own as u64 != to - chunk.offset {
        return Err(cut());
    }
    let mut filled = own;
    let mut start = 0;
    if from > 0 {
        start = memchr::memchr(b'\n', &chunk.bytes[..own]).map_or(own, |at| at + 1);
    }
    let mut searched = start;
    while start < own {
        match memchr::memchr(b'\n', &chunk.bytes[searched..filled]) {
            Some(at) => {
                chunk.push_line(start..searched + at, 1);
                start = searched + at + 1;
                searched = start;
            }
            None if filled - start > MAX_LINE => {
                chunk.push_too_long(start..filled);
                chunk.dropped = rest_of_line(file, chunk.offset + filled as u64)?;
                break;
            }
            None => {
                searched = filled;
                let at = chunk.offset + filled as u64;
                let more = read_at(file, at, at + TAIL as u64, &mut chunk.bytes, filled)?;
                filled += more;
                if more == 0 {
                    if at < size {
                        return Err(cut());
                    }
                    chunk.push_line(start..filled, 0);
                    break;
                }
            }
        }
    }
    Ok(())
}

/// Bytes to the end of the line, with its newline.
fn rest_of_line(file: &File, at: u64) -> Result<u64> {
    let mut bytes = Vec::new();
    let mut passed = 0;
    loop {
        let read = read_at(file, at + passed, at + passed + TAIL as u64, &mut bytes, 0)?;
        match memchr::memchr(b'\n', &bytes[..read]) {
            Some(end) => return Ok(passed + end as u64 + 1),
            None if read < TAIL => return Ok(passed + read as u64),
            None => passed += read as u64,
        }
    }
}

fn cut() -> std::io::Error {
    std::io::Error::new(ErrorKind::UnexpectedEof, "it became shorter while it was read")
}

/// Reads a range of the file to `at` in the buffer; fewer bytes if the file has become shorter.
fn read_at(file: &File, from: u64, to: u64, bytes: &mut Vec<u8>, at: usize) -> Result<usize> {
    let end = at + (to - from) as usize;
    if bytes.len() < end + SPARE {
        bytes.resize(end + SPARE, 0);
    }
    let mut filled = at;
    while filled < end {
        match file.read_at(&mut bytes[filled..end], from + (filled - at) as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled - at)
}
