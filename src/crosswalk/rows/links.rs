//! Elements that rows and records point to, by `careTeamSequence` and its like or by reference.

use super::Site;
use crate::crosswalk::program::{Crosswalk, LinkBy};
use crate::parse::Cursor;

/// Elements that rows and records point to, resolved once per row and link.
pub(super) struct Links {
    /// bases of linked frames by link
    found: Vec<Vec<u32>>,
    resolved: Vec<bool>,
    /// links that are the same for all rows of a record
    per_record: Vec<bool>,
    /// numbers that a row's lists have
    wanted: Vec<i64>,
    /// the last resolved source met a second, different value
    pub(super) ambiguous: bool,
}

impl Links {
    pub(super) fn new(crosswalk: &Crosswalk) -> Links {
        let links = &crosswalk.links;
        Links {
            found: vec![Vec::new(); links.len()],
            resolved: vec![false; links.len()],
            per_record: links.iter().map(|link| !matches!(link.by, LinkBy::Row(_))).collect(),
            wanted: Vec::new(),
            ambiguous: false,
        }
    }

    pub(super) fn new_record(&mut self) {
        self.resolved.fill(false);
    }

    pub(super) fn new_row(&mut self) {
        for (resolved, per_record) in self.resolved.iter_mut().zip(&self.per_record) {
            *resolved &= per_record;
        }
    }

    pub(super) fn resolve<C: Cursor>(&mut self, crosswalk: &Crosswalk, link: usize, site: &Site<'_, C>) -> &[u32] {
        if !std::mem::replace(&mut self.resolved[link], true) {
            let found = &mut self.found[link];
            found.clear();
            let (record, frames) = (site.walked.record, site.walked.frames);
            let program = &crosswalk.links[link];
            let targets = frames.of(program.target).iter().copied();
            let key = |base: u32| match frames.get(base, program.key.at) {
                0 => None,
                captured => Some(captured),
            };
            match &program.by {
                LinkBy::Row(lists) => {
                    let list = lists.iter().map(|slot| frames.many(site.base, slot.at)).find(|list| !list.is_empty());
                    let wanted = &mut self.wanted;
                    wanted.clear();
                    wanted.extend(list.unwrap_or(&[]).iter().filter_map(|at| record.integer(*at)));
                    let points =
                        |base: &u32| key(*base).and_then(|k| record.integer(k)).is_some_and(|k| wanted.contains(&k));
                    if !wanted.is_empty() {
                        found.extend(targets.filter(points));
                    }
                }
                LinkBy::Nobody(lists) => {
                    let named: Vec<i64> = lists
                        .iter()
                        .flat_map(|slot| frames.of(slot.scope).iter().flat_map(|base| frames.many(*base, slot.at)))
                        .filter_map(|at| record.integer(*at))
                        .collect();
                    let free =
                        |base: &u32| !key(*base).and_then(|k| record.integer(k)).is_some_and(|k| named.contains(&k));
                    found.extend(targets.filter(free));
                }
                LinkBy::Reference(slot) => {
                    let (mut one, mut two) = (String::new(), String::new());
                    let reference = match frames.get(0, slot.at) {
                        0 => "",
                        captured => record.text(captured, &mut one),
                    };
                    if let Some(id) = reference.strip_prefix('#') {
                        found.extend(targets.filter(|base| key(*base).is_some_and(|k| record.text(k, &mut two) == id)));
                    }
                }
            }
        }
        &self.found[link]
    }
}
