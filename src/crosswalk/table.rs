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
    /// length is a power of two
    places: Box<[Place]>,
    multiplier: u64,
    shift: u32,
}

/// Where a text may stand, with all that decides most comparisons.
#[derive(Debug, Clone, Copy)]
struct Place {
    tail: u64,
    len: u32,
    /// into `texts`
    index: u32,
}

impl Place {
    /// No text is that long.
    const FREE: Place = Place { tail: 0, len: u32::MAX, index: 0 };
}

#[inline]
fn mixed(name: Name<'_>) -> u64 {
    name.tail() ^ (name.text().len() as u64) << 59
}

/// Multipliers tried per table size; with more collisions than none after that, the best one is kept.
const TRIES: u64 = 200;

impl TextTable {
    /// Builds the table; the index of a text is its position. Without duplicates.
    pub fn new<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>) -> TextTable {
        let texts: Vec<Box<[u8]>> = texts.into_iter().map(|text| text.as_ref().into()).collect();
        let bits = (texts.len() * 2).next_power_of_two().trailing_zeros().max(1);
        let shift = 64 - bits;
        let place = |multiplier: u64, text: &[u8]| (mixed(Name::new(text)).wrapping_mul(multiplier) >> shift) as usize;
        let collisions = |multiplier: u64| {
            let mut used = vec![false; 1 << bits];
            texts.iter().filter(|text| std::mem::replace(&mut used[place(multiplier, text)], true)).count()
        };
        let multipliers = || (1..TRIES).map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let multiplier = multipliers()
            .find(|multiplier| collisions(*multiplier) == 0)
            .or_else(|| multipliers().min_by_key(|multiplier| collisions(*multiplier)))
            .unwrap_or(1);
        let mut places = vec![Place::FREE; 1 << bits].into_boxed_slice();
        for (index, text) in texts.iter().enumerate() {
            let mut at = place(multiplier, text);
            while places[at].len != Place::FREE.len {
                at = (at + 1) % places.len();
            }
            places[at] = Place { tail: Name::new(text).tail(), len: text.len() as u32, index: index as u32 };
        }
        TextTable { texts, places, multiplier, shift }
    }

    /// The texts in order of their index.
    pub fn texts(&self) -> &[Box<[u8]>] {
        &self.texts
    }

    /// The index of a text.
    #[inline]
    pub fn find(&self, name: Name<'_>) -> Option<usize> {
        if self.places.is_empty() {
            return None;
        }
        let mut at = (mixed(name).wrapping_mul(self.multiplier) >> self.shift) as usize;
        loop {
            // The shift leaves as many bits as there are places.
            let place = self.places[at & (self.places.len() - 1)];
            if place.tail == name.tail() && place.len as usize == name.text().len() {
                if self.is(place, name) {
                    return Some(place.index as usize);
                }
            } else if place.len == Place::FREE.len {
                return None;
            }
            at += 1;
        }
    }

    /// Compares what the tail leaves open.
    #[inline]
    fn is(&self, place: Place, name: Name<'_>) -> bool {
        let (len, text) = (place.len, name.text());
        len <= 8 || {
            let known = &*self.texts[place.index as usize];
            if len <= 16 { known.first_chunk::<8>() == text.first_chunk::<8>() } else { known == text }
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
