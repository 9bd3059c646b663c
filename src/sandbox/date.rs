//! A calendar day, as the claims carry it: ten characters, no time, no zone.
//!
//! Kept as a day number because generating claims is mostly adding days; the clock of the machine is never asked.

use std::fmt;

/// Days since 1970-01-01; negative before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(pub i32);

impl Date {
    /// The day `year-month-day`, proleptic Gregorian; month and day count from 1.
    pub const fn new(year: i32, month: i32, day: i32) -> Date {
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        Date(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
    }

    pub const fn plus(self, days: i64) -> Date {
        Date(self.0 + days as i32)
    }

    /// Year, month, day.
    pub const fn parts(self) -> (i32, i32, i32) {
        let days = self.0 + 719_468;
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let years = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * years + years / 4 - years / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        (era * 400 + years + if month <= 2 { 1 } else { 0 }, month, day)
    }

    /// `YYYY-MM-DD`.
    pub fn text(self) -> [u8; 10] {
        let (year, month, day) = self.parts();
        let digit = |number: i32| b'0' + (number % 10) as u8;
        [
            digit(year / 1000),
            digit(year / 100),
            digit(year / 10),
            digit(year),
            b'-',
            digit(month / 10),
            digit(month),
            b'-',
            digit(day / 10),
            digit(day),
        ]
    }
}

impl fmt::Display for Date {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.parts();
        write!(out, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::Date;

    #[test]
    fn days_survive_the_round_trip() {
        for day in -40_000..40_000 {
            let (year, month, of_month) = Date(day).parts();
            assert_eq!(Date::new(year, month, of_month), Date(day));
        }
        assert_eq!(Date::new(2000, 2, 29).to_string(), "2000-02-29");
        assert_eq!(Date::new(9999, 12, 31).text(), *b"9999-12-31");
        assert_eq!(Date::new(1970, 1, 1), Date(0));
    }
}
