//! What a discriminator said last time it was written with the same bytes.
//!
//! A concept such as `{"coding":[{"code":"...","display":"...","system":"..."}]}` takes a walk of its own to read, and
//! a claim has dozens of them, of few kinds, in much the same order from line to line. So a switch remembers the
//! concepts it met and which came behind which: if the one that is expected stands there, byte by byte, its answer is
//! known. Whether that pays depends on the data, so a memory that is often wrong is switched off. It never changes an
//! answer: the same bytes are the same value.

use crate::parse::Cursor;

/// Index of a literal of a switch; `None` for a text that is none.
pub type Literal = Option<u16>;

/// Concepts of more texts than that are not remembered.
const TEXTS: usize = 4;

/// Nor more concepts of one switch than that, nor longer ones.
const CONCEPTS: usize = 64;
const LENGTH: usize = 1024;

/// So many tries are looked at together, and so many of them must hit.
const TRIES: u32 = 256;
const HITS: u32 = 192;

/// The texts that a concept gave, in its order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Texts {
    found: [Literal; TEXTS],
    count: usize,
}

impl Texts {
    /// One more.
    #[inline]
    pub fn push(&mut self, literal: Literal) {
        if let Some(free) = self.found.get_mut(self.count) {
            *free = literal;
        }
        self.count = (self.count + 1).min(TEXTS + 1);
    }

    /// Something else was met as well: nothing to remember.
    #[cold]
    pub fn spoil(&mut self) {
        self.count = TEXTS + 1;
    }

    /// All of them; `None` if there were too many.
    #[inline]
    pub fn all(&self) -> Option<&[Literal]> {
        self.found.get(..self.count)
    }
}

/// Concepts that one switch met.
#[derive(Debug, Clone)]
pub struct Memory {
    /// the first is none: what came behind it stood first in its array
    concepts: Vec<Concept>,
    /// the one before the next
    last: usize,
    tries: u32,
    hits: u32,
    is_off: bool,
}

#[derive(Debug, Clone, Default)]
struct Concept {
    text: Box<[u8]>,
    texts: Texts,
    /// what came behind it
    next: usize,
}

impl Default for Memory {
    fn default() -> Memory {
        Memory { concepts: vec![Concept::default()], last: 0, tries: 0, hits: 0, is_off: false }
    }
}

impl Memory {
    /// The texts of the concept at `at` and its end, if it is one that is expected: of the `n`-th element of an array.
    #[inline]
    pub fn recall<C: Cursor>(&mut self, record: &C, at: C::At, n: usize) -> Option<(Texts, C::At)> {
        if !C::HAS_TEXT || self.is_off {
            return None;
        }
        self.tries += 1;
        if self.tries == TRIES {
            self.is_off = self.hits < HITS;
            (self.tries, self.hits) = (0, 0);
        }
        if n == 0 {
            self.last = 0;
        }
        // The element that usually stands between them may be missing.
        let first = self.concepts[self.last].next;
        for expected in [first, self.concepts[first].next] {
            let concept = &self.concepts[expected];
            if let Some(end) = record.is_written(at, &concept.text) {
                self.hits += 1;
                self.last = expected;
                return Some((concept.texts, end));
            }
        }
        None
    }

    /// Remembers the concept between `at` and `end`.
    #[inline]
    pub fn remember<C: Cursor>(&mut self, record: &C, at: C::At, end: C::At, texts: Texts) {
        if C::HAS_TEXT
            && !self.is_off
            && let Some(text) = record.written(at, end)
            && text.len() <= LENGTH
            && texts.all().is_some()
        {
            self.keep(text, texts);
        }
    }

    #[cold]
    fn keep(&mut self, text: &[u8], texts: Texts) {
        let known = self.concepts.iter().position(|concept| *concept.text == *text);
        let at = known.unwrap_or_else(|| {
            if self.concepts.len() == CONCEPTS {
                // There are others; those of the claims to come are more likely than those of long ago.
                self.concepts.truncate(1);
                self.concepts[0].next = 0;
                self.last = 0;
            }
            self.concepts.push(Concept { text: text.into(), texts, next: 0 });
            self.concepts.len() - 1
        });
        self.concepts[self.last].next = at;
        self.last = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crosswalk::path::{Literal as Accepted, Step, Test};
    use crate::crosswalk::plan::{Builder, Mode, Plan};
    use crate::crosswalk::walk::Walker;
    use crate::parse::scan::Scanner;

    fn texts(found: &[Literal]) -> Texts {
        let mut texts = Texts::default();
        found.iter().for_each(|literal| texts.push(*literal));
        texts
    }

    /// Offers the elements of a list to the memory, as often as asked; gives how many were recalled in all.
    fn offer(memory: &mut Memory, list: &str, times: usize) -> usize {
        let line = format!(r#"{{"list":{list},"more":"{}"}}"#, "x".repeat(100));
        let mut scanner = Scanner::default();
        let record = scanner.group(line.as_bytes()).unwrap().record(0, line.len());
        let mut recalled = 0;
        for _ in 0..times {
            let mut n = 0;
            record.elements(r#"{"list":"#.len() as u32, |at| {
                let end = record.skip(at);
                let text = &line[at as usize..end as usize];
                let own = texts(&[Some(text.len() as u16), text.as_bytes().get(6).copied().map(u16::from), None]);
                match memory.recall(&record, at, n) {
                    Some(found) => {
                        assert_eq!(found, (own, end), "{text}");
                        recalled += 1;
                    }
                    None => memory.remember(&record, at, end, own),
                }
                n += 1;
                end
            });
        }
        recalled
    }

    #[test]
    fn concepts_are_recalled_in_their_order_and_past_a_missing_one() {
        let mut memory = Memory::default();
        assert_eq!(offer(&mut memory, r#"[{"a":"p"},{"a":"q"},{"a":"rr"}]"#, 1), 0);
        assert_eq!(offer(&mut memory, r#"[{"a":"p"},{"a":"q"},{"a":"rr"}]"#, 2), 6);
        assert_eq!(offer(&mut memory, r#"[{"a":"p"},{"a":"rr"}]"#, 1), 2);
        assert_eq!(offer(&mut memory, r#"[{"a":"q"}]"#, 1), 1);
        // One byte more, one less, another one.
        for other in [r#"[{"a":"p" }]"#, r#"[{"a":""}]"#, r#"[{"a":"x"}]"#] {
            assert_eq!(offer(&mut memory.clone(), other, 1), 0, "{other}");
        }
    }

    #[test]
    fn what_ends_anywhere_is_not_remembered() {
        let mut memory = Memory::default();
        // `1` would be found at the beginning of `12`.
        assert_eq!(offer(&mut memory, "[1,1,1]", 5), 0);
        assert_eq!(offer(&mut memory, r#"["a","a"]"#, 5), 0);
    }

    #[test]
    fn too_many_texts_or_a_spoilt_concept_are_not_remembered() {
        let mut many = texts(&[Some(1), Some(2), Some(3), Some(4)]);
        assert_eq!(many.all(), Some(&[Some(1), Some(2), Some(3), Some(4)][..]));
        many.push(None);
        assert_eq!(many.all(), None);
        let mut spoilt = texts(&[Some(1)]);
        spoilt.spoil();
        spoilt.push(Some(2));
        assert_eq!(spoilt.all(), None);
    }

    #[test]
    fn a_memory_that_is_mostly_wrong_is_switched_off_and_one_of_many_concepts_stays_small() {
        let lists: Vec<String> = (0..400).map(|n| format!(r#"[{{"a":"{n:03}"}}]"#)).collect();
        let mut memory = Memory::default();
        lists.iter().for_each(|list| assert_eq!(offer(&mut memory, list, 1), 0));
        assert!(memory.is_off && memory.concepts.len() <= CONCEPTS);
        assert_eq!(offer(&mut memory, &lists[0], 2), 0);
        let mut memory = Memory::default();
        assert_eq!(offer(&mut memory, &lists[0], 1000), 999);
        assert!(!memory.is_off);
    }

    /// Captures `value` where `coding.code` of `category` is the literal.
    fn plan(accepted: &str) -> Plan {
        let path = ["category", "coding", "code"].map(String::from).into();
        let accept = vec![Accepted::Is(accepted.to_string())];
        let mut builder = Builder::new();
        let steps = [Step::Key("part".into()), Step::Where(Test { path, accept }), Step::Key("value".into())];
        builder.capture(0, &steps, Mode::First, &[], None);
        builder.finish()
    }

    #[test]
    fn plans_do_not_share_what_a_walker_remembers() {
        let line = r#"{"part":[{"category":{"coding":[{"code":"a","display":"A"}]},"value":7}]}"#;
        let mut scanner = Scanner::default();
        let record = scanner.group(line.as_bytes()).unwrap().record(0, line.len());
        let (here, there) = (plan("a"), plan("b"));
        let mut walker = Walker::default();
        for _ in 0..3 {
            for (plan, found) in [(&here, true), (&here, true), (&there, false), (&there, false)] {
                let end = walker.walk(plan, &record);
                assert!(record.is_sound(end));
                assert_eq!(walker.frames.get(0, plan.slot(0).at) != 0, found);
            }
        }
    }
}
