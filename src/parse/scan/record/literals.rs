//! What is neither string nor container: numbers, `true`, `false`, `null`.

use super::{Record, captured};
use crate::parse::scan::number;
use crate::parse::{Kind, Scalar};

impl Record<'_> {
    /// The end of what is neither string nor container; only letters, digits, signs and points are taken for one.
    pub(super) fn skip_literal(&self, at: usize) -> usize {
        match self.byte(at) {
            b'n' => self.literal(at, b"null"),
            b't' => self.literal(at, b"true"),
            b'f' => self.literal(at, b"false"),
            b'-' | b'0'..=b'9' => {
                let mut end = at + 1;
                while matches!(self.byte(end), b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E') {
                    end += 1;
                }
                end
            }
            _ => self.odd(),
        }
    }

    #[inline(never)]
    pub(super) fn kind_of_literal(&self, first: u8) -> Kind {
        match first {
            b't' | b'f' => Kind::Boolean,
            b'n' => Kind::Null,
            _ => {
                self.odd();
                Kind::Null
            }
        }
    }

    fn literal(&self, at: usize, text: &[u8]) -> usize {
        let is_there = self.text.as_bytes().get(at..at + text.len()) == Some(text);
        if is_there { at + text.len() } else { self.odd() }
    }

    /// Whether what follows a number can follow one. The walk may leave the object right behind it, so that nobody else
    /// would see that `8,69` was `8.69` once.
    #[inline(always)]
    fn has_ended(&self, start: usize, end: usize) -> bool {
        let next = self.byte(end);
        matches!(next, b'}' | b']') || next == b',' && self.byte(end + 1) == b'"' || self.has_ended_oddly(start, end)
    }

    #[inline(never)]
    fn has_ended_oddly(&self, start: usize, end: usize) -> bool {
        let at = self.past_space(end);
        match self.byte(at) {
            b'}' | b']' => true,
            // In an object a name follows, in a list anything.
            b',' => {
                let before = self.text.as_bytes()[..start].trim_ascii_end();
                self.byte(self.past_space(at + 1)) == b'"' || before.last() != Some(&b':')
            }
            _ => false,
        }
    }

    /// A number or boolean.
    #[inline(never)]
    pub(super) fn bare_scalar(&self, start: usize) -> Scalar<'_, u32> {
        let end = match self.byte(start) {
            b't' | b'f' => self.skip_literal(start),
            _ => {
                let rest = self.text.as_bytes().get(start..).unwrap_or_default();
                let end = number::length(rest).map(|length| start + length);
                end.filter(|end| self.has_ended(start, *end)).unwrap_or_else(|| self.odd())
            }
        };
        Scalar { string: None, captured: captured(start, end), end: end as u32 }
    }
}
