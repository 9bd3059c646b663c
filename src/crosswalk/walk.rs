//! The walk: one pass over a record along its plan, capturing what the crosswalk wants into [`Frames`].
//!
//! It knows no field and no table. Frames hold captured positions only, so they are reused for the next record.

use super::frames::Frames;
use super::plan::{Act, Capture, Doing, Id, KeySet, Leaf, Mode, Node, Part, Plan, Switch};
use super::shape::{Found, Shapes};
use super::trace::{Event, Keep, Trace};
use crate::parse::{Captured, Cursor, Kind, Name, Scalar, Step};

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

    /// Leaves one of having gone along the members of the object between `at` and `end`, and `left` it behind one.
    #[inline(always)]
    fn trace_along(&mut self, at: C::At, left: Option<C::At>, end: C::At) {
        if TRACED {
            let close = self.record.offset(end) as u32;
            self.trace(Event::Along { close }, at, left.unwrap_or(end));
        }
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
            let nth = usize::from(self.shapes[id as usize].order()[nth]);
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
        let shapes = &mut self.shapes[id as usize];
        if before == (self.frames.misplaced.len(), self.frames.count) && self.plan.nodes[id as usize].index.is_empty() {
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
        let mut left_at = None;
        let end = record.members(at, |name, value| {
            let Some(doing) = node.keys.find(name) else { return Step::Past(self.past(value)) };
            let end = match doing.part {
                Part::Leaf(leaf) => self.leaf(leaf, value),
                Part::Walk(node) => self.branch(node, value),
                // Not in a simple node.
                _ => record.skip(value),
            };
            left &= !doing.bit;
            if left != 0 {
                return Step::Past(end);
            }
            left_at = Some(end);
            Step::Leave(end)
        });
        self.trace_along(at, left_at, end);
        end
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
        let mut left_at = None;
        let end = record.members(at, |name, value| {
            let Some(doing) = node.keys.find(name) else { return Step::Past(self.past(value)) };
            let end = self.member(&mut here, doing, value);
            if here.left != 0 {
                return Step::Past(end);
            }
            left_at = Some(end);
            Step::Leave(end)
        });
        self.trace_along(at, left_at, end);
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

    /// A member that groups may ask for: noted for those to come, and walked for those decided by now.
    #[inline]
    fn union(&mut self, here: &mut Here<'w>, union: u32, value: C::At) -> Option<C::At> {
        let plan = self.plan;
        self.seen[here.seen + union as usize] = Some(value);
        let mut end = None;
        let (mut next, known) = (here.decided, self.decided.len());
        while next < known {
            let group = &plan.groups[self.decided[next] as usize];
            for (_, act) in group.acts.iter().filter(|(wanted, _)| *wanted == union) {
                end = Some(self.act(here, *act, value));
            }
            next += 1;
        }
        end
    }

    #[inline(never)]
    fn several(
        &mut self,
        here: &mut Here<'w>,
        walk: Option<Id>,
        union: Option<u32>,
        switches: (u32, u32),
        value: C::At,
    ) -> C::At {
        let plan = self.plan;
        let mut end = walk.map(|node| self.value(node, value));
        if let Some(union) = union {
            end = self.union(here, union, value).or(end);
        }
        for switch in &plan.heads[switches.0 as usize..switches.1 as usize] {
            end = Some(self.switch(here, *switch, value));
        }
        match end {
            Some(end) => end,
            None => self.past(value),
        }
    }

    /// The group of the record's family, as far as the walk has met it.
    fn class(&self) -> Option<Id> {
        let slot = self.plan.family?;
        let captured = self.frames.get(0, slot.at);
        if captured == 0 {
            return None;
        }
        let mut scratch = String::new();
        let family = self.record.text(captured, &mut scratch);
        self.plan.classes.iter().find(|(known, _)| **known == *family).map(|(_, group)| *group)
    }

    #[inline]
    fn act(&mut self, here: &mut Here<'w>, act: Act, at: C::At) -> C::At {
        match act {
            Act::Leaf(leaf) => self.leaf(leaf, at),
            Act::Walk(node) => self.branch(node, at),
            Act::Switch(id) => self.switch(here, id, at),
        }
    }

    fn decide(&mut self, here: &mut Here<'w>, id: Id) {
        if self.decided[here.decided..].contains(&id) {
            return;
        }
        self.decided.push(id);
        for (union, act) in &self.plan.groups[id as usize].acts {
            match self.seen[here.seen + *union as usize] {
                Some(at) => drop(self.act(here, *act, at)),
                None => here.left |= here.node.unions[*union as usize],
            }
        }
    }

    /// Looks for the discriminator's text below `at` and decides its groups.
    #[inline]
    fn switch(&mut self, here: &mut Here<'w>, id: Id, at: C::At) -> C::At {
        let switch = &self.plan.switches[id as usize];
        self.trace(Event::Asked, at, at);
        match &*switch.rest {
            [coding, code] => self.concept(here, switch, [coding, code], at),
            _ => self.seek(here, switch, 0, at),
        }
    }

    /// The same for any depth.
    #[inline(never)]
    fn seek(&mut self, here: &mut Here<'w>, switch: &'w Switch, depth: usize, at: C::At) -> C::At {
        let record = self.record;
        self.trace(Event::Asked, at, at);
        match record.kind(at) {
            Kind::Array => record.elements(at, |element| match record.kind(element) {
                // As in `value`: an array directly inside an array is not FHIR and counts for nothing.
                Kind::Array | Kind::Null => record.skip(element),
                _ => self.descend(here, switch, depth, element),
            }),
            Kind::Null => record.skip(at),
            _ => self.descend(here, switch, depth, at),
        }
    }

    /// An object on the way to a discriminator, or the discriminator itself.
    #[inline]
    fn descend(&mut self, here: &mut Here<'w>, switch: &'w Switch, depth: usize, at: C::At) -> C::At {
        let record = self.record;
        let is_object = record.kind(at) == Kind::Object;
        match switch.rest.get(depth) {
            None if is_object => {
                self.decide_all(here, &switch.any);
                let end = record.skip(at);
                self.trace(Event::Decided, at, end);
                end
            }
            None => self.settle(here, switch, at),
            Some(_) if !is_object => record.skip(at),
            Some(wanted) => {
                let (wanted, mut left_at) = (Name::new(wanted), None);
                let end = record.members(at, |name, value| {
                    if !name.is(wanted) {
                        return Step::Past(self.past(value));
                    }
                    // Of several members with one name the first is the discriminator.
                    let end = self.seek(here, switch, depth + 1, value);
                    left_at = Some(end);
                    Step::Leave(end)
                });
                self.trace_along(at, left_at, end);
                end
            }
        }
    }

    /// [`seek`](Way::seek) along two members in one go: `{"coding":[{"code":"..."}]}`. Anything that does not look
    /// like it, wherever it turns up, is sought step by step.
    fn concept(&mut self, here: &mut Here<'w>, switch: &'w Switch, rest: [&'w [u8]; 2], at: C::At) -> C::At {
        let record = self.record;
        if record.kind(at) != Kind::Object {
            return self.seek(here, switch, 0, at);
        }
        let [coding, code] = rest.map(Name::new);
        let mut left_at = None;
        let end = record.members(at, |name, value| {
            if !name.is(coding) {
                return Step::Past(self.past(value));
            }
            self.trace(Event::Asked, value, value);
            let end = if record.kind(value) == Kind::Array {
                record.elements(value, |element| self.coding(here, switch, code, element))
            } else {
                self.seek(here, switch, 1, value)
            };
            left_at = Some(end);
            Step::Leave(end)
        });
        self.trace_along(at, left_at, end);
        end
    }

    /// One coding of a concept.
    #[inline(always)]
    fn coding(&mut self, here: &mut Here<'w>, switch: &'w Switch, code: Name<'_>, at: C::At) -> C::At {
        let record = self.record;
        if record.kind(at) != Kind::Object {
            // An array or a text where an object should stand: nothing for anybody.
            return record.skip(at);
        }
        let mut left_at = None;
        let end = record.members(at, |name, value| {
            if !name.is(code) {
                return Step::Past(self.past(value));
            }
            let end = if record.kind(value) == Kind::String {
                self.settle(here, switch, value)
            } else {
                self.seek(here, switch, 2, value)
            };
            left_at = Some(end);
            Step::Leave(end)
        });
        self.trace_along(at, left_at, end);
        end
    }

    /// A scalar that is the discriminator.
    #[inline(never)]
    fn settle(&mut self, here: &mut Here<'w>, switch: &'w Switch, at: C::At) -> C::At {
        let scalar = self.record.scalar(at);
        self.trace(Event::Decided, at, scalar.end);
        let text = scalar.string.unwrap_or_default();
        self.decide_all(here, &switch.any);
        if let Some(literal) = scalar.string.and_then(|text| switch.literals.find(Name::new(text))) {
            self.decide_all(here, &switch.behind[usize::from(*literal)]);
        }
        for (prefix, group) in &switch.prefixes {
            if text.starts_with(prefix) {
                self.decide(here, *group);
            }
        }
        scalar.end
    }

    #[inline]
    fn decide_all(&mut self, here: &mut Here<'w>, groups: &[Id]) {
        for group in groups {
            self.decide(here, *group);
        }
    }

    #[inline]
    fn keep_all(&mut self, id: Id, at: C::At) -> C::At {
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
    fn keep_scalar(&mut self, id: Id, at: C::At) -> C::At {
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
