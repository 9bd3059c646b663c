//! Whatever the scanner vouches for is what the tape says: the same family, notes and rows, in a group of lines as in
//! a line alone, and with damage only where nobody reads.
//!
//! An odd first byte: the rest is the text. An even one: the rest edits lines of testdata, so that the text is mostly
//! that of a claim.
#![no_main]

#[path = "../../tests/scanner/both.rs"]
#[allow(dead_code)] // the tests use more of it
mod both;
#[path = "../edit.rs"]
mod edit;

use std::cell::RefCell;
use std::sync::LazyLock;

use arbitrary::Unstructured;
use both::Both;
use claimfeed::Api;
use claimfeed::crosswalk::program::Crosswalk;
use claimfeed::crosswalk::schema::Schemas;
use libfuzzer_sys::fuzz_target;

static CROSSWALKS: LazyLock<[Crosswalk; 3]> = LazyLock::new(|| {
    let schemas = Schemas::embedded().expect("the shipped schemas read");
    Api::ALL.map(|api| Crosswalk::compile(&schemas, api).expect("the shipped schemas compile"))
});

thread_local! {
    static BOTH: RefCell<[Both<'static>; 3]> = RefCell::new(CROSSWALKS.each_ref().map(Both::new));
}

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let api = usize::from(*first >> 1) % Api::ALL.len();
    let text = if first % 2 == 1 { rest.to_vec() } else { edit::lines(api, &mut Unstructured::new(rest)) };
    BOTH.with(|both| check(&mut both.borrow_mut()[api], &text));
});

fn check(both: &mut Both<'_>, text: &[u8]) {
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', text).chain([text.len()]) {
        let line = &text[start..end];
        let in_group = both.scanned_in(text, start..end);
        let alone = both.scanned(line);
        if in_group.is_some() {
            assert_eq!(in_group, alone, "in a group and alone: {}", String::from_utf8_lossy(line));
        }
        if !has_long_number(line) {
            both.damage_is_skipped(line);
        }
        start = end + 1;
    }
}

/// A number of more digits than an f64 holds, or an integer that no 64 bits hold: the scanner knows it better.
fn has_long_number(line: &[u8]) -> bool {
    let (mut inside, mut escaped, mut digits) = (false, false, 0);
    line.iter().any(|byte| {
        inside ^= *byte == b'"' && !escaped;
        escaped = inside && *byte == b'\\' && !escaped;
        digits = match byte {
            b'0'..=b'9' if !inside => digits + 1,
            b'.' if !inside => digits,
            _ => 0,
        };
        digits > 15
    })
}
