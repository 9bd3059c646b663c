//! The walk: one pass over a record along its plan, capturing what the crosswalk wants into [`Frames`].
//!
//! It knows no field and no table. Frames hold captured positions only, so they are reused for the next record.

use super::plan::{Act, Capture, Doing, Id, Mode, Node, Plan};
use crate::parse::{Captured, Cursor, Kind, Name, Scalar};

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
        self.value(plan, record, plan.root, record.root())
    }

    /// Walks a value and gives its end, as everything below does.
    fn value<C: Cursor<At = At>>(&mut self, plan: &Plan, record: &C, id: Id, at: At) -> At {
        let node = &plan.nodes[id as usize];
        match record.kind(at) {
            Kind::Object => self.element(plan, record, node, at, 0),
            Kind::Array => {
                let mut n = 0;
                record.elements(at, |element| {
                    let end = match record.kind(element) {
                        Kind::Object => self.element(plan, record, node, element, n),
                        Kind::Array | Kind::Null => record.skip(element),
                        _ => self.keep_all(record, node, element),
                    };
                    n += 1;
                    end
                })
            }
            Kind::Null => record.skip(at),
            _ => self.keep_all(record, node, at),
        }
    }

    fn element<C: Cursor<At = At>>(&mut self, plan: &Plan, record: &C, node: &Node, at: At, n: usize) -> At {
        let Some(scope) = node.scope else { return self.object(plan, record, node, at, n) };
        let base = self.frames.slots.len();
        self.frames.slots.resize(base + plan.widths[scope as usize], 0);
        self.frames.bases[scope as usize].push(base as u32);
        let outer = std::mem::replace(&mut self.open[scope as usize], base as u32);
        let end = self.object(plan, record, node, at, n);
        self.open[scope as usize] = outer;
        end
    }

    #[inline]
    fn object<C: Cursor<At = At>>(&mut self, plan: &Plan, record: &C, node: &Node, at: At, n: usize) -> At {
        if !node.simple {
            return self.sliced(plan, record, node, at, n);
        }
        record.members(at, |name, value| {
            let wanted = node.keys.find(name).and_then(|found| node.doings[found].walk);
            match wanted {
                Some(walk) => self.value(plan, record, walk, value),
                None => record.skip(value),
            }
        })
    }

    /// An object with slices: members are noted as they come, groups act on them once decided.
    fn sliced<C: Cursor<At = At>>(&mut self, plan: &Plan, record: &C, node: &Node, at: At, n: usize) -> At {
        let here = Stretch { seen: self.seen.len(), decided: self.decided.len() };
        self.seen.resize(here.seen + node.unions, None);
        for (index, group) in &node.index {
            if *index == n {
                self.decide(plan, record, &here, *group);
            }
        }
        let end = record.members(at, |name, value| match node.keys.find(name) {
            Some(found) => self.member(plan, record, &here, &node.doings[found], value),
            None => record.skip(value),
        });
        if std::ptr::eq(node, &plan.nodes[plan.root as usize])
            && let Some(class) = self.class(plan, record)
        {
            self.decide(plan, record, &here, class);
        }
        self.seen.truncate(here.seen);
        self.decided.truncate(here.decided);
        end
    }

    fn member<C: Cursor<At = At>>(&mut self, plan: &Plan, record: &C, here: &Stretch, doing: &Doing, value: At) -> At {
        let mut end = doing.walk.map(|walk| self.value(plan, record, walk, value));
        if let Some(union) = doing.union {
            self.seen[here.seen + union] = Some(value);
            let mut next = here.decided;
            let known = self.decided.len();
            while next < known {
                let group = &plan.groups[self.decided[next] as usize];
                for (_, act) in group.acts.iter().filter(|(wanted, _)| *wanted == union) {
                    end = Some(self.act(plan, record, here, *act, value));
                }
                next += 1;
            }
        }
        for switch in &doing.switches {
            end = Some(self.switch(plan, record, here, *switch, 0, value));
        }
        end.unwrap_or_else(|| record.skip(value))
    }

    /// The group of the record's family, as far as the walk has met it.
    fn class<C: Cursor<At = At>>(&self, plan: &Plan, record: &C) -> Option<Id> {
        let slot = plan.family?;
        let captured = self.frames.get(0, slot.at);
        if captured == 0 {
            return None;
        }
        let mut scratch = String::new();
        let family = record.text(captured, &mut scratch);
        plan.classes.iter().find(|(known, _)| **known == *family).map(|(_, group)| *group)
    }

    fn act<C: Cursor<At = At>>(&mut self, plan: &Plan, record: &C, here: &Stretch, act: Act, at: At) -> At {
        match act {
            Act::Walk(id) => self.value(plan, record, id, at),
            Act::Switch(id) => self.switch(plan, record, here, id, 0, at),
        }
    }

    fn decide<C: Cursor<At = At>>(&mut self, plan: &Plan, record: &C, here: &Stretch, id: Id) {
        if self.decided[here.decided..].contains(&id) {
            return;
        }
        self.decided.push(id);
        for (union, act) in &plan.groups[id as usize].acts {
            if let Some(at) = self.seen[here.seen + union] {
                self.act(plan, record, here, *act, at);
            }
        }
    }

    /// Looks for the discriminator's text below `at` and decides its groups.
    fn switch<C: Cursor<At = At>>(
        &mut self,
        plan: &Plan,
        record: &C,
        here: &Stretch,
        id: Id,
        depth: usize,
        at: At,
    ) -> At {
        let switch = &plan.switches[id as usize];
        match record.kind(at) {
            Kind::Array => record.elements(at, |element| match record.kind(element) {
                // As in `value`: an array directly inside an array is not FHIR and counts for nothing.
                Kind::Array => record.skip(element),
                _ => self.switch(plan, record, here, id, depth, element),
            }),
            Kind::Object if depth < switch.rest.len() => record.members(at, |name, value| {
                if name.is(&switch.rest[depth]) {
                    self.switch(plan, record, here, id, depth + 1, value)
                } else {
                    record.skip(value)
                }
            }),
            Kind::Object if depth == switch.rest.len() => {
                self.decide_all(plan, record, here, &switch.any);
                record.skip(at)
            }
            Kind::String | Kind::Number | Kind::Boolean if depth == switch.rest.len() => {
                let scalar = record.scalar(at);
                self.decide_all(plan, record, here, &switch.any);
                let Some(text) = scalar.string else { return scalar.end };
                if let Some(literal) = switch.literals.find(Name::new(text.as_bytes())) {
                    self.decide_all(plan, record, here, &switch.behind[literal]);
                }
                for (prefix, group) in &switch.prefixes {
                    if text.as_bytes().starts_with(prefix) {
                        self.decide(plan, record, here, *group);
                    }
                }
                scalar.end
            }
            _ => record.skip(at),
        }
    }

    #[inline]
    fn decide_all<C: Cursor<At = At>>(&mut self, plan: &Plan, record: &C, here: &Stretch, groups: &[Id]) {
        for group in groups {
            self.decide(plan, record, here, *group);
        }
    }

    #[inline]
    fn keep_all<C: Cursor<At = At>>(&mut self, record: &C, node: &Node, at: At) -> At {
        if node.captures.is_empty() {
            return record.skip(at);
        }
        let scalar = record.scalar(at);
        for capture in &node.captures {
            self.keep(record, capture, scalar);
        }
        scalar.end
    }

    fn keep<C: Cursor<At = At>>(&mut self, record: &C, capture: &Capture, scalar: Scalar<'_, At>) {
        if let Some(text) = scalar.string
            && (text.is_empty() || capture.unless.iter().any(|absent| **absent == *text))
        {
            return;
        }
        let slot = (self.open[capture.slot.scope as usize] + u32::from(capture.slot.at)) as usize;
        let slots = &mut self.frames.slots;
        match capture.mode {
            Mode::First if slots[slot] != 0 => {}
            Mode::First | Mode::Last => slots[slot] = scalar.captured,
            Mode::Single if slots[slot] == 0 => slots[slot] = scalar.captured,
            Mode::Single => {
                let (mut first, mut second) = (String::new(), String::new());
                if record.text(slots[slot], &mut first) != record.text(scalar.captured, &mut second) {
                    self.frames.ambiguous.push(capture.id);
                }
            }
            Mode::List(n) => {
                if let Some(free) = slots[slot..slot + n].iter_mut().find(|kept| **kept == 0) {
                    *free = scalar.captured;
                }
            }
            Mode::Many => {
                let spill = &mut self.frames.spill;
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
struct Stretch {
    seen: usize,
    decided: usize,
}
