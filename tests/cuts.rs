//! Where files are cut: rows per file, joins of batches, row groups, and the columns that tell the delivery.

mod common;

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use claimfeed::job::{Job, Silent};
use claimfeed::write::batches::{BatchSink, Container, Cuts};
use common::{claimfeed, convert, read_csv};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::{FileReader, SerializedFileReader};

fn testdata(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(version).join("export")
}

fn number(value: &str) -> usize {
    value.parse().unwrap()
}

/// Files of a table in order.
fn parts(folder: &Path, table: &str, extension: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    found.retain(|path| name(path).starts_with(&format!("{table}-")) && name(path).ends_with(extension));
    found.sort();
    found
}

fn parquet_rows(path: &Path) -> Vec<arrow::array::RecordBatch> {
    let file = std::fs::File::open(path).unwrap();
    ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap().map(Result::unwrap).collect()
}

#[test]
fn files_of_so_many_rows_hold_what_one_file_holds() {
    let whole = convert(&[&testdata("v2")], &[]);
    for (limit, threads) in [("1", "3"), ("7", "1"), ("7", "4"), ("100000", "2")] {
        let options = ["--rows-per-file", limit, "--threads", threads, "--format", "csv,parquet"];
        let output = convert(&[&testdata("v2")], &options);
        assert!(matches!(output.code, 0 | 3), "{}", output.stderr);
        assert!(output.folder().join("CCLF0.csv").exists(), "the file summary is one file");
        let mut names = Vec::new();
        for table in ["CCLF1", "CCLF2", "CCLF5", "CCLF8", "CCLFA"] {
            let (header, rows) = whole.table(table);
            let files = parts(&output.folder(), table, ".csv");
            assert_eq!(files.len(), rows.len().div_ceil(number(limit)).max(1), "{table} by {limit}");
            let mut found = Vec::new();
            for (at, file) in files.iter().enumerate() {
                let (labels, some) = read_csv(file);
                assert_eq!(labels, header, "{table}");
                assert!(some.len() == number(limit) || at + 1 == files.len(), "{table}: a file is not full");
                found.extend(some);
                names.push(file.file_name().unwrap().to_string_lossy().into_owned());
            }
            assert_eq!(found, rows, "{table} by {limit}");
            let batches: Vec<_> =
                parts(&output.folder(), table, ".parquet").iter().flat_map(|path| parquet_rows(path)).collect();
            assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), rows.len(), "{table}");
        }
        let listed: Vec<&str> =
            output.summary["files"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        assert!(names.iter().all(|name| listed.contains(&name.as_str())), "summary.json lists {listed:?}");
    }
}

#[test]
fn the_bytes_are_the_same_for_any_number_of_workers() {
    let options = |threads| ["--rows-per-file", "5", "--format", "csv,parquet,arrow", "--threads", threads];
    let (one, four) = (convert(&[&testdata("v3")], &options("1")), convert(&[&testdata("v3")], &options("4")));
    assert!(one.bytes().len() > 100);
    assert!(one.bytes() == four.bytes());
}

/// The join of batches, the row group and the file, each smaller than the table, in every relation to each other.
#[test]
fn batches_and_row_groups_are_cut_where_they_should_be_and_no_row_is_lost() {
    let whole = convert(&[&testdata("v1")], &["--format", "parquet"]);
    let expected = arrow_select(parquet_rows(&whole.folder().join("CCLF2.parquet")));
    assert!(expected.num_rows() > 30);
    for (joined, row_group, rows_per_file) in
        [(1, 1, None), (3, 7, None), (7, 3, None), (1000, 10, None), (5, 1000, Some(13)), (64, 4, Some(10))]
    {
        let folder = tempfile::tempdir().unwrap();
        let cuts = Cuts { joined, row_group, rows_per_file: rows_per_file.and_then(NonZeroU64::new) };
        for container in [Container::Parquet, Container::Arrow] {
            let mut sink = BatchSink::with(folder.path(), container, cuts);
            let mut job = Job::new([testdata("v1")]).unwrap();
            // Small chunks, so that many batches come.
            (job.chunk, job.threads) = (20_000, 2);
            job.run(&mut sink, &mut Silent).unwrap();
        }
        let files = match rows_per_file {
            None => vec![folder.path().join("CCLF2.parquet")],
            Some(_) => parts(folder.path(), "CCLF2", ".parquet"),
        };
        let found = arrow_select(files.iter().flat_map(|path| parquet_rows(path)).collect());
        assert!(found == expected, "{joined} {row_group} {rows_per_file:?}");
        for file in &files {
            let reader = SerializedFileReader::new(std::fs::File::open(file).unwrap()).unwrap();
            let groups: Vec<i64> = reader.metadata().row_groups().iter().map(|group| group.num_rows()).collect();
            let (last, full) = groups.split_last().unwrap();
            assert!(full.iter().all(|rows| *rows == row_group as i64), "{groups:?}");
            assert!(*last <= row_group as i64);
        }
    }
}

fn arrow_select(batches: Vec<arrow::array::RecordBatch>) -> arrow::array::RecordBatch {
    arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap()
}

const DELIVERY: [&str; 6] = ["--entity", "A0001", "--performance-year", "2026", "--delivered", "2026-11-20T12:34:56"];

#[test]
fn file_columns_tell_the_delivery_in_every_row() {
    let plain = convert(&[&testdata("v3")], &["--lineage"]);
    let output =
        convert(&[&testdata("v3")], &[&DELIVERY[..], &["--file-columns", "--lineage", "--enrollment"]].concat());
    for (table, file) in [("CCLF1", "1"), ("CCLF8", "8"), ("CCLF9", "9"), ("CCLFA", "A")] {
        let ((mut header, rows), (found_header, found)) = (plain.table(table), output.table(table));
        header.extend(["FILE_NAME".to_string(), "FILE_DATE".to_string()]);
        assert_eq!(found_header, header);
        let name = format!("P.A0001.ACO.ZC{file}Y26.D261120.T1234560");
        for (row, found) in rows.iter().zip(&found) {
            assert_eq!(found[..row.len()], row[..], "{table}");
            assert_eq!(found[row.len()..], [name.clone(), "2026-11-20".to_string()], "{table}");
        }
        assert_eq!(rows.len(), found.len());
    }
    assert!(output.column("enrollment", "FILE_NAME").iter().all(|name| name == "enrollment"));
}

#[test]
fn what_cannot_be_is_refused() {
    let cclf = [&["--format", "cclf"], &DELIVERY[..]].concat();
    for (options, expected) in [
        (vec!["--file-columns"], "with `--file-columns`, found one missing"),
        ([&cclf[..], &["--rows-per-file", "5"]].concat(), "CMS has one name for each table"),
        ([&cclf[..], &["--file-columns"]].concat(), "have no columns for them"),
        (DELIVERY.to_vec(), "expected `--format cclf`"),
    ] {
        let output = convert(&[&testdata("v2")], &options);
        assert_eq!(output.code, 2, "{options:?}");
        assert!(output.stderr.contains(expected), "{options:?}: {}", output.stderr);
    }
}

#[test]
fn force_removes_what_the_run_before_wrote_and_nothing_else() {
    let before = [&["--format", "cclf,parquet"], &DELIVERY[..]].concat();
    let output = convert(&[&testdata("v2")], &before);
    let folder = output.folder();
    // Of another delivery and of somebody else.
    let others = ["P.A0001.ACO.ZC1Y26.D261020.T1234560", "notes.txt", "CCLF1-old.csv"];
    others.iter().for_each(|name| std::fs::write(folder.join(name), "mine").unwrap());
    let again = |more: &[&str]| {
        let mut command = claimfeed();
        command.arg("convert").arg(testdata("v2")).arg("-o").arg(&folder).arg("--force").args(more);
        assert!(matches!(command.output().unwrap().status.code(), Some(0 | 3)));
    };
    again(&["--rows-per-file", "9"]);
    assert!(!folder.join("P.A0001.ACO.ZC1Y26.D261120.T1234560").exists());
    assert!(!folder.join("CCLF1.parquet").exists());
    assert!(folder.join("CCLF1-00001.csv").exists());
    again(&["--tables", "CCLF5"]);
    let mut names: Vec<String> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let mut expected = ["CCLF0.csv", "CCLF5.csv", "issues.csv", "report.html", "summary.json"].to_vec();
    expected.extend(others);
    expected.sort();
    assert_eq!(names, expected);
}
