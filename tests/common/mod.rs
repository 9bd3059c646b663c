//! What several tests need: the command run as a user runs it, its output read back.

#![allow(dead_code, reason = "each test uses its part")]

pub mod layouts;
pub mod wire;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Everything a run of `convert` left behind.
pub struct Output {
    pub code: i32,
    pub stderr: String,
    /// null if there is none
    pub summary: Value,
    folder: tempfile::TempDir,
}

impl Output {
    /// The folder of the tables.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().join("tables")
    }

    /// Header and rows of a table.
    pub fn table(&self, name: &str) -> (Vec<String>, Vec<Vec<String>>) {
        read_csv(&self.folder().join(format!("{name}.csv")))
    }

    /// The texts of one column.
    pub fn column(&self, table: &str, label: &str) -> Vec<String> {
        let (header, rows) = self.table(table);
        let at = header.iter().position(|name| name == label).unwrap_or_else(|| panic!("{table} has no {label}"));
        rows.into_iter().map(|row| row[at].clone()).collect()
    }

    /// The bytes of every table, by file name.
    pub fn bytes(&self) -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<_> = std::fs::read_dir(self.folder())
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("CCLF"))
            .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
            .collect();
        files.sort();
        files
    }

    /// Lines of issues.csv without their header.
    pub fn issues(&self) -> Vec<Vec<String>> {
        read_csv(&self.folder().join("issues.csv")).1
    }
}

pub fn read_csv(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let header = reader.headers().unwrap().iter().map(str::to_string).collect();
    let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_string).collect()).collect();
    (header, rows)
}

/// The command.
pub fn claimfeed() -> Command {
    Command::new(env!("CARGO_BIN_EXE_claimfeed"))
}

/// Runs `claimfeed convert INPUTS -o FOLDER OPTIONS`.
pub fn convert(inputs: &[&Path], options: &[&str]) -> Output {
    convert_from(inputs, options, None)
}

/// The same with something on standard input.
pub fn convert_from(inputs: &[&Path], options: &[&str], input: Option<&[u8]>) -> Output {
    use std::io::Write;
    use std::process::Stdio;
    let folder = tempfile::tempdir().unwrap();
    let mut command = claimfeed();
    command.arg("convert").args(inputs).arg("-o").arg(folder.path().join("tables")).args(options);
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    if let (Some(bytes), Some(mut stdin)) = (input, child.stdin.take()) {
        let _ = stdin.write_all(bytes);
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.stdout.is_empty(), "convert writes nothing to standard output");
    let summary = std::fs::read(folder.path().join("tables/summary.json"))
        .map_or(serde_json::Value::Null, |bytes| serde_json::from_slice(&bytes).unwrap());
    Output {
        code: output.status.code().unwrap_or(-1),
        stderr: String::from_utf8(output.stderr).unwrap(),
        summary,
        folder,
    }
}

/// Says that a test is left out, past the harness: what a passing test prints is not shown.
pub fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "\n*** SKIPPED: {why} ***\n");
}

/// The material to test against, where it is. Without it tests say so loudly; in CI they fail.
pub fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("CLAIMFEED_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    if folder.join("corpus").is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "CI must have the shared material: set CLAIMFEED_SHARED");
    skipped(&format!("no shared material at `{}`; set CLAIMFEED_SHARED", folder.display()));
    None
}

/// The Python with the modules that tests need.
pub fn python() -> Command {
    Command::new(std::env::var("CLAIMFEED_PYTHON").unwrap_or_else(|_| "python3".to_string()))
}

/// Whether Python has these modules. Without them tests say so loudly; in CI they fail.
pub fn python_with(modules: &str) -> bool {
    let ready = python().args(["-c", &format!("import {modules}")]).output();
    if ready.is_ok_and(|ready| ready.status.success()) {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "CI must have {modules} for python3: .ci/run installs them");
    skipped(&format!("python3 has not all of {modules}; pip install them"));
    false
}

/// What the checker of the shared material says of the CSV tables in a folder; `options` say more than version and split. It
/// fails below the threshold of its options.
pub fn score(shared: &Path, version: &str, tables: &Path, options: &[&str]) -> Value {
    let json = tables.join("score.json");
    let check = Command::new("python3")
        .arg(shared.join("truth/check.py"))
        .args(["--version", version, "--split", "dev"])
        .args(options)
        .arg("--produced")
        .arg(tables)
        .arg("--json")
        .arg(&json)
        .output()
        .expect("python3 runs the checker");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(check.status.success(), "{version}: {}{}", said(&check.stdout), said(&check.stderr));
    serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap()
}
