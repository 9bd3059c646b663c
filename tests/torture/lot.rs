//! Damaged claims between sound ones, in one export: what becomes of both.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use claimfeed::job::{Adjustments, Job, Observer};
use claimfeed::report::{Issue, Report};
use claimfeed::sandbox::{Resource, Shape, Synth};
use claimfeed::write::csv::CsvSink;
use claimfeed::{Api, Result};

/// Bytes of one lot, about.
const SIZE: usize = 24 << 20;

/// Damaged claims in a row; a group of the scanner holds some of them and their sound neighbour.
const BETWEEN: usize = 3;

/// Patient and Coverages of one beneficiary, and a small claim of every kind.
pub struct Material {
    pub people: Vec<String>,
    pub claims: Vec<String>,
}

impl Material {
    pub fn of(api: Api) -> Material {
        let mut material = Material { people: Vec::new(), claims: Vec::new() };
        let synth = Synth {
            claims_per_beneficiary: 60,
            seed: 5,
            shape: Shape { mix: [1.0; 8], ..Shape::plain() },
            ..Synth::new(api)
        };
        let mut smallest: BTreeMap<String, String> = BTreeMap::new();
        synth.beneficiary(0, &mut |resource, line| {
            let line = String::from_utf8(line.to_vec()).unwrap();
            if resource != Resource::ExplanationOfBenefit {
                return material.people.push(line);
            }
            let kept = smallest.entry(family(&line)).or_insert_with(|| line.clone());
            if line.len() < kept.len() {
                *kept = line;
            }
        });
        assert!(smallest.len() >= 7, "claims of most kinds: {:?}", smallest.keys());
        material.claims = smallest.into_values().collect();
        material
    }

    /// A claim of this kind.
    pub fn claim(&self, kind: &str) -> &str {
        self.claims.iter().find(|claim| family(claim) == kind).unwrap_or_else(|| panic!("no claim of {kind}"))
    }

    fn sound(&self) -> &str {
        self.claims.iter().min_by_key(|claim| claim.len()).unwrap()
    }
}

/// The EOB type.
fn family(claim: &str) -> String {
    let claim: serde_json::Value = serde_json::from_str(claim).unwrap();
    let codings = claim["type"]["coding"].as_array().unwrap();
    let is_eob = |coding: &&serde_json::Value| coding["system"].as_str().unwrap().to_lowercase().ends_with("/eob-type");
    codings.iter().find(is_eob).unwrap()["code"].as_str().unwrap().to_string()
}

/// What became of damaged records.
#[derive(Debug, Default)]
pub struct Verdict {
    pub damaged: u64,
    /// with rows
    pub written: u64,
    /// with an issue, or left out by a rule
    pub told: u64,
}

impl Verdict {
    pub fn add(&mut self, other: Verdict) {
        self.damaged += other.damaged;
        self.written += other.written;
        self.told += other.told;
    }
}

/// Hears of issues: their lines, per file.
#[derive(Default)]
pub struct Told(pub HashMap<String, HashMap<u64, Vec<Issue>>>);

impl Observer for Told {
    fn issue(&mut self, issue: &Issue, file: &str) -> Result<()> {
        let name = file.rsplit('/').next().unwrap_or_default().to_string();
        self.0.entry(name).or_default().entry(issue.line).or_default().push(issue.clone());
        Ok(())
    }

    fn restart(&mut self) -> Result<()> {
        self.0.clear();
        Ok(())
    }
}

/// Converts the folder with lineage, every version of a claim.
pub fn run(folder: &Path, out: &Path) -> Result<(Report, Told)> {
    std::fs::create_dir_all(out).unwrap();
    let mut job = Job::new([folder])?;
    job.lineage = true;
    job.adjustments = Adjustments::Raw;
    job.threads = 2;
    let mut told = Told::default();
    let report = job.run(&mut CsvSink::new(out), &mut told)?;
    Ok((report, told))
}

/// Rows of claims by line: table, and cells without the line number.
pub fn rows(out: &Path, file: &str) -> HashMap<u64, Vec<String>> {
    let mut rows: HashMap<u64, Vec<String>> = HashMap::new();
    let mut tables: Vec<_> = std::fs::read_dir(out).unwrap().map(|entry| entry.unwrap().path()).collect();
    tables.sort();
    for table in tables {
        let name = table.file_stem().unwrap().to_string_lossy().into_owned();
        if name == "CCLF0" {
            continue;
        }
        let mut reader = csv::Reader::from_path(&table).unwrap();
        for row in reader.records() {
            let row = row.unwrap();
            let width = row.len();
            if &row[width - 2] == file {
                let cells: Vec<&str> = row.iter().take(width - 1).collect();
                rows.entry(row[width - 1].parse().unwrap()).or_default().push(format!("{name}: {}", cells.join("|")));
            }
        }
    }
    rows
}

pub const CLAIMS: &str = "claims.ndjson";

/// Judges all of the damaged texts, which are lines without their end, in lots.
pub fn judge<D: AsRef<[u8]>>(
    material: &Material,
    damaged: impl Iterator<Item = D>,
    name: impl Fn(u64) -> String,
) -> Verdict {
    let baseline = baseline(material);
    let mut verdict = Verdict::default();
    let mut lot: Vec<D> = Vec::new();
    let mut size = 0;
    let mut close = |lot: &mut Vec<D>| {
        let first = verdict.damaged;
        let name = |at: usize| name(first + at as u64);
        match judge_lot(material, &baseline, lot, &name) {
            Ok(judged) => verdict.add(judged),
            Err(_) => panic!("{}: one damaged record ends the run", guilty(material, &baseline, lot, &name)),
        }
        lot.clear();
    };
    for text in damaged {
        size += text.as_ref().len();
        lot.push(text);
        if size > SIZE {
            close(&mut lot);
            size = 0;
        }
    }
    if !lot.is_empty() {
        close(&mut lot);
    }
    verdict
}

/// The rows of the sound claim when nothing is damaged.
fn baseline(material: &Material) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), material, &[material.sound().as_bytes().to_vec()].concat());
    run(&folder.path().join("export"), &folder.path().join("out")).unwrap();
    let rows = rows(&folder.path().join("out"), CLAIMS).remove(&1).unwrap();
    assert!(!rows.is_empty());
    rows
}

fn write(folder: &Path, material: &Material, claims: &[u8]) {
    let export = folder.join("export");
    std::fs::create_dir(&export).unwrap();
    std::fs::write(export.join("people.ndjson"), material.people.join("\n")).unwrap();
    std::fs::write(export.join(CLAIMS), claims).unwrap();
}

/// An error if the run ended.
fn judge_lot<D: AsRef<[u8]>>(
    material: &Material,
    baseline: &[String],
    lot: &[D],
    name: &dyn Fn(usize) -> String,
) -> Result<Verdict> {
    let sound = material.sound().as_bytes();
    let mut text = Vec::new();
    // Which text a line is of; `None`: a sound one.
    let mut lines: Vec<Option<usize>> = Vec::new();
    let mut push = |bytes: &[u8], of: Option<usize>| {
        text.extend_from_slice(bytes);
        text.push(b'\n');
        lines.extend(std::iter::repeat_n(of, bytes.split(|byte| *byte == b'\n').count()));
    };
    push(sound, None);
    for (at, damaged) in lot.iter().enumerate() {
        push(damaged.as_ref(), Some(at));
        if at % BETWEEN == 0 || at + 1 == lot.len() {
            push(sound, None);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), material, &text);
    let out = folder.path().join("out");
    let (report, told) = run(&folder.path().join("export"), &out)?;
    let input = report.inputs.iter().find(|input| input.file.ends_with(CLAIMS)).unwrap();
    assert_eq!((input.lines, input.uncompressed_bytes), (lines.len() as u64, text.len() as u64));
    assert!(report.reconciles() || report.has_losses());

    let rows = rows(&out, CLAIMS);
    let issues = told.0.get(CLAIMS);
    let texts: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    let (mut written, mut said) = (HashSet::new(), HashSet::new());
    for (at, of) in lines.iter().enumerate() {
        let line = at as u64 + 1;
        let rows = rows.get(&line);
        let issues = issues.and_then(|issues| issues.get(&line));
        let Some(of) = *of else {
            assert_eq!(
                rows.map(Vec::as_slice),
                Some(baseline),
                "a sound line changed near {}",
                name(nearest(&lines, at))
            );
            assert!(issues.is_none(), "a sound line has issues near {}", name(nearest(&lines, at)));
            continue;
        };
        if rows.is_some() {
            written.insert(of);
        }
        if issues.is_some() {
            said.insert(of);
        }
        let blank = Some(texts[at]).filter(|_| rows.is_none() && issues.is_none());
        assert!(blank.is_none_or(|line| line.iter().all(u8::is_ascii_whitespace)), "gone without a word: {}", name(of));
    }
    Ok(Verdict { damaged: lot.len() as u64, written: written.len() as u64, told: said.len() as u64 })
}

fn nearest(lines: &[Option<usize>], at: usize) -> usize {
    lines[..at].iter().rev().find_map(|of| *of).unwrap_or(0)
}

/// The first of the lot that ends a run by itself.
fn guilty<D: AsRef<[u8]>>(
    material: &Material,
    baseline: &[String],
    lot: &[D],
    name: &dyn Fn(usize) -> String,
) -> String {
    let mut range = 0..lot.len();
    while range.len() > 1 {
        let middle = range.start + range.len() / 2;
        let ends = judge_lot(material, baseline, &lot[range.start..middle], &|at| name(range.start + at)).is_err();
        range = if ends { range.start..middle } else { middle..range.end };
    }
    let error = judge_lot(material, baseline, &lot[range.clone()], &|at| name(at)).err();
    format!("{}: {}", name(range.start), error.map_or(String::new(), |error| error.to_string()))
}
