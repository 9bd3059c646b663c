//! A plan: all paths of one resource, compiled into one tree that a record is walked along once.
//!
//! Paths share their beginnings, so they form a trie. A slice such as `where(code='drg')` becomes a [`Switch`]: the
//! walk reads the discriminator once per element, looks it up, and goes on with the [`Group`] of paths behind that
//! literal. A group's paths start at members of the same object, so the walk notes where wanted members are and a
//! group decided late finds them: the order of keys never matters. The claim family is a captured value like any
//! other; when all members of the record were seen it decides one group, and no claim is ever of two families.
//! What is captured goes to slots of frames: one frame for the record, one per element of a
//! [`scope`](super::builder::Builder::scope). A plan is made by the [`builder`](super::builder).

use super::table::TextTable;

/// Index of a node, switch or group.
pub type Id = u32;

/// How a slot takes values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// the first; a different second one is noted
    Single,
    /// the first
    First,
    /// the last
    Last,
    /// the first n, in n slots
    List(usize),
    /// all of them, in the frame's spill
    Many,
}

/// Where a captured value is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot {
    /// 0 is the record's own frame
    pub scope: u16,
    /// position in the frame
    pub at: u16,
}

/// Something to capture when a scalar stands at a node.
#[derive(Debug, Clone)]
pub struct Capture {
    /// where to
    pub slot: Slot,
    /// how
    pub mode: Mode,
    /// values that count as absent
    pub unless: Box<[Box<str>]>,
    /// names the capture in notes: index of [`Builder::capture`](super::builder::Builder::capture)
    pub id: usize,
}

/// A set of members of one node: bit n is the n-th key. Nodes of more keys than bits are walked to their end.
pub(super) type KeySet = u64;

/// What to do with the members of an object.
#[derive(Debug, Clone, Default)]
pub struct Node {
    pub(super) keys: TextTable<Doing>,
    /// keys that are wanted whatever groups say: with all of them met, the rest of the object is nobody's
    pub(super) wanted: KeySet,
    /// keys that groups may ask for, by the union's number
    pub(super) unions: Box<[KeySet]>,
    /// captures if the value is a scalar
    pub(super) captures: Box<[Capture]>,
    /// every object here opens a frame of this scope
    pub(super) scope: Option<u16>,
    /// groups of the n-th element of an array
    pub(super) index: Vec<(usize, Id)>,
    /// members are walked and nothing else: the small loop will do
    pub(super) simple: bool,
}

/// What to do with one member.
#[derive(Debug, Clone, Copy)]
pub struct Doing {
    /// the key's bit; 0 if there are too many keys
    pub(super) bit: KeySet,
    /// most members are there for one thing only
    pub(super) part: Part,
}

/// The part a member plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// its value is a scalar to be captured in one slot: so it is for most members
    Leaf(Leaf),
    /// its value is walked
    Walk(Id),
    /// groups may ask for it: the number of the union
    Union(u32),
    /// it decides groups: its text is the discriminator
    Switch(Id),
    /// it decides groups: some text further down is the discriminator
    Seek(Id),
    /// more than one of these
    Several {
        /// what its value is walked for
        walk: Option<Id>,
        /// the number of the union
        union: Option<u32>,
        /// where its switches stand in the plan's list
        switches: (u32, u32),
    },
}

/// A node with one capture and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    /// where to
    pub slot: Slot,
    /// a different second value is noted
    pub single: bool,
    /// the node in full, for what is no scalar
    pub node: Id,
}

impl Leaf {
    /// If the node is one.
    pub(super) fn of(id: Id, node: &Node) -> Option<Leaf> {
        let [capture] = &*node.captures else { return None };
        let alone = node.keys.texts().is_empty() && node.scope.is_none() && capture.unless.is_empty();
        let single = match capture.mode {
            Mode::Single => true,
            Mode::First => false,
            _ => return None,
        };
        alone.then_some(Leaf { slot: capture.slot, single, node: id })
    }
}

/// A discriminator: text found down `rest` decides groups.
#[derive(Debug, Clone, Default)]
pub struct Switch {
    /// members below the head member
    pub(super) rest: Box<[Box<[u8]>]>,
    /// indices into `behind`
    pub(super) literals: TextTable<u16>,
    pub(super) behind: Vec<Vec<Id>>,
    pub(super) prefixes: Vec<(Box<[u8]>, Id)>,
    /// decided by anything being there
    pub(super) any: Vec<Id>,
}

/// Paths that go on from members of an object once its switch has decided for them.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// union and what to do with its member
    pub(super) acts: Box<[(u32, Act)]>,
}

/// One member's part in a group.
#[derive(Debug, Clone, Copy)]
pub enum Act {
    /// capture the member's value
    Leaf(Leaf),
    /// walk the member's value
    Walk(Id),
    /// the member decides further groups
    Switch(Id),
}

/// The compiled tree.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    pub(super) nodes: Vec<Node>,
    pub(super) switches: Vec<Switch>,
    pub(super) groups: Vec<Group>,
    /// switches that members decide, those of one member next to each other
    pub(super) heads: Vec<Id>,
    pub(super) root: Id,
    /// the record's family, where there are families
    pub(super) family: Option<Slot>,
    /// what only records of a family are walked for: groups of the root
    pub(super) classes: Vec<(Box<str>, Id)>,
    /// slots per frame of each scope
    pub(super) widths: Vec<usize>,
    /// tells this plan and its clones from others, for memories of it
    pub(super) number: u64,
    pub(super) slots: Vec<Slot>,
}

impl Plan {
    /// Where capture `id` of the builder ended up.
    pub fn slot(&self, id: usize) -> Slot {
        self.slots[id]
    }

    /// Nodes in the tree, for the curious.
    pub fn size(&self) -> usize {
        self.nodes.len()
    }
}
