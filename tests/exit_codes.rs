//! Every exit code that the help and the README name, each brought about; and what the command says then, as text and as
//! one JSON object a line.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use claimfeed::Api;
use claimfeed::sandbox::Synth;
use claimfeed::sandbox::server::{Faults, Server, Settings};
use common::claimfeed;
use serde_json::Value;

const SECRET: &str = "a-secret-nobody-may-see";

fn export(folder: &Path) -> PathBuf {
    let path = folder.join("export");
    Synth { beneficiaries: 2, seed: 2, ..Synth::new(Api::V2) }.write(&path).unwrap();
    path
}

fn server(faults: &str) -> Server {
    let settings = Settings {
        job_time: std::time::Duration::ZERO,
        faults: Faults::parse(faults).unwrap(),
        client_secret: SECRET.to_string(),
        ..Settings::new(Synth { beneficiaries: 1, ..Synth::new(Api::V2) })
    };
    Server::start(settings).unwrap()
}

/// What brings a code about.
struct Case {
    code: i32,
    /// what happens
    why: &'static str,
    command: Command,
    /// of the message
    words: &'static str,
}

fn cases(folder: &Path, servers: &[Server; 2]) -> Vec<Case> {
    let sound = export(&folder.join("sound"));
    let losing = export(&folder.join("losing"));
    let claims = losing.join("ExplanationOfBenefit.ndjson");
    let text = std::fs::read_to_string(&claims).unwrap();
    std::fs::write(&claims, format!("{text}{{\"cut")).unwrap();
    // Sums that differ with nothing lost: only a wrong program can make them, so the summary is changed.
    let differing = folder.join("differing");
    let made = claimfeed().arg("convert").arg(&sound).arg("-o").arg(&differing).output().unwrap();
    assert_eq!(made.status.code(), Some(0));
    let path = differing.join("summary.json");
    let mut summary: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let payments = summary["payments"].as_object_mut().unwrap();
    payments.values_mut().find(|sums| sums["equal"] == true).unwrap()["equal"] = false.into();
    std::fs::write(&path, summary.to_string()).unwrap();

    let mut cases = Vec::new();
    let mut add = |code: i32, why: &'static str, words: &'static str, command: Command| {
        cases.push(Case { code, why, command, words });
    };
    let convert = |input: &Path, out: &str, more: &[&str]| {
        let mut command = claimfeed();
        command.arg("convert").arg(input).arg("-o").arg(folder.join(out)).args(more);
        command
    };
    let fetch = |server: &Server, out: &str| {
        let mut command = claimfeed();
        command.args(["fetch", "--server", &server.url(), "--first-wait", "1", "--tries", "2", "-o"]);
        command.arg(folder.join(out)).env("BCDA_CLIENT_ID", "sandbox").env("BCDA_CLIENT_SECRET", SECRET);
        command
    };
    let report = |out: &Path| {
        let mut command = claimfeed();
        command.arg("report").arg(out);
        command
    };
    add(0, "all is well", "summary.json", convert(&sound, "zero", &[]));
    add(1, "no such input", "cannot read", convert(Path::new("/nowhere/export"), "one", &[]));
    add(2, "no such table", "expected tables of", convert(&sound, "two", &["--tables", "CCLF77"]));
    add(2, "an option that is not known", "unexpected argument", convert(&sound, "two", &["--fast"]));
    add(2, "a folder that is not empty", "found files in", convert(&sound, "sound/export", &[]));
    add(2, "another version than the input's", "expected one API version", convert(&sound, "two", &["--api", "v3"]));
    add(3, "a line is cut", "broken-line", convert(&losing, "three", &[]));
    add(3, "a line is cut, and every loss ends it", "--strict", convert(&losing, "strict", &["--strict"]));
    add(4, "control sums differ", "sums differ", report(&differing));
    add(5, "the server refuses who asks", "HTTP 403", fetch(&servers[0], "five"));
    add(6, "the job failed", "found that it failed", fetch(&servers[1], "six"));
    cases
}

#[test]
fn each_has_its_cause() {
    let servers = [server("aco-unknown"), server("job-failed")];
    let folder = tempfile::tempdir().unwrap();
    for Case { code, why, mut command, words } in cases(folder.path(), &servers) {
        let output = command.stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{why}: {said}");
        assert!(said.contains(words), "{why}: expected `{words}`, found: {said}");
        assert!(!said.contains(SECRET));
    }

    // 130: interrupted.
    let (input, out) = (folder.path().join("pipe"), folder.path().join("interrupted"));
    std::fs::create_dir(&out).unwrap();
    let mut command = claimfeed();
    command.args(["convert", "-", "-o"]).arg(&out).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let kill = || Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    let begun = std::time::Instant::now();
    while std::fs::read_dir(&out).unwrap().next().is_none() {
        assert!(begun.elapsed().as_secs() < 30, "it writes nothing");
    }
    kill();
    std::thread::sleep(std::time::Duration::from_millis(100));
    kill();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!input.exists());
}

/// The help of the command and the README name the same codes as this file.
#[test]
fn all_of_them_are_documented() {
    let help = claimfeed().arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    for code in [0, 1, 2, 3, 4, 5, 6, 101, 130] {
        assert!(help.contains(&format!(" {code} ")), "{code} is in the help: {help}");
        assert!(readme.contains(&format!("\n| {code} | ")), "{code} is in the README");
    }
}

#[test]
fn messages_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let export = export(folder.path());
    let run = |out: &str, more: &[&str]| {
        let mut command = claimfeed();
        command.arg("convert").arg(&export).arg("-o").arg(folder.path().join(out)).args(more);
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        (output.status.code().unwrap(), lines)
    };
    let (code, lines) = run("good", &["--log-format", "json"]);
    assert_eq!((code, lines.len()), (0, 1));
    assert_eq!(lines[0]["level"], "info");
    assert!(lines[0]["message"].as_str().unwrap().contains("written to"), "{lines:?}");
    assert!(lines[0]["time"].as_str().unwrap().ends_with('Z') && lines[0].get("exit_code").is_none());

    let (code, lines) = run("good", &["--log-format", "json"]);
    assert_eq!((code, lines.len()), (2, 1));
    assert_eq!((lines[0]["level"].as_str(), lines[0]["exit_code"].as_u64()), (Some("error"), Some(2)));
    assert!(lines[0]["message"].as_str().unwrap().starts_with("claimfeed: expected an empty output folder"));

    let (code, lines) = run("quiet", &["--log-format", "json", "--log-level", "error"]);
    assert_eq!((code, lines.len()), (0, 0), "{lines:?}");
    assert!(folder.path().join("quiet/summary.json").exists());
}
