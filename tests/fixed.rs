//! Fixed-width files as CMS delivers them, read back by the layouts' tables alone.

mod common;

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use claimfeed::Api;
use common::layouts::{read_fixed, record_length};
use common::{Output, claimfeed, convert, score, shared};
use serde_json::Value;

const OPTIONS: [&str; 8] =
    ["--format", "cclf", "--entity", "A0001", "--performance-year", "2026", "--delivered", "2026-11-20T12:34:56"];
const TABLES: [&str; 11] =
    ["CCLF1", "CCLF2", "CCLF3", "CCLF4", "CCLF5", "CCLF6", "CCLF7", "CCLF8", "CCLF9", "CCLFA", "CCLFB"];

fn path(output: &Output, table: &str) -> PathBuf {
    output.folder().join(format!("P.A0001.ACO.ZC{}Y26.D261120.T1234560", table.strip_prefix("CCLF").unwrap()))
}

fn bytes(output: &Output, table: &str) -> Vec<u8> {
    std::fs::read(path(output, table)).unwrap()
}

fn fixed(input: &Path, more: &[&str]) -> Output {
    convert(&[input], &[&OPTIONS[..], more].concat())
}

fn testdata(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(version).join("export")
}

/// A copy of an export of testdata with every resource of a type changed.
fn changed(version: &str, resource: &str, change: impl Fn(&mut Value)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(testdata(version)).unwrap() {
        let file = entry.unwrap().path();
        let mut text = std::fs::read_to_string(&file).unwrap();
        if file.file_name().unwrap().to_string_lossy() == format!("{resource}.ndjson") {
            let line = |line| {
                let mut value: Value = serde_json::from_str(line).unwrap();
                change(&mut value);
                format!("{value}\n")
            };
            text = text.lines().map(line).collect();
        }
        std::fs::write(folder.path().join(file.file_name().unwrap()), text).unwrap();
    }
    folder
}

/// `kind`, weight and count of the issues about a field.
fn issues(output: &Output, field: &str) -> Vec<(String, String, u64)> {
    let text = |value: &Value| value.as_str().unwrap().to_string();
    let issues = output.summary["issues"].as_array().unwrap().iter().filter(|issue| issue["field"] == field);
    issues.map(|issue| (text(&issue["kind"]), text(&issue["weight"]), issue["count"].as_u64().unwrap())).collect()
}

/// A name of the generator's as fixed-width files have it.
fn folded(label: &str, cell: &str) -> String {
    if !label.ends_with("_NAME") && !label.ends_with("_ADR") {
        return cell.to_string();
    }
    let near = ["ÄA", "áa", "åa", "ée", "êe", "íi", "ñn", "üu", "ŁL", ", ", "\u{2028} ", "名?", "取?", "\t "]
        .map(|pair| pair.chars().collect::<Vec<_>>());
    let fold = |c: char| near.iter().find(|pair| pair[0] == c).map_or(c, |pair| pair[1]);
    cell.chars().map(fold).collect::<String>().trim().to_string()
}

fn same_cells(input: &Path) -> usize {
    let (csv, fixed) = (convert(&[input], &[]), fixed(input, &[]));
    assert_eq!((csv.code, fixed.code), (0, 0), "{}", fixed.stderr);
    let mut compared = 0;
    for table in TABLES {
        let (labels, expected) = csv.table(table);
        let (fixed_labels, found) = read_fixed(table, &bytes(&fixed, table));
        assert_eq!(fixed_labels, labels, "{table}");
        assert_eq!(found.len(), expected.len(), "{table}");
        for (at, (expected, found)) in expected.iter().zip(&found).enumerate() {
            for ((label, expected), found) in labels.iter().zip(expected).zip(found) {
                assert_eq!(found, &folded(label, expected), "{table} row {at} {label}");
                compared += usize::from(!found.is_empty());
            }
        }
    }
    assert_eq!(csv.summary["tables"], fixed.summary["tables"]);
    compared
}

#[test]
fn a_reader_of_the_layouts_gets_back_what_csv_says() {
    for api in Api::ALL {
        assert!(same_cells(&testdata(api.name())) > 1000, "{api}");
        let folder = tempfile::tempdir().unwrap();
        let export = folder.path().join("export");
        let options = "--beneficiaries 60 --claims 12 --seed 7 --mix even -o".split(' ');
        let output = claimfeed().args(["synth", "--api", api.name()]).args(options).arg(&export).output().unwrap();
        assert!(output.status.success());
        assert!(same_cells(&export) > 20_000, "{api}");
    }
}

#[test]
fn the_summary_file_counts_every_file_at_the_columns_readers_expect() {
    let output = fixed(&testdata("v3"), &[]);
    let text = String::from_utf8(bytes(&output, "CCLF0")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next().unwrap(), "File Number  |File Description    |Total Records Count |Record Length");
    assert_eq!(
        text.lines().nth(1).unwrap(),
        "CCLF1  |Part A Claims Header File                  |         ".to_string()
            + &format!("{:>2}|  437 ", bytes(&output, "CCLF1").len() / 438)
    );
    for table in TABLES {
        let line = lines.next().unwrap();
        assert_eq!(line.len(), 70, "{table}");
        assert_eq!(line[0..7].trim_end(), table);
        let lengths: usize = line[64..69].trim_start().parse().unwrap();
        let count: usize = line[52..63].trim_start().parse().unwrap();
        assert_eq!(lengths, record_length(table), "{table}");
        assert_eq!(count * (lengths + 1), bytes(&output, table).len(), "{table}");
    }
    assert_eq!(lines.next(), None);
}

#[test]
fn numbers_stand_right_with_their_sign_and_texts_left() {
    let amount = |text: &'static str| {
        move |claim: &mut Value| claim["payment"]["amount"]["value"] = serde_json::from_str(text).unwrap()
    };
    let folder = changed("v2", "ExplanationOfBenefit", amount("-12.5"));
    let output = fixed(folder.path(), &[]);
    let all = String::from_utf8(bytes(&output, "CCLF1")).unwrap();
    let (_, start, end) =
        common::layouts::layout("CCLF1").into_iter().find(|(label, _, _)| label == "CLM_PMT_AMT").unwrap();
    for line in all.lines() {
        assert_eq!(&line[start - 1..end], format!("{:>1$}", "-12.50", end + 1 - start));
        assert_eq!(line[..13].trim_start().len() + line[..13].find(|c| c != ' ').unwrap(), 13, "the id stands right");
    }
    assert!(all.lines().count() > 2);
}

#[test]
fn a_comma_is_replaced_and_counted_unless_it_is_to_stay() {
    let folder = changed("v2", "Patient", |patient| patient["name"][0]["family"] = "Nuñez, Jr. 李".into());
    let patients = convert(&[folder.path()], &[]).table("CCLF8").1.len() as u64;
    let last = |output: &Output| {
        let (labels, rows) = read_fixed("CCLF8", &bytes(output, "CCLF8"));
        let at = labels.iter().position(|label| label == "BENE_LAST_NAME").unwrap();
        rows.into_iter().map(|row| row[at].clone()).collect::<Vec<_>>()
    };
    let notice = |kind: &str| (kind.to_string(), "notice".to_string(), patients);
    let output = fixed(folder.path(), &[]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert_eq!(last(&output), vec!["Nunez  Jr. ?"; patients as usize]);
    let mut found = issues(&output, "CCLF8.BENE_LAST_NAME");
    found.sort();
    assert_eq!(found, [notice("comma-replaced"), notice("folded"), notice("unfoldable")]);
    let example = output.summary["issues"].as_array().unwrap().iter().find(|i| i["kind"] == "folded").unwrap();
    assert!(example["example"]["file"].as_str().unwrap().ends_with("Patient.ndjson"));
    assert!(example["example"]["line"].as_u64().unwrap() > 0);
    for table in TABLES {
        assert!(!bytes(&output, table).contains(&b','), "{table}");
    }

    let output = fixed(folder.path(), &["--keep-commas"]);
    assert_eq!(last(&output), vec!["Nunez, Jr. ?"; patients as usize]);
    let mut found = issues(&output, "CCLF8.BENE_LAST_NAME");
    found.sort();
    assert_eq!(found, [notice("folded"), notice("unfoldable")]);
}

#[test]
fn a_code_that_does_not_fit_is_blank_and_a_loss_with_its_place() {
    let folder = changed("v2", "ExplanationOfBenefit", |claim| {
        for item in claim["item"].as_array_mut().into_iter().flatten() {
            if item["sequence"] == 1 {
                // CLM_LINE_NUM of CCLF5 has ten columns.
                item["sequence"] = 12_340_000_000_000i64.into();
            }
        }
    });
    let csv = convert(&[folder.path()], &[]);
    let wide = csv.column("CCLF5", "CLM_LINE_NUM").iter().filter(|number| number.len() > 10).count();
    assert!(wide > 0);
    assert_eq!(csv.code, 0, "a CSV column holds it");
    let output = fixed(folder.path(), &[]);
    assert_eq!(output.code, 3, "{}", output.stderr);
    let (labels, rows) = read_fixed("CCLF5", &bytes(&output, "CCLF5"));
    let at = labels.iter().position(|label| label == "CLM_LINE_NUM").unwrap();
    assert_eq!(rows.iter().filter(|row| row[at].is_empty()).count(), wide);
    let loss = ("too-wide".to_string(), "loss".to_string(), wide as u64);
    assert!(issues(&output, "CCLF5.CLM_LINE_NUM").contains(&loss), "{}", output.summary["issues"]);
    let listed = output.issues().into_iter().filter(|row| row[7] == "CCLF5.CLM_LINE_NUM" && row[1] == "too-wide");
    assert_eq!(listed.filter(|row| row[3] != "0" && !row[6].is_empty()).count(), wide);
    let strict = fixed(folder.path(), &["--strict"]);
    assert_eq!(strict.code, 3);
    assert!(!path(&strict, "CCLF1").exists(), "a strict run leaves nothing behind");
}

#[test]
fn a_zip_holds_the_same_files_and_is_its_owners() {
    let (loose, zipped) = (fixed(&testdata("v1"), &[]), fixed(&testdata("v1"), &["--zip"]));
    assert_eq!(zipped.code, 0, "{}", zipped.stderr);
    let path_of_zip = zipped.folder().join("P.A0001.ACO.ZCY26.D261120.T1234560");
    let mut archive = zip::ZipArchive::new(File::open(&path_of_zip).unwrap()).unwrap();
    assert_eq!(archive.len(), 12);
    for table in TABLES.into_iter().chain(["CCLF0"]) {
        let name = path(&loose, table).file_name().unwrap().to_string_lossy().into_owned();
        let mut member = Vec::new();
        archive.by_name(&name).unwrap().read_to_end(&mut member).unwrap();
        assert_eq!(member, bytes(&loose, table), "{table}");
        assert!(!path(&zipped, table).exists(), "{table} stands in the zip only");
        assert_eq!(path(&loose, table).metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(path_of_zip.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let again = fixed(&testdata("v1"), &["--zip", "--threads", "1"]);
    let bytes = |output: &Output| std::fs::read(output.folder().join("P.A0001.ACO.ZCY26.D261120.T1234560")).unwrap();
    assert!(bytes(&again) == bytes(&zipped), "equal tables make equal zips");
}

#[test]
fn line_ends_are_no_part_of_a_record() {
    let (lf, crlf) = (fixed(&testdata("v2"), &[]), fixed(&testdata("v2"), &["--eol", "crlf"]));
    for table in TABLES.into_iter().chain(["CCLF0"]) {
        let expected = String::from_utf8(bytes(&lf, table)).unwrap().replace('\n', "\r\n");
        assert_eq!(String::from_utf8(bytes(&crlf, table)).unwrap(), expected, "{table}");
    }
}

#[test]
fn a_delivery_is_replaced_whole() {
    let output = fixed(&testdata("v2"), &[]);
    let folder = output.folder();
    let run = |more: &[&str]| {
        let mut command = claimfeed();
        command.arg("convert").arg(testdata("v2")).arg("-o").arg(&folder).args(OPTIONS).arg("--force").args(more);
        assert!(command.output().unwrap().status.success());
    };
    run(&["--tables", "CCLF1"]);
    assert!(path(&output, "CCLF1").exists() && path(&output, "CCLF0").exists());
    assert!(!path(&output, "CCLF8").exists(), "a table of the earlier run would stand beside a summary without it");
    run(&["--zip"]);
    assert!(!path(&output, "CCLF1").exists());
}

#[test]
fn what_cannot_be_named_or_written_is_refused() {
    let refused = |options: &[&str], expected: &str| {
        let output = convert(&[&testdata("v2")], options);
        assert_eq!(output.code, 2, "{options:?}: {}", output.stderr);
        assert!(output.stderr.contains(expected), "{options:?}: {}", output.stderr);
        assert!(!output.folder().exists());
    };
    refused(&["--format", "cclf"], "expected `--entity`, `--performance-year` and `--delivered`");
    refused(&["--entity", "A0001"], "expected `--format cclf`");
    refused(&[&OPTIONS[..], &["--lineage"]].concat(), "CMS's layouts have no columns for them");
    let with = |at: usize, value: &'static str| {
        let mut options = OPTIONS;
        options[at] = value;
        options
    };
    refused(&with(3, "A001"), "expected an entity such as `A0001`");
    refused(&with(5, "26"), "expected a performance year such as 2026");
    refused(&with(7, "20.11.2026"), "expected a date of 2000 to 2099 such as `2026-11-20`");
    refused(&[&with(3, "K0001")[..], &["--runout"]].concat(), "kidney care has none");
}

/// Own columns, and those of partially adjudicated claims, have no place in CMS's records.
#[test]
fn records_are_as_long_as_cms_has_them_whatever_else_a_table_has() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/own-columns/schemas");
    let own = own.to_str().unwrap();
    let output =
        fixed(&testdata("v3"), &["--format", "csv", "--partial", "--schemas", own, "--tables", "CCLF0,CCLF1,CCLF5"]);
    assert!(matches!(output.code, 0 | 3), "{}", output.stderr);
    for table in ["CCLF1", "CCLF5"] {
        assert!(output.table(table).0.len() > common::layouts::layout(table).len(), "{table} has columns of its own");
        for folder in ["", "partial"] {
            let name = format!("P.A0001.ACO.ZC{}Y26.D261120.T1234560", table.strip_prefix("CCLF").unwrap());
            let text = std::fs::read_to_string(output.folder().join(folder).join(name)).unwrap();
            assert!(text.lines().all(|line| line.len() == record_length(table)), "{folder} {table}");
        }
        let summary = String::from_utf8(bytes(&output, "CCLF0")).unwrap();
        let number = format!("CCLF{}", table.strip_prefix("CCLF").unwrap());
        let line = summary.lines().find(|line| line.contains(&number)).unwrap_or_else(|| panic!("{summary}"));
        assert!(line.trim_end().ends_with(&record_length(table).to_string()), "{line}");
    }
}

/// What is wrong with the command line is said before anything is taken away.
#[test]
fn a_table_that_cannot_be_written_is_refused_before_the_earlier_ones_go() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let run = |more: &[&str]| {
        let mut command = claimfeed();
        command.arg("convert").arg(testdata("v2")).arg("-o").arg(&out).args(more).output().unwrap()
    };
    assert!(run(&[]).status.success());
    for wrong in [&["--tables", "CCLF77"][..], &[&OPTIONS[..], &["--format", "csv", "--enrollment"]].concat()] {
        let output = run(&[&["--force"], wrong].concat());
        assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(out.join("summary.json").exists() && out.join("CCLF1.csv").exists());
    }
}

#[test]
fn the_corpus_scores_as_high_from_fixed_width_files_as_from_csv() {
    let Some(shared) = shared() else { return };
    for version in ["v1", "v2", "v3"] {
        let corpus = shared.join("corpus/dev").join(version);
        let (csv, fixed) = (convert(&[&corpus], &["--lineage"]), fixed(&corpus, &[]));
        let again = tempfile::tempdir().unwrap();
        // Some samples have ids, modifiers and MBIs wider than CMS's own fields: blank there, as often as counted.
        let mut wide: Vec<(String, u64)> = Vec::new();
        for table in TABLES {
            let layout = common::layouts::layout(table);
            let (_, expected) = csv.table(table);
            for (at, (label, start, end)) in layout.iter().enumerate() {
                let count = expected.iter().filter(|row| row[at].len() > end + 1 - start).count();
                if count > 0 {
                    wide.push((format!("{table}.{label}"), count as u64));
                }
            }
            let (labels, rows) = read_fixed(table, &bytes(&fixed, table));
            let mut writer = csv::Writer::from_path(again.path().join(format!("{table}.csv"))).unwrap();
            writer.write_record(labels.iter().map(String::as_str).chain(["fhir_id"])).unwrap();
            // The layouts have no place for the resource's id; rows stand in the same order.
            for (row, id) in rows.iter().zip(csv.column(table, "fhir_id")) {
                writer.write_record(row.iter().chain([&id])).unwrap();
            }
            writer.flush().unwrap();
        }
        for (field, count) in &wide {
            assert!(issues(&fixed, field).contains(&("too-wide".to_string(), "loss".to_string(), *count)), "{field}");
        }
        let verdict = |folder: &Path| score(&shared, version, folder, &["--threshold", "0", "--quiet"]);
        let (expected, mut found) = (verdict(&csv.folder()), verdict(again.path()));
        assert!(expected["totals"]["ok"].as_u64().unwrap() > 800, "{}", expected["totals"]);
        let mut lost = 0;
        for (table, fields) in expected["fields"].as_object().unwrap() {
            for (label, counts) in fields.as_object().unwrap() {
                let again = found["fields"][table][label].take();
                if wide.iter().any(|(field, _)| *field == format!("{table}.{label}")) {
                    let right = |counts: &Value| counts["ok"].as_u64().unwrap_or(0);
                    lost += right(counts) - right(&again);
                } else {
                    assert_eq!(&again, counts, "{version} {table}.{label}");
                }
            }
        }
        let ok = |score: &Value| score["totals"]["ok"].as_u64().unwrap();
        assert_eq!(ok(&found) + lost, ok(&expected), "{version}");
        assert!(lost <= wide.iter().map(|(_, count)| count).sum());
    }
}
