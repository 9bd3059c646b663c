//! Workers side by side, results in input order.
//!
//! Each worker takes a chunk, works on it alone, and hands the result in; whoever hands in the result that is next
//! in order merges it and all that follow. A worker far ahead waits, so memory stays bounded by chunks in flight.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Condvar, Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::read::{Chunk, Feed};

/// Results that may wait for an earlier one, per worker.
const AHEAD: usize = 4;

struct Order<O, M> {
    next: u64,
    waiting: BTreeMap<u64, O>,
    merge: M,
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
    O: Send,
    M: FnMut(O) -> Result<ControlFlow<()>> + Send,
{
    let limit = workers.len() * AHEAD;
    let order = Mutex::new(Order { next: 0, waiting: BTreeMap::new(), merge, error: None, stopped: false });
    let drained = Condvar::new();
    let done = Mutex::new(Vec::new());
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(workers.len())
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

fn one<W, O, M: FnMut(O) -> Result<ControlFlow<()>>>(
    feed: &Feed<'_>,
    worker: &mut W,
    work: &(impl Fn(&mut W, &mut Chunk) -> Result<O> + Sync),
    order: &Mutex<Order<O, M>>,
    drained: &Condvar,
    limit: usize,
) -> Result<()> {
    let mut chunk = Chunk::default();
    while feed.next(&mut chunk)? {
        let number = chunk.number;
        let result = work(worker, &mut chunk)?;
        let mut order = order.lock().unwrap_or_else(PoisonError::into_inner);
        while order.waiting.len() >= limit && order.next != number && !order.stopped {
            order = drained.wait(order).unwrap_or_else(PoisonError::into_inner);
        }
        if order.stopped {
            return Ok(());
        }
        order.waiting.insert(number, result);
        let order = &mut *order;
        while let Some(result) = order.waiting.remove(&order.next) {
            order.next += 1;
            if (order.merge)(result)?.is_break() {
                order.stopped = true;
                feed.stop();
                break;
            }
        }
        drained.notify_all();
    }
    Ok(())
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
