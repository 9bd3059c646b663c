//! Where the time goes between bytes and captured values, scanner and tape side by side.
//!
//! `cargo run --release --example scan_speed -- ExplanationOfBenefit.ndjson v2`

use std::cell::Cell;
use std::time::Instant;

use claimfeed::Api;
use claimfeed::crosswalk::program::Crosswalk;
use claimfeed::crosswalk::schema::Schemas;
use claimfeed::crosswalk::walk::Walker;
use claimfeed::parse::scan::Scanner;
use claimfeed::parse::tape::{PADDING, TapeParser};
use claimfeed::parse::{Cursor, Kind, Name, Scalar, Step};

/// Bytes that are indexed at once.
const GROUP: usize = 16 << 10;

/// Counts what is asked of a cursor.
struct Counted<'c, C>(&'c C, &'c [Cell<u64>; 6]);

impl<C: Cursor<At = u32>> Counted<'_, C> {
    fn count(&self, what: usize) {
        self.1[what].set(self.1[what].get() + 1);
    }
}

impl<C: Cursor<At = u32>> Cursor for Counted<'_, C> {
    type At = u32;
    fn root(&self) -> u32 {
        self.0.root()
    }
    fn kind(&self, at: u32) -> Kind {
        self.0.kind(at)
    }
    fn skip(&self, at: u32) -> u32 {
        self.count(if matches!(self.0.kind(at), Kind::Object | Kind::Array) { 5 } else { 0 });
        self.0.skip(at)
    }
    fn members(&self, at: u32, mut each: impl FnMut(Name<'_>, u32) -> Step<u32>) -> u32 {
        self.count(1);
        self.0.members(at, |name, value| {
            self.count(2);
            each(name, value)
        })
    }
    fn elements(&self, at: u32, each: impl FnMut(u32) -> u32) -> u32 {
        self.count(3);
        self.0.elements(at, each)
    }
    fn scalar(&self, at: u32) -> Scalar<'_, u32> {
        self.count(4);
        self.0.scalar(at)
    }
    fn text<'a>(&'a self, captured: u64, scratch: &'a mut String) -> &'a str {
        self.0.text(captured, scratch)
    }
    fn integer(&self, captured: u64) -> Option<i64> {
        self.0.integer(captured)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let data = std::fs::read(arguments.next().ok_or("expected a file")?)?;
    let api = arguments.next().and_then(|name| Api::parse(&name)).ok_or("expected a version")?;
    let data = &data[..data.len().min(64 << 20)];
    let end = data.iter().rposition(|byte| *byte == b'\n').ok_or("expected lines")? + 1;
    let data = &data[..end];
    let mut groups: Vec<Vec<&[u8]>> = vec![Vec::new()];
    let mut size = 0;
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        groups.last_mut().ok_or("a group")?.push(line);
        size += line.len();
        if size >= GROUP {
            groups.push(Vec::new());
            size = 0;
        }
    }
    groups.retain(|group| !group.is_empty());

    let crosswalk = Crosswalk::compile(&Schemas::embedded()?, api)?;
    let (mut scanner, mut tape) = (Scanner::default(), TapeParser::default());
    let mut walker = Walker::default();
    let mut best = [f64::MAX; 4];
    let mut buffer = Vec::new();
    for _ in 0..7 {
        let mut start = 0;
        let mut odd = 0;
        let mut times = [0.0; 4];
        for group in &groups {
            let lines: usize = group.iter().map(|line| line.len()).sum();
            let text = &data[start..start + lines];
            start += lines;
            let began = Instant::now();
            let Some(indexed) = scanner.group(text) else { continue };
            times[0] += began.elapsed().as_secs_f64();
            let began = Instant::now();
            let mut at = 0;
            for line in group {
                let record = indexed.record(at, at + line.len() - 1);
                at += line.len();
                let end = walker.walk(&crosswalk.eob, &record);
                odd += u32::from(!record.is_sound(end));
            }
            times[1] += began.elapsed().as_secs_f64();
            for line in group {
                let began = Instant::now();
                buffer.clear();
                buffer.extend_from_slice(line);
                buffer.resize(line.len() + PADDING, 0);
                let record = tape.parse(&mut buffer, line.len()).map_err(|bad| bad.what)?;
                times[2] += began.elapsed().as_secs_f64();
                let began = Instant::now();
                walker.walk(&crosswalk.eob, &record);
                times[3] += began.elapsed().as_secs_f64();
                tape.recycle(record);
            }
        }
        for (best, time) in best.iter_mut().zip(times) {
            *best = best.min(time * 1e9 / data.len() as f64);
        }
        if odd > 0 {
            println!("{odd} odd records");
        }
    }
    println!("ns per byte: index {:.3}, walk {:.3}; tape {:.3}, walk {:.3}", best[0], best[1], best[2], best[3]);

    let counts: [Cell<u64>; 6] = Default::default();
    let mut start = 0;
    for line in groups.iter().flatten() {
        let text = &data[start..start + line.len()];
        start += line.len();
        if let Some(group) = scanner.group(text) {
            let record = group.record(0, line.len() - 1);
            walker.walk(&crosswalk.eob, &Counted(&record, &counts));
        }
    }
    let names = ["skipped scalars", "objects", "members", "arrays", "scalars", "skipped containers"];
    for (name, count) in names.iter().zip(&counts) {
        println!("{name}: {:.1} per KB", count.get() as f64 * 1024.0 / data.len() as f64);
    }
    Ok(())
}
