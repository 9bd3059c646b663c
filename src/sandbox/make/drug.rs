//! Prescription drug events.

use super::{Maker, npi, person};
use crate::sandbox::chance::Chance;
use crate::sandbox::date::Date;
use crate::sandbox::model::Drug;
use crate::sandbox::vocabulary::people;

impl Maker<'_> {
    pub(super) fn drug(&self, filled: Date, chance: &mut Chance) -> Drug {
        let version = if chance.happens(self.shape.changed_pde) { chance.pick(&[2, 2, 3, 4]) } else { 1 };
        let is_deleted = version == 3;
        let prescriber = person(chance);
        let pharmacy_npi = npi(chance);
        let cost = if is_deleted { 0 } else { chance.cents(1_200) + 1 };
        Drug {
            ndc: if is_deleted { None } else { Some(ndc(chance)) },
            name: chance.pick(people::DRUGS),
            compound: !is_deleted && chance.happens(0.02),
            filled,
            pharmacy_name: chance.pick(people::PHARMACIES),
            pharmacy: self.qualified(&pharmacy_npi, chance),
            pharmacy_npi,
            prescriber_id: self.qualified(&prescriber.npi, chance),
            prescriber,
            dispensing: chance.maybe(0.3, |c| c.pick(&["P", "C"])),
            written: chance.maybe(0.95, |c| c.pick(&["0", "0", "0", "1", "5", "8"])),
            quantity: if is_deleted { 0 } else { chance.pick(&[3000, 6000, 9000, 1000, 1050, 250, 12000]) },
            days: chance.maybe(0.97, |c| c.pick(&[30, 30, 90, 90, 14, 7, 1])),
            fill: chance.maybe(0.97, |c| c.pick(&[0, 1, 2, 3, 5, 11])),
            reference: chance.maybe(0.98, |c| {
                let count = c.pick(&[7, 9, 12]);
                c.digits(count)
            }),
            pharmacy_type: chance.maybe(0.95, |c| c.pick(&["01", "01", "04", "06"])),
            patient_pay: cost * chance.between(0, 40) / 100,
            cost,
            version,
        }
    }

    /// v3 names a provider under any qualifier; the others know only the NPI.
    fn qualified(&self, npi: &str, chance: &mut Chance) -> (&'static str, String) {
        if self.is_v3() && chance.happens(0.1) {
            let qualifier = chance.pick(&["07", "08", "12", "99"]);
            return (qualifier, chance.digits(7));
        }
        ("01", npi.to_owned())
    }
}

/// Eleven digits of no labeler: numbers beginning with 99 are not assigned.
pub(super) fn ndc(chance: &mut Chance) -> String {
    format!("99{}", chance.digits(9))
}
