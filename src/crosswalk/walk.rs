//! The walk: one pass over a record along its plan, capturing what the crosswalk wants into [`Frames`].
//!
//! It knows no field and no table. Frames hold captured positions only, so they are reused for the next record.

use super::memo::{Literal, Memory, Texts};
use super::plan::{Act, Capture, Doing, Id, KeySet, Leaf, Mode, Node, Part, Plan, Switch};
use crate::parse::{Captured, Cursor, Kind, Name, Scalar, Step};

/// Frames of one record at most, a hundred times what a large claim needs. A line can hold millions of empty elements:
/// each would take a frame's memory, and every row would be looked for among all of them.
pub const MAX_FRAMES: u32 = 50_000;

/// What a walk captured.
#[derive(Debug, Default)]
pub struct Frames {
    slots: Vec<Captured>,
    /// frames opened
    count: u32,
    /// base of every frame, by scope, in the record's order
    bases: Vec<Vec<u32>>,
    spill: Vec<Captured>,
    /// ids of `Single` captures that met a second, different value
    pub ambiguous: Vec<usize>,
    /// captures, where known, of what stands where a value of another kind was expected
    pub misplaced: Vec<Option<usize>>,
}

impl Frames {
    fn clear(&mut self, plan: &Plan) {
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
    /// one per switch of the plan that was walked last
    memories: Vec<Memory>,
    plan: u64,
}

impl<At> Default for Walker<At> {
    fn default() -> Self {
        let (open, seen, decided, memories) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Walker { frames: Frames::default(), open, seen, decided, memories, plan: 0 }
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
            self.memories.clear();
            self.memories.resize_with(plan.switches.len(), Memory::default);
        }
        if record.kind(record.root()) != Kind::Object {
            // A list of resources is none: its members would be taken for those of one.
            return record.skip(record.root());
        }
        let Walker { frames, open, seen, decided, memories, .. } = self;
        Way { plan, record, frames, open, seen, decided, memories }.value(plan.root, record.root())
    }
}

/// One walk under way. Whatever reads a value gives its end.
struct Way<'w, C: Cursor> {
    plan: &'w Plan,
    record: &'w C,
    frames: &'w mut Frames,
    open: &'w mut Vec<u32>,
    seen: &'w mut Vec<Option<C::At>>,
    decided: &'w mut Vec<Id>,
    memories: &'w mut [Memory],
}

/// An open object with slices.
struct Here<'w> {
    node: &'w Node,
    /// the object is the n-th element of its array
    n: usize,
    /// where its members and groups begin
    seen: usize,
    decided: usize,
    /// keys that may still bring something
    left: KeySet,
}

impl<'w, C: Cursor> Way<'w, C> {
    /// What [`value`](Way::value) would do for a scalar at the leaf's node, without asking the node.
    #[inline(always)]
    fn leaf(&mut self, leaf: Leaf, at: C::At) -> C::At {
        let Some((captured, end)) = self.record.plain(at) else { return self.value(leaf.node, at) };
        let kept = &mut self.frames.slots[(self.open[leaf.slot.scope as usize] + u32::from(leaf.slot.at)) as usize];
        if *kept == 0 {
            *kept = captured;
        } else if leaf.single {
            // Perhaps a second, different value: the node knows whose.
            return self.value(leaf.node, at);
        }
        end
    }

    /// [`value`](Way::value), with a short way for what most nodes stand for.
    #[inline(always)]
    fn branch(&mut self, id: Id, at: C::At) -> C::At {
        let node = &self.plan.nodes[id as usize];
        if self.record.kind(at) == Kind::Object { self.element(node, at, 0) } else { self.value(id, at) }
    }

    #[inline(never)]
    fn value(&mut self, id: Id, at: C::At) -> C::At {
        let (plan, record) = (self.plan, self.record);
        let node = &plan.nodes[id as usize];
        match record.kind(at) {
            Kind::Object => self.element(node, at, 0),
            Kind::Array => {
                let mut n = 0;
                record.elements(at, |element| {
                    let end = match record.kind(element) {
                        Kind::Object => self.element(node, element, n),
                        Kind::Array | Kind::Null => record.skip(element),
                        _ => self.keep_all(node, element),
                    };
                    n += 1;
                    end
                })
            }
            Kind::Null => record.skip(at),
            _ => self.keep_all(node, at),
        }
    }

    #[inline(always)]
    fn element(&mut self, node: &'w Node, at: C::At, n: usize) -> C::At {
        let Some(scope) = node.scope.map(usize::from) else { return self.object(node, at, n) };
        if self.frames.is_full() {
            return self.record.skip(at);
        }
        self.frames.count += 1;
        let base = self.frames.slots.len();
        self.frames.slots.resize(base + self.plan.widths[scope], 0);
        self.frames.bases[scope].push(base as u32);
        let outer = std::mem::replace(&mut self.open[scope], base as u32);
        let end = self.object(node, at, n);
        self.open[scope] = outer;
        end
    }

    #[inline]
    fn object(&mut self, node: &'w Node, at: C::At, n: usize) -> C::At {
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
        record.members(at, |name, value| {
            let Some(doing) = node.keys.find(name) else { return Step::Past(record.skip(value)) };
            let end = match doing.part {
                Part::Leaf(leaf) => self.leaf(leaf, value),
                Part::Walk(node) => self.branch(node, value),
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
        let mut here = Here { node, n, seen: self.seen.len(), decided: self.decided.len(), left: node.wanted };
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
        let end = record.members(at, |name, value| {
            let Some(doing) = node.keys.find(name) else { return Step::Past(record.skip(value)) };
            let end = self.member(&mut here, doing, value);
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
            Part::Union(union) => self.union(here, union, value).unwrap_or_else(|| self.record.skip(value)),
            Part::Switch(switch) if self.record.kind(value) == Kind::String => {
                self.settle(here, &self.plan.switches[switch as usize], value).0
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
        end.unwrap_or_else(|| self.record.skip(value))
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
        let [coding, code] = &*switch.rest else { return self.seek(here, switch, 0, at) };
        if let Some((texts, end)) = self.memories[id as usize].recall(self.record, at, here.n) {
            for literal in texts.all().unwrap_or_default() {
                self.literal(here, switch, *literal);
            }
            return end;
        }
        let mut texts = Texts::default();
        let end = self.concept(here, switch, [coding, code], at, &mut texts);
        if switch.prefixes.is_empty() {
            self.memories[id as usize].remember(self.record, at, end, texts);
        }
        end
    }

    /// The same for any depth.
    #[inline(never)]
    fn seek(&mut self, here: &mut Here<'w>, switch: &'w Switch, depth: usize, at: C::At) -> C::At {
        let record = self.record;
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
                record.skip(at)
            }
            None => self.settle(here, switch, at).0,
            Some(_) if !is_object => record.skip(at),
            Some(wanted) => {
                let wanted = Name::new(wanted);
                record.members(at, |name, value| {
                    if !name.is(wanted) {
                        return Step::Past(record.skip(value));
                    }
                    // Of several members with one name the first is the discriminator.
                    Step::Leave(self.seek(here, switch, depth + 1, value))
                })
            }
        }
    }

    /// [`seek`](Way::seek) along two members in one go: `{"coding":[{"code":"..."}]}`. Anything that does not look
    /// like it, wherever it turns up, is sought step by step.
    fn concept(
        &mut self,
        here: &mut Here<'w>,
        switch: &'w Switch,
        rest: [&'w [u8]; 2],
        at: C::At,
        texts: &mut Texts,
    ) -> C::At {
        let record = self.record;
        if record.kind(at) != Kind::Object {
            texts.spoil();
            return self.seek(here, switch, 0, at);
        }
        let [coding, code] = rest.map(Name::new);
        record.members(at, |name, value| {
            if !name.is(coding) {
                return Step::Past(record.skip(value));
            }
            if record.kind(value) != Kind::Array {
                texts.spoil();
                return Step::Leave(self.seek(here, switch, 1, value));
            }
            Step::Leave(record.elements(value, |element| {
                if record.kind(element) != Kind::Object {
                    // An array or a text where an object should stand: nothing for anybody.
                    return record.skip(element);
                }
                record.members(element, |name, value| {
                    if !name.is(code) {
                        return Step::Past(record.skip(value));
                    }
                    Step::Leave(if record.kind(value) == Kind::String {
                        let (end, literal) = self.settle(here, switch, value);
                        texts.push(literal);
                        end
                    } else {
                        texts.spoil();
                        self.seek(here, switch, 2, value)
                    })
                })
            }))
        })
    }

    /// A scalar that is the discriminator: its end, and which literal it is.
    #[inline(never)]
    fn settle(&mut self, here: &mut Here<'w>, switch: &'w Switch, at: C::At) -> (C::At, Literal) {
        let scalar = self.record.scalar(at);
        let text = scalar.string.unwrap_or_default();
        let literal = scalar.string.and_then(|text| switch.literals.find(Name::new(text))).copied();
        self.literal(here, switch, literal);
        for (prefix, group) in &switch.prefixes {
            if text.starts_with(prefix) {
                self.decide(here, *group);
            }
        }
        (scalar.end, literal)
    }

    /// What a discriminator decides that is this literal, or none of them.
    #[inline]
    fn literal(&mut self, here: &mut Here<'w>, switch: &'w Switch, literal: Literal) {
        self.decide_all(here, &switch.any);
        if let Some(literal) = literal {
            self.decide_all(here, &switch.behind[usize::from(literal)]);
        }
    }

    #[inline]
    fn decide_all(&mut self, here: &mut Here<'w>, groups: &[Id]) {
        for group in groups {
            self.decide(here, *group);
        }
    }

    #[inline]
    fn keep_all(&mut self, node: &Node, at: C::At) -> C::At {
        if node.captures.is_empty() {
            // Only members of it were wanted.
            self.frames.misplaced.push(None);
            return self.record.skip(at);
        }
        let scalar = self.record.scalar(at);
        for capture in &node.captures {
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
