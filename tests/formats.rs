//! Every format holds what CSV holds: read back by the libraries' own readers, and by those people use.

mod common;

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Schema};
use arrow::ipc::reader::{FileReader, StreamReader};
use common::{Output, claimfeed, convert};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

const VERSIONS: [&str; 3] = ["v1", "v2", "v3"];
const ALL: [&str; 8] = ["--format", "csv", "--format", "parquet", "--format", "arrow", "--format", "arrow-stream"];

fn testdata(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(version).join("export")
}

fn all_formats(version: &str, more: &[&str]) -> Output {
    let output = convert(&[&testdata(version)], &[&ALL[..], more].concat());
    assert!(output.code == 0 || output.code == 3, "{}", output.stderr);
    output
}

fn tables(output: &Output) -> Vec<String> {
    let names = output.bytes().into_iter().filter_map(|(name, _)| name.strip_suffix(".csv").map(str::to_string));
    let names: Vec<String> = names.collect();
    assert_eq!(names.len(), 12);
    names
}

/// The cells of a batch as CSV writes them.
fn texts(batch: &RecordBatch) -> Vec<Vec<String>> {
    let cell = |column: &dyn Array, row: usize| -> String {
        if column.is_null(row) {
            return String::new();
        }
        match column.data_type() {
            DataType::Utf8 => column.as_string::<i32>().value(row).to_string(),
            DataType::Date32 => column.as_primitive::<Date32Type>().value_as_date(row).unwrap().to_string(),
            DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().value_as_string(row),
            other => panic!("no column should be {other}"),
        }
    };
    (0..batch.num_rows()).map(|row| batch.columns().iter().map(|column| cell(column, row)).collect()).collect()
}

fn read(path: &Path) -> (Schema, Vec<RecordBatch>) {
    let file = File::open(path).unwrap();
    match path.extension().unwrap().to_str().unwrap() {
        "parquet" => {
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
            (reader.schema().as_ref().clone(), reader.build().unwrap().map(Result::unwrap).collect())
        }
        "arrow" => {
            let reader = FileReader::try_new(file, None).unwrap();
            (reader.schema().as_ref().clone(), reader.map(Result::unwrap).collect())
        }
        _ => {
            let reader = StreamReader::try_new(file, None).unwrap();
            (reader.schema().as_ref().clone(), reader.map(Result::unwrap).collect())
        }
    }
}

#[test]
fn every_format_has_the_cells_of_csv() {
    for version in VERSIONS {
        let output = all_formats(version, &["--lineage"]);
        let mut rows = 0;
        for table in tables(&output) {
            let (header, expected) = output.table(&table);
            for extension in ["parquet", "arrow", "arrows"] {
                let path = output.folder().join(format!("{table}.{extension}"));
                let (schema, batches) = read(&path);
                let labels: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
                assert_eq!(labels, header, "{version} {table} {extension}");
                let found: Vec<Vec<String>> = batches.iter().flat_map(texts).collect();
                assert_eq!(found, expected, "{version} {table} {extension}");
                assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            }
            rows += expected.len();
        }
        assert!(rows > 50, "{version} has {rows} rows");
    }
}

#[test]
fn columns_tell_where_they_come_from() {
    for version in VERSIONS {
        let output = all_formats(version, &[]);
        for extension in ["parquet", "arrow", "arrows"] {
            let (schema, _) = read(&output.folder().join(format!("CCLF1.{extension}")));
            assert_eq!(schema.metadata()["bcda.api"], version);
            assert_eq!(schema.metadata()["cclf.file"], "CCLF1");
            let about = schema.field_with_name("CLM_PMT_AMT").unwrap();
            assert_eq!(about.data_type(), &DataType::Decimal128(15, 2));
            assert_eq!(about.metadata()["cclf.picture"], "-9(13).99");
            assert_eq!(about.metadata()["fill"], "mapped");
            assert!(about.metadata()["fhir.path"].starts_with("%eob."), "{}", about.metadata()["fhir.path"]);
            let (start, end) = (&about.metadata()["cclf.start"], &about.metadata()["cclf.end"]);
            assert_eq!(end.parse::<usize>().unwrap() - start.parse::<usize>().unwrap(), 16);
            assert_eq!(schema.field_with_name("CLM_FROM_DT").unwrap().data_type(), &DataType::Date32);
        }
    }
}

#[test]
fn the_bytes_are_the_same_for_any_number_of_workers() {
    let export = tempfile::tempdir().unwrap();
    let folder = export.path().join("export");
    let made = claimfeed()
        .args(["synth", "--api", "v3", "--beneficiaries", "60", "-o", folder.to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(made.status.code(), Some(0));
    let one = convert(&[&folder], &[&ALL[..], &["--threads", "1"]].concat());
    let four = convert(&[&folder], &[&ALL[..], &["--threads", "4"]].concat());
    assert_eq!(one.bytes().len(), 48);
    assert!(one.bytes() == four.bytes());
}

#[test]
fn with_fixed_width_files_in_one_pass() {
    let cclf = ["--format", "cclf", "--entity", "A0001", "--performance-year", "2026", "--delivered", "2026-11-20"];
    let both = convert(&[&testdata("v2")], &[&["--format", "parquet,csv"], &cclf[..]].concat());
    let alone = convert(&[&testdata("v2")], &cclf);
    for entry in std::fs::read_dir(alone.folder()).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with("P.") {
            assert!(
                std::fs::read(both.folder().join(&name)).unwrap() == std::fs::read(entry.path()).unwrap(),
                "{name}"
            );
        }
    }
    assert_eq!(both.summary["issues"], alone.summary["issues"], "what fixed-width files change is told once");
    assert!(both.folder().join("CCLF5.parquet").exists());
}

#[test]
fn another_format_replaces_the_old_one() {
    let output = convert(&[&testdata("v2")], &["--format", "parquet"]);
    assert!(!output.folder().join("CCLF1.csv").exists());
    let folder = output.folder();
    let again = claimfeed()
        .args([
            "convert",
            testdata("v2").to_str().unwrap(),
            "-o",
            folder.to_str().unwrap(),
            "--force",
            "--tables",
            "CCLF1",
        ])
        .output()
        .unwrap();
    assert!(matches!(again.status.code(), Some(0 | 3)));
    assert!(folder.join("CCLF1.csv").exists());
    for stale in ["CCLF1.parquet", "CCLF0.parquet", "CCLF5.parquet"] {
        assert!(!folder.join(stale).exists(), "{stale} stayed behind");
    }
}

/// DuckDB, Polars and pyarrow read the files: rows, sum of an amount, a code's leading zeros.
#[test]
fn what_people_use_reads_them() {
    let python = std::env::var("CLAIMFEED_PYTHON").unwrap_or_else(|_| "python3".to_string());
    let ready = Command::new(&python).args(["-c", "import duckdb, polars, pyarrow"]).output();
    if !ready.is_ok_and(|ready| ready.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "CI must have DuckDB, Polars and pyarrow (see .ci/run)");
        common::skipped(&format!("{python} has not all of duckdb, polars and pyarrow; pip install them"));
        return;
    }
    let output = all_formats("v2", &[]);
    let code = r#"
import sys, duckdb, polars, pyarrow.parquet, pyarrow.ipc, pyarrow.compute, pyarrow as pa
folder = sys.argv[1]
file = folder + "/CCLF1.parquet"
query = "select count(*), sum(CLM_PMT_AMT), min(FAC_PRVDR_NPI_NUM), typeof(any_value(CLM_PMT_AMT)) from '{}'"
duck = duckdb.sql(query.format(file)).fetchall()[0]
frame = polars.read_parquet(file)
table = pyarrow.parquet.read_table(file)
arrow = pyarrow.ipc.open_file(folder + "/CCLF1.arrow").read_all()
stream = pyarrow.ipc.open_stream(folder + "/CCLF1.arrows").read_all()
assert table.equals(arrow) and arrow.equals(stream)
sums = [pa.compute.sum(table["CLM_PMT_AMT"]).as_py(), frame["CLM_PMT_AMT"].sum(), duck[1]]
assert len(set(sums)) == 1, "sums differ"
assert duck[0] == frame.height == table.num_rows
assert duck[2] == frame["FAC_PRVDR_NPI_NUM"].min()
assert duck[3] == "DECIMAL(15,2)", duck[3]
print(duck[0], sums[0])
"#;
    let read = Command::new(&python).args(["-c", code]).arg(output.folder()).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let (header, rows) = output.table("CCLF1");
    let at = header.iter().position(|label| label == "CLM_PMT_AMT").unwrap();
    let cents: i64 = rows.iter().map(|row| row[at].replace('.', "").parse::<i64>().unwrap_or(0)).sum();
    let sum = format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100);
    assert_eq!(String::from_utf8_lossy(&read.stdout).trim(), format!("{} {sum}", rows.len()));
}

#[test]
fn one_table_streams_to_standard_output() {
    let expected = all_formats("v3", &["--lineage"]);
    let stream = |options: &[&str]| {
        let mut command = claimfeed();
        command.arg("convert").arg(testdata("v3")).args(["-o", "-", "--tables", "CCLF5", "--lineage"]).args(options);
        command.output().unwrap()
    };
    let csv = stream(&[]);
    assert_eq!(csv.status.code(), Some(expected.code));
    assert!(csv.stdout == std::fs::read(expected.folder().join("CCLF5.csv")).unwrap());
    assert!(String::from_utf8_lossy(&csv.stderr).contains("CCLF5 written to standard output"));
    let arrow = stream(&["--format", "arrow-stream"]);
    let reader = StreamReader::try_new(&arrow.stdout[..], None).unwrap();
    let rows: Vec<Vec<String>> = reader.map(Result::unwrap).flat_map(|batch| texts(&batch)).collect();
    assert_eq!(rows, expected.table("CCLF5").1);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let export = tempfile::tempdir().unwrap();
    let folder = export.path().join("export");
    let made =
        claimfeed().args(["synth", "--api", "v2", "--beneficiaries", "100", "-o"]).arg(&folder).output().unwrap();
    assert_eq!(made.status.code(), Some(0));
    let mut command = claimfeed();
    command.arg("convert").arg(&folder).args(["-o", "-", "--tables", "CCLF5"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "nothing to say: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_cannot_be_streamed_is_refused() {
    for (options, expected) in [
        (&["--tables", "CCLF1,CCLF5"][..], "expected one table"),
        (&[], "expected one table"),
        (&["--tables", "CCLF1", "--format", "parquet"], "arrow-stream"),
        (&["--tables", "CCLF1", "--compress", "gzip"], "plain"),
    ] {
        let output = claimfeed().arg("convert").arg(testdata("v2")).args(["-o", "-"]).args(options).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        assert!(String::from_utf8_lossy(&output.stderr).contains(expected), "{expected}");
    }
}

#[test]
fn csv_compressed_and_with_other_line_ends_is_the_same_csv() {
    let plain = convert(&[&testdata("v2")], &[]);
    let gzip = convert(&[&testdata("v2")], &["--compress", "gzip"]);
    let zstd = convert(&[&testdata("v2")], &["--compress", "zstd"]);
    let crlf = convert(&[&testdata("v2")], &["--eol", "crlf"]);
    for (name, bytes) in plain.bytes() {
        let file = File::open(gzip.folder().join(format!("{name}.gz"))).unwrap();
        let mut unpacked = Vec::new();
        flate2::read::MultiGzDecoder::new(file).read_to_end(&mut unpacked).unwrap();
        assert!(unpacked == bytes, "{name}.gz");
        let file = File::open(zstd.folder().join(format!("{name}.zst"))).unwrap();
        assert!(zstd::decode_all(file).unwrap() == bytes, "{name}.zst");
        let text = std::fs::read_to_string(crlf.folder().join(&name)).unwrap();
        assert_eq!(text.matches("\r\n").count(), text.matches('\n').count());
        assert!(text.replace("\r\n", "\n").as_bytes() == bytes, "{name} with CRLF");
    }
}
