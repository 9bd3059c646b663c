//! What the calls of a cell make of its value: `.translate('sex')`, `.right(4)`, `.zeroPad(2)` and their like.
//!
//! They know texts only, but for an age, which asks the record for a date.

use super::Walked;
use crate::crosswalk::program::Apply;
use crate::parse::Cursor;

/// Runs the calls; `Err` is an unknown code.
pub(super) fn apply<'a, C: Cursor>(
    steps: &'a [Apply],
    text: &'a str,
    walked: &Walked<'_, C>,
    work: &'a mut String,
    other: &'a mut String,
) -> Result<&'a str, ()> {
    match steps {
        [] => return Ok(text),
        [Apply::Translate(map)] => return map.get(text.trim()).ok_or(()),
        _ => {}
    }
    work.clear();
    work.push_str(text);
    for step in steps {
        other.clear();
        match step {
            Apply::Translate(map) => other.push_str(map.get(work.trim()).ok_or(())?),
            Apply::Substring(from, count) => {
                other.extend(work.chars().skip(*from).take(count.unwrap_or(usize::MAX)));
            }
            Apply::Right(count) => {
                let skip = work.chars().count().saturating_sub(*count);
                other.extend(work.chars().skip(skip));
            }
            Apply::Replace(from, to) => other.push_str(&work.replace(from.as_str(), to)),
            Apply::ZeroPad(width) => {
                let code = work.trim();
                if !code.is_empty() && code.bytes().all(|b| b.is_ascii_digit()) {
                    other.extend(std::iter::repeat_n('0', width.saturating_sub(code.len())));
                }
                other.push_str(code);
            }
            Apply::Select(constant) => other.push_str(constant),
            Apply::AgeOn(slot) => match walked.frames.get(0, slot.at) {
                0 => {}
                captured => {
                    let mut scratch = String::new();
                    let on = walked.record.text(captured, &mut scratch);
                    if let Some(age) = full_years(work, on) {
                        other.push_str(&age.to_string());
                    }
                }
            },
        }
        std::mem::swap(work, other);
    }
    Ok(work)
}

/// Full years between two ISO dates; `None` if either is no date or they are in the wrong order.
fn full_years(birth: &str, on: &str) -> Option<u32> {
    let parts = |date: &str| -> Option<(u32, u32)> {
        let year = date.get(0..4)?.parse().ok()?;
        let month: u32 = date.get(5..7)?.parse().ok()?;
        let day: u32 = date.get(8..10)?.parse().ok()?;
        Some((year, month * 100 + day))
    };
    let ((birth_year, birthday), (year, day)) = (parts(birth)?, parts(on)?);
    year.checked_sub(birth_year)?.checked_sub(u32::from(day < birthday))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_count_full_years() {
        assert_eq!(full_years("1950-06-15", "2024-06-14"), Some(73));
        assert_eq!(full_years("1950-06-15", "2024-06-15T00:00:00Z"), Some(74));
        assert_eq!(full_years("2024-02-01", "2024-01-01"), None);
        assert_eq!(full_years("1950", "2024-01-01"), None);
    }
}
