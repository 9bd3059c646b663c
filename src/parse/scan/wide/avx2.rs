//! The index with AVX2: 32 bytes at a time are compared, and what is inside of strings is one product.
//!
//! Everything here is safe code for a processor that has the features; [`wide`](super) asks for them.

use std::arch::x86_64::*;

use super::super::index::{Classes, Found, State, Words, fill};

#[target_feature(enable = "avx2,pclmulqdq,popcnt,bmi1,bmi2")]
pub fn index(bytes: &[u8], words: &mut Words) -> Option<Found> {
    let mut state = State::default();
    fill(bytes, words, |block| {
        let classes = classes(block);
        let quotes = state.quotes(&classes);
        state.word(&classes, quotes, parity(quotes))
    });
    state.found()
}

/// A product with all ones, without carries, is the parity of all lower bits.
#[inline]
#[target_feature(enable = "pclmulqdq")]
pub(super) fn parity(bits: u64) -> u64 {
    let product = _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, bits as i64), _mm_set1_epi8(-1));
    _mm_cvtsi128_si64(product) as u64
}

#[inline]
#[target_feature(enable = "avx2")]
fn classes(block: &[u8; 64]) -> Classes {
    let [low, high]: [__m256i; 2] = bytemuck::must_cast(*block);
    Classes {
        quotes: equal(low, high, b'"'),
        backslashes: equal(low, high, b'\\'),
        opens: equal(folded(low), folded(high), b'{'),
        closes: equal(folded(low), folded(high), b'}'),
        controls: mask(below_space(low), below_space(high)),
    }
}

/// `[` becomes `{` and `]` becomes `}`, and nothing else becomes either.
#[inline]
#[target_feature(enable = "avx2")]
fn folded(bytes: __m256i) -> __m256i {
    _mm256_or_si256(bytes, _mm256_set1_epi8(0x20))
}

#[inline]
#[target_feature(enable = "avx2")]
fn below_space(bytes: __m256i) -> __m256i {
    _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(0x1F)), bytes)
}

#[inline]
#[target_feature(enable = "avx2")]
fn equal(low: __m256i, high: __m256i, byte: u8) -> u64 {
    let byte = _mm256_set1_epi8(byte as i8);
    mask(_mm256_cmpeq_epi8(low, byte), _mm256_cmpeq_epi8(high, byte))
}

#[inline]
#[target_feature(enable = "avx2")]
fn mask(low: __m256i, high: __m256i) -> u64 {
    u64::from(_mm256_movemask_epi8(low) as u32) | u64::from(_mm256_movemask_epi8(high) as u32) << 32
}
