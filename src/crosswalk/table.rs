//! A look-up of few short texts, made once and asked billions of times: keys of a node, literals of a switch.
//!
//! Length and last eight bytes decide the place (literals share their beginning, a 45-byte URL). Up to eight bytes
//! they decide the hit as well, up to sixteen the first eight are compared, only longer texts are compared whole. The
//! multiplier is searched at compile time so that most tables have no collision.

use crate::parse::Name;
use crate::parse::name::is_same;

/// Finds what belongs to a text.
#[derive(Debug, Clone)]
pub struct TextTable<T> {
    texts: Vec<Box<[u8]>>,
    /// length is a power of two, or none of no texts
    places: Box<[Place<T>]>,
    multiplier: u64,
    shift: u32,
    /// some text stands behind its own place
    collides: bool,
}

/// Where a text may stand, with all that decides most comparisons, and what belongs to it: a look-up waits for memory
/// once, as all of it lies in one line of the cache.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Place<T> {
    tail: u64,
    head: u64,
    len: u32,
    /// into `texts`
    index: u32,
    what: T,
}

/// The length of what stands in a free place; no text is that long.
const FREE: u32 = u32::MAX;

impl<T> Place<T> {
    /// Whether the text is there, as far as head, tail and length tell: up to 16 bytes that is all of it.
    #[inline(always)]
    fn may_be(&self, name: Name<'_>) -> bool {
        // Without branches in between: which of them differs first is anyone's guess.
        (self.tail ^ name.tail()) | (self.head ^ name.head()) | (u64::from(self.len) ^ name.text().len() as u64) == 0
    }
}

#[inline(always)]
fn mixed(name: Name<'_>) -> u64 {
    name.tail() ^ (name.text().len() as u64) << 59
}

/// Multipliers tried per table size; with more collisions than none after that, the best one is kept.
const TRIES: u64 = 200;

impl<T> Default for TextTable<T> {
    fn default() -> TextTable<T> {
        TextTable { texts: Vec::new(), places: [].into(), multiplier: 1, shift: 63, collides: false }
    }
}

impl<T: Copy> TextTable<T> {
    /// Builds the table. Without duplicates.
    pub fn new<K: AsRef<[u8]>>(entries: impl IntoIterator<Item = (K, T)>) -> TextTable<T> {
        let (texts, whats): (Vec<Box<[u8]>>, Vec<T>) =
            entries.into_iter().map(|(text, what)| (Box::from(text.as_ref()), what)).unzip();
        let Some(&any) = whats.first() else { return TextTable::default() };
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
        let free = Place { tail: 0, head: 0, len: FREE, index: 0, what: any };
        let mut places = vec![free; 1 << bits].into_boxed_slice();
        for (index, (text, what)) in texts.iter().zip(whats).enumerate() {
            let mut at = place(multiplier, text);
            while places[at].len != FREE {
                at = (at + 1) % places.len();
            }
            let (name, len) = (Name::new(text), text.len() as u32);
            places[at] = Place { tail: name.tail(), head: name.head(), len, index: index as u32, what };
        }
        let collides = collisions(multiplier) > 0;
        TextTable { texts, places, multiplier, shift, collides }
    }

    /// The texts, in their order.
    pub fn texts(&self) -> &[Box<[u8]>] {
        &self.texts
    }

    /// What belongs to a text.
    #[inline(always)]
    pub fn find(&self, name: Name<'_>) -> Option<&T> {
        // The shift leaves as many bits as there are places.
        let at = (mixed(name).wrapping_mul(self.multiplier) >> self.shift) as usize;
        let place = self.places.get(at)?;
        if place.may_be(name) && (name.text().len() <= 16 || self.is(place, name)) {
            return Some(&place.what);
        }
        if self.collides { self.find_behind(name, at) } else { None }
    }

    /// Looks behind the text's own place, where another stands.
    #[inline(never)]
    fn find_behind(&self, name: Name<'_>, mut at: usize) -> Option<&T> {
        loop {
            let place = &self.places[at & (self.places.len() - 1)];
            if place.len == FREE {
                return None;
            }
            if place.may_be(name) && self.is(place, name) {
                return Some(&place.what);
            }
            at += 1;
        }
    }

    #[inline(always)]
    fn is(&self, place: &Place<T>, name: Name<'_>) -> bool {
        is_same(&self.texts[place.index as usize], name.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_it_holds_and_nothing_else() {
        let texts: Vec<String> =
            (0..200).map(|n| format!("https://bluebutton.cms.gov/resources/variables/f{n}")).collect();
        let table = TextTable::new(texts.iter().zip(0..));
        for (index, text) in texts.iter().enumerate() {
            assert_eq!(table.find(Name::new(text.as_bytes())), Some(&index));
        }
        for other in ["", "a", "url", "https://bluebutton.cms.gov/resources/variables/f200"] {
            assert_eq!(table.find(Name::new(other.as_bytes())), None);
        }
        assert_eq!(TextTable::<()>::default().find(Name::new(b"x")), None);
        assert_eq!(TextTable::<()>::default().find(Name::new(b"")), None);
    }

    #[test]
    fn short_texts_that_share_bytes_are_told_apart() {
        let texts = ["", "a", "ab", "aab", "abb", "code", "cade", "abcdefgh", "xabcdefgh", "yabcdefgh"];
        let table = TextTable::new(texts.into_iter().zip(0..));
        for (index, text) in texts.iter().enumerate() {
            assert_eq!(table.find(Name::new(text.as_bytes())), Some(&index), "{text}");
        }
    }
}
