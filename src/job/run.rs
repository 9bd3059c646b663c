//! One run of a job: both passes, the beneficiary tables, the report.
//!
//! Everything that is fixed before the first line is read (sources, version, crosswalk, wanted tables) is given;
//! counts are added up in input order.

mod account;
mod part;
mod population;
mod totals;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

pub(crate) use self::totals::strict_message;
use self::totals::{Doubt, Totals, add_fills};
use super::beneficiaries::{Beneficiaries, Stay};
use super::claims::{ClaimOutput, ClaimPass, ClaimWorker};
use super::lines::Reader;
use super::notes::About;
use super::people::{PeopleOutput, PeopleTables, PeopleWorker};
use super::responses::Answers;
use super::tail::Tail;
use super::tally::Tally;
use super::versions::{Older, Versions};
use super::{Adjustments, Job, Observer, pipeline};
use crate::crosswalk::path::Root;
use crate::crosswalk::program::Crosswalk;
use crate::crosswalk::row::Row;
use crate::error::{Error, Result};
use crate::read::{Feed, Source};
use crate::report::{Report, Weight};
use crate::write::{OutTable, Sink};

/// What became of an attempt.
pub enum Outcome {
    /// everything is written
    Done(Box<Report>),
    /// a Patient or Coverage came up in a file taken for claims only
    LatePeople,
    /// claims came several times, these count no more; or ClaimResponses came
    Repeated(Older, Answers),
}

/// What became of the claims.
enum Claims {
    /// their hospice stays with the beneficiary's id: each once, for a stay has many claims
    Done(BTreeSet<(Box<str>, Stay)>),
    LatePeople,
    Repeated(Older, Answers),
}

/// One run of a job, with everything that is fixed by now.
pub struct Run<'a> {
    /// what is asked for
    pub job: &'a Job,
    /// tables to write, by index
    pub wanted: &'a [usize],
    /// the input files
    pub sources: &'a [Source],
    /// per input file: whose claims the server vouches for together; empty: there is one delivery
    pub deliveries: &'a [u32],
    /// what ClaimResponses say, once all are read
    pub answers: Answers,
    /// of the run's version
    pub crosswalk: &'a Crosswalk,
    /// where rows go
    pub sink: &'a mut dyn Sink,
    /// who is told
    pub observer: &'a mut dyn Observer,
}

impl Run<'_> {
    /// Workers that the input can keep busy; a compressed file may hold many times its size.
    fn workers(&self) -> usize {
        const INFLATED: u64 = 64;
        if !self.sources.iter().all(Source::is_there) {
            return self.job.threads.max(1);
        }
        let bytes: u64 = self.sources.iter().map(|source| source.size() * INFLATED).sum();
        let chunks = bytes / self.job.chunk.max(1) as u64 + self.sources.len() as u64;
        self.job.threads.clamp(1, usize::try_from(chunks).unwrap_or(usize::MAX).max(1))
    }

    /// Attempts until one is whole. `claims_only`: files that begin with a claim.
    pub fn complete(&mut self, claims_only: Vec<bool>) -> Result<Report> {
        let mut claims_only = claims_only;
        let mut older = (self.job.adjustments == Adjustments::Raw).then(Older::default);
        // Either reason to start over is gone the next time.
        for _ in 0..3 {
            match self.attempt(&claims_only, older.as_ref())? {
                Outcome::Done(report) => return Ok(*report),
                // Every file takes part in the first pass now, so no Patient can come late again.
                Outcome::LatePeople => claims_only.fill(false),
                Outcome::Repeated(repeated, answers) => {
                    older = Some(repeated);
                    self.answers = answers;
                }
            }
            self.observer.restart()?;
        }
        Err(Error::Usage("the input changed while it was read".into()))
    }

    /// Both passes. `older`: claims that count no more, `None` as long as that is not known.
    pub fn attempt(&mut self, claims_only: &[bool], older: Option<&Older>) -> Result<Outcome> {
        let crosswalk = self.crosswalk;
        let mut totals = self.totals();
        let out_tables = self.out_tables();
        self.sink.begin(&out_tables)?;

        let mut fills = vec![Vec::new(); crosswalk.tables.len()];
        let mut beneficiaries = Beneficiaries::default();
        let mixed = self.people_pass(claims_only, &mut totals, &mut beneficiaries, &mut fills)?;
        beneficiaries.settle();
        let claim_files: Vec<usize> = (0..self.sources.len()).filter(|at| claims_only[*at] || mixed[*at]).collect();
        let stays = match self.claim_pass(claims_only, older, claim_files, &mut totals, &beneficiaries, &mut fills)? {
            Claims::Done(stays) => stays,
            Claims::LatePeople => return Ok(Outcome::LatePeople),
            Claims::Repeated(older, answers) => return Ok(Outcome::Repeated(older, answers)),
        };
        for (id, stay) in stays {
            beneficiaries.add_stay(&id, stay);
        }
        self.uncovered(&beneficiaries, &mut totals)?;
        let people = self.beneficiary_tables(&beneficiaries, &mut totals)?;
        self.summary_table(&totals)?;
        self.sources.iter().try_for_each(Source::check_unchanged)?;
        self.observer.complete()?;
        self.sink.finish()?;
        Ok(Outcome::Done(Box::new(self.report(totals, people, &fills))))
    }

    /// Position of a crosswalk table among the sink's.
    fn position(&self, table: usize) -> Option<usize> {
        self.wanted.iter().position(|wanted| *wanted == table)
    }

    fn table_of(&self, row: Root) -> Option<usize> {
        self.wanted.iter().copied().find(|at| self.crosswalk.tables[*at].row == row)
    }

    fn people_tables(&self) -> PeopleTables {
        PeopleTables {
            demographics: self.table_of(Root::Patient),
            former: self.table_of(Root::Former),
            enrollment: self.table_of(Root::Coverage),
        }
    }

    fn tail(&self) -> Tail {
        Tail::new(self.crosswalk, self.sources, self.job.lineage, self.job.file_columns.as_ref())
    }

    fn out_tables(&self) -> Vec<OutTable> {
        let version = self.job.schemas.version(self.crosswalk.api);
        let table = |at: &usize| {
            let table = &self.job.schemas.tables[*at];
            OutTable::of(table, self.job.lineage, self.job.file_columns.is_some()).explained(table, version)
        };
        let mut tables: Vec<OutTable> = self.wanted.iter().map(table).collect();
        tables.push(OutTable::summary());
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
        // Of one file: what counts of them is known at its end.
        let mut tallies: Vec<Tally> = Vec::new();
        let mut pending = 0;
        let all: u64 = self.sources.iter().map(Source::size).sum();
        let sources = self.sources;
        let feed = Feed::new(sources, files, self.job.chunk);
        let tables = self.people_tables();
        let reader = || Reader::new(self.job.parser, self.job.verify);
        let worker = |_| PeopleWorker::new(crosswalk, sources, tables, reader());
        let workers = (0..self.workers()).map(worker).collect();
        let merge = |mut output: PeopleOutput| {
            output.patients.into_iter().for_each(|patient| beneficiaries.add_patient(patient));
            output.coverages.into_iter().for_each(|(id, coverage)| beneficiaries.add_coverage(&id, coverage));
            let source = output.tally.source;
            if tallies.first().is_some_and(|first| first.source != source) {
                self.settle(std::mem::take(&mut tallies), &others, totals)?;
                pending = 0;
            }
            others[source] += output.others;
            if others[source] > 0 {
                // Told when the file is read again; there may be millions of them.
                output.tally.issues.retain(|issue| !issue.resource.is_empty());
            }
            pending += output.tally.consumed;
            self.observer.progress(totals.done + pending, all)?;
            tallies.push(output.tally);
            Ok(ControlFlow::Continue(()))
        };
        let workers = pipeline::run(&feed, workers, |worker, chunk| worker.work(chunk), merge)?;
        self.settle(tallies, &others, totals)?;
        for worker in workers.iter().flatten() {
            add_fills(fills, &worker.people.maker.fills);
        }
        Ok(others.into_iter().map(|others| others > 0).collect())
    }

    /// Adds up what the first pass counted in a file; `others`: lines of each file that are neither Patient nor Coverage.
    fn settle(&mut self, tallies: Vec<Tally>, others: &[u64], totals: &mut Totals) -> Result<()> {
        for mut tally in tallies {
            if others[tally.source] > 0 {
                // The file is read again: its lines count then, and what is no Patient is reported then.
                tally.lines = 0;
                tally.blank_lines = 0;
                tally.bytes = 0;
                tally.consumed = 0;
                tally.issues.retain(|issue| !issue.resource.is_empty());
            }
            self.add(totals, tally, Doubt::default())?;
        }
        Ok(())
    }

    fn claim_pass(
        &mut self,
        claims_only: &[bool],
        older: Option<&Older>,
        files: Vec<usize>,
        totals: &mut Totals,
        beneficiaries: &Beneficiaries,
        fills: &mut [Vec<u64>],
    ) -> Result<Claims> {
        let crosswalk = self.crosswalk;
        let tail = self.tail();
        let said = std::mem::take(&mut self.answers);
        let tables: Vec<usize> =
            self.wanted.iter().copied().filter(|at| !crosswalk.tables[*at].families.is_empty()).collect();
        let positions: Vec<usize> = tables.iter().filter_map(|table| self.position(*table)).collect();
        let people_read: Vec<bool> = claims_only.iter().map(|only| !only).collect();
        let pass = ClaimPass {
            crosswalk,
            sources: self.sources,
            beneficiaries,
            people_read: &people_read,
            tail: &tail,
            tables: &tables,
            beneficiary_table: self.table_of(Root::Patient),
            older,
            deliveries: self.deliveries,
            adjustments: self.job.adjustments,
            partial: self.job.schemas.is_partial(),
            answers: &said,
            parser: self.job.parser,
            verify: self.job.verify,
        };
        let mut workers = Vec::new();
        for _ in 0..self.workers() {
            let encoders = positions.iter().map(|at| self.sink.encoder(*at)).collect::<Result<_>>()?;
            workers.push(ClaimWorker::new(&pass, encoders));
        }
        let feed = Feed::new(self.sources, files, self.job.chunk);
        let mut stays = BTreeSet::new();
        let mut answers = Answers::default();
        let mut versions = Versions::new(&self.job.spool);
        let doubt = Doubt { people: claims_only.contains(&true), claims: older.is_none() };
        let merge = |output: ClaimOutput| {
            if output.late_people {
                return Ok(ControlFlow::Break(()));
            }
            stays.extend(output.stays);
            output.answers.into_iter().for_each(|(id, answer)| answers.add(id, answer));
            output.versions.into_iter().for_each(|version| versions.add(version));
            for (position, part) in positions.iter().zip(output.parts) {
                self.sink.part(*position, part)?;
            }
            self.add(totals, output.tally, doubt)?;
            Ok(ControlFlow::Continue(()))
        };
        let Some(workers) = pipeline::run(&feed, workers, |worker, chunk| worker.work(chunk), merge)? else {
            return Ok(Claims::LatePeople);
        };
        let repeated = versions.finish()?;
        if !repeated.is_empty() || !answers.is_empty() {
            return Ok(Claims::Repeated(repeated, answers));
        }
        if let Some(error) = totals.waiting.take() {
            return Err(error);
        }
        for worker in &workers {
            add_fills(fills, &worker.claims.writer.maker.fills);
            add_fills(&mut totals.filled, worker.claims.writer.filled.sums());
            self.add_months(totals, &worker.claims.writer.months);
        }
        Ok(Claims::Done(stays))
    }

    /// Coverages whose Patient is not in the input: nothing of them is written.
    fn uncovered(&mut self, beneficiaries: &Beneficiaries, totals: &mut Totals) -> Result<()> {
        let mut tallies: BTreeMap<usize, Tally> = BTreeMap::new();
        for coverage in beneficiaries.uncovered() {
            let place = coverage.place;
            let message = "expected the Coverage's Patient in the input, found none: left out";
            let tally = tallies.entry(place.source).or_default();
            tally.source = place.source;
            let about = About { place, resource: "Coverage", id: coverage.id };
            tally.issues.push(about.issue("unknown-patient", Weight::Loss, message));
        }
        tallies.into_values().try_for_each(|tally| self.add(totals, tally, Doubt::default()))
    }

    /// CCLF0: every file of CMS's with its description, records and record length.
    fn summary_table(&mut self, totals: &Totals) -> Result<()> {
        let position = self.wanted.len();
        let mut encoder = self.sink.encoder(position)?;
        let mut row = Row::default();
        for at in self.wanted {
            let table = &self.job.schemas.tables[*at];
            if table.own {
                continue;
            }
            row.clear();
            row.push(table.layout.table.as_bytes());
            row.push(table.title.as_bytes());
            row.push(totals.rows[*at].to_string().as_bytes());
            row.push(table.layout.cms_length().to_string().as_bytes());
            encoder.row(&row)?;
        }
        self.sink.part(position, encoder.take()?)
    }
}
