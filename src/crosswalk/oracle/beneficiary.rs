//! What a Patient says: which MBI is in force, which ones were before, and the Patient's own cells of CCLF8.
//!
//! The rule is one for all versions: v1 and v2 mark former MBIs as `historic`, v3 tells by period only, and data of
//! either kind may lack what it should have.

use serde_json::Value;

use super::super::path::{Root, Source};
use super::super::schema::Mapping;
use super::find::{self, Scene};
use super::{Oracle, Site};

/// The system of Medicare Beneficiary Identifiers.
const US_MBI: &str = "http://hl7.org/fhir/sid/us-mbi";

/// One MBI of a Patient.
struct Mbi<'a> {
    element: &'a Value,
    value: String,
    start: Option<String>,
    ended: bool,
    historic: bool,
}

impl Oracle<'_> {
    /// The Patient's MBI in force.
    ///
    /// Among MBIs not marked `historic` those without an end count, or all if all have ended; of several the one
    /// that started last, of equal ones the first.
    pub fn current_mbi(&self, patient: &Value) -> Option<String> {
        let candidates: Vec<Mbi<'_>> = self.mbis(patient).into_iter().filter(|mbi| !mbi.historic).collect();
        let all_ended = candidates.iter().all(|mbi| mbi.ended);
        let mut current: Option<&Mbi<'_>> = None;
        for mbi in candidates.iter().filter(|mbi| all_ended || !mbi.ended) {
            if current.is_none_or(|current| mbi.start > current.start) {
                current = Some(mbi);
            }
        }
        current.map(|mbi| mbi.value.clone())
    }

    /// Rows of CCLF9: one per former MBI, each value once. Without an MBI in force there is nothing to refer to.
    pub fn former_rows(&self, patient: &Value) -> Vec<Vec<String>> {
        let (Some(current), Some(table)) = (self.current_mbi(patient), self.schemas.table("CCLF9")) else {
            return Vec::new();
        };
        let mut seen = vec![current.clone()];
        let mut rows = Vec::new();
        for mbi in self.mbis(patient) {
            if !seen.contains(&mbi.value) {
                let scene = Scene { record: patient, row: Some(mbi.element) };
                rows.push(self.row(table, &Site { scene, diagnoses: &[], product: "", number: 0, mbi: &current }));
                seen.push(mbi.value);
            }
        }
        rows
    }

    /// The cells of CCLF8 that the Patient alone decides, as label and text, in layout order.
    pub fn patient_cells(&self, patient: &Value) -> Vec<(String, String)> {
        let Some(table) = self.schemas.table("CCLF8") else { return Vec::new() };
        let mbi = self.current_mbi(patient).unwrap_or_default();
        let scene = Scene { record: patient, row: None };
        let site = Site { scene, diagnoses: &[], product: "", number: 0, mbi: &mbi };
        let cells = table.layout.fields.iter().filter_map(|field| {
            let mapping = self.mapping("CCLF8", &field.label).filter(|mapping| of_patient(mapping))?;
            Some((field.label.clone(), self.cell(mapping, field, &site)))
        });
        cells.collect()
    }

    fn mbis<'a>(&self, patient: &'a Value) -> Vec<Mbi<'a>> {
        let identifiers = find::elements(patient, "identifier").into_iter();
        identifiers
            .filter(|element| self.fact("%mbi", "system", element).as_deref() == Some(US_MBI))
            .filter_map(|element| {
                Some(Mbi {
                    element,
                    value: self.fact("%mbi", "value", element)?,
                    start: self.fact("%mbi", "start", element),
                    ended: self.fact("%mbi", "end", element).is_some(),
                    historic: self.fact("%mbi", "currency", element).as_deref() == Some("historic"),
                })
            })
            .collect()
    }
}

/// Whether a cell's first way to a value is the Patient or its MBI.
fn of_patient(mapping: &Mapping) -> bool {
    mapping.cell.alternatives.first().is_some_and(
        |first| matches!(&first.source, Source::Path(path) if matches!(path.root, Root::Patient | Root::Mbi)),
    )
}

#[cfg(test)]
mod tests {
    use super::super::super::schema::Schemas;
    use super::*;
    use crate::api::Api;
    use serde_json::json;

    fn mbi(value: &str, period: Value) -> Value {
        json!({"system": US_MBI, "value": value, "period": period})
    }

    #[test]
    fn the_open_mbi_that_started_last_is_in_force() {
        let schemas = Schemas::embedded().unwrap();
        let oracle = Oracle::new(&schemas, Api::V3);
        let current = |identifiers: &[Value]| oracle.current_mbi(&json!({ "identifier": identifiers }));
        let (old, open) = (mbi("A", json!({"start": "2030-01-01", "end": "2019-01-01"})), mbi("B", json!({})));
        let later = mbi("C", json!({"start": "2020-01-01"}));
        let other = json!({"system": "http://example.org", "value": "Z"});
        assert_eq!(current(&[]), None);
        assert_eq!(current(&[other, old.clone()]).as_deref(), Some("A"));
        assert_eq!(current(&[old.clone(), open.clone()]).as_deref(), Some("B"));
        assert_eq!(current(&[old, open, later.clone(), mbi("D", later["period"].clone())]).as_deref(), Some("C"));
    }

    #[test]
    fn every_other_mbi_is_former_once() {
        let schemas = Schemas::embedded().unwrap();
        let historic = json!({"system": "https://bluebutton.cms.gov/resources/codesystem/identifier-currency", "code": "historic"});
        let old = json!({"system": US_MBI, "value": "1S00E00AA01",
            "type": {"coding": [{"extension": [{"valueCoding": historic}]}]}});
        let patient = json!({"identifier": [old, old, mbi("1S00E00AA02", json!({}))]});
        for api in [Api::V1, Api::V2] {
            let oracle = Oracle::new(&schemas, api);
            assert_eq!(oracle.current_mbi(&patient).as_deref(), Some("1S00E00AA02"));
            let rows = oracle.former_rows(&patient);
            assert_eq!(rows, [["M", "1S00E00AA02", "1S00E00AA01", "", "", ""]]);
        }
    }

    #[test]
    fn a_patient_gives_its_own_cells() {
        let schemas = Schemas::embedded().unwrap();
        let patient = json!({"birthDate": "1950-06-15", "meta": {"lastUpdated": "2024-06-14T00:00:00Z"},
            "gender": "female", "identifier": mbi("1S00E00AA01", json!({})), "name": {"given": ["ANN", "B"]}});
        let cells = Oracle::new(&schemas, Api::V2).patient_cells(&patient);
        let cell = |label: &str| cells.iter().find(|(known, _)| known == label).map(|(_, text)| text.as_str());
        assert_eq!(cell("BENE_MBI_ID"), Some("1S00E00AA01"));
        assert_eq!(cell("BENE_AGE"), Some("73"));
        assert_eq!(cell("BENE_SEX_CD"), Some("2"));
        assert_eq!(cell("BENE_MIDL_NAME"), Some("B"));
        assert_eq!(cell("BENE_MDCR_STUS_CD"), None);
    }
}
