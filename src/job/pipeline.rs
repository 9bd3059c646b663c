//! Workers side by side, results in input order.
//!
//! Each worker takes a chunk, works on it alone, and hands the result in; whoever then finds nobody merging merges all that
//! are next in order, while the others work on. A worker far ahead waits, so memory stays bounded by chunks in flight. Results
//! of later files, read because an earlier compressed one was busy, are held up to so many bytes; when these are full,
//! workers go on at the earliest file only, where one inflates and the others parse.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Condvar, Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::read::{Chunk, Feed, Number};

/// Results that may wait for an earlier one of the same turn, per worker.
const AHEAD: usize = 4;

/// Bytes that results of later files may take; CSV of 1.5 GB of claims.
const HELD: usize = 32 << 20;

/// What came of a chunk.
pub trait Yield: Send {
    /// Bytes of memory that are given back once it is merged, about.
    fn held(&self) -> usize;
}

struct Waiting<O> {
    yielded: O,
    /// the chunk behind it
    next: Number,
    is_ahead: bool,
}

struct Order<O, M> {
    next: Number,
    waiting: BTreeMap<Number, Waiting<O>>,
    /// of `waiting`, those that are not ahead
    in_turn: usize,
    /// bytes of those that are
    held: usize,
    /// workers that are too far ahead
    paused: usize,
    /// `None` while somebody merges
    merge: Option<M>,
    error: Option<Error>,
    stopped: bool,
}

/// Runs all chunks of the feed through the workers; gives the workers back, or `None` if the merge broke off.
pub fn run<W, O, M>(
    feed: &Feed<'_>,
    workers: Vec<W>,
    work: impl Fn(&mut W, &mut Chunk) -> Result<O> + Sync,
    merge: M,
) -> Result<Option<Vec<W>>>
where
    W: Send,
    O: Yield,
    M: FnMut(O) -> Result<ControlFlow<()>> + Send,
{
    let limit = workers.len() * AHEAD;
    let order = Order {
        next: Number::default(),
        waiting: BTreeMap::new(),
        in_turn: 0,
        held: 0,
        paused: 0,
        merge: Some(merge),
        error: None,
        stopped: false,
    };
    let order = Mutex::new(order);
    let drained = Condvar::new();
    let done = Mutex::new(Vec::new());
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(workers.len())
        .thread_name(|number| format!("worker {number}"))
        .build()
        .map_err(|error| Error::Usage(format!("cannot start {} threads: {error}", workers.len())))?;
    pool.scope(|scope| {
        for worker in workers {
            let (order, drained, done, work) = (&order, &drained, &done, &work);
            scope.spawn(move |_| {
                let mut worker = worker;
                let stop = StopOnPanic { feed, order, drained };
                if let Err(error) = one(feed, &mut worker, work, order, drained, limit) {
                    let mut order = order.lock().unwrap_or_else(PoisonError::into_inner);
                    order.error.get_or_insert(error);
                    order.stopped = true;
                    drained.notify_all();
                    feed.stop();
                }
                drop(stop);
                done.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
            });
        }
    });
    let order = order.into_inner().unwrap_or_else(PoisonError::into_inner);
    match order.error {
        Some(error) => Err(error),
        None if order.stopped => Ok(None),
        None => Ok(Some(done.into_inner().unwrap_or_else(PoisonError::into_inner))),
    }
}

fn one<W, O: Yield, M: FnMut(O) -> Result<ControlFlow<()>>>(
    feed: &Feed<'_>,
    worker: &mut W,
    work: &(impl Fn(&mut W, &mut Chunk) -> Result<O> + Sync),
    order: &Mutex<Order<O, M>>,
    drained: &Condvar,
    limit: usize,
) -> Result<()> {
    let locked = || order.lock().unwrap_or_else(PoisonError::into_inner);
    let mut chunk = Chunk::default();
    while feed.next(&mut chunk)? {
        let (number, next, is_ahead) = (chunk.number, chunk.next(), chunk.is_ahead);
        let yielded = work(worker, &mut chunk)?;
        let mut order = locked();
        // A chunk that is ahead never waits here: the worker may be needed for the one that is next.
        while !is_ahead && order.in_turn >= limit && order.next != number && !order.stopped {
            order.paused += 1;
            order = drained.wait(order).unwrap_or_else(PoisonError::into_inner);
            order.paused -= 1;
        }
        if order.stopped {
            return Ok(());
        }
        order.add(number, Waiting { yielded, next, is_ahead });
        if let Some(mut merge) = order.merge.take() {
            while !order.stopped
                && let Some(yielded) = order.remove_next()
            {
                // There is room now, however long the merge takes.
                order.wake(drained);
                drop(order);
                let is_break = merge(yielded)?.is_break();
                order = locked();
                if is_break {
                    order.stopped = true;
                    order.wake(drained);
                    feed.stop();
                }
            }
            order.merge = Some(merge);
        }
        feed.give_room(order.held < HELD);
    }
    Ok(())
}

impl<O: Yield, M> Order<O, M> {
    fn add(&mut self, number: Number, waiting: Waiting<O>) {
        match waiting.is_ahead {
            true => self.held += waiting.yielded.held(),
            false => self.in_turn += 1,
        }
        self.waiting.insert(number, waiting);
    }

    /// Lets workers that are paused look again, if there are any: a call to the system for each result would cost more than
    /// all else here.
    fn wake(&self, drained: &Condvar) {
        if self.paused > 0 {
            drained.notify_all();
        }
    }

    fn remove_next(&mut self) -> Option<O> {
        let Waiting { yielded, next, is_ahead } = self.waiting.remove(&self.next)?;
        self.next = next;
        match is_ahead {
            true => self.held -= yielded.held(),
            false => self.in_turn -= 1,
        }
        Some(yielded)
    }
}

/// A panicking worker must not leave the others waiting for its result for ever.
struct StopOnPanic<'a, 's, O, M> {
    feed: &'a Feed<'s>,
    order: &'a Mutex<Order<O, M>>,
    drained: &'a Condvar,
}

impl<O, M> Drop for StopOnPanic<'_, '_, O, M> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.order.lock().unwrap_or_else(PoisonError::into_inner).stopped = true;
            self.drained.notify_all();
            self.feed.stop();
        }
    }
}

#[cfg(test)]
mod tests;
