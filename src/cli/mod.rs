//! The command line: the only place that knows clap.
//!
//! Data goes to files or standard output, everything said to a person goes to standard error. Exit codes: 0 done,
//! 1 the run failed, 2 it was asked for something that cannot be, 3 done with losses (or `--strict` met one),
//! 4 control sums differ, 5 login refused, 6 job or server failed, 101 a bug, 130 interrupted.

mod bench;
mod bug;
mod convert;
mod fetch;
mod fixed;
mod format;
mod jobs;
mod listing;
mod log;
mod made;
mod report;
mod run;
mod sandbox;
mod schema;
mod server;
mod show;
mod signals;
mod stale;
mod synth;
mod table;
mod target;
mod watch;

use std::io::Write;

use clap::{CommandFactory, Parser, Subcommand};

/// Turns BCDA exports (FHIR) of Medicare claims into CCLF tables.
#[derive(Debug, Parser)]
#[command(name = "claimfeed", version, max_term_width = 110)]
#[command(after_help = "\
Examples:
  claimfeed convert export/ -o tables                 every table of an export as CSV
  claimfeed convert export/ -o tables --tables CCLF5  one table
  zcat *.gz | claimfeed convert - -o tables           from standard input
  claimfeed run -o export --out tables                fetch an export from BCDA and convert it
  claimfeed schema --coverage CCLF8                   where each field comes from, in every API version

Exit codes: 0 done, 1 failed, 2 asked for something that cannot be, 3 done with losses, 4 control sums differ,
5 login refused, 6 job or server failed, 101 a bug, 130 interrupted.")]
struct Command {
    #[command(flatten)]
    log: log::LogArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Convert an export into CCLF tables
    Convert(Box<convert::Convert>),
    /// Fetch an export from a server
    Fetch(Box<fetch::FetchCommand>),
    /// Fetch an export and convert it, each file as soon as it is whole
    Run(Box<run::RunCommand>),
    /// See and end the jobs of an organisation
    Jobs(jobs::JobsCommand),
    /// Ask a server about itself
    Server(server::ServerCommand),
    /// Reconcile a finished conversion: in against out, fill rates, what was left out
    Report(report::ReportCommand),
    /// Show layouts, and where each field comes from
    Schema(schema::Schema),
    /// Make a synthetic export to try things on
    Synth(synth::SynthCommand),
    /// Measure how fast each stage is on an export and this machine
    Bench(bench::BenchCommand),
    /// Serve a BCDA of one's own on this machine, with such an export
    Sandbox(sandbox::SandboxCommand),
    /// Print a completion script for a shell
    Completions {
        /// which shell
        shell: clap_complete::Shell,
    },
}

/// Runs the command; gives its exit code.
pub fn run() -> u8 {
    bug::guarded(dispatch)
}

fn dispatch() -> u8 {
    let command = Command::parse();
    command.log.apply();
    let result = match command.verb {
        Verb::Convert(convert) => convert.run(),
        Verb::Fetch(fetch) => fetch.run(),
        Verb::Run(run) => run.run(),
        Verb::Jobs(jobs) => jobs.run(),
        Verb::Server(server) => server.run(),
        Verb::Report(report) => report.run(),
        Verb::Schema(schema) => schema.run(),
        Verb::Synth(synth) => synth.run(),
        Verb::Bench(bench) => bench.run(),
        Verb::Sandbox(sandbox) => sandbox.run(),
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Command::command(), "claimfeed", &mut script);
            print(&script)
        }
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            log::error(&error);
            error.exit_code()
        }
    }
}

/// Says what was done.
fn tell(text: &str) {
    log::info(text);
}

/// Writes to standard output; a reader that has gone away is no failure.
fn print(bytes: &[u8]) -> claimfeed::Result<u8> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(claimfeed::Error::file("write to", std::path::Path::new("standard output"), error))
        }
        _ => Ok(0),
    }
}
