//! Speeds of the stages on a synthetic export, in bytes of input per second, each checked before it is timed.
//!
//! Trust the ratios of one run, not single figures: machines are shared.

use std::hint::black_box;

use claimfeed::Api;
use claimfeed::crosswalk::picture::Picture;
use claimfeed::crosswalk::program::Crosswalk;
use claimfeed::crosswalk::schema::Schemas;
use claimfeed::crosswalk::walk::Walker;
use claimfeed::job::{Job, Silent};
use claimfeed::parse::tape::{PADDING, TapeParser};
use claimfeed::parse::{Cursor, Parser, Step};
use claimfeed::sandbox::{Resource, Synth};
use claimfeed::write::arrow::ArrowSink;
use claimfeed::write::csv::CsvSink;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Claims of a small export, one after another with room for the parser.
fn claims(api: Api) -> (Vec<Vec<u8>>, u64) {
    let synth = Synth { beneficiaries: 20, ..Synth::new(api) };
    let mut claims = Vec::new();
    for index in 0..synth.beneficiaries {
        synth.beneficiary(index, &mut |resource, line| {
            if resource == Resource::ExplanationOfBenefit {
                claims.push(line.to_vec());
            }
        });
    }
    let bytes = claims.iter().map(|line| line.len() as u64).sum();
    (claims, bytes)
}

fn parse_and_walk(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("record");
    for api in Api::ALL {
        let (claims, bytes) = claims(api);
        let schemas = Schemas::embedded().expect("the shipped schemas read");
        let crosswalk = Crosswalk::compile(&schemas, api).expect("the shipped schemas compile");
        group.throughput(Throughput::Bytes(bytes));
        let mut parser = TapeParser::default();
        let mut walker = Walker::default();
        let mut buffer = Vec::new();
        let mut each = |work: &mut dyn FnMut(&claimfeed::parse::tape::TapeRecord<'_>) -> usize| {
            let mut members = 0;
            for claim in &claims {
                buffer.clear();
                buffer.extend_from_slice(claim);
                buffer.resize(claim.len() + PADDING, 0);
                let record = parser.parse(&mut buffer, claim.len()).expect("the generator writes JSON");
                members += work(&record);
                parser.recycle(record);
            }
            members
        };
        let mut members = |record: &claimfeed::parse::tape::TapeRecord<'_>| {
            let mut count = 0;
            record.members(record.root(), |_, value| {
                count += 1;
                Step::Past(record.skip(value))
            });
            count
        };
        assert!(each(&mut members) > 10 * claims.len());
        group.bench_function(BenchmarkId::new("tape", api), |bencher| {
            bencher.iter(|| black_box(each(&mut members)));
        });
        group.bench_function(BenchmarkId::new("tape and walk", api), |bencher| {
            bencher.iter(|| {
                black_box(each(&mut |record| {
                    walker.walk(&crosswalk.eob, record);
                    walker.frames.ambiguous.len()
                }))
            });
        });
    }
    group.finish();
}

fn convert(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("convert");
    group.sample_size(10);
    for api in Api::ALL {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let export = folder.path().join("export");
        let tally = Synth { beneficiaries: 60, ..Synth::new(api) }.write(&export).expect("an export");
        group.throughput(Throughput::Bytes(tally.bytes()));
        let job = |threads| Job { threads, ..Job::new([&export]).expect("a job") };
        for (name, threads, parser) in [
            ("tape, 1 thread", 1, Parser::Tape),
            ("scan, 1 thread", 1, Parser::Scan),
            ("scan, 2 threads", 2, Parser::Scan),
        ] {
            group.bench_function(BenchmarkId::new(name, api), |bencher| {
                bencher.iter(|| {
                    let target = tempfile::tempdir().expect("a temporary folder");
                    let job = Job { parser, ..job(threads) };
                    let report = job.run(&mut CsvSink::new(target.path()), &mut Silent).expect("a report");
                    assert!(report.tables["CCLF5"] > 1000);
                });
            });
        }
        group.bench_function(BenchmarkId::new("scan, 1 thread, arrow", api), |bencher| {
            bencher.iter(|| {
                let mut rows = 0;
                let mut sink = ArrowSink::new(|_, batch| {
                    rows += batch.num_rows();
                    Ok(())
                });
                let report = job(1).run(&mut sink, &mut Silent).expect("a report");
                drop(sink);
                assert!(rows as u64 > report.tables["CCLF5"]);
            });
        });
    }
    group.finish();
}

fn pictures(criterion: &mut Criterion) {
    let amount = Picture::Decimal { whole: 13, scale: 2 };
    let mut out = Vec::new();
    assert!(amount.fit("1234.5", false, &mut out).is_ok() && out == b"1234.50");
    criterion.bench_function("picture/amount", |bencher| {
        bencher.iter(|| {
            out.clear();
            black_box(amount.fit(black_box("1234.5"), false, &mut out))
        });
    });
}

criterion_group!(benches, parse_and_walk, convert, pictures);
criterion_main!(benches);
