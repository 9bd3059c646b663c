//! The Arrow schema of a table before any data is read, and batches cut to the columns that were asked for.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::options::{Options, PLACE, is_population};
use crate::api::Api;
use crate::crosswalk::schema::Schemas;
use crate::error::{Error, Result};
use crate::job::Job;
use crate::write::arrow as batches;
use crate::write::{OutTable, SUMMARY_TABLE};

/// The schema of a table, any of `claimfeed schema`'s, as [`Split::read`](super::Split::read) or
/// [`read`](super::read) gives it.
pub fn schema(table: &str, api: Api, options: &Options) -> Result<SchemaRef> {
    if table.eq_ignore_ascii_case(SUMMARY_TABLE) {
        return Ok(batches::schema(&OutTable::summary()));
    }
    if table.eq_ignore_ascii_case(super::VERSIONS) {
        return Ok(super::versions::schema());
    }
    let schemas = options.schemas.clone().map_or_else(Schemas::embedded, Ok)?;
    match schemas.table(table).filter(|table| is_population(table)) {
        Some(known) => {
            let out = OutTable::of(known, options.keys, false).explained(known, schemas.version(api));
            project(&batches::schema(&out), &options.columns)
        }
        None => of_job(&options.job(Some(table), api)?, options),
    }
}

/// The schema of a job of one table.
pub(super) fn of_job(job: &Job, options: &Options) -> Result<SchemaRef> {
    project(full(job)?.as_ref(), &options.columns)
}

fn full(job: &Job) -> Result<SchemaRef> {
    let known = job.tables.first().and_then(|name| job.schemas.table(name)).zip(job.api);
    let (known, api) = known.ok_or_else(|| Error::Usage("expected one table and an API version".to_string()))?;
    let schema = batches::schema(&OutTable::of(known, job.lineage, false).explained(known, job.schemas.version(api)));
    Ok(if job.lineage { placed_schema(&schema) } else { schema })
}

/// With [`PLACE`] for the last columns in place of a run's lineage.
fn placed_schema(schema: &Schema) -> SchemaRef {
    let kept = schema.fields().len() - 1;
    let [_, _, byte, number] = PLACE;
    let place = [Field::new(byte, DataType::Int64, false), Field::new(number, DataType::Int32, false)];
    let fields: Vec<_> = schema.fields()[..kept].iter().cloned().chain(place.map(Arc::new)).collect();
    Arc::new(Schema::new(fields).with_metadata(schema.metadata().clone()))
}

/// The same of a batch: of a part, the last column of lineage tells bytes.
pub(super) fn placed(batch: &RecordBatch, file: u32) -> Result<RecordBatch> {
    let kept = batch.num_columns() - 1;
    let bytes = cast(batch.column(kept), &DataType::Int64).map_err(|error| trouble(&error))?;
    let files: ArrayRef = Arc::new(Int32Array::from_value(file as i32, batch.num_rows()));
    let columns = batch.columns()[..kept].iter().cloned().chain([bytes, files]).collect();
    RecordBatch::try_new(placed_schema(&batch.schema()), columns).map_err(|error| trouble(&error))
}

fn trouble(error: &dyn std::fmt::Display) -> Error {
    Error::Write { table: "a record batch".to_string(), message: error.to_string() }
}

/// With these columns in this order; none: all.
pub(super) fn project(schema: &Schema, columns: &[String]) -> Result<SchemaRef> {
    if columns.is_empty() {
        return Ok(Arc::new(schema.clone()));
    }
    let unknown = |column: &String| Error::Usage(format!("expected columns of the table, found `{column}`"));
    let at = |column: &String| schema.index_of(column).map_err(|_| unknown(column));
    let indices = columns.iter().map(at).collect::<Result<Vec<usize>>>()?;
    schema.project(&indices).map(Arc::new).map_err(|error| Error::Usage(error.to_string()))
}

/// The columns of a projected schema.
pub(super) fn cut(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let column = |name: &String| batch.column_by_name(name).cloned();
    let columns = schema.fields().iter().filter_map(|field| column(field.name())).collect();
    RecordBatch::try_new(schema.clone(), columns).map_err(|error| trouble(&error))
}
