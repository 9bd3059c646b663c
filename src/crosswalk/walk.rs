//! The walk: one pass over a record along its plan, capturing what the crosswalk wants into [`Frames`].
//!
//! It knows no field and no table. Frames hold captured positions only, so they are reused for the next record.

use super::plan::{Act, Capture, Doing, Id, Mode, Node, Plan, Switch};
use crate::parse::{Captured, Cursor, Kind, Name, Scalar, Step};

/// What a walk captured.
#[derive(Debug, Default)]
pub struct Frames {
    slots: Vec<Captured>,
    /// base of every frame, by scope, in the record's order
    bases: Vec<Vec<u32>>,
    spill: Vec<Captured>,
    /// ids of `Single` captures that met a second, different value
    pub ambiguous: Vec<usize>,
}

impl Frames {
    fn clear(&mut self, plan: &Plan) {
        self.slots.clear();
        self.slots.resize(plan.widths[0], 0);
        self.bases.resize_with(plan.widths.len(), Vec::new);
        self.bases.iter_mut().for_each(Vec::clear);
        self.spill.clear();
        self.ambiguous.clear();
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
}

impl<At> Default for Walker<At> {
    fn default() -> Self {
        Walker { frames: Frames::default(), open: Vec::new(), seen: Vec::new(), decided: Vec::new() }
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
        Way { plan, record, walker: self }.value(plan.root, record.root())
    }
}

/// One walk under way. Whatever reads a value gives its end.
struct Way<'w, C: Cursor> {
    plan: &'w Plan,
    record: &'w C,
    walker: &'w mut Walker<C::At>,
}

impl<'w, C: Cursor> Way<'w, C> {
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

    fn element(&mut self, node: &'w Node, at: C::At, n: usize) -> C::At {
        let Some(scope) = node.scope.map(usize::from) else { return self.object(node, at, n) };
        let frames = &mut self.walker.frames;
        let base = frames.slots.len();
        frames.slots.resize(base + self.plan.widths[scope], 0);
        frames.bases[scope].push(base as u32);
        let outer = std::mem::replace(&mut self.walker.open[scope], base as u32);
        let end = self.object(node, at, n);
        self.walker.open[scope] = outer;
        end
    }

    #[inline]
    fn object(&mut self, node: &'w Node, at: C::At, n: usize) -> C::At {
        if !node.simple {
            return self.sliced(node, at, n);
        }
        let record = self.record;
        record.members(at, |name, value| {
            let wanted = node.keys.find(name).and_then(|found| node.doings[found].walk);
            Step::Past(match wanted {
                Some(walk) => self.value(walk, value),
                None => record.skip(value),
            })
        })
    }

    /// An object with slices: members are noted as they come, groups act on them once decided.
    fn sliced(&mut self, node: &'w Node, at: C::At, n: usize) -> C::At {
        let (plan, record) = (self.plan, self.record);
        let here = Stretch { seen: self.walker.seen.len(), decided: self.walker.decided.len() };
        self.walker.seen.resize(here.seen + node.unions, None);
        for (index, group) in &node.index {
            if *index == n {
                self.decide(here, *group);
            }
        }
        let end = record.members(at, |name, value| {
            Step::Past(match node.keys.find(name) {
                Some(found) => self.member(here, &node.doings[found], value),
                None => record.skip(value),
            })
        });
        if std::ptr::eq(node, &plan.nodes[plan.root as usize])
            && let Some(class) = self.class()
        {
            self.decide(here, class);
        }
        self.walker.seen.truncate(here.seen);
        self.walker.decided.truncate(here.decided);
        end
    }

    #[inline]
    fn member(&mut self, here: Stretch, doing: &'w Doing, value: C::At) -> C::At {
        let mut end = doing.walk.map(|walk| self.value(walk, value));
        if let Some(union) = doing.union {
            self.walker.seen[here.seen + union] = Some(value);
            let mut next = here.decided;
            let known = self.walker.decided.len();
            while next < known {
                let group = &self.plan.groups[self.walker.decided[next] as usize];
                for (_, act) in group.acts.iter().filter(|(wanted, _)| *wanted == union) {
                    end = Some(self.act(here, *act, value));
                }
                next += 1;
            }
        }
        for switch in &doing.switches {
            end = Some(self.switch(here, *switch, 0, value));
        }
        end.unwrap_or_else(|| self.record.skip(value))
    }

    /// The group of the record's family, as far as the walk has met it.
    fn class(&self) -> Option<Id> {
        let slot = self.plan.family?;
        let captured = self.walker.frames.get(0, slot.at);
        if captured == 0 {
            return None;
        }
        let mut scratch = String::new();
        let family = self.record.text(captured, &mut scratch);
        self.plan.classes.iter().find(|(known, _)| **known == *family).map(|(_, group)| *group)
    }

    fn act(&mut self, here: Stretch, act: Act, at: C::At) -> C::At {
        match act {
            Act::Walk(id) => self.value(id, at),
            Act::Switch(id) => self.switch(here, id, 0, at),
        }
    }

    fn decide(&mut self, here: Stretch, id: Id) {
        if self.walker.decided[here.decided..].contains(&id) {
            return;
        }
        self.walker.decided.push(id);
        for (union, act) in &self.plan.groups[id as usize].acts {
            if let Some(at) = self.walker.seen[here.seen + union] {
                self.act(here, *act, at);
            }
        }
    }

    /// Looks for the discriminator's text below `at` and decides its groups.
    fn switch(&mut self, here: Stretch, id: Id, depth: usize, at: C::At) -> C::At {
        let record = self.record;
        let switch = &self.plan.switches[id as usize];
        match record.kind(at) {
            Kind::Array => record.elements(at, |element| match record.kind(element) {
                Kind::Object => self.descend(here, id, depth, element),
                // As in `value`: an array directly inside an array is not FHIR and counts for nothing.
                Kind::Array | Kind::Null => record.skip(element),
                _ => self.settle(here, switch, depth, element),
            }),
            Kind::Object => self.descend(here, id, depth, at),
            Kind::Null => record.skip(at),
            _ => self.settle(here, switch, depth, at),
        }
    }

    /// An object on the way to a discriminator.
    fn descend(&mut self, here: Stretch, id: Id, depth: usize, at: C::At) -> C::At {
        let record = self.record;
        let switch = &self.plan.switches[id as usize];
        let Some(wanted) = switch.rest.get(depth) else {
            self.decide_all(here, &switch.any);
            return record.skip(at);
        };
        let wanted = Name::new(wanted);
        record.members(at, |name, value| {
            if !name.is(wanted) {
                return Step::Past(record.skip(value));
            }
            // Of several members with one name the first is the discriminator.
            Step::Leave(if record.kind(value) == Kind::String {
                self.settle(here, switch, depth + 1, value)
            } else {
                self.switch(here, id, depth + 1, value)
            })
        })
    }

    /// A scalar on the way to a discriminator, or the discriminator itself.
    #[inline]
    fn settle(&mut self, here: Stretch, switch: &'w Switch, depth: usize, at: C::At) -> C::At {
        if depth < switch.rest.len() {
            return self.record.skip(at);
        }
        let scalar = self.record.scalar(at);
        self.decide_all(here, &switch.any);
        let Some(text) = scalar.string else { return scalar.end };
        if let Some(literal) = switch.literals.find(Name::new(text.as_bytes())) {
            self.decide_all(here, &switch.behind[literal]);
        }
        for (prefix, group) in &switch.prefixes {
            if text.as_bytes().starts_with(prefix) {
                self.decide(here, *group);
            }
        }
        scalar.end
    }

    #[inline]
    fn decide_all(&mut self, here: Stretch, groups: &[Id]) {
        for group in groups {
            self.decide(here, *group);
        }
    }

    #[inline]
    fn keep_all(&mut self, node: &Node, at: C::At) -> C::At {
        if node.captures.is_empty() {
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
            && (text.is_empty() || capture.unless.iter().any(|absent| **absent == *text))
        {
            return;
        }
        let (record, frames) = (self.record, &mut self.walker.frames);
        let slot = (self.walker.open[capture.slot.scope as usize] + u32::from(capture.slot.at)) as usize;
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

/// Where an open object's members and groups begin.
#[derive(Clone, Copy)]
struct Stretch {
    seen: usize,
    decided: usize,
}
