//! A text that is looked up: a member's name or a discriminator's literal.
//!
//! Its first and last eight bytes as numbers and its length tell names of up to sixteen bytes apart, and almost all
//! others. Whoever reads a name out of a larger buffer can load these numbers in one go, so they travel along.

/// A text with its first and last bytes.
#[derive(Debug, Clone, Copy)]
pub struct Name<'a> {
    text: &'a [u8],
    head: u64,
    tail: u64,
}

/// Whether two texts are the same. Compares blocks, of which the last one overlaps the one before: a call, which would find out
/// about lengths in its own way, costs more than most comparisons do.
#[inline(always)]
pub fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len()
        && in_blocks::<32>(one, other)
            .or_else(|| in_blocks::<8>(one, other))
            .or_else(|| in_blocks::<2>(one, other))
            .unwrap_or_else(|| one.first() == other.first())
}

/// `None` if there is not even one block.
#[inline(always)]
fn in_blocks<const BYTES: usize>(one: &[u8], other: &[u8]) -> Option<bool> {
    let ends = one.last_chunk::<BYTES>()? == other.last_chunk()?;
    let mut blocks = one.as_chunks::<BYTES>().0.iter().zip(other.as_chunks().0);
    Some(blocks.all(|(one, other)| one == other) && ends)
}

/// Names in a [`Window`] are shorter.
pub const MAX_NAME: usize = 64;

/// Bytes of a [`Window`]: a name in quotes and what stands behind it.
pub const WINDOW: usize = MAX_NAME + 8;

/// A stretch of a buffer that begins with a name's quote: one check of bounds for all of it.
pub type Window = [u8; WINDOW];

/// The first n bytes of a number.
const FIRST: [u64; 9] = {
    let mut masks = [u64::MAX; 9];
    let mut len = 0;
    while len < 8 {
        masks[len] = (1 << (8 * len)) - 1;
        len += 1;
    }
    masks
};

impl<'a> Name<'a> {
    /// Reads head and tail off the text.
    #[inline]
    pub fn new(text: &'a [u8]) -> Name<'a> {
        let tail = tail(text);
        Name { text, head: text.first_chunk().map_or(tail, |head| u64::from_le_bytes(*head)), tail }
    }

    /// The name at `start..end` of a buffer; empty if there is no such range.
    #[inline]
    pub fn within(buffer: &'a [u8], start: usize, end: usize) -> Name<'a> {
        Name::new(buffer.get(start..end).unwrap_or_default())
    }

    /// The name of `len` bytes behind the window's first byte, which is its quote; less than [`MAX_NAME`].
    #[inline(always)]
    pub fn quoted(window: &'a Window, len: usize) -> Name<'a> {
        let len = len % MAX_NAME; // says the same again, to the compiler
        let eight = |at: usize| window[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        // By masks: whether the next name is a short one is anyone's guess, and a branch would have to guess.
        let own = FIRST[len.min(8)];
        Name { text: &window[1..1 + len], head: eight(1) & own, tail: eight(len.max(8) - 7) & own }
    }

    /// The whole text.
    #[inline]
    pub fn text(self) -> &'a [u8] {
        self.text
    }

    /// The last up to eight bytes as a little-endian number.
    #[inline]
    pub fn tail(self) -> u64 {
        self.tail
    }

    /// The first up to eight bytes as a little-endian number.
    #[inline]
    pub fn head(self) -> u64 {
        self.head
    }

    /// Whether the two are the same.
    #[inline]
    pub fn is(self, other: Name<'_>) -> bool {
        (self.tail ^ other.tail) | (self.head ^ other.head) | (self.text.len() ^ other.text.len()) as u64 == 0
            && (self.text.len() <= 16 || is_same(self.text, other.text))
    }
}

#[inline]
fn tail(text: &[u8]) -> u64 {
    let len = text.len();
    if let Some(last) = text.last_chunk::<8>() {
        u64::from_le_bytes(*last)
    } else if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        // They overlap, and where they do they are the same.
        u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << (8 * (len - 4))
    } else {
        text.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_the_same_wherever_the_name_stands() {
        let buffer = b"the quick brown fox jumps";
        for start in 0..=buffer.len() {
            for end in start..=buffer.len() {
                let (within, alone) = (Name::within(buffer, start, end), Name::new(&buffer[start..end]));
                assert_eq!((within.tail(), within.text()), (alone.tail(), alone.text()));
                let last = &alone.text()[alone.text().len().saturating_sub(8)..];
                let spelled = last.iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b));
                assert_eq!(alone.tail(), spelled);
            }
        }
        assert_eq!(Name::within(buffer, 20, 99).text(), b"");
    }

    #[test]
    fn texts_are_the_same_if_all_of_their_bytes_are() {
        let text: Vec<u8> = (0..100).map(|at| b'a' + at % 26).collect();
        for len in 0..=text.len() {
            assert!(is_same(&text[..len], &text.clone()[..len]));
            assert!(!is_same(&text[..len], &text[..(len + 1) % 100]));
            for at in 0..len {
                let mut other = text[..len].to_vec();
                other[at] ^= 1;
                assert!(!is_same(&text[..len], &other), "{at} of {len}");
            }
        }
    }

    #[test]
    fn a_name_in_a_window_is_the_name() {
        let window: Window = std::array::from_fn(|at| b'a' + (at * 7 % 26) as u8);
        for len in 0..MAX_NAME {
            let (quoted, alone) = (Name::quoted(&window, len), Name::new(&window[1..1 + len]));
            assert_eq!(quoted.text(), alone.text());
            assert_eq!((quoted.head(), quoted.tail()), (alone.head(), alone.tail()), "{len}");
            assert!(quoted.is(alone));
            assert!(len == 0 || !quoted.is(Name::new(&window[1..len])));
        }
    }
}
