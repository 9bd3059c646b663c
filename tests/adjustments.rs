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

/// The same delivery in a folder of its own.
fn delivered(folder: &Path, name: &str, claims: &[Value], updated: &str) -> PathBuf {
    let folder = folder.join(name);
    std::fs::create_dir(&folder).unwrap();
    delivery(&folder, "claims.ndjson", claims, updated, 0)
}

/// The claim under another id.
fn renamed(claim: &Value) -> Value {
    let mut claim = claim.clone();
    let id = claim["id"].as_str().unwrap().to_string();
    claim["id"] = format!("{id}9").into();
    claim
}

/// The control number of v3, the claim group of v1 and v2.
fn group(claim: &mut Value) -> Option<&mut Value> {
    let number = |identifier: &&mut Value| {
        let system = identifier["system"].as_str().unwrap_or("");
        system.ends_with("/CLM-CNTL-NUM") || system.ends_with("/claim-group")
    };
    claim["identifier"].as_array_mut().unwrap().iter_mut().find(number).map(|identifier| &mut identifier["value"])
}

/// Claims in force that CCLF has cancellations of, with a group.
fn with_groups(version: &str) -> Vec<Value> {
    let output = run(&[&testdata(version)], &["--lineage"]);
    let mut ids: Vec<String> = ["CCLF1", "CCLF5", "CCLF6"].map(|table| output.column(table, "fhir_id")).concat();
    ids.dedup();
    let mut claims = claims(version);
    claims.retain_mut(|claim| ids.iter().any(|id| claim["id"] == **id) && group(claim).is_some());
    claims
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

/// Rows of the tables of claims.
fn claim_rows(output: &Output) -> BTreeMap<String, Vec<Vec<String>>> {
    let mut rows = rows(output);
    // A beneficiary's hospice dates come from claims that are gone since.
    rows.retain(|table, _| table != "CCLF0" && table != "CCLF8");
    rows
}

/// Sums of a column in cents: of original and adjusted rows, and of cancellations.
fn sums(output: &Output, table: &str, amount: &str) -> [i64; 2] {
    let (kinds, amounts) = (output.column(table, "CLM_ADJSMT_TYPE_CD"), output.column(table, amount));
    let mut sums = [0; 2];
    for (kind, amount) in kinds.iter().zip(&amounts) {
        assert!(!kind.is_empty());
        sums[usize::from(kind == "1")] += amount.replace('.', "").parse::<i64>().unwrap_or(0);
    }
    sums
}

const NETTED: [(&str, &str); 3] =
    [("CCLF1", "CLM_PMT_AMT"), ("CCLF5", "CLM_LINE_CVRD_PD_AMT"), ("CCLF6", "CLM_LINE_CVRD_PD_AMT")];

#[test]
fn a_claim_that_comes_back_under_another_id_counts_once() {
    for version in VERSIONS {
        let folder = tempfile::tempdir().unwrap();
        let claims = claims(version);
        let people = people(folder.path(), version);
        let changed: Vec<Value> = with_groups(version).iter().step_by(2).map(renamed).collect();
        assert!(changed.len() > 5, "{version}");
        let gone: Vec<String> =
            changed.iter().map(|c| c["id"].as_str().unwrap().trim_end_matches('9').into()).collect();
        let is_gone = |claim: &&Value| gone.iter().any(|id| claim["id"].as_str().unwrap().trim_end_matches('9') == id);
        let rest: Vec<Value> = claims.iter().filter(|claim| !is_gone(claim)).cloned().collect();

        let old = delivered(folder.path(), "2026-01", &claims, OLD);
        let new = delivered(folder.path(), "2026-02", &changed, NEW);
        let rest = delivered(folder.path(), "rest", &rest, OLD);
        let expected = claim_rows(&run(&[&people, &rest, &new], &[]));
        for inputs in [[&people, &old, &new], [&new, &people, &old]] {
            for threads in ["1", "3"] {
                let inputs: Vec<&Path> = inputs.iter().map(|path| path.as_path()).collect();
                let output = run(&inputs, &["--threads", threads]);
                assert_eq!(claim_rows(&output), expected, "{version}");
                assert_eq!(output.summary["skipped"]["replaced"], gone.len(), "{version}");
                assert!(output.summary["payments"].as_object().unwrap().values().all(|sums| sums["equal"] != false));
            }
        }
        // The server vouches for all claims of one delivery.
        let both = tempfile::tempdir().unwrap();
        let one = delivery(both.path(), "1.ndjson", &claims, OLD, 0);
        let two = delivery(both.path(), "2.ndjson", &changed, NEW, 0);
        let output = run(&[&people, &one, &two], &[]);
        assert_eq!(output.summary["skipped"]["replaced"], Value::Null, "{version}");
    }
}

#[test]
fn a_claim_replaces_the_one_it_names_as_its_prior() {
    let folder = tempfile::tempdir().unwrap();
    let people = people(folder.path(), "v3");
    let claims = with_groups("v3");
    let changed: Vec<Value> = claims[..4]
        .iter()
        .map(|claim| {
            let mut claim = renamed(claim);
            let number = group(&mut claim).unwrap();
            let prior = std::mem::replace(number, format!("{}8", number.as_str().unwrap()).into());
            claim["related"] = serde_json::json!([{
                "relationship": {"coding": [{"code": "prior"}]},
                "reference": {"system": "https://bluebutton.cms.gov/identifiers/CLM-CNTL-NUM", "value": prior},
            }]);
            claim
        })
        .collect();
    let old = delivered(folder.path(), "2026-01", &claims, OLD);
    let new = delivered(folder.path(), "2026-02", &changed, NEW);
    let rest = delivered(folder.path(), "rest", &claims[4..], OLD);
    let output = run(&[&people, &old, &new], &[]);
    assert_eq!(claim_rows(&output), claim_rows(&run(&[&people, &rest, &new], &[])));
    assert_eq!(output.summary["skipped"]["named-prior"], 4);
}

#[test]
fn pairs_add_up_to_what_is_in_force() {
    for version in VERSIONS {
        let folder = tempfile::tempdir().unwrap();
        let people = people(folder.path(), version);
        let mut some = with_groups(version);
        // Some cancelled by their status, some replaced in a later delivery.
        let cancelled = some.iter_mut().skip(1).step_by(3).map(|claim| claim["status"] = "cancelled".into()).count();
        let changed: Vec<Value> = some.iter().step_by(3).map(renamed).collect();
        let old = delivered(folder.path(), "2026-01", &some, OLD);
        let new = delivered(folder.path(), "2026-02", &changed, NEW);
        let inputs = [people.as_path(), &old, &new];
        let (last, pairs) = (run(&inputs, &[]), run(&inputs, &["--adjustments", "cclf-pairs"]));
        let mut taken_back = 0;
        for (table, amount) in NETTED {
            let [in_force, none] = sums(&last, table, amount);
            let [paid, back] = sums(&pairs, table, amount);
            assert_eq!((paid - back, none), (in_force, 0), "{version} {table}");
            taken_back += back;
            let count = |kind: &str| pairs.column(table, "CLM_ADJSMT_TYPE_CD").iter().filter(|k| *k == kind).count();
            assert_eq!(pairs.table(table).1.len(), last.table(table).1.len() + 2 * count("1"), "{version} {table}");
        }
        assert!(taken_back > 0, "{version}");
        assert_eq!(pairs.summary["cancelled"]["superseded"], cancelled, "{version}");
        assert_eq!(pairs.summary["cancelled"]["replaced"], changed.len(), "{version}");
        assert_eq!(pairs.summary["skipped"]["replaced"], Value::Null);
        for (family, sums) in pairs.summary["payments"].as_object().unwrap() {
            assert_ne!(sums["equal"], false, "{version} {family}");
        }
        // Lines of a claim that was taken back stand once, as its original's.
        let lines = pairs.column("CCLF2", "CUR_CLM_UNIQ_ID").len();
        assert!(lines > last.column("CCLF2", "CUR_CLM_UNIQ_ID").len(), "{version}");
    }
}

#[test]
fn a_void_takes_its_original_back() {
    let folder = tempfile::tempdir().unwrap();
    let people = people(folder.path(), "v3");
    let claims = with_groups("v3");
    let voids: Vec<Value> = claims
        .iter()
        .filter_map(|claim| {
            let mut claim = renamed(claim);
            let is_type = |info: &&mut Value| info["category"].to_string().contains("CLM_ADJSTMT_TYPE_CD");
            let info = claim["supportingInfo"].as_array_mut()?.iter_mut().find(is_type)?;
            info["code"]["coding"][0]["code"] = "1".into();
            Some(claim)
        })
        .collect();
    assert!(voids.len() > 2);
    let old = delivered(folder.path(), "2026-01", &claims, OLD);
    let new = delivered(folder.path(), "2026-02", &voids, NEW);
    let inputs = [people.as_path(), &old, &new];
    let last = run(&inputs, &[]);
    assert_eq!(last.summary["skipped"]["replaced"], voids.len());
    assert_eq!(last.summary["skipped"]["void"], voids.len());
    let pairs = run(&inputs, &["--adjustments", "cclf-pairs"]);
    assert_eq!(pairs.summary["cancelled"]["replaced"], voids.len());
    assert_eq!(pairs.summary["skipped"]["void"], voids.len(), "the original's pair is enough");
    let lone = run(&[&people, &new], &["--adjustments", "cclf-pairs"]);
    assert_eq!(lone.summary["cancelled"]["void"], voids.len());
    for (table, amount) in NETTED {
        let [paid, back] = sums(&pairs, table, amount);
        assert_eq!(paid - back, sums(&last, table, amount)[0], "{table}");
        let [paid, back] = sums(&lone, table, amount);
        assert_eq!(paid, back, "{table}: nothing is in force");
    }
}

#[test]
fn a_loss_in_a_version_that_counts_no_more_ends_no_strict_run() {
    let folder = tempfile::tempdir().unwrap();
    let claims = claims("v2");
    let people = people(folder.path(), "v2");
    let mut broken = claims.clone();
    let hurt = |claim: &&mut Value| claim["payment"]["amount"]["value"].is_number();
    for claim in broken.iter_mut().filter(hurt) {
        claim["payment"]["amount"]["value"] = serde_json::json!("a lot");
    }
    let path = folder.path().join("old.ndjson");
    let lines = |claims: &[Value]| claims.iter().map(|claim| format!("{claim}\n")).collect::<String>();
    std::fs::write(&path, lines(&broken).replace("2025-02-03T04:05", "2025-01-01T04:05")).unwrap();
    let new = delivery(folder.path(), "new.ndjson", &claims, NEW, 0);
    let strict = convert(&[&people, &path, &new], &["--strict"]);
    assert_eq!(strict.code, 0, "{}", strict.stderr);
    let strict = convert(&[&people, &path], &["--strict"]);
    assert_eq!(strict.code, 3);
    assert!(strict.stderr.contains("without `--strict`"), "{}", strict.stderr);
}

#[test]
fn a_table_on_standard_output_has_each_claim_once() {
    let folder = tempfile::tempdir().unwrap();
    let claims = claims("v2");
    let people = people(folder.path(), "v2");
    let old = delivery(folder.path(), "old.ndjson", &claims, OLD, 0);
    let new = delivery(folder.path(), "new.ndjson", &claims, NEW, 5);
    let expected = run(&[&people, &old, &new], &[]);
    // The Patients come last, too, so that the run starts over for both reasons.
    let mut late = std::fs::read(&old).unwrap();
    late.extend(std::fs::read(&people).unwrap());
    let mixed = folder.path().join("mixed.ndjson");
    std::fs::write(&mixed, late).unwrap();
    for inputs in [&[&people, &old, &new][..], &[&mixed, &new]] {
        let mut command = claimfeed();
        command.arg("convert").args(inputs).args(["-o", "-", "--tables", "CCLF5"]);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stdout == std::fs::read(expected.folder().join("CCLF5.csv")).unwrap());
    }
}
