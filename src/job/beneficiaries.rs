//! The beneficiaries of a run: who they are, which MBI is in force, what the beneficiary tables say.
//!
//! Filled by the pass over Patients and Coverages, asked by the pass over claims (which adds hospice stays), and
//! written as the beneficiary tables at the end. Kept small: a beneficiary is a few packed rows.

use std::collections::HashMap;

use crate::crosswalk::row::Packed;

/// One Patient, ready to be kept.
#[derive(Debug)]
pub struct PatientEntry {
    /// Patient.id
    pub id: Box<str>,
    /// meta.lastUpdated; of several Patients with one id the latest counts
    pub updated: Box<str>,
    /// id of the Patient this one was merged into
    pub replaced_by: Option<Box<str>>,
    /// the MBI in force; empty if there is none
    pub mbi: Box<str>,
    /// cells of the beneficiary table that come from the Patient; others are blank
    pub cells: Packed,
    /// rows of former MBIs
    pub former: Vec<Packed>,
    /// index of the input file
    pub source: u32,
    /// 1-based
    pub line: u64,
}

/// One Coverage, ready to be kept.
#[derive(Debug)]
pub struct CoverageEntry {
    /// id of the beneficiary
    pub beneficiary: Box<str>,
    /// period.start
    pub start: Box<str>,
    /// period.end; empty: still in force
    pub end: Box<str>,
    /// column of the beneficiary table and text
    pub cells: Vec<(u16, Box<str>)>,
}

/// A value of a Coverage that won for its column.
#[derive(Debug)]
struct Enrolled {
    column: u16,
    text: Box<str>,
    start: Box<str>,
    open: bool,
}

/// One hospice stay; either may be empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stay {
    /// ISO date
    pub start: Box<str>,
    /// ISO date
    pub end: Box<str>,
}

#[derive(Debug, Default)]
struct Beneficiary {
    patient: Option<PatientEntry>,
    enrolled: Vec<Enrolled>,
    stays: Vec<Stay>,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Beneficiaries {
    by_id: HashMap<Box<str>, u32>,
    list: Vec<Beneficiary>,
    /// those with a Patient, in the order of the first one
    order: Vec<u32>,
    older_versions: u64,
}

impl Beneficiaries {
    fn entry(&mut self, id: &str) -> usize {
        match self.by_id.get(id) {
            Some(at) => *at as usize,
            None => {
                let at = self.list.len();
                self.by_id.insert(id.into(), at as u32);
                self.list.push(Beneficiary::default());
                at
            }
        }
    }

    /// Keeps a Patient, unless a newer one with its id is known.
    pub fn add_patient(&mut self, patient: PatientEntry) {
        let at = self.entry(&patient.id);
        match &self.list[at].patient {
            None => self.order.push(at as u32),
            Some(known) => {
                self.older_versions += 1;
                if known.updated >= patient.updated {
                    return;
                }
            }
        }
        self.list[at].patient = Some(patient);
    }

    /// Keeps the values of a Coverage. For each column an open period wins over an ended one, a later start over an
    /// earlier one, and else the first in the input.
    pub fn add_coverage(&mut self, coverage: CoverageEntry) {
        let at = self.entry(&coverage.beneficiary);
        let enrolled = &mut self.list[at].enrolled;
        let open = coverage.end.is_empty();
        for (column, text) in coverage.cells {
            match enrolled.iter_mut().find(|known| known.column == column) {
                None => enrolled.push(Enrolled { column, text, start: coverage.start.clone(), open }),
                Some(known) if (open, &coverage.start) > (known.open, &known.start) => {
                    *known = Enrolled { column, text, start: coverage.start.clone(), open };
                }
                Some(_) => {}
            }
        }
    }

    /// Keeps a hospice stay of a beneficiary, known or not.
    pub fn add_stay(&mut self, id: &str, stay: Stay) {
        let id = self.surviving(id).map_or(id, |patient| &patient.id).to_string();
        let at = self.entry(&id);
        self.list[at].stays.push(stay);
    }

    /// The MBI in force; `None` if there is no such Patient, empty if it has none.
    pub fn mbi(&self, id: &str) -> Option<&str> {
        self.surviving(id).map(|patient| &*patient.mbi)
    }

    /// The Patient with this id, or the one it was merged into.
    fn surviving(&self, id: &str) -> Option<&PatientEntry> {
        let mut id = id;
        // A chain of merges is short; the bound is against rings.
        for _ in 0..8 {
            let patient = self.list[*self.by_id.get(id)? as usize].patient.as_ref()?;
            match &patient.replaced_by {
                Some(next) if self.by_id.contains_key(next) => id = next,
                _ => return Some(patient),
            }
        }
        None
    }

    /// Patients that stand for a beneficiary, in input order, with values of Coverages and stays.
    pub fn rows(&self) -> impl Iterator<Item = BeneficiaryRows<'_>> {
        self.order.iter().filter_map(|at| {
            let beneficiary = &self.list[*at as usize];
            let patient = beneficiary.patient.as_ref().filter(|patient| patient.replaced_by.is_none())?;
            Some(BeneficiaryRows { patient, enrolled: &beneficiary.enrolled, stays: stays(&beneficiary.stays) })
        })
    }

    /// Patients left out because a newer one has the same id.
    pub fn older_versions(&self) -> u64 {
        self.older_versions
    }

    /// Patients that were merged into another.
    pub fn merged(&self) -> u64 {
        let merged = |at: &&u32| self.list[**at as usize].patient.as_ref().is_some_and(|p| p.replaced_by.is_some());
        self.order.iter().filter(merged).count() as u64
    }
}

/// What the beneficiary tables need of one beneficiary.
#[derive(Debug)]
pub struct BeneficiaryRows<'a> {
    /// the Patient
    pub patient: &'a PatientEntry,
    enrolled: &'a [Enrolled],
    /// distinct, by start; never empty: without a stay there is one of blanks
    pub stays: Vec<Stay>,
}

impl BeneficiaryRows<'_> {
    /// The text that Coverages give for a column; empty if none does.
    pub fn enrolled(&self, column: usize) -> &str {
        self.enrolled.iter().find(|known| usize::from(known.column) == column).map_or("", |known| &known.text)
    }
}

/// Distinct stays by start. Claims of one stay repeat its start and learn its end later.
fn stays(seen: &[Stay]) -> Vec<Stay> {
    let mut stays: Vec<Stay> = seen.iter().filter(|stay| !stay.start.is_empty() || !stay.end.is_empty()).cloned().collect();
    stays.sort();
    stays.reverse();
    stays.dedup_by(|earlier, later| !earlier.start.is_empty() && earlier.start == later.start);
    stays.reverse();
    if stays.is_empty() {
        stays.push(Stay { start: "".into(), end: "".into() });
    }
    stays.dedup();
    stays
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crosswalk::row::Row;

    fn patient(id: &str, updated: &str, mbi: &str, replaced_by: Option<&str>) -> PatientEntry {
        PatientEntry {
            id: id.into(),
            updated: updated.into(),
            replaced_by: replaced_by.map(Into::into),
            mbi: mbi.into(),
            cells: Row::default().pack(),
            former: Vec::new(),
            source: 0,
            line: 1,
        }
    }

    fn stay(start: &str, end: &str) -> Stay {
        Stay { start: start.into(), end: end.into() }
    }

    #[test]
    fn the_newest_patient_of_an_id_counts_and_keeps_the_first_place() {
        let mut all = Beneficiaries::default();
        all.add_patient(patient("1", "2024", "OLD", None));
        all.add_patient(patient("2", "2024", "TWO", None));
        all.add_patient(patient("1", "2025", "NEW", None));
        all.add_patient(patient("1", "2023", "ANCIENT", None));
        assert_eq!(all.mbi("1"), Some("NEW"));
        assert_eq!(all.rows().map(|rows| &*rows.patient.mbi).collect::<Vec<_>>(), ["NEW", "TWO"]);
        assert_eq!(all.older_versions(), 2);
        assert_eq!(all.mbi("3"), None);
    }

    #[test]
    fn merged_patients_lead_to_the_one_that_stays() {
        let mut all = Beneficiaries::default();
        all.add_patient(patient("1", "", "", Some("2")));
        all.add_patient(patient("2", "", "MBI", None));
        all.add_patient(patient("3", "", "", Some("4")));
        all.add_patient(patient("4", "", "", Some("3")));
        assert_eq!(all.mbi("1"), Some("MBI"));
        assert_eq!(all.mbi("3"), None);
        all.add_stay("1", stay("2024-01-01", ""));
        assert_eq!(all.rows().next().unwrap().stays, [stay("2024-01-01", "")]);
        assert_eq!(all.merged(), 3);
    }

    #[test]
    fn stays_are_distinct_by_start_and_learn_their_end() {
        assert_eq!(stays(&[]), [stay("", "")]);
        let seen = [stay("2024-05-01", ""), stay("2023-01-01", "2023-02-01"), stay("2024-05-01", "2024-06-01"), stay("2023-01-01", "2023-02-01")];
        assert_eq!(stays(&seen), [stay("2023-01-01", "2023-02-01"), stay("2024-05-01", "2024-06-01")]);
    }

    #[test]
    fn an_open_coverage_wins_then_the_later_one() {
        let coverage = |start: &str, end: &str, text: &str| CoverageEntry {
            beneficiary: "1".into(),
            start: start.into(),
            end: end.into(),
            cells: vec![(5, text.into())],
        };
        let mut all = Beneficiaries::default();
        all.add_coverage(coverage("2020", "2021", "a"));
        all.add_coverage(coverage("2019", "", "b"));
        all.add_coverage(coverage("2019", "", "c"));
        all.add_coverage(coverage("2022", "2023", "d"));
        all.add_patient(patient("1", "", "", None));
        assert_eq!(all.rows().next().unwrap().enrolled(5), "b");
        assert_eq!(all.rows().next().unwrap().enrolled(6), "");
    }
}
