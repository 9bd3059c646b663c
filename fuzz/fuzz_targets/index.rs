//! The index of this machine's wide registers is the portable one, and both are what reading byte by byte gives: on
//! any bytes, at any alignment, into memory that an earlier text has used.
#![no_main]

use claimfeed::parse::scan::index::{self, Brackets, Found, Word, Words};
use claimfeed::parse::scan::wide;
use libfuzzer_sys::fuzz_target;

/// Bytes are copied behind this many others at most, so that loads start anywhere in a cache line.
const ALIGNMENTS: usize = 64;

fuzz_target!(|data: &[u8]| {
    let Some((shift, text)) = data.split_first() else { return };
    let shift = usize::from(*shift) % ALIGNMENTS;
    // Boxed to its length: a load behind the end is one behind the allocation, which the sanitizer sees.
    let room: Box<[u8]> = [&vec![b'"'; shift], text].concat().into();
    let text = &room[shift..];

    let used = Brackets { depth: -7, ..Brackets::default() };
    let mut wide = Words { quotes: vec![5; 3], escapes: vec![5; 3], brackets: vec![used; 3] };
    let mut portable = Words::default();
    let found = index::index(text, &mut portable);
    assert_eq!(wide::index(text, &mut wide), found, "soundness");
    for at in 0..index::count(text.len()) {
        assert_eq!(portable.at(at), wide.at(at), "word {at}");
    }
    let is_sound = slowly(text, &portable);
    assert_eq!(is_sound.then_some(Found { escapes: text.contains(&b'\\') }), found, "soundness, byte by byte");
});

/// Holds the words against a reading byte by byte; gives whether the text is sound.
fn slowly(text: &[u8], words: &Words) -> bool {
    let (mut escaped, mut inside, mut sound, mut depth) = (false, false, true, 0);
    for (at, byte) in text.iter().enumerate() {
        let Word { quotes, escapes, brackets } = words.at(at / 64);
        if at % 64 == 0 {
            assert_eq!(brackets.depth, depth, "depth at {at}");
        }
        let is_quote = *byte == b'"' && !escaped;
        inside ^= is_quote;
        let [opens, closes] = [b"{[", b"}]"].map(|brackets| !inside && brackets.contains(byte));
        depth += i32::from(opens) - i32::from(closes);
        assert!(brackets.floor <= depth, "floor at {at}");
        let bits = [quotes, brackets.opens, brackets.closes, escapes].map(|bits| bits >> (at % 64) & 1 == 1);
        assert_eq!(bits, [is_quote, opens, closes, *byte == b'\\'], "byte {at}");
        sound &= if inside { *byte >= b' ' } else { *byte != b'\\' };
        escaped = *byte == b'\\' && !escaped;
    }
    sound && !inside
}
