//! The plan and the oracle agree on every cell, whatever the record.
//!
//! `product` runs the compiled plan, `records` has records to begin with, `grow` makes new ones out of the
//! crosswalk's own paths, `mutate` breaks them, `write` turns them into bytes in any key order and escaping,
//! `compare` compares. The corpus (folder `shared` beside the project, or CLAIMFEED_SHARED) is used where there is one;
//! CI insists on it.
//! PROPTEST_CASES sets the number of cases.

mod compare;
mod grow;
mod mutate;
mod product;
mod records;
mod write;

use std::cell::RefCell;
use std::path::PathBuf;

use claimfeed::api::Api;
use claimfeed::crosswalk::oracle::Oracle;
use claimfeed::crosswalk::program::Crosswalk;
use claimfeed::crosswalk::schema::Schemas;
use proptest::prelude::*;
use proptest::test_runner::{TestCaseResult, TestRunner};
use serde_json::Value;

use compare::{MBI, compare_claim, compare_patient};
use mutate::Change;
use product::Product;

/// Lines of a file of the corpus; none, with a word about it, where there is no corpus.
fn corpus(api: Api, file: &str) -> Vec<String> {
    let shared = std::env::var_os("CLAIMFEED_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let path = shared.join("corpus/dev").join(api.name()).join(file);
    match std::fs::read_to_string(&path) {
        Ok(text) => text.lines().map(str::to_string).collect(),
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "expected a corpus at `{}`: {error}", path.display());
            // Past the harness: what a passing test prints is not shown.
            let why = format!("no corpus at `{}` ({error}); set CLAIMFEED_SHARED", path.display());
            let _ =
                std::io::Write::write_all(&mut std::io::stderr(), format!("\n*** SKIPPED: {why} ***\n\n").as_bytes());
            Vec::new()
        }
    }
}

/// Lines of the project's own small exports.
fn testdata(api: Api, file: &str) -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata").join(api.name()).join("export");
    std::fs::read_to_string(folder.join(file)).expect("testdata is there").lines().map(str::to_string).collect()
}

/// Runs a property as often as PROPTEST_CASES says, else `cases` times.
fn check<S: Strategy>(cases: u32, strategy: &S, property: impl Fn(S::Value) -> TestCaseResult) {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    let config = if asked { ProptestConfig::default() } else { ProptestConfig::with_cases(cases) };
    let config = ProptestConfig { failure_persistence: None, max_shrink_iters: 20_000, ..config };
    if let Err(failure) = TestRunner::new(config).run(strategy, property) {
        panic!("{failure}");
    }
}

/// Everything a test of one version needs.
fn with_version(api: Api, test: impl FnOnce(&Schemas, &Oracle<'_>, &Crosswalk)) {
    let schemas = Schemas::embedded().expect("the shipped schemas read");
    let crosswalk = Crosswalk::compile(&schemas, api).expect("the shipped schemas compile");
    test(&schemas, &Oracle::new(&schemas, api), &crosswalk);
}

fn every_line_of_the_corpus(api: Api) {
    every_line(api, corpus);
}

fn every_line_of_testdata(api: Api) {
    assert!(every_line(api, testdata) > 1_000);
}

fn every_line(api: Api, lines: fn(Api, &str) -> Vec<String>) -> u64 {
    let mut all = 0;
    with_version(api, |schemas, oracle, crosswalk| {
        let mut product = Product::new(crosswalk);
        let mut cells = 0;
        for (at, line) in lines(api, "ExplanationOfBenefit.ndjson").iter().enumerate() {
            let compared = compare_claim(oracle, &mut product, schemas, line);
            cells += compared.unwrap_or_else(|found| panic!("{} claim, line {}: {found}", api.name(), at + 1));
        }
        for (at, line) in lines(api, "Patient.ndjson").iter().enumerate() {
            let compared = compare_patient(oracle, &mut product, line);
            cells += compared.unwrap_or_else(|found| panic!("{} patient, line {}: {found}", api.name(), at + 1));
        }
        eprintln!("{}: {cells} cells with a value agree", api.name());
        all = cells;
    });
    all
}

fn broken_records(api: Api) {
    with_version(api, |schemas, oracle, crosswalk| {
        let product = RefCell::new(Product::new(crosswalk));
        let own = records::claims(api);
        let lines = corpus(api, "ExplanationOfBenefit.ndjson");
        let bases: Vec<Value> = lines.iter().filter_map(|line| serde_json::from_str(line).ok()).chain(own).collect();
        let changes = prop::collection::vec(Change::any(), 0..14);
        check(80, &(0..bases.len(), changes, any::<u64>()), |(base, changes, seed)| {
            let mut record = bases[base].clone();
            changes.iter().for_each(|change| change.apply(&mut record));
            let text = write::json(&record, seed);
            let compared = compare_claim(oracle, &mut product.borrow_mut(), schemas, &text);
            compared.map(drop).map_err(|found| TestCaseError::fail(format!("{found}\n    {}", start_of(&text))))
        });
    });
}

fn grown_records(api: Api) {
    with_version(api, |schemas, oracle, crosswalk| {
        let product = RefCell::new(Product::new(crosswalk));
        let garden = grow::Garden::new(schemas, api);
        let plants = prop::collection::vec(any::<[u32; 4]>(), 1..160);
        let changes = prop::collection::vec(Change::any(), 0..8);
        check(120, &(any::<u32>(), plants, changes, any::<u64>()), |(family, plants, changes, seed)| {
            let mut record = garden.record(family, &plants);
            changes.iter().for_each(|change| change.apply(&mut record));
            let text = write::json(&record, seed);
            let compared = compare_claim(oracle, &mut product.borrow_mut(), schemas, &text);
            compared.map(drop).map_err(|found| TestCaseError::fail(format!("{found}\n    {}", start_of(&text))))
        });
    });
}

fn any_json(api: Api) {
    with_version(api, |schemas, oracle, crosswalk| {
        let product = RefCell::new(Product::new(crosswalk));
        let garden = grow::Garden::new(schemas, api);
        check(120, &(any::<u32>(), garden.wild(), any::<u64>()), |(family, wild, seed)| {
            let text = write::json(&garden.dressed(family, wild), seed);
            let compared = compare_claim(oracle, &mut product.borrow_mut(), schemas, &text);
            compared.map(drop).map_err(|found| TestCaseError::fail(format!("{found}\n    {}", start_of(&text))))
        });
    });
}

fn broken_patients(api: Api) {
    with_version(api, |_, oracle, crosswalk| {
        let product = RefCell::new(Product::new(crosswalk));
        let lines = corpus(api, "Patient.ndjson");
        let own = std::iter::once(records::patient(api));
        let bases: Vec<Value> = lines.iter().filter_map(|line| serde_json::from_str(line).ok()).chain(own).collect();
        let changes = prop::collection::vec(Change::any(), 0..14);
        check(60, &(0..bases.len(), changes, any::<u64>()), |(base, changes, seed)| {
            let mut record = bases[base].clone();
            changes.iter().for_each(|change| change.apply(&mut record));
            let text = write::json(&record, seed);
            let compared = compare_patient(oracle, &mut product.borrow_mut(), &text);
            compared.map(drop).map_err(|found| TestCaseError::fail(format!("{found}\n    {}", start_of(&text))))
        });
    });
}

/// As much of a record as one wants to read in a failure.
fn start_of(text: &str) -> String {
    text.chars().take(4000).collect()
}

macro_rules! for_each_version {
    ($($property:ident),*) => {
        mod v1 { $(#[test] fn $property() { super::$property(super::Api::V1) })* }
        mod v2 { $(#[test] fn $property() { super::$property(super::Api::V2) })* }
        mod v3 { $(#[test] fn $property() { super::$property(super::Api::V3) })* }
    };
}

for_each_version!(
    every_line_of_the_corpus,
    every_line_of_testdata,
    broken_records,
    grown_records,
    any_json,
    broken_patients
);

/// The two have to agree on something: a hand-made record must give the values it was made for.
#[test]
fn hand_made_records_give_rows() {
    for api in Api::ALL {
        with_version(api, |schemas, oracle, crosswalk| {
            let mut product = Product::new(crosswalk);
            for claim in records::claims(api) {
                let cells = compare_claim(oracle, &mut product, schemas, &claim.to_string());
                let cells = cells.unwrap_or_else(|found| panic!("{}: {found}", api.name()));
                assert!(cells > 8, "{}: {cells} cells with a value in {claim}", api.name());
            }
        });
    }
}

/// Every column that is served has a value in some grown record, so agreement is never agreement on blanks.
#[test]
fn grown_records_reach_every_served_column() {
    for api in Api::ALL {
        with_version(api, |schemas, oracle, _| {
            let garden = grow::Garden::new(schemas, api);
            let mut missed = Vec::new();
            for table in schemas.tables.iter().filter(|table| !table.families.is_empty()) {
                let name = &table.layout.table;
                for (at, field) in table.layout.fields.iter().enumerate() {
                    let reached = (0..60).any(|seed| {
                        let record = garden.for_field(name, &field.label, seed);
                        oracle.claim_rows(name, &record, MBI).iter().any(|row| !row[at].is_empty())
                    });
                    // A table that needs what the version does not serve has no rows at all.
                    let (label, only_with) = (&field.label, &table.only_with);
                    let served = only_with.is_empty() || only_with.iter().any(|label| garden.serves(name, label));
                    if !reached && served && garden.serves(name, label) {
                        missed.push(format!("{name}.{}", field.label));
                    }
                }
            }
            assert_eq!(missed, [""; 0], "{}", api.name());
        });
    }
}
