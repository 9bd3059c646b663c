//! Sinks and observers of a library's user: each row is handed on once, whatever the job had to do twice; no table has its name
//! before all is told.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use claimfeed::job::{Job, Observer, Silent};
use claimfeed::report::Issue;
use claimfeed::sandbox::{Shape, Synth};
use claimfeed::write::arrow::ArrowSink;
use claimfeed::write::csv::CsvSink;
use claimfeed::{Api, Error, Result};

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

/// Keeps what it hears on a disk that is full in the end.
#[derive(Default)]
struct Full {
    issues: u64,
    is_complete: bool,
}

impl Observer for Full {
    fn issue(&mut self, _: &Issue, _: &str) -> Result<()> {
        assert!(!self.is_complete, "an issue behind the last one");
        self.issues += 1;
        Ok(())
    }

    fn complete(&mut self) -> Result<()> {
        self.is_complete = true;
        Err(Error::Interrupted)
    }
}

#[test]
fn no_table_has_its_name_before_the_observer_has_kept_all_issues() {
    let (export, tables) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    Synth { beneficiaries: 3, ..Synth::new(Api::V2) }.write(export.path()).unwrap();
    std::fs::remove_file(export.path().join("Patient.ndjson")).unwrap();
    let mut observer = Full::default();
    let mut sink = CsvSink::new(tables.path());
    let error = Job::new([export.path()]).unwrap().run(&mut sink, &mut observer).unwrap_err();
    assert!(matches!(error, Error::Interrupted) && observer.is_complete && observer.issues > 0);
    drop(sink);
    assert_eq!(std::fs::read_dir(tables.path()).unwrap().count(), 0);
}
