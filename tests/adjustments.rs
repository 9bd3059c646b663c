//! Several deliveries in one run: each claim counts once, as its newest version says.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use common::{Output, claimfeed, convert};
use serde_json::Value;

const VERSIONS: [&str; 3] = ["v1", "v2", "v3"];

fn testdata(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(version).join("export")
}

/// The claims of testdata, one JSON value each.
fn claims(version: &str) -> Vec<Value> {
    let mut claims = Vec::new();
    for entry in std::fs::read_dir(testdata(version)).unwrap().map(Result::unwrap) {
        for line in std::fs::read_to_string(entry.path()).unwrap().lines() {
            let Ok(value) = serde_json::from_str::<Value>(line) else { continue };
            if value["resourceType"] == "ExplanationOfBenefit" {
                claims.push(value);
            }
        }
    }
    claims
}

/// A delivery: claims as they are, each updated at `updated`, paid `more` cents more.
fn delivery(folder: &Path, name: &str, claims: &[Value], updated: &str, more: i64) -> PathBuf {
    let path = folder.join(name);
    let mut text = String::new();
    for claim in claims {
        let mut claim = claim.clone();
        claim["meta"]["lastUpdated"] = updated.into();
        if let Some(paid) = claim["payment"]["amount"]["value"].as_f64() {
            let cents = (paid * 100.0).round() as i64 + more;
            claim["payment"]["amount"]["value"] = serde_json::from_str(&decimal(cents)).unwrap();
        }
        text += &claim.to_string();
        text.push('\n');
    }
    std::fs::write(&path, text).unwrap();
    path
}

fn decimal(cents: i64) -> String {
    format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100)
}

/// Everything of testdata that is no claim.
fn people(folder: &Path, version: &str) -> PathBuf {
    let path = folder.join("people.ndjson");
    let mut text = String::new();
    for entry in std::fs::read_dir(testdata(version)).unwrap().map(Result::unwrap) {
        for line in std::fs::read_to_string(entry.path()).unwrap().lines() {
            if line.contains("\"resourceType\":\"Patient\"") || line.contains("\"resourceType\":\"Coverage\"") {
                text += line;
                text.push('\n');
            }
        }
    }
    std::fs::write(&path, text).unwrap();
    path
}

fn run(inputs: &[&Path], options: &[&str]) -> Output {
    let output = convert(inputs, options);
    assert!(matches!(output.code, 0 | 3), "{}", output.stderr);
    output
}

/// Rows of every table, sorted: what a set of files holds, whatever their order.
fn rows(output: &Output) -> BTreeMap<String, Vec<Vec<String>>> {
    let names = output.bytes().into_iter().map(|(name, _)| name.strip_suffix(".csv").unwrap().to_string());
    names
        .map(|name| {
            let mut rows = output.table(&name).1;
            rows.sort();
            (name, rows)
        })
        .collect()
}

const OLD: &str = "2026-03-01T23:00:00-05:00";
/// Later than `OLD`, though as a text it is smaller.
const NEW: &str = "2026-03-02T04:00:01Z";

#[test]
fn the_newest_version_counts_in_any_order_of_files() {
    for version in VERSIONS {
        let folder = tempfile::tempdir().unwrap();
        let claims = claims(version);
        let people = people(folder.path(), version);
        let old = delivery(folder.path(), "old.ndjson", &claims, OLD, 0);
        let new = delivery(folder.path(), "new.ndjson", &claims[..claims.len() / 2], NEW, 123);
        let rest = delivery(folder.path(), "rest.ndjson", &claims[claims.len() / 2..], OLD, 0);

        let expected = rows(&run(&[&people, &new, &rest], &[]));
        assert!(expected["CCLF1"].len() + expected["CCLF5"].len() > 10);
        let orders: [&[&Path]; 4] =
            [&[&people, &old, &new], &[&people, &new, &old], &[&old, &people, &new], &[&new, &old, &people]];
        for inputs in orders {
            for threads in ["1", "4"] {
                let output = run(inputs, &["--threads", threads]);
                assert_eq!(rows(&output), expected, "{version} {inputs:?}");
                assert_eq!(output.summary["skipped"]["older-version"], claims.len() / 2, "{version}");
                let older = output.issues().iter().filter(|issue| issue[8] == "older-version").count();
                assert_eq!(older, claims.len() / 2, "each is listed");
            }
        }
    }
}

#[test]
fn of_versions_updated_at_the_same_time_the_later_counts() {
    let folder = tempfile::tempdir().unwrap();
    let claims = claims("v2");
    let people = people(folder.path(), "v2");
    let first = delivery(folder.path(), "1.ndjson", &claims, NEW, 0);
    let second = delivery(folder.path(), "2.ndjson", &claims, NEW, 777);
    assert_eq!(rows(&run(&[&people, &first, &second], &[])), rows(&run(&[&people, &second], &[])));
    assert_eq!(rows(&run(&[&people, &second, &first], &[])), rows(&run(&[&people, &first], &[])));
}

#[test]
fn a_claim_cancelled_later_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let claims = claims("v2");
    let people = people(folder.path(), "v2");
    let old = delivery(folder.path(), "old.ndjson", &claims, OLD, 0);
    let mut cancelled = claims[0].clone();
    cancelled["status"] = "cancelled".into();
    let new = delivery(folder.path(), "new.ndjson", &[cancelled], NEW, 0);
    let without = delivery(folder.path(), "without.ndjson", &claims[1..], OLD, 0);
    let mut expected = rows(&run(&[&people, &without], &[]));
    let found = rows(&run(&[&people, &old, &new], &[]));
    // A beneficiary's hospice dates come from claims, too; the claims themselves are what is compared.
    for table in ["CCLF1", "CCLF2", "CCLF3", "CCLF4", "CCLF5", "CCLF6", "CCLF7"] {
        assert_eq!(found[table], expected.remove(table).unwrap(), "{table}");
    }
}

#[test]
fn control_sums_hold_with_several_deliveries() {
    for version in VERSIONS {
        let folder = tempfile::tempdir().unwrap();
        let claims = claims(version);
        let people = people(folder.path(), version);
        let old = delivery(folder.path(), "old.ndjson", &claims, OLD, 0);
        let new = delivery(folder.path(), "new.ndjson", &claims, NEW, 5);
        let output = run(&[&people, &old, &new], &[]);
        let mut compared = 0;
        for (family, sums) in output.summary["payments"].as_object().unwrap() {
            assert_ne!(sums["equal"], false, "{version} {family}");
            compared += usize::from(sums["equal"] == true);
        }
        assert!(compared > 1, "{version} compared {compared}");
    }
}

#[test]
fn raw_writes_every_version() {
    let folder = tempfile::tempdir().unwrap();
    let claims = claims("v2");
    let people = people(folder.path(), "v2");
    let old = delivery(folder.path(), "old.ndjson", &claims, OLD, 0);
    let new = delivery(folder.path(), "new.ndjson", &claims, NEW, 5);
    let one = run(&[&people, &old], &[]);
    let raw = run(&[&people, &old, &new], &["--adjustments", "raw"]);
    for table in ["CCLF1", "CCLF2", "CCLF5", "CCLF6", "CCLF7"] {
        assert_eq!(raw.table(table).1.len(), 2 * one.table(table).1.len(), "{table}");
    }
    assert_eq!(raw.summary["skipped"]["older-version"], Value::Null);
}

#[test]
fn what_is_sent_cannot_be_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let claims = claims("v2");
    let people = people(folder.path(), "v2");
    let old = delivery(folder.path(), "old.ndjson", &claims, OLD, 0);
    let new = delivery(folder.path(), "new.ndjson", &claims, NEW, 5);
    let mut command = claimfeed();
    command.arg("convert").args([&people, &old, &new]).args(["-o", "-", "--tables", "CCLF5"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("expected every claim once"));
}
