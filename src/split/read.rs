//! Reads one split: a thread that owns everything makes batches, a bounded channel brings them.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::context::Context;
use super::options::Options;
use super::plan::Split;
use super::schema::{cut, numbered, of_job};
use super::{VERSIONS, versions};
use crate::error::{Error, Result};
use crate::job::{Job, Observer, Piece, strict_message};
use crate::read::Source;
use crate::report::{Issue, Report, Weight};
use crate::write::arrow::ArrowSink;

/// Batches that may wait for the reader.
const WAITING: usize = 2;

/// What the thread sends.
pub(super) type Sent = SyncSender<RecordBatch>;

/// The batches of a split, in input order. Dropped early, it ends its thread.
#[derive(Debug)]
pub struct Reader {
    schema: SchemaRef,
    batches: Option<Receiver<RecordBatch>>,
    thread: Option<JoinHandle<Result<Report>>>,
    report: Option<Report>,
}

impl Split {
    /// The rows of a table of claims, every version of every claim; or, as the table [`VERSIONS`], the versions.
    pub fn read(&self, table: &str, context: &Context, options: &Options) -> Result<Reader> {
        if table.eq_ignore_ascii_case(VERSIONS) {
            return self.versions(options);
        }
        let job = options.job(Some(table), self.api)?;
        let schema = of_job(&job, options)?;
        let work = Work { split: self.clone(), job, context: context.clone(), strict: options.strict };
        let (shape, projected) = (schema.clone(), !options.columns.is_empty());
        Reader::start(schema, move |sent| work.run(sent, shape, projected))
    }

    /// One row for every claim, those too that give no rows: see [`VERSIONS`].
    pub fn versions(&self, options: &Options) -> Result<Reader> {
        let (split, job) = (self.clone(), options.job(None, self.api)?);
        Reader::start(versions::schema(), move |sent| versions::send(&split, &job, sent))
    }
}

impl Reader {
    pub(super) fn start(
        schema: SchemaRef,
        work: impl FnOnce(Sent) -> Result<Report> + Send + 'static,
    ) -> Result<Reader> {
        let (sent, batches) = sync_channel(WAITING);
        let thread = std::thread::Builder::new().name("split".to_string()).spawn(move || work(sent));
        let thread = thread.map_err(|error| Error::Usage(format!("cannot start a thread: {error}")))?;
        Ok(Reader { schema, batches: Some(batches), thread: Some(thread), report: None })
    }

    /// Of every batch.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// The next batch, `None` at the end; or, if it is not there in time, `Err(Waiting)`.
    pub fn wait(&mut self, timeout: Duration) -> std::result::Result<Option<Result<RecordBatch>>, Waiting> {
        let Some(batches) = &self.batches else { return Ok(None) };
        match batches.recv_timeout(timeout) {
            Ok(batch) => Ok(Some(Ok(batch))),
            Err(RecvTimeoutError::Timeout) => Err(Waiting),
            Err(RecvTimeoutError::Disconnected) => {
                self.batches = None;
                Ok(self.end().err().map(Err))
            }
        }
    }

    /// What was read. To be asked at the end; what is left of the rows is dropped.
    pub fn report(&mut self) -> Result<Report> {
        while let Some(batch) = self.next() {
            drop(batch?);
        }
        self.report.clone().ok_or_else(gone)
    }

    fn end(&mut self) -> Result<()> {
        if let Some(thread) = self.thread.take() {
            self.report = Some(thread.join().map_err(|_| gone())??);
        }
        Ok(())
    }
}

/// Nothing has come yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting;

impl Iterator for Reader {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Result<RecordBatch>> {
        loop {
            if let Ok(next) = self.wait(Duration::from_secs(3600)) {
                return next;
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // Without its receiver the thread ends at the next batch.
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn gone() -> Error {
    Error::Write { table: "the rows of a split".to_string(), message: "they ended with an error before".to_string() }
}

/// What the thread owns.
struct Work {
    split: Split,
    job: Job,
    context: Context,
    strict: bool,
}

impl Work {
    fn run(self, sent: Sent, schema: SchemaRef, projected: bool) -> Result<Report> {
        let lines = Lines::new(&self.split);
        let lines = if self.job.lineage { lines.counted()? } else { lines };
        let sources = [lines.source()?];
        let number = self.split.file;
        let (name, lineage) = (self.job.tables.concat(), self.job.lineage);
        let mut sink = ArrowSink::new(move |table, batch: RecordBatch| {
            if table != name {
                return Ok(());
            }
            let batch = if lineage { numbered(&batch, number)? } else { batch };
            let batch = if projected { cut(&batch, &schema)? } else { batch };
            sent.send(batch).map_err(|_| Error::Interrupted)
        });
        let piece = Piece::new(&self.job, &sources)?;
        let mut observer = Strict { lines: lines.clone(), strict: self.strict };
        let claims_only = self.split.is_of_claims() && !self.context.is_thorough;
        let result = piece.part(claims_only, self.context.people(), &mut sink, &mut observer);
        lines.placed(result)
    }
}

/// How line numbers of a split become those of the file: counted when somebody needs them, for that reads the file up
/// to the split.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    split: Arc<Split>,
    /// number of the first line, and the run knows it
    known: Option<u64>,
}

impl Lines {
    pub(super) fn new(split: &Split) -> Lines {
        Lines { split: Arc::new(split.clone()), known: (split.start == 0).then_some(1) }
    }

    pub(super) fn counted(self) -> Result<Lines> {
        let first = self.before()? + 1;
        Ok(Lines { known: Some(first), ..self })
    }

    /// The split's lines, with their numbers if they are known.
    pub(super) fn source(&self) -> Result<Source> {
        Ok(Source { first_line: self.known.unwrap_or(1), ..self.split.source()? })
    }

    /// Lines to add to the run's numbers.
    fn before(&self) -> Result<u64> {
        match self.known {
            Some(_) => Ok(0),
            None => Source::lines_before(&self.split.path, self.split.start),
        }
    }

    /// A report, or an error, with the places of the file.
    pub(super) fn placed(&self, result: Result<Report>) -> Result<Report> {
        match result {
            Ok(mut report) => {
                for input in &mut report.inputs {
                    input.bytes = self.split.end - self.split.start;
                }
                if !report.issues.is_empty() {
                    let before = self.before()?;
                    report.issues.iter_mut().for_each(|issue| issue.example.line += before);
                }
                Ok(report)
            }
            Err(Error::MixedVersions { expected, found, file, line }) => {
                Err(Error::MixedVersions { expected, found, file, line: line + self.before()? })
            }
            Err(error) => Err(error),
        }
    }
}

/// Ends a strict run itself, for only here the line is known.
struct Strict {
    lines: Lines,
    strict: bool,
}

impl Observer for Strict {
    fn issue(&mut self, issue: &Issue, file: &str) -> Result<()> {
        if !self.strict || issue.weight != Weight::Loss {
            return Ok(());
        }
        let issue = Issue { line: issue.line + self.lines.before()?, ..issue.clone() };
        Err(Error::Strict(strict_message(&issue, file)))
    }
}
