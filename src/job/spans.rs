//! When a beneficiary was enrolled: the periods of its Coverages, joined where they touch or overlap.
//!
//! Only what the crosswalk's `enrollment` table takes a date from is a period here, so which parts of Medicare count is the
//! schemas' business. Of several versions of one Coverage the newest counts.

use jiff::civil::Date;

/// The period of one Coverage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Coverage.id
    pub id: Box<str>,
    /// meta.lastUpdated
    pub updated: Box<str>,
    /// first day
    pub start: Date,
    /// last day; `None`: still enrolled
    pub end: Option<Date>,
}

/// Keeps a span, unless a newer version of its Coverage is known.
pub fn add(spans: &mut Vec<Span>, new: Span) {
    match spans.iter_mut().find(|known| known.id == new.id && !new.id.is_empty()) {
        None => spans.push(new),
        // Periods of one Coverage in one delivery have one time of update, and all of them count.
        Some(known) if known.updated == new.updated && *known != new => spans.push(new),
        Some(known) if new.updated > known.updated => {
            let (id, updated) = (new.id.clone(), new.updated.clone());
            *known = new;
            spans.retain(|span| span.id != id || span.updated == updated);
        }
        Some(_) => {}
    }
}

/// First and last days of enrolment in order; a last day that is not there is yet to come.
pub fn joined(spans: &[Span]) -> Vec<(Date, Option<Date>)> {
    let mut periods: Vec<(Date, Option<Date>)> = spans.iter().map(|span| (span.start, span.end)).collect();
    periods.sort_by_key(|(start, _)| *start);
    let mut joined: Vec<(Date, Option<Date>)> = Vec::new();
    for (start, end) in periods {
        match joined.last_mut() {
            Some((_, None)) => {}
            Some((_, Some(last))) if start <= last.tomorrow().unwrap_or(*last) => match end {
                Some(end) => *last = end.max(*last),
                None => joined.last_mut().into_iter().for_each(|period| period.1 = None),
            },
            _ => joined.push((start, end)),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(id: &str, updated: &str, start: &str, end: &str) -> Span {
        let end = (!end.is_empty()).then(|| end.parse().unwrap());
        Span { id: id.into(), updated: updated.into(), start: start.parse().unwrap(), end }
    }

    fn texts(spans: &[Span]) -> Vec<String> {
        let end = |end: Option<Date>| end.map_or(String::new(), |end| end.to_string());
        joined(spans).into_iter().map(|(start, last)| format!("{start} {}", end(last))).collect()
    }

    #[test]
    fn periods_that_touch_or_overlap_are_one() {
        assert!(texts(&[]).is_empty());
        let (a, b) = (span("a", "", "2020-01-01", "2020-12-31"), span("b", "", "2021-01-01", "2021-06-30"));
        assert_eq!(texts(&[b.clone(), a.clone()]), ["2020-01-01 2021-06-30"]);
        assert_eq!(texts(&[a.clone(), span("c", "", "2020-02-01", "2020-03-01")]), ["2020-01-01 2020-12-31"]);
        assert_eq!(texts(&[a.clone(), span("c", "", "2020-02-01", ""), b.clone()]), ["2020-01-01 "]);
        let later = span("d", "", "2021-07-02", "");
        assert_eq!(texts(&[a, b, later]), ["2020-01-01 2021-06-30", "2021-07-02 "]);
    }

    #[test]
    fn the_newest_version_of_a_coverage_counts() {
        let mut spans = Vec::new();
        for new in [
            span("a", "2025", "2020-01-01", ""),
            span("b", "2025", "2010-01-01", "2011-01-01"),
            span("a", "2026", "2020-01-01", "2025-12-31"),
            span("a", "2024", "2019-01-01", ""),
            span("", "2024", "2000-01-01", "2000-01-31"),
            span("", "2024", "2001-01-01", "2001-01-31"),
        ] {
            add(&mut spans, new);
        }
        let expected =
            ["2000-01-01 2000-01-31", "2001-01-01 2001-01-31", "2010-01-01 2011-01-01", "2020-01-01 2025-12-31"];
        assert_eq!(texts(&spans), expected);
        add(&mut spans, span("a", "2026", "2027-01-01", ""));
        assert_eq!(texts(&spans).len(), 5, "two periods of one delivery");
        add(&mut spans, span("a", "2027", "2028-01-01", ""));
        assert_eq!(texts(&spans)[3], "2028-01-01 ", "in place of both");
    }
}
