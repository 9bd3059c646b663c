//! One record, read by the bitmaps of its group.
//!
//! Nothing here can fail or panic, whatever the bytes are. What is not as expected marks the record as unsound and
//! leads to the end of the group, from where everything that is still under way returns without finding anything.

mod brackets;
mod literals;

use std::cell::Cell;

use super::index::Brackets;
use super::{Group, number};
use crate::parse::name::{MAX_NAME, Name, WINDOW, Window, is_same};
use crate::parse::{Captured, Cursor, Kind, Scalar, Step};

/// A line of a group, as a cursor.
#[derive(Debug)]
pub struct Record<'a> {
    /// the whole group; positions count from its beginning
    text: &'a str,
    quotes: &'a [u64],
    brackets: &'a [Brackets],
    /// backslashes; empty if there are none in the record
    escapes: &'a [u64],
    start: usize,
    end: usize,
    is_sound: Cell<bool>,
}

impl<'a> Record<'a> {
    pub(super) fn new(group: Group<'a>, start: usize, end: usize) -> Record<'a> {
        let Group { text, quotes, escapes, brackets } = group;
        let mut start = start;
        while start < end && is_space(text.as_bytes()[start]) {
            start += 1;
        }
        // Most records have no escape; then nobody needs to look for one in every name and value.
        let has_escapes = escapes.get(start / 64..=end / 64).is_some_and(|own| own.iter().any(|word| *word != 0));
        let escapes = if has_escapes { escapes } else { &[] };
        Record { text, quotes, brackets, escapes, start, end, is_sound: Cell::new(true) }
    }

    /// Whether all that was read since the record was made is sound and nothing but space follows the document, which
    /// ends at `end`. Otherwise nothing that was read counts: the record is for the tape.
    pub fn is_sound(&self, end: u32) -> bool {
        let rest = self.text.as_bytes().get(end as usize..self.end);
        self.is_sound.get() && rest.is_some_and(|rest| rest.iter().all(|byte| is_space(*byte)))
    }

    /// Whatever led here: the record is for the tape, and the walk may go home. Gives the end of the group, where
    /// nothing stands and every loop ends.
    #[cold]
    fn odd(&self) -> usize {
        self.is_sound.set(false);
        self.text.len()
    }

    /// 0 behind the end; nothing expects a 0.
    #[inline(always)]
    fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or(0)
    }

    /// The first byte from `at` on that is no space, within the line.
    #[inline(always)]
    fn past_space(&self, at: usize) -> usize {
        if self.byte(at) > b' ' { at } else { self.past_more_space(at) }
    }

    #[cold]
    fn past_more_space(&self, mut at: usize) -> usize {
        while at < self.end && is_space(self.byte(at)) {
            at += 1;
        }
        at
    }

    /// The next quote from `at` on.
    #[inline(always)]
    fn quote(&self, at: usize) -> usize {
        let index = at / 64;
        // The bits of two words, so that it makes no difference how a text lies across them.
        let Some(&[first, second]) = self.quotes.get(index..index + 2) else { return self.odd() };
        let bits = first >> (at % 64) | second << 1 << (63 - at % 64);
        if bits != 0 { at + bits.trailing_zeros() as usize } else { self.quote_behind(index) }
    }

    /// The first quote behind a word.
    #[inline]
    fn quote_behind(&self, mut index: usize) -> usize {
        loop {
            index += 1;
            match self.quotes.get(index) {
                Some(0) => {}
                Some(bits) => return index * 64 + bits.trailing_zeros() as usize,
                None => return self.odd(),
            }
        }
    }

    /// The end of a text that begins at `at` and is asked for: one with an escape is for the tape.
    #[inline(always)]
    fn plain_quote(&self, at: usize) -> usize {
        let end = self.quote(at);
        if !self.escapes.is_empty() && self.has_escape(at, end) { self.odd() } else { end }
    }

    /// Whether a backslash stands in `from..to`, which lie in the same word or a few words apart.
    #[inline]
    fn has_escape(&self, from: usize, to: usize) -> bool {
        let (first, last) = (from / 64, to / 64);
        let Some(words) = self.escapes.get(first..=last) else { return true };
        words.iter().enumerate().any(|(at, word)| {
            let from = if at == 0 { !0 << (from % 64) } else { !0 };
            let to = if first + at == last { (1 << (to % 64)) - 1 } else { !0 };
            word & from & to != 0
        })
    }

    /// The text from `at` on, filled up with zeros.
    #[inline(never)]
    fn last_window(&self, at: usize) -> Window {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        let mut window = [0; WINDOW];
        let len = rest.len().min(WINDOW);
        window[..len].copy_from_slice(&rest[..len]);
        window
    }

    /// The token behind the colon or comma that should stand at `at`, spaces around it or not.
    #[inline(never)]
    fn behind_space(&self, at: usize, mark: u8) -> Option<usize> {
        let at = self.past_space(at);
        (self.byte(at) == mark).then(|| self.past_space(at + 1))
    }

    /// Behind a member or element that ends at `end`: the next one, or the end of all.
    #[inline(always)]
    fn next(&self, end: usize, close: u8) -> Next {
        let byte = self.byte(end);
        if byte == b',' && self.byte(end + 1) > b' ' {
            Next::More(end + 1)
        } else if byte == close {
            Next::End(end + 1)
        } else {
            self.next_behind_space(end, close)
        }
    }

    #[inline(never)]
    fn next_behind_space(&self, end: usize, close: u8) -> Next {
        let at = self.past_space(end);
        match self.byte(at) {
            b',' => Next::More(self.past_space(at + 1)),
            byte if byte == close => Next::End(at + 1),
            _ => Next::End(self.odd()),
        }
    }
}

#[inline(always)]
fn captured(start: usize, end: usize) -> Captured {
    (start as u64) << 32 | end.saturating_sub(start) as u64
}

enum Next {
    More(usize),
    End(usize),
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

impl Cursor for Record<'_> {
    type At = u32;

    const HAS_TEXT: bool = true;

    fn root(&self) -> u32 {
        if self.byte(self.start) != b'{' {
            self.odd();
        }
        self.start as u32
    }

    #[inline(always)]
    fn kind(&self, at: u32) -> Kind {
        // Most frequent first: chosen one by one, the caller's own match folds into these.
        match self.byte(at as usize) {
            b'"' => Kind::String,
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            b'-' | b'0'..=b'9' => Kind::Number,
            byte => self.kind_of_literal(byte),
        }
    }

    #[inline]
    fn skip(&self, at: u32) -> u32 {
        let at = at as usize;
        let end = match self.byte(at) {
            b'"' => self.quote(at + 1) + 1,
            // `{` and `}`, `[` and `]` are two apart.
            open @ (b'{' | b'[') => self.close(at + 1, open + 2) + 1,
            _ => self.skip_literal(at),
        };
        end as u32
    }

    #[inline(always)]
    fn members(&self, at: u32, mut each: impl FnMut(Name<'_>, u32) -> Step<u32>) -> u32 {
        let mut at = self.past_space(at as usize + 1);
        if self.byte(at) == b'}' {
            return at as u32 + 1;
        }
        loop {
            let last;
            let window = match self.text.as_bytes().get(at..at + WINDOW).and_then(|text| text.first_chunk()) {
                Some(window) => window,
                None => {
                    last = self.last_window(at);
                    &last
                }
            };
            if window[0] != b'"' {
                return self.odd() as u32;
            }
            let end = self.plain_quote(at + 1);
            let len = end - (at + 1);
            if len >= MAX_NAME {
                return self.odd() as u32;
            }
            let value = if window[len + 2] == b':' && window[len + 3] > b' ' {
                end + 2
            } else {
                match self.behind_space(end + 1, b':') {
                    Some(value) => value,
                    None => return self.odd() as u32,
                }
            };
            let name = Name::quoted(window, len);
            let end = match each(name, value as u32) {
                Step::Past(end) => end as usize,
                Step::Leave(end) if self.byte(end as usize) == b'}' => return end + 1,
                Step::Leave(end) => return self.close(end as usize, b'}') as u32 + 1,
            };
            match self.next(end, b'}') {
                Next::More(next) => at = next,
                Next::End(end) => return end as u32,
            }
        }
    }

    #[inline(always)]
    fn elements(&self, at: u32, mut each: impl FnMut(u32) -> u32) -> u32 {
        let mut at = self.past_space(at as usize + 1);
        if self.byte(at) == b']' {
            return at as u32 + 1;
        }
        loop {
            let end = each(at as u32);
            match self.next(end as usize, b']') {
                Next::More(next) => at = next,
                Next::End(end) => return end as u32,
            }
        }
    }

    #[inline]
    fn first(&self, at: u32) -> Option<u32> {
        if self.byte(at as usize) != b'[' {
            return None;
        }
        let at = self.past_space(at as usize + 1);
        (self.byte(at) != b']').then_some(at as u32)
    }

    #[inline(always)]
    fn scalar(&self, at: u32) -> Scalar<'_, u32> {
        let start = at as usize;
        if self.byte(start) != b'"' {
            return self.bare_scalar(start);
        }
        let end = self.plain_quote(start + 1);
        let string = self.text.as_bytes().get(start + 1..end).unwrap_or_default();
        Scalar { string: Some(string), captured: captured(start + 1, end), end: end as u32 + 1 }
    }

    #[inline(always)]
    fn plain(&self, at: u32) -> Option<(Captured, u32)> {
        let start = at as usize;
        match self.byte(start) {
            b'"' => {
                let end = self.plain_quote(start + 1);
                (end > start + 1).then(|| (captured(start + 1, end), end as u32 + 1))
            }
            b'-' | b'0'..=b'9' => {
                let number = self.bare_scalar(start);
                Some((number.captured, number.end))
            }
            _ => None,
        }
    }

    #[inline]
    fn written(&self, at: u32, end: u32) -> Option<&[u8]> {
        // Their last bracket tells their end, wherever the text stands; a number goes on as long as digits follow.
        let text = self.text.as_bytes().get(at as usize..end as usize)?;
        let is_closed = matches!((text.first()?, text.last()?), (b'{', b'}') | (b'[', b']'));
        (is_closed && self.is_sound.get()).then_some(text)
    }

    #[inline(always)]
    fn is_written(&self, at: u32, text: &[u8]) -> Option<u32> {
        let at = at as usize;
        let found = self.text.as_bytes().get(at..at + text.len())?;
        is_same(found, text).then_some((at + text.len()) as u32)
    }

    #[inline(always)]
    fn offset(&self, at: u32) -> usize {
        at as usize
    }

    #[inline]
    fn leave(&self, at: u32) -> u32 {
        if self.byte(at as usize) == b'}' { at } else { self.close(at as usize, b'}') as u32 }
    }

    #[inline(always)]
    fn has_odd(&self) -> bool {
        !self.is_sound.get()
    }

    #[inline(always)]
    fn forget_odd(&self) -> bool {
        !self.is_sound.replace(true)
    }

    #[inline]
    fn text<'s>(&'s self, captured: Captured, _: &'s mut String) -> &'s str {
        let (text, is_string) = self.captured(captured);
        if is_string { text } else { number::plain(text) }
    }

    fn integer(&self, captured: Captured) -> Option<i64> {
        let (text, is_string) = self.captured(captured);
        if is_string { text.parse().ok() } else { number::whole(text) }
    }
}

impl<'a> Record<'a> {
    /// A captured value as it is written, and whether it is a string.
    #[inline(always)]
    fn captured(&self, captured: Captured) -> (&'a str, bool) {
        let (start, len) = ((captured >> 32) as usize, (captured & 0xFFFF_FFFF) as usize);
        let text = self.text.get(start..start + len).unwrap_or_default();
        // Only a string has a quote before it.
        (text, start > 0 && self.byte(start - 1) == b'"')
    }
}
