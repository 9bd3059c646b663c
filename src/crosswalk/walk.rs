//! The walk: one pass over a record along its plan, capturing what the crosswalk wants into [`Frames`].
//!
//! It knows no field and no table. Frames hold captured positions only, so they are reused for the next record.

mod groups;
mod keep;

use super::frames::Frames;
use super::plan::{Doing, Id, KeySet, Leaf, Node, Part, Plan};
use super::shape::{Found, Shapes};
use super::trace::{Event, Keep, Trace};
use crate::parse::{Captured, Cursor, Kind, Name, Step};

/// Walks records. Keeps its memory between them.
#[derive(Debug)]
pub struct Walker<At> {
    /// what the last walk captured
    pub frames: Frames,
    /// base of the open frame of each scope
    open: Vec<u32>,
    /// positions of members that groups may ask for, a stretch per open object
    seen: Vec<Option<At>>,
    /// groups decided, a stretch per open object
    decided: Vec<Id>,
    /// one per node of the plan that was walked last
    shapes: Vec<Shapes>,
    trace: Trace,
    found: Vec<Found<At>>,
    plan: u64,
}

impl<At> Default for Walker<At> {
    fn default() -> Self {
        Walker {
            frames: Frames::default(),
            open: Vec::new(),
            seen: Vec::new(),
            decided: Vec::new(),
            shapes: Vec::new(),
            trace: Trace::default(),
            found: Vec::new(),
            plan: 0,
        }
    }
}

#[cfg(test)]
impl<At> Walker<At> {
    /// One that walks this plan step by step.
    pub(super) fn without_shapes(plan: &Plan) -> Walker<At> {
        let shapes = plan.nodes.iter().map(|_| Shapes::asleep()).collect();
        Walker { plan: plan.number, shapes, ..Walker::default() }
    }

    pub(super) fn shapes(&self) -> &[Shapes] {
        &self.shapes
    }
}

impl<At: Copy> Walker<At> {
    /// Captures everything the plan wants of one record; gives the record's end.
    pub fn walk<C: Cursor<At = At>>(&mut self, plan: &Plan, record: &C) -> At {
        self.frames.clear(plan);
        self.open.clear();
        self.open.resize(plan.widths.len(), 0);
        self.seen.clear();
        self.decided.clear();
        if self.plan != plan.number {
            self.plan = plan.number;
            self.shapes.clear();
            self.shapes.resize_with(plan.nodes.len(), Shapes::default);
        }
        if record.kind(record.root()) != Kind::Object {
            // A list of resources is none: its members would be taken for those of one.
            return record.skip(record.root());
        }
        let Walker { frames, open, seen, decided, shapes, trace, found, .. } = self;
        Way::<C, false> { plan, record, frames, open, seen, decided, shapes, trace, found }
            .value(plan.root, record.root())
    }
}

/// One walk under way. Whatever reads a value gives its end.
///
/// A traced one goes every step itself and tells of it; compiled apart, so that the others have nothing to tell.
struct Way<'w, C: Cursor, const TRACED: bool> {
    plan: &'w Plan,
    record: &'w C,
    frames: &'w mut Frames,
    open: &'w mut Vec<u32>,
    seen: &'w mut Vec<Option<C::At>>,
    decided: &'w mut Vec<Id>,
    shapes: &'w mut [Shapes],
    trace: &'w mut Trace,
    found: &'w mut Vec<Found<C::At>>,
}

/// An open object with slices.
struct Here<'w> {
    node: &'w Node,
    /// where its members and groups begin
    seen: usize,
    decided: usize,
    /// keys that may still bring something
    left: KeySet,
}

impl<'w, C: Cursor, const TRACED: bool> Way<'w, C, TRACED> {
    /// Leaves a trace, if it is wanted.
    #[inline(always)]
    fn trace(&mut self, event: Event, at: C::At, end: C::At) {
        if TRACED {
            self.trace.push(event, self.record.offset(at), self.record.offset(end));
        }
    }

    /// Goes along the members of the object at `at` as far as `each` wants; gives the object's end.
    #[inline(always)]
    fn along(&mut self, at: C::At, mut each: impl FnMut(&mut Self, Name<'_>, C::At) -> Step<C::At>) -> C::At {
        let mut left = None;
        let end = self.record.members(at, |name, value| {
            let step = each(self, name, value);
            if let Step::Leave(end) = step {
                left = Some(end);
            }
            step
        });
        if TRACED {
            let close = self.record.offset(end) as u32;
            self.trace(Event::Along { close }, at, left.unwrap_or(end));
        }
        end
    }

    /// Past the value of a member that nobody asks for.
    #[inline(always)]
    fn past(&mut self, value: C::At) -> C::At {
        let end = self.record.skip(value);
        self.trace(Event::Skipped, value, end);
        end
    }

    /// What [`value`](Way::value) would do for a scalar at the leaf's node, without asking the node.
    #[inline(always)]
    fn leaf(&mut self, leaf: Leaf, at: C::At) -> C::At {
        let Some((captured, end)) = self.record.plain(at) else { return self.value(leaf.node, at) };
        self.trace(Event::Kept(Keep::Leaf(leaf)), at, end);
        self.keep_leaf(leaf, at, captured);
        end
    }

    #[inline(always)]
    fn keep_leaf(&mut self, leaf: Leaf, at: C::At, captured: Captured) {
        let kept = &mut self.frames.slots[(self.open[leaf.slot.scope as usize] + u32::from(leaf.slot.at)) as usize];
        if *kept == 0 {
            *kept = captured;
        } else if leaf.single {
            // Perhaps a second, different value: the node knows whose.
            self.keep_scalar(leaf.node, at);
        }
    }

    /// [`value`](Way::value), with a short way for what most nodes stand for.
    #[inline(always)]
    fn branch(&mut self, id: Id, at: C::At) -> C::At {
        if self.record.kind(at) == Kind::Object {
            self.trace(Event::Asked, at, at);
            self.element(id, at, 0)
        } else {
            self.value(id, at)
        }
    }

    #[inline(never)]
    fn value(&mut self, id: Id, at: C::At) -> C::At {
        let record = self.record;
        self.trace(Event::Asked, at, at);
        match record.kind(at) {
            Kind::Object => self.element(id, at, 0),
            Kind::Array => {
                let mut n = 0;
                record.elements(at, |element| {
                    let end = match record.kind(element) {
                        Kind::Object => self.element(id, element, n),
                        Kind::Array | Kind::Null => record.skip(element),
                        _ => self.keep_all(id, element),
                    };
                    n += 1;
                    end
                })
            }
            Kind::Null => record.skip(at),
            _ => self.keep_all(id, at),
        }
    }

    #[inline(always)]
    fn element(&mut self, id: Id, at: C::At, n: usize) -> C::At {
        let scope = self.plan.nodes[id as usize].scope;
        let Some(scope) = scope.map(usize::from) else { return self.object(id, at, n) };
        if self.frames.is_full() {
            return self.record.skip(at);
        }
        self.frames.count += 1;
        let base = self.frames.slots.len();
        self.frames.slots.resize(base + self.plan.widths[scope], 0);
        self.frames.bases[scope].push(base as u32);
        let outer = std::mem::replace(&mut self.open[scope], base as u32);
        let end = self.object(id, at, n);
        self.open[scope] = outer;
        end
    }

    /// An object, by its shape if it has one that is known.
    #[inline]
    fn object(&mut self, id: Id, at: C::At, n: usize) -> C::At {
        // The record as a whole has none: its family decides, whose text is captured.
        let shapes = &mut self.shapes[id as usize];
        if TRACED || !C::HAS_TEXT || id == self.plan.root || !shapes.are_awake(n) {
            return self.members(id, at, n);
        }
        let Some(end) = shapes.read(self.record, at, self.found) else { return self.members_traced(id, at, n) };
        for nth in 0..self.found.len() {
            let nth = self.shapes[id as usize].order().map_or(nth, |order| order[nth].into());
            let Found { keep, at, captured } = self.found[nth];
            match keep {
                Keep::Leaf(leaf) => self.keep_leaf(leaf, at, captured),
                Keep::Node(node) => drop(self.keep_scalar(node, at)),
            }
        }
        end
    }

    /// Walks an object and learns its shape.
    #[inline(never)]
    fn members_traced(&mut self, id: Id, at: C::At, n: usize) -> C::At {
        let before = (self.frames.misplaced.len(), self.frames.count);
        self.trace.events.clear();
        let Way { plan, record, .. } = *self;
        let Way { frames, open, seen, decided, shapes, trace, found, .. } = self;
        let end = Way::<C, true> { plan, record, frames, open, seen, decided, shapes, trace, found }.members(id, at, n);
        // A shape opens no frames and misses nothing, and what an element's number decides does not show in its text.
        let shows = self.plan.nodes[id as usize].index.is_empty() && !self.frames.is_full();
        let shapes = &mut self.shapes[id as usize];
        if shows && before == (self.frames.misplaced.len(), self.frames.count) {
            shapes.learn(self.record, (at, end), self.trace, self.found);
        } else {
            shapes.cannot_learn();
        }
        end
    }

    #[inline]
    fn members(&mut self, id: Id, at: C::At, n: usize) -> C::At {
        let node = &self.plan.nodes[id as usize];
        if !node.simple {
            return self.sliced(node, at, n);
        }
        let record = self.record;
        let mut left = node.wanted;
        if left == 0 {
            // Only its scalar was wanted.
            self.frames.misplaced.extend(node.captures.first().map(|capture| Some(capture.id)));
            return record.skip(at);
        }
        self.along(at, |way, name, value| {
            let Some(doing) = node.keys.find(name) else { return Step::Past(way.past(value)) };
            let end = match doing.part {
                Part::Leaf(leaf) => way.leaf(leaf, value),
                Part::Walk(node) => way.branch(node, value),
                // Not in a simple node.
                _ => record.skip(value),
            };
            left &= !doing.bit;
            if left == 0 { Step::Leave(end) } else { Step::Past(end) }
        })
    }

    /// An object with slices: members are noted as they come, groups act on them once decided.
    fn sliced(&mut self, node: &'w Node, at: C::At, n: usize) -> C::At {
        let (plan, record) = (self.plan, self.record);
        let mut here = Here { node, seen: self.seen.len(), decided: self.decided.len(), left: node.wanted };
        self.seen.resize(here.seen + node.unions.len(), None);
        for (index, group) in &node.index {
            if *index == n {
                self.decide(&mut here, *group);
            }
        }
        if here.left == 0 {
            self.seen.truncate(here.seen);
            self.decided.truncate(here.decided);
            return record.skip(at);
        }
        let end = self.along(at, |way, name, value| {
            let Some(doing) = node.keys.find(name) else { return Step::Past(way.past(value)) };
            let end = way.member(&mut here, doing, value);
            if here.left == 0 { Step::Leave(end) } else { Step::Past(end) }
        });
        if std::ptr::eq(node, &plan.nodes[plan.root as usize])
            && let Some(class) = self.class()
        {
            self.decide(&mut here, class);
        }
        self.seen.truncate(here.seen);
        self.decided.truncate(here.decided);
        end
    }

    #[inline(always)]
    fn member(&mut self, here: &mut Here<'w>, doing: &'w Doing, value: C::At) -> C::At {
        here.left &= !doing.bit;
        match doing.part {
            Part::Leaf(leaf) => self.leaf(leaf, value),
            Part::Walk(node) => self.branch(node, value),
            Part::Union(union) => match self.union(here, union, value) {
                Some(end) => end,
                None => self.past(value),
            },
            Part::Switch(switch) if self.record.kind(value) == Kind::String => {
                self.settle(here, &self.plan.switches[switch as usize], value)
            }
            Part::Switch(switch) | Part::Seek(switch) => self.switch(here, switch, value),
            Part::Several { walk, union, switches } => self.several(here, walk, union, switches, value),
        }
    }
}
