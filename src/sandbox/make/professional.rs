//! Physician and supplier claims.

use super::drug::ndc;
use super::{Maker, modifiers, person};
use crate::sandbox::chance::Chance;
use crate::sandbox::model::{Claim, Diagnosis, Family, Ndc, Professional, Renderer, Role, ServiceLine};
use crate::sandbox::vocabulary::{diagnosis as code, people, place, service};

impl Maker<'_> {
    /// May append a line diagnosis to the claim, as BFD does with one that the header lacks.
    pub(super) fn professional(&self, claim: &mut Claim, chance: &mut Chance) -> Professional {
        let is_equipment = matches!(claim.family, Family::Dme);
        let billing = person(chance);
        let count = if is_equipment { 1 } else { chance.pick(&[1, 1, 1, 1, 1, 1, 2, 3]) };
        let renderers: Vec<Renderer> = (0..count)
            .map(|_| Renderer {
                // The supplier of equipment is the one who is paid.
                person: if is_equipment { billing.clone() } else { person(chance) },
                kind: chance.maybe(0.95, |c| c.pick(&["0", "1", "3", "5"])),
                tax: chance.maybe(0.8, |c| format!("00{}", c.digits(7))),
            })
            .collect();
        let header = claim.diagnoses.len();
        if !self.is_v3() && header < 12 && chance.happens(0.08) {
            let icd9 = claim.diagnoses.first().is_some_and(|principal| principal.icd9);
            let terms = if icd9 { code::ICD9 } else { code::ICD10 };
            if let Some(term) =
                terms.iter().find(|term| claim.diagnoses.iter().all(|known| known.term.code != term.code))
            {
                claim.diagnoses.push(Diagnosis { role: Role::Other, term: *term, icd9, poa: None });
            }
        }
        let lines = self.service_lines(claim, &renderers, chance);
        Professional {
            billing,
            referring: chance.maybe(if is_equipment { 0.95 } else { 0.5 }, person),
            renderers,
            denial: chance.maybe(0.97, |c| c.pick(service::DENIAL)),
            disposition: chance.maybe(0.95, |c| c.pick(&["01", "01", "02", "1"])),
            lines,
        }
    }

    fn service_lines(&self, claim: &Claim, renderers: &[Renderer], chance: &mut Chance) -> Vec<ServiceLine> {
        let is_equipment = matches!(claim.family, Family::Dme);
        let count = chance.streak(if is_equipment { 0.3 } else { 0.45 }, 50);
        let count = if !is_equipment && chance.happens(0.002) { chance.between(13, 50) as u32 } else { count };
        let (first, step) =
            if chance.happens(self.shape.gaps) { (chance.pick(&[2, 3, 6]), chance.pick(&[1, 2])) } else { (1, 1) };
        let known = claim.diagnoses.len() as u64;
        let is_negative = chance.happens(self.shape.negative_amounts);
        (0..count)
            .map(|index| {
                let charge = chance.cents(700) + 1;
                let allowed = charge * chance.between(20, 95) / 100;
                let from = claim.from.plus(chance.between(0, i64::from(claim.thru.0 - claim.from.0)));
                ServiceLine {
                    number: first + index * step,
                    from,
                    thru: if self.is_v3() && chance.happens(0.2) { None } else { Some(claim.thru.max(from)) },
                    service: chance.pick(if is_equipment { service::EQUIPMENT } else { service::PHYSICIAN }),
                    modifiers: modifiers(chance),
                    units: chance.pick(&[100, 100, 100, 100, 200, 300, 475, 3_000]),
                    paid: chance.maybe(0.98, |c| {
                        if is_negative { -allowed } else { allowed * c.pick(&[80, 80, 80, 100, 0]) / 100 }
                    }),
                    allowed: chance.maybe(0.98, |_| allowed),
                    charge,
                    deductible: chance.maybe(0.9, |c| if c.happens(0.8) { 0 } else { c.cents(226) }),
                    coinsurance: allowed / 5,
                    renderer: chance.below(renderers.len() as u64) as usize,
                    state: chance.maybe(0.97, |c| c.pick(place::STATES)),
                    place: chance.maybe(0.98, |c| c.pick(place::PLACES)),
                    payer: chance.maybe(0.05, |c| c.pick(service::PAYERS)),
                    processing: chance.maybe(0.97, |c| c.pick(service::PROCESSING)),
                    diagnosis: chance.maybe(if known == 0 { 0.0 } else { 0.97 }, |c| c.below(known) as usize),
                    ndc: chance.maybe(0.05, |c| Ndc {
                        code: ndc(c),
                        name: c.pick(people::DRUGS),
                        unit: c.pick(service::NDC_UNITS),
                        quantity: c.pick(&[100, 250, 500, 7_700]),
                    }),
                    scarcity: if self.is_v3() { chance.maybe(0.05, |c| c.pick(&["1", "2", "3"])) } else { None },
                    enhancement: if is_equipment { Default::default() } else { self.enhancement(chance) },
                }
            })
            .collect()
    }
}
