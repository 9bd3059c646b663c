//! Whatever the texts of a row are, its fixed-width record has the layout's length in printable ASCII, without commas unless they
//! are to stay, and reads back by positions: a code, an amount or a date whole or not at all, a name as it is or with a note.
//!
//! The first byte chooses the table, the second whether commas stay; cells are what is between zero bytes.
#![no_main]

use std::sync::LazyLock;

use claimfeed::crosswalk::row::Row;
use claimfeed::crosswalk::schema::Schemas;
use claimfeed::write::fixed::{FileName, FixedEncoder, FixedOptions};
use claimfeed::write::{Change, Encoder, OutTable, Part};
use libfuzzer_sys::fuzz_target;

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| Schemas::embedded().expect("the schemas read"));

fuzz_target!(|data: &[u8]| {
    let [table, keep_commas, texts @ ..] = data else { return };
    let table = &SCHEMAS.tables[usize::from(*table) % SCHEMAS.tables.len()];
    let fields = &table.layout.fields;
    let mut options = FixedOptions::new(FileName::parse("A0001", 2026, "2026-11-20").expect("a name of CMS's"));
    options.keep_commas = keep_commas % 2 == 1;
    let texts = String::from_utf8_lossy(texts);
    let texts: Vec<&str> = texts.split('\0').collect();
    let cell = |at: usize| texts[at % texts.len()];
    let mut row = Row::default();
    (0..fields.len()).for_each(|at| row.push(cell(at).as_bytes()));

    let mut encoder = FixedEncoder::new(&OutTable::of(table, false, false), &options);
    encoder.row(&row).expect("a row of the table's cells");
    let notes: Vec<(usize, Change)> = encoder.notes().iter().map(|note| (note.column, note.change)).collect();
    let Ok(Part::Bytes(bytes)) = encoder.take() else { panic!("expected bytes") };

    let (record, end) = bytes.split_at(table.layout.record_length());
    assert_eq!(end, b"\n");
    assert!(record.iter().all(|byte| (b' '..=b'~').contains(byte)));
    assert!(options.keep_commas || !record.contains(&b','));
    for (at, field) in fields.iter().enumerate() {
        let read = record[field.start - 1..field.end].trim_ascii();
        let text = cell(at).as_bytes().trim_ascii();
        let is_plain = text.iter().all(|byte| (b' '..=b'~').contains(byte) && (*byte != b',' || options.keep_commas));
        let fits = text.len() <= field.end + 1 - field.start;
        let changes: Vec<Change> = notes.iter().filter(|note| note.0 == at).map(|note| note.1).collect();
        let is_free = field.label.ends_with("_NAME") || field.label.ends_with("_ADR");
        match (is_plain && fits, is_free) {
            (true, _) => assert_eq!((read, &changes[..]), (text, &[][..]), "{}", field.label),
            (false, true) => {
                assert!(!changes.is_empty() && changes.iter().all(|change| !change.is_loss()), "{}", field.label);
                assert_eq!(changes.contains(&Change::Comma), text.contains(&b',') && !options.keep_commas);
            }
            (false, false) => {
                let change = if is_plain { Change::TooWide } else { Change::Unwritable };
                assert_eq!((read, &changes[..]), (&b""[..], &[change][..]), "{}", field.label);
            }
        }
    }
});
