//! Other names for persons: what a text of a [`Kind`] is replaced by, as a secret key says.
//!
//! The same key makes the same of the same text, in every table, run and version, so rows join as before. Numbers that join
//! are permuted among those of their length and letters (`permutation`), because two that became one would merge two
//! people; names become keyed hashes (`token`); dates move by days that are a person's own (`shift`). This module knows
//! no tables and no rows.

mod key;
mod permutation;
mod shift;
mod token;

use aws_lc_rs::hmac;

pub use self::key::Key;
use self::permutation::Permutation;
use self::shift::Shift;
use crate::crosswalk::kinds::Kind;

/// What stands for persons, by one key.
///
/// ```
/// use std::io::Write;
/// use claimfeed::crosswalk::kinds::Kind;
/// use claimfeed::pseudonym::{Key, Pseudonyms};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // 64 hexadecimal digits that only their owner can read; temporary files are so.
/// let mut file = tempfile::NamedTempFile::new()?;
/// writeln!(file, "{}", "0f".repeat(32))?;
/// let pseudonyms = Pseudonyms::new(&Key::open(file.path())?, true);
///
/// let mut mbi = Vec::new();
/// pseudonyms.text(Kind::Mbi, b"1S00E00AA00", 11, &mut mbi);
/// assert!(mbi.len() == 11 && mbi != b"1S00E00AA00");
/// assert!((1..=183).contains(&pseudonyms.days(b"1S00E00AA00").abs()));
/// # Ok(())
/// # }
/// ```
pub struct Pseudonyms {
    mbi: Permutation,
    hicn: Permutation,
    id: Permutation,
    county: Permutation,
    postcode: Permutation,
    name: hmac::Key,
    street: hmac::Key,
    city: hmac::Key,
    shift: Option<Shift>,
    check: String,
}

impl std::fmt::Debug for Pseudonyms {
    /// Nothing of the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pseudonyms").field("check", &self.check).field("shifts", &self.shifts()).finish_non_exhaustive()
    }
}

impl Pseudonyms {
    /// By this key. `shifts`: dates are shifted, else they stay.
    pub fn new(key: &Key, shifts: bool) -> Pseudonyms {
        Pseudonyms {
            mbi: Permutation::new(key, "mbi"),
            hicn: Permutation::new(key, "hicn"),
            id: Permutation::new(key, "id"),
            county: Permutation::new(key, "county"),
            postcode: Permutation::new(key, "postcode"),
            name: key.keyed("name"),
            street: key.keyed("street"),
            city: key.keyed("city"),
            shift: shifts.then(|| Shift::new(key)),
            check: key.check(),
        }
    }

    /// Tells keys apart and nothing else of them.
    pub fn check(&self) -> &str {
        &self.check
    }

    /// Dates are shifted.
    pub fn shifts(&self) -> bool {
        self.shift.is_some()
    }

    /// Appends what stands for a text, in at most `width` characters unless the text has more itself. A blank stays blank;
    /// a date needs [`date`](Pseudonyms::date).
    pub fn text(&self, kind: Kind, text: &[u8], width: usize, out: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        match kind {
            Kind::Kept | Kind::Date => out.extend_from_slice(text),
            Kind::Beneficiary | Kind::Mbi => self.mbi.apply(text, width, out),
            Kind::Hicn => self.hicn.apply(text, width, out),
            Kind::Id => self.id.apply(text, width, out),
            Kind::County => self.county.apply(text, width, out),
            Kind::Postcode => self.postcode.apply(text, width, out),
            Kind::Name => token::name(&self.name, text, width, out),
            Kind::Street => token::name(&self.street, text, width, out),
            Kind::City => token::name(&self.city, text, width, out),
        }
    }

    /// What stands for the id of a resource outside of tables; the same as in their lineage.
    pub fn id(&self, id: &str) -> String {
        let mut out = Vec::new();
        self.text(Kind::Id, id.as_bytes(), usize::MAX, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// By how many days the dates of this beneficiary move; 0 if they do not.
    pub fn days(&self, beneficiary: &[u8]) -> i32 {
        self.shift.as_ref().map_or(0, |shift| shift.days(beneficiary))
    }

    /// Appends an ISO date moved by so many days.
    pub fn date(text: &[u8], days: i32, out: &mut Vec<u8>) {
        shift::date(text, days, out);
    }
}
