//! Parts of a run, for engines that spread one over machines: who the people are, the rows of some lines, and which
//! versions of claims there are. Each is one pass without starting over, so what a part has sent never comes again.

use std::ops::ControlFlow;
use std::path::Path;

use super::{Claims, Doubt, Run};
use crate::error::{Error, Result};
use crate::job::beneficiaries::Beneficiaries;
use crate::job::claims::{ClaimOutput, ClaimPass, ClaimWorker};
use crate::job::pipeline;
use crate::job::responses::Answers;
use crate::job::tail::Tail;
use crate::job::tally::Tally;
use crate::job::versions::{Older, Version};
use crate::read::{Feed, Source};
use crate::report::{BeneficiaryReport, Report};

impl Run<'_> {
    /// The first pass alone. Its report counts Patients and Coverages; lines and files count where claims are read.
    pub fn people(&mut self, claims_only: &[bool]) -> Result<(Beneficiaries, Report)> {
        let mut totals = self.totals();
        let mut beneficiaries = Beneficiaries::default();
        let mut fills = vec![Vec::new(); self.crosswalk.tables.len()];
        self.people_pass(claims_only, &mut totals, &mut beneficiaries, &mut fills)?;
        self.sources.iter().try_for_each(Source::check_unchanged)?;
        beneficiaries.settle();
        self.uncovered(&beneficiaries, &mut totals)?;
        for input in &mut totals.inputs {
            (input.bytes, input.uncompressed_bytes, input.lines, input.blank_lines) = (0, 0, 0, 0);
        }
        let mut people = BeneficiaryReport {
            merged: beneficiaries.merged(),
            older_versions: beneficiaries.older_versions(),
            ..BeneficiaryReport::default()
        };
        for rows in beneficiaries.rows() {
            people.beneficiaries += 1;
            people.without_mbi += u64::from(rows.patient.mbi.is_empty());
        }
        let report = self.report(totals, people, &fills);
        Ok((beneficiaries, report))
    }

    /// The rows of every version of every claim, of beneficiaries who are known already. `claims_only`: files in which
    /// nobody has looked for Patients.
    pub fn part(&mut self, claims_only: &[bool], beneficiaries: &Beneficiaries) -> Result<Report> {
        let mut totals = self.totals();
        let out_tables = self.out_tables();
        self.sink.begin(&out_tables)?;
        let mut fills = vec![Vec::new(); self.crosswalk.tables.len()];
        let files = (0..self.sources.len()).collect();
        let older = Older::default();
        match self.claim_pass(claims_only, Some(&older), files, &mut totals, beneficiaries, &mut fills)? {
            Claims::Done(_) | Claims::Repeated(..) => {}
            Claims::LatePeople => return Err(late_people(&self.sources[0].path)),
        }
        self.sources.iter().try_for_each(Source::check_unchanged)?;
        self.sink.finish()?;
        Ok(self.report(totals, BeneficiaryReport::default(), &fills))
    }

    /// Every version of every claim in input order, those that give no rows too.
    pub fn versions(
        &mut self,
        beneficiaries: &Beneficiaries,
        mut each: impl FnMut(Version) -> Result<()> + Send,
    ) -> Result<Report> {
        let mut totals = self.totals();
        let people_read = vec![true; self.sources.len()];
        let pass = ClaimPass {
            crosswalk: self.crosswalk,
            sources: self.sources,
            beneficiaries,
            people_read: &people_read,
            tail: &Tail::default(),
            tables: &[],
            beneficiary_table: None,
            older: None,
            deliveries: self.deliveries,
            adjustments: self.job.adjustments,
            partial: false,
            answers: &Answers::default(),
            parser: self.job.parser,
            verify: self.job.verify,
        };
        let workers = (0..self.workers()).map(|_| ClaimWorker::new(&pass, Vec::new())).collect();
        let feed = Feed::new(self.sources, (0..self.sources.len()).collect(), self.job.chunk);
        let merge = |output: ClaimOutput| {
            output.versions.into_iter().try_for_each(&mut each)?;
            // Whoever reads the rows is told what is wrong with the lines.
            let tally = Tally { issues: Vec::new(), ..output.tally };
            self.add(&mut totals, tally, Doubt::default())?;
            Ok(ControlFlow::Continue(()))
        };
        let workers = pipeline::run(&feed, workers, |worker, chunk| worker.work(chunk), merge)?;
        for worker in workers.iter().flatten() {
            self.add_months(&mut totals, &worker.claims.writer.months);
        }
        self.sources.iter().try_for_each(Source::check_unchanged)?;
        Ok(self.report(totals, BeneficiaryReport::default(), &[]))
    }
}

fn late_people(path: &Path) -> Error {
    Error::Usage(format!(
        "expected claims only in a file that begins with one, found a Patient or Coverage: `{}`\n  hint: look for people in every file when the context is made (`thorough`)",
        path.display()
    ))
}
