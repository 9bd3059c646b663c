//! Turns BCDA exports of Medicare claims (FHIR) into CCLF tables.
//!
//! A [`Job`](job::Job) reads the files of an export (NDJSON; plain, gzip or zstd), finds each claim's values along a
//! plan compiled from the crosswalk (`schemas/`), and hands rows to a [`Sink`](write::Sink): CSV files or Arrow record
//! batches. Amounts go from the JSON's digits to the table's digits and never through a float's arithmetic; whatever is
//! left out or left blank is counted in the [`Report`](report::Report).
//!
//! ```
//! use claimfeed::job::{Job, Silent};
//! use claimfeed::sandbox::Synth;
//! use claimfeed::write::arrow::ArrowSink;
//! use claimfeed::Api;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // An export to try things on: invented people, realistic shapes.
//! let export = tempfile::tempdir()?;
//! Synth { beneficiaries: 3, ..Synth::new(Api::V3) }.write(export.path())?;
//!
//! // Every CCLF table as Arrow record batches, in input order.
//! let mut lines = 0;
//! let mut sink = ArrowSink::new(|table, batch| {
//!     if table == "CCLF5" {
//!         lines += batch.num_rows();
//!     }
//!     Ok(())
//! });
//! let report = Job::new([export.path()])?.run(&mut sink, &mut Silent)?;
//! drop(sink);
//!
//! assert_eq!(report.tables["CCLF5"], lines as u64);
//! assert!(report.reconciles());
//! # Ok(())
//! # }
//! ```
//!
//! The stages, in the order of the data: [`read`] files into chunks of lines, [`parse`] lines into records,
//! [`crosswalk`] records into rows, [`mod@write`] rows into files, [`job`] all of it, [`report`] what happened,
//! [`reconcile`] in against out.
//! [`mod@split`] cuts an export for engines with schedulers of their own, [`fetch`] brings exports from a server,
//! [`sandbox`] makes synthetic ones, [`bench`](mod@bench) measures the stages.

pub mod api;
pub mod bench;
pub mod crosswalk;
pub mod disk;
pub mod error;
pub mod fetch;
pub mod job;
pub mod parse;
pub mod pseudonym;
pub mod read;
pub mod reconcile;
pub mod report;
pub mod sandbox;
pub mod split;
pub mod write;

pub use api::Api;
pub use error::{Error, Result};
