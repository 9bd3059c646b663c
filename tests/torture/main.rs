//! Damage by the thousand: whatever happens to a record, the others keep their rows, and nothing goes without a word.
//!
//! `lot` puts damaged records between sound ones into one export and judges what came of it. `bytes` flips and cuts,
//! `people` does so to Patients and Coverages, `values` puts wrong types at every path, `shapes` is a table of oddities with
//! the messages that belong to them, `packed` damages compressed files. `make test` runs a part of the offsets, `make
//! torture` (CLAIMFEED_TORTURE=1) all of them; both say how many.

#[path = "../common/mod.rs"]
mod common;

mod bytes;
mod lot;
mod packed;
mod people;
mod shapes;
mod values;

/// All offsets, not only some of them.
fn is_long() -> bool {
    std::env::var_os("CLAIMFEED_TORTURE").is_some()
}
