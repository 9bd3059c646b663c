//! A claim of a facility: CCLF1 with its lines, procedures and stay.

use super::{Enhancement, Hundredths, Ndc, Person, Procedure};
use crate::sandbox::date::Date;
use crate::sandbox::vocabulary::{Term, place::State};

#[derive(Clone, Debug)]
pub struct Institutional {
    pub oscar: String,
    pub npi: String,
    pub name: &'static str,
    /// False where v3 renders the billing provider as a Practitioner and so loses the OSCAR number.
    pub is_organisation: bool,
    pub state: State,
    /// The three characters of the type of bill: facility, classification, frequency.
    pub bill: [char; 3],
    pub attending: Option<Person>,
    pub operating: Option<Person>,
    pub other: Option<Person>,
    pub rendering: Option<Person>,
    pub admission: Option<(Date, Option<Date>)>,
    pub admission_type: Option<Term>,
    pub admission_source: Option<Term>,
    pub discharge: Option<Term>,
    pub drg: Option<String>,
    pub nonpayment: Option<Term>,
    pub payer: Option<Term>,
    /// CLM_OP_SRVC_TYPE_CD, v3 outpatient only.
    pub service_type: Option<&'static str>,
    pub amounts: Amounts,
    pub procedures: Vec<Procedure>,
    /// Condition codes, 62 (periodic interim payment) among them.
    pub conditions: Vec<&'static str>,
    pub enhancement: Enhancement,
    pub lines: Vec<RevenueLine>,
}

/// Header amounts, in cents; `None` where the claim does not carry the amount.
#[derive(Clone, Debug, Default)]
pub struct Amounts {
    pub capital_ime: Option<Hundredths>,
    pub operating_ime: Option<Hundredths>,
    pub capital_share: Option<Hundredths>,
    pub uncompensated: Option<Hundredths>,
    pub operating_share: Option<Hundredths>,
    pub per_diem: Option<Hundredths>,
    pub inpatient_deductible: Option<Hundredths>,
    pub coinsurance: Option<Hundredths>,
    pub blood: Option<Hundredths>,
    pub professional: Option<Hundredths>,
    pub noncovered: Option<Hundredths>,
    pub deductible: Option<Hundredths>,
}

#[derive(Clone, Debug)]
pub struct RevenueLine {
    pub number: u32,
    pub revenue: Term,
    /// REV_CNTR_DT.
    pub date: Option<Date>,
    /// CLM_LINE_FROM_DT and CLM_LINE_THRU_DT, which only v3 serves, in place of the revenue date.
    pub period: Option<(Date, Date)>,
    pub hcpcs: Option<&'static str>,
    pub hipps: Option<&'static str>,
    pub modifiers: Vec<&'static str>,
    /// Service units.
    pub units: Hundredths,
    pub paid: Option<Hundredths>,
    pub charge: Hundredths,
    /// First ANSI group and reason.
    pub reason: Option<(&'static str, &'static str)>,
    pub ndc: Option<Ndc>,
}
