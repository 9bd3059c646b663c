//! The CCLF rows that belong to a beneficiary, computed from the facts alone.
//!
//! This is the other half of the generator: what the payer's own CCLF would say, as far as the API version can tell it.
//! It never looks at the JSON. Where a version loses a fact the cell is blank; where the specification leaves a value
//! open the label is missing from the row.

mod drug;
mod facility;
mod person;
mod physician;

use crate::Api;
use crate::sandbox::ccw;
use crate::sandbox::date::Date;
use crate::sandbox::model::{Beneficiary, Body, Claim, Family};

/// One row of a CCLF file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedRow {
    /// `CCLF1` .. `CCLF9`, `CCLFA`, `CCLFB`.
    pub table: &'static str,
    /// Id of the resource that the row comes from: the claim's, or the Patient's in CCLF8 and CCLF9.
    pub fhir_id: String,
    /// What tells the row from the others of its table.
    pub key: Vec<(&'static str, String)>,
    /// Label and text; amounts with two decimals, quantities without trailing zeros, codes without blanks, diagnosis
    /// codes without dots, dates as `YYYY-MM-DD`, nothing for null.
    pub cells: Vec<(&'static str, String)>,
}

impl ExpectedRow {
    /// The text of a cell; `None` where the value is left open.
    pub fn cell(&self, label: &str) -> Option<&str> {
        self.cells.iter().find(|(name, _)| *name == label).map(|(_, value)| value.as_str())
    }
}

/// What the rows of one beneficiary have in common.
pub(crate) struct Context<'a> {
    api: Api,
    beneficiary: &'a Beneficiary,
}

pub(crate) fn rows(api: Api, beneficiary: &Beneficiary) -> Vec<ExpectedRow> {
    let context = Context { api, beneficiary };
    let mut rows = Vec::new();
    for claim in beneficiary.claims.iter().filter(|claim| claim.is_in_cclf()) {
        match &claim.body {
            Body::Institutional(body) => facility::rows(&context, claim, body, &mut rows),
            Body::Professional(body) => physician::rows(&context, claim, body, &mut rows),
            Body::Drug(body) => rows.push(drug::row(&context, claim, body)),
        }
    }
    person::rows(&context, &mut rows);
    // Stable: within a table the order of the claims and their lines stays.
    rows.sort_by_key(|row| row.table);
    rows
}

/// A row under construction.
pub(crate) struct Row(ExpectedRow);

impl Row {
    fn new(table: &'static str, fhir_id: String) -> Row {
        Row(ExpectedRow { table, fhir_id, key: Vec::new(), cells: Vec::with_capacity(48) })
    }

    fn put(&mut self, label: &'static str, value: impl Text) -> &mut Row {
        self.0.cells.push((label, value.text()));
        self
    }

    /// A cell that belongs to the key.
    fn key(&mut self, label: &'static str, value: impl Text) -> &mut Row {
        let text = value.text();
        self.0.key.push((label, text.clone()));
        self.put(label, text)
    }

    /// Cells that no API version can fill.
    fn blank(&mut self, labels: &[&'static str]) -> &mut Row {
        for label in labels {
            self.put(label, "");
        }
        self
    }

    fn finish(self) -> ExpectedRow {
        self.0
    }
}

/// What a cell can be made of.
pub(crate) trait Text {
    fn text(self) -> String;
}

impl Text for &str {
    fn text(self) -> String {
        self.to_owned()
    }
}

impl Text for String {
    fn text(self) -> String {
        self
    }
}

impl Text for &String {
    fn text(self) -> String {
        self.clone()
    }
}

impl Text for char {
    fn text(self) -> String {
        self.to_string()
    }
}

impl Text for u32 {
    fn text(self) -> String {
        self.to_string()
    }
}

impl Text for i64 {
    fn text(self) -> String {
        self.to_string()
    }
}

impl Text for Date {
    fn text(self) -> String {
        self.to_string()
    }
}

impl<T: Text> Text for Option<T> {
    fn text(self) -> String {
        self.map_or_else(String::new, Text::text)
    }
}

/// Cents as `12.30`.
pub(crate) struct Money(pub i64);

impl Text for Money {
    fn text(self) -> String {
        let size = self.0.unsigned_abs();
        format!("{}{}.{:02}", if self.0 < 0 { "-" } else { "" }, size / 100, size % 100)
    }
}

/// Hundredths as `4.75`, `3`, `10.5`.
pub(crate) struct Quantity(pub i64);

impl Text for Quantity {
    fn text(self) -> String {
        let text = Money(self.0).text();
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

fn money(amount: Option<i64>) -> Option<Money> {
    amount.map(Money)
}

impl Context<'_> {
    fn is_v3(&self) -> bool {
        matches!(self.api, Api::V3)
    }

    /// Resource id of a claim in this version.
    fn claim_id(&self, claim: &Claim) -> String {
        if self.is_v3() { claim.id.to_string() } else { ccw::claim_id(claim) }
    }

    /// A row of a claim, begun with the cells that every claim row has.
    fn claim_row(&self, table: &'static str, claim: &Claim) -> Row {
        let mut row = Row::new(table, self.claim_id(claim));
        row.key("CUR_CLM_UNIQ_ID", claim.id);
        row.put("BENE_MBI_ID", self.beneficiary.mbi()).put("BENE_HIC_NUM", "");
        if claim.family != Family::Pde {
            row.put("CLM_TYPE_CD", claim.number.to_string());
        }
        row
    }

    /// CLM_IDR_LD_DT: v3 only, and the year 9999 is null.
    fn loaded(&self, claim: &Claim) -> Option<Date> {
        claim.loaded.filter(|loaded| self.is_v3() && loaded.parts().0 != 9999)
    }

    fn adjustment(&self, claim: &Claim) -> &'static str {
        if self.is_v3() { claim.adjustment() } else { "0" }
    }

    /// A fact that only v3 serves.
    fn new_in_v3<T>(&self, fact: Option<T>) -> Option<T> {
        fact.filter(|_| self.is_v3())
    }

    /// A fact that only v1 and v2 serve.
    fn lost_in_v3<T>(&self, fact: Option<T>) -> Option<T> {
        fact.filter(|_| !self.is_v3())
    }
}

/// `0` for ICD-10, `9` for ICD-9.
fn indicator(icd9: bool) -> &'static str {
    if icd9 { "9" } else { "0" }
}

/// The header's ICD indicator is the principal diagnosis's.
fn header_indicator(claim: &Claim) -> Option<&'static str> {
    claim.diagnoses.first().map(|principal| indicator(principal.icd9))
}
