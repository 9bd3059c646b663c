//! An object's text cut in pieces along the trace of a walk: text that must be the same, values that may differ.
//!
//! Whatever the walk based a decision on stays text. Loose is only what it captured and what it did not look at,
//! whatever it was; and of the latter only what was seen to differ, as comparing it is quicker than skipping it.

use super::trace::{Event, Keep, Trace};

/// Values captured of one object at most; of more there is no draft.
const VALUES: usize = 32;

/// What comes behind a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// a scalar to capture
    Keep(Keep),
    /// a scalar to capture that goes on as text: it decides something, or is captured twice
    Peek(Keep),
    /// a value that nobody asks for
    Skip,
    /// the rest of an object's members, which nobody asks for
    Leave,
}

/// A stretch of an object's text: fixed text and what comes behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// text that must stand there
    pub before: Box<[u8]>,
    /// and behind it
    pub what: What,
    /// what stood there, where nobody asks for it
    pub text: Box<[u8]>,
    /// something else has stood there; until then it is text like any other
    pub varies: bool,
}

/// An object's text in pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// in the order of the text
    pub pieces: Vec<Piece>,
    /// the text behind them
    pub behind: Box<[u8]>,
    /// which value is to be captured first, second...
    pub order: Box<[u8]>,
}

impl Draft {
    /// Of the text of an object and a walk through it; `None` if there is nothing in it for a shape.
    pub fn new(text: &[u8], offset: usize, trace: &Trace) -> Option<Draft> {
        let inside = |at: u32| (at as usize).checked_sub(offset).filter(|at| *at <= text.len());
        let mut events = Vec::new();
        for (event, start, end) in &trace.events {
            events.push((*event, inside(*start)?, inside(*end)?));
        }
        let mut places: Vec<(usize, usize, What)> = Vec::new();
        for (event, start, end) in &events {
            if let Event::Kept(keep) = event {
                // Whatever is captured as something else is not captured by a shape.
                if !matches!(text.get(*start..*end)?, [b'"', _, .., b'"'] | [b'-' | b'0'..=b'9', ..]) {
                    return None;
                }
                places.push((*start, *end, What::Keep(*keep)));
            }
        }
        if places.len() > VALUES {
            return None;
        }
        let mut sorted: Vec<usize> = (0..places.len()).collect();
        sorted.sort_by_key(|nth| places[*nth].0); // stable: those of one value stay in their order
        let order = (0..places.len()).map(|nth| sorted.iter().position(|at| *at == nth).unwrap_or(0) as u8).collect();
        let mut places: Vec<_> = sorted.into_iter().map(|nth| places[nth]).collect();
        for at in 0..places.len() {
            let (start, end, what) = places[at];
            let again = places.get(at + 1).is_some_and(|next| next.0 == start);
            let decides = events.iter().any(|(event, s, e)| *event == Event::Decided && *s < end && start < *e);
            if let (What::Keep(keep), true) = (what, again || decides) {
                places[at].2 = What::Peek(keep);
            }
        }
        for (event, start, end) in &events {
            let (from, to, what) = match event {
                Event::Skipped => (*start, *end, What::Skip),
                Event::Along { close } if inside(*close)? > *end => (*end, inside(*close)? - 1, What::Leave),
                _ => continue,
            };
            // Who left an object did not care for the rest; someone else who went along it may have.
            let is_asked_for = events.iter().any(|(other, s, e)| match other {
                Event::Skipped => false,
                Event::Along { .. } if what == What::Leave && s == start => *e > from,
                Event::Asked | Event::Kept(_) | Event::Decided | Event::Along { .. } => from <= *s && *s < to,
            });
            if from <= to && !is_asked_for && !places.contains(&(from, to, what)) {
                places.push((from, to, what));
            }
        }
        places.sort_by_key(|(start, ..)| *start);
        let (mut pieces, mut at) = (Vec::new(), 0);
        for (start, end, what) in places {
            let is_loose = matches!(what, What::Skip | What::Leave);
            let before = match text.get(at..start) {
                Some(before) => before,
                // What lies in what nobody asks for is not asked for either.
                None if is_loose => continue,
                None => return None,
            };
            let kept = if is_loose { text.get(start..end)? } else { &[] };
            pieces.push(Piece { before: before.into(), what, text: kept.into(), varies: false });
            at = if matches!(what, What::Peek(_)) { start } else { end };
        }
        Some(Draft { pieces, behind: text.get(at..)?.into(), order })
    }

    /// Whether the two differ in nothing but what nobody asks for; then that varies.
    pub fn join(&mut self, other: &Draft) -> bool {
        let is_like = |(one, two): (&Piece, &Piece)| one.before == two.before && one.what == two.what;
        let is_same = self.pieces.len() == other.pieces.len()
            && self.behind == other.behind
            && self.order == other.order
            && self.pieces.iter().zip(&other.pieces).all(is_like);
        if is_same {
            for (own, other) in self.pieces.iter_mut().zip(&other.pieces) {
                own.varies |= own.text != other.text;
            }
        }
        is_same
    }
}
