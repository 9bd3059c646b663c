//! Which of several versions of a claim counts.
//!
//! Deliveries overlap: an export since some day brings a claim anew when it changes, and whoever converts several
//! deliveries at once would count it twice. A claim is known by its resource id; the version updated last counts, of
//! equal ones the later in the input. Only keys are kept, about 70 bytes a claim, never a claim. Most runs hold every
//! claim once and pay for looking up its key; one that does not starts over, knowing what to leave out.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hasher};

use super::lines::Place;

/// Why an older version gives no rows, as counted.
pub const REASON: &str = "older-version";

/// Whether versions of a claim are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Adjustments {
    /// the version in force of every claim: sums are right in any loader
    #[default]
    Final,
    /// every version that is served gives its rows
    Raw,
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
}

impl Version {
    /// `id` of the resource, `updated` its `meta.lastUpdated`; a claim without an id is like no other.
    pub fn new(id: &str, updated: &str, place: Place) -> Option<Version> {
        if id.is_empty() {
            return None;
        }
        let updated = updated.parse().map_or(i128::MIN, jiff::Timestamp::as_nanosecond);
        Some(Version { key: key(id), updated, at: at(place) })
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

    /// 1-based
    pub fn line(&self) -> u64 {
        self.at.1
    }
}

/// 128 bits, so that no two of any number of ids are ever taken for one.
fn key(id: &str) -> u128 {
    let half = |seed: u8| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(seed);
        hasher.write(id.as_bytes());
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

fn at(place: Place) -> At {
    (place.source as u32, place.line)
}

/// Lines of claims that count no more.
#[derive(Debug, Default)]
pub struct Older(HashSet<At>);

impl Older {
    /// Whether the claim there is an older version.
    pub fn has(&self, place: Place) -> bool {
        !self.0.is_empty() && self.0.contains(&at(place))
    }

    /// Whether no claim came twice.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The newest version of each claim so far, met in input order.
#[derive(Debug, Default)]
pub struct Versions {
    newest: HashMap<u128, (i128, At)>,
    older: Older,
}

impl Versions {
    /// Meets the next claim of the input.
    pub fn add(&mut self, version: Version) {
        let Version { key, updated, at } = version;
        match self.newest.entry(key) {
            Entry::Vacant(free) => {
                free.insert((updated, at));
            }
            Entry::Occupied(mut known) => {
                let (best, place) = known.get_mut();
                if updated >= *best {
                    self.older.0.insert(*place);
                    (*best, *place) = (updated, at);
                } else {
                    self.older.0.insert(at);
                }
            }
        }
    }

    /// What counts no more, when all claims have come.
    pub fn finish(self) -> Older {
        self.older
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn older(claims: &[(&str, &str)]) -> Vec<u64> {
        let mut versions = Versions::default();
        for (line, (id, updated)) in claims.iter().enumerate() {
            let place = Place { source: 0, line: line as u64 + 1, byte: 0 };
            Version::new(id, updated, place).into_iter().for_each(|version| versions.add(version));
        }
        let mut lines: Vec<u64> = versions.finish().0.into_iter().map(|(_, line)| line).collect();
        lines.sort();
        lines
    }

    #[test]
    fn the_version_updated_last_counts_wherever_it_stands() {
        let (old, new) = ("2026-01-05T23:30:00-05:00", "2026-01-06T05:00:00.5Z");
        assert_eq!(older(&[("a", old), ("b", new), ("a", new)]), [1]);
        assert_eq!(older(&[("a", new), ("b", new), ("a", old)]), [3]);
        assert_eq!(older(&[("a", old), ("a", new), ("a", old)]), [1, 3]);
        assert_eq!(older(&[("a", new), ("a", new)]), [1], "of equal ones the later");
        assert_eq!(older(&[("a", ""), ("a", old), ("a", "yesterday")]), [1, 3], "one that does not say is the oldest");
        assert!(older(&[("", old), ("", new)]).is_empty(), "without an id there is no telling");
    }
}
