//! The versions of claims in a split, for SQL to tell which of them counts.
//!
//! Deliveries overlap, and which version of a claim is the newest is known when all splits are read. A claim that a
//! rule leaves out still takes the place of its older versions, so there is a row for it too, though no table has one.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryBuilder, Int32Builder, Int64Builder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::context::Context;
use super::options::PLACE;
use super::plan::Split;
use super::read::{Sent, Watch, told};
use crate::error::{Error, Result};
use crate::job::{Job, Piece, Standing, Version};
use crate::report::Report;

/// The name that asks for versions in place of a table.
pub const VERSIONS: &str = "VERSIONS";

/// Rows of one batch.
const ROWS: usize = 64 << 10;

/// Always 16 bytes; not of fixed width, which some engines do not read.
const KEY: DataType = DataType::Binary;

/// - `claim_key`: 16 bytes, equal for equal resource ids
/// - `updated`: nanoseconds since 1970; null if the claim does not say
/// - `source_number`, `source_byte`: where it stands in the input, as in [`PLACE`]
/// - `delivery`, `group_key`, `prior_key`, `standing`: what tells claims of other deliveries that it replaces (16 bytes,
///   null if it has no such number; `in-force`, `void` or `left-out`); null if the plan is one delivery
pub(super) fn schema() -> SchemaRef {
    let [_, _, byte, number] = PLACE;
    Arc::new(Schema::new(vec![
        Field::new("claim_key", KEY, false),
        Field::new("updated", DataType::Int64, true),
        Field::new(number, DataType::Int32, false),
        Field::new(byte, DataType::Int64, false),
        Field::new("delivery", DataType::Int32, true),
        Field::new("group_key", KEY, true),
        Field::new("prior_key", KEY, true),
        Field::new("standing", DataType::Utf8, true),
    ]))
}

/// What the thread of [`Split::versions`] does.
pub(super) fn send(split: &Split, job: &Job, context: &Context, sent: &Sent) -> Result<Report> {
    let sources = [split.source()?];
    let mut rows = Rows::default();
    let piece = Piece::new(job, &sources, split.delivery.into_iter().collect())?;
    let result = piece.versions(context.people(), &mut Watch::new(split, sent, false), |version| {
        rows.add(&version, split);
        if rows.len < ROWS { Ok(()) } else { rows.hand_on(sent) }
    });
    let report = told(result, split)?;
    rows.hand_on(sent)?;
    Ok(report)
}

#[derive(Default)]
struct Rows {
    keys: BinaryBuilder,
    updated: Int64Builder,
    files: Int32Builder,
    bytes: Int64Builder,
    deliveries: Int32Builder,
    groups: BinaryBuilder,
    priors: BinaryBuilder,
    standings: StringBuilder,
    len: usize,
}

impl Rows {
    fn add(&mut self, version: &Version, split: &Split) {
        let kin = version.kin();
        push(&mut self.keys, Some(version.key()));
        self.updated.append_option(version.updated());
        self.files.append_value(split.file as i32);
        self.bytes.append_value(version.line() as i64);
        self.deliveries.append_option(split.delivery.map(|delivery| delivery as i32));
        push(&mut self.groups, kin.and_then(|kin| kin.group()));
        push(&mut self.priors, kin.and_then(|kin| kin.prior()));
        self.standings.append_option(kin.map(|kin| name(kin.standing())));
        self.len += 1;
    }

    fn hand_on(&mut self, sent: &Sent) -> Result<()> {
        if std::mem::take(&mut self.len) == 0 {
            return Ok(());
        }
        let columns: [ArrayRef; 8] = [
            Arc::new(self.keys.finish()),
            Arc::new(self.updated.finish()),
            Arc::new(self.files.finish()),
            Arc::new(self.bytes.finish()),
            Arc::new(self.deliveries.finish()),
            Arc::new(self.groups.finish()),
            Arc::new(self.priors.finish()),
            Arc::new(self.standings.finish()),
        ];
        let batch = RecordBatch::try_new(schema(), columns.to_vec())
            .map_err(|error| Error::Write { table: VERSIONS.to_string(), message: error.to_string() })?;
        sent.send(batch)
    }
}

fn push(keys: &mut BinaryBuilder, key: Option<u128>) {
    keys.append_option(key.map(u128::to_be_bytes));
}

fn name(standing: Standing) -> &'static str {
    match standing {
        Standing::InForce => "in-force",
        Standing::Void => "void",
        Standing::LeftOut => "left-out",
        Standing::Partial => "partial",
        Standing::Adjudicated => "adjudicated",
    }
}
