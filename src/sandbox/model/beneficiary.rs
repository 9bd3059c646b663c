//! A beneficiary: identity, address, entitlement and the claims in file order.

use super::Claim;
use crate::sandbox::date::Date;
use crate::sandbox::vocabulary::place::State;

#[derive(Clone, Debug)]
pub struct Beneficiary {
    /// Patient.id.
    pub id: i64,
    /// v3 ids that were merged into this one.
    pub merged: Vec<i64>,
    /// In the order of `Patient.identifier`.
    pub mbis: Vec<Mbi>,
    /// v1/v2: the identifiers say `current` or `historic`. Sandbox data does not.
    pub has_currency: bool,
    pub given: &'static str,
    pub middle: Option<&'static str>,
    pub family: String,
    pub born: Date,
    pub died: Option<Date>,
    /// CMS code: 1 male, 2 female, 0 unknown.
    pub sex: u8,
    /// CMS code: 0 to 6; `None` where v1 and v2 serve nothing.
    pub race: Option<u8>,
    pub address: Address,
    pub entitlement: Entitlement,
    pub claims: Vec<Claim>,
}

#[derive(Clone, Debug)]
pub struct Mbi {
    pub value: String,
    pub start: Option<Date>,
    pub end: Option<Date>,
}

#[derive(Clone, Debug)]
pub struct Address {
    pub lines: Vec<String>,
    pub city: Option<&'static str>,
    pub state: State,
    /// v1/v2 write the SSA code where v3 writes the postal letters.
    pub is_ssa: bool,
    /// 5 or 9 digits; v3 serves the first five.
    pub zip: String,
}

/// What Coverage says.
#[derive(Clone, Debug)]
pub struct Entitlement {
    pub part_a: Option<Date>,
    pub part_b: Option<Date>,
    pub status: Option<&'static str>,
    pub reason: Option<&'static str>,
    /// January to December; `None` is `**`. v3 serves the last value.
    pub dual: [Option<&'static str>; 12],
    pub buyin: [Option<&'static str>; 12],
    /// v3: an earlier dual period that has ended, with another status.
    pub former_dual: Option<&'static str>,
    pub part_c: bool,
    pub part_d: bool,
}

impl Entitlement {
    /// The latest month that has a value.
    pub fn latest(months: &[Option<&'static str>; 12]) -> Option<&'static str> {
        months.iter().rev().find_map(|month| *month)
    }
}

impl Beneficiary {
    /// The MBI of the moment: without an end, and of those (or of all, if there is none) the latest start.
    pub fn current(&self) -> usize {
        let open = |mbi: &Mbi| mbi.end.is_none();
        let any_open = self.mbis.iter().any(open);
        let mut best = 0;
        let mut best_start = None;
        for (index, mbi) in self.mbis.iter().enumerate() {
            if (open(mbi) || !any_open) && (best_start.is_none() || mbi.start > best_start) {
                best = index;
                best_start = mbi.start;
            }
        }
        best
    }

    pub fn mbi(&self) -> &str {
        &self.mbis[self.current()].value
    }
}
