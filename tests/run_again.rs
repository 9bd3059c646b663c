//! `claimfeed run` where something is there already: the same command has nothing to do, another one takes no tables for its own,
//! and a killed one is gone on with.

mod common;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use claimfeed::Api;
use claimfeed::sandbox::Synth;
use claimfeed::sandbox::server::{Server, Settings};
use common::claimfeed;

fn settings(seed: u64) -> Settings {
    let synth = Synth { beneficiaries: 8, claims_per_beneficiary: 4, seed, ..Synth::new(Api::V2) };
    Settings { job_time: Duration::ZERO, files: Some(2), ..Settings::new(synth) }
}

fn command(verb: &str, server: &Server, raw: &Path, options: &[&str]) -> Command {
    let mut command = claimfeed();
    command.args([verb, "--server", &server.url(), "-o"]).arg(raw);
    command.args(["--first-wait", "1", "--poll", "0.02", "--longest-wait", "1", "--timeout", "5"]).args(options);
    command.env_clear().env("BCDA_CLIENT_ID", "sandbox").env("BCDA_CLIENT_SECRET", "sandbox");
    command
}

struct Place {
    folder: tempfile::TempDir,
    server: Server,
}

impl Place {
    fn new() -> Place {
        Place { folder: tempfile::tempdir().unwrap(), server: Server::start(settings(1)).unwrap() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, raw: &str, out: &str, options: &[&str]) -> Output {
        let out = self.at(out);
        let mut run = command("run", &self.server, &self.at(raw), &["--out", out.to_str().unwrap()]);
        run.args(options).output().unwrap()
    }

    fn tables(&self, out: &str) -> Vec<(String, Vec<u8>)> {
        let entries = std::fs::read_dir(self.at(out)).into_iter().flatten().flatten();
        let mut tables: Vec<(String, Vec<u8>)> = entries
            .filter(|entry| entry.path().is_file())
            .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
            .collect();
        tables.sort();
        tables
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[track_caller]
fn ends(output: &Output, code: i32, words: &str) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
    assert!(said(output).contains(words), "{}", said(output));
}

#[test]
fn the_same_command_converts_nothing_and_another_one_is_refused() {
    let place = Place::new();
    for (at, options) in [
        &["--tables", "CCLF0,CCLF1,CCLF5", "--format", "csv,parquet"][..],
        &[
            "--format",
            "cclf",
            "--entity",
            "A0001",
            "--performance-year",
            "2026",
            "--delivered",
            "2026-11-20",
            "--test-names",
        ],
        &["--partial"],
    ]
    .into_iter()
    .enumerate()
    {
        let (raw, out) = (format!("raw{at}"), format!("out{at}"));
        let first = place.run(&raw, &out, options);
        let code = first.status.code().unwrap();
        assert!(matches!(code, 0 | 3), "{}", said(&first));
        let before = place.tables(&out);
        ends(&place.run(&raw, &out, options), code, "nothing was converted");
        ends(&place.run(&raw, &out, &[options, &["--threads", "1"]].concat()), code, "nothing was converted");
        for other in
            [&["--adjustments", "cclf-pairs"][..], &["--lineage", "--format", "csv"], &["--rows-per-file", "9"]]
        {
            let output = place.run(&raw, &out, &[options, other].concat());
            assert_eq!(output.status.code(), Some(2), "{other:?}: {}", said(&output));
        }
        assert!(place.tables(&out) == before);
    }
    // Without it there was no `partial`.
    assert!(place.run("raw", "out", &[]).status.success());
    ends(&place.run("raw", "out", &["--partial"]), 2, "found others");
    let forced = place.run("raw", "out", &["--partial", "--force"]);
    assert!(matches!(forced.status.code(), Some(0 | 3)), "{}", said(&forced));
    assert!(place.at("out/partial/summary.json").exists());
}

#[test]
fn tables_of_another_export_are_not_taken_for_its_own() {
    let mut place = Place::new();
    assert!(place.run("raw1", "out", &[]).status.success());
    let before = place.tables("out");
    place.server = Server::start(settings(2)).unwrap();
    assert!(command("fetch", &place.server, &place.at("raw2"), &[]).output().unwrap().status.success());
    ends(&place.run("raw2", "out", &[]), 2, "found others");
    assert!(place.tables("out") == before);
    let forced = place.run("raw2", "out", &["--force"]);
    assert!(forced.status.success(), "{}", said(&forced));
    assert!(place.tables("out") != before);
    ends(&place.run("raw2", "out", &[]), 0, "nothing was converted");
}

#[test]
fn losses_are_told_again() {
    let data = tempfile::tempdir().unwrap();
    let bytes = b"{\"resourceType\":\"ExplanationOfBenefit\",\"id\":\"1\",\"use\":\"claim\"}\n";
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    std::fs::write(data.path().join("claims.ndjson.gz"), encoder.finish().unwrap()).unwrap();
    let mut place = Place::new();
    place.server = Server::start(Settings { data: Some(data.path().to_path_buf()), ..settings(1) }).unwrap();
    ends(&place.run("raw", "out", &[]), 3, "unknown-claim-family");
    ends(&place.run("raw", "out", &[]), 3, "nothing was converted");
    // Somebody else has written there since.
    let out = place.at("out");
    let mut convert = claimfeed();
    convert.arg("convert").arg(place.at("raw")).arg("-o").arg(&out).args(["--force", "--tables", "CCLF1"]);
    ends(&convert.output().unwrap(), 3, "");
    ends(&place.run("raw", "out", &[]), 2, "found others");
}

#[test]
fn an_export_with_nothing_new_leaves_no_tables_behind() {
    let place = Place::new();
    let since = ["--since", "2026-11-20T00:00:00Z"];
    ends(&place.run("raw", "out", &since), 0, "nothing new");
    ends(&place.run("raw", "out", &since), 0, "nothing was converted");
    assert!(!place.at("out/summary.json").exists());
    // A table of an earlier delivery would be loaded twice.
    assert!(place.run("raw2", "full", &[]).status.success());
    ends(&place.run("raw3", "full", &since), 2, "found");
    assert!(place.at("full/summary.json").exists());
    ends(&place.run("raw3", "full", &[&since[..], &["--force"]].concat()), 0, "nothing new");
    assert!(!place.at("full/summary.json").exists() && !place.at("full/CCLF1.csv").exists());
}

#[test]
fn a_refused_login_leaves_what_is_there() {
    let place = Place::new();
    assert!(place.run("raw", "out", &[]).status.success());
    let before = place.tables("out");
    let mut run = command("run", &place.server, &place.at("other"), &["--force", "--out"]);
    let output = run.arg(place.at("out")).env("BCDA_CLIENT_SECRET", "wrong").output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", said(&output));
    assert!(place.tables("out") == before, "tables and their summary stay");
    // The same folder, spelled otherwise.
    let out = place.at("raw").join(".");
    let output = command("run", &place.server, &place.at("raw"), &["--out"]).arg(out).output().unwrap();
    ends(&output, 2, "expected a folder of its own for the tables");
}

#[test]
fn files_that_were_discarded_are_not_there_to_convert_again() {
    let place = Place::new();
    assert!(place.run("raw", "out", &["--discard-raw"]).status.success());
    ends(&place.run("raw", "out", &["--discard-raw"]), 0, "nothing was converted");
    std::fs::remove_dir_all(place.at("out")).unwrap();
    ends(&place.run("raw", "out", &["--discard-raw"]), 2, "they were removed");
}

/// An export that was fetched before: what a killed run had begun is begun anew.
#[test]
fn a_mark_lets_the_same_command_go_on() {
    let place = Place::new();
    assert!(command("fetch", &place.server, &place.at("raw"), &[]).output().unwrap().status.success());
    assert!(place.run("raw", "out", &[]).status.success());
    let whole = place.tables("out");
    // As if it had been killed when only some tables had their names.
    std::fs::remove_file(place.at("out/summary.json")).unwrap();
    std::fs::remove_file(place.at("out/CCLF9.csv")).unwrap();
    let raw = place.at("raw").display().to_string();
    ends(&place.run("raw", "out", &[]), 2, "expected an empty output folder");
    std::fs::write(place.at("out/.claimfeed-run"), format!("{raw}\nwhatever\n")).unwrap();
    assert!(place.run("raw", "out", &[]).status.success());
    let names = |tables: &[(String, Vec<u8>)]| tables.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&place.tables("out")), names(&whole));
}
