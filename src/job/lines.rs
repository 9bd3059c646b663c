//! The part every worker shares: from the lines of a chunk to parsed records, with the troubles of lines that are
//! none.

use crate::parse::tape::{TapeParser, TapeRecord};
use crate::read::{Chunk, MAX_LINE};
use crate::report::{Issue, Weight};

use super::tally::Tally;

/// Where a record stands.
#[derive(Debug, Clone, Copy)]
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
    pub fn issue(self, kind: &'static str, weight: Weight, message: impl Into<String>) -> Issue {
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

/// Parses every line of the chunk and hands the records on; counts lines and reports those that are no records.
pub fn each_record<E>(
    parser: &mut TapeParser,
    chunk: &mut Chunk,
    tally: &mut Tally,
    mut record: impl FnMut(&TapeRecord<'_>, Place, &mut Tally) -> Result<(), E>,
) -> Result<(), E> {
    const { assert!(crate::read::SPARE >= crate::parse::tape::PADDING) };
    tally.source = chunk.source;
    tally.consumed = chunk.consumed;
    let lines = std::mem::take(&mut chunk.lines);
    for (at, line) in lines.iter().enumerate() {
        let place =
            Place { source: chunk.source, line: chunk.first_line + at as u64, byte: chunk.offset + line.start as u64 };
        tally.lines += 1;
        tally.bytes += line.len as u64 + 1;
        if line.too_long {
            let message = format!("expected lines of at most {} MB, found a longer one: left out", MAX_LINE >> 20);
            tally.issues.push(place.issue("long-line", Weight::Loss, message));
            continue;
        }
        let (mut start, mut len) = (line.start, line.len);
        if place.byte == 0 && chunk.bytes[start..start + len].starts_with(b"\xEF\xBB\xBF") {
            start += 3;
            len -= 3;
        }
        if chunk.bytes[start..start + len].iter().all(u8::is_ascii_whitespace) {
            tally.blank_lines += 1;
            continue;
        }
        let buffer = &mut chunk.bytes[start..start + len + crate::parse::tape::PADDING];
        match parser.parse(buffer, len) {
            Ok(parsed) => {
                let result = record(&parsed, place, tally);
                parser.recycle(parsed);
                result?;
            }
            Err(bad) => {
                let message = format!("expected one JSON resource, found {}: left out", bad.what);
                tally.issues.push(place.issue("broken-line", Weight::Loss, message));
            }
        }
    }
    if let Some(trouble) = chunk.trouble {
        let line = chunk.first_line + lines.len() as u64;
        let place = Place { source: chunk.source, line, byte: chunk.offset + chunk.bytes.len() as u64 };
        let message = format!("expected the file to go on, found that {trouble}: lines from here on are lost");
        tally.issues.push(place.issue("broken-file", Weight::Loss, message));
    }
    chunk.lines = lines;
    Ok(())
}
