//! [`index`](super::index) with the wide registers of this machine, where it has them.
//!
//! Each kind of processor has its own small file, and each file gives the same words as the portable way. The unsafe
//! code of the scanner is the calls here: of functions that are compiled for a feature from one that is not.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
mod neon;

use std::sync::OnceLock;

use super::index::{Found, Words};

/// A way to index a text.
pub type Index = fn(&[u8], &mut Words) -> Option<Found>;

/// Indexes a text the fastest way this machine knows; the same as [`index`](super::index::index).
///
/// The environment's `CLAIMFEED_INDEX` names another [way](ways), or `portable`: so that tests can compare whole outputs.
pub fn index(bytes: &[u8], words: &mut Words) -> Option<Found> {
    static CHOSEN: OnceLock<Index> = OnceLock::new();
    CHOSEN.get_or_init(choose)(bytes, words)
}

fn choose() -> Index {
    let wanted = std::env::var("CLAIMFEED_INDEX").ok();
    let is_wanted = |name: &str| wanted.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(name));
    ways().into_iter().find(|(name, _)| is_wanted(name)).map_or(super::index::index, |(_, way)| way)
}

/// Every wide way that this machine knows, by name and fastest first: for those who hold them against each other.
pub fn ways() -> Vec<(&'static str, Index)> {
    let mut ways: Vec<(&'static str, Index)> = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        ways.extend(has_avx512().then_some(("AVX-512", with_avx512 as Index)));
        ways.extend(has_avx2().then_some(("AVX2", with_avx2 as Index)));
    }
    #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
    ways.extend(has_neon().then_some(("NEON", with_neon as Index)));
    ways
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("pclmulqdq")
        && is_x86_feature_detected!("popcnt")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
}

#[cfg(target_arch = "x86_64")]
fn with_avx2(bytes: &[u8], words: &mut Words) -> Option<Found> {
    assert!(has_avx2());
    // SAFETY: the processor has every feature the function is compiled for, which was asked just now. It has no other
    // condition: it is given slices, checks their bounds like all safe code, and loads nothing by pointer.
    unsafe { avx2::index(bytes, words) }
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    has_avx2() && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")
}

#[cfg(target_arch = "x86_64")]
fn with_avx512(bytes: &[u8], words: &mut Words) -> Option<Found> {
    assert!(has_avx512());
    // SAFETY: as with AVX2.
    unsafe { avx512::index(bytes, words) }
}

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
fn has_neon() -> bool {
    std::arch::is_aarch64_feature_detected!("neon")
}

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
fn with_neon(bytes: &[u8], words: &mut Words) -> Option<Found> {
    assert!(has_neon());
    // SAFETY: the processor has NEON, which was asked just now. The function has no other condition: it is given
    // slices, checks their bounds like all safe code, and loads nothing by pointer.
    unsafe { neon::index(bytes, words) }
}
