//! Spans of enrolment, and the MBI in force where deliveries overlap.

mod common;

use std::path::{Path, PathBuf};

use common::{Output, claimfeed, convert};
use serde_json::{Value, json};

fn export(folder: &Path, name: &str, resources: &[Value]) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir(&path).unwrap();
    let lines: String = resources.iter().map(|resource| format!("{resource}\n")).collect();
    std::fs::write(path.join("people.ndjson"), lines).unwrap();
    path
}

fn run(inputs: &[&Path], version: &str, options: &[&str]) -> Output {
    convert(inputs, &[&["--api", version, "--enrollment"], options].concat())
}

fn patient(id: &str, updated: &str, mbis: &[(&str, &str)]) -> Value {
    let identifier = |(mbi, end): &(&str, &str)| {
        let period =
            if end.is_empty() { json!({"start": "2020-01-01"}) } else { json!({"start": "2010-01-01", "end": end}) };
        json!({"system": "http://hl7.org/fhir/sid/us-mbi", "value": mbi, "period": period})
    };
    let identifiers: Vec<Value> = mbis.iter().map(identifier).collect();
    json!({"resourceType": "Patient", "id": id, "meta": {"lastUpdated": updated}, "identifier": identifiers})
}

fn coverage(id: &str, patient: &str, part: &str, updated: &str, start: &str, end: &str) -> Value {
    let mut period = json!({"start": start});
    if !end.is_empty() {
        period["end"] = end.into();
    }
    json!({"resourceType": "Coverage", "id": id, "meta": {"lastUpdated": updated}, "status": "active",
        "beneficiary": {"reference": format!("Patient/{patient}")}, "period": period,
        "class": [{"type": {"coding": [{"code": "plan"}]}, "value": part}]})
}

const OLD: &str = "2026-01-01T00:00:00Z";
const NEW: &str = "2026-02-01T00:00:00Z";

#[test]
fn spans_are_the_joined_periods_of_parts_a_and_b() {
    let folder = tempfile::tempdir().unwrap();
    let one = export(
        folder.path(),
        "one",
        &[
            patient("1", OLD, &[("1S00E00AA01", "")]),
            coverage("part-a-1", "1", "Part A", OLD, "2020-01-01", "2020-12-31"),
            coverage("part-b-1", "1", "Part B", OLD, "2021-01-01", "2021-06-30"),
            coverage("part-a-1-2", "1", "Part A", OLD, "2023-01-01", ""),
            coverage("part-d-1", "1", "Part D", OLD, "2000-01-01", ""),
            patient("2", OLD, &[("1S00E00AA02", "")]),
            coverage("part-b-2", "2", "Part B", OLD, "2022-05-01", "2022-04-01"),
            patient("3", OLD, &[("1S00E00AA03", "")]),
            coverage("part-b-3", "3", "Part B", OLD, "2022-05-01", "9999-12-31"),
        ],
    );
    let output = run(&[&one], "v3", &[]);
    let (header, rows) = output.table("enrollment");
    assert_eq!(header, ["CURRENT_BENE_MBI_ID", "ENROLLMENT_START_DATE", "ENROLLMENT_END_DATE", "BENE_MEMBER_MONTH"]);
    assert_eq!(
        rows,
        [
            ["1S00E00AA01", "2020-01-01", "2021-06-30", ""],
            ["1S00E00AA01", "2023-01-01", "", ""],
            ["1S00E00AA03", "2022-05-01", "", ""],
        ]
    );
    let issues = output.issues();
    assert_eq!(issues.iter().filter(|issue| issue[1] == "backward-period").count(), 1, "{issues:?}");
    assert_eq!(output.code, 3, "a period that is not written is a loss");
    assert!(!std::fs::read_to_string(output.folder().join("CCLF0.csv")).unwrap().contains("enrollment"));
}

#[test]
fn it_is_written_when_it_is_asked_for() {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    for version in ["v1", "v2", "v3"] {
        let export = testdata.join(version).join("export");
        assert!(!convert(&[&export], &[]).folder().join("enrollment.csv").exists());
        let output = convert(&[&export], &["--tables", "enrollment,CCLF8"]);
        assert!(!output.table("enrollment").1.is_empty(), "{version}");
        let mbis = output.column("CCLF8", "BENE_MBI_ID");
        assert!(output.column("enrollment", "CURRENT_BENE_MBI_ID").iter().all(|mbi| mbis.contains(mbi)), "{version}");
        assert_eq!(output.summary["tables"]["enrollment"], output.table("enrollment").1.len());
    }
    let ddl = claimfeed().args(["schema", "enrollment", "--as", "duckdb"]).output().unwrap();
    assert!(String::from_utf8_lossy(&ddl.stdout).contains("ENROLLMENT_START_DATE DATE"));
}

#[test]
fn a_newer_delivery_ends_a_period_and_changes_the_mbi_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let old = export(
        folder.path(),
        "old",
        &[
            patient("1", OLD, &[("1S00E00AA01", ""), ("1S00E00AA00", "2019-12-31")]),
            coverage("part-a-1", "1", "Part A", OLD, "2020-01-01", ""),
        ],
    );
    // The server serves the number in force only.
    let new = export(
        folder.path(),
        "new",
        &[
            patient("1", NEW, &[("1S00E00AA09", "")]),
            coverage("part-a-1", "1", "Part A", NEW, "2020-01-01", "2025-12-31"),
        ],
    );
    for inputs in [[old.as_path(), &new], [&new, &old]] {
        let output = run(&inputs, "v3", &[]);
        assert_eq!(output.table("enrollment").1, [["1S00E00AA09", "2020-01-01", "2025-12-31", ""]]);
        assert_eq!(output.column("CCLF8", "BENE_MBI_ID"), ["1S00E00AA09"]);
        assert_eq!(output.column("CCLF9", "CRNT_NUM"), ["1S00E00AA09", "1S00E00AA09"]);
        let mut former = output.column("CCLF9", "PRVS_NUM");
        former.sort();
        assert_eq!(former, ["1S00E00AA00", "1S00E00AA01"]);
    }
}

#[test]
fn a_patient_merged_since_leaves_its_mbi_to_the_one_that_stays() {
    let folder = tempfile::tempdir().unwrap();
    let old = export(folder.path(), "old", &[patient("1", OLD, &[("1S00E00AA01", "")])]);
    let mut merged = patient("1", NEW, &[]);
    merged["link"] = json!([{"type": "replaced-by", "other": {"reference": "Patient/2"}}]);
    let new = export(folder.path(), "new", &[merged, patient("2", NEW, &[("1S00E00AA02", "")])]);
    let output = run(&[&old, &new], "v3", &[]);
    assert_eq!(output.table("CCLF9").1.len(), 1);
    assert_eq!(output.column("CCLF9", "CRNT_NUM"), ["1S00E00AA02"]);
    assert_eq!(output.column("CCLF9", "PRVS_NUM"), ["1S00E00AA01"]);
}

/// Blanks around an MBI are none of it, in any table.
#[test]
fn an_mbi_is_the_same_text_in_every_table() {
    let folder = tempfile::tempdir().unwrap();
    let people = [
        patient(
            "1",
            OLD,
            &[("1S00E00AA01 ", ""), ("1S00E00AA01", "2019-01-01"), (" 1S00E00AA09", "2018-01-01"), ("~", "")],
        ),
        coverage("part-a-1", "1", "Part A", OLD, "2020-01-01", ""),
    ];
    let one = export(folder.path(), "one", &people);
    let output = run(&[&one], "v3", &[]);
    assert_eq!(output.column("CCLF8", "BENE_MBI_ID"), ["1S00E00AA01"]);
    assert_eq!(output.column("enrollment", "CURRENT_BENE_MBI_ID"), ["1S00E00AA01"]);
    assert_eq!(output.column("CCLF9", "CRNT_NUM"), ["1S00E00AA01"]);
    assert_eq!(output.column("CCLF9", "PRVS_NUM"), ["1S00E00AA09"]);
}
