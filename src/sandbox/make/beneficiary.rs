//! Who the beneficiary is: names, numbers, address, entitlement.

use super::Maker;
use crate::sandbox::chance::Chance;
use crate::sandbox::date::Date;
use crate::sandbox::model::{Address, Beneficiary, Entitlement, Mbi};
use crate::sandbox::vocabulary::{people, place};

const LETTERS: &[u8] = b"ACDEFGHJKMNPQRTUVWXY";

/// An MBI in CMS's form whose second character is `S`, which no real MBI has.
fn mbi(chance: &mut Chance) -> String {
    let mut text = String::with_capacity(11);
    for place in b"CSXNAXNAANN" {
        let byte = match place {
            b'C' => b'1' + chance.below(9) as u8,
            b'N' => b'0' + chance.below(10) as u8,
            b'A' => chance.pick(LETTERS),
            b'X' => {
                if chance.happens(0.5) {
                    b'0' + chance.below(10) as u8
                } else {
                    chance.pick(LETTERS)
                }
            }
            other => *other,
        };
        text.push(char::from(byte));
    }
    text
}

impl Maker<'_> {
    pub(super) fn identity(&self, index: u64, chance: &mut Chance) -> Beneficiary {
        let id = self.sign(100_000_000 + 8 * index as i64);
        let is_awkward = chance.happens(self.shape.awkward);
        let sex = if chance.happens(0.02) { 0 } else { chance.between(1, 2) as u8 };
        let born = Date::new(1926, 1, 1).plus(chance.between(0, 34 * 365));
        let merged = if self.is_v3() && chance.happens(self.shape.merged) {
            (0..chance.between(1, 2)).map(|n| self.sign(id.abs() + 1 + n)).collect()
        } else {
            Vec::new()
        };
        let (mbis, has_currency) = self.numbers(chance);
        Beneficiary {
            id,
            merged,
            mbis,
            has_currency,
            given: if sex == 1 { chance.pick(people::MEN) } else { chance.pick(people::WOMEN) },
            middle: chance
                .maybe(0.6, |c| if c.happens(0.7) { c.pick(&["A", "B", "J", "R"]) } else { c.pick(people::WOMEN) }),
            family: if is_awkward { chance.pick(people::AWKWARD) } else { chance.pick(people::FAMILIES) }.to_owned(),
            born,
            died: chance.maybe(0.06, |c| Date::new(2023, 1, 1).plus(c.between(0, 720))),
            sex,
            race: chance.maybe(0.97, |c| c.pick(&[1, 1, 1, 1, 1, 2, 2, 3, 4, 5, 6, 0])),
            address: address(chance, is_awkward),
            entitlement: entitlement(chance, born),
            claims: Vec::new(),
        }
    }

    /// One MBI for most; former ones for some; v3 oddities: several open ones, or a single one that has ended.
    fn numbers(&self, chance: &mut Chance) -> (Vec<Mbi>, bool) {
        let first = Date::new(2018, 4, 1).plus(chance.between(0, 300));
        let value = mbi(chance);
        if !chance.happens(self.shape.renumbered) {
            let end = chance.maybe(if self.is_v3() && self.shape.renumbered > 0.0 { 0.01 } else { 0.0 }, |c| {
                Date::new(2021, 1, 1).plus(c.between(0, 900))
            });
            let is_sandbox = chance.happens(self.shape.no_currency);
            let start = Some(first).filter(|_| end.is_none() || chance.happens(0.5));
            return (vec![Mbi { value, start, end }], !is_sandbox);
        }
        let second = first.plus(chance.between(200, 900));
        let mut mbis = vec![
            Mbi { value, start: Some(first), end: Some(second.plus(-1)) },
            Mbi { value: mbi(chance), start: Some(second), end: None },
        ];
        if chance.happens(0.25) {
            mbis[1].end = Some(second.plus(400));
            mbis.push(Mbi { value: mbi(chance), start: Some(second.plus(401)), end: None });
        }
        if chance.happens(0.2) {
            mbis[0].end = None;
        }
        if chance.happens(0.4) {
            chance.mix(&mut mbis);
        }
        (mbis, true)
    }
}

fn address(chance: &mut Chance, is_awkward: bool) -> Address {
    let count = if chance.happens(0.05) { chance.between(3, 6) } else { chance.between(0, 2) };
    let lines = (0..count)
        .map(|number| match number {
            0 => format!("{} {}", chance.between(1, 9899), chance.pick(people::STREETS)),
            1 if is_awkward => "Apt \"B\" <rear> & cellar".to_owned(),
            1 => format!("Apt {}", chance.between(1, 240)),
            _ => format!("c/o {}", chance.pick(people::FAMILIES)),
        })
        .collect();
    let zip = if chance.happens(0.4) {
        format!("{:05}{:04}", chance.between(501, 99_500), chance.between(1, 9_999))
    } else {
        format!("{:05}", chance.between(501, 99_500))
    };
    Address {
        lines,
        city: chance.maybe(0.9, |c| c.pick(people::CITIES)),
        state: chance.pick(place::STATES),
        is_ssa: chance.happens(0.4),
        zip,
    }
}

fn entitlement(chance: &mut Chance, born: Date) -> Entitlement {
    let start = born.plus(65 * 365 + 16);
    let start = Date(start.0.min(Date::new(2023, 6, 1).0));
    let is_dual = chance.happens(0.2);
    let status = chance.pick(&["01", "02", "03", "04", "08"]);
    let buyin = chance.pick(&["1", "2", "3", "A", "B", "C"]);
    let known = chance.pick(&[12, 12, 12, 9, 6, 3]);
    let mut dual = [None; 12];
    let mut months = [None; 12];
    for month in 0..12 {
        if month < known {
            if is_dual && !chance.happens(0.1) {
                dual[month] = Some(status);
            } else if !is_dual && chance.happens(0.9) {
                dual[month] = Some("NA");
            }
            months[month] = Some(if chance.happens(0.9) { buyin } else { "0" });
        }
    }
    Entitlement {
        part_a: chance.maybe(0.97, |_| start),
        part_b: chance.maybe(0.93, |c| start.plus(c.between(0, 2) * 365)),
        status: chance.maybe(0.97, |c| c.pick(&["10", "10", "10", "11", "20", "21", "31"])),
        reason: chance.maybe(0.97, |c| c.pick(&["0", "0", "0", "1", "2", "3"])),
        dual,
        buyin: months,
        former_dual: chance.maybe(0.2, |c| c.pick(&["05", "06"])),
        part_c: chance.happens(0.25),
        part_d: chance.happens(0.8),
    }
}
