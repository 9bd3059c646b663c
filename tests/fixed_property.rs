//! Rows of any texts as fixed-width records.

mod common;

use claimfeed::crosswalk::row::Row;
use claimfeed::crosswalk::schema::Schemas;
use claimfeed::write::fixed::{FileName, FixedEncoder, FixedOptions};
use claimfeed::write::{About, Change, Encoder, OutColumn, OutTable, Part};
use common::layouts::{layout, read_fixed};
use proptest::collection::vec;
use proptest::prelude::*;

/// Tables with every kind of picture among them.
const TABLES: [&str; 4] = ["CCLF1", "CCLF5", "CCLF7", "CCLF8"];

/// Characters, and what a name has in their place.
const FOLDS: [(char, &str); 16] = [
    ('A', "A"),
    ('z', "z"),
    ('7', "7"),
    (' ', " "),
    ('.', "."),
    ('"', "\""),
    ('|', "|"),
    (',', " "),
    ('\t', " "),
    ('é', "e"),
    ('Ø', "O"),
    ('ß', "s"),
    ('\u{301}', ""),
    ('’', "'"),
    ('李', "?"),
    ('😀', "?"),
];

fn encode(table: &str, cells: &[String], keep_commas: bool) -> (Vec<u8>, Vec<(usize, Change)>) {
    let schemas = Schemas::embedded().unwrap();
    let fields = &schemas.table(table).unwrap().layout.fields;
    let column = |field: &claimfeed::crosswalk::layout::Field| OutColumn {
        label: field.label.clone(),
        picture: field.picture,
        about: About::new(),
    };
    let table = OutTable {
        name: table.to_string(),
        columns: fields.iter().map(column).collect(),
        about: About::new(),
        added: 0,
    };
    let mut options = FixedOptions::new(FileName::parse("A0001", 2026, "2026-11-20").unwrap());
    options.keep_commas = keep_commas;
    let mut encoder = FixedEncoder::new(&table, &options);
    let mut row = Row::default();
    (0..fields.len()).for_each(|at| row.push(cells[at % cells.len()].as_bytes()));
    encoder.row(&row).unwrap();
    let notes = encoder.notes().iter().map(|note| (note.column, note.change)).collect();
    let Part::Bytes(bytes) = encoder.take().unwrap() else { panic!("expected bytes") };
    (bytes, notes)
}

/// What a field must hold, in slow words.
fn expected(label: &str, width: usize, cell: &str) -> (String, Vec<Change>) {
    let cell = cell.trim();
    let plain = cell.chars().all(|c| (' '..='~').contains(&c) && c != ',');
    if !label.ends_with("_NAME") && !label.ends_with("_ADR") {
        return match (plain, cell.len() <= width) {
            (true, true) => (cell.to_string(), vec![]),
            (true, false) => (String::new(), vec![Change::TooWide]),
            (false, _) => (String::new(), vec![Change::Unwritable]),
        };
    }
    let folded: String = cell.chars().map(|c| FOLDS.iter().find(|(from, _)| *from == c).unwrap().1).collect();
    let folded = folded.trim();
    let mut changes = Vec::new();
    let mut note = |is: bool, change| {
        if is {
            changes.push(change)
        }
    };
    note(cell.contains(','), Change::Comma);
    note(cell.contains(['\t', 'é', 'Ø', 'ß', '\u{301}', '’']), Change::Folded);
    note(cell.contains(['李', '😀']), Change::Unfoldable);
    note(folded.len() > width, Change::Cut);
    (folded.chars().take(width).collect::<String>().trim_end().to_string(), changes)
}

fn known() -> impl Strategy<Value = String> {
    let character = prop_oneof![4 => 0..7usize, 1 => 0..FOLDS.len()].prop_map(|at| FOLDS[at].0);
    prop_oneof![vec(character.clone(), 0..12), vec(character, 0..120)].prop_map(|text| text.into_iter().collect())
}

proptest! {
    #[test]
    fn reading_back_gives_the_folded_trimmed_cell(table in 0..TABLES.len(), cells in vec(known(), 1..40)) {
        let table = TABLES[table];
        let (bytes, notes) = encode(table, &cells, false);
        let (labels, rows) = read_fixed(table, &bytes);
        prop_assert_eq!(rows.len(), 1);
        let mut all = Vec::new();
        for (at, (label, start, end)) in layout(table).into_iter().enumerate() {
            prop_assert_eq!(&labels[at], &label);
            let (text, changes) = expected(&label, end + 1 - start, &cells[at % cells.len()]);
            prop_assert_eq!(&rows[0][at], &text, "{} {}", table, label);
            all.extend(changes.into_iter().map(|change| (at, change)));
        }
        prop_assert_eq!(notes, all);
    }

    #[test]
    fn a_record_of_any_texts_has_its_length_and_is_ascii(
        table in 0..TABLES.len(), cells in vec(any::<String>(), 1..40), keep_commas: bool,
    ) {
        let (bytes, _) = encode(TABLES[table], &cells, keep_commas);
        // The reader refuses another length and other bytes.
        let (_, rows) = read_fixed(TABLES[table], &bytes);
        prop_assert_eq!(rows.len(), 1);
        prop_assert!(keep_commas || !bytes.contains(&b','));
    }
}
