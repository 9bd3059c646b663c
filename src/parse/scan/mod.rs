//! The cursor over structural bitmaps: fast because it reads only what it is asked for.
//!
//! [`index`] turns a group of whole lines into bitmaps of its quotes and brackets, 64 bytes at a time (`wide` does
//! it with AVX2 where there is AVX2). [`record`] is the [`Cursor`](super::Cursor) that finds its way by them: the end
//! of a string is the next quote bit, an unwanted object ends where the depth comes back. [`number`] has the grammar
//! of numbers.
//!
//! # What is checked
//! Of a whole group: that it is UTF-8, that strings are closed and free of control characters, that no backslash
//! stands outside a string. Of a record: that it is one object with as many closing as opening brackets and nothing
//! behind it; in every object and array that is walked, every colon, comma and bracket and the literals; in every
//! value that is captured or compared, all of it. Whatever does not pass, and also what is only unusual (an escape in
//! a name or a value that is asked for, a number with an exponent), is for the tape to decide: see
//! [`Record::is_sound`](record::Record::is_sound).
//!
//! # What is not
//! Damage inside values that nobody asks for, and in what follows the last member of an object that somebody does
//! (the walk leaves an object once nothing more can come of it), as long as quotes stay paired and brackets even: what
//! stands in an unwanted string (a broken escape included), the order of tokens in an unwanted object or array and the
//! kinds of the brackets inside it, the digits of an unwanted number. With every such value replaced by a sound one of
//! its kind, the record is sound JSON with the same rows: `tests/scanner.rs` holds exactly that against damaged lines.

pub mod index;
pub mod number;
pub mod record;
pub mod wide;

use index::{Brackets, Words};
use record::Record;

/// Indexes groups of lines, reusing its memory.
#[derive(Debug, Default)]
pub struct Scanner {
    words: Words,
}

/// An indexed group of whole lines.
#[derive(Debug, Clone, Copy)]
pub struct Group<'a> {
    text: &'a str,
    quotes: &'a [u64],
    escapes: &'a [u64],
    brackets: &'a [Brackets],
}

impl Scanner {
    /// Indexes whole lines, less than 4 GB of them; `None` if something in them is not sound JSON for certain.
    pub fn group<'a>(&'a mut self, lines: &'a [u8]) -> Option<Group<'a>> {
        if u32::try_from(lines.len()).is_err() {
            return None;
        }
        let text = simdutf8::basic::from_utf8(lines).ok()?;
        let found = wide::index(lines, &mut self.words)?;
        let words = 0..index::count(lines.len());
        Some(Group {
            text,
            quotes: &self.words.quotes[words.clone()],
            escapes: if found.escapes { &self.words.escapes[words.clone()] } else { &[] },
            brackets: &self.words.brackets[words],
        })
    }
}

impl<'a> Group<'a> {
    /// The record that is the line at `start..end` of the group.
    pub fn record(&self, start: usize, end: usize) -> Record<'a> {
        Record::new(*self, start, end)
    }
}
