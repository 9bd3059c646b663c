//! The product's side: tape or scanner, walk, rows, with all memory reused from record to record as in a run.

use claimfeed::crosswalk::plan::Slot;
use claimfeed::crosswalk::program::Crosswalk;
use claimfeed::crosswalk::row::Row;
use claimfeed::crosswalk::rows::{RowMaker, Walked};
use claimfeed::crosswalk::walk::Walker;
use claimfeed::parse::Cursor;
use claimfeed::parse::scan::Scanner;
use claimfeed::parse::tape::{BadJson, PADDING, TapeParser};

/// Parser, walker and row maker of one run.
pub struct Product<'x> {
    crosswalk: &'x Crosswalk,
    parser: TapeParser,
    scanner: Scanner,
    walker: Walker<u32>,
    maker: RowMaker<'x>,
}

/// What the product makes of one claim.
pub struct Claim {
    pub family: Option<String>,
    pub skip: Option<String>,
    /// tables that the family feeds
    pub tables: Vec<(String, Vec<Vec<String>>)>,
}

impl<'x> Product<'x> {
    pub fn new(crosswalk: &'x Crosswalk) -> Product<'x> {
        let (parser, walker) = (TapeParser::default(), Walker::default());
        Product { crosswalk, parser, scanner: Scanner::default(), walker, maker: RowMaker::new(crosswalk) }
    }

    pub fn claim(&mut self, text: &str, mbi: &str) -> Result<Claim, BadJson> {
        let mut buffer = padded(text);
        let record = self.parser.parse(&mut buffer, text.len())?;
        self.walker.walk(&self.crosswalk.eob, &record);
        let claim = claim(self.crosswalk, &self.walker, &mut self.maker, &record, mbi);
        self.parser.recycle(record);
        Ok(claim)
    }

    /// The same with the scanner; `None` if it leaves the claim to the tape.
    pub fn scanned_claim(&mut self, text: &str, mbi: &str) -> Option<Claim> {
        let group = self.scanner.group(text.as_bytes())?;
        let record = group.record(0, text.len());
        let end = self.walker.walk(&self.crosswalk.eob, &record);
        record.is_sound(end).then(|| claim(self.crosswalk, &self.walker, &mut self.maker, &record, mbi))
    }

    /// Cells of CCLF8 by label.
    pub fn patient(&mut self, text: &str, mbi: &str, labels: &[&str]) -> Result<Vec<String>, BadJson> {
        let mut buffer = padded(text);
        let record = self.parser.parse(&mut buffer, text.len())?;
        self.walker.walk(&self.crosswalk.patient, &record);
        let table = self.crosswalk.tables.iter().position(|table| table.name == "CCLF8").expect("a table CCLF8");
        let mut row = Row::default();
        self.maker.begin();
        for label in labels {
            let columns = &self.crosswalk.tables[table].columns;
            let column = columns.iter().position(|column| column.label == *label).expect("a known label");
            let walked = Walked { record: &record, frames: &self.walker.frames, mbi };
            self.maker.cell(table, column, &walked, 0, &mut row);
        }
        let cells = row.cells().map(utf8).collect();
        self.parser.recycle(record);
        Ok(cells)
    }
}

fn claim<C: Cursor>(
    crosswalk: &Crosswalk,
    walker: &Walker<u32>,
    maker: &mut RowMaker<'_>,
    record: &C,
    mbi: &str,
) -> Claim {
    let frames = &walker.frames;
    let fact = |slot: Slot| match frames.get(0, slot.at) {
        0 => None,
        captured => Some(record.text(captured, &mut String::new()).to_string()),
    };
    let family = fact(crosswalk.claim.family);
    let named = family.clone().unwrap_or_default();
    let applies = |skip: &&claimfeed::crosswalk::program::SkipProgram| {
        fact(skip.fact()).is_some_and(|fact| skip.applies(&fact, &named))
    };
    let skip = crosswalk.skips.iter().find(applies).map(|skip| skip.reason.clone());

    let mut tables = Vec::new();
    maker.begin();
    maker.notes.clear();
    let feeds = crosswalk.family(&named);
    for (at, table) in crosswalk.tables.iter().enumerate() {
        if feeds.is_some_and(|family| table.families.contains(&family)) {
            let mut rows = Vec::new();
            let walked = Walked { record, frames, mbi };
            let count = maker.claim_rows(at, &walked, |row| rows.push(row.cells().map(utf8).collect()));
            assert_eq!(count, rows.len() as u64);
            tables.push((table.name.clone(), rows));
        }
    }
    Claim { family, skip, tables }
}

fn padded(text: &str) -> Vec<u8> {
    let mut buffer = text.as_bytes().to_vec();
    buffer.resize(text.len() + PADDING, b' ');
    buffer
}

fn utf8(cell: &[u8]) -> String {
    String::from_utf8(cell.to_vec()).expect("cells are UTF-8")
}
