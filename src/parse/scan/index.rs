//! Where the quotes and brackets of a text are: one [`Word`] per 64 bytes.
//!
//! This is the portable way to make them; `wide` classifies bytes faster and shares everything else.
//! Tests hold the two against each other.

/// Quotes and brackets of 64 bytes, one bit per byte, lowest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Word {
    /// quotes that begin or end a string
    pub quotes: u64,
    /// backslashes, all of them in strings
    pub escapes: u64,
    /// what stands outside of strings
    pub brackets: Brackets,
}

/// Brackets outside of strings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Brackets {
    /// `{` and `[`
    pub opens: u64,
    /// `}` and `]`
    pub closes: u64,
    /// how many are open before the first of the bytes
    pub depth: i32,
    /// no fewer are open anywhere among them
    pub floor: i32,
}

impl Word {
    /// Stands behind the last word and ends every search.
    const END: Word =
        Word { quotes: !0, escapes: 0, brackets: Brackets { opens: 0, closes: 0, depth: 0, floor: i32::MIN } };
}

/// The words of a text, each kind of bits by itself: a walk asks for quotes at every step, for brackets now and then
/// and for escapes hardly ever, and what it asks for often should lie close together.
#[derive(Debug, Clone, Default)]
pub struct Words {
    /// [`Word::quotes`]
    pub quotes: Vec<u64>,
    /// [`Word::escapes`]
    pub escapes: Vec<u64>,
    /// [`Word::brackets`]
    pub brackets: Vec<Brackets>,
}

impl Words {
    /// One of them.
    pub fn at(&self, index: usize) -> Word {
        Word { quotes: self.quotes[index], escapes: self.escapes[index], brackets: self.brackets[index] }
    }
}

/// What an index says of a text as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// there is a backslash somewhere in a string
    pub escapes: bool,
}

/// 64 bytes by class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Classes {
    pub quotes: u64,
    pub backslashes: u64,
    pub opens: u64,
    pub closes: u64,
    pub controls: u64,
}

impl Classes {
    pub fn of(block: &[u8; 64]) -> Classes {
        let bits =
            |is: fn(u8) -> bool| block.iter().enumerate().fold(0, |bits, (at, byte)| bits | u64::from(is(*byte)) << at);
        Classes {
            quotes: bits(|b| b == b'"'),
            backslashes: bits(|b| b == b'\\'),
            opens: bits(|b| b | 0x20 == b'{'),
            closes: bits(|b| b | 0x20 == b'}'),
            controls: bits(|b| b < b' '),
        }
    }
}

/// Bit n is the parity of bits 0 to n: from quotes to what is inside of strings.
pub(super) fn parity(bits: u64) -> u64 {
    let mut sums = bits;
    for shift in [1, 2, 4, 8, 16, 32] {
        sums ^= sums << shift;
    }
    sums
}

/// What goes on from one word to the next.
#[derive(Debug, Default)]
pub(super) struct State {
    /// 1 if the next byte is escaped
    escaped: u64,
    /// all ones inside of a string
    inside: u64,
    depth: i32,
    unsound: u64,
    escapes: u64,
}

impl State {
    /// Quotes that are not escaped.
    #[inline(always)]
    pub fn quotes(&mut self, classes: &Classes) -> u64 {
        classes.quotes & !self.escaped(classes.backslashes)
    }

    /// Bytes behind an odd number of backslashes.
    #[inline(always)]
    fn escaped(&mut self, backslashes: u64) -> u64 {
        if backslashes == 0 {
            return std::mem::take(&mut self.escaped);
        }
        const ODD: u64 = 0xAAAA_AAAA_AAAA_AAAA;
        // A run that begins at an even bit ends in a carry at an even one if its length is even, and so on: the
        // subtraction finds the ends of all runs at once.
        let starts = backslashes & !self.escaped;
        let ends = ((starts << 1) | ODD).wrapping_sub(starts) ^ ODD;
        let escaped = ends ^ (backslashes | self.escaped);
        self.escaped = (ends & backslashes) >> 63;
        escaped
    }

    /// The word of these classes; `parity` is that of `quotes`.
    #[inline(always)]
    pub fn word(&mut self, classes: &Classes, quotes: u64, parity: u64) -> Word {
        let inside = parity ^ self.inside;
        self.inside = ((inside as i64) >> 63) as u64;
        self.escapes |= classes.backslashes;
        self.unsound |= classes.controls & inside | classes.backslashes & !inside;
        let (opens, closes) = (classes.opens & !inside, classes.closes & !inside);
        let depth = self.depth;
        let closed = closes.count_ones() as i32;
        self.depth = depth + opens.count_ones() as i32 - closed;
        let brackets = Brackets { opens, closes, depth, floor: depth - closed };
        Word { quotes, escapes: classes.backslashes, brackets }
    }

    /// `None` unless strings are closed and without control characters, and backslashes are in strings.
    #[inline(always)]
    pub fn found(&self) -> Option<Found> {
        (self.unsound | self.inside == 0).then_some(Found { escapes: self.escapes != 0 })
    }
}

/// Makes the words of a text: `block` makes one from 64 bytes, the last ones filled up with spaces.
/// [`count`] says how many words are the text's.
#[inline(always)]
pub(super) fn fill(bytes: &[u8], words: &mut Words, mut block: impl FnMut(&[u8; 64]) -> Word) {
    let (blocks, rest) = bytes.as_chunks::<64>();
    let count = count(bytes.len());
    // Words of an earlier text may stay behind the last one: filling them anew would cost more than they take.
    if words.quotes.len() < count {
        words.quotes.resize(count, 0);
        words.escapes.resize(count, 0);
        words.brackets.resize(count, Brackets::default());
    }
    let (quotes, escapes) = (&mut words.quotes[..count], &mut words.escapes[..count]);
    let brackets = &mut words.brackets[..count];
    for (((bytes, quotes), escapes), brackets) in
        blocks.iter().zip(quotes.iter_mut()).zip(escapes.iter_mut()).zip(brackets.iter_mut())
    {
        let word = block(bytes);
        (*quotes, *escapes, *brackets) = (word.quotes, word.escapes, word.brackets);
    }
    let mut last = [b' '; 64];
    last[..rest.len()].copy_from_slice(rest);
    for (at, word) in [(count - 2, block(&last)), (count - 1, Word::END)] {
        (quotes[at], escapes[at], brackets[at]) = (word.quotes, word.escapes, word.brackets);
    }
}

/// How many words a text of so many bytes has.
pub fn count(bytes: usize) -> usize {
    bytes / 64 + 2
}

/// Indexes a text on any machine; tells whether its strings are closed and without control characters, and its
/// backslashes all in strings.
pub fn index(bytes: &[u8], words: &mut Words) -> Option<Found> {
    let mut state = State::default();
    fill(bytes, words, |block| {
        let classes = Classes::of(block);
        let quotes = state.quotes(&classes);
        state.word(&classes, quotes, parity(quotes))
    });
    state.found()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::wide;
    use super::*;

    /// Byte by byte, as one would say it.
    fn slowly(bytes: &[u8]) -> (Vec<[bool; 4]>, Option<Found>) {
        let (mut escaped, mut inside, mut sound) = (false, false, true);
        let mut marks = Vec::new();
        for byte in bytes {
            let is_quote = *byte == b'"' && !escaped;
            inside ^= is_quote;
            let outside = !inside;
            let [open, close] = [b"{[", b"}]"].map(|brackets| outside && brackets.contains(byte));
            marks.push([is_quote, open, close, *byte == b'\\']);
            sound &= if inside { *byte >= b' ' } else { *byte != b'\\' };
            escaped = *byte == b'\\' && !escaped;
        }
        let found = Found { escapes: bytes.contains(&b'\\') };
        (marks, (sound && !inside).then_some(found))
    }

    fn token_soup() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            6 => prop::sample::select(b"\"\\{}[]:, a\n".to_vec()),
            1 => any::<u8>(),
        ];
        prop::collection::vec(byte, 0..400)
    }

    proptest! {
        #[test]
        fn words_are_what_a_byte_by_byte_reading_gives(bytes in token_soup()) {
            let mut words = Words::default();
            let found = index(&bytes, &mut words);
            let (marks, expected) = slowly(&bytes);
            prop_assert_eq!(found, expected);
            prop_assert_eq!(words.at(count(bytes.len()) - 1), Word::END);
            let mut depth = 0;
            for (at, [quote, open, close, escape]) in marks.into_iter().enumerate() {
                let Word { quotes, escapes, brackets } = words.at(at / 64);
                if at % 64 == 0 {
                    prop_assert_eq!(brackets.depth, depth);
                }
                depth += i32::from(open) - i32::from(close);
                prop_assert!(brackets.floor <= depth);
                let bit = |bits: u64| bits >> (at % 64) & 1 == 1;
                prop_assert_eq!([bit(quotes), bit(escapes)], [quote, escape]);
                prop_assert_eq!([bit(brackets.opens), bit(brackets.closes)], [open, close]);
            }
        }

        #[test]
        fn every_wide_way_gives_the_same(bytes in token_soup(), shift in 0..64usize) {
            let room = [vec![b'"'; shift], bytes].concat();
            let bytes = &room[shift..];
            let mut words = Words::default();
            let sound = index(bytes, &mut words);
            for (name, way) in wide::ways().into_iter().chain([("the chosen one", wide::index as wide::Index)]) {
                let mut wide = Words::default();
                way(br#"[{"what stood there before"}"#, &mut wide);
                prop_assert_eq!(way(bytes, &mut wide), sound, "{}", name);
                for at in 0..count(bytes.len()) {
                    prop_assert_eq!(words.at(at), wide.at(at), "{}", name);
                }
            }
        }
    }

    /// Every length around the edges of blocks, with bytes that matter at every place.
    #[test]
    fn the_edges_of_blocks_make_no_difference() {
        let bytes: Vec<u8> = br#"{"a\"":[1,{"b]":"\"}],"c":""}"#.iter().copied().cycle().take(200).collect();
        for (name, way) in wide::ways() {
            let (mut words, mut wide) = (Words::default(), Words::default());
            for from in 0..65 {
                for to in from..bytes.len() {
                    let sound = index(&bytes[from..to], &mut words);
                    assert_eq!(way(&bytes[from..to], &mut wide), sound, "{name}: {from}..{to}");
                    for at in 0..count(to - from) {
                        assert_eq!(words.at(at), wide.at(at), "{name}: {from}..{to}");
                    }
                }
            }
        }
    }
}
