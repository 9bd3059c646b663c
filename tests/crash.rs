//! What becomes of a conversion that is killed, interrupted, or has its disk or its rights taken away: no
//! half file under a final name, nothing of patients left behind after the next run, and the next run makes the same bytes.
//!
//! `make torture` (CLAIMFEED_TORTURE=1) kills a hundred times instead of ten.

mod common;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use claimfeed::Api;
use claimfeed::sandbox::Synth;
use claimfeed::sandbox::server::{Server, Settings};
use common::claimfeed;

const SECRET: &str = "a-secret-nobody-may-see";
const FORMATS: [&str; 2] = ["--format", "csv,parquet"];

fn rounds() -> u32 {
    if std::env::var_os("CLAIMFEED_TORTURE").is_some() { 100 } else { 10 }
}

/// Moments that look random and are the same in every run of the test.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit.max(1)
    }
}

fn export(folder: &Path, beneficiaries: u64) -> PathBuf {
    let path = folder.join("export");
    Synth { beneficiaries, seed: 3, ..Synth::new(Api::V2) }.write(&path).unwrap();
    path
}

fn convert(export: &Path, out: &Path, options: &[&str]) -> Command {
    let mut command = claimfeed();
    command.arg("convert").arg(export).arg("-o").arg(out).args(options);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Files of a folder by name, nothing if it is not there.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let file = |entry: std::fs::DirEntry| {
        let (name, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
        // Gone meanwhile, if the command is still at it.
        Some((name, std::fs::read(path).ok()?))
    };
    entries.filter_map(file).collect()
}

/// What must be the same in every run: not the summary with its times, nor what is made of it.
fn tables(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = files(folder);
    files.retain(|name, _| !name.starts_with('.') && name != "summary.json" && name != "report.html");
    files
}

/// Nothing half under a final name; tells whether anything has one.
fn whole(folder: &Path, expected: &BTreeMap<String, Vec<u8>>) -> bool {
    let found = files(folder);
    for (name, bytes) in found.iter().filter(|(name, _)| !name.starts_with('.')) {
        let mode = std::fs::metadata(folder.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
        if let Some(expected) = expected.get(name) {
            assert!(bytes == expected, "{name} is not whole");
        } else {
            assert!(name == "summary.json" || name == "report.html", "{name}");
        }
    }
    if let Some(summary) = found.get("summary.json") {
        assert!(serde_json::from_slice::<serde_json::Value>(summary).is_ok());
        assert_eq!(tables(folder), *expected, "with a summary all is there");
    }
    found.keys().any(|name| !name.starts_with('.'))
}

fn hidden(folder: &Path) -> Vec<String> {
    files(folder).into_keys().filter(|name| name.starts_with('.')).collect()
}

#[test]
fn a_conversion_killed_at_any_moment() {
    let parent = tempfile::tempdir().unwrap();
    let export = export(parent.path(), 60);
    let undisturbed = parent.path().join("undisturbed");
    let start = Instant::now();
    let code = convert(&export, &undisturbed, &FORMATS).output().unwrap().status.code();
    let mut takes = start.elapsed().as_micros() as u64;
    let expected = tables(&undisturbed);
    assert!(expected.len() > 20 && code.is_some(), "{code:?}");

    let mut chance = Chance(7);
    let (mut died, mut left, mut half_named) = (0, 0, 0);
    for round in 0..rounds() {
        let out = parent.path().join(format!("out-{round}"));
        let mut child = convert(&export, &out, &FORMATS).spawn().unwrap();
        match round % 3 {
            // While files get their names, which takes a moment only.
            0 => while child.try_wait().unwrap().is_none() && !out.join("CCLF1.csv").exists() {},
            1 => std::thread::sleep(Duration::from_micros(chance.below(takes))),
            _ => std::thread::sleep(Duration::from_micros(takes * 3 / 4 + chance.below(takes / 3))),
        }
        let _ = child.kill();
        died += u32::from(child.wait_with_output().unwrap().status.code().is_none());
        let named = whole(&out, &expected);
        half_named += u32::from(named && !out.join("summary.json").exists());
        left += u32::from(!hidden(&out).is_empty());

        let options = if named { [&FORMATS[..], &["--force"]].concat() } else { FORMATS.to_vec() };
        let start = Instant::now();
        let again = convert(&export, &out, &options).output().unwrap();
        // The machine is not always as busy.
        takes = takes.min(start.elapsed().as_micros() as u64);
        assert_eq!(again.status.code(), code, "{}", String::from_utf8_lossy(&again.stderr));
        assert_eq!(tables(&out), expected);
        assert_eq!(hidden(&out), [""; 0], "what the killed run left is gone");
        std::fs::remove_dir_all(&out).unwrap();
    }
    eprintln!("{} kills: {died} while it ran, {left} left hidden files, {half_named} some names", rounds());
    assert!(died * 3 >= rounds() && left > 0, "{died} of {} while it ran, {left} with hidden files", rounds());
}

#[test]
fn a_run_killed_at_any_moment() {
    let synth = Synth { beneficiaries: 40, claims_per_beneficiary: 6, ..Synth::new(Api::V2) };
    let settings = Settings {
        job_time: Duration::ZERO,
        files: Some(12),
        client_secret: SECRET.to_string(),
        ..Settings::new(synth)
    };
    let server = Server::start(settings).unwrap();
    let parent = tempfile::tempdir().unwrap();
    let command = |name: &str| {
        let mut command = claimfeed();
        command.args(["run", "--server", &server.url(), "--first-wait", "1", "--poll", "0.02", "-o"]);
        command.arg(parent.path().join(name)).arg("--out").arg(parent.path().join(format!("{name}-tables")));
        command.env_clear().env("BCDA_CLIENT_ID", "sandbox").env("BCDA_CLIENT_SECRET", SECRET);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    };
    let start = Instant::now();
    let undisturbed = command("undisturbed").output().unwrap();
    let (code, takes) = (undisturbed.status.code(), start.elapsed().as_micros() as u64);
    // Without issues.csv, which has the folder's name in it.
    let rows = |folder: &Path| {
        let mut tables = tables(folder);
        tables.retain(|name, _| name.starts_with("CCLF"));
        tables
    };
    let expected = rows(&parent.path().join("undisturbed-tables"));
    assert!(expected.len() > 10, "{}", String::from_utf8_lossy(&undisturbed.stderr));

    let mut chance = Chance(11);
    let mut died = 0;
    for round in 0..rounds().div_ceil(2) {
        let name = format!("raw-{round}");
        let out = parent.path().join(format!("{name}-tables"));
        // Killed twice before it may end.
        for _ in 0..2 {
            let mut child = command(&name).spawn().unwrap();
            std::thread::sleep(Duration::from_micros(chance.below(takes * 2 / 3)));
            let _ = child.kill();
            died += u32::from(child.wait_with_output().unwrap().status.code().is_none());
            for (name, bytes) in rows(&out) {
                assert!(expected.get(&name) == Some(&bytes), "{name} is not whole");
            }
        }
        let again = command(&name).output().unwrap();
        assert_eq!(again.status.code(), code, "{}", String::from_utf8_lossy(&again.stderr));
        assert!(rows(&out) == expected, "{}", String::from_utf8_lossy(&again.stderr));
        assert_eq!(hidden(&out), [""; 0]);
    }
    eprintln!("run: {died} kills of {}", 2 * rounds().div_ceil(2));
    assert!(died * 4 >= rounds(), "{died}");
}

/// Exit 1 with these words, and nothing is left.
fn fails(command: &mut Command, out: &Path, words: &str) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(words), "expected `{words}`, found: {said}");
    assert_eq!(said.matches("claimfeed: ").count(), 1, "one message: {said}");
    assert!(!out.exists() || files(out).is_empty(), "{:?}", files(out).keys());
}

#[test]
fn a_file_that_may_not_grow() {
    let parent = tempfile::tempdir().unwrap();
    let export = export(parent.path(), 20);
    let out = parent.path().join("out");
    for format in ["csv", "parquet", "arrow", "arrow-stream"] {
        for blocks in [0, 1, 8, 40] {
            let limit = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
            let mut command = Command::new("sh");
            command.args(["-c", &limit, "sh", env!("CARGO_BIN_EXE_claimfeed"), "convert"]).arg(&export);
            command.arg("-o").arg(&out).args(["--format", format]);
            fails(&mut command, &out, "cannot write");
        }
    }
}

#[test]
fn a_disk_that_is_full() {
    let parent = tempfile::tempdir().unwrap();
    let export = export(parent.path(), 20);
    let disk = parent.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let whole = parent.path().join("whole");
    let code = convert(&export, &whole, &[]).output().unwrap().status.code();
    let needed: u64 = files(&whole).values().map(|bytes| bytes.len().div_ceil(4096) as u64 * 4096).sum();
    let (mut full, mut fitted) = (0, 0);
    for step in 1..=10 {
        let size = needed * step / 9;
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(&disk)
            .stderr(Stdio::null())
            .status();
        if !mount.is_ok_and(|status| status.success()) {
            common::skipped("expected the right to mount a small tmpfs, found none; run as root");
            return;
        }
        let out = disk.join("out");
        let output = convert(&export, &out, &[]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let (found, there) = (output.status.code(), files(&out));
        let tables = tables(&out);
        assert!(Command::new("umount").arg(&disk).status().unwrap().success());
        assert!(there.keys().all(|name| !name.starts_with('.')), "{:?}", there.keys());
        if found == code {
            fitted += 1;
            assert_eq!(tables, self::tables(&whole));
        } else {
            full += 1;
            assert_eq!(found, Some(1), "{said}");
            assert!(said.contains("No space left on device"), "{said}");
            assert!(!there.contains_key("summary.json"), "{size} of {needed}");
        }
    }
    eprintln!("{full} times full, {fitted} times enough");
    assert!(full > 5 && fitted > 0);
}

/// The command as a user without rights, where one may become that.
fn as_nobody(program: &Path) -> Option<Command> {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
    let can = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(program)
        .arg("--version")
        .output();
    if can.is_ok_and(|output| output.status.success()) {
        return Some(command);
    }
    common::skipped("expected the right to become another user (root, setpriv), found none");
    None
}

#[test]
fn rights_that_are_missing() {
    let parent = tempfile::tempdir_in("/tmp").unwrap();
    let open = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    open(parent.path(), 0o755);
    let program = parent.path().join("claimfeed");
    std::fs::copy(env!("CARGO_BIN_EXE_claimfeed"), &program).unwrap();
    open(&program, 0o755);
    let export = export(parent.path(), 2);
    let Some(mut command) = as_nobody(&program) else { return };
    let out = parent.path().join("out");
    fails(command.arg("convert").arg(&export).arg("-o").arg(&out), &out, "cannot create `");

    std::fs::create_dir(&out).unwrap();
    open(&out, 0o755);
    let mut command = as_nobody(&program).unwrap();
    fails(command.arg("convert").arg(&export).arg("-o").arg(&out), &out, "cannot create a file in `");

    open(&out, 0o777);
    let mut command = as_nobody(&program).unwrap();
    fails(command.arg("convert").arg(&export).arg("-o").arg(&out), &out, "cannot read `");

    // One file of many that may not be read.
    open(&export, 0o755);
    for file in std::fs::read_dir(&export).unwrap().flatten() {
        open(&file.path(), 0o644);
    }
    open(&export.join("Coverage.ndjson"), 0o000);
    let mut command = as_nobody(&program).unwrap();
    fails(command.arg("convert").arg(&export).arg("-o").arg(&out), &out, "Coverage.ndjson`: Permission denied");
}

#[test]
fn an_output_on_another_device() {
    let Ok(out) = tempfile::tempdir_in("/dev/shm") else {
        common::skipped("expected a second file system at /dev/shm, found none");
        return;
    };
    let parent = tempfile::tempdir().unwrap();
    let export = export(parent.path(), 3);
    let (here, there) = (parent.path().join("out"), out.path().join("out"));
    for out in [&here, &there] {
        assert_eq!(convert(&export, out, &[]).output().unwrap().status.code(), Some(0));
    }
    assert_eq!(tables(&here), tables(&there));
}

#[test]
fn signals_leave_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let export = export(parent.path(), 150);
    for signal in ["-INT", "-TERM"] {
        let out = parent.path().join("out");
        let child = convert(&export, &out, &[]).spawn().unwrap();
        let start = Instant::now();
        while hidden(&out).len() < 12 {
            assert!(start.elapsed() < Duration::from_secs(30), "tables begin");
        }
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{signal}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "claimfeed: interrupted: nothing was written\n");
        assert!(!out.exists(), "{:?}", files(&out).keys());
    }
    // Nothing comes on standard input; the first signal is heard when something does, the second ends it.
    let out = parent.path().join("out");
    let mut child = convert(Path::new("-"), &out, &[]).stdin(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while hidden(&out).is_empty() {
        assert!(start.elapsed() < Duration::from_secs(30));
    }
    while child.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < Duration::from_secs(30), "it ends");
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_reader_that_goes_away() {
    let parent = tempfile::tempdir().unwrap();
    let export = export(parent.path(), 20);
    for format in ["csv", "arrow-stream"] {
        let mut command = claimfeed();
        command.arg("convert").arg(&export).args(["-o", "-", "--tables", "CCLF5", "--format", format]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 3)), "{format}: {:?} {said}", output.status);
        assert!(!said.contains("bug"), "{said}");
    }
    // Nobody hears what it says: the tables come all the same.
    let out = parent.path().join("out");
    let mut child = convert(&export, &out, &[]).spawn().unwrap();
    drop(child.stderr.take());
    assert!(child.wait().unwrap().code().is_some());
    assert!(out.join("summary.json").exists());
}
