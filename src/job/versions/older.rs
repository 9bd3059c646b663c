//! The lines of claims that count no more: what a run leaves out or takes back, once it knows them.
//!
//! Where two whole exports are converted at once it is half of all claims, so a line takes eight bytes.

use super::{At, Reason};
use crate::job::lines::Place;

/// Bits of a reason, below its line.
const REASON: u32 = 3;

/// Lines of claims that count no more.
#[derive(Debug, Default)]
pub struct Older {
    /// for each input file lines with their reasons, in order once settled
    files: Vec<Vec<u64>>,
}

impl Older {
    /// Why the claim there counts no more; `None` if it does.
    pub fn reason(&self, place: Place) -> Option<Reason> {
        let lines = self.files.get(place.source)?;
        let found = *lines.get(lines.partition_point(|line| line >> REASON < place.line))?;
        (found >> REASON == place.line).then(|| Reason::ALL[(found & ((1 << REASON) - 1)) as usize])
    }

    /// Whether all claims count.
    pub fn is_empty(&self) -> bool {
        self.files.iter().all(Vec::is_empty)
    }

    /// The claim there counts no more.
    pub(super) fn add(&mut self, (source, line): At, reason: Reason) {
        let source = source as usize;
        if self.files.len() <= source {
            self.files.resize_with(source + 1, Vec::new);
        }
        self.files[source].push(line << REASON | reason as u64);
    }

    /// Of versions of one claim, the newest last.
    pub(super) fn add_all_but_last(&mut self, versions: impl DoubleEndedIterator<Item = At>) {
        versions.rev().skip(1).for_each(|at| self.add(at, Reason::OlderVersion));
    }

    /// Brings lines into their order. Of several reasons the first stays.
    pub(super) fn settle(&mut self) {
        for lines in &mut self.files {
            lines.sort_unstable();
            lines.dedup_by_key(|line| *line >> REASON);
            lines.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_first_of_its_reasons() {
        let mut older = Older::default();
        assert!(older.is_empty());
        let far = 1 << 60;
        for (at, reason) in [
            ((2, far), Reason::Adjudicated),
            ((0, 7), Reason::Voids),
            ((2, 5), Reason::NamedPrior),
            ((2, far), Reason::Voids),
            ((2, 5), Reason::Replaced),
        ] {
            older.add(at, reason);
        }
        older.settle();
        let reason = |source, line| older.reason(Place { source, line, byte: 0 });
        assert_eq!(
            [reason(0, 7), reason(2, 5), reason(2, far)],
            [Reason::Voids, Reason::Replaced, Reason::Voids].map(Some)
        );
        assert_eq!([reason(0, 6), reason(0, 8), reason(1, 7), reason(2, 6), reason(3, 5)], [None; 5]);
        assert!(!older.is_empty());
    }

    #[test]
    fn every_reason_has_its_number() {
        assert!(Reason::ALL.iter().enumerate().all(|(at, reason)| *reason as usize == at && at < 1 << REASON));
    }
}
