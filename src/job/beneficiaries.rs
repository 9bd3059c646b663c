//! The beneficiaries of a run: who they are, which MBI is in force, what the beneficiary tables say.
//!
//! Filled by the pass over Patients and Coverages, asked by the pass over claims (which adds hospice stays), and
//! written as the beneficiary tables at the end. Kept small: a beneficiary is a few packed rows.

use std::collections::HashMap;

use jiff::Timestamp;

use super::coverages::{Coverage, Coverages, Enrollment, KeptCoverage};
use super::kept::{Kept, Patient};
use crate::crosswalk::row::{Cells, Packed, Row};

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
    /// all MBIs, each with its row as if it were a former one
    pub numbers: Vec<(Box<str>, Packed)>,
    /// index of the input file
    pub source: u32,
    /// 1-based
    pub line: u64,
}

/// One hospice stay; either may be empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stay {
    /// ISO date
    pub start: Box<str>,
    /// ISO date
    pub end: Box<str>,
}

/// Of millions most may have nothing but a Patient, so that the rest is apart.
#[derive(Debug, Default)]
struct Beneficiary {
    patient: Option<Kept>,
    rest: Option<Box<Rest>>,
}

/// What comes of other resources than the Patient that counts.
#[derive(Debug, Default)]
struct Rest {
    coverages: Coverages,
    /// MBIs of Patients that count no more: older versions of this one, and those merged into it
    past: Vec<(Box<str>, Packed)>,
    stays: Vec<Stay>,
}

impl Beneficiary {
    fn rest(&mut self) -> &mut Rest {
        self.rest.get_or_insert_default()
    }
}

impl Rest {
    fn remember(&mut self, number: &str, cells: Packed) {
        if !self.past.iter().any(|(known, _)| **known == *number) {
            self.past.push((number.into(), cells));
        }
    }
}

/// Whether one time of update is behind another: as instants, or as texts where one of them is none.
fn is_later(one: &str, other: &str) -> bool {
    match (one.parse::<Timestamp>(), other.parse::<Timestamp>()) {
        (Ok(one), Ok(other)) => one > other,
        _ => one > other,
    }
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
        let beneficiary = &mut self.list[at];
        let mut new = Kept::new(&patient);
        match &mut beneficiary.patient {
            None => {
                self.order.push(at as u32);
                beneficiary.patient = Some(new);
                return;
            }
            Some(known) => {
                self.older_versions += 1;
                if is_later(&patient.updated, known.patient().updated) {
                    std::mem::swap(known, &mut new);
                }
            }
        }
        // The older one by now.
        for (number, cells) in new.patient().numbers() {
            beneficiary.rest().remember(number, cells.to_packed());
        }
    }

    /// Keeps a Coverage of the Patient with this id, known or not.
    pub fn add_coverage(&mut self, beneficiary: &str, coverage: KeptCoverage) {
        let at = self.entry(beneficiary);
        let beneficiary = &mut self.list[at];
        let is_known = beneficiary.patient.is_some();
        let coverages = &mut beneficiary.rest().coverages;
        coverages.add(coverage);
        // Each one of nobody is told in the end.
        if is_known {
            coverages.settle_many();
        }
    }

    /// Gives what belongs to merged Patients to the ones that stay, and forgets older versions of Coverages. To be called when all of
    /// them are known.
    pub fn settle(&mut self) {
        for at in 0..self.list.len() {
            let Some(stays) = self.merged_into(at) else { continue };
            let merged = self.list[at].rest.as_mut();
            let (mut coverages, past) = merged
                .map(|rest| (std::mem::take(&mut rest.coverages), std::mem::take(&mut rest.past)))
                .unwrap_or_default();
            let patient = self.list[at].patient.as_ref().map(Kept::patient);
            let numbers = patient.iter().flat_map(Patient::numbers);
            let numbers: Vec<(Box<str>, Packed)> =
                numbers.map(|(number, cells)| (number.into(), cells.to_packed())).collect();
            let rest = self.list[stays].rest();
            coverages.take().for_each(|coverage| rest.coverages.add(coverage));
            past.into_iter().chain(numbers).for_each(|(number, cells)| rest.remember(&number, cells));
        }
        let known = self.list.iter_mut().filter(|one| one.patient.is_some());
        known.filter_map(|one| one.rest.as_mut()).for_each(|rest| rest.coverages.settle());
    }

    /// Coverages whose Patient is not in the input.
    pub fn uncovered(&self) -> impl Iterator<Item = Coverage<'_>> {
        let alone = self.list.iter().filter(|beneficiary| beneficiary.patient.is_none());
        alone.filter_map(|beneficiary| beneficiary.rest.as_ref()).flat_map(|rest| rest.coverages.iter())
    }

    /// The index of the Patient that stays, if this one was merged into it and it is known.
    fn merged_into(&self, at: usize) -> Option<usize> {
        let patient = self.list[at].patient.as_ref().filter(|patient| !patient.replaced_by().is_empty())?;
        let stays = self.surviving(patient.patient().id)?;
        (stays != at).then_some(stays)
    }

    /// Keeps a Patient of whom somebody else has read everything but the number in force; empty: there is none.
    pub fn know(&mut self, id: &str, mbi: &str) {
        self.add_patient(PatientEntry {
            id: id.into(),
            updated: "".into(),
            replaced_by: None,
            mbi: mbi.into(),
            cells: Row::default().pack(),
            numbers: Vec::new(),
            source: 0,
            line: 0,
        });
    }

    /// Ids of all Patients with the number in force, as [`mbi`](Beneficiaries::mbi) gives it, in input order.
    pub fn numbers(&self) -> impl Iterator<Item = (&str, &str)> {
        let patients = self.order.iter().filter_map(|at| self.list[*at as usize].patient.as_ref());
        patients.map(|patient| patient.patient().id).filter_map(|id| Some((id, self.mbi(id)?)))
    }

    /// Keeps a hospice stay of a beneficiary, known or not.
    pub fn add_stay(&mut self, id: &str, stay: Stay) {
        let at = self.surviving(id).unwrap_or_else(|| self.entry(id));
        self.list[at].rest().stays.push(stay);
    }

    /// The MBI in force; `None` if there is no such Patient, empty if it has none.
    pub fn mbi(&self, id: &str) -> Option<&str> {
        self.list[self.surviving(id)?].patient.as_ref().map(Kept::mbi)
    }

    /// The index of the Patient with this id, or of the one it was merged into.
    fn surviving(&self, id: &str) -> Option<usize> {
        let mut id = id;
        // A chain of merges is short; the bound is against rings.
        for _ in 0..8 {
            let at = *self.by_id.get(id)? as usize;
            match self.list[at].patient.as_ref()?.replaced_by() {
                next if !next.is_empty() && self.knows(next) => id = next,
                _ => return Some(at),
            }
        }
        None
    }

    fn knows(&self, id: &str) -> bool {
        self.by_id.get(id).is_some_and(|at| self.list[*at as usize].patient.is_some())
    }

    /// Patients that stand for a beneficiary, in input order, with values of Coverages and stays. One that was merged
    /// into a Patient who is not in the input stands for itself.
    pub fn rows(&self) -> impl Iterator<Item = BeneficiaryRows<'_>> {
        self.order.iter().filter_map(|at| {
            let beneficiary = &self.list[*at as usize];
            let patient = beneficiary.patient.as_ref().filter(|_| !self.is_merged(*at as usize))?.patient();
            let rest = beneficiary.rest.as_deref();
            Some(BeneficiaryRows {
                patient,
                past: rest.map_or(&[], |rest| &rest.past),
                enrollment: rest.map(|rest| Enrollment::of(&rest.coverages)).unwrap_or_default(),
                stays: stays(rest.map_or(&[], |rest| &rest.stays)),
            })
        })
    }

    /// Patients left out because a newer one has the same id.
    pub fn older_versions(&self) -> u64 {
        self.older_versions
    }

    /// Patients that were merged into another one of the input.
    pub fn merged(&self) -> u64 {
        self.order.iter().filter(|at| self.is_merged(**at as usize)).count() as u64
    }

    /// Merged into a known Patient, or into a ring of which nobody stays.
    fn is_merged(&self, at: usize) -> bool {
        self.list[at].patient.as_ref().is_some_and(|patient| self.knows(patient.replaced_by()))
    }
}

/// What the beneficiary tables need of one beneficiary.
#[derive(Debug)]
pub struct BeneficiaryRows<'a> {
    /// the Patient
    pub patient: Patient<'a>,
    past: &'a [(Box<str>, Packed)],
    /// by all Coverages that count
    pub enrollment: Enrollment<'a>,
    /// distinct, by start; never empty: without a stay there is one of blanks
    pub stays: Vec<Stay>,
}

impl BeneficiaryRows<'_> {
    /// Rows of all MBIs but the one in force, each once; none if none is in force, for there is nothing that they
    /// could lead to.
    pub fn former(&self) -> impl Iterator<Item = Cells<'_>> {
        let Self { patient, past, .. } = self;
        let is_new = |value: &str| !patient.numbers().any(|(known, _)| known == value);
        let past = past.iter().filter(move |(value, _)| is_new(value)).map(|(value, row)| (&**value, row.cells()));
        let numbers = patient.numbers().chain(past);
        numbers.filter(|(value, _)| !patient.mbi.is_empty() && *value != patient.mbi).map(|(_, row)| row)
    }
}

/// Distinct stays by start. Claims of one stay repeat its start and learn its end later.
fn stays(seen: &[Stay]) -> Vec<Stay> {
    let mut stays: Vec<Stay> =
        seen.iter().filter(|stay| !stay.start.is_empty() || !stay.end.is_empty()).cloned().collect();
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
mod tests;
