//! `claimfeed bench`

use std::path::PathBuf;

use claimfeed::bench::{Bench, Measured, Spread};
use claimfeed::job::Job;
use claimfeed::parse::{Parser, Verify};
use claimfeed::{Api, Error, Result};

use super::signals::interruption;
use super::table::Columns;

/// Measure how fast each stage is on an export and this machine
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claimfeed bench export/
  claimfeed bench export/ --threads 1,2,8 --rounds 9 --json > speeds.json

Each stage runs together with all before it and none behind it; share is what it adds to the time of the whole. Speeds are
bytes of uncompressed NDJSON by wall time (stage read: bytes of the files), medians of the rounds. The files are read before
the clock starts: what fits into memory comes from there, not from the disk. Tables of the last stage go to a private folder
that is removed again; after a kill or a second signal, by the next bench with the same --scratch.")]
pub struct BenchCommand {
    /// Files or folders of an export (plain, gzip or zstd)
    #[arg(required = true)]
    input: Vec<PathBuf>,
    /// Numbers of workers [default: 1, 2, 4, ... and one per core]
    #[arg(long, value_delimiter = ',', value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Vec<u16>,
    /// How often each speed is measured
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// Only these tables, e.g. CCLF1,CCLF5
    #[arg(long, value_delimiter = ',', value_name = "TABLES")]
    tables: Vec<String>,
    /// Folder with own layouts, crosswalks or value maps
    #[arg(long, value_name = "DIR")]
    schemas: Option<PathBuf>,
    /// How much of a claim must be sound JSON: what is used of it, or every byte
    #[arg(long, value_parser = ["used", "full"], default_value = "used")]
    verify: String,
    /// What reads the claims
    #[arg(long, value_parser = ["scan", "tape"], default_value = "scan", hide = true)]
    parser: String,
    /// Where tables are written for a while [default: the system's folder for such]
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// For programs: every speed with its spread
    #[arg(long)]
    json: bool,
}

impl BenchCommand {
    /// Runs it.
    pub fn run(self) -> Result<u8> {
        for input in &self.input {
            let meta = |path: &PathBuf| std::fs::metadata(path).map_err(|error| Error::file("read", path, error));
            if input.as_os_str() == "-" || !meta(input).map(|meta| meta.is_file() || meta.is_dir())? {
                return Err(Error::Usage(format!(
                    "expected files or folders, which can be read again, found `{}`\n  hint: save it to a file first",
                    input.display()
                )));
            }
        }
        let mut job = Job::new(&self.input)?;
        job.tables = self.tables;
        job.verify = if self.verify == "full" { Verify::Full } else { Verify::Used };
        job.parser = if self.parser == "tape" { Parser::Tape } else { Parser::Scan };
        if let Some(folder) = &self.schemas {
            job.schemas = claimfeed::crosswalk::schema::Schemas::with_folder(folder)?;
        }
        let threads = match &self.threads[..] {
            [] => up_to(claimfeed::job::cores()),
            given => given.iter().map(|threads| usize::from(*threads)).collect(),
        };
        let rounds = usize::from(self.rounds);
        let scratch = self.scratch.unwrap_or_else(std::env::temp_dir);
        let interrupted = interruption(&scratch)?;
        let bench = Bench { job, threads, rounds, scratch, interrupted };
        let measured = bench.run(|round| match round {
            0 => super::tell("warming up\n"),
            _ => super::tell(&format!("round {round} of {rounds}\n")),
        })?;
        if self.json {
            let mut text = serde_json::to_vec_pretty(&measured)
                .map_err(|error| Error::file("write to", std::path::Path::new("standard output"), error.into()))?;
            text.push(b'\n');
            return super::print(&text);
        }
        super::print(show(&measured).as_bytes())
    }
}

/// Powers of two below, and the number itself.
fn up_to(cores: usize) -> Vec<usize> {
    let mut threads: Vec<usize> = std::iter::successors(Some(1), |n| Some(n * 2)).take_while(|n| *n < cores).collect();
    threads.push(cores);
    threads
}

/// The speeds for a person.
fn show(measured: &Measured) -> String {
    let Measured { producer, api, files, file_bytes, bytes, lines, cores, rounds, .. } = measured;
    let codecs: Vec<String> = measured.codecs.iter().map(|codec| format!("{codec:?}").to_lowercase()).collect();
    let mut text = format!(
        "{producer}: {:.1} MB of API {} in {lines} lines, {files} files ({}, {:.1} MB), {cores} cores, medians of {rounds} rounds\n",
        *bytes as f64 / 1e6,
        Api::name(*api),
        codecs.join(", "),
        *file_bytes as f64 / 1e6,
    );
    let mut threads: Vec<usize> = measured.speeds.iter().map(|speed| speed.threads).collect();
    threads.dedup();
    for threads in threads {
        let speeds: Vec<_> = measured.speeds.iter().filter(|speed| speed.threads == threads).collect();
        let whole = speeds.last().map_or(0.0, |speed| speed.seconds.median);
        let title = if threads == 1 { "1 thread".to_string() } else { format!("{threads} threads") };
        let mut columns = Columns::new(&[&title, "GB/s", "seconds", "min", "max", "share %", "adds"]);
        let mut before = 0.0;
        for speed in speeds {
            let Spread { median, min, max } = speed.seconds;
            columns.row([
                speed.stage.name().to_string(),
                format!("{:.2}", speed.gigabytes_per_second),
                format!("{median:.3}"),
                format!("{min:.3}"),
                format!("{max:.3}"),
                format!("{:.0}", 100.0 * (median - before) / whole.max(1e-9)),
                speed.stage.adds().to_string(),
            ]);
            before = median;
        }
        text.push('\n');
        text.push_str(&columns.to_string());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_go_up_to_the_cores() {
        assert_eq!(up_to(1), [1]);
        assert_eq!(up_to(2), [1, 2]);
        assert_eq!(up_to(6), [1, 2, 4, 6]);
        assert_eq!(up_to(8), [1, 2, 4, 8]);
    }
}
