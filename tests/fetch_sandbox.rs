//! Fetching from the project's own BCDA, as a user does it: faults of every kind, tokens that die, processes that are killed;
//! and `run`, whose tables are those of `fetch` and `convert`.

mod common;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use claimfeed::Api;
use claimfeed::sandbox::Synth;
use claimfeed::sandbox::server::{Faults, Log, Server, Settings};
use common::{claimfeed, convert};

const SECRET: &str = "a-secret-nobody-may-see";

fn settings(beneficiaries: u64, files: u64) -> Settings {
    let synth = Synth { beneficiaries, claims_per_beneficiary: 4, ..Synth::new(Api::V2) };
    Settings { job_time: Duration::ZERO, files: Some(files), client_secret: SECRET.to_string(), ..Settings::new(synth) }
}

fn with_faults(faults: &str) -> Server {
    Server::start(Settings { faults: Faults::parse(faults).unwrap(), ..settings(12, 3) }).unwrap()
}

fn command(verb: &str, server: &Server, folder: &Path, options: &[&str]) -> Command {
    let mut command = claimfeed();
    command.args([verb, "--server", &server.url(), "-o"]).arg(folder);
    command.args(["--first-wait", "1", "--poll", "0.02", "--longest-wait", "1", "--timeout", "2"]).args(options);
    command.env_clear().env("BCDA_CLIENT_ID", "sandbox").env("BCDA_CLIENT_SECRET", SECRET);
    command
}

fn fetch(server: &Server, folder: &Path, options: &[&str]) -> Output {
    command("fetch", server, folder, options).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn good(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{}", said(output));
}

/// Names and texts of the data files.
fn texts(folder: &Path) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".ndjson.gz") {
            let mut text = String::new();
            let bytes = std::fs::read(entry.path()).unwrap();
            flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
            texts.insert(name, text);
        }
        assert!(!entry.file_name().to_string_lossy().ends_with(".part"), "nothing is half-done");
    }
    texts
}

/// Ends with the process it holds, as a kill does.
struct Running(Child);

impl Running {
    fn start(mut command: Command) -> Running {
        Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// kill -9
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn until(what: &str, mut is: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(start.elapsed() < Duration::from_secs(40), "{what} does not happen");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn whole_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.to_string_lossy().ends_with(".ndjson.gz")).collect()
}

/// Requests for each data file, by path.
fn data_requests(log: &Log) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for entry in log.entries.iter().filter(|entry| entry.target.starts_with("/data")) {
        *counts.entry(entry.target.clone()).or_default() += 1;
    }
    counts
}

#[test]
fn four_hundred_files_outlive_many_tokens() {
    let server = Server::start(Settings { token_life: Duration::from_secs(6), ..settings(400, 400) }).unwrap();
    // Slower than a token lives.
    server.set_faults(Faults::parse("slow=16000").unwrap());
    let folder = tempfile::tempdir().unwrap();
    good(&fetch(&server, folder.path(), &["--parallel", "16"]));
    let log = server.log();
    let texts = texts(folder.path());
    assert_eq!(texts.keys().filter(|name| name.starts_with("Explanation")).count(), 400);
    assert_eq!(log.jobs, 1);
    assert!(data_requests(&log).values().all(|count| *count == 1), "every file once");
    assert!(log.tokens >= 2 && log.tokens <= 12, "{} tokens", log.tokens);
    assert!(log.entries.iter().all(|entry| entry.on_connection == 0), "no connection twice");
    assert!(log.entries.iter().all(|entry| entry.status != 401), "renewed ahead of the end");
}

#[test]
fn a_kill_while_the_job_runs_starts_no_second_job() {
    let server = Server::start(Settings { job_time: Duration::from_secs(2), ..settings(6, 2) }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(command("fetch", &server, folder.path(), &[]));
    until("a question after the job", || server.log().count("GET", "/api/v2/jobs/") >= 2);
    running.kill();
    let output = fetch(&server, folder.path(), &[]);
    good(&output);
    assert!(said(&output).contains("taken up"), "{}", said(&output));
    assert_eq!(server.log().jobs, 1);
    assert_eq!(texts(folder.path()).len(), 4);
}

#[test]
fn a_kill_among_the_files_fetches_none_of_them_twice() {
    let server = Server::start(settings(200, 200)).unwrap();
    server.set_faults(Faults::parse("slow=60000").unwrap());
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(command("fetch", &server, folder.path(), &[]));
    let cmdline = std::fs::read(format!("/proc/{}/cmdline", running.0.id())).unwrap();
    assert!(!String::from_utf8_lossy(&cmdline).contains(SECRET));
    until("half of the files", || whole_files(folder.path()).len() >= 100);
    running.kill();
    let whole = whole_files(folder.path()).len();
    assert!(whole < 202, "killed too late");
    server.set_faults(Faults::default());
    let output = fetch(&server, folder.path(), &[]);
    good(&output);
    assert!(said(&output).contains("of them whole already"), "{}", said(&output));
    assert_eq!(texts(folder.path()).len(), 202);
    let log = server.log();
    assert_eq!(log.jobs, 1);
    // Those under way when it was killed come again, and no others.
    let twice = data_requests(&log).values().filter(|count| **count > 1).count();
    assert!(twice <= 5 && data_requests(&log).values().all(|count| *count <= 2), "{twice} twice");
    assert!(data_requests(&log).values().filter(|count| **count == 1).count() >= whole - 5);
    let state = std::fs::read_to_string(folder.path().join(".claimfeed/state.json")).unwrap();
    assert!(!state.contains(SECRET) && state.contains("transaction_time"));
}

#[test]
fn an_interrupt_says_that_it_can_go_on() {
    let server = Server::start(Settings { job_time: Duration::from_secs(60), ..settings(2, 1) }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut command = command("fetch", &server, folder.path(), &[]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    until("a question after the job", || server.log().count("GET", "/api/v2/jobs/") >= 1);
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(said(&output).contains("the same command goes on from there"), "{}", said(&output));
}

#[test]
fn every_fault_ends_in_the_same_whole_files() {
    let expected = {
        let folder = tempfile::tempdir().unwrap();
        good(&fetch(&with_faults(""), folder.path(), &[]));
        texts(folder.path())
    };
    assert_eq!(expected.len(), 5);
    std::thread::scope(|scope| {
        for fault in [
            "cut=1",
            "cut=end-1",
            "cut=end",
            "cut=end+5",
            "truncated=1000",
            "corrupt=500",
            "half-line",
            "wrong-type",
            "stall=900",
            "cut=3000,range-start",
            "cut=3000,range-short",
            "cut=3000,range-ignored",
            "cut=3000,range-416",
            "cut=3000,changed",
            "data-404",
            "data-500",
            "data-502",
            "data-503=epoch",
            "data-503=millis",
            "data-429=past",
            "data-429=date",
            "data-reset",
            "data-lost",
            "data-expired",
            "data-archived",
            "token-reset",
            "token-503",
            "token-429=0",
            "start-lost",
            "start-reset",
            "start-502",
            "start-503",
            "poll-502",
            "poll-reset",
            "poll-expired",
            "poll-wait=millis",
            "list-502,start-lost",
            "data-503/3,token-expired",
        ] {
            let expected = &expected;
            scope.spawn(move || {
                let server = with_faults(fault);
                let folder = tempfile::tempdir().unwrap();
                // The fault ends the token of whoever asks for a file first. Side by side one file's may end what another has just
                // renewed, which no server's clock does.
                let parallel = if fault.contains("-expired") { "1" } else { "5" };
                let output = fetch(&server, folder.path(), &["--resume-from", "1", "--parallel", parallel]);
                assert_eq!(output.status.code(), Some(0), "{fault}: {}", said(&output));
                assert_eq!(texts(folder.path()), *expected, "{fault}");
                assert_eq!(server.log().jobs, 1, "{fault}: one job");
                assert!(!said(&output).contains(SECRET), "{fault}");
            });
        }
    });
}

#[test]
fn what_cannot_be_mended_has_its_exit_code() {
    let evil = Server::start(settings(1, 1)).unwrap();
    let redirect = format!("data-redirect={}/1", evil.url());
    let foreign = format!("foreign-host={}", evil.url());
    std::thread::scope(|scope| {
        for (fault, code, says) in [
            ("job-failed", 6, "found that it failed"),
            ("january", 6, "every January"),
            ("no-attribution", 6, "no attribution"),
            ("aco-unknown", 5, "HTTP 403"),
            ("aco-denied", 5, "is unauthorized"),
            ("aco-disabled", 5, "HTTP 401"),
            ("truncated=1000/1", 6, "cut or damaged"),
            ("half-line/1", 6, "cut"),
            ("wrong-type/1", 6, "another resource"),
            (&redirect, 6, "not followed"),
            (&foreign, 6, "not followed"),
        ] {
            scope.spawn(move || {
                let server = with_faults(fault);
                let folder = tempfile::tempdir().unwrap();
                let output = fetch(&server, folder.path(), &["--tries", "3"]);
                assert_eq!(output.status.code(), Some(code), "{fault}: {}", said(&output));
                assert!(said(&output).contains(says), "{fault}: {}", said(&output));
                assert!(!folder.path().join("manifest.json").exists(), "{fault}");
            });
        }
    });
    assert_eq!(evil.log().requests, 0, "nobody else was asked");
    let folder = tempfile::tempdir().unwrap();
    let output = fetch(&with_faults("error-file"), folder.path(), &[]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("some of it: errors: ") && folder.path().join("error").is_dir());
    let folder = tempfile::tempdir().unwrap();
    good(&fetch(&with_faults("no-output"), folder.path(), &[]));
}

#[test]
fn each_export_goes_on_where_the_last_one_ended() {
    let server = Server::start(settings(4, 1)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for round in 1..=2 {
        good(&fetch(&server, folder.path(), &["--since", "auto"]));
        let exports: Vec<PathBuf> =
            std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.path()).collect();
        let exports: Vec<&PathBuf> = exports.iter().filter(|path| path.join("manifest.json").exists()).collect();
        assert_eq!(exports.len(), round);
    }
    let starts: Vec<String> = server
        .log()
        .entries
        .iter()
        .filter(|entry| entry.target.contains("$export"))
        .map(|entry| entry.target.clone())
        .collect();
    assert_eq!(starts.len(), 2);
    assert!(!starts[0].contains("_since") && starts[1].contains("_since="), "{starts:?}");
    // An export that fails moves nothing.
    let state = || std::fs::read_to_string(folder.path().join(".claimfeed/state.json")).unwrap();
    let before = state();
    assert!(before.contains("\"transaction_time\": \"20"), "{before}");
    server.set_faults(Faults::parse("job-failed").unwrap());
    assert_eq!(fetch(&server, folder.path(), &["--since", "auto"]).status.code(), Some(6));
    assert_eq!(state(), before);
}

/// Tables by file name.
fn tables(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    entries
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).unwrap()))
        .filter(|(name, _)| name.starts_with("CCLF"))
        .collect()
}

#[test]
fn run_makes_the_tables_of_fetch_and_convert() {
    for api in Api::ALL {
        let server = Server::start(settings(30, 7)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let raw = folder.path().join("fetched");
        good(&fetch(&server, &raw, &["--api", api.name()]));
        let options = ["--format", "csv,parquet", "--lineage"];
        let converted = convert(&[&raw], &options);
        let expected = tables(&converted.folder());
        assert_eq!(expected.len(), 24);
        for discard in [false, true] {
            let (raw, out) =
                (folder.path().join(format!("raw-{discard}")), folder.path().join(format!("out-{discard}")));
            let mut run = command("run", &server, &raw, &["--api", api.name(), "--out", out.to_str().unwrap()]);
            run.args(options);
            if discard {
                run.args(["--discard-raw", "--parallel", "1"]);
            }
            let output = run.output().unwrap();
            assert_eq!(output.status.code(), Some(converted.code), "{api}: {}", said(&output));
            assert!(tables(&out) == expected, "{api}: tables differ, discard {discard}");
            assert_eq!(whole_files(&raw).len(), if discard { 0 } else { 9 });
            let summary: serde_json::Value =
                serde_json::from_slice(&std::fs::read(out.join("summary.json")).unwrap()).unwrap();
            assert_eq!(summary["tables"], converted.summary["tables"]);
            assert_eq!(summary["payments"], converted.summary["payments"]);
            let bytes = |summary: &serde_json::Value| summary["inputs"][1]["uncompressed_bytes"].as_u64();
            assert!(bytes(&summary) > Some(0) && bytes(&summary) == bytes(&converted.summary));
            // Again: there is nothing to do, and it ends as before.
            let again = run.output().unwrap();
            good_or(&again, converted.code);
            assert!(said(&again).contains("nothing was converted"), "{}", said(&again));
        }
    }
}

fn good_or(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
}

#[test]
fn run_writes_claims_still_in_adjudication_too() {
    let server = Server::start(settings(150, 100)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (raw, out) = (folder.path().join("raw"), folder.path().join("out"));
    let options = ["--api", "v3", "--partial", "--lineage", "--out", out.to_str().unwrap()];
    let mut refused = command("run", &server, &raw, &options);
    let output = refused.arg("--discard-raw").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("expected no `--discard-raw` with `--partial`"), "{}", said(&output));

    let output = command("run", &server, &raw, &options).output().unwrap();
    let converted = convert(&[&raw], &["--partial", "--lineage"]);
    assert_eq!(output.status.code(), Some(converted.code), "{}", said(&output));
    let partial = tables(&out.join("partial"));
    assert_eq!(partial.len(), 7, "CCLF0 to CCLF6");
    assert!(partial == tables(&converted.folder().join("partial")));
    // v3 sends them only if asked.
    let claims = partial.iter().filter(|(name, _)| !name.starts_with("CCLF0"));
    let rows: usize = claims.map(|(_, bytes)| bytes.split(|byte| *byte == b'\n').count() - 2).sum();
    assert!(rows > 5, "{rows} rows");
    good_or(&command("run", &server, &raw, &options).output().unwrap(), converted.code);
    assert!(out.join("partial/summary.json").exists() && out.join("CCLF7.csv").exists());
}

#[test]
fn a_killed_run_goes_on_without_a_row_twice() {
    let server = Server::start(settings(60, 60)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let raw = folder.path().join("fetched");
    good(&fetch(&server, &raw, &[]));
    let expected = convert(&[&raw], &[]).bytes();
    for discard in [&[][..], &["--discard-raw"]] {
        let before = server.log();
        let (raw, out) =
            (folder.path().join(format!("raw{}", discard.len())), folder.path().join(format!("out{}", discard.len())));
        let run = || {
            let mut run = command("run", &server, &raw, &["--out", out.to_str().unwrap()]);
            run.args(discard);
            run
        };
        server.set_faults(Faults::parse("slow=60000").unwrap());
        let running = Running::start(run());
        until("files", || server.log().count("GET", "/data") >= before.count("GET", "/data") + 40);
        running.kill();
        assert!(!out.join("summary.json").exists() && tables(&out).is_empty());
        server.set_faults(Faults::default());
        let output = run().output().unwrap();
        good(&output);
        let tables: Vec<(String, Vec<u8>)> = tables(&out).into_iter().collect();
        assert!(tables == expected, "tables differ");
        assert_eq!(server.log().jobs, before.jobs + 1);
        let left = std::fs::read_dir(&out)
            .unwrap()
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with('.'));
        assert_eq!(left.count(), 0, "nothing of the killed run is left");
    }
}
