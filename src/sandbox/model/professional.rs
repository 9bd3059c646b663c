//! A claim of a physician or a supplier: CCLF5 (carrier) or CCLF6 (equipment).

use super::{Enhancement, Hundredths, Ndc, Person};
use crate::sandbox::date::Date;
use crate::sandbox::vocabulary::{Term, place::State, service::Service};

#[derive(Clone, Debug)]
pub struct Professional {
    /// Billing provider; the supplier of an equipment claim.
    pub billing: Person,
    pub referring: Option<Person>,
    pub renderers: Vec<Renderer>,
    /// CLM_CARR_PMT_DNL_CD.
    pub denial: Option<Term>,
    /// CLM_DISP_CD as served: `1` or `01` in v1 and v2.
    pub disposition: Option<&'static str>,
    pub lines: Vec<ServiceLine>,
}

/// Who did the work of one or several lines.
#[derive(Clone, Debug)]
pub struct Renderer {
    pub person: Person,
    pub kind: Option<&'static str>,
    pub tax: Option<String>,
}

#[derive(Clone, Debug)]
pub struct ServiceLine {
    pub number: u32,
    pub from: Date,
    /// `None` makes v3 write a single date.
    pub thru: Option<Date>,
    pub service: Service,
    pub modifiers: Vec<&'static str>,
    pub units: Hundredths,
    pub paid: Option<Hundredths>,
    pub allowed: Option<Hundredths>,
    pub charge: Hundredths,
    pub deductible: Option<Hundredths>,
    pub coinsurance: Hundredths,
    /// Index into `Professional::renderers`.
    pub renderer: usize,
    pub state: Option<State>,
    pub place: Option<Term>,
    pub payer: Option<Term>,
    pub processing: Option<Term>,
    /// Index into the diagnoses of the claim.
    pub diagnosis: Option<usize>,
    pub ndc: Option<Ndc>,
    /// CLM_LINE_CARR_HPSA_SCRCTY_CD, v3.
    pub scarcity: Option<&'static str>,
    pub enhancement: Enhancement,
}
