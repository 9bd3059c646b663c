//! What a walk did in one object: the material of its [shape](super::shape).

use super::plan::{Id, Leaf};
use crate::parse::Name;

/// Who captures a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// a node with one capture
    Leaf(Leaf),
    /// a node in full
    Node(Id),
}

/// Something a walk did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// it looked at the value that begins there
    Asked,
    /// it captured this scalar
    Kept(Keep),
    /// this value decided something
    Decided,
    /// nobody asked for the value of this member, whatever it is
    Skipped,
    /// it went along an object's members as far as the end; the object itself ends at `close`
    Along {
        /// its offset in bytes, behind the bracket
        close: u32,
    },
}

/// Events in the walk's own order; positions are those of the record's text.
#[derive(Debug, Default)]
pub struct Trace {
    /// with where they begin and end
    pub events: Vec<(Event, u32, u32)>,
}

impl Trace {
    /// One more.
    #[inline(never)]
    pub fn push(&mut self, event: Event, start: usize, end: usize) {
        self.events.push((event, start as u32, end as u32));
    }

    /// Tells most shapes apart: what was captured by whom, and which texts decided.
    pub fn signature(&self, text: &[u8], offset: usize) -> u64 {
        let mix = |sum: u64, more: u64| (sum.rotate_left(5) ^ more).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.events.iter().fold(0, |sum, (event, start, end)| match event {
            Event::Kept(Keep::Leaf(leaf)) => mix(sum, u64::from(leaf.node) << 1),
            Event::Kept(Keep::Node(node)) => mix(sum, u64::from(*node) << 1 | 1),
            Event::Decided => {
                let name = Name::within(text, *start as usize - offset, *end as usize - offset);
                mix(sum, name.tail() ^ name.text().len() as u64)
            }
            _ => sum,
        })
    }
}
