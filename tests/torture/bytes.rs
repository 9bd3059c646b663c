//! A byte changed at any offset of a claim, and a claim cut at any offset.

use claimfeed::Api;

use super::is_long;
use super::lot::{Material, Verdict, judge};

/// What a byte becomes beside itself with one bit changed: what means something in JSON, and what may not be in it.
const WORDS: &[u8] = b"\"\\{}[],:\n 0-e\0\x1f\x7f\x80\xff";

/// Bytes of damaged text for one claim, about.
const QUICK: usize = 512 << 10;

/// Offsets of a text of which each makes a damaged copy.
fn offsets(length: usize, mean: usize) -> impl Iterator<Item = usize> {
    let step = if is_long() { 1 } else { (length * mean).div_ceil(QUICK).max(1) };
    // Steps of other lengths meet other offsets.
    (step / 2..length).step_by(step)
}

/// What the byte at an offset becomes: another one, and another choice at each offset.
fn other(byte: u8, offset: usize) -> u8 {
    let choice = offset.wrapping_mul(0x9E37_79B9) >> 7;
    let other = match choice % 26 {
        bit @ 0..8 => byte ^ (1 << bit),
        word => WORDS[word - 8],
    };
    if other == byte { byte ^ 1 } else { other }
}

fn every_claim(api: Api, damage: impl Fn(&str, usize) -> Vec<u8>, mean: impl Fn(usize) -> usize) -> Verdict {
    let material = Material::of(api);
    let mut all = Verdict::default();
    for claim in &material.claims {
        let at: Vec<usize> = offsets(claim.len(), mean(claim.len())).collect();
        let name = |n: u64| format!("{} claim, byte {} of:\n{claim}\n", api.name(), at[n as usize]);
        all.add(judge(&material, at.iter().map(|offset| damage(claim, *offset)), name));
    }
    eprintln!("{}: {all:?}", api.name());
    assert!(all.told > 0 && all.damaged > 200, "{all:?}");
    all
}

fn flipped(api: Api) {
    let flip = |claim: &str, offset: usize| {
        let mut bytes = claim.as_bytes().to_vec();
        bytes[offset] = other(bytes[offset], offset);
        bytes
    };
    assert!(every_claim(api, flip, |length| length).written > 0);
}

fn cut(api: Api) {
    let all = every_claim(api, |claim, offset| claim.as_bytes()[..offset].to_vec(), |length| length / 2);
    assert_eq!(all.written, 0);
}

fn gap(api: Api) {
    let gap = |claim: &str, offset: usize| {
        let mut bytes = claim.as_bytes().to_vec();
        let end = (offset + 1 + offset % 7).min(bytes.len());
        bytes.drain(offset..end);
        bytes
    };
    assert!(every_claim(api, gap, |length| length).written > 0);
}

macro_rules! for_each_version {
    ($($test:ident: $of:ident),*) => { $(mod $test {
        #[test] fn v1() { super::$of(claimfeed::Api::V1) }
        #[test] fn v2() { super::$of(claimfeed::Api::V2) }
        #[test] fn v3() { super::$of(claimfeed::Api::V3) }
    })* };
}

for_each_version!(a_byte_flipped: flipped, a_line_cut: cut, some_bytes_missing: gap);
