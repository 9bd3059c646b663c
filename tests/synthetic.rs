//! Cell by cell at scale: what `convert` makes of a synthetic export is what the generator's facts say.
//!
//! The expected cells come from the claim model, never from the JSON, so generator and converter can only agree by
//! both being right about the mapping.

mod common;

use std::collections::BTreeMap;

use claimfeed::Api;
use claimfeed::sandbox::{ExpectedRow, KeyOrder, Shape, Synth};
use common::{Output, convert};

/// `3` and `3.0000` are one quantity.
fn same(label: &str, expected: &str, found: &str) -> bool {
    expected == found
        || (label.ends_with("_QTY") || label.ends_with("_AMT")) && {
            let trim = |text: &str| match text.split_once('.') {
                Some((whole, decimals)) => format!("{whole}.{}", decimals.trim_end_matches('0')),
                None => format!("{text}."),
            };
            !expected.is_empty() && !found.is_empty() && trim(expected) == trim(found)
        }
}

fn agree(synth: &Synth) {
    let folder = tempfile::tempdir().unwrap();
    let export = folder.path().join("export");
    synth.write(&export).unwrap();
    let output = convert(&[&export], &["--lineage"]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    compare(synth, &output);
}

fn compare(synth: &Synth, output: &Output) {
    let mut expected: BTreeMap<&'static str, Vec<ExpectedRow>> = BTreeMap::new();
    for index in 0..synth.beneficiaries {
        for row in synth.expected(index) {
            expected.entry(row.table).or_default().push(row);
        }
    }
    let mut fills: BTreeMap<String, u64> = BTreeMap::new();
    let mut cells = 0;
    for (table, expected) in &expected {
        let (header, rows) = output.table(table);
        assert_eq!(rows.len(), expected.len(), "rows of {table}");
        let mut rows = rows;
        if *table == "CCLF3" {
            // The facts list procedures by number, the export scatters them; rows follow the input.
            let number = |row: &Vec<String>| {
                let at = |label| header.iter().position(|name| name == label).unwrap();
                (row[at("source_line")].parse::<u64>().unwrap(), row[at("CLM_VAL_SQNC_NUM")].parse::<u64>().unwrap())
            };
            rows.sort_by_key(number);
        }
        for (at, (expected, found)) in expected.iter().zip(&rows).enumerate() {
            let cell = |label: &str| &found[header.iter().position(|name| name == label).unwrap()];
            assert_eq!(cell("fhir_id"), &expected.fhir_id, "{table} row {at}");
            for (label, value) in &expected.cells {
                let found = cell(label);
                if value.is_empty() && !found.is_empty() {
                    // Only a counted fill may stand where the facts have nothing.
                    *fills.entry(format!("{table}.{label}")).or_default() += 1;
                    continue;
                }
                assert!(same(label, value, found), "{table}.{label} row {at}: expected `{value}`, found `{found}`");
                cells += usize::from(!value.is_empty());
            }
        }
    }
    for (field, count) in fills {
        assert_eq!(output.summary["fills"][&field], count, "fills of {field}");
    }
    assert!(cells > 10_000, "only {cells} cells compared");
    for payments in output.summary["payments"].as_object().unwrap().values() {
        assert_ne!(payments["equal"], false, "{payments}");
    }
}

#[test]
fn v1_is_what_the_facts_say() {
    agree(&Synth { beneficiaries: 60, ..Synth::new(Api::V1) });
}

#[test]
fn v2_is_what_the_facts_say() {
    agree(&Synth { beneficiaries: 60, ..Synth::new(Api::V2) });
}

#[test]
fn v3_is_what_the_facts_say() {
    agree(&Synth { beneficiaries: 60, ..Synth::new(Api::V3) });
}

#[test]
fn key_order_and_compression_change_nothing() {
    for api in Api::ALL {
        agree(&Synth { beneficiaries: 15, seed: 9, gzip: true, key_order: KeyOrder::Shuffled, ..Synth::new(api) });
    }
}

#[test]
fn oddities_in_plenty_change_nothing() {
    for api in Api::ALL {
        let shape = Shape {
            scattered: 0.5,
            gaps: 0.5,
            awkward: 0.5,
            renumbered: 0.5,
            merged: 0.3,
            mixed_icd: 0.2,
            sparse: 0.2,
            enhanced: 0.3,
            mix: [0.2, 0.1, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1],
            ..Shape::default()
        };
        agree(&Synth { beneficiaries: 25, seed: 11, shape, ..Synth::new(api) });
    }
}
