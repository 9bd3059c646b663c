//! The MBIs of a Patient, and which of them is in force.

use super::owned;
use crate::crosswalk::frames::Frames;
use crate::crosswalk::picture::{Fit, Picture};
use crate::crosswalk::program::Crosswalk;
use crate::parse::Cursor;

/// The system of MBIs.
const MBI_SYSTEM: &str = "http://hl7.org/fhir/sid/us-mbi";

/// What makes an MBI the same text wherever it is written.
const MBI: Picture = Picture::Text { width: 11 };

/// One MBI of a Patient.
pub struct Mbi {
    /// of its frame
    pub base: u32,
    /// as cells have it
    pub value: String,
    start: String,
    ended: bool,
    historic: bool,
}

/// All of a Patient, as cells have them; and whether some are too long for any.
pub fn mbis<C: Cursor>(crosswalk: &Crosswalk, record: &C, frames: &Frames) -> (Vec<Mbi>, bool) {
    let facts = crosswalk.beneficiary;
    let (mut mbis, mut are_long) = (Vec::new(), false);
    for &base in frames.of(facts.value.scope) {
        let text = |at| owned(record, frames, base, at);
        if text(facts.system.at) != MBI_SYSTEM {
            continue;
        }
        let mut value = Vec::new();
        match MBI.fit(&text(facts.value.at), false, &mut value) {
            Ok(Fit::Blank) => continue,
            Ok(_) => {}
            Err(_) => {
                are_long = true;
                continue;
            }
        }
        let currency = facts.currency.iter().flatten().map(|slot| text(slot.at)).find(|code| !code.is_empty());
        mbis.push(Mbi {
            base,
            // Made of a JSON string, which is UTF-8.
            value: String::from_utf8(value).unwrap_or_default(),
            start: text(facts.start.at),
            ended: !period_end(&text(facts.end.at)).is_empty(),
            historic: currency.is_some_and(|code| code == "historic"),
        });
    }
    (mbis, are_long)
}

/// The end of a period; one of CMS's null dates is none.
pub fn period_end(text: &str) -> &str {
    let mut date = Vec::new();
    match Picture::Date.fit(text, false, &mut date) {
        Ok(Fit::Blank) => "",
        _ => text,
    }
}

/// The MBI in force: not marked historic, open unless all are ended, of several the one that started last.
///
/// One rule serves all versions: v1 and v2 mark currency, v3 gives periods.
pub fn current(mbis: &[Mbi]) -> Option<usize> {
    let candidates: Vec<usize> = (0..mbis.len()).filter(|at| !mbis[*at].historic).collect();
    let any_open = candidates.iter().any(|at| !mbis[*at].ended);
    let mut best: Option<usize> = None;
    for at in candidates {
        if any_open && mbis[at].ended {
            continue;
        }
        if best.is_none_or(|best| mbis[at].start > mbis[best].start) {
            best = Some(at);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mbi(start: &str, ended: bool, historic: bool) -> Mbi {
        Mbi { base: 0, value: start.to_string(), start: start.to_string(), ended, historic }
    }

    #[test]
    fn a_period_that_ends_on_a_null_date_is_open() {
        assert_eq!(period_end("9999-12-31T00:00:00+00:00"), "");
        assert_eq!(period_end("2020-01-01"), "2020-01-01");
        assert_eq!(period_end("2020"), "2020");
    }

    #[test]
    fn one_rule_finds_the_mbi_in_force() {
        assert_eq!(current(&[]), None);
        assert_eq!(current(&[mbi("", false, true), mbi("", false, false)]), Some(1));
        assert_eq!(
            current(&[mbi("2020", false, false), mbi("2022", false, false), mbi("2021", false, false)]),
            Some(1)
        );
        assert_eq!(current(&[mbi("2030", true, false), mbi("2020", false, false)]), Some(1));
        assert_eq!(current(&[mbi("2019", true, false), mbi("2020", true, false)]), Some(1));
        assert_eq!(current(&[mbi("", false, true)]), None);
    }
}
