//! Which bars a chart over time has: every month between the first and the last, or years where that would be too many.

use std::collections::BTreeSet;

use crate::report::NO_MONTH;

/// Bars that a chart can hold and still be read.
const MOST: usize = 180;

/// The bars of a chart in order, and in which of them a month counts.
pub struct Bars {
    /// `YYYY-MM`, or `YYYY` if there are too many months, `unknown` last
    pub names: Vec<String>,
    /// letters of a month that name its bar
    letters: usize,
}

impl Bars {
    /// For these months.
    pub fn of<'a>(months: impl Iterator<Item = &'a String>) -> Bars {
        let months: BTreeSet<&str> = months.map(String::as_str).collect();
        let dated: Vec<&str> = months.iter().copied().filter(|month| *month != NO_MONTH).collect();
        let numbers =
            |letters: usize| -> Vec<u32> { dated.iter().filter_map(|month| number(month, letters)).collect() };
        let all = |numbers: &[u32]| match (numbers.first(), numbers.last()) {
            (Some(first), Some(last)) => (*first..=*last).collect::<Vec<u32>>(),
            _ => Vec::new(),
        };
        let (by_month, by_year) = (all(&numbers(7)), all(&numbers(4)));
        let (letters, mut names): (usize, Vec<String>) = if by_month.len() <= MOST {
            (7, by_month.iter().map(|month| format!("{:04}-{:02}", month / 12, month % 12 + 1)).collect())
        } else if by_year.len() <= MOST {
            (4, by_year.iter().map(|year| format!("{year:04}")).collect())
        } else {
            // Dates far apart, a slip of the pen among them: only years that occur.
            (4, dated.iter().map(|month| month[..4].to_string()).collect::<BTreeSet<_>>().into_iter().collect())
        };
        if months.contains(NO_MONTH) {
            names.push(NO_MONTH.to_string());
        }
        Bars { names, letters }
    }

    /// The bar of a month.
    pub fn at(&self, month: &str) -> Option<usize> {
        let name = if month == NO_MONTH { month } else { month.get(..self.letters)? };
        // They are in order, `unknown` behind all digits.
        self.names.binary_search_by(|bar| bar.as_str().cmp(name)).ok()
    }

    /// Which bars are named under the axis, if names take as much room as `room` bars: months at the same ones of every
    /// year.
    pub fn named(&self, room: f64) -> Vec<bool> {
        let step = [1, 2, 3, 6, 12, 24, 60, 120].into_iter().find(|step| f64::from(*step) >= room).unwrap_or(120);
        let mut room_from = 0.0;
        let is_named = |(at, name): (usize, &String)| {
            let on_step = name == NO_MONTH || number(name, self.letters).is_some_and(|number| number % step == 0);
            let wanted = (on_step || self.names.len() == 1) && at as f64 >= room_from;
            if wanted {
                room_from = at as f64 + room;
            }
            wanted
        };
        self.names.iter().enumerate().map(is_named).collect()
    }

    /// Whether a bar is a year.
    pub fn are_years(&self) -> bool {
        self.letters == 4
    }
}

/// Months (7 letters, from 0) or years (4 letters) since the year 0.
fn number(month: &str, letters: usize) -> Option<u32> {
    let year: u32 = month.get(..4)?.parse().ok()?;
    if letters == 4 {
        return Some(year);
    }
    Some(year * 12 + month.get(5..7)?.parse::<u32>().ok()?.checked_sub(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars(months: &[&str]) -> Bars {
        let months: Vec<String> = months.iter().map(ToString::to_string).collect();
        Bars::of(months.iter())
    }

    #[test]
    fn every_month_between_has_a_bar_and_undated_claims_the_last() {
        let bars = bars(&["2024-02", "unknown", "2023-11"]);
        assert_eq!(bars.names, ["2023-11", "2023-12", "2024-01", "2024-02", "unknown"]);
        assert_eq!((bars.at("2024-01"), bars.at("unknown"), bars.at("2025-01")), (Some(2), Some(4), None));
    }

    #[test]
    fn names_leave_each_other_room_and_stand_at_the_same_months() {
        let bars = bars(&["2023-11", "2024-07", "unknown"]);
        let named = |room: f64| -> Vec<String> {
            let named = bars.named(room);
            bars.names.iter().zip(named).filter(|(_, named)| *named).map(|(name, _)| name.clone()).collect()
        };
        assert_eq!(named(0.5).len(), 10);
        assert_eq!(named(2.2), ["2024-01", "2024-04", "2024-07"]);
        assert_eq!(named(5.5), ["2024-01", "2024-07"]);
    }

    #[test]
    fn too_many_months_become_years_and_a_slip_of_the_pen_no_thousand_bars() {
        let long = bars(&["2004-05", "2024-02"]);
        assert_eq!((long.names.len(), long.at("2011-03"), long.are_years()), (21, Some(7), true));
        assert_eq!(bars(&["1024-01", "2024-02"]).names, ["1024", "2024"]);
        assert!(bars(&[]).names.is_empty());
    }
}
