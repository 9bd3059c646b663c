//! Reads one split: a thread that owns everything makes batches, a bounded channel brings them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::context::Context;
use super::options::Options;
use super::plan::Split;
use super::schema::{cut, of_job, placed as with_place};
use super::{VERSIONS, versions};
use crate::error::{Error, Result};
use crate::job::{Job, Observer, Piece, strict_message};
use crate::read::Source;
use crate::read::codec::Codec;
use crate::report::{Issue, Report, Weight};
use crate::write::arrow::ArrowSink;

/// Batches that may wait for the reader.
const WAITING: usize = 2;

/// Where the thread sends its batches.
pub(super) struct Sent {
    batches: SyncSender<RecordBatch>,
    /// nobody wants them any more
    is_over: Arc<AtomicBool>,
}

impl Sent {
    /// Waits until there is room.
    pub(super) fn send(&self, batch: RecordBatch) -> Result<()> {
        self.batches.send(batch).map_err(|_| Error::Interrupted)
    }
}

/// The batches of a split, in input order. Dropped early, it ends its thread.
#[derive(Debug)]
pub struct Reader {
    schema: SchemaRef,
    batches: Option<Receiver<RecordBatch>>,
    thread: Option<JoinHandle<Result<Report>>>,
    is_over: Arc<AtomicBool>,
    report: Option<Report>,
}

impl Split {
    /// The rows of a table of claims, every version of every claim; or, as the table [`VERSIONS`], the versions.
    pub fn read(&self, table: &str, context: &Context, options: &Options) -> Result<Reader> {
        if table.eq_ignore_ascii_case(VERSIONS) {
            return self.versions(context, options);
        }
        let job = options.job(Some(table), self.api)?;
        let schema = of_job(&job, options)?;
        let work = Work { split: self.clone(), job, context: context.clone(), strict: options.strict };
        let (shape, projected) = (schema.clone(), !options.columns.is_empty());
        Reader::start(schema, move |sent| work.run(sent, shape, projected))
    }

    /// One row for every claim, those too that give no rows: see [`VERSIONS`].
    ///
    /// The context tells which Patients were merged, and so which control numbers are of one person.
    pub fn versions(&self, context: &Context, options: &Options) -> Result<Reader> {
        let (split, context, job) = (self.clone(), context.clone(), options.job(None, self.api)?);
        Reader::start(versions::schema(), move |sent| versions::send(&split, &job, &context, &sent))
    }
}

impl Reader {
    pub(super) fn start(
        schema: SchemaRef,
        work: impl FnOnce(Sent) -> Result<Report> + Send + 'static,
    ) -> Result<Reader> {
        let (sent, batches) = sync_channel(WAITING);
        let is_over = Arc::new(AtomicBool::new(false));
        let sent = Sent { batches: sent, is_over: is_over.clone() };
        let thread = std::thread::Builder::new().name("split".to_string()).spawn(move || work(sent));
        let thread = thread.map_err(|error| Error::Usage(format!("cannot start a thread: {error}")))?;
        Ok(Reader { schema, batches: Some(batches), thread: Some(thread), is_over, report: None })
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
        for batch in self.by_ref() {
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
        // The thread ends at its next chunk, or where it waits for room.
        self.is_over.store(true, Ordering::Relaxed);
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
        let Work { split, job, context, strict } = self;
        let sources = [split.source()?];
        let mut sink = ArrowSink::new(|table, batch: RecordBatch| {
            if job.tables.iter().all(|name| name != table) {
                return Ok(());
            }
            let batch = if job.lineage { with_place(&batch, split.file)? } else { batch };
            let batch = if projected { cut(&batch, &schema)? } else { batch };
            sent.send(batch)
        });
        let piece = Piece::new(&job, &sources, Vec::new())?;
        let claims_only = split.is_of_claims() && !context.is_thorough;
        let mut observer = Watch::new(&split, &sent, strict);
        told(piece.part(claims_only, context.people(), &mut sink, &mut observer), &split)
    }
}

/// An error's place in its file: here lines are counted, which reads the file up to the split.
///
/// A report's places stay what they are: bytes of the file, and lines of the split until [`sum`](super::sum) knows those
/// before it. Otherwise every split of a file would read all of it.
fn placed(error: Error, split: &Split) -> Error {
    match error {
        Error::MixedVersions { expected, found, file, line } => match lines_before(split) {
            Ok(before) => Error::MixedVersions { expected, found, file, line: line + before },
            Err(error) => error,
        },
        error => error,
    }
}

fn lines_before(split: &Split) -> Result<u64> {
    match split.codec {
        Codec::Plain => Source::lines_before(&split.path, split.start),
        _ => Ok(0),
    }
}

/// A split's report speaks of the split's bytes.
pub(super) fn told(result: Result<Report>, split: &Split) -> Result<Report> {
    let mut report = result.map_err(|error| placed(error, split))?;
    report.inputs.iter_mut().for_each(|input| input.bytes = split.end - split.start);
    Ok(report)
}

/// Ends a run when nobody wants its rows any more; and a strict one itself, with the line of the file.
pub(super) struct Watch<'s> {
    split: &'s Split,
    strict: bool,
    is_over: Arc<AtomicBool>,
}

impl<'s> Watch<'s> {
    pub(super) fn new(split: &'s Split, sent: &Sent, strict: bool) -> Watch<'s> {
        Watch { split, strict, is_over: sent.is_over.clone() }
    }
}

impl Observer for Watch<'_> {
    fn progress(&mut self, _: u64, _: u64) -> Result<()> {
        if self.is_over.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }

    fn issue(&mut self, issue: &Issue, file: &str) -> Result<()> {
        if !self.strict || issue.weight != Weight::Loss {
            return Ok(());
        }
        let issue = Issue { line: issue.line + lines_before(self.split)?, ..issue.clone() };
        Err(Error::Strict(strict_message(&issue, file)))
    }
}
