//! An export in pieces, for engines that bring their own scheduler: Spark, Ray, a pool of processes.
//!
//! [`plan`] cuts the inputs into [`Split`]s, which travel as JSON; [`Split::read`] gives the rows of one of them as
//! record batches; [`sum`] adds up their reports. A line belongs to the split that holds its first byte, so all splits
//! together have every line once. What no piece can know alone is told apart: [`Context`] carries the MBI of every
//! Patient, and [`Split::versions`] lists the versions of claims, of which SQL keeps the newest.
//!
//! ```
//! use claimfeed::split::{Context, Options, plan, sum};
//! # use claimfeed::{Api, sandbox::Synth};
//! # fn main() -> claimfeed::Result<()> {
//! # let export = tempfile::tempdir().unwrap();
//! # Synth { beneficiaries: 3, ..Synth::new(Api::V3) }.write(export.path()).unwrap();
//! # let inputs = [export.path().to_path_buf()];
//! let splits = plan(&inputs, 64 << 20)?;
//! let (context, people) = Context::of(&splits, &Options::default())?;
//! let mut reports = vec![people];
//! for split in &splits {
//!     let mut reader = split.read("CCLF5", &context, &Options::default())?;
//!     for batch in &mut reader {
//!         println!("{} rows", batch?.num_rows());
//!     }
//!     reports.push(reader.report()?);
//! }
//! assert!(sum(&reports).tables["CCLF5"] > 0);
//! # Ok(())
//! # }
//! ```
//!
//! Nothing here knows an engine, a network or Python.

mod context;
mod options;
mod plan;
mod read;
mod schema;
mod sum;
mod versions;
mod whole;

pub use context::Context;
pub use options::{KEYS, Options, PLACE, has_splits};
pub use plan::{Split, plan, plan_as};
pub use read::{Reader, Waiting};
pub use schema::schema;
pub use sum::sum;
pub use versions::VERSIONS;
pub use whole::{Whole, read};
