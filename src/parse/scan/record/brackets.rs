//! Where what is open at a place is closed: found by the bitmaps of brackets and the depths between their words.

use super::Record;

impl Record<'_> {
    /// The closing bracket `close` of what is open at `at`, a place behind its opening one.
    #[inline(always)]
    pub(super) fn close(&self, at: usize, close: u8) -> usize {
        let (mut index, mut from) = (at / 64, !0 << (at % 64));
        loop {
            let Some(word) = self.brackets.get(index) else { return self.odd() };
            let closes = word.closes & from;
            let brackets = closes | word.opens & from;
            if brackets != 0 {
                // Most of what is skipped has no brackets inside.
                if closes & brackets & brackets.wrapping_neg() != 0 {
                    return self.closing(close, index * 64 + brackets.trailing_zeros() as usize);
                }
                return self.outer_close(index, from, close);
            }
            index += 1;
            from = !0;
        }
    }

    /// The closing bracket of what is open at the beginning of `from`, bits of the word at `index`.
    #[inline(never)]
    fn outer_close(&self, mut index: usize, from: u64, close: u8) -> usize {
        let Some(word) = self.brackets.get(index) else { return self.odd() };
        let (found, depth) = fall(word.opens & from, word.closes & from, 1, 0);
        if let Some(bit) = found {
            return self.closing(close, index * 64 + bit);
        }
        // The depth outside of the brackets, now that the next word tells how deep they left it.
        let Some(next) = self.brackets.get(index + 1) else { return self.odd() };
        let outside = next.depth - depth;
        loop {
            index += 1;
            let Some(word) = self.brackets.get(index) else { return self.odd() };
            if word.floor > outside {
                continue;
            }
            if let (Some(bit), _) = fall(word.opens, word.closes, word.depth, outside) {
                return self.closing(close, index * 64 + bit);
            }
        }
    }

    #[inline(always)]
    fn closing(&self, close: u8, at: usize) -> usize {
        if at < self.end && self.byte(at) == close { at } else { self.odd() }
    }
}

/// The bracket with which the depth falls back to `outside`; else the depth behind all of them.
#[inline(always)]
fn fall(opens: u64, closes: u64, depth: i32, outside: i32) -> (Option<usize>, i32) {
    let mut depth = depth;
    let mut brackets = opens | closes;
    while brackets != 0 {
        let lowest = brackets & brackets.wrapping_neg();
        // Without a branch: which bracket comes next is anyone's guess. An opening one never leads down to `outside`.
        depth += 1 - 2 * i32::from(closes & lowest != 0);
        if depth == outside {
            return (Some(brackets.trailing_zeros() as usize), depth);
        }
        brackets ^= lowest;
    }
    (None, depth)
}
