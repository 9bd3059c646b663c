//! Which files are there, between those who download and the one who converts.
//!
//! Workers take what is wanted, in order; who converts waits for one file after the other and may give it up when done. Then
//! only some files ahead are downloaded, so the disk holds a bounded part of the export. A file that was given up and is
//! wanted again (a conversion that starts over) is downloaded again.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::verify::Whole;
use crate::error::{Error, Result};

#[derive(Debug, Clone)]
enum Slot {
    Wanted,
    Loading,
    There(Whole),
    /// converted and removed
    GivenUp,
    Failed,
}

#[derive(Debug)]
struct Slots {
    slots: Vec<Slot>,
    /// somebody waits for this one
    urgent: Option<usize>,
    /// nothing more is wanted
    closed: bool,
    /// the first that happened
    error: Option<Error>,
}

/// The files of a delivery.
#[derive(Debug)]
pub struct Shelf {
    slots: Mutex<Slots>,
    changed: Condvar,
    /// files that may be there and not given up; `None`: all
    ahead: Option<usize>,
}

impl Shelf {
    /// Of files that are there already, or not.
    pub fn new(files: impl IntoIterator<Item = Option<Whole>>, ahead: Option<usize>) -> Shelf {
        let slots = files.into_iter().map(|file| file.map_or(Slot::Wanted, Slot::There)).collect();
        let slots = Slots { slots, urgent: None, closed: false, error: None };
        Shelf { slots: Mutex::new(slots), changed: Condvar::new(), ahead }
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next file to download, waiting while enough are there; `None` when nothing more is wanted. `stay`: wait for files
    /// that are wanted again.
    pub fn next(&self, stay: bool) -> Option<usize> {
        let mut slots = self.lock();
        loop {
            if slots.closed {
                return None;
            }
            let wanted = |slot: &Slot| matches!(slot, Slot::Wanted);
            let urgent = slots.urgent.filter(|at| wanted(&slots.slots[*at]));
            let busy = slots.slots.iter().filter(|slot| matches!(slot, Slot::There(_) | Slot::Loading)).count();
            let room = self.ahead.is_none_or(|ahead| busy < ahead);
            let next = urgent.or_else(|| slots.slots.iter().position(wanted).filter(|_| room));
            if let Some(at) = next {
                slots.slots[at] = Slot::Loading;
                return Some(at);
            }
            if !stay && !slots.slots.iter().any(wanted) {
                return None;
            }
            slots = self.changed.wait(slots).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A file is whole.
    pub fn put(&self, at: usize, whole: Whole) {
        self.lock().slots[at] = Slot::There(whole);
        self.changed.notify_all();
    }

    /// A file cannot be had; with `all`, nothing more can.
    pub fn fail(&self, at: usize, error: Error, all: bool) {
        let mut slots = self.lock();
        slots.slots[at] = Slot::Failed;
        slots.error.get_or_insert(error);
        slots.closed |= all;
        drop(slots);
        self.changed.notify_all();
    }

    /// Waits for a file. After a failure the error waits for [`finish`](Shelf::finish).
    pub fn wait(&self, at: usize, stopped: impl Fn() -> bool) -> Result<Whole> {
        let mut slots = self.lock();
        loop {
            match &slots.slots[at] {
                Slot::There(whole) => return Ok(whole.clone()),
                Slot::GivenUp => slots.slots[at] = Slot::Wanted,
                Slot::Failed => return Err(Error::Paused),
                _ if slots.closed || stopped() => return Err(Error::Paused),
                _ => {}
            }
            slots.urgent = Some(at);
            self.changed.notify_all();
            slots =
                self.changed.wait_timeout(slots, Duration::from_millis(200)).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// A file is there.
    pub fn has(&self, at: usize) -> bool {
        matches!(self.lock().slots[at], Slot::There(_))
    }

    /// A file is not needed any more; true if it was there.
    pub fn give_up(&self, at: usize) -> bool {
        let mut slots = self.lock();
        let there = matches!(slots.slots[at], Slot::There(_));
        if there {
            slots.slots[at] = Slot::GivenUp;
        }
        drop(slots);
        self.changed.notify_all();
        there
    }

    /// Nothing more is wanted.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Files that are there, or were.
    pub fn had(&self) -> usize {
        self.lock().slots.iter().filter(|slot| matches!(slot, Slot::There(_) | Slot::GivenUp)).count()
    }

    /// The first error of a download, if there was one.
    pub fn finish(&self) -> Result<()> {
        self.lock().error.take().map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::codec::Codec;

    fn whole() -> Whole {
        Whole { bytes: 1, sha256: String::new(), lines: 1, text_bytes: 1, codec: Codec::Gzip, errors: 0, warnings: 0 }
    }

    #[test]
    fn no_more_than_some_ahead_except_what_somebody_waits_for() {
        let shelf = Shelf::new([None, None, None, None], Some(2));
        assert_eq!((shelf.next(true), shelf.next(true)), (Some(0), Some(1)));
        shelf.put(0, whole());
        shelf.put(1, whole());
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| shelf.wait(3, || false));
            assert_eq!(shelf.next(true), Some(3), "there is no room, but it is waited for");
            shelf.put(3, whole());
            waiter.join().unwrap().unwrap();
        });
        assert!(shelf.give_up(0) && shelf.give_up(1) && !shelf.give_up(0));
        assert_eq!(shelf.next(true), Some(2));
        // Wanted again.
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| shelf.wait(0, || false));
            assert_eq!(shelf.next(true), Some(0));
            shelf.put(0, whole());
            waiter.join().unwrap().unwrap();
        });
        assert_eq!(shelf.had(), 3, "all but the one that loads");
        shelf.close();
        assert_eq!(shelf.next(true), None);
    }

    #[test]
    fn a_failed_file_ends_who_waits_and_not_the_others() {
        let shelf = Shelf::new([None, None], None);
        assert_eq!(shelf.next(false), Some(0));
        shelf.fail(0, Error::Remote("first".into()), false);
        shelf.wait(0, || false).unwrap_err();
        assert_eq!(shelf.next(false), Some(1));
        shelf.fail(1, Error::Remote("second".into()), false);
        assert_eq!(shelf.next(false), None);
        assert_eq!(shelf.finish().unwrap_err().to_string(), "first");
        shelf.finish().unwrap();
    }
}
