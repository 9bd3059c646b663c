//! Compressed files that are cut, damaged, followed by something, or far larger than they look.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use claimfeed::{Api, Error};

use super::is_long;
use super::lot::{CLAIMS, Material, rows, run};

fn gzip(text: &[u8]) -> Vec<u8> {
    // Two members, as servers send them.
    let mut bytes = Vec::new();
    let middle = text.len() / 2;
    for part in [&text[..middle], &text[middle..]] {
        let mut encoder = flate2::write::GzEncoder::new(&mut bytes, flate2::Compression::default());
        encoder.write_all(part).unwrap();
        encoder.finish().unwrap();
    }
    bytes
}

/// With a checksum, as the command `zstd` writes it: without one nobody can tell a changed byte.
fn zstd(text: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

struct Export {
    folder: tempfile::TempDir,
    text: Vec<u8>,
    sound: std::collections::HashMap<u64, Vec<String>>,
}

impl Export {
    fn new() -> Export {
        let material = Material::of(Api::V2);
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("export")).unwrap();
        std::fs::write(folder.path().join("export/people.ndjson"), material.people.join("\n")).unwrap();
        let mut text = material.claims.join("\n").into_bytes();
        text.push(b'\n');
        let mut export = Export { folder, text, sound: Default::default() };
        let text = export.text.clone();
        assert_eq!(export.convert(&text).unwrap(), (false, String::new()));
        export.sound = rows(&export.folder.path().join("out"), CLAIMS);
        assert!(export.sound.len() >= 7);
        export
    }

    /// Whether there were losses, and what the issue of the file says.
    fn convert(&self, claims: &[u8]) -> Result<(bool, String), Error> {
        std::fs::write(self.folder.path().join("export").join(CLAIMS), claims).unwrap();
        let (report, _) = run(&self.folder.path().join("export"), &self.folder.path().join("out"))?;
        let broken = report.issues.iter().find(|issue| issue.kind == "broken-file");
        Ok((report.has_losses(), broken.map_or(String::new(), |issue| issue.message.clone())))
    }

    fn rows(&self) -> std::collections::HashMap<u64, Vec<String>> {
        rows(&self.folder.path().join("out"), CLAIMS)
    }
}

fn some(length: usize) -> impl Iterator<Item = usize> {
    let step = if is_long() { 1 } else { length.div_ceil(12).max(1) };
    (0..length).step_by(step).chain(if is_long() { 0..0 } else { length.saturating_sub(12)..length })
}

fn cut(pack: fn(&[u8]) -> Vec<u8>) {
    let export = Export::new();
    let bytes = pack(&export.text);
    let (mut tried, mut between) = (0, 0);
    // Where another member begins, also in the short run.
    let member = bytes.windows(3).skip(1).position(|magic| magic == [0x1F, 0x8B, 8]).map(|at| at + 1);
    for at in some(bytes.len()).chain(member.filter(|_| !is_long())) {
        tried += 1;
        let result = export.convert(&bytes[..at]);
        // Fewer bytes than its magic are no compressed file: empty, or a line that is no JSON.
        let Ok((losses, message)) = result else { panic!("cut at {at}: {result:?}") };
        let rows = export.rows();
        assert!(rows.iter().all(|(line, rows)| export.sound.get(line) == Some(rows)), "cut at {at}: a line changed");
        if at < 4 {
            continue;
        }
        if message.is_empty() {
            // Between two members nobody can see a cut; half a line there is no JSON.
            between += 1;
            let middle = export.text.len() / 2;
            assert!(losses || export.text[middle - 1] == b'\n', "cut at {at}: half a line went without a word");
        } else {
            assert!(message.contains("is cut short: lines from here on are lost"), "cut at {at}: {message}");
        }
    }
    assert!(between <= 1, "{between} cuts were not seen");
    eprintln!("cut at {tried} offsets of {}", bytes.len());
}

/// `bits` of the byte at an offset: each is a conversion, a tenth of a second of it.
fn flipped<const N: usize>(pack: fn(&[u8]) -> Vec<u8>, bits: impl Fn(usize) -> [usize; N]) {
    let export = Export::new();
    let bytes = pack(&export.text);
    let (mut tried, mut harmless) = (0, 0);
    for at in some(bytes.len()) {
        for bit in bits(at) {
            tried += 1;
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            match export.convert(&bytes) {
                Ok((true, _)) => {}
                Ok((false, message)) => {
                    harmless += 1;
                    assert!(message.is_empty());
                    assert_eq!(export.rows(), export.sound, "byte {at}, bit {bit}: changed without a word");
                }
                Err(error) => panic!("byte {at}, bit {bit}: {error}"),
            }
        }
    }
    eprintln!("{tried} bits flipped in {} bytes, {harmless} of them meaning nothing", bytes.len());
    assert!(harmless * 10 < tried, "{harmless} of {tried}");
}

#[test]
fn gzip_cut() {
    cut(gzip);
}

#[test]
fn zstd_cut() {
    cut(zstd);
}

#[test]
fn gzip_flipped() {
    flipped(gzip, |_| [0, 3, 7]);
}

#[test]
fn zstd_flipped() {
    flipped(zstd, |at| [at % 8]);
}

#[test]
fn something_follows() {
    let export = Export::new();
    for pack in [gzip as fn(&[u8]) -> Vec<u8>, zstd] {
        for garbage in
            [&b"garbage"[..], b"\n", b"{\"resourceType\":\"Patient\"}\n", &[0; 512], &[0x1F, 0x8B], b"\x28\xb5\x2f"]
        {
            let bytes = [pack(&export.text), garbage.to_vec()].concat();
            let (losses, message) = export.convert(&bytes).unwrap();
            assert!(losses, "{garbage:?} passed");
            assert!(message.starts_with("expected the file to go on, found that the compressed file is"), "{message}");
            assert_eq!(export.rows(), export.sound, "{garbage:?}: lines before it stay");
        }
    }
    // An empty member, which BCDA appends to every file, is none.
    let bytes = [gzip(&export.text), gzip(b"")].concat();
    assert_eq!(export.convert(&bytes).unwrap(), (false, String::new()));
    assert_eq!(export.rows(), export.sound);
}

/// Converts in a process that may not have more memory than this.
fn with_memory(megabytes: u64, export: &Path, out: &Path) -> (i32, String) {
    let limit = format!("ulimit -v {}; exec \"$@\"", megabytes << 10);
    let program = env!("CARGO_BIN_EXE_claimfeed");
    let output = Command::new("sh")
        .args(["-c", &limit, "sh", program, "convert", "--api", "v2"])
        .arg(export)
        .arg("-o")
        .arg(out)
        .output();
    let output = output.unwrap();
    (output.status.code().unwrap_or(-1), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn bombs() {
    let megabytes: u64 = if is_long() { 8 << 10 } else { 96 };
    for (name, block) in
        [("no-lines", vec![b' '; 1 << 20]), ("blank-lines", vec![b'\n'; 1 << 20]), ("nesting", vec![b'['; 1 << 20])]
    {
        let folder = tempfile::tempdir().unwrap();
        let export = Export::new();
        let claims = export.folder.path().join("export").join(CLAIMS);
        let file = std::fs::File::create(&claims).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::best());
        encoder.write_all(&export.text).unwrap();
        for _ in 0..megabytes {
            encoder.write_all(&block).unwrap();
        }
        encoder.write_all(b"\n").unwrap();
        encoder.write_all(&export.text).unwrap();
        encoder.finish().unwrap();
        let packed = std::fs::metadata(&claims).unwrap().len();
        let out = folder.path().join("out");
        let (code, said) = with_memory(1500, &export.folder.path().join("export"), &out);
        let is_line = name != "blank-lines";
        assert_eq!(code, if is_line { 3 } else { 0 }, "{name}: {said}");
        let summary: serde_json::Value =
            serde_json::from_slice(&std::fs::read(out.join("summary.json")).unwrap()).unwrap();
        let input = &summary["inputs"][0];
        let claims = 2 * export.sound.len() as u64;
        assert_eq!(input["resources"]["ExplanationOfBenefit"], claims, "{name}: claims on both sides");
        assert_eq!(
            summary["issues"].as_array().unwrap().iter().filter(|issue| issue["kind"] == "long-line").count(),
            usize::from(is_line)
        );
        if !is_line {
            assert_eq!(input["blank_lines"], (megabytes << 20) + 1);
        }
        eprintln!("{name}: {megabytes} MB in {packed} bytes");
    }
}
