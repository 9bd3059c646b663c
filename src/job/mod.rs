//! A job: from inputs to a sink, and the report about it. The only module that sees all stages.
//!
//! Two passes over the same machine. The first reads Patients and Coverages into `Beneficiaries`; only files that
//! do not begin with a claim take part, so on a BCDA export it costs nothing to speak of. The second walks claims,
//! which look up their MBI. A Patient that turns up in a file taken for claims only starts the job over with every
//! file in the first pass: nothing is ever taken from a file's name. A claim that comes in several versions starts it
//! over as well, knowing which of them count.

mod beneficiaries;
mod claims;
mod coverages;
mod history;
mod kept;
mod lines;
mod notes;
mod people;
mod piece;
mod pipeline;
mod responses;
mod run;
mod sorter;
mod tail;
mod tally;
mod versions;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

pub(crate) use self::beneficiaries::Beneficiaries;
// What measures single stages runs them as they are here.
pub(crate) use self::lines::{Place, Reader, Take};
pub(crate) use self::piece::Piece;
use self::responses::Answers;
use self::run::Run;
pub(crate) use self::run::strict_message;
pub(crate) use self::tally::Tally;
pub use self::versions::Adjustments;
pub(crate) use self::versions::{Standing, Version};
use crate::api::Api;
use crate::crosswalk::program::{Crosswalk, Wants};
use crate::crosswalk::schema::Schemas;
use crate::error::{Error, Result};
use crate::parse::tape::{PADDING, TapeParser};
use crate::parse::view::Resource;
use crate::parse::{Parser, Verify};
use crate::pseudonym::Pseudonyms;
use crate::read::feed::CHUNK;
use crate::read::{Arrivals, Input, MAX_LINE, Source};
use crate::report::{Issue, Report};
use crate::write::Sink;
use crate::write::fixed::FileName;
use crate::write::veil::Veil;

pub use crate::write::{FILE_COLUMNS, LINEAGE, SUMMARY_TABLE};

/// Is told what happens while a job runs.
pub trait Observer: Send {
    /// Bytes of the input files done, of so many.
    ///
    /// An error ends the job, which is how a caller interrupts it.
    fn progress(&mut self, _done: u64, _total: u64) -> Result<()> {
        Ok(())
    }

    /// An issue, in input order; `file` as the user named it.
    fn issue(&mut self, _issue: &Issue, _file: &str) -> Result<()> {
        Ok(())
    }

    /// There are no more issues, and the tables are about to get their names. An error keeps them from it, which is for an
    /// observer that must have kept what it heard. Parts of a job ([`split`](crate::split)) do not tell it.
    fn complete(&mut self) -> Result<()> {
        Ok(())
    }

    /// The job starts over; issues told so far will come again.
    fn restart(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Hears nothing.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {}

/// Threads that can run at a time in this process: the machine's cores, or fewer if its affinity or the CPU limit of its container
/// (cgroups of both versions, rounded down, at least 1) says so.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What to convert and how.
#[derive(Debug, Clone)]
pub struct Job {
    /// files, folders, or `-`
    pub inputs: Vec<PathBuf>,
    /// `None`: told by the content
    pub api: Option<Api>,
    /// names of tables; empty: all
    pub tables: Vec<String>,
    /// append lineage columns
    pub lineage: bool,
    /// append FILE_NAME and FILE_DATE of this delivery
    pub file_columns: Option<FileName>,
    /// workers; at least 1
    pub threads: usize,
    /// end at the first loss
    pub strict: bool,
    /// layouts, crosswalks and rules
    pub schemas: Schemas,
    /// folder for what must not stay in memory, in files without names: standard input, keys of many claims
    pub spool: PathBuf,
    /// bytes of one chunk
    pub chunk: usize,
    /// what reads the records
    pub parser: Parser,
    /// how much of a claim must be sound
    pub verify: Verify,
    /// which versions of a claim count
    pub adjustments: Adjustments,
    /// `None`: persons stand in the tables as they are
    pub pseudonyms: Option<Arc<Pseudonyms>>,
}

impl Job {
    /// A job with the embedded schemas, for all tables, on one thread per [core](cores).
    pub fn new(inputs: impl IntoIterator<Item = impl AsRef<Path>>) -> Result<Job> {
        Ok(Job {
            inputs: inputs.into_iter().map(|input| input.as_ref().to_path_buf()).collect(),
            api: None,
            tables: Vec::new(),
            lineage: false,
            file_columns: None,
            threads: cores(),
            strict: false,
            schemas: Schemas::embedded()?,
            spool: std::env::temp_dir(),
            chunk: CHUNK,
            parser: Parser::default(),
            verify: Verify::default(),
            adjustments: Adjustments::default(),
            pseudonyms: None,
        })
    }

    /// The same job for claims that are partially adjudicated, into tables of their own: early, without final amounts, and
    /// left out once the adjudicated claim with their control number is in the input. v1 has none.
    pub fn partial(&self) -> Result<Job> {
        Ok(Job {
            schemas: self.schemas.partial()?,
            tables: Vec::new(),
            adjustments: Adjustments::Final,
            ..self.clone()
        })
    }

    /// Runs the job into a sink.
    pub fn run(&self, sink: &mut dyn Sink, observer: &mut dyn Observer) -> Result<Report> {
        let started = Instant::now();
        let wanted = self.wanted_tables()?;
        self.convert(&self.open()?, &wanted, sink, observer, started)
    }

    /// Runs the job on files that are still on their way; [`api`](Job::api) must be said, and `inputs` do not count.
    ///
    /// `files`: where each is expected, in order of their paths, and whether it holds claims only. The tables are those that
    /// [`run`](Job::run) makes of the same files in one folder.
    pub fn run_arriving(
        &self,
        files: &[(PathBuf, bool)],
        arrivals: &Arc<dyn Arrivals>,
        sink: &mut dyn Sink,
        observer: &mut dyn Observer,
    ) -> Result<Report> {
        let started = Instant::now();
        let wanted = self.wanted_tables()?;
        let api = self.api.ok_or_else(|| Error::Usage("expected the API version of files on their way".to_string()))?;
        let sources = files.iter().enumerate().map(|(at, (path, _))| Source::arriving(path, arrivals.clone(), at));
        let input = Input { sources: sources.collect(), ignored: Vec::new() };
        let claims_only = files.iter().map(|(_, claims)| *claims).collect();
        self.convert(&self.opened(input, claims_only, api)?, &wanted, sink, observer, started)
    }

    fn convert(
        &self,
        opened: &Opened,
        wanted: &[usize],
        sink: &mut dyn Sink,
        observer: &mut dyn Observer,
        started: Instant,
    ) -> Result<Report> {
        let Opened { input: Input { sources, ignored }, claims_only, deliveries, crosswalk } = opened;
        let answers = Answers::default();
        let convert = |sink: &mut dyn Sink| {
            let mut run = Run { job: self, wanted, sources, deliveries, answers, crosswalk, sink, observer };
            run.complete(claims_only.clone())
        };
        let report = match &self.pseudonyms {
            None => convert(sink),
            Some(pseudonyms) => convert(&mut Veil::new(sink, &self.schemas.kinds()?, pseudonyms)),
        }?;
        let elapsed = started.elapsed().as_secs_f64();
        let bytes: u64 = report.inputs.iter().map(|input| input.uncompressed_bytes).sum();
        Ok(Report {
            finished: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            elapsed_seconds: (elapsed * 1000.0).round() / 1000.0,
            gigabytes_per_second: (bytes as f64 / 1e9 / elapsed.max(1e-9) * 1000.0).round() / 1000.0,
            ignored_files: ignored.iter().map(|path| path.display().to_string()).collect(),
            ..report
        })
    }

    /// Finds the files, looks at their heads, compiles the crosswalk of their version.
    pub(crate) fn open(&self) -> Result<Opened> {
        let input = Input::expand(&self.inputs, &self.spool)?;
        let heads = input.sources.iter().map(Head::of).collect::<Result<Vec<_>>>()?;
        let api = self.version(&input.sources, &heads)?;
        self.opened(input, heads.iter().map(|head| head.is_claim).collect(), api)
    }

    fn opened(&self, input: Input, claims_only: Vec<bool>, api: Api) -> Result<Opened> {
        let deliveries = deliveries(&input.sources);
        let groups = !deliveries.is_empty() && self.adjustments != Adjustments::Raw;
        let wants = Wants { groups: groups || self.schemas.is_partial(), tables: Some(self.wanted_tables()?) };
        let crosswalk = Crosswalk::compile_with(&self.schemas, api, wants)?;
        Ok(Opened { input, claims_only, deliveries, crosswalk })
    }

    /// Names of the tables that are wanted, but for the file summary; an error if one is not known.
    pub fn wanted(&self) -> Result<Vec<&str>> {
        let wanted = self.wanted_tables()?;
        Ok(wanted.into_iter().map(|at| &*self.schemas.tables[at].layout.table).collect())
    }

    /// Indices of the tables to write, in order of the schemas.
    pub(crate) fn wanted_tables(&self) -> Result<Vec<usize>> {
        let known = &self.schemas.tables;
        for name in &self.tables {
            if !name.eq_ignore_ascii_case(SUMMARY_TABLE) && self.schemas.table(name).is_none() {
                let names: Vec<&str> = known.iter().map(|table| table.layout.table.as_str()).collect();
                return Err(Error::Usage(format!("expected tables of {}, found `{name}`", names.join(", "))));
            }
        }
        let is_wanted =
            |name: &str| self.tables.is_empty() || self.tables.iter().any(|wanted| wanted.eq_ignore_ascii_case(name));
        Ok((0..known.len()).filter(|at| is_wanted(&known[*at].layout.table)).collect())
    }

    /// The run's version: the user's word, else what the heads of the files show, claims before others.
    pub(crate) fn version(&self, sources: &[Source], heads: &[Head]) -> Result<Api> {
        let mut shown: Option<(Api, usize)> = None;
        for (at, api) in heads.iter().enumerate().filter_map(|(at, head)| Some((at, head.api?))) {
            let expected = self.api.or(shown.map(|(api, _)| api));
            if let Some(expected) = expected.filter(|expected| *expected != api) {
                return Err(Error::MixedVersions {
                    expected: expected.name(),
                    found: api.name(),
                    file: sources[at].path.clone(),
                    line: heads[at].line,
                });
            }
            shown.get_or_insert((api, at));
        }
        self.api.or(shown.map(|(api, _)| api)).ok_or_else(|| {
            Error::Usage(
                "expected resources that show their API version, found none at the head of any file\n  hint: say it with `--api v1`, `v2` or `v3`"
                    .to_string(),
            )
        })
    }
}

/// The input of a run, and what its version makes of it.
pub(crate) struct Opened {
    pub input: Input,
    /// per source: it is taken for a file of claims
    claims_only: Vec<bool>,
    /// per source; see [`deliveries`]
    deliveries: Vec<u32>,
    pub crosswalk: Crosswalk,
}

/// The delivery of each file: the files of one folder are one. Empty if there is one only.
pub(crate) fn deliveries(sources: &[Source]) -> Vec<u32> {
    let mut folders: Vec<Option<PathBuf>> = Vec::new();
    let mut numbers = Vec::new();
    for source in sources {
        let folder = source.path.parent().map(|folder| folder.canonicalize().unwrap_or(folder.to_path_buf()));
        let known = folders.iter().position(|known| *known == folder);
        numbers.push(known.unwrap_or(folders.len()) as u32);
        if known.is_none() {
            folders.push(folder);
        }
    }
    if folders.len() > 1 { numbers } else { Vec::new() }
}

/// What the first lines of a file show.
pub(crate) struct Head {
    /// the first line is a claim, so the file is taken for one of claims
    pub(crate) is_claim: bool,
    /// of the first resource that shows it
    api: Option<Api>,
    /// 1-based, blank lines not counted
    line: u64,
}

impl Head {
    /// Lines that are looked at for a version.
    const LINES: usize = 256;

    pub(crate) fn of(source: &Source) -> Result<Head> {
        let mut head = Head { is_claim: false, api: None, line: 0 };
        let mut parser = TapeParser::default();
        for mut line in source.head(MAX_LINE)?.take(Head::LINES) {
            head.line += 1;
            let start = if line.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
            let length = line.trim_ascii_end().len();
            line.resize(length + PADDING, 0);
            let Ok(record) = parser.parse(&mut line[start..], length.saturating_sub(start)) else { continue };
            let resource = Resource::of(&record);
            head.is_claim |= head.line == 1 && matches!(resource, Resource::ExplanationOfBenefit(_));
            head.api = resource.api();
            parser.recycle(record);
            if head.api.is_some() {
                break;
            }
        }
        Ok(head)
    }
}
