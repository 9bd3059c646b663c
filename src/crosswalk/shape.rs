//! How the objects at one node are written, most of the time.
//!
//! To read an adjudication or an extension the walk looks up every key and settles every discriminator; and then the
//! next one of its kind is written with the same bytes again, but for an amount or a date. So a walk through an object
//! leaves a [`Trace`] of what it did there, and of the trace and the object's text a shape is made: texts that must
//! stand there again, and between them the places of values. Where the next object has a known shape, its values are
//! captured without a walk; which one to expect is known from what came behind the one before.
//!
//! A shape never changes an answer, neither a value nor whether the record is sound. All that the walk based a
//! decision on is text of the shape: keys, discriminators, kinds of values. Only what it captured, and what it did not
//! look at whatever it was, may differ. Whether shapes pay depends on the data: where they seldom fit, they rest.

use super::draft::{Draft, What};
use super::trace::{Keep, Trace};
use crate::parse::{Captured, Cursor};

/// Longer objects have no shape: the longer, the less likely to be met again.
const LENGTH: usize = 1024;

/// Shapes of one node that are known at most.
const SHAPES: usize = 128;

/// Learning a shape takes several times as long as a walk, and an object that fits one a fraction of it. So fits earn
/// credit and misfits cost some; without any left objects are just walked for a while: so many at first, each time
/// eight times as many.
const CREDIT: i32 = 200;
const MOST_CREDIT: i32 = 1000;
const FIT: i32 = 1;
const MISFIT: i32 = -4;
/// what can have no shape will have none the next time
const UNFIT: i32 = -20;
const REST: u32 = 1 << 10;
const LONGEST_REST: u32 = 1 << 22;

/// A value found by a shape.
#[derive(Debug, Clone, Copy)]
pub struct Found<At> {
    /// who captures it
    pub keep: Keep,
    /// where it stands
    pub at: At,
    /// the same for later
    pub captured: Captured,
}

/// A way to write an object. There are more of them than the nearest cache holds, so what a reader needs is one line of it.
#[derive(Debug)]
#[repr(align(64))]
struct Shape {
    /// all texts one behind the other
    text: Box<[u8]>,
    /// length of a text and what comes behind it
    pieces: Box<[(u32, What)]>,
    /// which value is to be captured first, second...; `None`: as they stand
    order: Option<Box<[u8]>>,
    /// what came behind it, last time and before
    next: [u32; 2],
    learned: Box<Learned>,
}

const _: () = assert!(size_of::<Shape>() == 64);

/// What a shape was made of.
#[derive(Debug)]
struct Learned {
    draft: Draft,
    signature: u64,
}

impl Shape {
    fn new(draft: Draft, signature: u64, next: [u32; 2]) -> Shape {
        let (mut text, mut pieces, mut from) = (Vec::new(), Vec::new(), 0);
        for piece in &draft.pieces {
            text.extend_from_slice(&piece.before);
            if matches!(piece.what, What::Skip | What::Leave) && !piece.varies {
                text.extend_from_slice(&piece.text);
                continue;
            }
            pieces.push(((text.len() - from) as u32, piece.what));
            from = text.len();
        }
        text.extend_from_slice(&draft.behind);
        let is_in_order = draft.order.iter().zip(0..).all(|(value, nth)| *value == nth);
        let order = (!is_in_order).then(|| draft.order.clone());
        Shape { text: text.into(), pieces: pieces.into(), order, next, learned: Box::new(Learned { draft, signature }) }
    }

    /// Finds the values of an object that is written this way, and its end.
    #[inline(always)]
    fn read<C: Cursor>(&self, record: &C, at: C::At, found: &mut Vec<Found<C::At>>) -> Option<C::At> {
        found.clear();
        if record.has_odd() {
            return None;
        }
        let end = self.along(record, at, found);
        // Whatever it was, it stands where a walk will find it again.
        if record.forget_odd() { None } else { end }
    }

    #[inline(always)]
    fn along<C: Cursor>(&self, record: &C, at: C::At, found: &mut Vec<Found<C::At>>) -> Option<C::At> {
        let (mut at, mut rest) = (at, &*self.text);
        for (len, what) in &self.pieces {
            let (text, behind) = rest.split_at_checked(*len as usize)?;
            (at, rest) = (record.is_written(at, text)?, behind);
            at = match *what {
                What::Keep(keep) => {
                    let (captured, end) = record.plain(at)?;
                    found.push(Found { keep, at, captured });
                    end
                }
                What::Peek(keep) => {
                    found.push(Found { keep, at, captured: record.plain(at)?.0 });
                    at
                }
                What::Skip => record.skip(at),
                What::Leave => record.leave(at),
            };
        }
        record.is_written(at, rest)
    }
}

/// The shapes that objects of one node had.
#[derive(Debug)]
pub struct Shapes {
    /// the first is none: what came behind it stood first in its array
    known: Vec<Shape>,
    /// the one before the next
    last: u32,
    /// see [`CREDIT`]
    credit: i32,
    /// objects to let pass
    rest: u32,
    /// so many the next time
    next_rest: u32,
}

impl Default for Shapes {
    fn default() -> Shapes {
        let draft = Draft { pieces: Vec::new(), behind: [].into(), order: [].into() };
        Shapes { known: vec![Shape::new(draft, 0, [0; 2])], last: 0, credit: CREDIT, rest: 0, next_rest: REST }
    }
}

impl Shapes {
    #[cfg(test)]
    pub fn asleep() -> Shapes {
        Shapes { rest: u32::MAX, ..Shapes::default() }
    }

    /// Whether the next object, the `n`-th element of its array, may be tried.
    #[inline]
    pub fn are_awake(&mut self, n: usize) -> bool {
        if self.rest > 0 {
            self.rest -= 1;
            return false;
        }
        if n == 0 {
            self.last = 0;
        }
        true
    }

    /// The values of the object, in the order to capture them, and its end: if it has one of the shapes expected.
    #[inline]
    pub fn read<C: Cursor>(&mut self, record: &C, at: C::At, found: &mut Vec<Found<C::At>>) -> Option<C::At> {
        let [first, second] = self.known[self.last as usize].next;
        // The element that usually stands between them may be missing.
        let third = self.known[first as usize].next[0];
        for expected in [first, second, third] {
            if expected != 0
                && let Some(end) = self.known[expected as usize].read(record, at, found)
            {
                self.credit = (self.credit + FIT).min(MOST_CREDIT);
                self.follow(expected);
                return Some(end);
            }
        }
        self.pay(MISFIT);
        None
    }

    fn pay(&mut self, credit: i32) {
        self.credit += credit;
        if self.credit < 0 {
            let next_rest = (self.next_rest * 8).min(LONGEST_REST);
            *self = Shapes { rest: self.next_rest, next_rest, ..Shapes::default() };
        }
    }

    /// The object that was walked can have no shape.
    pub fn cannot_learn(&mut self) {
        self.last = 0;
        self.pay(UNFIT);
    }

    /// The values that [`read`](Shapes::read) found, first to last to capture; `None`: as they were found.
    #[inline]
    pub fn order(&self) -> Option<&[u8]> {
        self.known[self.last as usize].order.as_deref()
    }

    #[inline]
    fn follow(&mut self, shape: u32) {
        let next = &mut self.known[self.last as usize].next;
        if next[0] != shape {
            *next = [shape, next[0]];
        }
        self.last = shape;
    }

    /// Learns from a walk through an object, between `at` and `end`, that had none of the shapes expected.
    #[inline(never)]
    pub fn learn<C: Cursor>(
        &mut self,
        record: &C,
        (at, end): (C::At, C::At),
        trace: &Trace,
        found: &mut Vec<Found<C::At>>,
    ) {
        let Some(text) = record.written(at, end).filter(|text| text.len() <= LENGTH) else {
            return self.cannot_learn();
        };
        let offset = record.offset(at);
        let signature = trace.signature(text, offset);
        let is_like = |shape: &Shape| shape.learned.signature == signature;
        let known =
            self.known.iter().skip(1).position(|shape| is_like(shape) && shape.read(record, at, found).is_some());
        if let Some(known) = known {
            self.follow(known as u32 + 1);
            return;
        }
        let Some(draft) = Draft::new(text, offset, trace) else {
            return self.cannot_learn();
        };
        for (index, shape) in self.known.iter_mut().enumerate().skip(1) {
            if is_like(shape) && shape.learned.draft.join(&draft) {
                *shape = Shape::new(shape.learned.draft.clone(), signature, shape.next);
                self.follow(index as u32);
                return;
            }
        }
        if self.known.len() > SHAPES {
            // There are others; those of the claims to come are more likely than those of long ago.
            self.known.truncate(1);
            self.known[0].next = [0; 2];
            self.last = 0;
        }
        self.known.push(Shape::new(draft, signature, [0; 2]));
        self.follow(self.known.len() as u32 - 1);
    }
}

#[cfg(test)]
mod tests;
