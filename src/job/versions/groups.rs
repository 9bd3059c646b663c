//! What claims of a group do to each other: the newer one of another delivery replaces the older.
//!
//! Claims of a group are met together, and with them whoever names the group as its prior's. So nobody is looked up
//! among all claims, and of many claims the groups are in a file.

use std::collections::HashMap;
use std::path::Path;

use super::{At, Kin, NOBODY, Older, Reason, Standing, at_of, kin_of};
use crate::error::Result;
use crate::job::sorter::Sorter;

/// Claims by their groups.
#[derive(Debug)]
pub struct Groups(Sorter<4>);

/// What a claim is to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// its own
    Member,
    /// that of its prior
    Successor,
    /// that of a partially adjudicated claim
    Partial,
    /// that of what such a claim became
    Adjudicated,
}

impl Role {
    /// In their order.
    const ALL: [Role; 4] = [Role::Member, Role::Successor, Role::Partial, Role::Adjudicated];
}

/// A claim in a group, once for each delivery that has it.
#[derive(Debug, Clone, Copy)]
struct Entry {
    group: u128,
    /// ordered as the nanoseconds are
    updated: u128,
    at: At,
    role: Role,
    /// the delivery has an older version than the one that counts
    is_older: bool,
    standing: Standing,
    delivery: u32,
}

impl Entry {
    /// In their order: those of one claim and role together, the delivery of its newest version first.
    fn pack(self) -> [u128; 4] {
        let Entry { group, updated, at: (source, line), role, is_older, standing, delivery } = self;
        let what = (role as u128) << 48 | u128::from(is_older) << 40 | (standing as u128) << 32 | u128::from(delivery);
        [group, updated, u128::from(source) << 64 | u128::from(line), what]
    }

    fn unpack(entry: &[u128; 4]) -> Entry {
        let [group, updated, _, what] = *entry;
        let byte = |at: u32| (what >> at) as usize & 0xFF;
        Entry {
            group,
            updated,
            at: at_of(entry),
            role: Role::ALL[byte(48)],
            is_older: byte(40) != 0,
            standing: Standing::ALL[byte(32)],
            delivery: what as u32,
        }
    }
}

impl Groups {
    /// None yet; many wait in a file of the folder.
    pub fn new(folder: &Path) -> Groups {
        Groups(Sorter::new(folder))
    }

    /// Meets all versions of a claim, the newest last: what that says counts, and all deliveries that have one.
    pub fn add(&mut self, versions: &[[u128; 6]]) {
        for version in versions {
            let Kin { group, prior, standing, .. } = kin_of(version);
            match standing {
                Standing::Partial => self.push(group, Role::Partial, version, None),
                Standing::Adjudicated => {
                    [group, prior].into_iter().for_each(|group| self.push(group, Role::Adjudicated, version, None));
                }
                Standing::InForce | Standing::Void | Standing::LeftOut => {}
            }
        }
        let Some(newest) = versions.last() else { return };
        let Kin { group, prior, delivery, standing } = kin_of(newest);
        if !matches!(standing, Standing::InForce | Standing::Void) {
            return;
        }
        let mut others: Vec<u32> = versions.iter().map(|version| kin_of(version).delivery).collect();
        others.sort_unstable();
        others.dedup();
        others.retain(|other| *other != delivery);
        for (role, group) in [(Role::Member, group), (Role::Successor, prior)] {
            self.push(group, role, newest, None);
            others.iter().for_each(|other| self.push(group, role, newest, Some(*other)));
        }
    }

    /// `other`: a delivery that has an older version.
    fn push(&mut self, group: u128, role: Role, version: &[u128; 6], other: Option<u32>) {
        let Kin { delivery, standing, .. } = kin_of(version);
        let (is_older, delivery) = (other.is_some(), other.unwrap_or(delivery));
        let entry = Entry { group, updated: version[1], at: at_of(version), role, is_older, standing, delivery };
        if group != NOBODY {
            self.0.push(entry.pack());
        }
    }

    /// Tells what counts no more, when all claims have come.
    pub fn finish(self, older: &mut Older) -> Result<()> {
        self.0.each_group(|entries| {
            // Most claims are alone in their groups.
            if entries.first().map(at_of) != entries.last().map(at_of) {
                decide(entries, older);
            }
        })
    }
}

/// What counts no more of a group.
fn decide(entries: &[[u128; 4]], older: &mut Older) {
    let entries: Vec<Entry> = entries.iter().map(Entry::unpack).collect();
    let of = |role: Role| entries.iter().filter(move |entry| entry.role == role);
    if of(Role::Adjudicated).next().is_some() {
        of(Role::Partial).for_each(|entry| older.add(entry.at, Reason::Adjudicated));
    }
    let [members, successors] = [Role::Member, Role::Successor].map(|role| {
        let entries: Vec<&Entry> = of(role).collect();
        entries.chunk_by(|a, b| a.at == b.at).map(Claim::of).collect::<Vec<Claim>>()
    });
    replace(&members, &members, Reason::Replaced, older);
    replace(&members, &successors, Reason::NamedPrior, older);
}

/// Tells which claims in force newer ones replace, and which voids did so.
fn replace(claims: &[Claim], newer: &[Claim], reason: Reason, older: &mut Older) {
    let in_force = || claims.iter().filter(|claim| claim.standing == Standing::InForce);
    // What is replaced at all, the newest of a set of deliveries replaces; who replaces any, replaces the oldest of one.
    let newest = one_of_each_set(newer.iter(), |one, other| one > other);
    let oldest = one_of_each_set(in_force(), |one, other| one < other);
    for claim in in_force().filter(|claim| newest.iter().any(|newer| newer.replaces(claim))) {
        older.add(claim.at, reason);
    }
    for void in newer.iter().filter(|newer| newer.standing == Standing::Void) {
        if oldest.iter().any(|claim| void.replaces(claim)) {
            older.add(void.at, Reason::Voids);
        }
    }
}

/// A claim of a group.
#[derive(Debug)]
struct Claim {
    /// ordered as the nanoseconds are
    updated: u128,
    at: At,
    /// of its newest version
    delivery: u32,
    /// that have older versions, sorted; most claims have none
    others: Vec<u32>,
    standing: Standing,
}

impl Claim {
    /// Of all its entries with one role.
    fn of(entries: &[&Entry]) -> Claim {
        let Entry { updated, at, delivery, standing, .. } = *entries[0];
        let others = entries.iter().filter(|entry| entry.is_older).map(|entry| entry.delivery).collect();
        Claim { updated, at, delivery, others, standing }
    }

    /// Whether it is newer, and no delivery vouches for both.
    fn replaces(&self, older: &Claim) -> bool {
        self.age() > older.age()
            && !older.is_in(self.delivery)
            && !self.others.iter().any(|delivery| older.is_in(*delivery))
    }

    /// The newer, the greater.
    fn age(&self) -> (u128, At) {
        (self.updated, self.at)
    }

    fn is_in(&self, delivery: u32) -> bool {
        self.delivery == delivery || self.others.binary_search(&delivery).is_ok()
    }
}

/// For each set of deliveries the claim whose age is first.
fn one_of_each_set<'c>(
    claims: impl Iterator<Item = &'c Claim>,
    is_first: impl Fn((u128, At), (u128, At)) -> bool,
) -> Vec<&'c Claim> {
    let mut first: HashMap<(u32, &[u32]), &Claim> = HashMap::new();
    for claim in claims {
        let known = first.entry((claim.delivery, &claim.others)).or_insert(claim);
        if is_first(claim.age(), known.age()) {
            *known = claim;
        }
    }
    first.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_comes_back_as_it_went_and_the_newest_version_comes_first() {
        let entry = |role, is_older, standing, delivery| Entry {
            group: 1 << 127 | 7,
            updated: u128::MAX,
            at: (u32::MAX, u64::MAX),
            role,
            is_older,
            standing,
            delivery,
        };
        for role in Role::ALL {
            for standing in Standing::ALL {
                let newest = entry(role, false, standing, u32::MAX);
                assert_eq!(format!("{:?}", Entry::unpack(&newest.pack())), format!("{newest:?}"));
                assert!(newest.pack() < entry(role, true, standing, 0).pack());
            }
        }
        assert!(Role::ALL.iter().enumerate().all(|(at, role)| *role as usize == at));
    }
}
