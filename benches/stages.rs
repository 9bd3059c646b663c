//! Speeds of the stages on a synthetic export, in bytes per second, each checked before it is timed.
//!
//! Bytes are those of the input, from inflate to the end; for pictures and formats they are those of the cells. Trust
//! the ratios of one run, not single figures: machines are shared. `claimfeed bench` measures an export of one's own.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::sync::{Arc, Mutex};

use claimfeed::Api;
use claimfeed::crosswalk::picture::Picture;
use claimfeed::crosswalk::program::Crosswalk;
use claimfeed::crosswalk::row::Row;
use claimfeed::crosswalk::schema::Schemas;
use claimfeed::crosswalk::walk::Walker;
use claimfeed::job::{Job, Silent};
use claimfeed::parse::scan::Scanner;
use claimfeed::parse::tape::{PADDING, TapeParser};
use claimfeed::parse::view::Resource as View;
use claimfeed::parse::{Cursor, Parser};
use claimfeed::read::feed::CHUNK;
use claimfeed::read::{Chunk, Feed, Input};
use claimfeed::sandbox::{Resource, Synth};
use claimfeed::write::arrow::ArrowSink;
use claimfeed::write::batches::{BatchSink, Container};
use claimfeed::write::csv::CsvSink;
use claimfeed::write::{CellNote, Encoder, OutTable, Part, Sink};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Bytes that are indexed at once, as in a job.
const GROUP: usize = 16 << 10;

/// Claims as a job groups them: text, and where each of its lines begins and ends.
struct Group {
    text: Vec<u8>,
    lines: Vec<(usize, usize)>,
}

fn each_claim(api: Api, beneficiaries: u64, mut each: impl FnMut(&[u8])) {
    let synth = Synth { beneficiaries, ..Synth::new(api) };
    for index in 0..beneficiaries {
        synth.beneficiary(index, &mut |resource, line| {
            if resource == Resource::ExplanationOfBenefit {
                each(line.trim_ascii_end());
            }
        });
    }
}

fn add(groups: &mut Vec<Group>, claim: &[u8]) {
    if groups.last().is_none_or(|group| group.text.len() >= GROUP) {
        groups.push(Group { text: Vec::new(), lines: Vec::new() });
    }
    if let Some(group) = groups.last_mut() {
        let start = group.text.len();
        group.text.extend_from_slice(claim);
        group.lines.push((start, group.text.len()));
        group.text.push(b'\n');
    }
}

fn bytes(groups: &[Group]) -> u64 {
    groups.iter().map(|group| group.text.len() as u64).sum()
}

/// Hands every record of the groups to `each`, which gives its end; how many were sound.
fn records(
    scanner: &mut Scanner,
    groups: &[Group],
    mut each: impl FnMut(&claimfeed::parse::scan::record::Record<'_>) -> u32,
) -> usize {
    let mut sound = 0;
    for group in groups {
        let indexed = scanner.group(&group.text).expect("the generator writes JSON");
        for (start, end) in &group.lines {
            let record = indexed.record(*start, *end);
            let end = each(&record);
            sound += usize::from(record.is_sound(end));
        }
    }
    sound
}

fn compiled(api: Api) -> Crosswalk {
    let schemas = Schemas::embedded().expect("the shipped schemas read");
    Crosswalk::compile(&schemas, api).expect("the shipped schemas compile")
}

fn index_and_scan(criterion: &mut Criterion) {
    for api in Api::ALL {
        let mut groups = Vec::new();
        each_claim(api, 20, |claim| add(&mut groups, claim));
        let claims: usize = groups.iter().map(|group| group.lines.len()).sum();
        let mut scanner = Scanner::default();

        let mut group = criterion.benchmark_group("index");
        group.throughput(Throughput::Bytes(bytes(&groups)));
        group.bench_function(BenchmarkId::from_parameter(api), |bencher| {
            bencher.iter(|| groups.iter().filter(|group| black_box(scanner.group(&group.text)).is_some()).count());
        });
        group.finish();

        let mut skip = || records(&mut scanner, &groups, |record| record.skip(record.root()));
        assert_eq!(skip(), claims, "every claim is passed over to its end");
        let mut group = criterion.benchmark_group("scan");
        group.throughput(Throughput::Bytes(bytes(&groups)));
        group.bench_function(BenchmarkId::from_parameter(api), |bencher| bencher.iter(|| black_box(skip())));
        group.finish();
    }
}

/// The claim's family as the tape sees it.
fn family(parser: &mut TapeParser, claim: &[u8]) -> String {
    let mut buffer = claim.to_vec();
    buffer.resize(claim.len() + PADDING, 0);
    let record = parser.parse(&mut buffer, claim.len()).expect("the generator writes JSON");
    let View::ExplanationOfBenefit(eob) = View::of(&record) else { panic!("a claim") };
    let family = eob.family().unwrap_or("none").to_string();
    parser.recycle(record);
    family
}

fn plan(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan");
    for api in Api::ALL {
        let crosswalk = compiled(api);
        let mut parser = TapeParser::default();
        let mut families: BTreeMap<String, Vec<Group>> = BTreeMap::new();
        each_claim(api, 40, |claim| add(families.entry(family(&mut parser, claim)).or_default(), claim));
        assert!(families.len() >= 6, "most families turn up: {:?}", families.keys());
        let mut scanner = Scanner::default();
        let mut walker = Walker::default();
        for (family, groups) in &families {
            let claims: usize = groups.iter().map(|group| group.lines.len()).sum();
            let mut walk = || records(&mut scanner, groups, |record| walker.walk(&crosswalk.eob, record));
            assert_eq!(walk(), claims, "{api} {family}: every claim is sound");
            group.throughput(Throughput::Bytes(bytes(groups)));
            group.bench_function(BenchmarkId::new(family, api), |bencher| bencher.iter(|| black_box(walk())));
        }
    }
    group.finish();
}

fn pictures(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("picture");
    for (name, picture, text, expected) in [
        ("amount", Picture::Decimal { whole: 13, scale: 2 }, "1234.5", "1234.50"),
        ("date", Picture::Date, "2020-11-28T00:00:00+00:00", "2020-11-28"),
        ("digits", Picture::Digits { width: 10 }, "0017", "0017"),
        ("text", Picture::Text { width: 40 }, "Harborlight Street 5", "Harborlight Street 5"),
    ] {
        let mut out = Vec::new();
        assert!(picture.fit(text, false, &mut out).is_ok() && out == expected.as_bytes(), "{name}");
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                out.clear();
                black_box(picture.fit(black_box(text), false, &mut out))
            });
        });
    }
    group.finish();
}

/// The rows of a job, by table.
#[derive(Clone, Default)]
struct Kept {
    tables: Vec<OutTable>,
    rows: Arc<Mutex<Vec<(usize, Row)>>>,
}

struct Keep(usize, Arc<Mutex<Vec<(usize, Row)>>>);

impl Encoder for Keep {
    fn row(&mut self, row: &Row) -> claimfeed::Result<()> {
        self.1.lock().expect("no panic").push((self.0, row.clone()));
        Ok(())
    }

    fn take(&mut self) -> claimfeed::Result<Part> {
        Ok(Part::Bytes(Vec::new()))
    }

    fn notes(&self) -> &[CellNote] {
        &[]
    }
}

impl Sink for Kept {
    fn begin(&mut self, tables: &[OutTable]) -> claimfeed::Result<()> {
        self.tables = tables.to_vec();
        self.rows.lock().expect("no panic").clear();
        Ok(())
    }

    fn encoder(&self, table: usize) -> claimfeed::Result<Box<dyn Encoder>> {
        Ok(Box::new(Keep(table, self.rows.clone())))
    }

    fn part(&mut self, _table: usize, _part: Part) -> claimfeed::Result<()> {
        Ok(())
    }

    fn finish(&mut self) -> claimfeed::Result<()> {
        Ok(())
    }
}

/// All rows into a sink, in parts of some hundred.
fn write(tables: &[OutTable], rows: &[(usize, Row)], sink: &mut dyn Sink) {
    sink.begin(tables).expect("a sink");
    let mut encoders: Vec<_> = (0..tables.len()).map(|table| sink.encoder(table).expect("an encoder")).collect();
    for some in rows.chunks(500) {
        for (table, row) in some {
            encoders[*table].row(row).expect("a row");
        }
        for (table, encoder) in encoders.iter_mut().enumerate() {
            let part = encoder.take().expect("a part");
            sink.part(table, part).expect("a part taken");
        }
    }
    sink.finish().expect("complete");
}

fn formats(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let export = folder.path().join("export");
    Synth { beneficiaries: 30, ..Synth::new(Api::V2) }.write(&export).expect("an export");
    let mut kept = Kept::default();
    let job = Job { threads: 1, ..Job::new([&export]).expect("a job") };
    job.run(&mut kept, &mut Silent).expect("a report");
    let rows = std::mem::take(&mut *kept.rows.lock().expect("no panic"));
    let cells: usize = rows.iter().map(|(_, row)| row.marked().len()).sum();

    let target = folder.path().join("tables");
    std::fs::create_dir(&target).expect("a folder");
    let size = |name: &str| std::fs::metadata(target.join(name)).expect("a table").len();
    let mut group = criterion.benchmark_group("format");
    group.sample_size(20);
    group.throughput(Throughput::Bytes(cells as u64));
    write(&kept.tables, &rows, &mut CsvSink::new(&target));
    let lines = std::fs::read_to_string(target.join("CCLF5.csv")).expect("a table").lines().count();
    let of_table = rows.iter().filter(|(table, _)| kept.tables[*table].name == "CCLF5").count();
    assert!(of_table > 500 && lines == of_table + 1, "{lines} lines of {of_table} rows");
    group.bench_function("csv", |bencher| {
        bencher.iter(|| write(&kept.tables, &rows, &mut CsvSink::new(&target)));
    });
    let batches = || {
        let mut count = 0;
        let mut sink = ArrowSink::new(|_, batch| {
            count += batch.num_rows();
            Ok(())
        });
        write(&kept.tables, &rows, &mut sink);
        drop(sink);
        count
    };
    assert_eq!(batches(), rows.len());
    group.bench_function("arrow", |bencher| bencher.iter(|| black_box(batches())));
    write(&kept.tables, &rows, &mut BatchSink::new(&target, Container::Parquet));
    assert!(size("CCLF5.parquet") > 1000);
    group.bench_function("parquet", |bencher| {
        bencher.iter(|| write(&kept.tables, &rows, &mut BatchSink::new(&target, Container::Parquet)));
    });
    group.finish();
}

/// Drains a feed; lines and bytes.
fn drain(files: &[std::path::PathBuf]) -> (usize, u64) {
    let sources = Input::expand(files, Path::new("/")).expect("files").sources;
    let feed = Feed::new(&sources, (0..sources.len()).collect(), CHUNK);
    let mut chunk = Chunk::default();
    let (mut lines, mut bytes) = (0, 0);
    while feed.next(&mut chunk).expect("chunks") {
        assert!(chunk.trouble.is_none());
        lines += chunk.lines.len();
        bytes += chunk.lines.iter().map(|line| (line.len + line.end) as u64).sum::<u64>();
    }
    (lines, bytes)
}

fn inflate(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut text = Vec::new();
    let mut claims = 0;
    each_claim(Api::V2, 100, |claim| {
        text.extend_from_slice(claim);
        text.push(b'\n');
        claims += 1;
    });
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut gzip, &text).expect("memory takes all");
    let mut group = criterion.benchmark_group("inflate");
    group.sample_size(20);
    group.throughput(Throughput::Bytes(text.len() as u64));
    for (name, bytes) in [
        ("plain", text.clone()),
        ("gzip", gzip.finish().expect("memory takes all")),
        ("zstd", zstd::encode_all(&text[..], 3).expect("memory takes all")),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        let files = [path];
        assert_eq!(drain(&files), (claims, text.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| black_box(drain(&files))));
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
            let run = || {
                let target = tempfile::tempdir().expect("a temporary folder");
                let job = Job { parser, ..job(threads) };
                job.run(&mut CsvSink::new(target.path()), &mut Silent).expect("a report").tables["CCLF5"]
            };
            assert!(run() > 1000);
            group.bench_function(BenchmarkId::new(name, api), |bencher| bencher.iter(|| black_box(run())));
        }
    }
    group.finish();
}

criterion_group!(benches, inflate, index_and_scan, plan, pictures, formats, convert);
criterion_main!(benches);
