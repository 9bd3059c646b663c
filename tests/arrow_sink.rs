//! The sink of a library's user: each row is handed on once, whatever the job had to do twice.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use claimfeed::Api;
use claimfeed::job::{Job, Silent};
use claimfeed::sandbox::{Shape, Synth};
use claimfeed::write::arrow::ArrowSink;

/// So many rows that batches are full long before the input ends, and a claim that comes again at the end of it: the job starts
/// over.
#[test]
fn a_job_that_starts_over_hands_on_no_row_twice() {
    let folder = tempfile::tempdir().unwrap();
    let shape = Shape { mix: [1.0; 8], ..Shape::plain() };
    let synth = Synth { beneficiaries: 400, claims_per_beneficiary: 12, shape, ..Synth::new(Api::V2) };
    synth.write(folder.path()).unwrap();
    let claims = folder.path().join("ExplanationOfBenefit.ndjson");
    let text = std::fs::read_to_string(&claims).unwrap();
    let first = text.lines().next().unwrap();
    std::fs::write(&claims, format!("{text}{first}\n")).unwrap();

    let mut rows: BTreeMap<String, u64> = BTreeMap::new();
    let mut full = 0;
    let mut sink = ArrowSink::in_folder(folder.path(), |table: &str, batch: RecordBatch| {
        full += usize::from(batch.num_rows() >= 8192);
        *rows.entry(table.to_string()).or_default() += batch.num_rows() as u64;
        Ok(())
    });
    let report = Job::new([folder.path()]).unwrap().run(&mut sink, &mut Silent).unwrap();
    drop(sink);
    assert_eq!(report.skipped.get("older-version"), Some(&1), "the job started over");
    assert!(full > 0, "{rows:?}: too few rows to fill a batch");
    for (table, expected) in &report.tables {
        assert_eq!(rows.get(table).copied().unwrap_or(0), *expected, "{table}");
    }
}
