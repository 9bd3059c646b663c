//! A job: from inputs to a sink, and the report about it. The only module that sees all stages.
//!
//! Two passes over the same machine. The first reads Patients and Coverages into [`Beneficiaries`]; only files that
//! do not begin with a claim take part, so on a BCDA export it costs nothing to speak of. The second walks claims,
//! which look up their MBI. A Patient that turns up in a file taken for claims only starts the job over with every
//! file in the first pass: nothing is ever taken from a file's name.

mod beneficiaries;
mod claims;
mod lines;
mod people;
mod pipeline;
mod tally;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use self::beneficiaries::{Beneficiaries, Stay};
use self::claims::{ClaimOutput, ClaimPass, ClaimWorker};
use self::people::{PeopleOutput, PeopleWorker};
use self::tally::{FamilyTally, Tally};
use crate::api::Api;
use crate::crosswalk::path::Root;
use crate::crosswalk::picture::{Picture, cents};
use crate::crosswalk::program::{Crosswalk, Origin};
use crate::crosswalk::row::Row;
use crate::crosswalk::schema::{LAYOUT_VERSION, Schemas};
use crate::error::{Error, Result};
use crate::parse::tape::{PADDING, TapeParser};
use crate::parse::view::Resource;
use crate::parse::{Parser, Verify};
use crate::read::feed::CHUNK;
use crate::read::{Feed, MAX_LINE, Source};
use crate::report::{BeneficiaryReport, InputReport, Issue, IssueCounter, Payments, Report, SUMMARY_VERSION, Weight};
use crate::write::{OutColumn, OutTable, Part, Sink};

/// Name of the file summary table.
pub const SUMMARY_TABLE: &str = "CCLF0";

/// Lineage columns, in order.
pub const LINEAGE: [&str; 3] = ["fhir_id", "source_file", "source_line"];

/// Is told what happens while a job runs.
pub trait Observer: Send {
    /// Bytes of the input files done, of so many.
    fn progress(&mut self, _done: u64, _total: u64) {}

    /// An issue, in input order; `file` as the user named it.
    fn issue(&mut self, _issue: &Issue, _file: &str) -> Result<()> {
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
    /// workers; at least 1
    pub threads: usize,
    /// end at the first loss
    pub strict: bool,
    /// layouts, crosswalks and rules
    pub schemas: Schemas,
    /// folder for spooling standard input
    pub spool: PathBuf,
    /// bytes of one chunk
    pub chunk: usize,
    /// what reads the claims
    pub parser: Parser,
    /// how much of a claim must be sound
    pub verify: Verify,
}

impl Job {
    /// A job with the embedded schemas, for all tables, on one thread per core.
    pub fn new(inputs: impl IntoIterator<Item = impl AsRef<Path>>) -> Result<Job> {
        Ok(Job {
            inputs: inputs.into_iter().map(|input| input.as_ref().to_path_buf()).collect(),
            api: None,
            tables: Vec::new(),
            lineage: false,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            strict: false,
            schemas: Schemas::embedded()?,
            spool: std::env::temp_dir(),
            chunk: CHUNK,
            parser: Parser::default(),
            verify: Verify::default(),
        })
    }

    /// Runs the job into a sink.
    pub fn run(&self, sink: &mut dyn Sink, observer: &mut dyn Observer) -> Result<Report> {
        let started = Instant::now();
        let wanted = self.wanted_tables()?;
        let sources = Source::expand(&self.inputs, &self.spool)?;
        let mut heads = Vec::new();
        for source in &sources {
            heads.push(Head::of(source)?);
        }
        let api = self.version(&sources, &heads)?;
        let crosswalk = Crosswalk::compile(&self.schemas, api)?;
        let mut run = Run { job: self, wanted: &wanted, sources: &sources, crosswalk: &crosswalk, sink, observer };
        let claims_only: Vec<bool> = heads.iter().map(|head| head.is_claim).collect();
        let report = match run.attempt(&claims_only)? {
            Some(report) => report,
            None => {
                run.observer.restart()?;
                // Every file takes part in the first pass now, so no Patient can come late again.
                run.attempt(&vec![false; sources.len()])?
                    .ok_or_else(|| Error::Usage("the input changed while it was read".into()))?
            }
        };
        let elapsed = started.elapsed().as_secs_f64();
        let bytes: u64 = report.inputs.iter().map(|input| input.uncompressed_bytes).sum();
        Ok(Report {
            elapsed_seconds: (elapsed * 1000.0).round() / 1000.0,
            gigabytes_per_second: (bytes as f64 / 1e9 / elapsed.max(1e-9) * 1000.0).round() / 1000.0,
            ..report
        })
    }

    /// Indices of the tables to write, in order of the schemas.
    fn wanted_tables(&self) -> Result<Vec<usize>> {
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
    fn version(&self, sources: &[Source], heads: &[Head]) -> Result<Api> {
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

/// What the first line of a file shows.
struct Head {
    is_claim: bool,
    api: Option<Api>,
    line: u64,
}

impl Head {
    fn of(source: &Source) -> Result<Head> {
        let mut line = source.first_line(MAX_LINE)?;
        let mut length = line.len();
        while length > 0 && line[length - 1].is_ascii_whitespace() {
            length -= 1;
        }
        let start = if line.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        line.resize(length + PADDING, 0);
        let mut parser = TapeParser::default();
        let Ok(record) = parser.parse(&mut line[start..], length.saturating_sub(start)) else {
            return Ok(Head { is_claim: false, api: None, line: 1 });
        };
        let resource = Resource::of(&record);
        Ok(Head { is_claim: matches!(resource, Resource::ExplanationOfBenefit(_)), api: resource.api(), line: 1 })
    }
}

/// One run of a job, with everything that is fixed by now.
struct Run<'a> {
    job: &'a Job,
    wanted: &'a [usize],
    sources: &'a [Source],
    crosswalk: &'a Crosswalk,
    sink: &'a mut dyn Sink,
    observer: &'a mut dyn Observer,
}

/// What both passes add up.
#[derive(Default)]
struct Totals {
    inputs: Vec<InputReport>,
    families: Vec<FamilyTally>,
    skipped: BTreeMap<String, u64>,
    rows: Vec<u64>,
    blank_keys: BTreeMap<(usize, usize), u64>,
    issues: IssueCounter,
    done: u64,
}

impl Run<'_> {
    /// Both passes; `None` if a Patient or Coverage came up in a file taken for claims only.
    fn attempt(&mut self, claims_only: &[bool]) -> Result<Option<Report>> {
        let crosswalk = self.crosswalk;
        let mut totals = Totals {
            inputs: self
                .sources
                .iter()
                .map(|source| InputReport {
                    file: source.path.display().to_string(),
                    bytes: source.size,
                    ..InputReport::default()
                })
                .collect(),
            families: vec![FamilyTally::default(); crosswalk.families.len()],
            rows: vec![0; crosswalk.tables.len()],
            ..Totals::default()
        };
        let out_tables = self.out_tables();
        self.sink.begin(&out_tables)?;

        let mut fills = vec![Vec::new(); crosswalk.tables.len()];
        let mut beneficiaries = Beneficiaries::default();
        let mixed = self.people_pass(claims_only, &mut totals, &mut beneficiaries, &mut fills)?;
        let claim_files: Vec<usize> = (0..self.sources.len()).filter(|at| claims_only[*at] || mixed[*at]).collect();
        let Some(stays) = self.claim_pass(claims_only, claim_files, &mut totals, &beneficiaries, &mut fills)? else {
            return Ok(None);
        };
        for (id, stay) in stays {
            beneficiaries.add_stay(&id, stay);
        }
        let people = self.beneficiary_tables(&beneficiaries, &mut totals)?;
        self.summary_table(&totals)?;
        self.sink.finish()?;
        Ok(Some(self.report(totals, people, &fills)))
    }

    /// Position of a crosswalk table among the sink's.
    fn position(&self, table: usize) -> Option<usize> {
        self.wanted.iter().position(|wanted| *wanted == table)
    }

    fn table_of(&self, row: Root) -> Option<usize> {
        self.wanted.iter().copied().find(|at| self.crosswalk.tables[*at].row == row)
    }

    fn out_tables(&self) -> Vec<OutTable> {
        let lineage = |name: &&str| OutColumn { label: name.to_string(), picture: Picture::Text { width: 255 } };
        let mut tables: Vec<OutTable> = self
            .wanted
            .iter()
            .map(|at| {
                let table = &self.crosswalk.tables[*at];
                let column =
                    |c: &crate::crosswalk::program::Column| OutColumn { label: c.label.clone(), picture: c.picture };
                let mut columns: Vec<OutColumn> = table.columns.iter().map(column).collect();
                if self.job.lineage {
                    columns.extend(LINEAGE.iter().map(lineage));
                }
                OutTable { name: table.name.clone(), columns }
            })
            .collect();
        let columns = [("File Number", 7), ("File Description", 43), ("Total Records Count", 11), ("Record Length", 5)]
            .map(|(label, width)| OutColumn { label: label.to_string(), picture: Picture::Text { width } });
        tables.push(OutTable { name: SUMMARY_TABLE.to_string(), columns: columns.to_vec() });
        tables
    }

    /// Tells for each file whether it holds lines that are neither Patient nor Coverage.
    fn people_pass(
        &mut self,
        claims_only: &[bool],
        totals: &mut Totals,
        beneficiaries: &mut Beneficiaries,
        fills: &mut [Vec<u64>],
    ) -> Result<Vec<bool>> {
        let crosswalk = self.crosswalk;
        let files: Vec<usize> = (0..self.sources.len()).filter(|at| !claims_only[*at]).collect();
        let mut others = vec![0u64; self.sources.len()];
        let mut tallies: Vec<Tally> = Vec::new();
        let feed = Feed::new(self.sources, files, self.job.chunk);
        let tables = [self.table_of(Root::Patient), self.table_of(Root::Former)];
        let workers = (0..self.job.threads.max(1)).map(|_| PeopleWorker::new(crosswalk, tables)).collect();
        let merge = |output: PeopleOutput| {
            output.patients.into_iter().for_each(|patient| beneficiaries.add_patient(patient));
            output.coverages.into_iter().for_each(|coverage| beneficiaries.add_coverage(coverage));
            others[output.tally.source] += output.others;
            tallies.push(output.tally);
            Ok(())
        };
        let workers =
            pipeline::run(&feed, workers, |worker, chunk| worker.work(chunk), merge).map_err(|e| self.named(e))?;
        for worker in &workers {
            add_fills(fills, &worker.people.maker.fills);
        }
        for mut tally in tallies {
            if others[tally.source] > 0 {
                // The file is read again: its lines count then, and what is no Patient is reported then.
                tally.lines = 0;
                tally.blank_lines = 0;
                tally.bytes = 0;
                tally.consumed = 0;
                tally.issues.retain(|issue| !matches!(issue.kind, "broken-line" | "long-line" | "broken-file"));
            }
            self.add(totals, tally)?;
        }
        Ok(others.into_iter().map(|others| others > 0).collect())
    }

    /// Hospice stays of the claims; `None` if a Patient or Coverage came late.
    #[allow(clippy::type_complexity, reason = "a list of ids and stays")]
    fn claim_pass(
        &mut self,
        claims_only: &[bool],
        files: Vec<usize>,
        totals: &mut Totals,
        beneficiaries: &Beneficiaries,
        fills: &mut [Vec<u64>],
    ) -> Result<Option<Vec<(Box<str>, Stay)>>> {
        let crosswalk = self.crosswalk;
        let names: Vec<Arc<str>> =
            if self.job.lineage { self.sources.iter().map(|s| s.name.as_str().into()).collect() } else { Vec::new() };
        let tables: Vec<usize> =
            self.wanted.iter().copied().filter(|at| !crosswalk.tables[*at].families.is_empty()).collect();
        let positions: Vec<usize> = tables.iter().filter_map(|table| self.position(*table)).collect();
        let people_read: Vec<bool> = claims_only.iter().map(|only| !only).collect();
        let pass = ClaimPass {
            crosswalk,
            beneficiaries,
            people_read: &people_read,
            names: &names,
            tables: &tables,
            beneficiary_table: self.table_of(Root::Patient),
            parser: self.job.parser,
            verify: self.job.verify,
        };
        let mut workers = Vec::new();
        for _ in 0..self.job.threads.max(1) {
            let encoders = positions.iter().map(|at| self.sink.encoder(*at)).collect::<Result<_>>()?;
            workers.push(ClaimWorker::new(&pass, encoders));
        }
        let feed = Feed::new(self.sources, files, self.job.chunk);
        let mut late = false;
        let mut stays = Vec::new();
        let merge = |output: ClaimOutput| {
            if output.late_people {
                late = true;
                // Any error ends the pass; `late` tells that it is none.
                return Err(Error::Usage(String::new()));
            }
            stays.extend(output.stays);
            for (position, part) in positions.iter().zip(output.parts) {
                self.sink.part(*position, part)?;
            }
            self.add(totals, output.tally)
        };
        let result = pipeline::run(&feed, workers, |worker, chunk| worker.work(chunk), merge);
        if late {
            return Ok(None);
        }
        for worker in &result.map_err(|error| self.named(error))? {
            add_fills(fills, &worker.claims.maker.fills);
        }
        Ok(Some(stays))
    }

    /// Workers know a file by its index; messages name it.
    fn named(&self, error: Error) -> Error {
        match error {
            Error::MixedVersions { expected, found, file, line } => {
                let index: Option<usize> = file.to_str().and_then(|text| text.parse().ok());
                let file = index.and_then(|at| self.sources.get(at)).map_or(file, |source| source.path.clone());
                Error::MixedVersions { expected, found, file, line }
            }
            other => other,
        }
    }

    fn add(&mut self, totals: &mut Totals, tally: Tally) -> Result<()> {
        let input = &mut totals.inputs[tally.source];
        input.lines += tally.lines;
        input.blank_lines += tally.blank_lines;
        input.uncompressed_bytes += tally.bytes;
        for (resource, count) in tally.resources {
            *input.resources.entry(resource.to_string()).or_default() += count;
        }
        for (at, family) in tally.families.iter().enumerate() {
            if family.claims > 0 {
                *input.claims.entry(self.crosswalk.families[at].clone()).or_default() += family.claims;
                totals.families[at].add(family);
            }
        }
        for (reason, count) in tally.skipped {
            *totals.skipped.entry(reason).or_default() += count;
        }
        for (total, rows) in totals.rows.iter_mut().zip(&tally.rows) {
            *total += rows;
        }
        for (key, count) in tally.blank_keys {
            *totals.blank_keys.entry(key).or_default() += count;
        }
        for issue in tally.issues {
            let file = self.sources[issue.source].path.display().to_string();
            self.observer.issue(&issue, &file)?;
            if self.job.strict && issue.weight == Weight::Loss {
                return Err(Error::Strict(strict_message(&issue, &file)));
            }
            totals.issues.add(issue);
        }
        totals.done += tally.consumed;
        self.observer.progress(totals.done, self.sources.iter().map(|source| source.size).sum());
        Ok(())
    }

    fn beneficiary_tables(&mut self, beneficiaries: &Beneficiaries, totals: &mut Totals) -> Result<BeneficiaryReport> {
        let mut people = BeneficiaryReport {
            merged: beneficiaries.merged(),
            older_versions: beneficiaries.older_versions(),
            ..BeneficiaryReport::default()
        };
        let demographics = self.table_of(Root::Patient);
        let former = self.table_of(Root::Former);
        let mut encoders = Vec::new();
        for table in [demographics, former] {
            encoders.push(match table.and_then(|table| self.position(table)) {
                Some(position) => Some((position, self.sink.encoder(position)?)),
                None => None,
            });
        }
        let mut row = Row::default();
        for rows in beneficiaries.rows() {
            people.beneficiaries += 1;
            people.without_mbi += u64::from(rows.patient.mbi.is_empty());
            let lineage = [
                rows.patient.id.to_string(),
                self.sources[rows.patient.source as usize].name.clone(),
                rows.patient.line.to_string(),
            ];
            let lineage = if self.job.lineage { &lineage[..] } else { &[] };
            if let (Some(table), Some((_, encoder))) = (demographics, &mut encoders[0]) {
                for stay in &rows.stays {
                    row.clear();
                    let mut dates = [&stay.start, &stay.end].into_iter();
                    for ((at, column), cell) in
                        self.crosswalk.tables[table].columns.iter().enumerate().zip(rows.patient.cells.cells())
                    {
                        match column.origin {
                            Origin::Coverage => row.push(rows.enrolled(at).as_bytes()),
                            Origin::Hospice => row.push(dates.next().map_or("", |date| date).as_bytes()),
                            _ => row.push(cell),
                        }
                    }
                    lineage.iter().for_each(|text| row.push(text.as_bytes()));
                    encoder.row(&row)?;
                    totals.rows[table] += 1;
                }
            }
            if let (Some(table), Some((_, encoder))) = (former, &mut encoders[1]) {
                for packed in &rows.patient.former {
                    row.clear();
                    packed.cells().for_each(|cell| row.push(cell));
                    lineage.iter().for_each(|text| row.push(text.as_bytes()));
                    encoder.row(&row)?;
                    totals.rows[table] += 1;
                }
            }
            self.flush(&mut encoders, &mut row, false)?;
        }
        self.flush(&mut encoders, &mut row, true)?;
        Ok(people)
    }

    /// Hands rows of the beneficiary tables on from time to time.
    #[allow(clippy::type_complexity, reason = "an encoder with its place")]
    fn flush(
        &mut self,
        encoders: &mut [Option<(usize, Box<dyn crate::write::Encoder>)>],
        _row: &mut Row,
        _last: bool,
    ) -> Result<()> {
        for (position, encoder) in encoders.iter_mut().flatten() {
            let part: Part = encoder.take()?;
            self.sink.part(*position, part)?;
        }
        Ok(())
    }

    /// CCLF0: every file with its description, records and record length.
    fn summary_table(&mut self, totals: &Totals) -> Result<()> {
        let position = self.wanted.len();
        let mut encoder = self.sink.encoder(position)?;
        let mut row = Row::default();
        for at in self.wanted {
            let table = &self.job.schemas.tables[*at];
            row.clear();
            row.push(table.layout.table.as_bytes());
            row.push(table.title.as_bytes());
            row.push(totals.rows[*at].to_string().as_bytes());
            row.push(table.layout.record_length().to_string().as_bytes());
            encoder.row(&row)?;
        }
        self.sink.part(position, encoder.take()?)
    }

    fn report(&self, totals: Totals, beneficiaries: BeneficiaryReport, fills: &[Vec<u64>]) -> Report {
        let crosswalk = self.crosswalk;
        let field = |table: usize, column: usize| {
            format!("{}.{}", crosswalk.tables[table].name, crosswalk.tables[table].columns[column].label)
        };
        let mut filled = BTreeMap::new();
        for (table, columns) in fills.iter().enumerate() {
            for (column, count) in columns.iter().enumerate().filter(|(_, count)| **count > 0) {
                filled.insert(field(table, column), *count);
            }
        }
        let blank_keys = totals
            .blank_keys
            .iter()
            .map(|((table, key), count)| (field(*table, crosswalk.tables[*table].keys[*key]), *count));
        let mut payments = BTreeMap::new();
        for (at, family) in totals.families.iter().enumerate().filter(|(_, family)| family.claims > 0) {
            let control = self.wanted.iter().find(|table| {
                let table = &crosswalk.tables[**table];
                table.families.contains(&at) && table.control.is_some()
            });
            let written_field =
                control.map_or(String::new(), |table| field(*table, crosswalk.tables[*table].control.unwrap_or(0)));
            let comparable = control.is_some_and(|table| crosswalk.tables[*table].row == Root::Eob)
                && written_field.ends_with(".CLM_PMT_AMT");
            payments.insert(
                crosswalk.families[at].clone(),
                Payments {
                    claims: family.claims,
                    claims_skipped: family.skipped,
                    read: cents(family.paid),
                    skipped: cents(family.paid_skipped),
                    written: if control.is_some() { cents(family.written) } else { String::new() },
                    written_field,
                    equal: comparable.then_some(family.paid - family.paid_skipped == family.written),
                },
            );
        }
        Report {
            summary_version: SUMMARY_VERSION,
            producer: concat!("claimfeed ", env!("CARGO_PKG_VERSION")).to_string(),
            layout: LAYOUT_VERSION.to_string(),
            api: Some(crosswalk.api),
            tables: self.wanted.iter().map(|at| (crosswalk.tables[*at].name.clone(), totals.rows[*at])).collect(),
            skipped: totals.skipped,
            fills: filled,
            blank_keys: blank_keys.collect(),
            issues: totals.issues.counts(|source| self.sources[source].path.display().to_string()),
            inputs: totals.inputs,
            payments,
            beneficiaries,
            elapsed_seconds: 0.0,
            gigabytes_per_second: 0.0,
        }
    }
}

fn add_fills(totals: &mut [Vec<u64>], fills: &[Vec<u64>]) {
    for (total, fills) in totals.iter_mut().zip(fills) {
        total.resize(fills.len(), 0);
        for (total, fill) in total.iter_mut().zip(fills) {
            *total += fill;
        }
    }
}

fn strict_message(issue: &Issue, file: &str) -> String {
    let field = if issue.field.is_empty() { String::new() } else { format!("{}: ", issue.field) };
    format!(
        "{field}{}: `{file}`, line {}, byte {}\n  hint: without `--strict` the run goes on and counts it",
        issue.message, issue.line, issue.byte
    )
}
