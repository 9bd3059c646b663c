use claimfeed::parse::Cursor;
use claimfeed::parse::tape::*;
use std::io::Read;
fn main() {
    let p = std::env::args().nth(1).unwrap();
    let mut data = Vec::new();
    std::fs::File::open(&p).unwrap().read_to_end(&mut data).unwrap();
    let mut buf = Vec::new();
    let mut parser = TapeParser::default();
    for _ in 0..3 {
        let t = std::time::Instant::now();
        let mut n = 0usize;
        for block in data.chunks(8 << 20) {
            let _ = block;
        }
        for line in data.split_inclusive(|b| *b == b'\n') {
            buf.clear();
            buf.extend_from_slice(line);
            buf.resize(line.len() + 64, 0);
            let r = parser.parse(&mut buf, line.len()).unwrap();
            n += { let mut c = 0; r.members(0, |_, v| { c += 1; r.skip(v) }); c };
            parser.recycle(r);
        }
        println!("{n} {:.3} GB/s", data.len() as f64 / 1e9 / t.elapsed().as_secs_f64());
    }
}
