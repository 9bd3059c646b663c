//! Any bytes, plain or packed or damaged, cut into chunks of any size, give the same lines: each once, with its number
//! and byte, and with no more memory than the longest line and the chunk ask for.
//!
//! The bytes after the first three are the file as it is (whatever codec its magic bytes say), or the text that is
//! packed before it is read.
#![no_main]

use std::cell::RefCell;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use claimfeed::read::codec::Codec;
use claimfeed::read::{Chunk, Feed, Input, SPARE};
use libfuzzer_sys::{Corpus, fuzz_target};

/// Files that unpack to more are left out: they only cost time.
const LIMIT: u64 = 1 << 20;

/// What the feed reads on behind a chunk.
const TAIL: usize = 64 << 10;

thread_local! {
    static FOLDER: RefCell<tempfile::TempDir> = {
        let shm = Path::new("/dev/shm");
        let folder = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() };
        RefCell::new(folder.expect("a folder for the file"))
    };
}

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some(([how, small, large], bytes)) = data.split_first_chunk::<3>() else { return Corpus::Reject };
    let file = match how % 4 {
        0 | 1 => bytes.to_vec(),
        2 => gzip(bytes, usize::from(*how >> 2)),
        _ => zstd_of(bytes, usize::from(*how >> 2)),
    };
    let path = FOLDER.with(|folder| folder.borrow().path().join("export"));
    std::fs::write(&path, &file).expect("a file");

    let Some((text, is_sound)) = unpacked(&path, Codec::detect(&file)) else { return Corpus::Reject };
    if how % 4 >= 2 && is_sound {
        assert!(text == bytes, "what was packed comes out again");
    }
    let expected = lines(&text, is_sound);
    for size in [usize::from(*small) + 1, (usize::from(*large) + 1) << 8, 512 << 10] {
        let (found, whole) = fed(&path, size, &text, &expected);
        assert_eq!(whole, is_sound, "trouble in chunks of {size}");
        if is_sound {
            assert_eq!(found, expected.len(), "lines in chunks of {size}");
        }
    }
    Corpus::Keep
});

fn gzip(text: &[u8], cut: usize) -> Vec<u8> {
    let (first, second) = text.split_at(text.len() * cut / 64);
    let mut out = Vec::new();
    for part in [first, second] {
        let mut encoder = flate2::write::GzEncoder::new(&mut out, flate2::Compression::fast());
        encoder.write_all(part).and_then(|()| encoder.finish().map(drop)).expect("memory takes all");
    }
    out
}

fn zstd_of(text: &[u8], cut: usize) -> Vec<u8> {
    let (first, second) = text.split_at(text.len() * cut / 64);
    [first, second].map(|part| zstd::encode_all(part, 1).expect("memory takes all")).concat()
}

/// What is in the file, and whether it ends well; `None` if it is too much.
fn unpacked(path: &Path, codec: Codec) -> Option<(Vec<u8>, bool)> {
    let mut text = Vec::new();
    let read = codec.reader(File::open(path).ok()?).ok()?.take(LIMIT).read_to_end(&mut text);
    (text.len() < LIMIT as usize).then_some((text, read.is_ok()))
}

/// Start and end of each line. In a file that ends badly the last line counts only with its newline.
fn lines(text: &[u8], is_sound: bool) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', text).chain(is_sound.then_some(text.len())) {
        if end < text.len() || start < end {
            found.push((start, if text[start..end].ends_with(b"\r") { end - 1 } else { end }));
        }
        start = end + 1;
    }
    found
}

/// Holds the feed's lines against the expected ones; gives how many there were, and whether there was no trouble.
///
/// Of a damaged file a larger read may give more or less before the damage shows; what it gives must still be right.
fn fed(path: &PathBuf, size: usize, text: &[u8], expected: &[(usize, usize)]) -> (usize, bool) {
    let input = Input::expand(std::slice::from_ref(path), Path::new("/")).expect("one file");
    let feed = Feed::new(&input.sources, vec![0], size);
    let longest = expected
        .iter()
        .map(|(start, end)| end - start)
        .max()
        .unwrap_or(0)
        .max(text.len() * usize::from(expected.is_empty()));
    let mut chunk = Chunk::default();
    let (mut number, mut whole) = (0, true);
    while feed.next(&mut chunk).expect("trouble is no error") {
        assert_eq!(chunk.first_line, number as u64 + 1);
        for line in &chunk.lines {
            assert!(!line.too_long);
            let start = chunk.offset as usize + line.start;
            let bytes = &chunk.bytes[line.start..line.start + line.len];
            match expected.get(number) {
                Some(expected) => assert_eq!((start, start + line.len), *expected, "line {number}, chunks of {size}"),
                None => assert!(!whole || number >= expected.len(), "line {number} is too many"),
            }
            if let Some(expected) = text.get(start..start + line.len) {
                assert!(bytes == expected, "text of line {number}, chunks of {size}");
            }
            number += 1;
        }
        whole &= chunk.trouble.is_none();
        assert!(chunk.bytes.len() >= SPARE && chunk.bytes[chunk.bytes.len() - SPARE..].iter().all(|byte| *byte == 0));
        let bound = 4 * (2 * size + longest + 2 * TAIL);
        assert!(chunk.bytes.capacity() <= bound, "{} bytes of memory, chunks of {size}", chunk.bytes.capacity());
    }
    (number, whole)
}
