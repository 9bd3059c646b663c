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

/// Bytes of one chunk: between 128 KB and 2 MB it makes no difference, with 16 MB a quarter is lost.
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
    /// workers that wait for a count
    waiting: usize,
    is_stopped: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A worker that panicked ends the run anyway; what it left is not used.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'s> Feed<'s> {
    /// A feed of some of the sources, in this order, in chunks of about `size` bytes.
    pub fn new(sources: &'s [Source], order: Vec<usize>, size: usize) -> Feed<'s> {
        let ledger = Ledger { files: vec![(0, 0); order.len()], waiting: 0, is_stopped: false };
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
            ledger.waiting += 1;
            ledger = self.counted.wait(ledger).unwrap_or_else(PoisonError::into_inner);
            ledger.waiting -= 1;
        }
        let (chunks, lines) = &mut ledger.files[file];
        chunk.first_line = *lines + 1;
        *lines += chunk.lines.len() as u64;
        *chunks += 1;
        if ledger.waiting > 0 {
            self.counted.notify_all();
        }
    }
}

#[cfg(test)]
mod tests;
