//! Which claims of a run count, where deliveries overlap.
//!
//! An export since some day brings a claim anew when it changes, and nothing tells that one is gone. So whoever
//! converts several deliveries at once would count claims twice, in two ways:
//! - A claim comes again under its resource id: the version updated last counts, of equal ones the later in the input.
//! - It comes back under another id, with the same group (v1, v2: CCW's claim group; v3: the control number) or naming
//!   the old one as its prior: the newer claim replaces the older, unless one delivery has both. Within a delivery the
//!   server vouches that all its claims are in force. The files of one folder are one delivery.
//!
//! Only keys are kept, never a claim: about 70 bytes for each, as many again for the table around them, and 180 more with several deliveries. Most runs hold every
//! claim once and pay for looking up its key; one that does not starts over, knowing what to leave out.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hasher};

use super::lines::Place;

/// Which versions of a claim are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Adjustments {
    /// the version in force of every claim: sums are right in any loader
    #[default]
    Final,
    /// claims no longer in force twice, as original and as cancellation: loaders that net get zero
    CclfPairs,
    /// all versions that no rule leaves out give their rows
    Raw,
}

/// Why a claim counts no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// the same claim, delivered anew
    OlderVersion,
    /// a newer claim of its group in a later delivery
    Replaced,
    /// a newer claim of a later delivery names it as its prior
    NamedPrior,
    /// it voids a claim of this run, which is left out or cancelled itself
    Voids,
    /// partially adjudicated, and the adjudicated claim is there
    Adjudicated,
}

impl Reason {
    /// As counted in the summary.
    pub fn name(self) -> &'static str {
        match self {
            Reason::OlderVersion => "older-version",
            Reason::Replaced => "replaced",
            Reason::NamedPrior => "named-prior",
            Reason::Voids => "void",
            Reason::Adjudicated => "adjudicated-since",
        }
    }

    /// A claim that was paid and later taken back, so that CCLF has a cancellation of it.
    pub fn is_cancelled(self) -> bool {
        matches!(self, Reason::Replaced | Reason::NamedPrior)
    }
}

/// What a claim says of its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// it counts
    InForce,
    /// it takes claims of its group back
    Void,
    /// left out by a rule, and nothing follows for others
    LeftOut,
    /// on its way to being adjudicated
    Partial,
    /// what partially adjudicated claims of its control number became
    Adjudicated,
}

/// Where a line is: input file and 1-based line.
type At = (u32, u64);

/// One version of a claim.
#[derive(Debug, Clone, Copy)]
pub struct Version {
    key: u128,
    /// nanoseconds since 1970; the least number if the claim does not say
    updated: i128,
    at: At,
    kin: Option<Kin>,
}

/// What tells a claim's predecessors in other deliveries.
#[derive(Debug, Clone, Copy)]
pub struct Kin {
    /// [`NOBODY`]: it has no control number
    group: u128,
    /// [`NOBODY`]: it names none
    prior: u128,
    delivery: u32,
    standing: Standing,
}

/// The key of no claim and no group: as good as never the key of a text.
const NOBODY: u128 = 0;

impl Kin {
    /// `owner` and `family` are part of a group, for control numbers alone are not unique; `control` is the claim's own,
    /// `prior` the one it names.
    pub fn new(delivery: u32, owner: &str, family: &str, control: &str, prior: &str, standing: Standing) -> Kin {
        let group = |number: &str| if number.is_empty() { NOBODY } else { key(&[owner, family, number]) };
        let prior = if prior == control { "" } else { prior };
        Kin { delivery, group: group(control), prior: group(prior), standing }
    }
}

impl Kin {
    /// Of partially adjudicated claims and what they became, for which the control number is enough.
    pub fn partial(control: &str, prior: &str, standing: Standing) -> Kin {
        Kin::new(0, "", "", control, prior, standing)
    }
}

impl Version {
    /// `id` of the resource, `updated` its `meta.lastUpdated`; a claim without an id is like no other. `kin` is wanted
    /// where there are several deliveries.
    pub fn new(id: &str, updated: &str, place: Place, kin: Option<Kin>) -> Option<Version> {
        if id.is_empty() {
            return None;
        }
        let updated = updated.parse().map_or(i128::MIN, jiff::Timestamp::as_nanosecond);
        Some(Version { key: key(&[id]), updated, at: at(place), kin })
    }
}

impl Version {
    /// Equal for equal ids.
    pub fn key(&self) -> u128 {
        self.key
    }

    /// Nanoseconds since 1970, at the edge of the type if far away; `None` if the claim does not say.
    pub fn updated(&self) -> Option<i64> {
        let clamped = self.updated.clamp(i128::from(i64::MIN) + 1, i128::from(i64::MAX));
        (self.updated != i128::MIN).then_some(clamped as i64)
    }

    /// 1-based; of a part of a file, the line's first byte.
    pub fn line(&self) -> u64 {
        self.at.1
    }

    /// If the run has several deliveries.
    pub fn kin(&self) -> Option<Kin> {
        self.kin
    }
}

impl Kin {
    /// `None`: it has no control number.
    pub fn group(&self) -> Option<u128> {
        (self.group != NOBODY).then_some(self.group)
    }

    /// `None`: it names none.
    pub fn prior(&self) -> Option<u128> {
        (self.prior != NOBODY).then_some(self.prior)
    }

    /// What it says of its group.
    pub fn standing(&self) -> Standing {
        self.standing
    }
}

/// 128 bits, so that no two of any number of texts are ever taken for one.
fn key(texts: &[&str]) -> u128 {
    let half = |seed: u8| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(seed);
        for text in texts {
            hasher.write(text.as_bytes());
            // No text has this byte, so texts cannot run into each other.
            hasher.write_u8(0xFF);
        }
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

fn at(place: Place) -> At {
    (place.source as u32, place.line)
}

/// Lines of claims that count no more.
#[derive(Debug, Default)]
pub struct Older(HashMap<At, Reason>);

impl Older {
    /// Why the claim there counts no more; `None` if it does.
    pub fn reason(&self, place: Place) -> Option<Reason> {
        if self.0.is_empty() { None } else { self.0.get(&at(place)).copied() }
    }

    /// Whether all claims count.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The newest version of each claim so far, met in input order.
#[derive(Debug, Default)]
pub struct Versions {
    newest: HashMap<u128, (i128, At)>,
    older: Older,
    /// all versions of claims that have kin
    members: Vec<(u128, At, Kin)>,
}

impl Versions {
    /// Meets the next claim of the input.
    pub fn add(&mut self, version: Version) {
        let Version { key, updated, at, kin } = version;
        self.members.extend(kin.map(|kin| (key, at, kin)));
        match self.newest.entry(key) {
            Entry::Vacant(free) => {
                free.insert((updated, at));
            }
            Entry::Occupied(mut known) => {
                let (best, place) = known.get_mut();
                let loser = if updated >= *best { std::mem::replace(place, at) } else { at };
                *best = (*best).max(updated);
                self.older.0.insert(loser, Reason::OlderVersion);
            }
        }
    }

    /// What counts no more, when all claims have come.
    pub fn finish(mut self) -> Older {
        let claims = self.claims();
        let group_of = |group: u128| {
            let from = claims.partition_point(|claim| claim.group < group);
            let count = claims[from..].partition_point(|claim| claim.group == group);
            &claims[from..from + count]
        };
        let mut voiding = HashSet::new();
        let mut replace = |claims: &[Claim], by: &[&Claim], reason: Reason| {
            for claim in claims.iter().filter(|claim| claim.standing == Standing::InForce) {
                for newer in by.iter().filter(|newer| newer.replaces(claim)) {
                    self.older.0.entry(claim.at).or_insert(reason);
                    if newer.standing == Standing::Void {
                        voiding.insert(newer.at);
                    }
                }
            }
        };
        for group in claims.chunk_by(|a, b| a.group == b.group).filter(|group| group.len() > 1) {
            replace(group, &leading(group), Reason::Replaced);
        }
        for claim in claims.iter().filter(|claim| claim.prior != NOBODY) {
            replace(group_of(claim.prior), &[claim], Reason::NamedPrior);
        }
        for at in voiding {
            self.older.0.entry(at).or_insert(Reason::Voids);
        }
        let of = |standing| self.members.iter().filter(move |(_, _, kin)| kin.standing == standing);
        let settled: HashSet<u128> = of(Standing::Adjudicated)
            .flat_map(|(_, _, kin)| [kin.group, kin.prior])
            .filter(|key| *key != NOBODY)
            .collect();
        for (_, at, _) in of(Standing::Partial).filter(|(_, _, kin)| settled.contains(&kin.group)) {
            self.older.0.entry(*at).or_insert(Reason::Adjudicated);
        }
        self.older
    }

    /// Claims in order of their groups, each as its newest version says, with all deliveries that have it.
    fn claims(&mut self) -> Vec<Claim> {
        self.members.sort_unstable_by_key(|(key, at, _)| (*key, *at));
        let mut claims = Vec::new();
        for versions in self.members.chunk_by(|a, b| a.0 == b.0) {
            let (updated, newest) = self.newest[&versions[0].0];
            let Some((key, _, kin)) = versions.iter().find(|(_, at, _)| *at == newest) else { continue };
            let takes_part = matches!(kin.standing, Standing::InForce | Standing::Void);
            if !takes_part || (kin.group == NOBODY && kin.prior == NOBODY) {
                continue;
            }
            let others = versions.iter().map(|(_, _, other)| other.delivery).filter(|other| *other != kin.delivery);
            let mut others: Vec<u32> = others.collect();
            others.sort_unstable();
            others.dedup();
            claims.push(Claim {
                // One without a control number of its own can still name another's; it is alone in its group.
                group: if kin.group == NOBODY { *key } else { kin.group },
                prior: kin.prior,
                updated,
                at: newest,
                delivery: kin.delivery,
                others,
                standing: kin.standing,
            });
        }
        claims.sort_unstable_by_key(|claim| (claim.group, claim.at));
        claims
    }
}

/// A claim that has kin.
#[derive(Debug)]
struct Claim {
    group: u128,
    prior: u128,
    updated: i128,
    at: At,
    /// of its newest version
    delivery: u32,
    /// that have older versions, sorted; most claims have none
    others: Vec<u32>,
    standing: Standing,
}

impl Claim {
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

#[cfg(test)]
mod tests;
