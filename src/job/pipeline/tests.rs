//! Results are merged in order, and whatever ends a run ends all of its workers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::read::Input;

const CHUNKS: u64 = 300;

impl Yield for u64 {
    fn held(&self) -> usize {
        0
    }
}

/// Runs a chunk for each line through four workers; `merge` gets the position of each.
fn each(
    work: impl Fn(u64) -> Result<u64> + Sync,
    merge: impl FnMut(u64) -> Result<ControlFlow<()>> + Send,
) -> Result<Option<Vec<()>>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lines.ndjson");
    std::fs::write(&path, "{}\n".repeat(CHUNKS as usize)).unwrap();
    let input = Input::expand(&[path], Path::new("/nowhere")).unwrap();
    let feed = Feed::new(&input.sources, vec![0], 3);
    run(&feed, vec![(); 4], |(), chunk| work(chunk.offset.div_ceil(3)), merge)
}

fn broken() -> Error {
    Error::Usage("broken".to_string())
}

#[test]
fn results_come_in_order_and_the_others_work_on_while_one_merges() {
    let mut merged = Vec::new();
    let all = each(Ok, |at| {
        if at % 64 == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        merged.push(at);
        Ok(ControlFlow::Continue(()))
    });
    assert_eq!(all.unwrap().map(|workers| workers.len()), Some(4));
    assert_eq!(merged, (0..CHUNKS).collect::<Vec<_>>());
}

#[test]
fn a_merge_that_breaks_off_or_fails_is_the_last() {
    for fails in [false, true] {
        let mut merged = 0;
        let result = each(Ok, |at| {
            merged += 1;
            match (at == 100, fails) {
                (false, _) => Ok(ControlFlow::Continue(())),
                (true, false) => Ok(ControlFlow::Break(())),
                (true, true) => Err(broken()),
            }
        });
        assert_eq!(merged, 101);
        assert_eq!(result.is_err(), fails);
        assert!(fails || result.is_ok_and(|workers| workers.is_none()));
    }
}

#[test]
fn a_worker_that_fails_ends_all_even_behind_a_slow_merge() {
    let slow = |_| {
        std::thread::sleep(Duration::from_millis(1));
        Ok(ControlFlow::Continue(()))
    };
    let result = each(|at| if at == 40 { Err(broken()) } else { Ok(at) }, slow);
    assert!(result.is_err());
}

#[test]
fn a_panic_ends_all() {
    let panics = |at| if at == 40 { panic!("a bug") } else { Ok(at) };
    assert!(catch_unwind(AssertUnwindSafe(|| each(panics, |_| Ok(ControlFlow::Continue(()))))).is_err());
    let panics = |at| if at == 40 { panic!("a bug") } else { Ok(ControlFlow::Continue(())) };
    assert!(catch_unwind(AssertUnwindSafe(|| each(Ok, panics))).is_err());
}
