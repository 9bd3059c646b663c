//! Invents beneficiaries and their claims from a seed.
//!
//! A beneficiary depends on the seed, the index and the shape only, never on its neighbours, so any one of them can be
//! made alone, in any order. The API version matters where a fact can exist in one version only.

mod beneficiary;
mod claim;
mod diagnosis;
mod drug;
mod institutional;
mod professional;

use crate::Api;
use crate::sandbox::Shape;
use crate::sandbox::chance::Chance;
use crate::sandbox::model::{Beneficiary, Person};
use crate::sandbox::vocabulary::people;

/// One run's settings, as the makers need them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Maker<'a> {
    pub api: Api,
    pub seed: u64,
    pub claims: u32,
    pub shape: &'a Shape,
}

impl Maker<'_> {
    pub fn beneficiary(&self, index: u64) -> Beneficiary {
        let mut chance = Chance::new(self.seed, &[index, 1]);
        let mut beneficiary = self.identity(index, &mut chance);
        let spread = 0.25 + 1.5 * (chance.below(1000) as f64 / 1000.0);
        let count = (f64::from(self.claims) * spread).round() as u64;
        beneficiary.claims = (0..count).map(|ordinal| self.claim(index, ordinal)).collect();
        self.settle_stays(&mut beneficiary, &mut Chance::new(self.seed, &[index, 2]));
        beneficiary
    }

    fn sign(&self, number: i64) -> i64 {
        if self.shape.negative_ids { -number } else { number }
    }

    fn is_v3(&self) -> bool {
        matches!(self.api, Api::V3)
    }
}

/// A ten-digit number that looks like an NPI and never is one: its check digit is wrong.
fn npi(chance: &mut Chance) -> String {
    let stem = chance.between(100_000_000, 199_999_999);
    let mut sum = 24; // what the prefix 80840 adds
    let mut rest = stem;
    for place in 0..9 {
        let digit = rest % 10;
        rest /= 10;
        let doubled = if place % 2 == 0 { digit * 2 } else { digit };
        sum += doubled / 10 + doubled % 10;
    }
    let check = (10 - sum % 10) % 10;
    format!("{stem}{}", (check + 5) % 10)
}

fn person(chance: &mut Chance) -> Person {
    Person {
        npi: npi(chance),
        given: if chance.happens(0.5) { chance.pick(people::WOMEN) } else { chance.pick(people::MEN) },
        family: chance.pick(people::FAMILIES),
        specialty: chance.below(crate::sandbox::vocabulary::service::SPECIALTIES.len() as u64) as usize,
    }
}

/// None to five modifiers, fewer more often.
fn modifiers(chance: &mut Chance) -> Vec<&'static str> {
    let count = chance.pick(&[0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 4, 5]);
    (0..count).map(|_| chance.pick(crate::sandbox::vocabulary::service::MODIFIERS)).collect()
}
