//! One stage with all before it, run over the whole input.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde::Serialize;

use crate::crosswalk::walk::Walker;
use crate::error::{Error, Result};
use crate::job::{Job, Observer, Opened, Place, Reader, Take, Tally};
use crate::parse::Cursor;
use crate::read::feed::CHUNK;
use crate::read::{Chunk, Feed, Source};
use crate::write::Sink;
use crate::write::csv::CsvSink;
use crate::write::discard::Discard;

/// How far a run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// the files as they are, read into memory that is used again: what the machine allows
    Read,
    /// inflated if they are compressed, cut into lines, numbered
    Lines,
    /// quotes and brackets found, strings checked, each record passed over
    Index,
    /// values that the crosswalk wants found in each record
    Walk,
    /// a whole run, its rows made and counted, then dropped
    Rows,
    /// its rows as CSV in input order, then dropped
    Csv,
    /// its CSV files written and synced
    Disk,
}

impl Stage {
    /// In order.
    pub const ALL: [Stage; 7] =
        [Stage::Read, Stage::Lines, Stage::Index, Stage::Walk, Stage::Rows, Stage::Csv, Stage::Disk];

    /// As JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Read => "read",
            Stage::Lines => "lines",
            Stage::Index => "index",
            Stage::Walk => "walk",
            Stage::Rows => "rows",
            Stage::Csv => "csv",
            Stage::Disk => "disk",
        }
    }

    /// What it adds to the one before.
    pub fn adds(self) -> &'static str {
        match self {
            Stage::Read => "read() of the files: this machine's limit",
            Stage::Lines => "inflate if need be, lines",
            Stage::Index => "quotes, brackets, UTF-8",
            Stage::Walk => "values found",
            Stage::Rows => "rows made, counts, both passes",
            Stage::Csv => "CSV text in input order",
            Stage::Disk => "files written and synced",
        }
    }
}

/// What passed through a stage.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    pub bytes: u64,
    pub lines: u64,
}

/// What stays the same for all stages.
pub struct Bench<'b> {
    pub job: &'b Job,
    pub opened: &'b Opened,
    /// an empty folder for the tables
    pub scratch: &'b Path,
    pub interrupted: &'b AtomicBool,
}

/// Ends a job once it is interrupted.
struct Until<'b>(&'b AtomicBool);

impl Observer for Until<'_> {
    fn progress(&mut self, _done: u64, _total: u64) -> Result<()> {
        go_on(self.0)
    }
}

fn go_on(interrupted: &AtomicBool) -> Result<()> {
    if interrupted.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
}

impl Bench<'_> {
    /// Runs the stages up to this one.
    pub fn run(&self, stage: Stage, threads: usize) -> Result<Passed> {
        match stage {
            Stage::Read => read(&self.opened.input.sources, threads, self.interrupted),
            Stage::Lines => self.each_chunk(threads, || |chunk: &Chunk| Ok(lines(chunk))),
            Stage::Index => self.each_record(threads, || Pass),
            Stage::Walk => self.each_record(threads, || Walk { opened: self.opened, walker: Walker::default() }),
            Stage::Rows => self.convert(threads, &mut Discard::Rows),
            Stage::Csv => self.convert(threads, &mut Discard::Csv),
            Stage::Disk => self.convert(threads, &mut CsvSink::new(self.scratch)),
        }
    }

    fn convert(&self, threads: usize, sink: &mut dyn Sink) -> Result<Passed> {
        let job = Job { threads, ..self.job.clone() };
        let report = job.run(sink, &mut Until(self.interrupted))?;
        let add = |passed: Passed, input: &crate::report::InputReport| Passed {
            bytes: passed.bytes + input.uncompressed_bytes,
            lines: passed.lines + input.lines,
        };
        Ok(report.inputs.iter().fold(Passed::default(), add))
    }

    fn each_record<T: Take>(&self, threads: usize, taker: impl Fn() -> T + Sync) -> Result<Passed> {
        self.each_chunk(threads, || {
            let mut reader = Reader::new(self.job.parser, self.job.verify);
            let mut taker = taker();
            move |chunk: &Chunk| {
                let mut tally = Tally::default();
                reader.each_record(chunk, &mut tally, &mut taker)?;
                Ok(Passed { bytes: tally.bytes, lines: tally.lines })
            }
        })
    }

    /// Chunks to as many workers; `worker` makes one.
    fn each_chunk<W: FnMut(&Chunk) -> Result<Passed>>(
        &self,
        threads: usize,
        worker: impl Fn() -> W + Sync,
    ) -> Result<Passed> {
        let sources = &self.opened.input.sources;
        let feed = Feed::new(sources, (0..sources.len()).collect(), self.job.chunk);
        side_by_side(threads, |passed| {
            let mut worker = worker();
            let mut chunk = Chunk::default();
            let mut each = || {
                while feed.next(&mut chunk)? {
                    go_on(self.interrupted)?;
                    let Passed { bytes, lines } = worker(&chunk)?;
                    passed.bytes += bytes;
                    passed.lines += lines;
                }
                Ok(())
            };
            // The others may wait for what this one will not read any more.
            each().inspect_err(|_| feed.stop())
        })
    }
}

/// Runs the same on several threads and adds up what passed.
fn side_by_side(threads: usize, one: impl Fn(&mut Passed) -> Result<()> + Sync) -> Result<Passed> {
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                let mut passed = Passed::default();
                let result = one(&mut passed).map(|()| passed);
                // A thread that panicked ends the scope with its panic, so nobody reads what it left.
                results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(result);
            });
        }
    });
    let results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    results.into_iter().try_fold(Passed::default(), |sum, passed| {
        let passed = passed?;
        Ok(Passed { bytes: sum.bytes + passed.bytes, lines: sum.lines + passed.lines })
    })
}

/// The bytes of all files, in pieces of a chunk, into one buffer per thread.
fn read(sources: &[Source], threads: usize, interrupted: &AtomicBool) -> Result<Passed> {
    use std::os::unix::fs::FileExt;
    let pieces = |source: &Source| (0..source.size()).step_by(CHUNK).collect::<Vec<_>>();
    let all: Vec<(usize, u64)> = sources
        .iter()
        .enumerate()
        .flat_map(|(at, source)| pieces(source).into_iter().map(move |from| (at, from)))
        .collect();
    let files = sources.iter().map(Source::open).collect::<Result<Vec<_>>>()?;
    let next = AtomicUsize::new(0);
    side_by_side(threads, |passed| {
        let mut buffer = vec![0; CHUNK];
        while let Some((at, from)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            go_on(interrupted)?;
            let mut filled = 0;
            while filled < CHUNK {
                match files[*at].read_at(&mut buffer[filled..], from + filled as u64) {
                    Ok(0) => break,
                    Ok(n) => filled += n,
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(Error::file("read", &sources[*at].path, error)),
                }
            }
            std::hint::black_box(&buffer);
            passed.bytes += filled as u64;
        }
        Ok(())
    })
}

fn lines(chunk: &Chunk) -> Passed {
    let bytes: u64 = chunk.lines.iter().map(|line| (line.len + line.end) as u64).sum();
    Passed { bytes: bytes + chunk.dropped, lines: chunk.lines.len() as u64 }
}

/// Passes over every record.
struct Pass;

impl Take for Pass {
    fn walk<C: Cursor<At = u32>>(&mut self, record: &C) -> Option<u32> {
        Some(record.skip(record.root()))
    }

    fn take<C: Cursor<At = u32>>(&mut self, _: &C, _: Place, _: &mut Tally) -> Result<()> {
        Ok(())
    }
}

/// Walks every record as if it were a claim; most are.
struct Walk<'b> {
    opened: &'b Opened,
    walker: Walker<u32>,
}

impl Take for Walk<'_> {
    fn walk<C: Cursor<At = u32>>(&mut self, record: &C) -> Option<u32> {
        let end = self.walker.walk(&self.opened.crosswalk.eob, record);
        std::hint::black_box(&self.walker.frames);
        Some(end)
    }

    fn take<C: Cursor<At = u32>>(&mut self, _: &C, _: Place, _: &mut Tally) -> Result<()> {
        Ok(())
    }
}
