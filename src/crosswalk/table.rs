//! A look-up of few short texts, made once and asked billions of times: keys of a node, literals of a switch.
//!
//! Length and last eight bytes decide the place (literals share their beginning, a 45-byte URL), one comparison
//! decides the hit. The multiplier is searched at compile time so that most tables have no collision.

/// Finds the index of a text.
#[derive(Debug, Clone, Default)]
pub struct TextTable {
    texts: Vec<Box<[u8]>>,
    /// index + 1 into `texts`, 0 is free; length is a power of two
    places: Box<[u8]>,
    multiplier: u64,
    shift: u32,
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
        let place = |multiplier: u64, text: &[u8]| (word(text).wrapping_mul(multiplier) >> shift) as usize;
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
        TextTable { texts, places, multiplier, shift }
    }

    /// The texts in order of their index.
    pub fn texts(&self) -> &[Box<[u8]>] {
        &self.texts
    }

    /// The index of `text`.
    #[inline]
    pub fn find(&self, text: &[u8]) -> Option<usize> {
        if self.texts.is_empty() {
            return None;
        }
        let mut at = (word(text).wrapping_mul(self.multiplier) >> self.shift) as usize;
        loop {
            match self.places[at] {
                0 => return None,
                n if *self.texts[n as usize - 1] == *text => return Some(n as usize - 1),
                _ => at = (at + 1) & (self.places.len() - 1),
            }
        }
    }
}

/// Eight bytes that tell texts apart, mixed with the length.
#[inline]
fn word(text: &[u8]) -> u64 {
    let len = text.len();
    let bytes = if let Some(last) = text.last_chunk::<8>() {
        u64::from_le_bytes(*last)
    } else if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32
    } else if len > 0 {
        u64::from(text[0]) | u64::from(text[len / 2]) << 8 | u64::from(text[len - 1]) << 16
    } else {
        0
    };
    bytes ^ (len as u64).wrapping_mul(0xA076_1D64_78BD_642F)
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
            assert_eq!(table.find(text.as_bytes()), Some(index));
        }
        for other in ["", "a", "url", "https://bluebutton.cms.gov/resources/variables/f200"] {
            assert_eq!(table.find(other.as_bytes()), None);
        }
        assert_eq!(TextTable::default().find(b"x"), None);
    }

    #[test]
    fn short_texts_that_share_bytes_are_told_apart() {
        let texts = ["", "a", "ab", "aab", "abb", "code", "cade", "abcdefgh", "xabcdefgh", "yabcdefgh"];
        let table = TextTable::new(texts);
        for (index, text) in texts.iter().enumerate() {
            assert_eq!(table.find(text.as_bytes()), Some(index), "{text}");
        }
    }
}
