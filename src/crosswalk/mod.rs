//! The crosswalk: text in, plan out.
//!
//! What a CCLF table is and where each field comes from is data (`schemas/`), not code: [`schema`] reads it,
//! [`path`] parses a cell, [`builder`] compiles all cells of a version into a [`plan`], one tree that [`walk`] visits
//! once per record, [`rows`] makes table rows of what the walk captured. [`oracle`] evaluates the same cells one by one,
//! slowly and obviously, and must always agree.

pub mod amount;
pub mod builder;
mod cell;
pub mod codes;
mod compile;
pub mod diagnosis;
mod draft;
pub mod frames;
pub mod kinds;
pub mod layout;
pub mod oracle;
mod own;
mod parser;
pub mod path;
pub mod picture;
pub mod plan;
pub mod program;
pub mod row;
pub mod rows;
pub mod schema;
mod shape;
mod sheet;
pub mod table;
mod trace;
pub mod walk;
