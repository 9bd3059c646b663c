//! The cursor over simd-json's tape. simd-json is known here and nowhere else.
//!
//! The tape validates every byte of a record, so a record that has a tape is sound JSON. It holds numbers as
//! integers or f64; an f64 is written as its shortest round-trip decimal, which is the JSON's own digits up to 15
//! of them. A number that needs 16 or more is marked inexact ([`INEXACT`]) and the picture refuses it.

use std::fmt::Write as _;

use simd_json::{Buffers, INPUT_PADDING, Node, StaticNode, Tape};

use super::{Captured, Cursor, Kind, Name, Scalar, Step};

/// Spare bytes that must follow a record in its buffer.
pub const PADDING: usize = INPUT_PADDING;

/// Marks the text of a number that f64 cannot vouch for. No JSON number begins so.
pub const INEXACT: char = '≈';

/// Digits that survive the way through an f64 whatever they are.
const EXACT_DIGITS: usize = 15;

/// Parses one record after another, reusing its memory.
pub struct TapeParser {
    buffers: Buffers,
    tape: Option<Tape<'static>>,
}

impl Default for TapeParser {
    fn default() -> Self {
        TapeParser { buffers: Buffers::new(64 << 10), tape: Some(Tape::null().reset()) }
    }
}

/// One parsed record.
pub struct TapeRecord<'a> {
    tape: Tape<'a>,
}

/// A line that is no JSON document: what the parser expected or met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadJson {
    /// byte of the line, 0-based, as far as the parser knows it
    pub byte: usize,
    /// short and without any text of the line
    pub what: &'static str,
}

impl TapeParser {
    /// Parses `buffer[..length]`, one JSON document; at least [`PADDING`] more bytes of any content must follow.
    ///
    /// Strings are unescaped in place, so the text of the record changes; the padding does not.
    pub fn parse<'a>(&mut self, buffer: &'a mut [u8], length: usize) -> Result<TapeRecord<'a>, BadJson> {
        let mut tape: Tape<'a> = self.tape.take().unwrap_or_else(Tape::null).reset();
        match simd_json::fill_tape_padded(buffer, length, &mut self.buffers, &mut tape) {
            Ok(()) => Ok(TapeRecord { tape }),
            Err(error) => {
                self.tape = Some(tape.reset());
                Err(BadJson { byte: error.index(), what: describe(&error) })
            }
        }
    }

    /// Gives the memory of a record back for the next one.
    pub fn recycle(&mut self, record: TapeRecord<'_>) {
        self.tape = Some(record.tape.reset());
    }
}

fn describe(error: &simd_json::Error) -> &'static str {
    use simd_json::ErrorType as E;
    match error.error() {
        E::InvalidUtf8 => "bytes that are not UTF-8",
        E::UnterminatedString => "a string that does not end",
        E::InvalidEscape | E::InvalidUnicodeCodepoint | E::InvalidUnicodeEscape => "a broken escape in a string",
        E::InvalidNumber | E::InvalidExponent => "a broken or too large number",
        E::Eof => "a document that does not end",
        E::TrailingData => "more text after the end of the document",
        _ => "something that is not JSON",
    }
}

impl Cursor for TapeRecord<'_> {
    type At = u32;

    fn root(&self) -> u32 {
        0
    }

    fn kind(&self, at: u32) -> Kind {
        match self.tape.0[at as usize] {
            Node::String(_) => Kind::String,
            Node::Object { .. } => Kind::Object,
            Node::Array { .. } => Kind::Array,
            Node::Static(StaticNode::Null) => Kind::Null,
            Node::Static(StaticNode::Bool(_)) => Kind::Boolean,
            Node::Static(_) => Kind::Number,
        }
    }

    #[inline]
    fn skip(&self, at: u32) -> u32 {
        after(&self.tape.0, at as usize) as u32
    }

    #[inline]
    fn members(&self, at: u32, mut each: impl FnMut(Name<'_>, u32) -> Step<u32>) -> u32 {
        let Node::Object { len, .. } = self.tape.0[at as usize] else { return self.skip(at) };
        let mut next = at + 1;
        for _ in 0..len {
            let key = match &self.tape.0[next as usize] {
                Node::String(key) => *key,
                _ => "",
            };
            next = match each(Name::new(key.as_bytes()), next + 1) {
                Step::Past(end) => end,
                Step::Leave(_) => return self.skip(at),
            };
        }
        next
    }

    #[inline]
    fn elements(&self, at: u32, mut each: impl FnMut(u32) -> u32) -> u32 {
        let Node::Array { len, .. } = self.tape.0[at as usize] else { return self.skip(at) };
        let mut next = at + 1;
        for _ in 0..len {
            next = each(next);
        }
        next
    }

    #[inline]
    fn scalar(&self, at: u32) -> Scalar<'_, u32> {
        let string = match self.tape.0[at as usize] {
            Node::String(text) => Some(text.as_bytes()),
            _ => None,
        };
        // The root is never captured, so a node's index is never 0.
        Scalar { string, captured: u64::from(at), end: at + 1 }
    }

    #[inline]
    fn text<'a>(&'a self, captured: Captured, scratch: &'a mut String) -> &'a str {
        match &self.tape.0[captured as usize] {
            Node::String(text) => text,
            Node::Static(node) => {
                scratch.clear();
                write_static(*node, scratch);
                scratch
            }
            _ => "",
        }
    }

    #[inline]
    fn integer(&self, captured: Captured) -> Option<i64> {
        match &self.tape.0[captured as usize] {
            Node::Static(StaticNode::I64(number)) => Some(*number),
            Node::Static(StaticNode::U64(number)) => i64::try_from(*number).ok(),
            Node::Static(StaticNode::F64(number)) if number.fract() == 0.0 && number.abs() < 1e15 => {
                Some(*number as i64)
            }
            Node::String(text) => text.parse().ok(),
            _ => None,
        }
    }
}

fn write_static(node: StaticNode, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = match node {
        StaticNode::I64(number) => write!(out, "{number}"),
        StaticNode::U64(number) => write!(out, "{number}"),
        StaticNode::F64(number) => {
            // Adding zero takes the sign off a zero: `-0.0` reads as `-0` does.
            let _ = write!(out, "{}", number + 0.0);
            let digits = out.bytes().filter(u8::is_ascii_digit).count();
            if digits > EXACT_DIGITS && significant(out) > EXACT_DIGITS {
                out.insert(0, INEXACT);
            }
            Ok(())
        }
        StaticNode::Bool(value) => write!(out, "{value}"),
        StaticNode::Null => Ok(()),
    };
}

fn significant(number: &str) -> usize {
    let digits = number.bytes().filter(u8::is_ascii_digit);
    let without_leading = digits.skip_while(|b| *b == b'0').collect::<Vec<_>>();
    without_leading.iter().rposition(|b| *b != b'0').map_or(0, |last| last + 1)
}

#[inline]
fn after(nodes: &[Node<'_>], at: usize) -> usize {
    match nodes[at] {
        Node::Object { count, .. } | Node::Array { count, .. } => at + 1 + count,
        _ => at + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(json: &str) -> String {
        let mut buffer = format!("[{json}]").into_bytes();
        let length = buffer.len();
        buffer.resize(length + PADDING, 0);
        let mut parser = TapeParser::default();
        let record = parser.parse(&mut buffer, length).unwrap();
        let mut text = String::new();
        record.elements(record.root(), |at| {
            text = record.text(record.scalar(at).captured, &mut String::new()).to_string();
            record.skip(at)
        });
        text
    }

    #[test]
    fn numbers_are_the_digits_of_the_json() {
        for exact in
            ["120", "20.2", "0.61", "-34.13", "0", "123456789012.34", "9999999999999.99", "18446744073709551615"]
        {
            assert_eq!(number(exact), exact);
        }
        assert_eq!(number("120.0"), "120");
        assert_eq!(number("1.5e3"), "1500");
        assert_eq!(number("-0"), "0");
        assert_eq!(number("-0.0"), "0");
    }

    #[test]
    fn numbers_that_a_float_cannot_vouch_for_are_marked() {
        assert_eq!(number("12345678901234.567"), "≈12345678901234.566");
        assert_eq!(number("1234567890123456.78").chars().next(), Some(INEXACT));
    }

    #[test]
    fn bad_json_is_described_without_its_text() {
        let mut parser = TapeParser::default();
        for (line, what) in [
            ("{\"a\":\"secret}", "something that is not JSON"),
            ("{\"a\":\"secret\\x\"}", "a broken escape in a string"),
            ("{\"a\":12.}", "a broken or too large number"),
        ] {
            let mut buffer = line.as_bytes().to_vec();
            buffer.resize(line.len() + PADDING, 0);
            let found = parser.parse(&mut buffer, line.len()).err().unwrap();
            assert_eq!(found.what, what, "{line}");
        }
        // Debug builds of the parser call trailing text by another name.
        let mut buffer = b"{\"a\":1} {}".to_vec();
        buffer.resize(10 + PADDING, 0);
        assert!(parser.parse(&mut buffer, 10).is_err());
    }

    #[test]
    fn escapes_are_decoded_in_keys_and_values() {
        let text = br#"{"\u0063ode":"A\u0026B","n":null}"#;
        let mut buffer = text.to_vec();
        buffer.resize(text.len() + PADDING, b'x');
        let mut parser = TapeParser::default();
        let record = parser.parse(&mut buffer, text.len()).unwrap();
        let mut members = Vec::new();
        record.members(0, |name, at| {
            members.push((name.text().to_vec(), record.kind(at), record.string(at)));
            Step::Past(record.skip(at))
        });
        assert_eq!(members[0], (b"code".to_vec(), Kind::String, Some("A&B")));
        assert_eq!(members[1].1, Kind::Null);
    }
}
