//! A plain file, read in ranges by any number of workers at once.
//!
//! A line belongs to the range that holds its first byte, so each worker finds its own lines with `pread` and nobody
//! looks for newlines for all.

use std::fs::File;
use std::io::{ErrorKind, Result};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::chunk::Held;
use super::{Chunk, MAX_LINE, SPARE};

/// How far a reader goes on at once for the end of a line behind its range: about as long as a claim.
const TAIL: usize = 32 << 10;

/// Reads the lines whose first byte is in the range of a file of so many bytes.
///
/// A file that ends before it has so many was cut while it was read: an error, because what is missing would be lost
/// without a word wherever the cut falls on the end of a line.
pub fn read_lines(file: &Arc<File>, range: Range<u64>, size: u64, chunk: &mut Chunk) -> Result<()> {
    let Range { start: from, end: to } = range;
    // One byte earlier tells whether a line starts right at `from`.
    chunk.offset = from.saturating_sub(1);
    chunk.consumed = to - from;
    chunk.dropped = 0;
    let own = (to - chunk.offset) as usize;
    let mut filled = keep_held(file, chunk, own + TAIL);
    // Of nothing, too: behind the lines there is room in any case.
    if filled <= own {
        filled += read_at(file, chunk.offset + filled as u64, to, &mut chunk.bytes, filled)?;
        if filled < own {
            return Err(cut());
        }
    }
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
            // With a `\r` at its end it may be one longer.
            None if filled - start > MAX_LINE + 1 => {
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
    chunk.held = Held { file: Arc::downgrade(file), offset: chunk.offset, len: filled };
    Ok(())
}

/// Moves what the chunk holds already of its new lines to the front, `most` bytes of it: an endless line would be moved again
/// and again. Tells how many bytes.
fn keep_held(file: &Arc<File>, chunk: &mut Chunk, most: usize) -> usize {
    let Held { file: known, offset, len } = std::mem::take(&mut chunk.held);
    let behind = chunk.offset.checked_sub(offset).and_then(|behind| usize::try_from(behind).ok());
    match behind {
        Some(behind) if behind < len && std::ptr::eq(known.as_ptr(), Arc::as_ptr(file)) => {
            let kept = (len - behind).min(most);
            chunk.bytes.copy_within(behind..behind + kept, 0);
            kept
        }
        _ => 0,
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::stream::Stream;

    /// Lines of 0 to 99 bytes.
    fn text() -> Vec<u8> {
        (0..2000).flat_map(|n| format!("{n:0>width$}\n", width = n * 37 % 100).into_bytes()).collect()
    }

    fn read(file: &Arc<File>, range: Range<u64>, chunk: &mut Chunk) -> Vec<Vec<u8>> {
        chunk.lines.clear();
        read_lines(file, range, file.metadata().unwrap().len(), chunk).unwrap();
        chunk.lines.iter().map(|line| chunk.bytes[line.start..line.start + line.len].to_vec()).collect()
    }

    #[test]
    fn a_chunk_that_was_used_before_reads_the_same_lines() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        std::fs::write(&one, text()).unwrap();
        std::fs::write(
            &other,
            text().repeat(2).iter().map(|byte| byte.wrapping_add(u8::from(*byte != b'\n') * 5)).collect::<Vec<_>>(),
        )
        .unwrap();
        let [one, other] = [one, other].map(|path| Arc::new(File::open(path).unwrap()));
        let size = one.metadata().unwrap().len();
        for step in [1, 7, 64, 500, 1000, 40_000] {
            let mut used = Chunk::default();
            let mut lines = Vec::new();
            for from in (0..size.min(step * 300)).step_by(step as usize) {
                let range = from..(from + step).min(size);
                let found = read(&one, range.clone(), &mut used);
                assert_eq!(found, read(&one, range, &mut Chunk::default()), "{step} {from}");
                lines.extend(found);
                match from / step % 5 {
                    // Of another file, and of this one but not what comes next.
                    1 => drop(read(&other, from..from + step, &mut used)),
                    2 => drop(read(&one, 0..step, &mut used)),
                    3 => drop(Stream::new(Box::new(&b"inflated\n"[..]), 9).fill(100, &mut used)),
                    _ => {}
                }
            }
            assert!(text().starts_with(&lines.iter().flat_map(|line| [line, &b"\n"[..]].concat()).collect::<Vec<_>>()));
        }
    }

    #[test]
    fn behind_the_lines_is_room() {
        for text in ["", "\n", "one\ntwo"] {
            let mut file = tempfile::tempfile().unwrap();
            std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
            let (file, mut chunk) = (Arc::new(file), Chunk::default());
            read(&file, 0..text.len() as u64, &mut chunk);
            assert!(chunk.bytes.len() >= text.len() + SPARE, "{text:?}");
        }
    }

    #[test]
    fn what_the_chunk_before_has_read_is_not_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one");
        std::fs::write(&path, text()).unwrap();
        let file = Arc::new(File::open(&path).unwrap());
        let mut used = Chunk::default();
        read(&file, 0..1000, &mut used);
        let expected = read(&file, 1000..2000, &mut Chunk::default());
        std::fs::write(&path, vec![b'x'; text().len()]).unwrap();
        assert_eq!(read(&file, 1000..2000, &mut used), expected);
        assert_ne!(read(&file, 1000..2000, &mut Chunk::default()), expected);
    }
}
