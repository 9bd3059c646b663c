//! An export in pieces gives what one run gives: the same rows once each, and reports that add up.

mod common;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use claimfeed::job::{Adjustments, Job, Silent};
use claimfeed::report::Report;
use claimfeed::sandbox::Synth;
use claimfeed::split::{self, Context, Options, Split, plan, sum};
use claimfeed::write::arrow::ArrowSink;
use claimfeed::{Api, Error};
use proptest::prelude::*;

const CLAIM_TABLES: [&str; 9] = ["CCLF1", "CCLF2", "CCLF3", "CCLF4", "CCLF5", "CCLF6", "CCLF7", "CCLFA", "CCLFB"];

fn export(api: Api, gzip: bool) -> (tempfile::TempDir, Vec<PathBuf>) {
    export_of(12, api, gzip)
}

fn export_of(beneficiaries: u64, api: Api, gzip: bool) -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let synth = Synth { beneficiaries, files: 2, gzip, claims_per_beneficiary: 6, ..Synth::new(api) };
    synth.write(folder.path()).unwrap();
    let inputs = vec![folder.path().to_path_buf()];
    (folder, inputs)
}

/// Rows as texts, in no order.
fn texts(batch: &RecordBatch, rows: &mut Vec<Vec<String>>) {
    let options = FormatOptions::new();
    let columns: Vec<_> =
        batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
    rows.extend((0..batch.num_rows()).map(|row| columns.iter().map(|c| c.value(row).to_string()).collect()));
}

type Rows = BTreeMap<String, Vec<Vec<String>>>;

fn whole(inputs: &[PathBuf], lineage: bool) -> (Rows, Report) {
    let mut rows = Rows::new();
    let mut sink = ArrowSink::new(|table: &str, batch: RecordBatch| {
        texts(&batch, rows.entry(table.to_string()).or_default());
        Ok(())
    });
    let job = Job {
        tables: CLAIM_TABLES.map(str::to_string).to_vec(),
        adjustments: Adjustments::Raw,
        lineage,
        ..Job::new(inputs).unwrap()
    };
    let report = job.run(&mut sink, &mut Silent).unwrap();
    drop(sink);
    rows.values_mut().for_each(|rows| rows.sort());
    (rows, report)
}

fn pieces(splits: &[Split], context: &Context, table: &str, options: &Options) -> (Vec<Vec<String>>, Vec<Report>) {
    let (mut rows, mut reports) = (Vec::new(), Vec::new());
    for split in splits {
        let mut reader = split.read(table, context, options).unwrap();
        for batch in &mut reader {
            texts(&batch.unwrap(), &mut rows);
        }
        reports.push(reader.report().unwrap());
    }
    rows.sort();
    (rows, reports)
}

#[test]
fn splits_of_any_size_give_every_row_once() {
    for api in Api::ALL {
        let (_folder, inputs) = export(api, false);
        let (expected, _) = whole(&inputs, false);
        let largest = plan(&inputs, u64::MAX).unwrap().iter().map(|split| split.size).max().unwrap();
        let options = Options::default();
        let (context, _) = Context::of(&plan(&inputs, u64::MAX).unwrap(), &options).unwrap();
        let config = ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() };
        proptest!(config, |(target in 1024..=largest, table in 0..CLAIM_TABLES.len())| {
            let splits = plan(&inputs, target).unwrap();
            let table = CLAIM_TABLES[table];
            let (rows, _) = pieces(&splits, &context, table, &options);
            prop_assert_eq!(rows, expected.get(table).cloned().unwrap_or_default());
        });
    }
}

#[test]
fn splits_of_a_kilobyte_give_every_row_with_its_place() {
    for gzip in [false, true] {
        let (_folder, inputs) = export_of(2, Api::V3, gzip);
        let (expected, _) = whole(&inputs, true);
        let splits = plan(&inputs, 1024).unwrap();
        assert_eq!(splits.len() > 40, !gzip, "{}", splits.len());
        let options = Options { keys: true, ..Options::default() };
        let (context, _) = Context::of(&splits, &options).unwrap();
        let (rows, _) = pieces(&splits, &context, "CCLF5", &options);
        let schema = split::schema("CCLF5", Api::V3, &options).unwrap();
        let at = |column: &str| schema.index_of(column).unwrap();
        let [id, file, byte, number] = split::PLACE.map(at);
        let [patient, group, updated] = split::KEYS.map(at);
        let known = context.to_arrow().unwrap();
        let mut patients = Vec::new();
        texts(&known, &mut patients);
        // The column of CMS's, the id and the file are those of a run; the byte leads to the claim's line.
        let mut found: Vec<Vec<String>> = Vec::new();
        let mut claims: BTreeMap<(String, String), (String, serde_json::Value)> = BTreeMap::new();
        for split in splits.iter().filter(|split| split.start == 0) {
            for (start, line) in lines(&split.path) {
                let resource = serde_json::from_str(&line).unwrap();
                claims.insert((split.file.to_string(), start.to_string()), (line, resource));
            }
        }
        for row in &rows {
            let (line, claim) = &claims[&(row[number].clone(), row[byte].clone())];
            assert_eq!(claim["id"].as_str(), Some(row[id].as_str()));
            assert_eq!(claim["meta"]["lastUpdated"].as_str(), Some(row[updated].as_str()));
            assert_eq!(claim["patient"]["reference"].as_str(), Some(format!("Patient/{}", row[patient]).as_str()));
            assert!(line.contains(&row[group]));
            assert!(patients.iter().any(|known| known[0] == row[patient] && known[1] == row[at("BENE_MBI_ID")]));
            found.push(row[..patient].iter().chain([&row[id], &row[file]]).cloned().collect());
        }
        let mut wanted: Vec<Vec<String>> = expected["CCLF5"].iter().map(|row| row[..row.len() - 1].to_vec()).collect();
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted);
    }
}

/// Each line with its first byte, of a plain or a gzip file.
fn lines(path: &Path) -> Vec<(usize, String)> {
    let bytes = std::fs::read(path).unwrap();
    let mut text = String::new();
    match bytes.starts_with(&[0x1f, 0x8b]) {
        true => drop(flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap()),
        false => text = String::from_utf8(bytes).unwrap(),
    }
    let mut start = 0;
    let line = |line: &str| {
        let at = start;
        start += line.len();
        (at, line.to_string())
    };
    text.split_inclusive('\n').map(line).collect()
}

#[test]
fn reports_of_splits_add_up_to_the_reports_of_runs() {
    for gzip in [false, true] {
        let (folder, inputs) = export(Api::V2, gzip);
        damage(folder.path());
        let splits = plan(&inputs, 40_000).unwrap();
        assert_eq!(gzip, splits.len() < 8, "a gzip file is one split");
        let (context, people) = Context::of(&splits, &Options::default()).unwrap();
        for table in ["CCLF1", "CCLF5", "CCLF7"] {
            let mut reports = vec![people.clone()];
            reports.extend(pieces(&splits, &context, table, &Options::default()).1);
            let job =
                Job { tables: vec![table.to_string()], adjustments: Adjustments::Raw, ..Job::new(&inputs).unwrap() };
            let mut expected = job.run(&mut ArrowSink::new(|_, _| Ok(())), &mut Silent).unwrap();
            let mut found = sum(&reports);
            // Files that are no input of a run are no input of a plan either, which has no report to name them in.
            let ignored = std::mem::take(&mut expected.ignored_files);
            assert!(ignored.iter().all(|file| file.ends_with("manifest.json")), "{ignored:?}");
            for report in [&mut expected, &mut found] {
                report.elapsed_seconds = 0.0;
                report.gigabytes_per_second = 0.0;
                report.finished = String::new();
                report.inputs.sort_by(|a, b| a.file.cmp(&b.file));
                // Fields that nobody asked for are not looked for, and nothing is noted about them.
                report.issues.retain(|issue| issue.kind != "ambiguous-value");
            }
            let broken = expected.issues.iter().find(|issue| issue.kind == "broken-line").unwrap();
            assert_eq!(broken.count, 2);
            assert!(expected.issues.iter().any(|issue| issue.kind == "unknown-patient"), "{:?}", expected.issues);
            assert_eq!(found.inputs, expected.inputs);
            assert_eq!(found.payments, expected.payments);
            assert_eq!(found, expected, "{table}");
        }
    }
}

/// Breaks the second and the last line of the first file of claims, and makes the claim between them nobody's.
fn damage(folder: &Path) {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.to_string_lossy().contains("ExplanationOfBenefit"));
    files.sort();
    let mut text: Vec<String> = lines(&files[0]).into_iter().map(|(_, line)| line).collect();
    let last = text.len() - 1;
    text[1].insert(0, '?');
    text[last].insert(0, '?');
    text[last - 1] = text[last - 1].replace("\"Patient/", "\"Patient/0");
    let mut bytes = text.concat().into_bytes();
    if files[0].extension().is_some_and(|extension| extension == "gz") {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&bytes).unwrap();
        bytes = packed.finish().unwrap();
    }
    std::fs::write(&files[0], bytes).unwrap();
}

#[test]
fn broken_lines_have_their_places_in_the_file() {
    let (folder, _) = export(Api::V2, false);
    let claims = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().contains("ExplanationOfBenefit"))
        .unwrap();
    let text = std::fs::read_to_string(&claims).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let at = lines.len() - 2;
    lines.insert(at, "{\"resourceType\":\"ExplanationOfBenefit\",");
    let byte: usize = lines[..at].iter().map(|line| line.len() + 1).sum();
    std::fs::write(&claims, lines.join("\n")).unwrap();

    let splits = plan(std::slice::from_ref(&claims), 10_000).unwrap();
    let context = Context::default();
    let (_, reports) = pieces(&splits, &context, "CCLF1", &Options::default());
    let total = sum(&reports);
    let issue = total.issues.iter().find(|issue| issue.kind == "broken-line").unwrap();
    assert_eq!((issue.count, issue.example.line, issue.example.byte), (1, at as u64 + 1, byte as u64));

    let strict = Options { strict: true, ..Options::default() };
    let split = splits.iter().find(|split| (split.start..split.end).contains(&(byte as u64))).unwrap();
    let known = whole_context(&folder);
    let found = split.read("CCLF1", &known, &strict).unwrap().find_map(Result::err).unwrap();
    assert!(matches!(found, Error::Strict(_)));
    let place = format!("`{}`, line {}, byte {byte}\n  hint: without `--strict`", claims.display(), at + 1);
    assert!(found.to_string().contains(&place), "{found}");
}

fn whole_context(folder: &tempfile::TempDir) -> Context {
    let splits = plan(&[folder.path().to_path_buf()], u64::MAX).unwrap();
    Context::of(&splits, &Options::default()).unwrap().0
}

#[test]
fn the_context_travels_as_arrow() {
    let (folder, _) = export(Api::V1, false);
    let context = whole_context(&folder);
    assert_eq!(context.len(), 12);
    let table = context.to_arrow().unwrap();
    let again = Context::from_arrow([table.clone()]).unwrap();
    assert_eq!(again.to_arrow().unwrap(), table);
    let wrong = table.project(&[0]).unwrap();
    let message = Context::from_arrow([wrong]).unwrap_err().to_string();
    assert_eq!(message, "expected a context with text columns [\"patient_id\", \"mbi\"], found no `mbi`");
}

#[test]
fn splits_travel_as_json_and_know_when_their_file_changed() {
    let (folder, inputs) = export(Api::V3, false);
    let splits = plan(&inputs, 50_000).unwrap();
    let again: Vec<Split> = serde_json::from_str(&serde_json::to_string(&splits).unwrap()).unwrap();
    assert_eq!(again, splits);
    let split = &splits[0];
    let mut text = std::fs::read(&split.path).unwrap();
    text.extend_from_slice(b"\n");
    std::fs::write(&split.path, text).unwrap();
    let found = split.read("CCLF1", &Context::default(), &Options::default()).unwrap().find_map(Result::err);
    let message = found.unwrap().to_string();
    assert!(message.ends_with("hint: plan again once the file is complete"), "{message}");
    drop(folder);
}

#[test]
fn only_what_is_asked_for_is_in_the_schema_and_in_the_rows() {
    let (_folder, inputs) = export(Api::V3, false);
    let splits = plan(&inputs, u64::MAX).unwrap();
    let (context, _) = Context::of(&splits, &Options::default()).unwrap();
    let columns = ["CLM_LINE_CVRD_PD_AMT", "BENE_MBI_ID", "CLM_LINE_NUM"];
    let options = Options { columns: columns.map(str::to_string).to_vec(), ..Options::default() };
    let schema = split::schema("CCLF5", Api::V3, &options).unwrap();
    assert_eq!(schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), columns);
    let (rows, _) = pieces(&splits, &context, "CCLF5", &options);

    let (all, _) = pieces(&splits, &context, "CCLF5", &Options::default());
    let full = split::schema("CCLF5", Api::V3, &Options::default()).unwrap();
    let at = columns.map(|column| full.index_of(column).unwrap());
    let mut expected: Vec<Vec<String>> = all.iter().map(|row| at.iter().map(|at| row[*at].clone()).collect()).collect();
    expected.sort();
    assert_eq!(rows, expected);
    for split in &splits {
        for table in CLAIM_TABLES {
            let mut reader = split.read(table, &context, &Options::default()).unwrap();
            assert_eq!(reader.schema(), split::schema(table, Api::V3, &Options::default()).unwrap());
            if let Some(batch) = reader.next() {
                assert_eq!(batch.unwrap().schema(), reader.schema());
            }
        }
    }
}

#[test]
fn tables_of_the_population_and_unknown_ones_are_refused_with_a_hint() {
    let (_folder, inputs) = export(Api::V3, false);
    let splits = plan(&inputs, u64::MAX).unwrap();
    let refused = |table: &str, columns: &[&str]| {
        let columns = columns.iter().map(|column| column.to_string()).collect();
        let options = Options { columns, ..Options::default() };
        splits[0].read(table, &Context::default(), &options).unwrap_err().to_string()
    };
    assert_eq!(
        refused("CCLF8", &[]),
        "expected one table of CCLF1, CCLF2, CCLF3, CCLF4, CCLF5, CCLF6, CCLF7, CCLFA, CCLFB, found `CCLF8`\n  hint: a row of this table needs the whole export: read it without splits"
    );
    assert!(refused("CCLF99", &[]).ends_with("found `CCLF99`"));
    assert_eq!(refused("CCLF5", &["PRICE"]), "expected columns of CCLF5, found `PRICE`");
}

#[test]
fn people_behind_claims_are_missed_by_no_one() {
    let (folder, _) = export(Api::V2, false);
    let mut files: Vec<(PathBuf, String)> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), std::fs::read_to_string(path).unwrap()))
        .collect();
    files.sort_by_key(|(path, _)| !path.to_string_lossy().contains("ExplanationOfBenefit"));
    let one: String = files.iter().map(|(_, text)| text.as_str()).collect();
    let mixed = tempfile::tempdir().unwrap();
    let path = mixed.path().join("all.ndjson");
    std::fs::write(&path, one).unwrap();
    let inputs = vec![path];
    let splits = plan(&inputs, 100_000).unwrap();
    let (context, _) = Context::of(&splits, &Options::default()).unwrap();
    let mut all = splits.iter().flat_map(|split| split.read("CCLF5", &context, &Options::default()).unwrap());
    let message = all.find_map(Result::err).unwrap().to_string();
    assert!(message.contains("found a Patient or Coverage"), "{message}");

    let options = Options { thorough: true, ..Options::default() };
    let (context, _) = Context::of(&splits, &options).unwrap();
    let (rows, _) = pieces(&splits, &context, "CCLF5", &options);
    // The run starts over when it meets the first Patient, and its sink with it.
    let raw = Job { adjustments: Adjustments::Raw, ..Job::new(&inputs).unwrap() };
    let mut expected = Vec::new();
    let whole = split::read(&raw, "CCLF5", &Options::default(), &mut Silent).unwrap();
    whole.for_each(|batch| texts(&batch.unwrap(), &mut expected));
    expected.sort();
    assert_eq!(rows, expected);
}

#[test]
fn one_table_of_a_whole_export_is_what_a_run_gives() {
    let (_folder, inputs) = export(Api::V3, false);
    for table in ["CCLF8", "CCLF5"] {
        let mut expected = Vec::new();
        let mut sink = ArrowSink::new(|name: &str, batch: RecordBatch| {
            if name == table {
                texts(&batch, &mut expected);
            }
            Ok(())
        });
        let job = Job { tables: vec![table.to_string()], ..Job::new(&inputs).unwrap() };
        job.run(&mut sink, &mut Silent).unwrap();
        drop(sink);
        let whole = split::read(&Job::new(&inputs).unwrap(), table, &Options::default(), &mut Silent).unwrap();
        assert_eq!(whole.schema(), split::schema(table, Api::V3, &Options::default()).unwrap());
        let mut rows = Vec::new();
        whole.for_each(|batch| texts(&batch.unwrap(), &mut rows));
        assert_eq!(rows, expected, "{table}");
    }
    let refused = split::read(&Job::new(&inputs).unwrap(), "cclf0", &Options::default(), &mut Silent);
    assert_eq!(
        refused.err().unwrap().to_string(),
        "expected one table of rows, found `CCLF0`\n  hint: it is the summary of a whole conversion: convert into files"
    );
}

/// Fewer columns are the same rows with fewer cells, also where other columns tell how many rows there are.
#[test]
fn fewer_columns_are_as_many_rows() {
    let (folder, inputs) = export(Api::V2, false);
    let claims = std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.path());
    for path in claims.filter(|path| path.display().to_string().contains("ExplanationOfBenefit")) {
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replacen("\"status\":\"active\"", "\"status\":\"cancelled\"", 20)).unwrap();
    }
    let mut job = Job::new(&inputs).unwrap();
    job.schemas.add_enrollment().unwrap();
    job.adjustments = Adjustments::CclfPairs;
    let mut cancelled = 0;
    for table in ["CCLF1", "CCLF2", "CCLF4", "CCLF5", "CCLF8", "CCLF9", "enrollment"] {
        let read = |columns: &[String]| {
            let options = Options { columns: columns.to_vec(), ..Options::default() };
            let whole = split::read(&job, table, &options, &mut Silent).unwrap();
            let (schema, skipped) = (whole.schema(), whole.report.cancelled.values().sum::<u64>());
            let mut rows = Vec::new();
            whole.for_each(|batch| texts(&batch.unwrap(), &mut rows));
            (schema, rows, skipped)
        };
        let (schema, all, pairs) = read(&[]);
        cancelled += pairs;
        for (at, field) in schema.fields().iter().enumerate().step_by(7) {
            let (_, some, _) = read(std::slice::from_ref(field.name()));
            let expected: Vec<Vec<String>> = all.iter().map(|row| vec![row[at].clone()]).collect();
            assert!(some == expected, "{table}.{}: {} rows of {}", field.name(), some.len(), all.len());
        }
    }
    assert!(cancelled > 0);
    let columns = ["CLM_LINE_NUM", "source_line"].map(str::to_string).to_vec();
    job.lineage = true;
    let rows = split::read(&job, "CCLF5", &Options { columns, ..Options::default() }, &mut Silent).unwrap();
    assert_eq!(rows.schema().fields().len(), 2);
    assert!(rows.map(|batch| batch.unwrap().num_rows()).sum::<usize>() > 0);
}

#[test]
fn versions_list_every_claim_with_its_place() {
    let (folder, inputs) = export(Api::V2, false);
    let splits = plan(&inputs, 30_000).unwrap();
    let (rows, _) = pieces(&splits, &Context::default(), split::VERSIONS, &Options::default());
    let mut places: Vec<(String, String)> = rows.iter().map(|row| (row[2].clone(), row[3].clone())).collect();
    let mut claims = Vec::new();
    for split in splits.iter().filter(|split| split.start == 0) {
        let of_claims = |(_, line): &(usize, String)| line.contains("\"resourceType\":\"ExplanationOfBenefit\"");
        let places = lines(&split.path).into_iter().filter(of_claims);
        claims.extend(places.map(|(start, _)| (split.file.to_string(), start.to_string())));
    }
    places.sort();
    claims.sort();
    assert_eq!(places, claims);
    assert!(rows.iter().all(|row| row[4..].iter().all(String::is_empty)), "one delivery has no use for groups");
    drop(folder);
}

#[test]
fn versions_of_several_deliveries_tell_their_groups() {
    let folder = tempfile::tempdir().unwrap();
    for delivery in ["january", "february"] {
        let synth = Synth { beneficiaries: 4, ..Synth::new(Api::V3) };
        synth.write(&folder.path().join(delivery)).unwrap();
    }
    let splits = plan(&[folder.path().to_path_buf()], 30_000).unwrap();
    let (context, _) = Context::of(&splits, &Options::default()).unwrap();
    let (rows, _) = pieces(&splits, &context, split::VERSIONS, &Options::default());
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for row in &rows {
        // The same claims in both, with the same keys.
        let keys = [&row[0], &row[1], &row[5], &row[6], &row[7]];
        match row[4].as_str() {
            "0" => one.push(keys),
            "1" => two.push(keys),
            other => panic!("{other}"),
        }
    }
    one.sort();
    two.sort();
    assert!(!one.is_empty());
    assert_eq!(one, two);
    assert!(one.iter().any(|keys| keys[2].len() == 32), "most have a control number");
}
