//! What calls of an alternative make of a text.

use serde_json::Value;

use super::super::path::{Alternative, Call, Path};
use super::super::schema::Schemas;
use super::find::{self, Scene};

/// Runs an alternative's calls in order; `None` if a value map does not know the code.
pub(super) fn all(schemas: &Schemas, alternative: &Alternative, text: String, record: &Value) -> Option<String> {
    alternative.calls.iter().try_fold(text, |text, call| one(schemas, call, text, record))
}

/// Whether the crosswalk allows the alternative's text to be shortened.
pub(super) fn may_cut(alternative: &Alternative) -> bool {
    alternative.calls.contains(&Call::Cut)
}

fn one(schemas: &Schemas, call: &Call, text: String, record: &Value) -> Option<String> {
    let characters: Vec<char> = text.chars().collect();
    Some(match call {
        Call::Translate(map) => schemas.codes.map(map)?.get(text.trim())?.to_string(),
        Call::Substring(from, count) => characters.into_iter().skip(*from).take(count.unwrap_or(usize::MAX)).collect(),
        Call::Right(count) => characters[characters.len().saturating_sub(*count)..].iter().collect(),
        Call::Replace(from, to) => text.replace(from, to),
        Call::ZeroPad(width) => {
            let code = text.trim();
            if !code.is_empty() && code.chars().all(|c| c.is_ascii_digit()) {
                format!("{code:0>width$}")
            } else {
                code.to_string()
            }
        }
        Call::Select(constant) => constant.clone(),
        Call::AgeOn(path) => age(&text, path, record).map(|years| years.to_string()).unwrap_or_default(),
        Call::Cut => text,
    })
}

/// Full years from a birth date to the date at a path of the Patient.
fn age(birth: &str, on: &Path, patient: &Value) -> Option<u32> {
    let on = find::texts(on, patient, Scene { record: patient, row: None }).into_iter().next()?;
    let (birth_year, birthday) = year_and_day(birth)?;
    let (year, day) = year_and_day(&on)?;
    let birthdays_to_come = u32::from(day < birthday);
    year.checked_sub(birth_year)?.checked_sub(birthdays_to_come)
}

/// Of `YYYY-MM-DD...`: the year, and month and day in an order that compares.
fn year_and_day(date: &str) -> Option<(u32, (u32, u32))> {
    let number = |from, to| date.get(from..to)?.parse::<u32>().ok();
    Some((number(0, 4)?, (number(5, 7)?, number(8, 10)?)))
}
