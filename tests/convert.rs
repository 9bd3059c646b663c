//! The command as a user runs it: the same bytes however the input comes, options, refusals, exit codes.

mod common;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use claimfeed::Api;
use claimfeed::sandbox::Synth;
use common::{claimfeed, convert, convert_from, read_csv};

fn export(api: Api, folder: &Path) -> PathBuf {
    let export = folder.join(api.name());
    Synth { beneficiaries: 12, seed: 3, ..Synth::new(api) }.write(&export).unwrap();
    export
}

fn files(export: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(export)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains(".ndjson"))
        .collect();
    files.sort();
    files
}

#[test]
fn the_bytes_are_the_same_for_any_threads_any_codec_and_any_way_in() {
    let folder = tempfile::tempdir().unwrap();
    for api in Api::ALL {
        let plain = export(api, folder.path());
        let reference = convert(&[&plain], &["--threads", "1"]);
        assert_eq!(reference.code, 0, "{}", reference.stderr);
        let expected = reference.bytes();
        assert_eq!(expected.len(), 12);
        assert!(expected.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > 100_000);

        assert_eq!(convert(&[&plain], &["--threads", "4"]).bytes(), expected, "{api} four threads");
        let list = files(&plain);
        let list: Vec<&Path> = list.iter().map(PathBuf::as_path).collect();
        assert_eq!(convert(&list, &["--threads", "2"]).bytes(), expected, "{api} file list");

        let mut all = Vec::new();
        let (gzip, zstandard) = (folder.path().join(format!("{api}-gzip")), folder.path().join(format!("{api}-zstd")));
        for other in [&gzip, &zstandard] {
            std::fs::create_dir(other).unwrap();
        }
        for path in &list {
            let text = std::fs::read(path).unwrap();
            // Two members, and a name that tells nothing.
            let mut bytes = Vec::new();
            for part in [&text[..text.len() / 3], &text[text.len() / 3..]] {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(part).unwrap();
                bytes.extend(encoder.finish().unwrap());
            }
            let name = path.file_stem().unwrap();
            std::fs::write(gzip.join(name), bytes).unwrap();
            std::fs::write(zstandard.join(name), zstd::encode_all(&text[..], 1).unwrap()).unwrap();
            all.extend(text);
        }
        for threads in ["1", "4"] {
            assert_eq!(convert(&[&gzip], &["--threads", threads]).bytes(), expected, "{api} gzip");
            assert_eq!(convert(&[&zstandard], &["--threads", threads]).bytes(), expected, "{api} zstd");
            let piped = convert_from(&[Path::new("-")], &["--threads", threads], Some(&all));
            assert_eq!(piped.bytes(), expected, "{api} standard input: {}", piped.stderr);
        }
        let compressed = zstd::encode_all(&all[..], 1).unwrap();
        assert_eq!(convert_from(&[Path::new("-")], &[], Some(&compressed)).bytes(), expected, "{api} compressed pipe");
    }
}

#[test]
fn gzip_files_side_by_side_give_what_one_after_the_other_gives() {
    let folder = tempfile::tempdir().unwrap();
    let export = folder.path().join("export");
    Synth { beneficiaries: 64, seed: 5, files: 8, gzip: true, ..Synth::new(Api::V2) }.write(&export).unwrap();
    let files: Vec<PathBuf> = std::fs::read_dir(&export).unwrap().map(|entry| entry.unwrap().path()).collect();
    let claims = |number: usize| {
        let is_it = |path: &&PathBuf| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.starts_with("ExplanationOfBenefit") && name.contains(&number.to_string())
        };
        files.iter().find(is_it).unwrap_or_else(|| panic!("no file {number}"))
    };
    // The third is cut, the sixth damaged in its middle.
    let bytes = std::fs::read(claims(3)).unwrap();
    std::fs::write(claims(3), &bytes[..bytes.len() * 2 / 3]).unwrap();
    let mut bytes = std::fs::read(claims(6)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0);
    std::fs::write(claims(6), bytes).unwrap();

    let run = |threads: &str| {
        let output = convert(&[&export], &["--threads", threads, "--lineage"]);
        assert_eq!(output.code, 3, "{}", output.stderr);
        let mut summary = output.summary.clone();
        for time in ["finished", "elapsed_seconds", "gigabytes_per_second"] {
            summary.as_object_mut().unwrap().remove(time).unwrap();
        }
        (output.bytes(), output.issues(), summary)
    };
    let expected = run("1");
    let broken: Vec<&str> =
        expected.1.iter().filter(|issue| issue[1] == "broken-file").map(|issue| issue[2].as_str()).collect();
    assert_eq!(broken, [claims(3).to_str().unwrap(), claims(6).to_str().unwrap()]);
    assert!(expected.0.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > 500_000);
    for threads in ["2", "3", "8"] {
        let found = run(threads);
        assert!(found == expected, "{threads} threads");
    }
}

#[test]
fn patients_may_come_late_and_between_claims() {
    let folder = tempfile::tempdir().unwrap();
    let plain = export(Api::V3, folder.path());
    let expected = convert(&[&plain], &[]).bytes();
    let text = |name: &str| std::fs::read_to_string(plain.join(format!("{name}.ndjson"))).unwrap();
    let (claims, patients, coverages) = (text("ExplanationOfBenefit"), text("Patient"), text("Coverage"));
    // Claims first, so the file looks like one of claims only until its very end.
    let late = folder.path().join("late");
    std::fs::create_dir(&late).unwrap();
    std::fs::write(late.join("all"), format!("{claims}{coverages}{patients}")).unwrap();
    assert_eq!(convert(&[&late], &["--threads", "2"]).bytes(), expected);
    // One of each in turn.
    let mut mixed = String::new();
    let mut others = patients.lines().chain(coverages.lines());
    for claim in claims.lines() {
        for line in [Some(claim), others.next()].into_iter().flatten() {
            mixed.push_str(line);
            mixed.push('\n');
        }
    }
    others.for_each(|line| mixed.extend([line, "\n"]));
    let between = folder.path().join("between");
    std::fs::create_dir(&between).unwrap();
    std::fs::write(between.join("all"), mixed).unwrap();
    let output = convert(&[&between], &[]);
    assert_eq!(output.bytes(), expected);
    let input = &output.summary["inputs"][0];
    assert_eq!(input["resources"]["Patient"], patients.lines().count());
    assert_eq!(input["lines"], claims.lines().count() + patients.lines().count() + coverages.lines().count());
}

#[test]
fn mixed_versions_are_refused_wherever_they_show() {
    let folder = tempfile::tempdir().unwrap();
    let (v1, v2, v3) = (export(Api::V1, folder.path()), export(Api::V2, folder.path()), export(Api::V3, folder.path()));
    for (one, two) in [(&v1, &v2), (&v2, &v3), (&v3, &v1)] {
        let output = convert(&[one, two], &[]);
        assert_eq!(output.code, 2, "{}", output.stderr);
        assert!(output.stderr.contains("expected one API version in a run"), "{}", output.stderr);
        assert!(output.bytes().is_empty());
        // Inside one file, far from its head.
        let claims = |export: &Path| std::fs::read_to_string(export.join("ExplanationOfBenefit.ndjson")).unwrap();
        let inside = folder.path().join("inside");
        std::fs::create_dir_all(&inside).unwrap();
        std::fs::write(inside.join("claims"), claims(one) + claims(two).lines().next().unwrap()).unwrap();
        let output = convert(&[&inside], &[]);
        assert_eq!(output.code, 2, "{}", output.stderr);
        let line = claims(one).lines().count() + 1;
        assert!(output.stderr.contains(&format!("inside/claims`, line {line}")), "{}", output.stderr);
    }
    let output = convert(&[&v2], &["--api", "v3"]);
    assert_eq!(output.code, 2);
    assert!(output.stderr.contains("found v2 beside v3"), "{}", output.stderr);
}

#[test]
fn tables_can_be_chosen_and_unknown_ones_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let plain = export(Api::V2, folder.path());
    let output = convert(&[&plain], &["--tables", "CCLF5,cclf8"]);
    let names: Vec<String> = output.bytes().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["CCLF0.csv", "CCLF5.csv", "CCLF8.csv"]);
    let whole = convert(&[&plain], &[]);
    assert_eq!(output.table("CCLF5"), whole.table("CCLF5"));
    assert_eq!(output.table("CCLF8"), whole.table("CCLF8"));
    let refused = convert(&[&plain], &["--tables", "CCLF55"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("found `CCLF55`"), "{}", refused.stderr);
}

/// What nobody wants is not looked for in claims, and changes nothing in what somebody does.
#[test]
fn a_table_alone_is_the_same_as_among_all() {
    let folder = tempfile::tempdir().unwrap();
    for api in Api::ALL {
        let plain = export(api, folder.path());
        let whole = convert(&[&plain], &[]);
        let tables = whole.bytes();
        assert!(tables.len() > 11);
        for (file, bytes) in tables {
            let table = file.trim_end_matches(".csv");
            if table == "CCLF0" {
                continue;
            }
            let alone = convert(&[&plain], &["--tables", table]);
            assert!(alone.bytes().contains(&(file.clone(), bytes)), "{file} of {}", api.name());
            for family in whole.summary["payments"].as_object().unwrap().keys() {
                let of = |output: &common::Output, what: &str| output.summary["payments"][family][what].clone();
                for what in ["claims", "claims_skipped", "read", "skipped", "dated_by"] {
                    assert_eq!(of(&alone, what), of(&whole, what), "{what} of {family}, {file} of {}", api.name());
                }
                let months = |output: &common::Output| -> Vec<(String, serde_json::Value)> {
                    let months = of(output, "months").as_object().unwrap().clone();
                    months.into_iter().map(|(month, sums)| (month, sums["read"].clone())).collect()
                };
                assert_eq!(months(&alone), months(&whole), "{family}, {file} of {}", api.name());
            }
        }
    }
}

#[test]
fn a_table_without_rows_has_its_header_and_cclf0_counts_all() {
    let folder = tempfile::tempdir().unwrap();
    let output = convert(&[&export(Api::V1, folder.path())], &[]);
    let (header, rows) = output.table("CCLFB");
    assert_eq!((header.len(), rows.len()), (21, 0));
    let (header, rows) = output.table("CCLF0");
    assert_eq!(header, ["File Number", "File Description", "Total Records Count", "Record Length"]);
    assert_eq!(rows.len(), 11);
    for row in rows {
        assert_eq!(row[2], output.table(&row[0]).1.len().to_string(), "{}", row[0]);
    }
}

#[test]
fn lineage_leads_back_to_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let plain = export(Api::V3, folder.path());
    let output = convert(&[&plain], &["--lineage", "--threads", "3"]);
    let lines: Vec<String> = std::fs::read_to_string(plain.join("ExplanationOfBenefit.ndjson"))
        .unwrap()
        .lines()
        .map(str::to_string)
        .collect();
    let (header, rows) = output.table("CCLF2");
    assert_eq!(header[header.len() - 3..], ["fhir_id", "source_file", "source_line"]);
    assert!(rows.len() > 50);
    for row in rows {
        let [id, file, line] = &row[row.len() - 3..] else { panic!() };
        assert_eq!(file, "ExplanationOfBenefit.ndjson");
        let claim: serde_json::Value = serde_json::from_str(&lines[line.parse::<usize>().unwrap() - 1]).unwrap();
        assert_eq!(claim["id"].as_str().unwrap(), id);
    }
    assert_eq!(output.column("CCLF8", "source_line")[0], "1");
}

#[test]
fn output_is_private_complete_and_never_mixed_with_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let plain = export(Api::V2, folder.path());
    let target = folder.path().join("new/tables");
    let run =
        |more: &[&str]| claimfeed().arg("convert").arg(&plain).arg("-o").arg(&target).args(more).output().unwrap();
    assert!(run(&[]).status.success());
    assert_eq!(std::fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o700);
    for entry in std::fs::read_dir(&target).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
        assert!(!entry.file_name().to_string_lossy().starts_with('.'), "{:?} was left", entry.file_name());
    }
    let refused = run(&[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("expected an empty output folder"));
    assert!(run(&["--force"]).status.success());
}

#[test]
fn refusals_say_what_to_do_and_exit_with_1_or_2() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |inputs: &[&Path], code: i32, text: &str| {
        let output = convert(inputs, &[]);
        assert_eq!(output.code, code, "{}", output.stderr);
        assert!(output.stderr.contains(text), "{}", output.stderr);
        assert!(!output.folder().join("summary.json").exists());
    };
    refused(&[&folder.path().join("missing")], 1, "cannot read");
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    refused(&[&empty], 2, "expected files of an export, found none");
    std::fs::write(folder.path().join("nothing"), "").unwrap();
    refused(&[&folder.path().join("nothing")], 2, "hint: say it with `--api v1`");
    assert_eq!(claimfeed().arg("convert").output().unwrap().status.code(), Some(2));
    let output = claimfeed().args(["convert", "x", "-o", "y", "--threads", "0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn own_schemas_replace_the_shipped_ones() {
    let folder = tempfile::tempdir().unwrap();
    let plain = export(Api::V2, folder.path());
    let own = folder.path().join("own");
    std::fs::create_dir(&own).unwrap();
    let codes = include_str!("../schemas/codes.csv").replace("\nsex,female,2,", "\nsex,female,F,");
    std::fs::write(own.join("codes.csv"), codes).unwrap();
    let output = convert(&[&plain], &["--schemas", own.to_str().unwrap()]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert!(output.column("CCLF8", "BENE_SEX_CD").iter().any(|sex| sex == "F"));
    std::fs::write(own.join("codes.csv"), "map,from,to\n").unwrap();
    let output = convert(&[&plain], &["--schemas", own.to_str().unwrap()]);
    assert_eq!(output.code, 2);
    assert!(output.stderr.contains("codes.csv, row 1"), "{}", output.stderr);
}

#[test]
fn schema_shows_layouts_and_coverage() {
    let text =
        |args: &[&str]| String::from_utf8(claimfeed().arg("schema").args(args).output().unwrap().stdout).unwrap();
    let totals: Vec<String> = text(&[]).lines().last().unwrap().split_whitespace().map(str::to_string).collect();
    assert_eq!(totals[..2], ["all", "286"]);
    assert!(text(&["CCLF1"]).contains("CLM_PMT_AMT"));
    let coverage = text(&["--coverage", "CCLF7"]);
    assert_eq!(coverage.lines().count(), 1 + 21 * 3);
    assert!(coverage.contains("PDE EOBs have no clmrecvddate"));
    assert_eq!(text(&["--coverage"]).lines().count(), 1 + 286 * 3);
}

#[test]
fn arrow_batches_hold_what_csv_says() {
    use arrow::util::display::{ArrayFormatter, FormatOptions};
    let folder = tempfile::tempdir().unwrap();
    for api in Api::ALL {
        let plain = export(api, folder.path());
        let output = convert(&[&plain], &[]);
        let mut rows: std::collections::BTreeMap<String, Vec<Vec<String>>> = Default::default();
        let mut sink = claimfeed::write::arrow::ArrowSink::new(|table, batch| {
            let options = FormatOptions::default();
            let columns: Vec<_> =
                batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
            for row in 0..batch.num_rows() {
                let cells = columns.iter().map(|column| column.value(row).to_string()).collect();
                rows.entry(table.to_string()).or_default().push(cells);
            }
            Ok(())
        });
        let job = claimfeed::job::Job::new([&plain]).unwrap();
        job.run(&mut sink, &mut claimfeed::job::Silent).unwrap();
        drop(sink);
        for (name, _) in output.bytes() {
            let name = name.trim_end_matches(".csv");
            let found = rows.get(name).cloned().unwrap_or_default();
            assert_eq!(found, output.table(name).1, "{api} {name}");
        }
    }
}

#[test]
fn issues_and_skips_are_listed_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let plain = export(Api::V3, folder.path());
    let output = convert(&[&plain], &[]);
    let skipped: u64 = output.summary["skipped"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    let (header, rows) = read_csv(&output.folder().join("issues.csv"));
    assert_eq!(header, ["weight", "kind", "file", "line", "byte", "resource", "id", "field", "message"]);
    assert!(skipped > 0);
    assert_eq!(rows.iter().filter(|row| row[0] == "skipped").count() as u64, skipped);
}

#[test]
fn strict_waits_for_patients_that_come_late() {
    let folder = tempfile::tempdir().unwrap();
    let export = folder.path().join("export");
    Synth { beneficiaries: 40, seed: 3, ..Synth::new(Api::V2) }.write(&export).unwrap();
    let text = |name: &str| std::fs::read_to_string(export.join(format!("{name}.ndjson"))).unwrap();
    let late = folder.path().join("late.ndjson");
    std::fs::write(&late, text("ExplanationOfBenefit") + &text("Coverage") + &text("Patient")).unwrap();
    let output = convert(&[&late], &["--strict", "--threads", "2"]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    std::fs::write(&late, text("ExplanationOfBenefit")).unwrap();
    let output = convert(&[&late], &["--strict"]);
    assert_eq!(output.code, 3);
    assert!(output.stderr.contains("line 1, byte 0"), "{}", output.stderr);
}

#[test]
fn the_same_data_twice_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let plain = export(Api::V2, folder.path());
    let claims = plain.join("ExplanationOfBenefit.ndjson");
    let output = convert(&[&plain, &claims], &[]);
    assert_eq!(output.code, 2);
    assert!(output.stderr.contains("to be the same file"), "{}", output.stderr);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&std::fs::read(&claims).unwrap()).unwrap();
    std::fs::write(plain.join("ExplanationOfBenefit.ndjson.gz"), encoder.finish().unwrap()).unwrap();
    let output = convert(&[&plain], &[]);
    assert_eq!(output.code, 2);
    assert!(output.stderr.contains("beside its compressed form"), "{}", output.stderr);
}

#[test]
fn a_second_run_leaves_no_tables_of_the_first_and_reads_none() {
    let folder = tempfile::tempdir().unwrap();
    let plain = export(Api::V2, folder.path());
    // The output may stand inside the input.
    let target = plain.join("tables");
    let run =
        |more: &[&str]| claimfeed().arg("convert").arg(&plain).arg("-o").arg(&target).args(more).output().unwrap();
    assert_eq!(run(&[]).status.code(), Some(0));
    assert_eq!(run(&["--force"]).status.code(), Some(0));
    assert!(target.join("CCLF2.csv").exists());
    assert_eq!(run(&["--force", "--tables", "CCLF1"]).status.code(), Some(0));
    assert!(target.join("CCLF1.csv").exists() && !target.join("CCLF2.csv").exists());
}

#[test]
fn a_pipe_by_name_is_read_like_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let plain = export(Api::V3, folder.path());
    let expected = convert(&[&plain], &[]).bytes();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (writer, list) = (pipe.clone(), files(&plain));
    let feeder = std::thread::spawn(move || {
        let mut file = std::fs::OpenOptions::new().write(true).open(writer).unwrap();
        for path in list {
            file.write_all(&std::fs::read(path).unwrap()).unwrap();
        }
    });
    let output = convert(&[&pipe], &[]);
    feeder.join().unwrap();
    assert_eq!(output.bytes(), expected, "{}", output.stderr);
}

#[test]
fn a_schemas_folder_with_nothing_known_in_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let plain = export(Api::V2, folder.path());
    let own = folder.path().join("own");
    std::fs::create_dir(&own).unwrap();
    let run = || convert(&[&plain], &["--schemas", own.to_str().unwrap()]);
    assert!(run().stderr.contains("expected schema files such as `codes.csv`"));
    std::fs::write(own.join("code.csv"), "map,from,to,note\n").unwrap();
    let output = run();
    assert_eq!(output.code, 2);
    assert!(output.stderr.contains("found `code.csv`"), "{}", output.stderr);
}

#[test]
fn an_interrupt_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let big = folder.path().join("export");
    Synth { beneficiaries: 400, ..Synth::new(Api::V2) }.write(&big).unwrap();
    for formats in ["csv", "parquet,arrow,arrow-stream"] {
        let target = folder.path().join(formats);
        let mut command = claimfeed();
        command.arg("convert").arg(&big).arg("-o").arg(&target).args(["--threads", "1", "--format", formats]);
        let mut child = command.spawn().unwrap();
        while !target.exists() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
        let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let code = child.wait().unwrap().code();
        // A fast machine may have been done before.
        if code != Some(0) {
            assert_eq!(code, Some(130));
            assert!(!target.exists(), "{formats}");
        }
    }
}

#[test]
fn bytes_are_counted_to_the_last_one_whatever_ends_the_lines() {
    let folder = tempfile::tempdir().unwrap();
    let export = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/v2/export");
    let mut text = String::new();
    for entry in std::fs::read_dir(export).unwrap().map(Result::unwrap) {
        if entry.path().extension().is_some_and(|extension| extension == "ndjson") {
            text += &std::fs::read_to_string(entry.path()).unwrap();
        }
    }
    for text in [text.clone(), text.replace('\n', "\r\n"), text.trim_end().to_string(), format!("\n\r\n{text}\n")] {
        let path = folder.path().join("all.ndjson");
        std::fs::write(&path, &text).unwrap();
        let output = convert(&[&path], &["--threads", "1024"]);
        assert_eq!(output.summary["inputs"][0]["uncompressed_bytes"], text.len());
    }
}
