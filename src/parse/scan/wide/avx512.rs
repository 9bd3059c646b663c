//! The index with AVX-512: 64 bytes are one register, and a comparison gives the bits of a word as they are.
//!
//! Everything here is safe code for a processor that has the features; [`wide`](super) asks for them.

use std::arch::x86_64::*;

use super::super::index::{Classes, Found, State, Words, fill};

#[target_feature(enable = "avx512f,avx512bw,pclmulqdq,popcnt,bmi1,bmi2")]
pub fn index(bytes: &[u8], words: &mut Words) -> Option<Found> {
    let mut state = State::default();
    fill(bytes, words, |block| {
        let classes = classes(block);
        let quotes = state.quotes(&classes);
        state.word(&classes, quotes, super::avx2::parity(quotes))
    });
    state.found()
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn classes(block: &[u8; 64]) -> Classes {
    let bytes: __m512i = bytemuck::must_cast(*block);
    // `[` becomes `{` and `]` becomes `}`, and nothing else becomes either.
    let folded = _mm512_or_si512(bytes, _mm512_set1_epi8(0x20));
    Classes {
        quotes: equal(bytes, b'"'),
        backslashes: equal(bytes, b'\\'),
        opens: equal(folded, b'{'),
        closes: equal(folded, b'}'),
        controls: _mm512_cmplt_epu8_mask(bytes, _mm512_set1_epi8(0x20)),
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn equal(bytes: __m512i, byte: u8) -> u64 {
    _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(byte as i8))
}
