//! The header of a claim, and the choice of what kind of claim it is.

use super::Maker;
use crate::sandbox::chance::Chance;
use crate::sandbox::date::Date;
use crate::sandbox::model::{Beneficiary, Body, Claim, Drug, Family, Standing};
use crate::sandbox::vocabulary::term;

impl Maker<'_> {
    pub(super) fn claim(&self, index: u64, ordinal: u64) -> Claim {
        let mut source = Chance::new(self.seed, &[index, 3, ordinal]);
        let chance = &mut source;
        let family = self.shape.family(chance.below(1 << 30) as f64 / f64::from(1 << 30));
        let icd9 = chance.happens(self.shape.icd9);
        let from = if icd9 {
            Date::new(2012, 1, 1).plus(chance.between(0, 1_300))
        } else {
            Date::new(2019, 1, 1).plus(chance.between(0, 2_200))
        };
        let thru = from.plus(match family {
            Family::Inpatient => chance.between(1, 14),
            Family::Snf | Family::Hha | Family::Hospice => chance.between(5, 30),
            Family::Outpatient | Family::Carrier => chance.pick(&[0, 0, 0, 0, 1, 6]),
            Family::Dme | Family::Pde => 0,
        });
        let standing = self.standing(family, chance);
        let effective = thru.plus(chance.between(7, 45));
        let base: i64 = if self.is_v3() { 3_000_000_000_000 } else { 10_000_000_000 };
        let is_sparse = chance.happens(self.shape.sparse);
        let seldom = if is_sparse { 0.2 } else { 0.98 };
        let numbering = if chance.happens(self.shape.gaps) {
            (chance.pick(&[1, 2, 2, 5]), chance.pick(&[1, 1, 2, 3]))
        } else {
            (1, 1)
        };
        let diagnoses = if matches!(family, Family::Pde) { Vec::new() } else { self.diagnoses(family, icd9, chance) };
        let charge = chance.cents(if family.is_stay() { 90_000 } else { 2_500 });
        let is_negative = chance.happens(self.shape.negative_amounts);
        let mut claim = Claim {
            family,
            standing,
            id: self.sign(base + (index * 100_000 + ordinal) as i64),
            number: self.number(family, standing, chance),
            from,
            thru,
            received: thru.plus(3),
            effective,
            loaded: chance.maybe(seldom, |c| {
                if c.happens(0.03) { Date::new(9999, 12, 31) } else { effective.plus(c.between(1, 20)) }
            }),
            control: chance.maybe(seldom, control),
            original_control: chance.maybe(0.15, control),
            contractor: chance
                .maybe(seldom, |c| c.pick(&["01112", "05302", "12502", "00882", "15004", "06102", "03201"]).to_owned()),
            payment: chance
                .maybe(seldom, |c| if is_negative { -c.cents(900) - 1 } else { charge * c.between(10, 80) / 100 }),
            charge: chance.maybe(seldom, |_| charge),
            query: chance.maybe(0.9, |c| {
                c.pick(&[term("3", "Final bill"), term("3", "Final bill"), term("1", "Interim bill"), term("0", "")])
            }),
            diagnoses,
            has_twin: self.is_v3()
                && chance.happens(if matches!(family, Family::Carrier | Family::Dme) { 0.3 } else { 0.95 }),
            body: Body::Drug(Box::new(self.drug(from, chance))),
            numbering,
            scattered: chance.happens(self.shape.scattered),
            salt: chance.next(),
        };
        match family {
            Family::Pde => self.settle_version(&mut claim),
            Family::Carrier | Family::Dme => {
                claim.body = Body::Professional(Box::new(self.professional(&mut claim, chance)))
            }
            _ => claim.body = Body::Institutional(Box::new(self.institutional(&claim, icd9, is_sparse, chance))),
        }
        claim
    }

    fn standing(&self, family: Family, chance: &mut Chance) -> Standing {
        let shape = self.shape;
        let is_drug = matches!(family, Family::Pde);
        if !self.is_v3() {
            return if chance.happens(shape.cancelled) { Standing::Cancelled } else { Standing::Original };
        }
        if chance.happens(shape.superseded) {
            return Standing::Superseded;
        }
        if is_drug {
            return Standing::Original;
        }
        if chance.happens(shape.shared) {
            return Standing::Shared(chance.between(1, 2) as u8);
        }
        if chance.happens(shape.authorization) {
            return Standing::Authorization;
        }
        if chance.happens(shape.void) {
            return Standing::Void;
        }
        match family {
            Family::Inpatient if chance.happens(shape.advantage) => Standing::Advantage,
            Family::Hospice if chance.happens(shape.notice) => Standing::Notice,
            Family::Carrier | Family::Dme => Standing::Original,
            _ if chance.happens(shape.replacement) => Standing::Replacement,
            _ => Standing::Original,
        }
    }

    fn number(&self, family: Family, standing: Standing, chance: &mut Chance) -> u16 {
        match (standing, family) {
            (Standing::Notice, _) => chance.pick(&[1900, 2900]),
            (Standing::Advantage, _) => chance.pick(&[62, 63, 64]),
            (Standing::Shared(phase), _) => {
                u16::from(phase) * 1000
                    + match family {
                        Family::Inpatient => 11,
                        Family::Snf => 21,
                        Family::Hha => 32,
                        Family::Hospice => 81,
                        Family::Carrier => 700,
                        Family::Dme => 800,
                        Family::Outpatient | Family::Pde => 13,
                    }
            }
            (_, Family::Carrier) => chance.pick(&[71, 71, 71, 71, 72]),
            (_, Family::Dme) => chance.pick(&[82, 82, 82, 81]),
            (_, Family::Inpatient) => chance.pick(&[60, 60, 60, 60, 61]),
            (_, Family::Snf) => chance.pick(&[20, 20, 20, 30]),
            (_, Family::Outpatient) => 40,
            (_, Family::Hha) => 10,
            (_, Family::Hospice) => 50,
            (_, Family::Pde) => 1,
        }
    }

    /// v3 tells the versions of a drug event by number and adjustment type.
    fn settle_version(&self, claim: &mut Claim) {
        let Body::Drug(drug) = &claim.body else { return };
        let Drug { version, .. } = **drug;
        claim.number = u16::from(version);
        if self.is_v3() && claim.standing == Standing::Original {
            claim.standing = match version {
                2 => Standing::Replacement,
                3 => Standing::Void,
                _ => Standing::Original,
            };
        }
    }

    /// Lets some hospice claims share the stay of the one before. Claims that give no rows tell of no stay either, so
    /// that the ranges of CCLF8 do not depend on how a converter treats them.
    pub(super) fn settle_stays(&self, beneficiary: &mut Beneficiary, chance: &mut Chance) {
        let mut last: Option<Date> = None;
        for claim in &mut beneficiary.claims {
            if claim.family != Family::Hospice {
                continue;
            }
            let is_counted = claim.is_in_cclf();
            let Body::Institutional(facility) = &mut claim.body else { continue };
            if !is_counted {
                facility.admission = None;
            }
            if let (Some((start, end)), Some(before)) = (&mut facility.admission, last)
                && chance.happens(0.5)
            {
                *start = before;
                *end = end.map(|end| end.max(before));
            }
            last = facility.admission.map(|(start, _)| start).or(last);
        }
    }
}

/// A document control number: digits, and often three letters at the end.
fn control(chance: &mut Chance) -> String {
    let mut text = chance.digits(14);
    if chance.happens(0.5) {
        text.push_str(chance.pick(&["NTA", "VOH", "CLR", "WIB"]));
    }
    text
}
