//! A piece of a file: whole lines, where they stand, and which piece it is.
//!
//! Workers reuse one chunk after another, so its memory only grows: what an earlier chunk left behind is overwritten,
//! and nobody fills it with zeros first. Of a plain file it may be the beginning of the next chunk.

use std::fs::File;
use std::ops::Range;
use std::sync::Weak;

use super::MAX_LINE;

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

/// Which chunk of the input it is. Chunks in input order have rising numbers.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number {
    /// position of the file in the order of reading
    pub file: usize,
    /// position in the file, counted from 0
    pub chunk: u64,
}

/// Whole lines of one source.
#[derive(Debug, Default)]
pub struct Chunk {
    /// its place in the input
    pub number: Number,
    /// nothing of the file comes behind it
    pub is_last: bool,
    /// it was taken although an earlier file was not done, because that one was busy
    pub is_ahead: bool,
    /// index of the source
    pub source: usize,
    /// the lines and at least [`SPARE`](super::SPARE) more bytes, which are nobody's; not to be changed, as those of a plain file
    /// may become the next chunk's
    pub bytes: Vec<u8>,
    /// in order; blank lines are there too
    pub lines: Vec<Line>,
    /// line number of the first line, 1-based
    pub first_line: u64,
    /// position of `bytes[0]` in the uncompressed source
    pub offset: u64,
    /// bytes of the file behind this chunk's lines, for progress
    pub consumed: u64,
    /// bytes of lines that are too long, beyond what was looked at
    pub dropped: u64,
    /// why the source ends here although it should not
    pub trouble: Option<&'static str>,
    /// bytes that were read from a plain file
    pub(super) held: Held,
}

/// What of a plain file `bytes` begins with: often the next chunk's beginning, read on the way to the end of a line.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// which one; that it is not open any more makes it no other
    pub file: Weak<File>,
    /// position in the file, and how many
    pub offset: u64,
    pub len: usize,
}

impl Chunk {
    /// The number of the chunk that comes next in the input.
    pub fn next(&self) -> Number {
        match self.is_last {
            true => Number { file: self.number.file + 1, chunk: 0 },
            false => Number { file: self.number.file, chunk: self.number.chunk + 1 },
        }
    }

    /// Appends a line up to its `\n`, which is there (1) or not (0).
    pub(super) fn push_line(&mut self, line: Range<usize>, newline: usize) {
        let cr = usize::from(self.bytes[line.clone()].last() == Some(&b'\r'));
        let len = line.len() - cr;
        self.lines.push(Line { start: line.start, len, end: newline + cr, too_long: len > MAX_LINE });
    }

    /// Appends a line whose end was not looked for.
    pub(super) fn push_too_long(&mut self, line: Range<usize>) {
        self.lines.push(Line { start: line.start, len: line.len(), end: 0, too_long: true });
    }

    /// Appends the lines of the first `end` bytes; the last one may have no newline.
    pub(super) fn push_lines(&mut self, end: usize) {
        let mut start = 0;
        while let Some(at) = memchr::memchr(b'\n', &self.bytes[start..end]) {
            self.push_line(start..start + at, 1);
            start += at + 1;
        }
        if start < end {
            self.push_line(start..end, 0);
        }
    }
}
