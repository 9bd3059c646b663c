//! Makes a [`Plan`] of paths: first a trie of their steps, then nodes, switches and groups of the trie.
//!
//! Paths that begin alike share nodes, and families that want the same captures share a group of the root, so that
//! what a record is walked along is as small as it can be.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::path::{Literal, Step, Test};
use super::plan::{Act, Capture, Doing, Group, Id, KeySet, Leaf, Mode, Node, Part, Plan, Slot, Switch};
use super::table::TextTable;

/// Collects what is to be captured, then compiles it.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    /// member name of each scope's array; `""` for the record itself
    scopes: Vec<String>,
    wanted: Vec<Wanted>,
    /// capture that names the family
    family: Option<usize>,
}

#[derive(Debug, Clone)]
struct Wanted {
    scope: u16,
    steps: Vec<Step>,
    mode: Mode,
    unless: Vec<String>,
    /// claim families that need it; `None`: every record
    families: Option<Vec<String>>,
}

impl Builder {
    /// For one kind of resource.
    pub fn new() -> Builder {
        Builder { scopes: vec![String::new()], ..Builder::default() }
    }

    /// Captures wanted for some families only are taken from records in which `capture` found one of them; it must
    /// itself be wanted of all records, in their own frame.
    pub fn decide_family_by(&mut self, capture: usize) {
        self.family = Some(capture);
    }

    /// Every element of this array of the record gets a frame of its own.
    pub fn scope(&mut self, array: &str) -> u16 {
        let known = self.scopes.iter().position(|name| name == array);
        known.unwrap_or_else(|| {
            self.scopes.push(array.to_string());
            self.scopes.len() - 1
        }) as u16
    }

    /// Wants a value for records of `families` (`None`: of all); steps are relative to the scope's element.
    ///
    /// Wanting the same thing twice gives the same id.
    pub fn capture(
        &mut self,
        scope: u16,
        steps: &[Step],
        mode: Mode,
        unless: &[String],
        families: Option<&[String]>,
    ) -> usize {
        let same = |w: &Wanted| {
            w.scope == scope
                && w.steps == steps
                && w.unless == unless
                && (w.mode == mode || matches!((w.mode, mode), (Mode::List(_), Mode::List(_))))
        };
        if let Some(id) = self.wanted.iter().position(same) {
            let wanted = &mut self.wanted[id];
            if let (Mode::List(old), Mode::List(new)) = (wanted.mode, mode) {
                wanted.mode = Mode::List(old.max(new));
            }
            match (&mut wanted.families, families) {
                (Some(old), Some(new)) => {
                    old.extend(new.iter().filter(|f| !old.contains(f)).cloned().collect::<Vec<_>>())
                }
                (old, None) => *old = None,
                (None, _) => {}
            }
            return id;
        }
        self.wanted.push(Wanted {
            scope,
            steps: steps.to_vec(),
            mode,
            unless: unless.to_vec(),
            families: families.map(<[String]>::to_vec),
        });
        self.wanted.len() - 1
    }

    /// Compiles the tree.
    pub fn finish(self) -> Plan {
        let mut widths = vec![0usize; self.scopes.len()];
        let slots: Vec<Slot> = self
            .wanted
            .iter()
            .map(|wanted| {
                let width = &mut widths[wanted.scope as usize];
                let at = *width;
                *width += if let Mode::List(n) = wanted.mode { n } else { 1 };
                Slot { scope: wanted.scope, at: at as u16 }
            })
            .collect();

        let mut trie = Trie::default();
        let root = trie.node();
        for (id, wanted) in self.wanted.iter().enumerate() {
            if wanted.families.is_none() {
                self.insert(&mut trie, root, id, &slots);
            }
        }
        let mut classes = Vec::new();
        for (families, ids) in self.classes() {
            let class = trie.node();
            for id in ids {
                self.insert(&mut trie, class, id, &slots);
            }
            classes.push((families, class));
        }

        let family = self.family.map(|id| slots[id]);
        static PLANS: AtomicU64 = AtomicU64::new(0);
        let number = PLANS.fetch_add(1, Ordering::Relaxed) + 1;
        let mut plan = Plan { widths, slots, family, number, ..Plan::default() };
        plan.root = compile_node(&trie, root, &classes, &mut plan);
        plan
    }

    /// Families that want exactly the same captures share a subtree.
    fn classes(&self) -> Vec<(Vec<String>, Vec<usize>)> {
        let mut families: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (id, wanted) in self.wanted.iter().enumerate() {
            for family in wanted.families.iter().flatten() {
                families.entry(family).or_default().push(id);
            }
        }
        let mut classes: BTreeMap<Vec<usize>, Vec<String>> = BTreeMap::new();
        for (family, ids) in families {
            classes.entry(ids).or_default().push(family.to_string());
        }
        classes.into_iter().map(|(ids, families)| (families, ids)).collect()
    }

    fn insert(&self, trie: &mut Trie, from: usize, id: usize, slots: &[Slot]) {
        let wanted = &self.wanted[id];
        let mut at = from;
        if wanted.scope > 0 {
            at = trie.child(at, &Step::Key(self.scopes[wanted.scope as usize].clone()));
            trie.nodes[at].scope = Some(wanted.scope);
        }
        for step in &wanted.steps {
            at = trie.child(at, step);
        }
        trie.nodes[at].captures.push(Capture {
            slot: slots[id],
            mode: wanted.mode,
            unless: wanted.unless.iter().map(|text| text.as_str().into()).collect(),
            id,
        });
    }
}

#[derive(Debug, Default)]
struct Trie {
    nodes: Vec<TrieNode>,
}

#[derive(Debug, Default)]
struct TrieNode {
    keys: BTreeMap<String, usize>,
    wheres: Vec<(Test, usize)>,
    index: BTreeMap<usize, usize>,
    captures: Vec<Capture>,
    scope: Option<u16>,
}

impl Trie {
    fn node(&mut self) -> usize {
        self.nodes.push(TrieNode::default());
        self.nodes.len() - 1
    }

    fn child(&mut self, at: usize, step: &Step) -> usize {
        let known = match step {
            Step::Key(key) => self.nodes[at].keys.get(key).copied(),
            Step::Index(n) => self.nodes[at].index.get(n).copied(),
            Step::Where(test) => self.nodes[at].wheres.iter().find(|(t, _)| t == test).map(|(_, child)| *child),
            // Links are resolved after the walk; in the tree a linked element is any element.
            Step::Linked(_) => Some(at),
        };
        if let Some(child) = known {
            return child;
        }
        let child = self.node();
        let node = &mut self.nodes[at];
        match step {
            Step::Key(key) => drop(node.keys.insert(key.clone(), child)),
            Step::Index(n) => drop(node.index.insert(*n, child)),
            Step::Where(test) => node.wheres.push((test.clone(), child)),
            Step::Linked(_) => {}
        }
        child
    }
}

/// Members of one object while its node is compiled.
#[derive(Default)]
struct Members {
    by_key: BTreeMap<String, Member>,
    unions: u32,
}

#[derive(Default)]
struct Member {
    walk: Option<Id>,
    union: Option<u32>,
    switches: Vec<Id>,
}

impl Members {
    fn union(&mut self, key: &str) -> u32 {
        let member = self.by_key.entry(key.to_string()).or_default();
        *member.union.get_or_insert_with(|| {
            self.unions += 1;
            self.unions - 1
        })
    }

    /// The members as a node has them. `open`: something may still be decided behind the last of them.
    fn settle(self, open: bool, plan: &mut Plan) -> Node {
        let counts = self.by_key.len() < KeySet::BITS as usize;
        // A bit that is no key's never goes.
        let wanted = if counts && !open { 0 } else { 1 << (KeySet::BITS - 1) };
        let mut node = Node { wanted, ..Node::default() };
        let mut unions = vec![0; self.unions as usize];
        let mut doings = Vec::new();
        for (at, (key, member)) in self.by_key.into_iter().enumerate() {
            let bit = if counts { 1 << at } else { 0 };
            if member.walk.is_some() || !member.switches.is_empty() {
                node.wanted |= bit;
            }
            if let Some(union) = member.union {
                unions[union as usize] = bit;
            }
            let from = plan.heads.len() as u32;
            plan.heads.extend(member.switches);
            let switches = &plan.heads[from as usize..];
            let part = match (member.walk, member.union, switches) {
                (Some(walk), None, []) => {
                    Leaf::of(walk, &plan.nodes[walk as usize]).map_or(Part::Walk(walk), Part::Leaf)
                }
                (None, Some(union), []) => Part::Union(union),
                (None, None, [switch]) if plan.switches[*switch as usize].rest.is_empty() => Part::Switch(*switch),
                (None, None, [switch]) => Part::Seek(*switch),
                (walk, union, _) => Part::Several { walk, union, switches: (from, plan.heads.len() as u32) },
            };
            doings.push((key, Doing { bit, part }));
        }
        node.simple = doings.iter().all(|(_, doing)| matches!(doing.part, Part::Leaf(_) | Part::Walk(_)));
        node.keys = TextTable::new(doings);
        node.unions = unions.into();
        node
    }
}

/// `classes`: of the root only, tries of what records of some families are walked for.
fn compile_node(trie: &Trie, at: usize, classes: &[(Vec<String>, usize)], plan: &mut Plan) -> Id {
    let source = &trie.nodes[at];
    let mut members = Members::default();
    for (key, child) in &source.keys {
        let walk = compile_node(trie, *child, &[], plan);
        members.by_key.entry(key.clone()).or_default().walk = Some(walk);
    }
    let index: Vec<(usize, Id)> =
        source.index.iter().map(|(n, child)| (*n, compile_group(trie, *child, plan, &mut members))).collect();
    for (head, switch) in compile_switches(trie, &source.wheres, plan, &mut members) {
        members.by_key.entry(head).or_default().switches.push(switch);
    }
    for (families, class) in classes {
        let group = compile_group(trie, *class, plan, &mut members);
        plan.classes.extend(families.iter().map(|family| (family.as_str().into(), group)));
    }
    let mut node = members.settle(!classes.is_empty(), plan);
    node.simple &= index.is_empty();
    node.captures = source.captures.clone().into();
    node.scope = source.scope;
    node.index = index;
    plan.nodes.push(node);
    (plan.nodes.len() - 1) as Id
}

fn compile_group(trie: &Trie, at: usize, plan: &mut Plan, members: &mut Members) -> Id {
    let source = &trie.nodes[at];
    let mut acts = Vec::new();
    for (key, child) in &source.keys {
        let walk = compile_node(trie, *child, &[], plan);
        let act = Leaf::of(walk, &plan.nodes[walk as usize]).map_or(Act::Walk(walk), Act::Leaf);
        acts.push((members.union(key), act));
    }
    for (head, switch) in compile_switches(trie, &source.wheres, plan, members) {
        acts.push((members.union(&head), Act::Switch(switch)));
    }
    plan.groups.push(Group { acts: acts.into() });
    (plan.groups.len() - 1) as Id
}

fn compile_switches(
    trie: &Trie,
    wheres: &[(Test, usize)],
    plan: &mut Plan,
    members: &mut Members,
) -> Vec<(String, Id)> {
    let mut by_path: BTreeMap<&[String], Vec<(&Test, usize)>> = BTreeMap::new();
    for (test, child) in wheres {
        by_path.entry(&test.path).or_default().push((test, *child));
    }
    let mut switches = Vec::new();
    for (path, tests) in by_path {
        let mut switch =
            Switch { rest: path[1..].iter().map(|key| key.as_bytes().into()).collect(), ..Switch::default() };
        let mut literals: BTreeMap<&str, Vec<Id>> = BTreeMap::new();
        for (test, child) in tests {
            let group = compile_group(trie, child, plan, members);
            if test.accept.is_empty() {
                switch.any.push(group);
            }
            for literal in &test.accept {
                match literal {
                    Literal::Is(text) => literals.entry(text).or_default().push(group),
                    Literal::StartsWith(prefix) => switch.prefixes.push((prefix.as_bytes().into(), group)),
                }
            }
        }
        switch.literals = TextTable::new(literals.keys().zip(0..));
        switch.behind = literals.into_values().collect();
        plan.switches.push(switch);
        switches.push((path[0].clone(), (plan.switches.len() - 1) as Id));
    }
    switches
}
