//! The score against the source records is the same whatever format the tables were written in and read back from.

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::layouts::read_fixed;
use common::{Output, convert, python, python_with, score, shared};
use serde_json::Value;

const TABLES: [&str; 11] =
    ["CCLF1", "CCLF2", "CCLF3", "CCLF4", "CCLF5", "CCLF6", "CCLF7", "CCLF8", "CCLF9", "CCLFA", "CCLFB"];
/// The checker fails below 90 %.
const CHECKED: [&str; 3] = ["--threshold", "90", "--quiet"];
const CCLF: &str = "--format cclf --entity A0001 --performance-year 2026 --delivered 2026-11-20";

fn written(corpus: &Path, options: &[&str]) -> Output {
    let output = convert(&[corpus], options);
    assert!(matches!(output.code, 0 | 3), "{}", output.stderr);
    output
}

/// Equal in every count of every field; `ok` must be there at all.
fn assert_equal(version: &str, format: &str, found: &Value, expected: &Value) {
    assert!(expected["totals"]["ok"].as_u64().unwrap() > 500, "{version}");
    for part in ["totals", "rows", "fields", "percent"] {
        assert_eq!(found[part], expected[part], "{version} {format} {part}");
    }
}

#[test]
fn parquet_and_arrow_score_as_csv_does() {
    let Some(shared) = shared() else { return };
    if !python_with("duckdb, pyarrow") {
        return;
    }
    let code = r#"
import sys, duckdb, pyarrow.ipc, pyarrow.csv
folder, tables = sys.argv[1], sys.argv[2].split()
for table in tables:
    parquet, out = f"{folder}/{table}.parquet", f"{folder}/parquet/{table}.csv"
    duckdb.sql(f"copy (select * from read_parquet('{parquet}')) to '{out}' (header)")
    arrow = pyarrow.ipc.open_file(f"{folder}/{table}.arrow").read_all()
    pyarrow.csv.write_csv(arrow, f"{folder}/arrow/{table}.csv")
"#;
    for version in ["v1", "v2", "v3"] {
        let corpus = shared.join("corpus/dev").join(version);
        let output = written(&corpus, &["--lineage", "--format", "csv,parquet,arrow"]);
        let expected = score(&shared, version, &output.folder(), &CHECKED);
        for format in ["parquet", "arrow"] {
            std::fs::create_dir(output.folder().join(format)).unwrap();
        }
        let ran = python().args(["-c", code]).arg(output.folder()).arg(TABLES.join(" ")).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        for format in ["parquet", "arrow"] {
            let found = score(&shared, version, &output.folder().join(format), &CHECKED);
            assert_equal(version, format, &found, &expected);
        }
    }
}

#[test]
fn fixed_width_files_score_as_csv_does() {
    let Some(shared) = shared() else { return };
    for version in ["v1", "v2", "v3"] {
        let corpus = shared.join("corpus/dev").join(version);
        let mut options: Vec<&str> = CCLF.split(' ').collect();
        options.extend(["--format", "csv", "--lineage"]);
        let output = written(&corpus, &options);
        let expected = score(&shared, version, &output.folder(), &CHECKED);
        let folder = output.folder().join("fixed");
        std::fs::create_dir(&folder).unwrap();
        for table in TABLES {
            let name = format!("P.A0001.ACO.ZC{}Y26.D261120.T0000000", table.strip_prefix("CCLF").unwrap());
            let (mut header, mut rows) = read_fixed(table, &std::fs::read(output.folder().join(name)).unwrap());
            // They have no place for lineage, which the checker joins by: it comes from CSV, whose rows are in the same order.
            let ids = output.column(table, "fhir_id");
            assert_eq!(ids.len(), rows.len(), "{version} {table}");
            header.push("fhir_id".to_string());
            rows.iter_mut().zip(ids).for_each(|(row, id)| row.push(id));
            let mut csv = csv::Writer::from_path(folder.join(format!("{table}.csv"))).unwrap();
            csv.write_record(header).unwrap();
            rows.iter().for_each(|row| csv.write_record(row).unwrap());
            csv.flush().unwrap();
        }
        let found = score(&shared, version, &folder, &CHECKED);
        let lost = lost(&output);
        for (table, fields) in expected["fields"].as_object().unwrap() {
            for (label, counts) in fields.as_object().unwrap() {
                let fixed = &found["fields"][table][label];
                let field = format!("{table}.{label}");
                let count = |counts: &Value, kind: &str| counts[kind].as_i64().unwrap_or(0);
                let gone = count(counts, "ok") - count(fixed, "ok");
                let may_go = lost.get(&field).copied().unwrap_or(0);
                assert!((0..=may_go).contains(&gone), "{version} {field}: {gone} of {may_go} lost");
                for kind in ["bad", "spur"] {
                    assert!(count(fixed, kind) <= count(counts, kind), "{version} {field} {kind}");
                }
            }
        }
        let ok = |score: &Value| score["totals"]["ok"].as_i64().unwrap();
        assert!(ok(&expected) - ok(&found) <= 1, "{version}: the samples have one such code");
        assert_eq!(found["rows"], expected["rows"], "{version}");
    }
}

/// Codes that are wider than their field, by field: blank in fixed-width files, told as losses, and nothing else is.
fn lost(output: &Output) -> BTreeMap<String, i64> {
    let mut lost = BTreeMap::new();
    for issue in output.summary["issues"].as_array().unwrap() {
        if issue["kind"] == "too-wide" || issue["kind"] == "unwritable" {
            lost.insert(issue["field"].as_str().unwrap().to_string(), issue["count"].as_i64().unwrap());
        }
    }
    lost
}
