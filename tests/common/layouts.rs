//! A reader of fixed-width files that knows CMS's layouts from their tables alone, nothing of the product.

use std::path::Path;

/// Label, first and last column (1-based, inclusive) of every field, from `schemas/cclf`.
pub fn layout(table: &str) -> Vec<(String, usize, usize)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/cclf").join(format!("{table}.csv"));
    let (header, rows) = super::read_csv(&path);
    let at = |label: &str| header.iter().position(|name| name == label).unwrap();
    let number = |row: &[String], label| row[at(label)].parse::<usize>().unwrap();
    rows.iter().map(|row| (row[at("field")].clone(), number(row, "start"), number(row, "end"))).collect()
}

/// Columns of a record.
pub fn record_length(table: &str) -> usize {
    layout(table).last().unwrap().2
}

/// Labels and trimmed cells; fails on a record of another length or a byte that is no printable ASCII.
pub fn read_fixed(table: &str, bytes: &[u8]) -> (Vec<String>, Vec<Vec<String>>) {
    let layout = layout(table);
    let length = record_length(table);
    let rows = records(table, bytes, length).map(|line| {
        layout
            .iter()
            .map(|(_, start, end)| String::from_utf8(line[start - 1..*end].to_vec()).unwrap().trim().to_string())
            .collect()
    });
    (layout.iter().map(|(label, _, _)| label.clone()).collect(), rows.collect())
}

/// Steps by the record's length, never by line ends, so a record that is off by one cannot hide.
fn records<'a>(table: &'a str, bytes: &'a [u8], length: usize) -> impl Iterator<Item = &'a [u8]> {
    assert_eq!(bytes.len() % (length + 1), 0, "{table}: expected records of {length} and a line feed each");
    bytes.chunks(length + 1).map(move |record| {
        let (line, end) = record.split_at(length);
        assert_eq!(end, b"\n", "{table}: a record is not {length} long");
        assert!(line.iter().all(|b| (b' '..=b'~').contains(b)), "{table}: a byte is no printable ASCII");
        line
    })
}
