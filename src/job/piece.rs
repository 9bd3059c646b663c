//! A piece of a job on sources of its own: the door through which [`split`](crate::split) comes to the passes.

use super::beneficiaries::Beneficiaries;
use super::responses::Answers;
use super::run::Run;
use super::versions::Version;
use super::{Job, Observer};
use crate::api::Api;
use crate::crosswalk::program::{Crosswalk, Wants};
use crate::error::{Error, Result};
use crate::read::Source;
use crate::report::Report;
use crate::write::Sink;
use crate::write::discard::Discard;

/// Sources and the compiled crosswalk of a job whose API version is known.
pub(crate) struct Piece<'a> {
    job: &'a Job,
    sources: &'a [Source],
    /// per source, as in a whole run; empty: there is one delivery
    deliveries: Vec<u32>,
    wanted: Vec<usize>,
    crosswalk: Crosswalk,
}

impl<'a> Piece<'a> {
    /// `deliveries`: per source, if versions are asked for and there are several.
    pub(crate) fn new(job: &'a Job, sources: &'a [Source], deliveries: Vec<u32>) -> Result<Piece<'a>> {
        let unsaid = || Error::Usage("expected the API version of a piece of a job, found none".to_string());
        let api: Api = job.api.ok_or_else(unsaid)?;
        if job.schemas.is_partial() {
            // Their answers may be anywhere in the export.
            let message = "expected schemas of adjudicated claims, found those of partially adjudicated ones";
            return Err(Error::Usage(format!("{message}\n  hint: convert the whole export")));
        }
        let wanted = job.wanted_tables()?;
        let wants = Wants { groups: !deliveries.is_empty(), tables: Some(wanted.clone()) };
        let crosswalk = Crosswalk::compile_with(&job.schemas, api, wants)?;
        Ok(Piece { job, sources, deliveries, wanted, crosswalk })
    }

    fn run<'r>(&'r self, sink: &'r mut dyn Sink, observer: &'r mut dyn Observer) -> Run<'r> {
        let Piece { job, sources, deliveries, wanted, crosswalk } = self;
        Run { job, wanted, sources, deliveries, answers: Answers::default(), crosswalk, sink, observer }
    }

    /// Who the people of all sources are.
    pub(crate) fn people(&self, observer: &mut dyn Observer) -> Result<(Beneficiaries, Report)> {
        let nothing = vec![false; self.sources.len()];
        self.run(&mut Discard::Rows, observer).people(&nothing)
    }

    /// Rows of every version of every claim. `claims_only`: nobody has looked for Patients in these sources.
    pub(crate) fn part(
        &self,
        claims_only: bool,
        people: &Beneficiaries,
        sink: &mut dyn Sink,
        observer: &mut dyn Observer,
    ) -> Result<Report> {
        let claims_only = vec![claims_only; self.sources.len()];
        self.run(sink, observer).part(&claims_only, people)
    }

    /// Every version of every claim in input order.
    pub(crate) fn versions(
        &self,
        people: &Beneficiaries,
        observer: &mut dyn Observer,
        each: impl FnMut(Version) -> Result<()> + Send,
    ) -> Result<Report> {
        self.run(&mut Discard::Rows, observer).versions(people, each)
    }
}
