//! Facility claims: stay, amounts, condition codes, revenue lines.

use super::drug::ndc;
use super::{Maker, modifiers, npi, person};
use crate::sandbox::chance::Chance;
use crate::sandbox::model::institutional::Amounts;
use crate::sandbox::model::{Claim, Enhancement, Family, Institutional, Ndc, RevenueLine};
use crate::sandbox::vocabulary::{people, place, service};

impl Maker<'_> {
    pub(super) fn institutional(
        &self,
        claim: &Claim,
        icd9: bool,
        is_sparse: bool,
        chance: &mut Chance,
    ) -> Institutional {
        let family = claim.family;
        let often = if is_sparse { 0.1 } else { 0.95 };
        let is_stay = family.is_stay();
        let enhancement = self.enhancement(chance);
        let stays = !matches!(family, Family::Outpatient);
        Institutional {
            oscar: oscar(chance),
            npi: npi(chance),
            name: chance.pick(people::ORGANISATIONS),
            is_organisation: !self.is_v3() || chance.happens(0.95),
            state: chance.pick(place::STATES),
            bill: [
                match family {
                    Family::Snf => '2',
                    Family::Hha => '3',
                    Family::Hospice => '8',
                    _ => '1',
                },
                chance.pick(match family {
                    Family::Inpatient | Family::Snf => &['1', '1', '2'],
                    Family::Outpatient => &['3', '3', '4'],
                    _ => &['1', '2'],
                }),
                chance.pick(&['1', '1', '2', '3', '4', '7', '9']),
            ],
            attending: chance.maybe(often, person),
            operating: chance.maybe(if is_stay { 0.4 } else { 0.15 }, person),
            other: chance.maybe(0.1, person),
            rendering: chance.maybe(0.3, person),
            admission: if stays {
                chance.maybe(often, |c| (claim.from.plus(-c.pick(&[0, 0, 0, 30, 61])), c.maybe(0.85, |_| claim.thru)))
            } else {
                None
            },
            admission_type: if is_stay { chance.maybe(often, |c| c.pick(service::ADMISSION)) } else { None },
            admission_source: if is_stay || self.is_v3() {
                chance.maybe(often, |c| c.pick(service::SOURCE))
            } else {
                None
            },
            discharge: chance.maybe(often, |c| c.pick(service::DISCHARGE)),
            drg: if is_stay { chance.maybe(often, |c| format!("{:03}", c.between(20, 989))) } else { None },
            nonpayment: chance.maybe(0.2, |c| c.pick(service::NONPAYMENT)),
            payer: chance.maybe(0.15, |c| c.pick(service::PAYERS)),
            service_type: if self.is_v3() && matches!(family, Family::Outpatient) {
                chance.maybe(0.9, |c| c.pick(&["1", "2", "3", "5", "9"]))
            } else {
                None
            },
            amounts: self.amounts(family, chance),
            procedures: self.procedures(family, claim.from, claim.thru, icd9, chance),
            conditions: conditions(chance),
            enhancement,
            lines: self.revenue_lines(claim, chance),
        }
    }

    fn amounts(&self, family: Family, chance: &mut Chance) -> Amounts {
        let is_inpatient = matches!(family, Family::Inpatient);
        let stay = if family.is_stay() { 0.9 } else { 0.0 };
        let inpatient = if is_inpatient { 0.8 } else { 0.0 };
        let shared = if self.is_v3() { 0.7 } else { stay };
        let small = |chance: &mut Chance| chance.cents(1_800);
        Amounts {
            capital_ime: chance.maybe(stay, small),
            capital_share: chance.maybe(stay, small),
            operating_ime: chance.maybe(inpatient, |c| c.cents(60_000)),
            operating_share: chance.maybe(inpatient, small),
            uncompensated: chance.maybe(inpatient, small),
            per_diem: chance.maybe(if self.is_v3() { 0.5 } else { inpatient }, small),
            inpatient_deductible: chance.maybe(shared, small),
            coinsurance: chance.maybe(if matches!(family, Family::Outpatient) { 0.8 } else { shared }, small),
            blood: chance.maybe(shared, small),
            professional: chance.maybe(if matches!(family, Family::Outpatient) { 0.5 } else { shared }, small),
            noncovered: chance.maybe(shared, small),
            deductible: chance.maybe(if matches!(family, Family::Outpatient) { 0.8 } else { shared }, small),
        }
    }

    /// v3 only, and never on most claims.
    pub(super) fn enhancement(&self, chance: &mut Chance) -> Enhancement {
        if !self.is_v3() || !chance.happens(self.shape.enhanced) {
            return Enhancement::default();
        }
        let mut switches = [false; 6];
        for switch in &mut switches {
            *switch = chance.happens(0.25);
        }
        let count = chance.pick(&[0, 1, 1, 2, 3, 5]);
        let mut demonstrations: Vec<&'static str> = service::DEMONSTRATIONS.to_vec();
        chance.mix(&mut demonstrations);
        demonstrations.truncate(count);
        Enhancement { switches, demonstrations }
    }

    fn revenue_lines(&self, claim: &Claim, chance: &mut Chance) -> Vec<RevenueLine> {
        let count = chance.streak(0.82, 50);
        let (first, step) =
            if chance.happens(self.shape.gaps) { (chance.pick(&[2, 3, 25]), chance.pick(&[1, 2])) } else { (1, 1) };
        let is_paid_by_line = !claim.family.is_stay() || self.is_v3();
        let mut reason =
            chance.maybe(if is_paid_by_line { 0.25 } else { 0.0 }, |c| c.pick(service::ADJUSTMENT_REASONS));
        let is_negative = chance.happens(self.shape.negative_amounts);
        (0..count)
            .map(|index| {
                let is_total = index + 1 == count && chance.happens(0.7);
                let charge = chance.cents(900);
                let day = claim.from.plus(chance.between(0, i64::from(claim.thru.0 - claim.from.0)));
                let hcpcs = if is_total || claim.family.is_stay() && chance.happens(0.8) {
                    None
                } else {
                    chance.maybe(0.92, |c| c.pick(service::FACILITY))
                };
                let has_period = self.is_v3() && chance.happens(0.7);
                RevenueLine {
                    number: first + index * step,
                    revenue: if is_total { service::REVENUE[0] } else { chance.pick(&service::REVENUE[1..]) },
                    date: if is_total || !is_paid_by_line { None } else { chance.maybe(0.9, |_| day) },
                    period: if has_period { Some((day, day.plus(chance.pick(&[0, 0, 0, 2])))) } else { None },
                    hcpcs,
                    hipps: if matches!(claim.family, Family::Hha | Family::Snf) {
                        chance.maybe(0.2, |c| c.pick(service::HIPPS))
                    } else {
                        None
                    },
                    modifiers: if hcpcs.is_some() { modifiers(chance) } else { Vec::new() },
                    units: if is_total { 0 } else { chance.pick(&[100, 100, 100, 200, 400, 1500, 0]) },
                    paid: if is_paid_by_line {
                        chance.maybe(0.95, |c| if is_negative { -charge } else { charge * c.between(0, 80) / 100 })
                    } else {
                        None
                    },
                    charge,
                    // The first reason belongs to the first line, so that "the first of the claim" has one meaning.
                    reason: if index == 0 {
                        reason
                    } else {
                        reason.as_mut().and_then(|_| chance.maybe(0.3, |c| c.pick(service::ADJUSTMENT_REASONS)))
                    },
                    ndc: chance.maybe(0.1, |c| Ndc {
                        code: ndc(c),
                        name: c.pick(people::DRUGS),
                        unit: c.pick(service::NDC_UNITS),
                        quantity: c.pick(&[100, 250, 500, 7_700]),
                    }),
                }
            })
            .collect()
    }
}

/// A CMS certification number; the letter of a unit in a few.
fn oscar(chance: &mut Chance) -> String {
    if chance.happens(0.1) {
        return format!("{:02}{}{:03}", chance.between(1, 53), chance.pick(&['S', 'T', 'Z']), chance.between(1, 999));
    }
    format!("{:02}{:04}", chance.between(1, 53), chance.between(1, 9_999))
}

fn conditions(chance: &mut Chance) -> Vec<&'static str> {
    let mut list: Vec<&'static str> = Vec::new();
    for _ in 0..chance.pick(&[0, 0, 0, 1, 1, 2]) {
        let code = chance.pick(service::CONDITIONS);
        if !list.contains(&code) {
            list.push(code);
        }
    }
    if chance.happens(0.2) {
        let at = chance.below(list.len() as u64 + 1) as usize;
        list.insert(at, "62");
    }
    list
}
