//! Hands out chunks of whole lines to workers.
//!
//! Chunks come in input order as far as possible. A plain file is cut into ranges, which workers read side by side. A
//! compressed file can only be inflated in order, by one worker at a time; who finds it busy goes on to the next file,
//! as long as the caller has room for results that come early, and otherwise waits for a chunk that is inflated for
//! it: while somebody waits, the worker at the stream goes on inflating and leaves parsing to the others.
//!
//! A worker learns the line number of its first line from the one before it in the same file, which knows as soon as
//! it has counted, long before it has parsed.
//!
//! Nobody waits for ever, because the chunk that is next in input order is never left lying: it is in the hands of a
//! worker, or ready while a worker wakes up for it, or the first thing that a worker takes who comes here.

use std::collections::VecDeque;
use std::fs::File;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::codec::Codec;
use super::stream::Stream;
use super::{Chunk, Number, Source, plain};
use crate::error::{Error, Result};

/// Bytes of one chunk; 256 KB to 1 MB are best, 16 MB lose a quarter.
pub const CHUNK: usize = 512 << 10;

/// The chunks of a list of sources.
pub struct Feed<'s> {
    sources: &'s [Source],
    /// indices into `sources`, in the order to read them
    order: Vec<usize>,
    size: usize,
    state: Mutex<State>,
    /// something to take may have come
    news: Condvar,
    ledger: Mutex<Ledger>,
    counted: Condvar,
}

struct State {
    /// files of which there is more to take, in input order
    open: VecDeque<Opened>,
    /// next in `order`
    next: usize,
    /// inflated for whoever waits, with their bytes of whole lines; never more than there are waiting
    ready: VecDeque<(Chunk, usize)>,
    /// chunks without content whose memory can be used again
    spare: Vec<Chunk>,
    /// workers that found nothing to take
    waiting: usize,
    /// there is room for results of later files
    room: bool,
    is_stopped: bool,
}

struct Opened {
    /// position in `order`
    file: usize,
    /// chunks taken of it
    chunks: u64,
    content: Content,
}

enum Content {
    Plain {
        file: Arc<File>,
        /// where its lines end to begin
        size: u64,
        at: u64,
    },
    Stream(Stream),
    /// a worker has the stream
    Busy,
}

/// What a worker got under the lock.
enum Taken {
    Range { file: Arc<File>, from: u64, to: u64, size: u64 },
    Stream(Stream),
    Ready(usize),
}

struct Ledger {
    /// per file of `order`: chunks counted and lines in them
    files: Vec<(u64, u64)>,
    is_stopped: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A worker that panicked ends the run anyway; what it left is not used.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'s> Feed<'s> {
    /// A feed of some of the sources, in this order, in chunks of about `size` bytes.
    pub fn new(sources: &'s [Source], order: Vec<usize>, size: usize) -> Feed<'s> {
        let ledger = Ledger { files: vec![(0, 0); order.len()], is_stopped: false };
        let state = State {
            open: VecDeque::new(),
            next: 0,
            ready: VecDeque::new(),
            spare: Vec::new(),
            waiting: 0,
            room: true,
            is_stopped: false,
        };
        Feed {
            sources,
            order,
            size: size.max(1),
            state: Mutex::new(state),
            news: Condvar::new(),
            ledger: Mutex::new(ledger),
            counted: Condvar::new(),
        }
    }

    /// Fills `chunk` with the next lines; false at the end of the input, or if the feed was stopped.
    pub fn next(&self, chunk: &mut Chunk) -> Result<bool> {
        // Whoever has just made a chunk ready leaves it to the one who waits.
        let mut leave_ready = false;
        loop {
            chunk.lines.clear();
            chunk.trouble = None;
            let Some(taken) = self.take(chunk, leave_ready)? else { return Ok(false) };
            match taken {
                Taken::Range { file, from, to, size } => {
                    let path = &self.sources[chunk.source].path;
                    plain::read_lines(&file, from..to, size, chunk)
                        .map_err(|error| Error::file("read", path, error))?;
                }
                Taken::Ready(end) => chunk.push_lines(end),
                Taken::Stream(mut stream) => {
                    let end = stream.fill(self.size, chunk);
                    if self.put_back(stream, chunk, end) {
                        leave_ready = true;
                        continue;
                    }
                    chunk.push_lines(end);
                }
            }
            self.number_lines(chunk);
            return Ok(true);
        }
    }

    /// Whether there is room for results of chunks that are [ahead](Chunk::is_ahead).
    pub fn give_room(&self, room: bool) {
        let mut state = lock(&self.state);
        if room != state.room {
            state.room = room;
            self.news.notify_all();
        }
    }

    /// Lets workers that wait for something go: the run has failed.
    pub fn stop(&self) {
        lock(&self.state).is_stopped = true;
        self.news.notify_all();
        lock(&self.ledger).is_stopped = true;
        self.counted.notify_all();
    }

    /// Waits until there is something to take, and takes it.
    fn take(&self, chunk: &mut Chunk, leave_ready: bool) -> Result<Option<Taken>> {
        let mut state = lock(&self.state);
        if leave_ready
            && !state.is_stopped
            && let Some(taken) = self.take_of(&mut state, 0, chunk)?
        {
            return Ok(Some(taken));
        }
        loop {
            if state.is_stopped {
                return Ok(None);
            }
            if let Some((ready, end)) = state.ready.pop_front() {
                let empty = std::mem::replace(chunk, ready);
                state.spare.push(empty);
                return Ok(Some(Taken::Ready(end)));
            }
            let mut at = 0;
            while at == 0 || state.room {
                if let Some(taken) = self.take_of(&mut state, at, chunk)? {
                    return Ok(Some(taken));
                }
                if at >= state.open.len() {
                    break;
                }
                at += 1;
            }
            if state.open.is_empty() {
                return Ok(None);
            }
            state.waiting += 1;
            state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
    }

    /// Takes something of the open file at `at`, which is opened if it is the next one; nothing if it is busy.
    fn take_of(&self, state: &mut State, at: usize, chunk: &mut Chunk) -> Result<Option<Taken>> {
        if at == state.open.len() {
            let Some(source) = self.order.get(state.next) else { return Ok(None) };
            // While there is other work, nobody waits for a file on its way, least of all with the lock in hand.
            if at > 0 && !self.sources[*source].can_open() {
                return Ok(None);
            }
            let content = self.open(&self.sources[*source])?;
            state.open.push_back(Opened { file: state.next, chunks: 0, content });
            state.next += 1;
        }
        let opened = &mut state.open[at];
        let taken = match &mut opened.content {
            Content::Busy => return Ok(None),
            Content::Plain { file, size, at } => {
                let from = *at;
                *at = (from + self.size as u64).min(*size);
                chunk.is_last = *at == *size;
                Taken::Range { file: file.clone(), from, to: *at, size: *size }
            }
            content @ Content::Stream(_) => match std::mem::replace(content, Content::Busy) {
                Content::Stream(stream) => Taken::Stream(stream),
                _ => return Ok(None),
            },
        };
        chunk.number = Number { file: opened.file, chunk: opened.chunks };
        chunk.is_ahead = at > 0;
        chunk.source = self.order[opened.file];
        opened.chunks += 1;
        if matches!(taken, Taken::Range { .. }) && chunk.is_last {
            self.sources[chunk.source].done();
            state.open.remove(at);
        }
        Ok(Some(taken))
    }

    /// Gives the stream back; true if the chunk went to somebody who waits.
    fn put_back(&self, stream: Stream, chunk: &mut Chunk, end: usize) -> bool {
        let mut state = lock(&self.state);
        chunk.is_last = stream.has_ended();
        if let Some(at) = state.open.iter().position(|opened| opened.file == chunk.number.file) {
            if chunk.is_last {
                self.sources[chunk.source].done();
                state.open.remove(at);
            } else {
                state.open[at].content = Content::Stream(stream);
            }
        }
        let is_wanted = state.waiting > state.ready.len();
        if is_wanted {
            let empty = state.spare.pop().unwrap_or_default();
            state.ready.push_back((std::mem::replace(chunk, empty), end));
        }
        if state.waiting > 0 {
            self.news.notify_all();
        }
        is_wanted
    }

    fn open(&self, source: &Source) -> Result<Content> {
        let file = source.open()?;
        if source.codec() == Codec::Plain {
            let Range { start, end } = source.extent();
            return Ok(Content::Plain { file: Arc::new(file), size: end, at: start });
        }
        let reader = source.codec().reader(file).map_err(|error| Error::file("read", &source.path, error))?;
        Ok(Content::Stream(Stream::new(reader, source.size())))
    }

    fn number_lines(&self, chunk: &mut Chunk) {
        let Number { file, chunk: number } = chunk.number;
        let mut ledger = lock(&self.ledger);
        while ledger.files[file].0 != number && !ledger.is_stopped {
            ledger = self.counted.wait(ledger).unwrap_or_else(PoisonError::into_inner);
        }
        let (chunks, lines) = &mut ledger.files[file];
        chunk.first_line = *lines + 1;
        *lines += chunk.lines.len() as u64;
        *chunks += 1;
        self.counted.notify_all();
    }
}

#[cfg(test)]
mod tests {
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
        for text in [
            "",
            "a",
            "a\n",
            "a\nbb\nccc",
            "\n\na\r\n\nbb\n",
            "aaaaaaaaaaaaaaaa\nb\nc\n",
            "a\nbbbbbbbbbbbbbbbbbbbbbb\nc",
        ] {
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
                assert_eq!(
                    told(&sources, workers, |n| n % 7 > round % 7),
                    expected,
                    "{workers} workers, room at times"
                );
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
}
