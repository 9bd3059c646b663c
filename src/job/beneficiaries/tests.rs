//! People who come twice, become one, or have several MBIs.

use super::*;
use crate::job::lines::Place;

fn patient(id: &str, updated: &str, mbi: &str, replaced_by: Option<&str>) -> PatientEntry {
    PatientEntry {
        id: id.into(),
        updated: updated.into(),
        replaced_by: replaced_by.map(Into::into),
        mbi: mbi.into(),
        cells: Row::default().pack(),
        numbers: Vec::new(),
        source: 0,
        line: 1,
    }
}

fn stay(start: &str, end: &str) -> Stay {
    Stay { start: start.into(), end: end.into() }
}

#[test]
fn the_newest_patient_of_an_id_counts_and_keeps_the_first_place() {
    let mut all = Beneficiaries::default();
    all.add_patient(patient("1", "2024", "OLD", None));
    all.add_patient(patient("2", "2024", "TWO", None));
    all.add_patient(patient("1", "2025", "NEW", None));
    all.add_patient(patient("1", "2023", "ANCIENT", None));
    assert_eq!(all.mbi("1"), Some("NEW"));
    assert_eq!(all.rows().map(|rows| rows.patient.mbi).collect::<Vec<_>>(), ["NEW", "TWO"]);
    assert_eq!(all.older_versions(), 2);
    assert_eq!(all.mbi("3"), None);
}

#[test]
fn merged_patients_lead_to_the_one_that_stays() {
    let mut all = Beneficiaries::default();
    all.add_patient(patient("1", "", "", Some("2")));
    all.add_patient(patient("2", "", "MBI", None));
    all.add_patient(patient("3", "", "", Some("4")));
    all.add_patient(patient("4", "", "", Some("3")));
    assert_eq!(all.mbi("1"), Some("MBI"));
    assert_eq!(all.mbi("3"), None);
    all.add_stay("1", stay("2024-01-01", ""));
    assert_eq!(all.rows().next().unwrap().stays, [stay("2024-01-01", "")]);
    assert_eq!(all.merged(), 3);
}

#[test]
fn stays_are_distinct_by_start_and_learn_their_end() {
    assert_eq!(stays(&[]), [stay("", "")]);
    let seen = [
        stay("2024-05-01", ""),
        stay("2023-01-01", "2023-02-01"),
        stay("2024-05-01", "2024-06-01"),
        stay("2023-01-01", "2023-02-01"),
    ];
    assert_eq!(stays(&seen), [stay("2023-01-01", "2023-02-01"), stay("2024-05-01", "2024-06-01")]);
}

#[test]
fn merged_ids_hand_over_their_coverages() {
    let coverage = |id: &str, updated: &str, is_open: bool, text: &str, line: u64| {
        let mut cells = Row::default();
        [&5u16.to_le_bytes(), text.as_bytes()].into_iter().for_each(|cell| cells.push(cell));
        let updated = format!("{updated}-01-01T00:00:00Z").parse().ok();
        let place = Place { source: 3, line, byte: 0 };
        let cells = cells.pack();
        KeptCoverage::new(&Coverage { id, updated, place, start: "2020", is_open, span: None, cells: cells.cells() })
    };
    let mut all = Beneficiaries::default();
    all.add_coverage("old", coverage("part-a", "2020", true, "a", 1));
    all.add_coverage("old", coverage("part-a", "2025", false, "b", 2));
    all.add_coverage("old", coverage("part-a", "2021", true, "c", 3));
    all.add_coverage("nobody", coverage("part-a", "", true, "d", 4));
    all.add_coverage("nobody", coverage("part-b", "", true, "e", 5));
    (6..20).for_each(|line| all.add_coverage("nobody", coverage("part-a", "", true, "d", line)));
    all.add_patient(patient("old", "", "", Some("new")));
    all.add_patient(patient("new", "", "MBI", None));
    all.add_patient(patient("lost", "", "", Some("gone")));
    all.settle();
    let rows: Vec<_> =
        all.rows().map(|rows| (rows.patient.id.to_string(), rows.enrollment.text(5).to_string())).collect();
    assert_eq!(rows, [("new".to_string(), "b".to_string()), ("lost".to_string(), String::new())]);
    let uncovered = all.uncovered().map(|coverage| coverage.place.line);
    assert!(uncovered.eq(4..20), "each is told, also one that came again");
    (20..60).for_each(|line| all.add_coverage("new", coverage("part-a", "2025", false, "b", line)));
    assert!(all.list.iter().all(|one| one.rest.as_ref().is_none_or(|rest| rest.coverages.iter().count() <= 16)));
}
