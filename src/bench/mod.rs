//! How fast each stage is on a user's own export and machine.
//!
//! Every stage is measured by running it together with all stages before it and nothing behind it, so that the
//! differences tell what each one costs. All stages and thread counts take turns within a round, because other work on
//! the machine then hits all of them alike; what counts is the median of the rounds.

mod scratch;
mod stage;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use serde::Serialize;

use self::scratch::Scratch;
pub use self::stage::Stage;
use crate::api::Api;
use crate::error::{Error, Result};
use crate::job::Job;
use crate::read::codec::Codec;

/// What to measure.
#[derive(Debug)]
pub struct Bench {
    /// inputs, tables and parser; its threads do not count
    pub job: Job,
    /// numbers of workers
    pub threads: Vec<usize>,
    /// how often; at least 1
    pub rounds: usize,
    /// folder in which a private one is made for the tables, and removed again
    pub scratch: PathBuf,
    /// once set, it ends with [`Error::Interrupted`]
    pub interrupted: Arc<AtomicBool>,
}

/// What was measured.
#[derive(Debug, Serialize)]
pub struct Measured {
    /// program and version
    pub producer: String,
    /// of the export
    pub api: Api,
    /// number of input files
    pub files: usize,
    /// how they are compressed, each way once
    pub codecs: Vec<Codec>,
    /// on disk
    pub file_bytes: u64,
    /// of NDJSON
    pub bytes: u64,
    /// of NDJSON
    pub lines: u64,
    /// processors this process may use
    pub cores: usize,
    /// measurements of each speed
    pub rounds: usize,
    /// by number of threads, then in order of the stages
    pub speeds: Vec<Speed>,
}

/// The speed of the stages up to one of them.
#[derive(Debug, Serialize)]
pub struct Speed {
    /// the last one that ran
    pub stage: Stage,
    /// workers
    pub threads: usize,
    /// bytes that passed: those of the files for [`Stage::Read`], else those of NDJSON
    pub bytes: u64,
    /// wall time
    pub seconds: Spread,
    /// bytes by the median of the seconds
    pub gigabytes_per_second: f64,
}

/// Several measurements of the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// the middle one; of an even number the mean of two
    pub median: f64,
    /// the smallest
    pub min: f64,
    /// the largest
    pub max: f64,
}

impl Spread {
    /// Of at least one measurement.
    pub fn of(mut values: Vec<f64>) -> Spread {
        values.sort_by(f64::total_cmp);
        let (first, last) = (values[0], values[values.len() - 1]);
        let median = (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0;
        Spread { median, min: first, max: last }
    }
}

impl Bench {
    /// Measures; `tell` hears which round begins. One more round before them is not measured: it warms caches.
    pub fn run(&self, mut tell: impl FnMut(usize)) -> Result<Measured> {
        let opened = self.job.open()?;
        let scratch = Scratch::within(&self.scratch)?;
        let bench =
            stage::Bench { job: &self.job, opened: &opened, scratch: scratch.path(), interrupted: &self.interrupted };
        let sources = &opened.input.sources;
        let all = bench.run(Stage::Lines, 1)?;

        let runs: Vec<(usize, Stage)> =
            self.threads.iter().flat_map(|threads| Stage::ALL.map(|stage| (*threads, stage))).collect();
        let mut seconds = vec![Vec::new(); runs.len()];
        for round in 0..=self.rounds.max(1) {
            tell(round);
            for ((threads, stage), seconds) in runs.iter().zip(&mut seconds) {
                let started = Instant::now();
                let passed = bench.run(*stage, *threads)?;
                let elapsed = started.elapsed().as_secs_f64();
                if *stage != Stage::Read && passed != all {
                    return Err(Error::Usage("expected the same input in every stage, found that it changes".into()));
                }
                if round > 0 {
                    seconds.push(elapsed);
                }
            }
        }
        let file_bytes = sources.iter().map(|source| source.size()).sum();
        let speed = |((threads, stage), seconds): ((usize, Stage), Vec<f64>)| {
            let bytes = if stage == Stage::Read { file_bytes } else { all.bytes };
            let seconds = Spread::of(seconds);
            Speed {
                stage,
                threads,
                bytes,
                seconds,
                gigabytes_per_second: bytes as f64 / 1e9 / seconds.median.max(1e-9),
            }
        };
        let mut codecs: Vec<Codec> = Vec::new();
        for source in sources {
            if !codecs.contains(&source.codec()) {
                codecs.push(source.codec());
            }
        }
        Ok(Measured {
            producer: concat!("claimfeed ", env!("CARGO_PKG_VERSION")).to_string(),
            api: opened.crosswalk.api,
            files: sources.len(),
            codecs,
            file_bytes,
            bytes: all.bytes,
            lines: all.lines,
            cores: crate::job::cores(),
            rounds: self.rounds,
            speeds: runs.into_iter().zip(seconds).map(speed).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_two() {
        let spread = |values: &[f64]| {
            let Spread { median, min, max } = Spread::of(values.to_vec());
            (median, min, max)
        };
        assert_eq!(spread(&[3.0]), (3.0, 3.0, 3.0));
        assert_eq!(spread(&[3.0, 1.0, 2.0]), (2.0, 1.0, 3.0));
        assert_eq!(spread(&[4.0, 1.0, 3.0, 2.0]), (2.5, 1.0, 4.0));
    }
}
