//! The short way to a cell leads where the long one does.

use std::path::Path;

use super::*;
use crate::api::Api;
use crate::crosswalk::path::Cell;
use crate::crosswalk::schema::Schemas;
use crate::crosswalk::walk::Walker;
use crate::parse::scan::Scanner;

/// What a column says of a record, and what it notes and fills.
type Said = (Vec<u8>, Vec<Note>, bool);

#[test]
fn a_cell_is_the_same_by_the_short_way_and_by_the_long_one() {
    let mut schemas = Schemas::embedded().unwrap();
    for version in &mut schemas.versions {
        // A value as it is served that stands in for another is in no shipped cell.
        let filled = |field: &str| field == "CLM_CNTL_NUM";
        for mapping in version.mappings.iter_mut().filter(|mapping| filled(&mapping.field)) {
            mapping.cell = Cell::parse("%eob.id.fill()").unwrap();
        }
    }
    let (mut short, mut fills, mut notes) = (0, 0, 0);
    for api in Api::ALL {
        let crosswalk = Crosswalk::compile(&schemas, api).unwrap();
        let path = format!("testdata/{}/export/ExplanationOfBenefit.ndjson", api.name());
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
        let (mut scanner, mut walker, mut maker) = (Scanner::default(), Walker::default(), RowMaker::new(&crosswalk));
        // As they are served, and with odd values in many places.
        let lines = text.lines().flat_map(|line| {
            let odd = line.replace(".5,", ".567,").replace(":\"A", ":\" A").replace(":\"1", ":\"~");
            let odd = odd.replace("\"2024-0", "\"1000-01-01T00:00:00-0").replace("\"202", "\"?02");
            [line.to_string(), odd]
        });
        for line in lines {
            let record = scanner.group(line.as_bytes()).unwrap().record(0, line.len());
            let end = walker.walk(&crosswalk.eob, &record);
            assert!(record.is_sound(end));
            let walked = Walked { record: &record, frames: &walker.frames, mbi: "1S00A00AA00" };
            for (table, program) in crosswalk.tables.iter().enumerate().filter(|(_, table)| !table.families.is_empty())
            {
                let bases = if program.row == Root::Eob { &[0][..] } else { walked.frames.of(program.scope) };
                for base in bases {
                    maker.begin();
                    let site = Site { walked: &walked, base: *base, product: "D", number: 7, diagnoses: &[] };
                    for (at, column) in program.columns.iter().enumerate() {
                        let mut said = |short: bool| -> Said {
                            let mut row = Row::default();
                            let fill = match short {
                                true => maker.write_cell(table, at, &site, &mut row),
                                false => maker.write_any_cell(table, at, &site, &mut row),
                            };
                            (row.cell(0).to_vec(), std::mem::take(&mut maker.notes), fill)
                        };
                        let (one, other) = (said(true), said(false));
                        assert_eq!(one, other, "{}", column.name);
                        short += u32::from(column.plain.is_some() && !one.0.is_empty());
                        fills += u32::from(column.plain.is_some() && one.2);
                        notes += one.1.len();
                    }
                }
            }
        }
    }
    assert!(short > 10_000 && fills > 100 && notes > 1_000, "{short} {fills} {notes}");
}
