//! The part every worker shares: from the lines of a chunk to parsed records, with the troubles of lines that are
//! none.
//!
//! The scanner reads whole groups of lines; what it does not vouch for, be it a group, a line or a record that a walk
//! found odd, goes to the tape one by one. So a broken line is always the tape's word.

use std::borrow::Cow;

use crate::error::Result;
use crate::parse::scan::Scanner;
use crate::parse::tape::{BadJson, PADDING, TapeParser};
use crate::parse::{Cursor, Parser, Verify};
use crate::read::{Chunk, Line, MAX_LINE};
use crate::report::{Issue, Weight};

use super::tally::Tally;

/// Bytes that are indexed at once, rounded up to whole lines: few enough to stay in the nearest caches.
const GROUP: usize = 16 << 10;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// index of the input file
    pub source: usize,
    /// 1-based
    pub line: u64,
    /// of the line's first byte
    pub byte: u64,
}

impl Place {
    /// An issue at this place about no field.
    pub fn issue(self, kind: &'static str, weight: Weight, message: impl Into<Cow<'static, str>>) -> Issue {
        Issue {
            kind,
            weight,
            source: self.source,
            line: self.line,
            byte: self.byte,
            resource: "",
            id: String::new(),
            field: String::new(),
            message: message.into(),
        }
    }
}

/// What a pass does with records.
pub trait Take {
    /// Walks a record and gives its end; `None` if the pass needs more of the record than the walk has read, and so
    /// the tape. Nothing but the walk's memory may change: the same record can come again.
    fn walk<C: Cursor<At = u32>>(&mut self, record: &C) -> Option<u32>;

    /// Takes the record that was walked last, which is sound.
    fn take<C: Cursor<At = u32>>(&mut self, record: &C, place: Place, tally: &mut Tally) -> Result<()>;
}

/// Reads the records of chunks, reusing its memory.
#[derive(Default)]
pub struct Reader {
    parser: Parser,
    verify: Verify,
    scanner: Scanner,
    tape: TapeParser,
    copy: Vec<u8>,
}

impl Reader {
    /// With this parser, and as strict as that.
    pub fn new(parser: Parser, verify: Verify) -> Reader {
        Reader { parser, verify, ..Reader::default() }
    }

    /// Hands every record of the chunk on; counts lines and reports those that are no records.
    pub fn each_record(&mut self, chunk: &Chunk, tally: &mut Tally, taker: &mut impl Take) -> Result<()> {
        const { assert!(crate::read::SPARE >= PADDING) };
        tally.source = chunk.source;
        tally.consumed = chunk.consumed;
        tally.bytes += chunk.dropped;
        let mut first = 0;
        while first < chunk.lines.len() {
            let next = match self.parser {
                Parser::Scan => group(chunk, first),
                Parser::Tape => first + 1,
            };
            self.lines(chunk, first..next, tally, taker)?;
            first = next;
        }
        if let Some(trouble) = chunk.trouble {
            let line = chunk.first_line + chunk.lines.len() as u64;
            let end = chunk.lines.last().map_or(0, end_of);
            let place = Place { source: chunk.source, line, byte: chunk.offset + end as u64 };
            let message = format!("expected the file to go on, found that {trouble}: lines from here on are lost");
            tally.unread += 1;
            tally.issues.push(place.issue("broken-file", Weight::Loss, message));
        }
        Ok(())
    }

    fn lines(
        &mut self,
        chunk: &Chunk,
        group: std::ops::Range<usize>,
        tally: &mut Tally,
        taker: &mut impl Take,
    ) -> Result<()> {
        let Reader { scanner, tape, copy, .. } = self;
        let start = chunk.lines[group.start].start;
        let mut indexed = match self.parser {
            Parser::Tape => None,
            Parser::Scan => scanner.group(&chunk.bytes[start..end_of(&chunk.lines[group.end - 1])]),
        };
        if indexed.is_none() && group.len() > 1 {
            // Something in the group is not sound: find out line by line.
            for line in group {
                self.lines(chunk, line..line + 1, tally, taker)?;
            }
            return Ok(());
        }
        for at in group {
            let Some((place, line)) = begin(chunk, at, tally) else { continue };
            let text = &chunk.bytes[line.start..line.start + line.len];
            if self.verify == Verify::Full
                && let Some(bad) = check(tape, copy, text)
            {
                broken(bad, place, tally);
                continue;
            }
            if let Some(group) = &mut indexed {
                let record = group.record(line.start - start, line.start - start + line.len);
                if taker.walk(&record).is_some_and(|end| record.is_sound(end)) {
                    taker.take(&record, place, tally)?;
                    continue;
                }
            }
            match tape.parse(padded(copy, text), text.len()) {
                Ok(record) => {
                    taker.walk(&record);
                    let result = taker.take(&record, place, tally);
                    tape.recycle(record);
                    result?;
                }
                Err(bad) => broken(bad, place, tally),
            }
        }
        Ok(())
    }
}

/// The line behind the last one of a group that begins at line `first`.
fn group(chunk: &Chunk, first: usize) -> usize {
    let lines = &chunk.lines;
    let start = lines[first].start;
    let is_full = |line: &Line| line.too_long || line.start + line.len - start >= GROUP;
    match lines[first..].iter().position(is_full) {
        // A line that is too long would be indexed for nothing.
        Some(more) if more > 0 && lines[first + more].too_long => first + more,
        Some(more) => first + more + 1,
        None => lines.len(),
    }
}

fn end_of(line: &Line) -> usize {
    line.start + line.len
}

/// Counts a line; `None` if there is no record to read in it.
fn begin(chunk: &Chunk, at: usize, tally: &mut Tally) -> Option<(Place, Line)> {
    let mut line = chunk.lines[at];
    let place =
        Place { source: chunk.source, line: chunk.first_line + at as u64, byte: chunk.offset + line.start as u64 };
    tally.lines += 1;
    tally.bytes += (line.len + line.end) as u64;
    if line.too_long {
        let message = format!("expected lines of at most {} MB, found a longer one: left out", MAX_LINE >> 20);
        tally.unread += 1;
        tally.issues.push(place.issue("long-line", Weight::Loss, message));
        return None;
    }
    if place.byte == 0 && chunk.bytes[line.start..end_of(&line)].starts_with(BOM) {
        line.start += BOM.len();
        line.len -= BOM.len();
    }
    if chunk.bytes[line.start..end_of(&line)].iter().all(u8::is_ascii_whitespace) {
        tally.blank_lines += 1;
        return None;
    }
    Some((place, line))
}

/// The tape unescapes in place and needs room behind the text, so it gets a copy.
fn padded<'a>(copy: &'a mut Vec<u8>, text: &[u8]) -> &'a mut [u8] {
    copy.clear();
    copy.extend_from_slice(text);
    copy.resize(text.len() + PADDING, 0);
    copy
}

/// What is wrong with any byte of the text.
fn check(tape: &mut TapeParser, copy: &mut Vec<u8>, text: &[u8]) -> Option<BadJson> {
    let record = match tape.parse(padded(copy, text), text.len()) {
        Ok(record) => record,
        Err(bad) => return Some(bad),
    };
    tape.recycle(record);
    None
}

fn broken(bad: BadJson, place: Place, tally: &mut Tally) {
    let message = format!("expected one JSON resource, found {}: left out", bad.what);
    tally.unread += 1;
    tally.issues.push(place.issue("broken-line", Weight::Loss, message));
}
