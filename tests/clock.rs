//! A clock that is set while the command runs, a year back or forward, as a machine without time service or a careless hand does
//! it: nothing is lost, nothing started twice, no pause grows to a year, and the bytes are those of an undisturbed run.
//!
//! The clock is a library of a few lines of C that is loaded before all others and answers for the system's.

mod common;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use claimfeed::Api;
use claimfeed::sandbox::Synth;
use claimfeed::sandbox::server::{Faults, Server, Settings};
use common::claimfeed;
use jiff::Timestamp;
use serde_json::Value;

const YEAR: i64 = 366 * 86_400;

/// Asked for the time of day, it tells the true one CLOCK_AFTER times and then one that is CLOCK_BY seconds off. At the end it
/// writes how often it was asked.
const CLOCK: &str = r#"
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static atomic_long asked;

static long number(const char *name) {
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

static long off(void) {
    return atomic_fetch_add(&asked, 1) < number("CLOCK_AFTER") ? 0 : number("CLOCK_BY");
}

int clock_gettime(clockid_t id, struct timespec *now) {
    long failed = syscall(SYS_clock_gettime, id, now);
    if (!failed && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) now->tv_sec += off();
    return failed ? -1 : 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    int failed = clock_gettime(CLOCK_REALTIME, &precise);
    if (now) *now = (struct timeval){precise.tv_sec, precise.tv_nsec / 1000};
    return failed;
}

time_t time(time_t *now) {
    struct timespec precise = {0};
    clock_gettime(CLOCK_REALTIME, &precise);
    if (now) *now = precise.tv_sec;
    return precise.tv_sec;
}

__attribute__((destructor)) static void say(void) {
    const char *path = getenv("CLOCK_SAYS");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
    fprintf(file, "%ld", atomic_load(&asked));
    fclose(file);
}
"#;

/// The clock, once it is compiled. Without a compiler tests say so loudly; in CI they fail.
fn library() -> Option<&'static Path> {
    static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    let compiled = || {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("clock-{}.so", std::process::id()));
        let mut cc = Command::new("cc");
        cc.args(["-x", "c", "-shared", "-fPIC", "-o"]).arg(&path).arg("-").stdin(Stdio::piped());
        let built = cfg!(target_os = "linux").then(|| cc.spawn().ok()).flatten().map(|mut child| {
            child.stdin.take().unwrap().write_all(CLOCK.as_bytes()).unwrap();
            child.wait().unwrap().success()
        });
        if built == Some(true) {
            return Some(path);
        }
        assert!(std::env::var_os("CI").is_none(), "CI must have cc for Linux: .ci/run installs it");
        common::skipped("no clock that can be set: expected cc on Linux; apt-get install build-essential");
        None
    };
    LIBRARY.get_or_init(compiled).as_deref()
}

/// When the clock is set, and by how much.
#[derive(Debug, Clone, Copy)]
struct Set {
    after: u64,
    by: i64,
}

/// As it is.
const TRUE: Set = Set { after: u64::MAX >> 1, by: 0 };

/// Runs a command under a clock that is set; tells how often it asked for the time.
fn under(set: Set, mut command: Command) -> Option<(Output, u64)> {
    let says = tempfile::NamedTempFile::new().unwrap();
    command.env("LD_PRELOAD", library()?).env("CLOCK_SAYS", says.path());
    command.env("CLOCK_AFTER", set.after.to_string()).env("CLOCK_BY", set.by.to_string());
    let output = command.stdin(Stdio::null()).output().unwrap();
    let asked = std::fs::read_to_string(says.path()).unwrap().parse();
    Some((output, asked.expect("the command runs under the clock")))
}

/// Moments to set it, of a command that asks so many times: before the first question, behind each of the others, or of many some.
fn moments(asked: u64) -> Vec<Set> {
    assert!(asked > 0, "a command that never looks at the clock");
    let step = (asked / 5).max(1) as usize;
    (0..asked).step_by(step).flat_map(|after| [-YEAR, YEAR].map(|by| Set { after, by })).collect()
}

fn good(output: &Output, codes: &[i32], set: Set) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(codes.contains(&output.status.code().unwrap_or(-1)), "{set:?}: {:?} {said}", output.status);
    assert!(!said.contains("panicked"), "{said}");
}

/// Files of a folder that no time is written into.
fn tables(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let entries = entries.filter(|entry| entry.file_type().unwrap().is_file());
    let files = entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()));
    let timeless = files.filter(|(name, _)| !["summary.json", "report.html"].contains(&name.as_str()));
    timeless.map(|(name, path)| (name, std::fs::read(path).unwrap())).collect()
}

/// The summary, less what tells the time, which is given apart.
fn summary(folder: &Path) -> (Value, Timestamp) {
    let mut summary: Value = serde_json::from_slice(&std::fs::read(folder.join("summary.json")).unwrap()).unwrap();
    let of = summary.as_object_mut().unwrap();
    let seconds = of.remove("elapsed_seconds").unwrap().as_f64().unwrap();
    assert!((0.0..600.0).contains(&seconds), "{seconds} s by a clock that was set");
    of.remove("gigabytes_per_second");
    let finished = of.remove("finished").unwrap().as_str().unwrap().parse().unwrap();
    (summary, finished)
}

/// It is about `by` seconds from now.
fn is_off(time: Timestamp, by: i64) -> bool {
    (time.as_second() - Timestamp::now().as_second() - by).abs() < 86_400
}

#[test]
fn a_conversion_makes_the_same_bytes() {
    let parent = tempfile::tempdir().unwrap();
    let export = parent.path().join("export");
    Synth { beneficiaries: 12, claims_per_beneficiary: 4, ..Synth::new(Api::V3) }.write(&export).unwrap();
    let convert = |name: &str, set| {
        let out = parent.path().join(name);
        let mut command = claimfeed();
        command.arg("convert").arg(&export).arg("-o").arg(&out).args(["--format", "csv,parquet,arrow"]);
        let (output, asked) = under(set, command)?;
        good(&output, &[0, 3], set);
        Some((tables(&out), summary(&out), asked))
    };
    let Some((expected, (expected_summary, _), asked)) = convert("undisturbed", TRUE) else { return };
    assert!(expected.len() > 30, "{} files", expected.len());
    for (at, set) in moments(asked).into_iter().enumerate() {
        let (tables, (summary, finished), _) = convert(&format!("out-{at}"), set).unwrap();
        assert!(tables == expected, "{set:?}: other bytes");
        assert_eq!(summary, expected_summary, "{set:?}");
        assert!(is_off(finished, set.by), "{set:?}: it ended {finished}, so its clock was not set");
    }
}

fn server(faults: &str) -> Server {
    let synth = Synth { beneficiaries: 12, claims_per_beneficiary: 4, ..Synth::new(Api::V2) };
    let faults = Faults::parse(faults).unwrap();
    Server::start(Settings { job_time: Duration::ZERO, files: Some(4), faults, ..Settings::new(synth) }).unwrap()
}

fn command(verb: &str, server: &Server, folder: &Path, options: &[&str]) -> Command {
    let mut command = claimfeed();
    command.env_clear().env("BCDA_CLIENT_ID", "sandbox").env("BCDA_CLIENT_SECRET", "sandbox");
    command.args([verb, "--server", &server.url(), "-o"]).arg(folder);
    command.args(["--poll", "0.02"]).args(options);
    command
}

/// The data files, inflated.
fn data(folder: &Path) -> BTreeMap<String, String> {
    let mut files = tables(folder);
    files.retain(|name, _| name.ends_with(".ndjson.gz"));
    let inflated = |bytes: Vec<u8>| {
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
        text
    };
    files.into_iter().map(|(name, bytes)| (name, inflated(bytes))).collect()
}

/// Up to when the data goes, as the state knows it.
fn transaction_time(folder: &Path) -> Timestamp {
    let state: Value = serde_json::from_slice(&std::fs::read(folder.join(".claimfeed/state.json")).unwrap()).unwrap();
    let (_, series) = state["series"].as_object().unwrap().iter().next().unwrap();
    series["transaction_time"].as_str().unwrap().parse().unwrap()
}

#[test]
fn a_fetch_brings_the_same_files_with_one_job_and_one_token() {
    let fetch = |set| {
        let (server, folder) = (server(""), tempfile::tempdir().unwrap());
        let (output, asked) = under(set, command("fetch", &server, folder.path(), &[]))?;
        good(&output, &[0], set);
        let log = server.log();
        assert_eq!((log.jobs, log.tokens), (1, 1), "{set:?}");
        assert!(is_off(transaction_time(folder.path()), 0), "{set:?}: the server's time is noted, and not ours");
        let ours = std::fs::read_to_string(folder.path().join("log.ndjson")).unwrap();
        let last: Value = serde_json::from_str(ours.lines().last().unwrap()).unwrap();
        Some((data(folder.path()), asked, last["timestamp"].as_str().unwrap().parse::<Timestamp>().unwrap()))
    };
    let Some((expected, asked, _)) = fetch(TRUE) else { return };
    assert!(expected.len() > 4 && asked > 10, "{} files, {asked} questions", expected.len());
    for set in moments(asked) {
        let (files, _, last) = fetch(set).unwrap();
        assert!(files == expected, "{set:?}: other files");
        assert!(is_off(last, set.by), "{set:?}: its last word is of {last}, so its clock was not set");
    }
}

/// Whose job it is, and how long to wait, is told by the server's clock alone.
#[test]
fn a_clock_that_is_wrong_from_the_beginning_starts_no_second_job_and_does_not_wait_for_years() {
    if library().is_none() {
        return;
    }
    for (fault, by) in [
        // The list is there at its second time of asking, when the job is done: only its time tells whose it is.
        ("start-lost,list-502", YEAR),
        ("start-lost,list-502", -YEAR),
        ("data-429=date", -YEAR),
        ("data-503=epoch", -YEAR),
    ] {
        let (server, folder) = (server(fault), tempfile::tempdir().unwrap());
        let (set, start) = (Set { after: 0, by }, Instant::now());
        let (output, _) = under(set, command("fetch", &server, folder.path(), &[])).unwrap();
        good(&output, &[0], set);
        assert_eq!(server.log().jobs, 1, "{fault}, {by}");
        assert!(start.elapsed() < Duration::from_secs(120), "{fault}, {by}: {:?}", start.elapsed());
    }
}

#[test]
fn exports_that_go_on_from_each_other_stay_in_order() {
    if library().is_none() {
        return;
    }
    let (server, parent) = (server(""), tempfile::tempdir().unwrap());
    let mut known: Vec<PathBuf> = Vec::new();
    for by in [0, -YEAR, YEAR, 0] {
        let set = Set { after: 0, by };
        let (output, _) = under(set, command("fetch", &server, parent.path(), &["--since", "auto"])).unwrap();
        good(&output, &[0], set);
        let entries = std::fs::read_dir(parent.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut folders: Vec<PathBuf> = entries.filter(|path| path.join("manifest.json").exists()).collect();
        folders.sort();
        assert_eq!(folders.len(), known.len() + 1, "{by}");
        assert_eq!(folders[..known.len()], known, "a later export comes behind the earlier ones");
        known = folders;
    }
    assert_eq!(server.log().jobs, 4);
}

#[test]
fn a_run_makes_the_tables_of_fetch_and_convert() {
    let run = |set| {
        let (server, folder) = (server(""), tempfile::tempdir().unwrap());
        let out = folder.path().join("tables");
        let out_option = out.to_str().unwrap().to_string();
        let (output, asked) =
            under(set, command("run", &server, &folder.path().join("export"), &["--out", &out_option]))?;
        good(&output, &[0, 3], set);
        assert_eq!(server.log().jobs, 1, "{set:?}");
        Some((tables(&out), summary(&out).1, asked))
    };
    let Some((expected, _, asked)) = run(TRUE) else { return };
    assert!(expected.len() > 10, "{} files", expected.len());
    for set in moments(asked) {
        let (tables, finished, _) = run(set).unwrap();
        assert!(tables == expected, "{set:?}: other bytes");
        assert!(is_off(finished, set.by), "{set:?}: it ended {finished}, so its clock was not set");
    }
}
