//! A compressed file, inflated in order, a chunk at a time.
//!
//! Where chunks are cut depends on the file and their size alone, so it is the same for any number of workers.

use std::io::{ErrorKind, Read};

use super::chunk::Held;
use super::{Chunk, MAX_LINE, SPARE};

/// A compressed file that is being inflated.
pub struct Stream {
    reader: Box<dyn Read + Send>,
    /// the beginning of a line whose end is not inflated yet
    carry: Vec<u8>,
    /// position of `carry[0]` in the uncompressed source
    offset: u64,
    /// bytes on disk, reported as consumed with the last chunk
    size: u64,
    /// inside a line that is longer than allowed
    skipping: bool,
    has_ended: bool,
}

impl Stream {
    /// `size`: bytes on disk.
    pub fn new(reader: Box<dyn Read + Send>, size: u64) -> Stream {
        Stream { reader, carry: Vec::new(), offset: 0, size, skipping: false, has_ended: false }
    }

    /// Nothing more comes of it.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Inflates about `size` bytes; gives how many of them are whole lines that are still to be told apart.
    ///
    /// That is left to the caller, because others wait for the stream meanwhile.
    pub fn fill(&mut self, size: usize, chunk: &mut Chunk) -> usize {
        let mut filled = self.carry.len();
        grow(&mut chunk.bytes, filled);
        chunk.bytes[..filled].copy_from_slice(&self.carry);
        self.carry.clear();
        chunk.offset = self.offset;
        chunk.held = Held::default();
        chunk.consumed = 0;
        chunk.dropped = 0;
        let mut end = 0;
        while end == 0 && !self.has_ended {
            let wanted = if filled < size { size - filled } else { size };
            let mut fresh = filled;
            grow(&mut chunk.bytes, filled + wanted);
            filled += self.inflate(&mut chunk.bytes[filled..filled + wanted], &mut chunk.trouble);
            if self.skipping {
                // The line was reported when it grew too long; drop the rest of it.
                let rest = memchr::memchr(b'\n', &chunk.bytes[..filled]);
                let dropped = rest.map_or(filled, |at| at + 1);
                chunk.bytes.copy_within(dropped..filled, 0);
                chunk.offset += dropped as u64;
                chunk.dropped += dropped as u64;
                filled -= dropped;
                fresh = 0;
                self.skipping = rest.is_none();
            }
            end = memchr::memrchr(b'\n', &chunk.bytes[fresh..filled]).map_or(0, |at| fresh + at + 1);
            // With a `\r` at its end it may be one longer.
            if end == 0 && filled > MAX_LINE + 1 {
                chunk.push_too_long(0..filled);
                self.offset = chunk.offset + filled as u64;
                self.skipping = true;
                return 0;
            }
        }
        if self.has_ended {
            chunk.consumed = self.size;
            if chunk.trouble.is_none() {
                // The last line of a sound file needs no newline; in a cut file it is only part of a line.
                end = filled;
            }
        }
        self.carry.extend_from_slice(&chunk.bytes[end..filled]);
        self.offset = chunk.offset + end as u64;
        end
    }

    /// Fills the room, or less at the end of the file or of what can be inflated.
    fn inflate(&mut self, room: &mut [u8], trouble: &mut Option<&'static str>) -> usize {
        let mut filled = 0;
        while filled < room.len() {
            match self.reader.read(&mut room[filled..]) {
                Ok(0) => {
                    self.has_ended = true;
                    break;
                }
                Ok(n) => filled += n,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.has_ended = true;
                    *trouble = Some(describe(&error));
                    break;
                }
            }
        }
        filled
    }
}

/// Room for so many bytes and those behind them.
fn grow(bytes: &mut Vec<u8>, filled: usize) {
    if bytes.len() < filled + SPARE {
        bytes.resize(filled + SPARE, 0);
    }
}

fn describe(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::UnexpectedEof => "the compressed file is cut short",
        _ => "the compressed file is damaged, or something follows its end",
    }
}
