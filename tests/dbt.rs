//! A dbt project that reads CCLF, in DuckDB: ten tables under its names, its rules as assertions (`tests/dbt/rules.py`).

mod common;

use std::path::Path;

use claimfeed::Api;
use claimfeed::sandbox::{Shape, Synth};
use common::{convert, python, python_with};
use serde_json::Value;

/// An export in which some claims were cancelled since.
fn export(api: Api, folder: &Path) {
    // With every oddity but this: what the server leaves out of a claim's header is blank in its rows.
    let shape = Shape { mix: [0.125; 8], sparse: 0.0, ..Shape::default() };
    Synth { beneficiaries: 16, seed: 21, shape, ..Synth::new(api) }.write(folder).unwrap();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let mut lines = String::new();
        for (at, line) in text.lines().enumerate() {
            match serde_json::from_str::<Value>(line) {
                Ok(mut claim) if claim["resourceType"] == "ExplanationOfBenefit" && at % 7 == 3 => {
                    claim["status"] = "cancelled".into();
                    lines += &claim.to_string();
                }
                _ => lines += line,
            }
            lines.push('\n');
        }
        std::fs::write(entry.path(), lines).unwrap();
    }
}

#[test]
fn the_rules_hold_and_sums_are_those_of_the_ndjson() {
    if !python_with("duckdb") {
        return;
    }
    for api in Api::ALL {
        let folder = tempfile::tempdir().unwrap();
        let export_folder = folder.path().join("export");
        export(api, &export_folder);
        let mut totals = Vec::new();
        for adjustments in ["final", "cclf-pairs"] {
            let delivery = "--entity A0001 --performance-year 2026 --delivered 2026-11-20 --file-columns --enrollment";
            let mut options: Vec<&str> = delivery.split(' ').collect();
            options.extend(["--format", "parquet", "--adjustments", adjustments]);
            let output = convert(&[&export_folder], &options);
            assert!(matches!(output.code, 0 | 3), "{}", output.stderr);
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dbt/rules.py");
            let ran = python().arg(script).arg(output.folder()).arg(&export_folder).output().unwrap();
            assert!(ran.status.success(), "{api} {adjustments}: {}", String::from_utf8_lossy(&ran.stderr));
            let text = String::from_utf8(ran.stdout).unwrap();
            let (total, taken_back) = text.trim().split_once(' ').unwrap();
            assert_eq!(taken_back == "0", adjustments == "final", "{api}: {taken_back} cancellations");
            totals.push(total.to_string());
        }
        assert_eq!(totals[0], totals[1], "{api}");
    }
}
