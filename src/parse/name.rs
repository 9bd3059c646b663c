//! A text that is looked up: a member's name or a discriminator's literal.
//!
//! Its last eight bytes as a number and its length tell almost all names apart, and names of up to eight bytes
//! completely. Whoever reads a name out of a larger buffer can load that number in one go, so it travels along.

/// A text and its last bytes.
#[derive(Debug, Clone, Copy)]
pub struct Name<'a> {
    text: &'a [u8],
    tail: u64,
}

impl<'a> Name<'a> {
    /// Reads the tail off the text.
    #[inline]
    pub fn new(text: &'a [u8]) -> Name<'a> {
        Name { text, tail: tail(text) }
    }

    /// The text, whose tail is known.
    #[inline]
    pub fn with_tail(text: &'a [u8], tail: u64) -> Name<'a> {
        Name { text, tail }
    }

    /// The name at `start..end` of a buffer; empty if there is no such range.
    #[inline]
    pub fn within(buffer: &'a [u8], start: usize, end: usize) -> Name<'a> {
        let Some(text) = buffer.get(start..end) else { return Name { text: &[], tail: 0 } };
        // The shift drops what stands before a name of less than eight bytes.
        match buffer[..end].last_chunk::<8>() {
            Some(last) if !text.is_empty() => {
                Name { text, tail: u64::from_le_bytes(*last) >> (8 * (8 - text.len().min(8))) }
            }
            _ => Name::new(text),
        }
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

    /// Whether the two are the same.
    #[inline]
    pub fn is(self, other: Name<'_>) -> bool {
        self.tail == other.tail
            && self.text.len() == other.text.len()
            && (self.text.len() <= 8 || *self.text == *other.text)
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
}
