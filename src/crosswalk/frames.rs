//! What a walk captured: positions of values, in slots of frames.
//!
//! One frame is the record's own, others are elements of its [scopes](super::builder::Builder::scope). Frames hold
//! positions only, so they are reused for the next record.

use super::plan::Plan;
use crate::parse::Captured;

/// Frames of one record at most, a hundred times what a large claim needs. A line can hold millions of empty elements:
/// each would take a frame's memory, and every row would be looked for among all of them.
pub const MAX_FRAMES: u32 = 50_000;

/// Values of lists of one record at most. Lists that keys repeat in turn are copied each time, so that a line of a megabyte could
/// take gigabytes.
pub(super) const MAX_SPILL: usize = 1 << 20;

/// What a walk captured.
#[derive(Debug, Default)]
pub struct Frames {
    pub(super) slots: Vec<Captured>,
    /// frames opened
    pub(super) count: u32,
    /// base of every frame, by scope, in the record's order
    pub(super) bases: Vec<Vec<u32>>,
    pub(super) spill: Vec<Captured>,
    /// ids of `Single` captures that met a second, different value
    pub ambiguous: Vec<usize>,
    /// captures, where known, of what stands where a value of another kind was expected
    pub misplaced: Vec<Option<usize>>,
}

impl Frames {
    pub(super) fn clear(&mut self, plan: &Plan) {
        self.slots.clear();
        self.slots.resize(plan.widths[0], 0);
        self.count = 0;
        self.bases.resize_with(plan.widths.len(), Vec::new);
        self.bases.iter_mut().for_each(Vec::clear);
        self.spill.clear();
        self.ambiguous.clear();
        self.misplaced.clear();
    }

    /// There were more elements than [`MAX_FRAMES`]: what was captured is not the whole record.
    pub fn is_full(&self) -> bool {
        self.count >= MAX_FRAMES
    }

    /// Bases of the frames of a scope, in the record's order; the record's own frame has base 0.
    #[inline]
    pub fn of(&self, scope: u16) -> &[u32] {
        &self.bases[scope as usize]
    }

    /// The value in a slot of the frame at `base`; 0 is absent.
    #[inline]
    pub fn get(&self, base: u32, at: u16) -> Captured {
        self.slots[base as usize + at as usize]
    }

    /// All values of a `Many` slot.
    #[inline]
    pub fn many(&self, base: u32, at: u16) -> &[Captured] {
        let range = self.get(base, at);
        let (start, len) = ((range >> 32) as usize, (range & 0xFFFF_FFFF) as usize);
        &self.spill[start..start + len]
    }
}
