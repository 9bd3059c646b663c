//! Which claims of a run count, where deliveries overlap.
//!
//! An export since some day brings a claim anew when it changes, and nothing tells that one is gone. So whoever
//! converts several deliveries at once would count claims twice, in two ways:
//! - A claim comes again under its resource id: the version updated last counts, of equal ones the later in the input.
//! - It comes back under another id, with the same group (v1, v2: CCW's claim group; v3: the control number) or naming
//!   the old one as its prior: the newer claim replaces the older, unless one delivery has both. Within a delivery the
//!   server vouches that all its claims are in force. The files of one folder are one delivery.
//!
//! Only keys are kept, never a claim, and of many claims they are in a file: a [`Sorter`] brings a claim's versions
//! together, another one those of a group ([`Groups`]). What is in memory in the end is the lines that count no more.
//! Most runs hold every claim once and pay for sorting its key; one that does not starts over, knowing what to leave out.

mod groups;
mod older;

use std::hash::{DefaultHasher, Hasher};
use std::path::Path;

use self::groups::Groups;
pub use self::older::Older;
use super::lines::Place;
use super::sorter::Sorter;
use crate::error::Result;

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
    /// In their order: of several the first one is told.
    const ALL: [Reason; 5] =
        [Reason::OlderVersion, Reason::Replaced, Reason::NamedPrior, Reason::Voids, Reason::Adjudicated];

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

impl Standing {
    /// In their order.
    const ALL: [Standing; 5] =
        [Standing::InForce, Standing::Void, Standing::LeftOut, Standing::Partial, Standing::Adjudicated];
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

/// All versions of all claims.
#[derive(Debug)]
pub struct Versions {
    /// key, update, place
    alone: Sorter<3>,
    /// the same and the kin's group, prior, delivery and standing
    akin: Sorter<6>,
    groups: Groups,
}

/// Flips the sign's bit: numbers with a sign in the order of those without.
const SIGN: u128 = 1 << 127;

impl Versions {
    /// None yet; many wait in files of the folder.
    pub fn new(folder: &Path) -> Versions {
        Versions { alone: Sorter::new(folder), akin: Sorter::new(folder), groups: Groups::new(folder) }
    }

    /// Meets a claim.
    pub fn add(&mut self, version: Version) {
        let Version { key, updated, at: (source, line), kin } = version;
        let (updated, at) = (updated as u128 ^ SIGN, u128::from(source) << 64 | u128::from(line));
        match kin {
            None => self.alone.push([key, updated, at]),
            Some(Kin { group, prior, delivery, standing }) => {
                let standing = u128::from(delivery) << 8 | standing as u128;
                self.akin.push([key, updated, at, group, prior, standing]);
            }
        }
    }

    /// What counts no more, when all claims have come.
    pub fn finish(self) -> Result<Older> {
        let Versions { alone, akin, mut groups } = self;
        let mut older = Older::default();
        alone.each_group(|versions| older.add_all_but_last(versions.iter().map(at_of)))?;
        akin.each_group(|versions| {
            older.add_all_but_last(versions.iter().map(at_of));
            groups.add(versions);
        })?;
        groups.finish(&mut older)?;
        older.settle();
        Ok(older)
    }
}

fn at_of<const N: usize>(version: &[u128; N]) -> At {
    ((version[2] >> 64) as u32, version[2] as u64)
}

fn kin_of(version: &[u128; 6]) -> Kin {
    let [_, _, _, group, prior, standing] = *version;
    Kin { group, prior, delivery: (standing >> 8) as u32, standing: Standing::ALL[standing as usize & 0xFF] }
}

#[cfg(test)]
mod tests;
