//! Slices: discriminators are read, groups decided, and members handed to the groups that ask for them.

use super::{Here, Way};
use crate::crosswalk::plan::{Act, Id, Switch};
use crate::crosswalk::trace::Event;
use crate::parse::{Cursor, Kind, Name, Step};

impl<'w, C: Cursor, const TRACED: bool> Way<'w, C, TRACED> {
    /// A member that groups may ask for: noted for those to come, and walked for those decided by now.
    #[inline]
    pub(super) fn union(&mut self, here: &mut Here<'w>, union: u32, value: C::At) -> Option<C::At> {
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
    pub(super) fn several(
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
    pub(super) fn class(&self) -> Option<Id> {
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

    pub(super) fn decide(&mut self, here: &mut Here<'w>, id: Id) {
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
    pub(super) fn switch(&mut self, here: &mut Here<'w>, id: Id, at: C::At) -> C::At {
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
                let wanted = Name::new(wanted);
                self.along(at, |way, name, value| {
                    if !name.is(wanted) {
                        return Step::Past(way.past(value));
                    }
                    // Of several members with one name the first is the discriminator.
                    Step::Leave(way.seek(here, switch, depth + 1, value))
                })
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
        self.along(at, |way, name, value| {
            if !name.is(coding) {
                return Step::Past(way.past(value));
            }
            way.trace(Event::Asked, value, value);
            Step::Leave(if record.kind(value) == Kind::Array {
                record.elements(value, |element| way.coding(here, switch, code, element))
            } else {
                way.seek(here, switch, 1, value)
            })
        })
    }

    /// One coding of a concept.
    #[inline(always)]
    fn coding(&mut self, here: &mut Here<'w>, switch: &'w Switch, code: Name<'_>, at: C::At) -> C::At {
        let record = self.record;
        if record.kind(at) != Kind::Object {
            // An array or a text where an object should stand: nothing for anybody.
            return record.skip(at);
        }
        self.along(at, |way, name, value| {
            if !name.is(code) {
                return Step::Past(way.past(value));
            }
            Step::Leave(if record.kind(value) == Kind::String {
                way.settle(here, switch, value)
            } else {
                way.seek(here, switch, 2, value)
            })
        })
    }

    /// A scalar that is the discriminator.
    #[inline(never)]
    pub(super) fn settle(&mut self, here: &mut Here<'w>, switch: &'w Switch, at: C::At) -> C::At {
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
}
