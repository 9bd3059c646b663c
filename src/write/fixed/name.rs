//! Names of CMS's deliveries, by the grammar of the CCLF information packet:
//!
//! ```text
//! P.A0001.ACO.ZCY26.D261120.T1234567     the zip
//! P.A0001.ACO.ZC1Y26.D261120.T1234567    CCLF1 in it; 0 to 9, A, B
//! P.A0001.ACO.ZC1R26.D261120.T1234567    run-out
//! T.A0001.ACO.ZC1Y26.D261120.T1234567    a test
//! P.IOTA001.PRT.ZC1Y26.D261120.T1234567  a participant of IOTA
//! ```
//!
//! The year is the performance year; the last digit of the time is a tenth of a second. The form in which CMS feeds
//! BCDA itself (`P.BCD...`) is not written.

use std::fmt;

use crate::error::{Error, Result};

/// First letters of entities and their programs.
const PROGRAMS: [(char, &str); 7] = [
    ('A', "Shared Savings Program"),
    ('C', "CKCC"),
    ('D', "ACO REACH"),
    ('F', "VTAPM"),
    ('K', "KCF"),
    ('P', "PCF"),
    ('V', "NGACO"),
];

/// What stands for a table in a name.
const FILES: [&str; 12] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "A", "B"];

/// Performance years that two digits tell.
const YEARS: std::ops::RangeInclusive<u16> = 2000..=2099;

/// Who gets the delivery: `A0001`, or `IOTA001`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity(String);

impl Entity {
    /// Reads an entity's identifier as CMS gives it.
    pub fn parse(text: &str) -> Result<Entity> {
        let digits = |rest: &str, count: usize| rest.len() == count && rest.bytes().all(|b| b.is_ascii_digit());
        let iota = text.strip_prefix("IOTA").is_some_and(|rest| digits(rest, 3));
        let lettered =
            PROGRAMS.iter().any(|(letter, _)| text.strip_prefix(*letter).is_some_and(|rest| digits(rest, 4)));
        if iota || lettered {
            return Ok(Entity(text.to_string()));
        }
        let letters: Vec<String> = PROGRAMS.iter().map(|(letter, program)| format!("{letter} {program}")).collect();
        Err(Error::Usage(format!(
            "expected an entity such as `A0001` (a letter and four digits) or `IOTA001`, found `{text}`\n  hint: letters are {}",
            letters.join(", ")
        )))
    }

    fn iota(&self) -> bool {
        self.0.starts_with("IOTA")
    }

    fn kidney_care(&self) -> bool {
        self.0.starts_with(['K', 'C'])
    }
}

/// When CMS delivers, to a tenth of a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    /// of 2000 to 2099
    pub year: u16,
    /// 1 to 12
    pub month: u8,
    /// 1 to the month's last
    pub day: u8,
    /// 0 to 23
    pub hour: u8,
    /// 0 to 59
    pub minute: u8,
    /// 0 to 59
    pub second: u8,
    /// of a second
    pub tenth: u8,
}

impl Delivered {
    /// Reads `2026-11-20`, `2026-11-20T12:34:56` or `2026-11-20T12:34:56.7`; without a time it is midnight.
    pub fn parse(text: &str) -> Result<Delivered> {
        Delivered::read(text).ok_or_else(|| {
            Error::Usage(format!(
                "expected a date of 2000 to 2099 such as `2026-11-20`, or with a time `2026-11-20T12:34:56`, found `{text}`"
            ))
        })
    }

    /// The day, ISO.
    pub fn date(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    fn read(text: &str) -> Option<Delivered> {
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, time),
            None => (text, "00:00:00"),
        };
        let (time, tenth) = time.split_once('.').unwrap_or((time, "0"));
        let number = |text: &str, digits: usize| -> Option<u16> {
            (text.len() == digits && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
        };
        let byte = |text: &str, from: u16, to: u16| -> Option<u8> {
            number(text, 2).filter(|n| (from..=to).contains(n)).and_then(|n| u8::try_from(n).ok())
        };
        let [year, month, day] = date.split('-').collect::<Vec<_>>().try_into().ok()?;
        let [hour, minute, second] = time.split(':').collect::<Vec<_>>().try_into().ok()?;
        let year = number(year, 4).filter(|year| YEARS.contains(year))?;
        let month = byte(month, 1, 12)?;
        let last = match month {
            4 | 6 | 9 | 11 => 30,
            // Within these years every fourth is a leap year, 2000 too.
            2 => 28 + u16::from(year.is_multiple_of(4)),
            _ => 31,
        };
        Some(Delivered {
            year,
            month,
            day: byte(day, 1, last)?,
            hour: byte(hour, 0, 23)?,
            minute: byte(minute, 0, 59)?,
            second: byte(second, 0, 59)?,
            tenth: number(tenth, 1).and_then(|n| u8::try_from(n).ok())?,
        })
    }
}

impl fmt::Display for Delivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Delivered { year, month, day, hour, minute, second, tenth } = self;
        write!(f, "D{:02}{month:02}{day:02}.T{hour:02}{minute:02}{second:02}{tenth}", year % 100)
    }
}

/// What the names of a delivery are made of.
///
/// ```
/// use claimfeed::write::fixed::FileName;
///
/// let name = FileName::parse("A0001", 2026, "2026-11-20T12:34:56")?;
/// assert_eq!(name.zip(), "P.A0001.ACO.ZCY26.D261120.T1234560");
/// assert_eq!(name.table("CCLF8")?, "P.A0001.ACO.ZC8Y26.D261120.T1234560");
/// # Ok::<(), claimfeed::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName {
    /// who gets it
    pub entity: Entity,
    /// 2000 to 2099
    pub performance_year: u16,
    /// when
    pub delivered: Delivered,
    /// run-out of the performance year
    pub runout: bool,
    /// `T.` instead of `P.`
    pub test: bool,
}

impl FileName {
    /// A regular production delivery; texts as [`Entity::parse`] and [`Delivered::parse`] want them.
    pub fn parse(entity: &str, performance_year: u16, delivered: &str) -> Result<FileName> {
        if !YEARS.contains(&performance_year) {
            let message = format!("expected a performance year such as 2026, found {performance_year}");
            return Err(Error::Usage(message));
        }
        let (entity, delivered) = (Entity::parse(entity)?, Delivered::parse(delivered)?);
        Ok(FileName { entity, performance_year, delivered, runout: false, test: false })
    }

    /// The same as a run-out, which kidney care (`K`, `C`) does not have.
    pub fn runout(self) -> Result<FileName> {
        if self.entity.kidney_care() {
            return Err(Error::Usage(format!(
                "expected an entity with run-out deliveries, found `{}`: kidney care has none",
                self.entity.0
            )));
        }
        Ok(FileName { runout: true, ..self })
    }

    /// Name of the outer zip.
    pub fn zip(&self) -> String {
        self.of("")
    }

    /// Name of a table's file: `CCLF0` to `CCLF9`, `CCLFA`, `CCLFB`.
    pub fn table(&self, table: &str) -> Result<String> {
        match table.strip_prefix("CCLF").filter(|file| FILES.contains(file)) {
            Some(file) => Ok(self.of(file)),
            None => Err(Error::Usage(format!(
                "expected tables of CMS's CCLF (CCLF0 to CCLF9, CCLFA, CCLFB), found `{table}`: CMS has no file name for it"
            ))),
        }
    }

    /// Name of a table's file, or for a table that CMS does not have the table's own.
    pub fn named(&self, table: &str) -> String {
        self.table(table).unwrap_or_else(|_| table.to_string())
    }

    /// All names a delivery can have: the zip and every table.
    pub fn all(&self) -> impl Iterator<Item = String> {
        std::iter::once(self.zip()).chain(FILES.iter().map(|file| self.of(file)))
    }

    fn of(&self, file: &str) -> String {
        let stage = if self.test { 'T' } else { 'P' };
        let kind = if self.entity.iota() { "PRT" } else { "ACO" };
        let period = if self.runout { 'R' } else { 'Y' };
        let year = self.performance_year % 100;
        format!("{stage}.{}.{kind}.ZC{file}{period}{year:02}.{}", self.entity.0, self.delivered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(entity: &str, delivered: &str) -> FileName {
        FileName::parse(entity, 2026, delivered).unwrap()
    }

    #[test]
    fn every_form_has_its_name() {
        let plain = name("A0001", "2026-11-20T12:34:56.7");
        assert_eq!(plain.zip(), "P.A0001.ACO.ZCY26.D261120.T1234567");
        for file in "0123456789AB".chars() {
            let expected = format!("P.A0001.ACO.ZC{file}Y26.D261120.T1234567");
            assert_eq!(plain.table(&format!("CCLF{file}")).unwrap(), expected);
        }
        let runout = plain.clone().runout().unwrap();
        assert_eq!(runout.zip(), "P.A0001.ACO.ZCR26.D261120.T1234567");
        assert_eq!(runout.table("CCLFA").unwrap(), "P.A0001.ACO.ZCAR26.D261120.T1234567");
        let test = FileName { test: true, ..plain };
        assert_eq!(test.table("CCLF0").unwrap(), "T.A0001.ACO.ZC0Y26.D261120.T1234567");
        for letter in "ACDFKPV".chars() {
            let expected = format!("P.{letter}9876.ACO.ZCY26.D260105.T0000000");
            assert_eq!(name(&format!("{letter}9876"), "2026-01-05").zip(), expected);
        }
        assert_eq!(name("IOTA012", "2026-01-05T23:59:59").zip(), "P.IOTA012.PRT.ZCY26.D260105.T2359590");
        let early = FileName::parse("V1234", 2009, "2008-02-29").unwrap();
        assert_eq!(early.zip(), "P.V1234.ACO.ZCY09.D080229.T0000000");
    }

    #[test]
    fn what_is_none_is_refused_with_what_was_expected() {
        for entity in ["", "A", "A001", "A00001", "a0001", "B0001", "A00O1", "IOTA01", "IOTA0001", "A0001/..", "É001"]
        {
            let error = Entity::parse(entity).unwrap_err();
            assert!(error.to_string().starts_with("expected an entity such as `A0001`"), "{error}");
            assert_eq!(error.exit_code(), 2);
        }
        let dates = "2026-11-31 2026-02-29 2026-13-01 2026-1-1 20261120 1999-12-31 2100-01-01 2026-11-20T24:00:00 \
            2026-11-20T12:34 2026-11-20T12:34:60 2026-11-20T12:34:56.78 2026-11-20T12:34:56Z 2026-11-20T +026-11-20";
        for date in dates.split_whitespace().chain([""]) {
            let error = Delivered::parse(date).unwrap_err().to_string();
            assert!(error.starts_with("expected a date of 2000 to 2099 such as `2026-11-20`"), "{date}: {error}");
        }
        let error = FileName::parse("A0001", 26, "2026-11-20").unwrap_err().to_string();
        assert_eq!(error, "expected a performance year such as 2026, found 26");
        for entity in ["K0001", "C0001"] {
            let error = name(entity, "2026-11-20").runout().unwrap_err().to_string();
            assert!(error.contains("kidney care has none"), "{error}");
        }
        for table in ["", "CCLF", "CCLFC", "CCLF10", "cclf1", "visits"] {
            let error = name("A0001", "2026-11-20").table(table).unwrap_err().to_string();
            assert!(error.starts_with("expected tables of CMS's CCLF"), "{error}");
        }
    }
}
