//! Cells become programs: each path a capture of a tree, each call resolved.
//!
//! The other half of [`Compiler`]: what a cell may say in its table is checked here, so a path that makes no sense is
//! a fault with its row instead of a blank column.

use super::compile::{CLAIM, COVERAGE, Compiler, PATIENT, Place};
use super::path::{Alternative, Call, Link, Path, Pick, Root, Source as PathSource, Step};
use super::plan::{Mode, Slot};
use super::program::{Apply, HOSPICE, LinkBy, LinkProgram, Origin, Program, Source};
use crate::error::Result;

/// Values of one element that a `join()` takes at most.
const JOINED: usize = 16;

impl Compiler<'_> {
    /// The program of one alternative; `origin` learns which resource the cell is read from.
    pub(super) fn program(
        &mut self,
        place: Place<'_>,
        alternative: &Alternative,
        origin: &mut Origin,
    ) -> Result<Program> {
        let source = self.source(place, alternative, origin)?;
        Ok(Program { source, steps: self.calls(place, alternative)?, fill: alternative.fill })
    }

    fn source(&mut self, place: Place<'_>, alternative: &Alternative, origin: &mut Origin) -> Result<Source> {
        let path = match &alternative.source {
            PathSource::Literal(text) => return Ok(Source::Literal(text.as_str().into())),
            PathSource::Path(path) => path,
        };
        let on_claims = matches!(place.row, Root::Eob | Root::Item | Root::Procedure | Root::Diagnosis);
        match path.root {
            Root::Row if place.row == Root::Diagnosis && path.steps == [Step::Key("product".into())] => {
                Ok(Source::Product)
            }
            Root::Row if place.row == Root::Diagnosis && path.steps == [Step::Key("number".into())] => {
                Ok(Source::Number)
            }
            Root::Mbi if path.steps == [Step::Key("value".into())] => Ok(Source::Mbi),
            Root::Eob if on_claims => self.claim_source(place, path),
            // It is walked as the claim is, and its cells are joined to the claim's.
            Root::Response if on_claims => {
                *origin = Origin::Response;
                self.claim_source(place, path)
            }
            Root::Diagnosis if on_claims && path.nth.is_some() => {
                Ok(Source::Diagnosis(path.nth.unwrap_or(0), self.want(place, CLAIM, "diagnosis", path)?))
            }
            Root::Item | Root::Procedure | Root::Diagnosis if place.row == path.root => {
                let array = match path.root {
                    Root::Item => "item",
                    Root::Procedure => "procedure",
                    _ => "diagnosis",
                };
                Ok(value_or_join(path, self.want(place, CLAIM, array, path)?))
            }
            Root::Former if place.row == Root::Former => {
                Ok(value_or_join(path, self.want(place, PATIENT, "identifier", path)?))
            }
            Root::Patient if !on_claims => self.beneficiary_source(place, path, PATIENT, Origin::Patient, origin),
            Root::Coverage if matches!(place.row, Root::Patient | Root::Coverage) => {
                self.beneficiary_source(place, path, COVERAGE, Origin::Coverage, origin)
            }
            Root::Hospice if place.row == Root::Patient => {
                let hospice = [HOSPICE.to_string()];
                let place = Place { families: Some(&hospice), ..place };
                self.beneficiary_source(place, path, CLAIM, Origin::Hospice, origin)
            }
            _ => self.fault(
                place.mapping,
                format!(
                    "expected a path that rows of `%{}` can follow, found `%{}`",
                    place.row.name(),
                    path.root.name()
                ),
            ),
        }
    }

    fn beneficiary_source(
        &mut self,
        place: Place<'_>,
        path: &Path,
        tree: usize,
        from: Origin,
        origin: &mut Origin,
    ) -> Result<Source> {
        if *origin != Origin::Claim && *origin != from {
            return self.fault(place.mapping, "expected alternatives of one resource, found a mix");
        }
        *origin = from;
        Ok(value_or_join(path, self.want(place, tree, "", path)?))
    }

    /// A path of the claim: through a link if it has one, else to the record's own frame.
    fn claim_source(&mut self, place: Place<'_>, path: &Path) -> Result<Source> {
        let link = path.steps.iter().find_map(|step| match step {
            Step::Linked(link) => Some(link.clone()),
            _ => None,
        });
        let Some(link) = link else {
            return Ok(value_or_join(path, self.want(place, CLAIM, "", path)?));
        };
        let Some((Step::Key(array), rest)) = path.steps.split_first() else {
            return self.fault(place.mapping, "expected a link on an array of the claim");
        };
        if path.steps.iter().filter(|step| matches!(step, Step::Linked(_))).count() > 1 {
            return self.fault(place.mapping, "expected one link in a path, found more");
        }
        if matches!(path.pick, Pick::Last | Pick::Join) {
            return self
                .fault(place.mapping, "expected `first()` or `[n]` on a linked path, found `last()` or `join()`");
        }
        if path.steps.windows(2).any(|pair| matches!(pair, [Step::Linked(_), Step::Index(_)])) {
            return self
                .fault(place.mapping, "expected an index at the end of a linked path, found one behind the link");
        }
        let link = self.link(place, array, link)?;
        // In the linked frame there is one value; which frame counts is decided when the row is made.
        let inside = Path {
            steps: rest.iter().filter(|step| !matches!(step, Step::Linked(_))).cloned().collect(),
            pick: if path.pick == Pick::Single { Pick::Single } else { Pick::First },
            ..path.clone()
        };
        let slot = self.want(place, CLAIM, array, &inside)?;
        let nth = if let Pick::Nth(n) = path.pick { n } else { 0 };
        Ok(Source::Linked { link, slot, nth, single: path.pick == Pick::Single })
    }

    /// The link's index; what it needs is wanted for this table's families too.
    fn link(&mut self, place: Place<'_>, array: &str, link: Link) -> Result<usize> {
        let target = self.trees[CLAIM].scope(array);
        let keys = |members: &[String]| members.iter().map(|m| Step::Key(m.clone())).collect::<Vec<_>>();
        let key_name = if matches!(link, Link::Reference(_)) { "id" } else { "sequence" };
        let key = self.capture(CLAIM, target, &[Step::Key(key_name.into())], Mode::First, place.families);
        let by = match &link {
            Link::Reference(members) => {
                LinkBy::Reference(self.capture(CLAIM, 0, &keys(members), Mode::First, place.families))
            }
            Link::Sequence { lists, negated } => {
                let scope = self.trees[CLAIM].scope("item");
                let mut slots = Vec::new();
                for (root, members) in lists {
                    let members = match (root, members.split_first()) {
                        (Root::Eob, Some((first, rest))) if first == "item" && *negated => rest,
                        (Root::Item, _) if place.row == Root::Item && !negated => members,
                        _ => {
                            let expected = "expected a list of this row's item, or with `.not()` of `%eob.item`";
                            return self.fault(place.mapping, expected);
                        }
                    };
                    slots.push(self.capture(CLAIM, scope, &keys(members), Mode::Many, place.families));
                }
                if *negated { LinkBy::Nobody(slots) } else { LinkBy::Row(slots) }
            }
        };
        let written = (array.to_string(), link);
        let known = self.links.iter().position(|link| link.written == written);
        Ok(known.unwrap_or_else(|| {
            self.links.push(LinkProgram { target, key, by, written });
            self.links.len() - 1
        }))
    }

    fn want(&mut self, place: Place<'_>, tree: usize, array: &str, path: &Path) -> Result<Slot> {
        let (mode, nth) = match path.pick {
            Pick::Single => (Mode::Single, 0),
            Pick::First => (Mode::First, 0),
            Pick::Last => (Mode::Last, 0),
            Pick::Nth(n) => (Mode::List(n + 1), n),
            Pick::Join => (Mode::List(JOINED), 0),
        };
        self.want_as(place, tree, array, path, mode, nth)
    }

    pub(super) fn want_as(
        &mut self,
        place: Place<'_>,
        tree: usize,
        array: &str,
        path: &Path,
        mode: Mode,
        nth: usize,
    ) -> Result<Slot> {
        if path.steps.is_empty() || path.steps.iter().any(|step| matches!(step, Step::Linked(_))) {
            return self.fault(place.mapping, "expected members without a link here");
        }
        if path.steps.windows(2).any(|pair| matches!(pair, [Step::Where(_), Step::Index(_)])) {
            return self.fault(place.mapping, "expected an index on an array, found one behind `where(...)`");
        }
        let families = if tree == CLAIM { place.families } else { None };
        let scope = if array.is_empty() { 0 } else { self.trees[tree].scope(array) };
        let id = self.trees[tree].capture(scope, &path.steps, mode, &path.unless, families);
        if let Some(at) = place.at {
            let users = self.names[tree].entry(id).or_default();
            if !users.contains(&at) {
                users.push(at);
            }
        }
        let slot = self.slot(tree, id);
        Ok(Slot { scope: slot.scope, at: slot.at + nth as u16 })
    }

    pub(super) fn capture(
        &mut self,
        tree: usize,
        scope: u16,
        steps: &[Step],
        mode: Mode,
        families: Option<&[String]>,
    ) -> Slot {
        let id = self.trees[tree].capture(scope, steps, mode, &[], families);
        self.slot(tree, id)
    }

    /// In the draft slots are not known yet and do not matter.
    fn slot(&self, tree: usize, id: usize) -> Slot {
        self.plans.as_ref().map_or(Slot { scope: 0, at: 0 }, |plans| plans[tree].slot(id))
    }

    fn calls(&mut self, place: Place<'_>, alternative: &Alternative) -> Result<Vec<Apply>> {
        let mut steps = Vec::new();
        for call in &alternative.calls {
            steps.push(match call {
                Call::Translate(name) => match self.schemas.codes.map(name) {
                    Some(map) => Apply::Translate(map.clone()),
                    None => return self.fault(place.mapping, format!("expected a map of codes.csv, found `{name}`")),
                },
                Call::Substring(from, count) => Apply::Substring(*from, *count),
                Call::Right(count) => Apply::Right(*count),
                Call::Replace(from, to) => Apply::Replace(from.clone(), to.clone()),
                Call::ZeroPad(width) => Apply::ZeroPad(*width),
                Call::Select(text) => Apply::Select(text.clone()),
                Call::Cut => continue,
                Call::AgeOn(path) => {
                    if path.root != Root::Patient || place.row != Root::Patient {
                        return self.fault(
                            place.mapping,
                            "expected `ageOn` in a beneficiary table, with a date of the Patient",
                        );
                    }
                    Apply::AgeOn(self.want(place, PATIENT, "", path)?)
                }
            });
        }
        Ok(steps)
    }
}

fn value_or_join(path: &Path, slot: Slot) -> Source {
    if path.pick == Pick::Join { Source::Join(slot, JOINED) } else { Source::Value(slot) }
}
