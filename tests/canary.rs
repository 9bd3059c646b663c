//! Canaries: every text of every record carries a mark, every command fails in every way there is, and the mark is
//! looked for in all that is said, logged, kept or named. It may stand in tables, and ids in issues.csv, which is what
//! those are for; with pseudonyms neither, but for columns that are kept.

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use claimfeed::Api;
use claimfeed::sandbox::{Shape, Synth};
use common::claimfeed;
use serde_json::{Value, json};

/// In no word of ours, and in no code of CMS's.
const MARK: &str = "ZQXJ";
const BORN: &str = "1937-03-19";

/// What must stay as it is for a record to be taken for what it is.
const STRUCTURE: [&str; 7] = ["resourceType", "system", "url", "status", "use", "lastUpdated", "profile"];

#[derive(Clone, Copy, PartialEq)]
enum Plant {
    /// values; codes stay, so that rows are made
    Values,
    /// codes too, so that everything is unknown
    Codes,
    /// all texts, and all keys but `resourceType`
    All,
}

/// Marks all texts; the same text always in the same way, so that references still fit.
fn mark(value: &mut Value, key: &str, plant: Plant) {
    match value {
        Value::String(text) => {
            let is_date =
                text.len() >= 10 && text.as_bytes()[4] == b'-' && text[..4].bytes().all(|b| b.is_ascii_digit());
            let stays = match plant {
                Plant::Values => STRUCTURE.contains(&key) || key == "code" || text.starts_with("http"),
                Plant::Codes => STRUCTURE.contains(&key) || text.starts_with("http"),
                Plant::All => key == "resourceType",
            };
            if key == "birthDate" {
                *text = BORN.to_string();
            } else if !stays && (!is_date || plant == Plant::All) {
                text.push_str(MARK);
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| mark(element, key, plant)),
        Value::Object(members) => {
            members.iter_mut().for_each(|(key, value)| mark(value, key, plant));
            if plant == Plant::All {
                let marked = members.iter().map(|(key, value)| {
                    let is_type = key == "resourceType";
                    (if is_type { key.clone() } else { format!("{key}{MARK}") }, value.clone())
                });
                *members = marked.collect();
            }
        }
        _ => {}
    }
}

struct Export {
    folder: tempfile::TempDir,
}

impl Export {
    /// An export with marks in it; returns with nothing else in the folder.
    fn planted(api: Api, plant: Plant) -> Export {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("export");
        let shape = Shape { mix: [1.0; 8], ..Shape::default() };
        let synth = Synth { beneficiaries: 3, claims_per_beneficiary: 12, seed: 23, shape, ..Synth::new(api) };
        synth.write(&path).unwrap();
        std::fs::remove_file(path.join("manifest.json")).unwrap();
        let mut marks = 0;
        for entry in std::fs::read_dir(&path).unwrap().flatten() {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            let planted: String = text
                .lines()
                .map(|line| {
                    let mut value: Value = serde_json::from_str(line).unwrap();
                    mark(&mut value, "", plant);
                    format!("{value}\n")
                })
                .collect();
            marks += planted.matches(MARK).count();
            std::fs::write(entry.path(), planted).unwrap();
        }
        assert!(marks > 500, "{marks} marks");
        Export { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("export")
    }

    /// The text of the claims, as lines.
    fn claims(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path().join("ExplanationOfBenefit.ndjson")).unwrap();
        text.lines().map(str::to_string).collect()
    }

    fn set_claims(&self, lines: &[Vec<u8>]) {
        std::fs::write(self.path().join("ExplanationOfBenefit.ndjson"), lines.join(&b'\n')).unwrap();
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// Runs the command with as much to say as it can, and looks for marks in all that it left; its exit code.
    fn run(&self, arguments: &[&str]) -> i32 {
        let mut command = claimfeed();
        command.stdin(Stdio::null());
        self.run_with(command, arguments)
    }

    fn run_with(&self, mut command: Command, arguments: &[&str]) -> i32 {
        let temp = self.folder.path().join("tmp");
        std::fs::create_dir_all(&temp).unwrap();
        command.args(arguments).env("TMPDIR", &temp);
        command.env("RUST_BACKTRACE", "full").env("RUST_LOG", "trace");
        command.env("BCDA_CLIENT_ID", "id").env("BCDA_CLIENT_SECRET", format!("secret{MARK}"));
        let Output { status, stdout, stderr } = command.output().unwrap();
        // A table that was asked for there may have them.
        let is_table = arguments.windows(2).any(|pair| pair == ["-o", "-"]);
        let said = if is_table { stderr } else { [stdout, stderr].concat() };
        clean("what was said", &said, false);
        assert!(!String::from_utf8_lossy(&said).contains("found one at src"), "{}", String::from_utf8_lossy(&said));
        let left: Vec<_> = std::fs::read_dir(&temp).unwrap().flatten().map(|entry| entry.file_name()).collect();
        assert!(left.is_empty(), "left in the folder for temporary files: {left:?}");
        self.look();
        status.code().unwrap_or(-1)
    }

    fn key(&self) -> String {
        let path = self.folder.path().join("key");
        std::fs::write(&path, "7d".repeat(32)).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        path.display().to_string()
    }

    /// Marks in tables with pseudonyms and shifted dates, but for columns that are kept; how many columns were looked at.
    fn look_behind_pseudonyms(&self) -> usize {
        let lines = common::read_csv(&Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/pseudonyms.csv")).1;
        let kind = |table: &str, field: &str| {
            let line = lines.iter().find(|line| (line[0] == table || line[0] == "*") && line[1] == field);
            line.unwrap_or_else(|| panic!("{table}.{field} has no kind"))[2].clone()
        };
        let mut columns = 0;
        for entry in std::fs::read_dir(self.out()).unwrap().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let text = std::fs::read(entry.path()).unwrap();
            let number = name.split(".ZC").nth(1).and_then(|rest| rest.split(['Y', 'R']).next());
            let (table, (header, rows)) = match (number, name.strip_suffix(".csv")) {
                (Some("0"), _) | (_, Some("CCLF0")) | (None, None) => {
                    clean(&name, &text, true);
                    continue;
                }
                (_, Some("issues")) => {
                    clean("issues.csv", &text, true);
                    continue;
                }
                (Some(number), _) => {
                    let table = format!("CCLF{number}");
                    let records = common::layouts::read_fixed(&table, &text);
                    (table, records)
                }
                (_, Some(table)) => (table.to_string(), common::read_csv(&entry.path())),
            };
            for (at, field) in header.iter().enumerate().filter(|(_, field)| kind(&table, field) != "kept") {
                let cells: Vec<&str> = rows.iter().map(|row| row[at].as_str()).collect();
                clean(&format!("{table}.{field}"), cells.join("\n").as_bytes(), true);
                columns += usize::from(cells.iter().any(|cell| !cell.is_empty()));
            }
        }
        columns
    }

    /// Marks in files beside the tables, rights of all of them.
    fn look(&self) {
        self.look_in(&self.out());
    }

    fn look_in(&self, folder: &Path) {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        assert_eq!(std::fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            assert!(!name.contains(MARK));
            if name == "partial" {
                self.look_in(&entry.path());
                continue;
            }
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{name}");
            if name == "issues.csv" {
                let issues = common::read_csv(&entry.path());
                let id = issues.0.iter().position(|column| column == "id").unwrap();
                for mut row in issues.1 {
                    row.remove(id);
                    clean("issues.csv", row.join(",").as_bytes(), true);
                }
            } else if name == "summary.json" || name == "report.html" {
                clean(&name, &std::fs::read(entry.path()).unwrap(), false);
            } else {
                assert!(name.starts_with("CCLF") || name.starts_with("P.") || name == "enrollment.csv", "{name}");
            }
        }
    }
}

/// No mark in it, nor a birthday.
fn clean(what: &str, bytes: &[u8], short: bool) {
    let text = String::from_utf8_lossy(bytes);
    for secret in [MARK, BORN, &BORN.replace('-', "")] {
        let at = text.find(secret);
        let around =
            at.map(|at| text[at.saturating_sub(if short { 400 } else { 60 })..].chars().take(200).collect::<String>());
        assert!(at.is_none(), "a mark in {what}: {around:?}");
    }
}

/// What becomes of the n-th claim.
type Damage = dyn Fn(usize, &str) -> Vec<u8>;

const CCLF: [&str; 8] =
    ["--format", "cclf", "--entity", "A0001", "--performance-year", "2026", "--delivered", "2026-11-20"];

fn every_way(api: Api, plant: Plant) {
    let export = Export::planted(api, plant);
    let (input, out) = (export.path().display().to_string(), export.out().display().to_string());
    let convert = |more: &[&str]| {
        let arguments = [&["convert", &input, "-o", &out, "--force", "--api", api.name()], more].concat();
        export.run(&arguments)
    };
    let mut codes = Vec::new();
    let formats: [&[&str]; 6] = [
        &["--lineage", "--enrollment"],
        &["--format", "parquet,arrow"],
        &CCLF,
        &["--strict"],
        &["--verify", "full"],
        &["--adjustments", "cclf-pairs", "--parser", "tape"],
    ];
    for more in formats {
        codes.push(convert(more));
        codes.push(export.run(&["report", &out]));
        codes.push(export.run(&["report", &out, "--json"]));
    }
    if plant == Plant::Values {
        let marks = std::fs::read_to_string(export.out().join("CCLF8.csv")).unwrap().matches(MARK).count();
        assert!(marks > 0, "the tables have the values");
    }

    let key = export.key();
    let veil = |more: &[&str]| {
        let _ = std::fs::remove_dir_all(export.out());
        let code = convert(&[&["--pseudonymize", key.as_str(), "--shift-dates"][..], more].concat());
        let columns = if code == 0 || code == 3 { export.look_behind_pseudonyms() } else { 0 };
        (code, columns)
    };
    let (code, columns) = veil(&["--lineage", "--enrollment"]);
    assert!(plant != Plant::Values || columns > 40, "{columns} columns with something in them");
    codes.push(code);
    codes.push(veil(&["--adjustments", "cclf-pairs"]).0);
    codes.push(veil(&CCLF).0);

    // Damage of every kind, in every claim: cut, a byte changed, a value of another kind, a number for a text.
    let claims = export.claims();
    let kinds: [&Damage; 6] = [
        &|n, line| line.as_bytes()[..line.len() * (n % 9 + 1) / 10].to_vec(),
        &|n, line| {
            let mut bytes = line.as_bytes().to_vec();
            let at = bytes.len() * (n % 11) / 11;
            bytes[at] = [0xFF, 0, b'"', b'\\'][n % 4];
            bytes
        },
        &|_, line| line.replace("\"value\":", &format!("\"value\":\"{MARK}\",\"other\":")).into_bytes(),
        &|_, line| line.replace("\"end\":\"", &format!("\"end\":\"{MARK}")).into_bytes(),
        &|_, line| line.replace("\"reference\":\"", &format!("\"reference\":\"{MARK}")).into_bytes(),
        &|_, line| {
            line.replace("\"identifier\":[", &format!("\"identifier\":[{},", json!({"value": MARK, "system": MARK})))
                .into_bytes()
        },
    ];
    for kind in kinds {
        let damaged: Vec<Vec<u8>> = claims.iter().enumerate().map(|(n, line)| kind(n, line)).collect();
        export.set_claims(&damaged);
        codes.push(convert(&["--lineage"]));
        codes.push(convert(&CCLF));
        codes.push(convert(&["--strict"]));
        codes.push(veil(&["--lineage"]).0);
        codes.push(export.run(&["bench", &input, "--rounds", "1", "--threads", "1"]));
    }
    let lines: Vec<Vec<u8>> = claims.iter().map(|line| line.clone().into_bytes()).collect();
    export.set_claims(&lines);

    // The world fails.
    let full = |blocks: u32| {
        let mut command = Command::new("sh");
        let limit = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        command.args(["-c", &limit, "sh", env!("CARGO_BIN_EXE_claimfeed")]).stdin(Stdio::null());
        export.run_with(command, &["convert", &input, "-o", &out, "--force", "--api", api.name()])
    };
    codes.extend([0, 8, 32].map(full));
    codes.push(convert(&["--schemas", "/nowhere"]));
    codes.push(convert(&["--tables", "CCLF99"]));
    for other in Api::ALL {
        codes.push(export.run(&["convert", &input, "-o", &out, "--force", "--api", other.name()]));
    }
    codes.push(export.run(&["convert", &input, "/nowhere", "-o", &out, "--force"]));

    // Other ways in and out, and what is said for programs.
    let _ = std::fs::remove_dir_all(export.out());
    codes.push(convert(&["--partial", "--lineage"]));
    codes.push(convert(&["--partial", "--pseudonymize", &key, "--shift-dates"]));
    codes.push(convert(&["--log-format", "json", "--strict"]));
    codes.push(export.run(&["convert", &input, "-o", "-", "--tables", "CCLF5"]));
    codes.push(export.run(&[
        "convert",
        &input,
        "-o",
        "-",
        "--tables",
        "CCLF8",
        "--format",
        "arrow-stream",
        "--strict",
    ]));
    let mut piped = claimfeed();
    let lines = std::fs::File::open(export.path().join("ExplanationOfBenefit.ndjson")).unwrap();
    piped.stdin(Stdio::from(lines));
    codes.push(export.run_with(piped, &["convert", "-", "-o", &out, "--force", "--api", api.name()]));

    // Where nobody answers: credentials and what was asked for stay with us.
    let (raw, nobody) = (export.folder.path().join("raw"), "http://127.0.0.1:9");
    let raw_name = raw.display().to_string();
    for command in
        [&["fetch", "-o", &raw_name][..], &["run", "-o", &raw_name, "--out", &out, "--force"], &["jobs", "list"]]
    {
        codes.push(export.run(&[command, &["--server", nobody, "--tries", "1"]].concat()));
    }
    let mut folders = vec![raw];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata().unwrap() {
                meta if meta.is_dir() => folders.push(entry.path()),
                meta => {
                    assert_eq!(meta.permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
                    clean("what fetch keeps", &std::fs::read(entry.path()).unwrap(), false);
                }
            }
        }
    }
    codes.sort_unstable();
    codes.dedup();
    eprintln!("{}: exit codes {codes:?}", api.name());
    assert!(!codes.contains(&101) && codes.contains(&2) && codes.contains(&3), "{codes:?}");
}

#[test]
fn values_v1() {
    every_way(Api::V1, Plant::Values);
}

#[test]
fn values_v2() {
    every_way(Api::V2, Plant::Values);
}

#[test]
fn values_v3() {
    every_way(Api::V3, Plant::Values);
}

#[test]
fn codes() {
    every_way(Api::V2, Plant::Codes);
    every_way(Api::V3, Plant::Codes);
}

#[test]
fn texts_and_keys() {
    every_way(Api::V2, Plant::All);
}

/// What others can see of a process that runs: its arguments, and that its files are its own.
#[test]
fn what_others_see_of_a_run() {
    let export = Export::planted(Api::V2, Plant::Values);
    let input = export.path().join("ExplanationOfBenefit.ndjson");
    let line = std::fs::read(&input).unwrap();
    std::fs::write(&input, line.repeat(60)).unwrap();
    for _ in 0..3 {
        let _ = std::fs::remove_dir_all(export.out());
        let mut command = claimfeed();
        command.arg("convert").arg(export.path()).arg("-o").arg(export.out()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut seen = 0;
        while child.try_wait().unwrap().is_none() {
            let cmdline = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap_or_default();
            clean("the arguments", &cmdline, false);
            for entry in std::fs::read_dir(export.out()).into_iter().flatten().flatten() {
                let Ok(meta) = entry.metadata() else { continue };
                assert_eq!(meta.permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
                clean("a file's name", entry.file_name().as_encoded_bytes(), false);
                seen += 1;
            }
            // Killed in the middle: what stays is hidden and its own.
            if seen > 40 {
                let _ = child.kill();
            }
        }
        clean("what was said", &child.wait_with_output().unwrap().stderr, false);
        assert!(seen > 0);
        for entry in std::fs::read_dir(export.out()).unwrap().flatten() {
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
        }
    }
    assert!(Path::new("/proc/self/cmdline").exists(), "this test needs /proc");
}
