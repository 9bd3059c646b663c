//! The index with NEON: 16 bytes at a time are compared, and four masks of bytes are folded into one of bits.
//!
//! Everything here is safe code for a processor that has NEON; [`wide`](super) asks for it.

use std::arch::aarch64::*;

use super::super::index::{Classes, Found, State, Words, fill, parity};

#[target_feature(enable = "neon")]
pub fn index(bytes: &[u8], words: &mut Words) -> Option<Found> {
    let mut state = State::default();
    fill(bytes, words, |block| {
        let classes = classes(block);
        let quotes = state.quotes(&classes);
        // A carryless product would need the cryptographic extension, which is not part of NEON.
        state.word(&classes, quotes, parity(quotes))
    });
    state.found()
}

#[inline]
#[target_feature(enable = "neon")]
fn classes(block: &[u8; 64]) -> Classes {
    let bytes: [uint8x16_t; 4] = bytemuck::must_cast(*block);
    let folded = bytes.map(|bytes| folded(bytes));
    Classes {
        quotes: equal(bytes, b'"'),
        backslashes: equal(bytes, b'\\'),
        opens: equal(folded, b'{'),
        closes: equal(folded, b'}'),
        controls: mask(bytes.map(|bytes| vcltq_u8(bytes, vdupq_n_u8(b' ')))),
    }
}

/// `[` becomes `{` and `]` becomes `}`, and nothing else becomes either.
#[inline]
#[target_feature(enable = "neon")]
fn folded(bytes: uint8x16_t) -> uint8x16_t {
    vorrq_u8(bytes, vdupq_n_u8(0x20))
}

#[inline]
#[target_feature(enable = "neon")]
fn equal(bytes: [uint8x16_t; 4], byte: u8) -> u64 {
    mask(bytes.map(|bytes| vceqq_u8(bytes, vdupq_n_u8(byte))))
}

/// One bit per byte of 64, lowest first, of bytes that are all ones or all zeros.
///
/// NEON has no instruction for it. Each byte keeps the bit of its place among eight; adding neighbours three times
/// then puts eight bytes' bits, which never meet, into one byte.
#[inline]
#[target_feature(enable = "neon")]
fn mask(bytes: [uint8x16_t; 4]) -> u64 {
    let places = vdupq_n_u64(0x8040_2010_0804_0201);
    let [a, b, c, d] = bytes.map(|bytes| vandq_u8(bytes, vreinterpretq_u8_u64(places)));
    let quarters = vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d));
    vgetq_lane_u64::<0>(vreinterpretq_u64_u8(vpaddq_u8(quarters, quarters)))
}
