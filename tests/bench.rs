//! `claimfeed bench`: every stage runs over the whole input, and says so in a table and in JSON.

mod common;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use claimfeed::Api;
use claimfeed::sandbox::Synth;
use common::claimfeed;

#[test]
fn every_stage_is_measured_for_every_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    for (api, gzip) in [(Api::V2, false), (Api::V3, true)] {
        let export = folder.path().join(api.name());
        let tally = Synth { beneficiaries: 6, files: 2, gzip, ..Synth::new(api) }.write(&export).unwrap();
        let scratch = folder.path().join(format!("scratch-{api}"));
        std::fs::create_dir(&scratch).unwrap();
        let run = |more: &[&str]| {
            let mut command = claimfeed();
            command.arg("bench").arg(&export).args(["--rounds", "3", "--threads", "1,3"]);
            let output = command.arg("--scratch").arg(&scratch).args(more).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 0, "nothing is left");
            String::from_utf8(output.stdout).unwrap()
        };
        let json: serde_json::Value = serde_json::from_str(&run(&["--json"])).unwrap();
        assert_eq!(json["bytes"], tally.bytes());
        assert_eq!(json["codecs"], serde_json::json!([if gzip { "gzip" } else { "plain" }]));
        assert_eq!(json["lines"], tally.patients.resources + tally.coverages.resources + tally.claims.resources);
        let speeds = json["speeds"].as_array().unwrap();
        let told: Vec<(u64, &str)> =
            speeds.iter().map(|speed| (speed["threads"].as_u64().unwrap(), speed["stage"].as_str().unwrap())).collect();
        let stages = ["read", "lines", "index", "walk", "rows", "csv", "disk"];
        let expected: Vec<(u64, &str)> = [1, 3].iter().flat_map(|n| stages.map(|stage| (*n, stage))).collect();
        assert_eq!(told, expected);
        for speed in speeds {
            let time = |which: &str| speed["seconds"][which].as_f64().unwrap();
            assert!(0.0 < time("min") && time("min") <= time("median") && time("median") <= time("max"));
            let bytes = if speed["stage"] == "read" { &json["file_bytes"] } else { &json["bytes"] };
            assert_eq!(&speed["bytes"], bytes);
        }

        let text = run(&[]);
        assert_eq!(text.lines().filter(|line| line.contains("GB/s")).count(), 2, "{text}");
        for stage in stages {
            let rows = text.lines().filter(|line| line.trim_start().starts_with(stage)).count();
            assert_eq!(rows, 2, "{stage}: {text}");
        }
    }
}

/// Begins to measure an export, in `scratch` of the folder, and comes back when tables are there.
fn measuring(folder: &Path) -> Child {
    let (export, scratch) = (folder.join("export"), folder.join("scratch"));
    Synth { beneficiaries: 40, ..Synth::new(Api::V2) }.write(&export).unwrap();
    std::fs::create_dir(&scratch).unwrap();
    let mut command = claimfeed();
    command.arg("bench").arg(&export).args(["--rounds", "1000", "--threads", "1"]).arg("--scratch").arg(&scratch);
    let child = command.stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    let tables = || {
        let folders = std::fs::read_dir(&scratch).unwrap().flatten();
        folders.flat_map(|folder| std::fs::read_dir(folder.path()).into_iter().flatten()).count()
    };
    while tables() == 0 {
        assert!(begun.elapsed().as_secs() < 60, "no tables");
    }
    child
}

#[test]
fn interrupted_it_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = measuring(folder.path());
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(std::fs::read_dir(folder.path().join("scratch")).unwrap().count(), 0, "tables are left");
}

#[test]
fn what_it_left_when_killed_goes_with_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = measuring(folder.path());
    child.kill().unwrap();
    child.wait().unwrap();
    let scratch = folder.path().join("scratch");
    assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 1);
    let mut command = claimfeed();
    command.arg("bench").arg(folder.path().join("export")).args(["--rounds", "1"]).arg("--scratch").arg(&scratch);
    assert!(command.output().unwrap().status.success());
    assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 0, "tables are left");
}

#[test]
fn what_can_be_read_once_only_is_refused() {
    for once in ["-", "/dev/null"] {
        let output = claimfeed().args(["bench", once]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(&format!("which can be read again, found `{once}`")), "{stderr}");
    }
}
