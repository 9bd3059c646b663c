//! A look-up of few short texts, made once and asked billions of times: keys of a node, literals of a switch.
//!
//! Length and last eight bytes decide the place (literals share their beginning, a 45-byte URL). Up to eight bytes
//! they decide the hit as well, up to sixteen the first eight are compared, only longer texts are compared whole. The
//! multiplier is searched at compile time so that most tables have no collision.

use crate::parse::Name;

/// Finds the index of a text.
#[derive(Debug, Clone, Default)]
pub struct TextTable {
    texts: Vec<Box<[u8]>>,
    /// of each text: what decides most comparisons
    marks: Vec<Mark>,
    /// index + 1 into `texts`, 0 is free; length is a power of two
    places: Box<[u8]>,
    multiplier: u64,
    shift: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    len: usize,
    tail: u64,
}

impl Mark {
    #[inline]
    fn of(name: Name<'_>) -> Mark {
        Mark { len: name.text().len(), tail: name.tail() }
    }

    #[inline]
    fn mixed(self) -> u64 {
        self.tail ^ (self.len as u64).wrapping_mul(0xA076_1D64_78BD_642F)
    }
}

/// Multipliers tried per table size; with more collisions than none after that, the best one is kept.
const TRIES: u64 = 200;

impl TextTable {
    /// Builds the table; the index of a text is its position. At most 254 texts, without duplicates.
    pub fn new<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>) -> TextTable {
        let texts: Vec<Box<[u8]>> = texts.into_iter().map(|text| text.as_ref().into()).collect();
        assert!(texts.len() < 255, "a node of the plan has at most 254 texts");
        let bits = (texts.len() * 2).next_power_of_two().trailing_zeros().max(1);
        let shift = 64 - bits;
        let place = |multiplier: u64, text: &[u8]| {
            (Mark::of(Name::new(text)).mixed().wrapping_mul(multiplier) >> shift) as usize
        };
        let collisions = |multiplier: u64| {
            let mut used = vec![false; 1 << bits];
            texts.iter().filter(|text| std::mem::replace(&mut used[place(multiplier, text)], true)).count()
        };
        let multiplier = (1..TRIES)
            .map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
            .min_by_key(|multiplier| collisions(*multiplier))
            .unwrap_or(1);
        let mut places = vec![0u8; 1 << bits].into_boxed_slice();
        for (index, text) in texts.iter().enumerate() {
            let mut at = place(multiplier, text);
            while places[at] != 0 {
                at = (at + 1) % places.len();
            }
            places[at] = index as u8 + 1;
        }
        let marks = texts.iter().map(|text| Mark::of(Name::new(text))).collect();
        TextTable { texts, marks, places, multiplier, shift }
    }

    /// The texts in order of their index.
    pub fn texts(&self) -> &[Box<[u8]>] {
        &self.texts
    }

    /// The index of a text.
    #[inline]
    pub fn find(&self, name: Name<'_>) -> Option<usize> {
        if self.texts.is_empty() {
            return None;
        }
        let mark = Mark::of(name);
        let mut at = (mark.mixed().wrapping_mul(self.multiplier) >> self.shift) as usize;
        loop {
            match self.places[at] {
                0 => return None,
                n if self.is(n as usize - 1, mark, name) => return Some(n as usize - 1),
                _ => at = (at + 1) & (self.places.len() - 1),
            }
        }
    }

    #[inline]
    fn is(&self, index: usize, mark: Mark, name: Name<'_>) -> bool {
        if self.marks[index] != mark {
            return false;
        }
        let (known, found) = (&*self.texts[index], name.text());
        match (known.first_chunk::<8>(), found.first_chunk::<8>()) {
            (Some(known), Some(found)) if mark.len <= 16 => known == found,
            (Some(_), Some(_)) => known == found,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_it_holds_and_nothing_else() {
        let texts: Vec<String> =
            (0..200).map(|n| format!("https://bluebutton.cms.gov/resources/variables/f{n}")).collect();
        let table = TextTable::new(&texts);
        for (index, text) in texts.iter().enumerate() {
            assert_eq!(table.find(Name::new(text.as_bytes())), Some(index));
        }
        for other in ["", "a", "url", "https://bluebutton.cms.gov/resources/variables/f200"] {
            assert_eq!(table.find(Name::new(other.as_bytes())), None);
        }
        assert_eq!(TextTable::default().find(Name::new(b"x")), None);
    }

    #[test]
    fn short_texts_that_share_bytes_are_told_apart() {
        let texts = ["", "a", "ab", "aab", "abb", "code", "cade", "abcdefgh", "xabcdefgh", "yabcdefgh"];
        let table = TextTable::new(texts);
        for (index, text) in texts.iter().enumerate() {
            assert_eq!(table.find(Name::new(text.as_bytes())), Some(index), "{text}");
        }
    }
}
