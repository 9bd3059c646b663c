//! Same input, same bytes: one table of everything that may be chosen without changing what comes out.

mod common;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use claimfeed::Api;
use claimfeed::job::{Job, Silent};
use claimfeed::parse::{Parser, Verify};
use claimfeed::sandbox::Synth;
use claimfeed::write::Sink;
use claimfeed::write::batches::{BatchSink, Container};
use claimfeed::write::csv::CsvSink;
use common::claimfeed;

type Files = BTreeMap<String, Vec<u8>>;

fn files(folder: &Path) -> Files {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let files: Files = entries
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).unwrap()))
        .filter(|(name, _)| name.starts_with("CCLF"))
        .collect();
    assert!(!files.is_empty());
    files
}

/// Only names and sizes in a failure, not the tables.
fn same(found: &Files, expected: &Files, case: &str) {
    let differ: Vec<_> = expected.keys().filter(|name| found.get(*name) != expected.get(*name)).collect();
    assert!(found.len() == expected.len() && differ.is_empty(), "{case}: {differ:?} differ");
}

fn pack(codec: &str, text: &[u8]) -> Vec<u8> {
    match codec {
        "gzip" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        }
        "zstd" => zstd::encode_all(text, 1).unwrap(),
        _ => text.to_vec(),
    }
}

/// The same export plain, in gzip and in zstd, under the same names: lineage has them.
fn exports(api: Api, folder: &Path) -> Vec<(&'static str, PathBuf)> {
    let plain = folder.join("plain");
    let synth = Synth { beneficiaries: 4, claims_per_beneficiary: 6, files: 2, seed: 17, ..Synth::new(api) };
    synth.write(&plain).unwrap();
    let mut exports = vec![("plain", plain.clone())];
    for codec in ["gzip", "zstd"] {
        let packed = folder.join(codec);
        std::fs::create_dir(&packed).unwrap();
        for entry in std::fs::read_dir(&plain).unwrap().flatten() {
            std::fs::write(packed.join(entry.file_name()), pack(codec, &std::fs::read(entry.path()).unwrap())).unwrap();
        }
        exports.push((codec, packed));
    }
    exports
}

fn converted(export: &Path, out: &Path, change: impl FnOnce(&mut Job), sink: fn(&Path) -> Box<dyn Sink>) -> Files {
    let _ = std::fs::remove_dir_all(out);
    std::fs::create_dir(out).unwrap();
    let mut job = Job::new([export]).unwrap();
    job.lineage = true;
    change(&mut job);
    job.run(sink(out).as_mut(), &mut Silent).unwrap();
    files(out)
}

fn csv(folder: &Path) -> Box<dyn Sink> {
    Box::new(CsvSink::new(folder))
}

fn parquet(folder: &Path) -> Box<dyn Sink> {
    Box::new(BatchSink::new(folder, Container::Parquet))
}

fn table(api: Api) {
    let folder = tempfile::tempdir().unwrap();
    let exports = exports(api, folder.path());
    let out = folder.path().join("out");
    let mut tried = 0;
    for (format, sink) in [("csv", csv as fn(&Path) -> Box<dyn Sink>), ("parquet", parquet)] {
        let expected = converted(&exports[0].1, &out, |job| job.threads = 1, sink);
        for (codec, export) in &exports {
            for threads in [1, 2, 7] {
                for chunk in [2 << 10, 37_777, 64 << 20] {
                    for (parser, verify) in
                        [(Parser::Scan, Verify::Used), (Parser::Scan, Verify::Full), (Parser::Tape, Verify::Used)]
                    {
                        // Not every way of everything: each pair of choices meets.
                        let is_other = (threads + chunk + verify as usize + parser as usize) % 2 == 1 && threads > 1;
                        if is_other || format == "parquet" && chunk != 37_777 {
                            continue;
                        }
                        let change = |job: &mut Job| {
                            (job.threads, job.chunk, job.parser, job.verify) = (threads, chunk, parser, verify);
                        };
                        let found = converted(export, &out, change, sink);
                        same(&found, &expected, &format!("{format}, {codec}, {threads} threads, chunks of {chunk}"));
                        tried += 1;
                    }
                }
            }
        }
    }
    eprintln!("{}: {tried} ways, the same bytes", api.name());
    assert!(tried > 50, "{tried}");
}

#[test]
fn threads_chunks_codecs_parsers_v1() {
    table(Api::V1);
}

#[test]
fn threads_chunks_codecs_parsers_v2() {
    table(Api::V2);
}

#[test]
fn threads_chunks_codecs_parsers_v3() {
    table(Api::V3);
}

/// The command on every kind of processor that this machine can stand for.
#[test]
fn processors() {
    for api in Api::ALL {
        let folder = tempfile::tempdir().unwrap();
        let export = &exports(api, folder.path())[0].1;
        let mut first: Option<Files> = None;
        let ways = claimfeed::parse::scan::wide::ways();
        for way in ways.iter().map(|(name, _)| *name).chain(["portable"]) {
            let out = folder.path().join(way);
            let mut command = claimfeed();
            command.arg("convert").arg(export).arg("-o").arg(&out).arg("--lineage").env("CLAIMFEED_INDEX", way);
            assert!(matches!(command.output().unwrap().status.code(), Some(0 | 3)));
            let found = files(&out);
            same(&found, first.get_or_insert_with(|| found.clone()), way);
        }
        eprintln!("{}: {} and portable", api.name(), ways.len());
    }
}
