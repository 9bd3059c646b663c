//! A prescription drug event: CCLF7.

use super::{Hundredths, Person};
use crate::sandbox::date::Date;

#[derive(Clone, Debug)]
pub struct Drug {
    /// 11 digits; a deletion has none.
    pub ndc: Option<String>,
    pub name: &'static str,
    pub compound: bool,
    pub filled: Date,
    pub pharmacy_name: &'static str,
    pub pharmacy_npi: String,
    /// Qualifier and number by which v3 names the pharmacy; `01` repeats the NPI.
    pub pharmacy: (&'static str, String),
    pub prescriber: Person,
    pub prescriber_id: (&'static str, String),
    pub dispensing: Option<&'static str>,
    pub written: Option<&'static str>,
    pub quantity: Hundredths,
    pub days: Option<u32>,
    /// Zero for the first fill, as served.
    pub fill: Option<u32>,
    pub reference: Option<String>,
    pub pharmacy_type: Option<&'static str>,
    pub patient_pay: Hundredths,
    pub cost: Hundredths,
    /// 1 original, 2 adjusted, 3 deleted, 4 resubmitted.
    pub version: u8,
}

impl Drug {
    /// CCW ADJSTMT_DLTN_CD; the original has none.
    pub const fn change(&self) -> Option<&'static str> {
        match self.version {
            2 => Some("A"),
            3 => Some("D"),
            4 => Some("R"),
            _ => None,
        }
    }
}
