//! Every line once, whoever takes which chunk, and nobody waits for ever.

use std::io::Write;
use std::path::Path;

use super::super::Input;
use super::*;

fn lines(codec: Codec, text: &[u8], size: usize) -> Vec<(u64, u64, String)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    let bytes = match codec {
        Codec::Plain => text.to_vec(),
        Codec::Gzip => {
            // two members, split anywhere
            let mut out = Vec::new();
            for part in [&text[..text.len() / 2], &text[text.len() / 2..]] {
                let mut encoder = flate2::write::GzEncoder::new(&mut out, flate2::Compression::fast());
                encoder.write_all(part).unwrap();
                encoder.finish().unwrap();
            }
            out
        }
        Codec::Zstd => zstd::encode_all(text, 1).unwrap(),
    };
    std::fs::write(&path, bytes).unwrap();
    let sources = Input::expand(&[path], Path::new("/")).unwrap().sources;
    assert_eq!(sources[0].codec(), if text.is_empty() && codec == Codec::Plain { Codec::Plain } else { codec });
    let feed = Feed::new(&sources, vec![0], size);
    let mut chunk = Chunk::default();
    let mut found = Vec::new();
    while feed.next(&mut chunk).unwrap() {
        assert!(chunk.trouble.is_none());
        for (at, line) in chunk.lines.iter().enumerate() {
            let text = String::from_utf8(chunk.bytes[line.start..line.start + line.len].to_vec()).unwrap();
            found.push((chunk.first_line + at as u64, chunk.offset + line.start as u64, text));
        }
    }
    found
}

#[test]
fn every_line_comes_once_with_its_number_and_byte() {
    for text in
        ["", "a", "a\n", "a\nbb\nccc", "\n\na\r\n\nbb\n", "aaaaaaaaaaaaaaaa\nb\nc\n", "a\nbbbbbbbbbbbbbbbbbbbbbb\nc"]
    {
        let mut expected = Vec::new();
        let mut byte = 0;
        for (at, line) in text.split_inclusive('\n').enumerate() {
            expected.push((at as u64 + 1, byte, line.trim_end_matches('\n').trim_end_matches('\r').to_string()));
            byte += line.len() as u64;
        }
        for codec in [Codec::Plain, Codec::Gzip, Codec::Zstd] {
            for size in 1..30 {
                assert_eq!(lines(codec, text.as_bytes(), size), expected, "{text:?} {codec:?} {size}");
            }
        }
    }
}

#[test]
fn a_cut_gzip_gives_its_whole_lines_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.gz");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    let text: String = (0..2000).map(|n| format!("line number {n}\n")).collect();
    encoder.write_all(text.as_bytes()).unwrap();
    let bytes = encoder.finish().unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let sources = Input::expand(&[path], Path::new("/")).unwrap().sources;
    let feed = Feed::new(&sources, vec![0], 1 << 20);
    let mut chunk = Chunk::default();
    let mut found = 0;
    let mut trouble = None;
    while feed.next(&mut chunk).unwrap() {
        for line in &chunk.lines {
            assert_eq!(&chunk.bytes[line.start..line.start + line.len], format!("line number {found}").as_bytes());
            found += 1;
        }
        trouble = trouble.or(chunk.trouble);
    }
    assert!(found > 500 && found < 1500, "{found}");
    assert_eq!(trouble, Some("the compressed file is cut short"));
}

/// Files of numbered lines: plain, gzip and zstd in turn, one of them cut and one empty.
fn mixture(folder: &Path) -> Vec<std::path::PathBuf> {
    let pack = |at: usize, text: &[u8]| match at % 3 {
        0 => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        }
        1 => zstd::encode_all(text, 1).unwrap(),
        _ => text.to_vec(),
    };
    let file = |at: usize| {
        let lines = if at == 4 { 0 } else { 400 + 97 * at };
        let text: String = (0..lines).map(|n| format!("file {at}, line {n}\n")).collect();
        let mut bytes = pack(at, text.as_bytes());
        if at == 3 {
            bytes.truncate(bytes.len() * 2 / 3);
        }
        let path = folder.join(format!("{at}"));
        std::fs::write(&path, bytes).unwrap();
        path
    };
    (0..9).map(file).collect()
}

/// Every line with its source, number and byte, in input order, and the sources that end badly.
type Told = (Vec<(usize, u64, u64, String)>, Vec<usize>);

fn told(sources: &[Source], workers: usize, room: impl Fn(u64) -> bool + Sync) -> Told {
    let feed = Feed::new(sources, (0..sources.len()).collect(), 300);
    let found = Mutex::new(std::collections::BTreeMap::new());
    let taken = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let mut chunk = Chunk::default();
                while feed.next(&mut chunk).unwrap() {
                    feed.give_room(room(taken.fetch_add(1, std::sync::atomic::Ordering::Relaxed)));
                    let line = |(at, line): (usize, &super::super::Line)| {
                        let text = String::from_utf8(chunk.bytes[line.start..line.start + line.len].to_vec());
                        let number = chunk.first_line + at as u64;
                        (chunk.source, number, chunk.offset + line.start as u64, text.unwrap())
                    };
                    let lines: Vec<_> = chunk.lines.iter().enumerate().map(line).collect();
                    let value = (lines, chunk.trouble.map(|_| chunk.source), chunk.next());
                    assert!(lock(&found).insert(chunk.number, value).is_none());
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    let mut next = Number::default();
    let (mut lines, mut troubles) = (Vec::new(), Vec::new());
    for (number, (of_chunk, trouble, behind)) in found {
        assert_eq!(number, next, "chunks follow on each other without a gap");
        next = behind;
        lines.extend(of_chunk);
        troubles.extend(trouble);
    }
    assert_eq!(next, Number { file: sources.len(), chunk: 0 });
    (lines, troubles)
}

#[test]
fn any_number_of_workers_gets_the_same_lines() {
    let folder = tempfile::tempdir().unwrap();
    let sources = Input::expand(&mixture(folder.path()), Path::new("/")).unwrap().sources;
    let expected = told(&sources, 1, |_| true);
    assert_eq!(expected.1, [3]);
    let last = expected.0.last().unwrap();
    assert_eq!((last.0, last.1, last.3.as_str()), (8, 400 + 97 * 8, "file 8, line 1175"));
    for round in 0..20 {
        for workers in [2, 3, 8] {
            assert_eq!(told(&sources, workers, |_| true), expected, "{workers} workers");
            assert_eq!(told(&sources, workers, |_| false), expected, "{workers} workers at one file");
            assert_eq!(told(&sources, workers, |n| n % 7 > round % 7), expected, "{workers} workers, room at times");
        }
    }
}

#[test]
fn a_busy_stream_sends_others_to_later_files_while_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let sources = Input::expand(&mixture(folder.path()), Path::new("/")).unwrap().sources;
    let feed = Feed::new(&sources, vec![0, 1, 2, 3], 300);
    let (mut one, mut two, mut three) = (Chunk::default(), Chunk::default(), Chunk::default());
    let Some(Taken::Stream(first)) = feed.take(&mut one, false).unwrap() else { panic!("a stream") };
    let Some(Taken::Stream(_)) = feed.take(&mut two, false).unwrap() else { panic!("a stream") };
    let Some(Taken::Range { .. }) = feed.take(&mut three, false).unwrap() else { panic!("a range") };
    assert_eq!((one.source, two.source, three.source), (0, 1, 2));
    assert_eq!((one.is_ahead, two.is_ahead, three.is_ahead), (false, true, true));
    // Without room a worker waits, and gets what the one at the stream has inflated for it.
    feed.give_room(false);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let mut chunk = Chunk::default();
            assert!(feed.next(&mut chunk).unwrap());
            (chunk.number, chunk.is_ahead, chunk.lines.len())
        });
        while lock(&feed.state).waiting == 0 {
            std::thread::yield_now();
        }
        let mut stream = first;
        let end = stream.fill(300, &mut one);
        assert!(feed.put_back(stream, &mut one, end), "somebody waits for it");
        let (number, is_ahead, lines) = waiting.join().unwrap();
        assert_eq!((number, is_ahead), (Number { file: 0, chunk: 0 }, false));
        assert!(lines > 10);
    });
}

#[test]
fn who_waits_is_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let sources = Input::expand(&mixture(folder.path())[..1], Path::new("/")).unwrap().sources;
    let feed = Feed::new(&sources, vec![0], 300);
    let mut chunk = Chunk::default();
    assert!(matches!(feed.take(&mut chunk, false).unwrap(), Some(Taken::Stream(_))));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| feed.next(&mut Chunk::default()).unwrap());
        while lock(&feed.state).waiting == 0 {
            std::thread::yield_now();
        }
        feed.stop();
        assert!(!waiting.join().unwrap());
    });
}

#[test]
fn who_waits_for_a_count_is_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let sources = Input::expand(&mixture(folder.path())[2..3], Path::new("/")).unwrap().sources;
    let feed = Feed::new(&sources, vec![0], 300);
    // Somebody has the first range and will never count its lines.
    assert!(matches!(feed.take(&mut Chunk::default(), false).unwrap(), Some(Taken::Range { .. })));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| feed.next(&mut Chunk::default()).map(|_| ()).unwrap());
        while lock(&feed.ledger).waiting == 0 {
            std::thread::yield_now();
        }
        feed.stop();
        waiting.join().unwrap();
    });
}
