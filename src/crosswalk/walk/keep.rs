//! Scalars that a node captures, each in its own way.

use super::Way;
use crate::crosswalk::frames::{MAX_FRAMES, MAX_SPILL};
use crate::crosswalk::plan::{Capture, Id, Mode};
use crate::crosswalk::trace::{Event, Keep};
use crate::parse::{Cursor, Scalar};

impl<C: Cursor, const TRACED: bool> Way<'_, C, TRACED> {
    #[inline]
    pub(super) fn keep_all(&mut self, id: Id, at: C::At) -> C::At {
        if self.plan.nodes[id as usize].captures.is_empty() {
            // Only members of it were wanted.
            self.frames.misplaced.push(None);
            return self.record.skip(at);
        }
        let end = self.keep_scalar(id, at);
        self.trace(Event::Kept(Keep::Node(id)), at, end);
        end
    }

    #[inline]
    pub(super) fn keep_scalar(&mut self, id: Id, at: C::At) -> C::At {
        let scalar = self.record.scalar(at);
        for capture in &self.plan.nodes[id as usize].captures {
            self.keep(capture, scalar);
        }
        scalar.end
    }

    fn keep(&mut self, capture: &Capture, scalar: Scalar<'_, C::At>) {
        if let Some(text) = scalar.string
            && (text.is_empty() || capture.unless.iter().any(|absent| absent.as_bytes() == text))
        {
            return;
        }
        let (record, frames) = (self.record, &mut *self.frames);
        let slot = (self.open[capture.slot.scope as usize] + u32::from(capture.slot.at)) as usize;
        let slots = &mut frames.slots;
        match capture.mode {
            Mode::First if slots[slot] != 0 => {}
            Mode::First | Mode::Last => slots[slot] = scalar.captured,
            Mode::Single if slots[slot] == 0 => slots[slot] = scalar.captured,
            Mode::Single => {
                let (mut first, mut second) = (String::new(), String::new());
                if record.text(slots[slot], &mut first) != record.text(scalar.captured, &mut second) {
                    frames.ambiguous.push(capture.id);
                }
            }
            Mode::List(n) => {
                if let Some(free) = slots[slot..slot + n].iter_mut().find(|kept| **kept == 0) {
                    *free = scalar.captured;
                }
            }
            Mode::Many => {
                if frames.spill.len() > MAX_SPILL {
                    // A record with keys repeated without end: as crowded as one with too many elements.
                    frames.count = MAX_FRAMES;
                    return;
                }
                let spill = &mut frames.spill;
                let (mut start, len) = ((slots[slot] >> 32) as usize, (slots[slot] & 0xFFFF_FFFF) as usize);
                if start + len != spill.len() || len == 0 {
                    let moved = spill[start..start + len].to_vec();
                    start = spill.len();
                    spill.extend(moved);
                }
                spill.push(scalar.captured);
                slots[slot] = (start as u64) << 32 | (len as u64 + 1);
            }
        }
    }
}
