//! Diagnoses and procedures: both ICD versions, every role, no code twice on a claim except where v3 repeats it.

use super::Maker;
use crate::sandbox::chance::Chance;
use crate::sandbox::date::Date;
use crate::sandbox::model::{Diagnosis, Family, Procedure, Role};
use crate::sandbox::vocabulary::{Term, diagnosis as code};

impl Maker<'_> {
    /// Principal first, then the others in order; the renderers decide where the principal really stands.
    pub(super) fn diagnoses(&self, family: Family, icd9: bool, chance: &mut Chance) -> Vec<Diagnosis> {
        let is_facility = !matches!(family, Family::Carrier | Family::Dme);
        let most = match family {
            Family::Carrier | Family::Dme => 12,
            _ => 24,
        };
        let again = if is_facility { 0.75 } else { 0.55 };
        let has_poa = matches!(family, Family::Inpatient) || (self.is_v3() && is_facility && chance.happens(0.3));
        let mixes = chance.happens(self.shape.mixed_icd);
        let mut used: Vec<&'static str> = Vec::new();
        let mut list = Vec::new();
        let mut add = |list: &mut Vec<Diagnosis>, chance: &mut Chance, role: Role| {
            let nine = icd9 != (mixes && chance.happens(0.4));
            let terms = match (role, nine) {
                (Role::External, true) => code::CAUSE9,
                (Role::External, false) => code::CAUSE10,
                (_, true) => code::ICD9,
                (_, false) => code::ICD10,
            };
            let Some(term) = unused(terms, &used, chance) else { return };
            used.push(term.code);
            let poa = match role {
                Role::Principal | Role::Other | Role::External if has_poa => self.poa(chance),
                _ => None,
            };
            list.push(Diagnosis { role, term, icd9: nine, poa });
        };
        add(&mut list, chance, Role::Principal);
        for _ in 1..chance.streak(again, most) {
            add(&mut list, chance, Role::Other);
        }
        if is_facility {
            let causes = chance.pick(&[0, 0, 0, 0, 0, 1, 1, 2, 3]);
            for _ in 0..causes {
                add(&mut list, chance, Role::External);
            }
            if matches!(family, Family::Inpatient | Family::Snf | Family::Hospice) && chance.happens(0.85) {
                add(&mut list, chance, Role::Admitting);
            }
            if matches!(family, Family::Outpatient) {
                for _ in 0..chance.pick(&[0, 0, 1, 1, 2, 3]) {
                    add(&mut list, chance, Role::Reason);
                }
            }
        }
        list
    }

    fn poa(&self, chance: &mut Chance) -> Option<&'static str> {
        if self.is_v3() && chance.happens(0.02) {
            return Some("Y1");
        }
        chance.maybe(0.9, |c| c.pick(&["Y", "Y", "Y", "N", "U", "W", "1"]))
    }

    pub(super) fn procedures(
        &self,
        family: Family,
        from: Date,
        thru: Date,
        icd9: bool,
        chance: &mut Chance,
    ) -> Vec<Procedure> {
        let share = match family {
            Family::Inpatient => 0.6,
            Family::Snf | Family::Outpatient => 0.1,
            _ => 0.0,
        };
        if !chance.happens(share) {
            return Vec::new();
        }
        let step = if chance.happens(self.shape.gaps) { 2 } else { 1 };
        let terms = if icd9 { code::PROCEDURE9 } else { code::PROCEDURE10 };
        (0..chance.streak(0.6, 12))
            .map(|index| Procedure {
                number: 1 + index * step,
                term: chance.pick(terms),
                icd9,
                date: chance.maybe(0.97, |c| from.plus(c.between(0, i64::from(thru.0 - from.0)))),
            })
            .collect()
    }
}

fn unused(terms: &[Term], used: &[&'static str], chance: &mut Chance) -> Option<Term> {
    let start = chance.below(terms.len() as u64) as usize;
    (0..terms.len()).map(|step| terms[(start + step) % terms.len()]).find(|term| !used.contains(&term.code))
}
