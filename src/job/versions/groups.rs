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
pub struct Groups {
    /// group, update, place, and what [`what`] packs: one for each delivery of a claim
    entries: Sorter<4>,
}

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

/// Ordered by role, and the delivery of the newest version first.
fn what(role: Role, is_older: bool, standing: Standing, delivery: u32) -> u128 {
    u128::from(delivery) | (standing as u128) << 32 | u128::from(is_older) << 40 | (role as u128) << 48
}

fn role_of(entry: &[u128; 4]) -> Role {
    Role::ALL[(entry[3] >> 48) as usize & 0xFF]
}

impl Groups {
    /// None yet; many wait in a file of the folder.
    pub fn new(folder: &Path) -> Groups {
        Groups { entries: Sorter::new(folder) }
    }

    /// Meets all versions of a claim, the newest last: what that says counts, and all deliveries that have one.
    pub fn add(&mut self, versions: &[[u128; 6]]) {
        for version in versions {
            let Kin { group, prior, delivery, standing } = kin_of(version);
            let mut say = |role, group| self.push(group, version, what(role, false, standing, delivery));
            match standing {
                Standing::Partial => say(Role::Partial, group),
                Standing::Adjudicated => [group, prior].into_iter().for_each(|group| say(Role::Adjudicated, group)),
                Standing::InForce | Standing::Void | Standing::LeftOut => {}
            }
        }
        let Some(newest) = versions.last() else { return };
        let Kin { group, prior, delivery, standing } = kin_of(newest);
        if !matches!(standing, Standing::InForce | Standing::Void) {
            return;
        }
        for (role, group) in [(Role::Member, group), (Role::Successor, prior)] {
            self.push(group, newest, what(role, false, standing, delivery));
            let others = versions.iter().map(|version| kin_of(version).delivery).filter(|other| *other != delivery);
            others.for_each(|other| self.push(group, newest, what(role, true, standing, other)));
        }
    }

    fn push(&mut self, group: u128, version: &[u128; 6], what: u128) {
        if group != NOBODY {
            self.entries.push([group, version[1], version[2], what]);
        }
    }

    /// Tells what counts no more, when all claims have come.
    pub fn finish(self, older: &mut Older) -> Result<()> {
        self.entries.each_group(|entries| {
            // Most claims are alone in their groups.
            if entries.first().map(at_of) != entries.last().map(at_of) {
                settle(entries, older);
            }
        })
    }
}

/// Settles a group.
fn settle(entries: &[[u128; 4]], older: &mut Older) {
    let of = |role: Role| entries.iter().filter(move |entry| role_of(entry) == role);
    if of(Role::Adjudicated).next().is_some() {
        of(Role::Partial).for_each(|entry| older.add(at_of(entry), Reason::Adjudicated));
    }
    let mut members = Vec::new();
    let mut successors = Vec::new();
    for entries in entries.chunk_by(|a, b| at_of(a) == at_of(b) && role_of(a) == role_of(b)) {
        match role_of(&entries[0]) {
            Role::Member => members.push(Claim::of(entries)),
            Role::Successor => successors.push(Claim::of(entries)),
            Role::Partial | Role::Adjudicated => {}
        }
    }
    replace(&members, &leading(&members), Reason::Replaced, older);
    replace(&members, &successors.iter().collect::<Vec<_>>(), Reason::NamedPrior, older);
}

fn replace(claims: &[Claim], by: &[&Claim], reason: Reason, older: &mut Older) {
    for claim in claims.iter().filter(|claim| claim.standing == Standing::InForce) {
        let mut is_replaced = false;
        for newer in by.iter().filter(|newer| newer.replaces(claim)) {
            is_replaced = true;
            if newer.standing == Standing::Void {
                older.add(newer.at, Reason::Voids);
            }
        }
        if is_replaced {
            older.add(claim.at, reason);
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
    fn of(entries: &[[u128; 4]]) -> Claim {
        let newest = entries[0];
        let delivery = |entry: &[u128; 4]| entry[3] as u32;
        let mut others: Vec<u32> = entries[1..].iter().map(delivery).collect();
        others.dedup();
        let standing = Standing::ALL[(newest[3] >> 32) as usize & 0xFF];
        Claim { updated: newest[1], at: at_of(&newest), delivery: delivery(&newest), others, standing }
    }

    /// Whether it is newer, and no delivery vouches for both.
    fn replaces(&self, older: &Claim) -> bool {
        (self.updated, self.at) > (older.updated, older.at)
            && !older.is_in(self.delivery)
            && !self.others.iter().any(|delivery| older.is_in(*delivery))
    }

    fn is_in(&self, delivery: u32) -> bool {
        self.delivery == delivery || self.others.binary_search(&delivery).is_ok()
    }
}

/// For each set of deliveries the newest claim of a group: what replaces a claim at all, one of these does.
fn leading(group: &[Claim]) -> Vec<&Claim> {
    let mut leading: HashMap<(u32, &[u32]), &Claim> = HashMap::new();
    for claim in group {
        let best = leading.entry((claim.delivery, &claim.others)).or_insert(claim);
        if (claim.updated, claim.at) > (best.updated, best.at) {
            *best = claim;
        }
    }
    leading.into_values().collect()
}
