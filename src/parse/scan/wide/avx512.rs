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
    let eight = |at: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&block[at..at + 8]);
        i64::from_le_bytes(bytes)
    };
    // The compiler makes one load of it; one through a pointer was no faster when measured.
    let bytes = _mm512_set_epi64(eight(56), eight(48), eight(40), eight(32), eight(24), eight(16), eight(8), eight(0));
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
