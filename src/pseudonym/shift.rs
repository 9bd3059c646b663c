//! Dates moved by whole days, all of one person's by the same number: what lies between them stays.
//!
//! Up to half a year either way and never by nothing, so a date is always another one while years and seasons stay nearly
//! what they were. A person is known by the MBI in force. Rows without one share a number: nobody knows whose they are, but
//! their dates must not be the true ones.

use aws_lc_rs::hmac;
use jiff::ToSpan;
use jiff::civil::Date;

use super::key::Key;

/// Days either way.
const MOST: u64 = 183;

/// Knows the days of each person.
pub struct Shift(hmac::Key);

impl Shift {
    /// As the key says.
    pub fn new(key: &Key) -> Shift {
        Shift(key.keyed("date"))
    }

    /// From -183 to 183, not 0.
    pub fn days(&self, beneficiary: &[u8]) -> i32 {
        let mut hash = [0; 8];
        hash.copy_from_slice(&hmac::sign(&self.0, beneficiary).as_ref()[..8]);
        let number = (u64::from_be_bytes(hash) % (2 * MOST)) as i32 - MOST as i32;
        if number < 0 { number } else { number + 1 }
    }
}

/// Appends an ISO date so many days later. Beyond the years 0 to 9999 it stays: such a date is nobody's.
pub fn date(text: &[u8], days: i32, out: &mut Vec<u8>) {
    let date = std::str::from_utf8(text).ok().and_then(|text| text.parse::<Date>().ok());
    let moved = date.and_then(|date| date.checked_add(days.days()).ok()).filter(|date| date.year() >= 0);
    match moved {
        Some(moved) => out.extend_from_slice(moved.to_string().as_bytes()),
        None => out.extend_from_slice(text),
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::tests::key;
    use super::*;

    fn moved(text: &str, days: i32) -> String {
        let mut out = Vec::new();
        date(text.as_bytes(), days, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn dates_move_over_months_and_years() {
        assert_eq!(moved("2024-02-28", 1), "2024-02-29");
        assert_eq!(moved("2024-01-01", -1), "2023-12-31");
        assert_eq!(moved("1938-07-02", 183), "1939-01-01");
        assert_eq!(moved("", 5), "");
        assert_eq!(moved("9999-12-31", 5), "9999-12-31");
        assert_eq!(moved("0000-01-01", -5), "0000-01-01");
    }

    #[test]
    fn all_numbers_but_nothing_come_up_about_as_often() {
        let shift = Shift::new(&key(1));
        let mut counts = std::collections::BTreeMap::new();
        for person in 0..36_600 {
            *counts.entry(shift.days(format!("person {person}").as_bytes())).or_insert(0u32) += 1;
        }
        assert_eq!(counts.len(), 366);
        assert!(!counts.contains_key(&0) && counts.keys().all(|days| days.abs() <= 183));
        // A hundred each are expected; six standard deviations are sixty.
        assert!(counts.values().all(|count| (40..160).contains(count)), "{counts:?}");
    }
}
