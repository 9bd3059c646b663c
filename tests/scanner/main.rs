//! The scanner against the tape: whatever it vouches for is what the tape says.
//!
//! A record that the scanner takes must give the same values as on the tape; one that it leaves to the tape is the
//! tape's anyway. Two things are allowed. A number with more digits than an f64 vouches for is exact with the scanner.
//! And damage in what the walk never asks for may pass; [`skipped_damage_is_all_that_passes`] says which.

mod both;

use std::cell::RefCell;
use std::sync::LazyLock;

use claimfeed::Api;
use claimfeed::crosswalk::program::Crosswalk;
use claimfeed::crosswalk::schema::Schemas;
use claimfeed::parse::Cursor;
use claimfeed::parse::tape::{INEXACT, PADDING};
use claimfeed::sandbox::{KeyOrder, Resource, Shape, Synth};
use proptest::prelude::*;

use both::Both;

fn crosswalks() -> Vec<Crosswalk> {
    let schemas = Schemas::embedded().expect("the shipped schemas read");
    Api::ALL.map(|api| Crosswalk::compile(&schemas, api).expect("the shipped schemas compile")).into()
}

fn claims(synth: &Synth, mut each: impl FnMut(&[u8])) {
    for index in 0..synth.beneficiaries {
        synth.beneficiary(index, &mut |resource, line| {
            if resource == Resource::ExplanationOfBenefit {
                each(line);
            }
        });
    }
}

fn exports(api: Api, beneficiaries: u64) -> [Synth; 3] {
    let odd = Shape { scattered: 0.5, gaps: 0.5, awkward: 0.5, merged: 0.3, sparse: 0.2, ..Shape::default() };
    let small = Synth { beneficiaries, claims_per_beneficiary: 12, ..Synth::new(api) };
    [
        small.clone(),
        Synth { seed: 5, key_order: KeyOrder::Shuffled, ..small.clone() },
        Synth { seed: 7, shape: odd, ..small },
    ]
}

#[test]
fn exports_read_the_same_and_hardly_need_the_tape() {
    for (crosswalk, api) in crosswalks().iter().zip(Api::ALL) {
        let mut both = Both::new(crosswalk);
        for synth in exports(api, 12) {
            let (mut lines, mut scanned) = (0, 0);
            claims(&synth, |line| {
                lines += 1;
                scanned += u32::from(both.same(line));
            });
            assert!(scanned * 10 > lines * 9, "{}: {scanned} of {lines} lines scanned", api.name());
        }
    }
}

/// Puts space wherever JSON allows it.
fn spaced(line: &[u8]) -> Vec<u8> {
    let (mut out, mut inside, mut escaped) = (Vec::new(), false, false);
    for byte in line {
        if *byte == b'"' && !escaped {
            inside = !inside;
        }
        escaped = inside && *byte == b'\\' && !escaped;
        match byte {
            b'{' | b'}' | b'[' | b']' | b',' | b':' if !inside => out.extend([b' ', *byte, b'\t', b'\r', b' ']),
            _ => out.push(*byte),
        }
    }
    out
}

#[test]
fn space_between_tokens_changes_nothing() {
    for (crosswalk, api) in crosswalks().iter().zip(Api::ALL) {
        let mut both = Both::new(crosswalk);
        claims(&Synth { beneficiaries: 1, ..Synth::new(api) }, |line| {
            let plain = both.scanned(line).expect("a line for the scanner");
            let spaced = spaced(line);
            assert_eq!(both.scanned(&spaced), Some(plain), "{}", String::from_utf8_lossy(&spaced));
            assert!(both.same(&spaced));
        });
    }
}

/// The smallest claim.
fn small_claims(api: Api) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    claims(&Synth { beneficiaries: 6, claims_per_beneficiary: 12, ..Synth::new(api) }, |line| {
        lines.push(line.to_vec())
    });
    lines.sort_by_key(Vec::len);
    lines.truncate(1);
    lines
}

#[test]
fn skipped_damage_is_all_that_passes() {
    for (crosswalk, api) in crosswalks().iter().zip(Api::ALL) {
        let mut both = Both::new(crosswalk);
        let (mut passed, mut tried) = (0u32, 0u32);
        for line in small_claims(api) {
            for at in 0..line.len() {
                for byte in [line[at] ^ 1, line[at] ^ 0x20, line[at] ^ 0x80, b'"', b'}', b'\\'] {
                    let mut damaged = line.clone();
                    damaged[at] = byte;
                    tried += 1;
                    passed += u32::from(both.damage_is_skipped(&damaged));
                }
            }
        }
        eprintln!("{}: {passed} of {tried} damaged lines passed, all of them damaged where nobody reads", api.name());
    }
}

#[test]
fn no_cut_line_passes() {
    for (crosswalk, api) in crosswalks().iter().zip(Api::ALL) {
        let mut both = Both::new(crosswalk);
        for line in small_claims(api) {
            for at in 0..line.len() {
                assert_eq!(both.scanned(&line[..at]), None, "cut at {at}");
            }
            for at in (0..line.len()).step_by(7) {
                let glued = [&line[..at], &line[..]].concat();
                both.damage_is_skipped(&glued);
                let holed = [&line[..at], &line[line.len().min(at + 40)..]].concat();
                both.damage_is_skipped(&holed);
            }
        }
    }
}

/// Tokens of claims in any order, mostly not JSON.
fn token_soup() -> impl Strategy<Value = Vec<u8>> {
    let tokens = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "{",
        "}",
        "\"",
        "\\",
        " ",
        "\t",
        "\n",
        "\u{e9}",
        "null",
        "true",
        "false",
        "nul",
        "0",
        "-0.0",
        "1.50",
        "1e2",
        "01",
        "-",
        "\"\"",
        "\"a\\u0041\"",
        "\"type\"",
        "\"coding\"",
        "\"code\"",
        "\"system\"",
        "\"id\"",
        "\"item\"",
        "\"PDE\"",
        "\"x\"",
        "\"status\":",
        "\"resourceType\":\"ExplanationOfBenefit\"",
        "{\"id\":\"7\",",
        "\"c\\u006fde\":",
        "\"item\":[",
        "\"type\":{\"coding\":[{\"code\":\"PDE\",\"system\":",
    ];
    prop::collection::vec(prop::sample::select(tokens.to_vec()), 0..30).prop_map(|tokens| tokens.concat().into_bytes())
}

/// Sound JSON of the keys and texts of claims, with duplicate keys.
fn claim_like() -> impl Strategy<Value = String> {
    let keys = [
        "id",
        "type",
        "coding",
        "code",
        "system",
        "item",
        "sequence",
        "adjudication",
        "category",
        "amount",
        "value",
        "extension",
        "url",
        "valueCoding",
        "diagnosis",
        "status",
        "use",
        "resourceType",
        "c\\u006fde",
        "other",
    ];
    let leaf = prop::sample::select(vec![
        "null",
        "true",
        "\"\"",
        "\"a\"",
        "\"PDE\"",
        "\"CARRIER\"",
        "1",
        "-0",
        "1.50",
        "0.0",
        "2e1",
        "\"\\u0050DE\"",
        "\"https://bluebutton.cms.gov/resources/codesystem/eob-type\"",
        "\"ExplanationOfBenefit\"",
        "[]",
        "{}",
        "123456789012345",
        "-7.25",
        "1234567890123456789",
        "\"claim\"",
    ])
    .prop_map(str::to_string);
    let value = leaf.prop_recursive(6, 120, 5, move |inside| {
        let members = prop::collection::vec((prop::sample::select(keys.to_vec()), inside.clone()), 0..6);
        prop_oneof![
            1 => prop::collection::vec(inside, 0..4).prop_map(|elements| format!("[{}]", elements.join(","))),
            4 => members.prop_map(|members| object(&members)),
        ]
    });
    prop::collection::vec((prop::sample::select(keys.to_vec()), value), 0..9).prop_map(|members| {
        let kind =
            r#""type":{"coding":[{"code":"PDE","system":"https://bluebutton.cms.gov/resources/codesystem/eob-type"}]}"#;
        format!("{{{kind}{}", object(&members).replacen('{', if members.is_empty() { "" } else { "," }, 1))
    })
}

fn object(members: &[(&str, String)]) -> String {
    let members: Vec<String> = members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_pass_for_more_than_they_are(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        SAME.with(|both| both.borrow_mut().damage_is_skipped(&bytes));
    }

    #[test]
    fn token_soup_never_passes_for_more_than_it_is(soup in token_soup(), wrap in any::<bool>()) {
        let soup = if wrap { [b"{\"item\":".as_slice(), &soup, b"}"].concat() } else { soup };
        SAME.with(|both| both.borrow_mut().damage_is_skipped(&soup));
    }

    #[test]
    fn sound_json_gives_the_same(text in claim_like()) {
        SAME.with(|both| both.borrow_mut().same(text.as_bytes()));
    }
}

static CROSSWALK: LazyLock<Crosswalk> = LazyLock::new(|| {
    let schemas = Schemas::embedded().expect("the shipped schemas read");
    Crosswalk::compile(&schemas, Api::V2).expect("the shipped schemas compile")
});

thread_local! {
    static SAME: RefCell<Both<'static>> = RefCell::new(Both::new(&CROSSWALK));
}

/// The one thing that the scanner knows better.
#[test]
fn long_numbers_are_exact() {
    let crosswalks = crosswalks();
    let mut both = Both::new(&crosswalks[1]);
    let line = br#"{"item":[{"sequence":12345678901234.567}],"payment":{"amount":{"value":12345678901234.567}}}"#;
    let group = both.scanner.group(line).expect("a sound line");
    let record = group.record(0, line.len());
    both.walker.walk(&both.crosswalk.eob, &record);
    let captured = both.walker.frames.get(0, both.crosswalk.claim.paid.at);
    assert_eq!(record.text(captured, &mut String::new()), "12345678901234.567");
    let mut buffer = line.to_vec();
    buffer.resize(line.len() + PADDING, 0);
    let tape = both.tape.parse(&mut buffer, line.len()).expect("sound JSON");
    both.walker.walk(&both.crosswalk.eob, &tape);
    let captured = both.walker.frames.get(0, both.crosswalk.claim.paid.at);
    assert!(tape.text(captured, &mut String::new()).starts_with(INEXACT));
}
