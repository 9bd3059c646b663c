//! The Arrow PyCapsule interface: how Arrow data goes to whoever asks for it, without a copy.
//!
//! A capsule owns what it holds until a consumer moves it out. Only the way out is here: what comes in comes as Arrow IPC
//! bytes, which can be checked, and not as pointers, which cannot.

use arrow::array::{Array, RecordBatch, RecordBatchIterator, StructArray};
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow::ffi_stream::FFI_ArrowArrayStream;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::error::ClaimfeedError;

/// What `__arrow_c_schema__` gives.
pub fn schema<'py>(py: Python<'py>, schema: &Schema) -> PyResult<Bound<'py, PyCapsule>> {
    let schema = FFI_ArrowSchema::try_from(schema).map_err(raised)?;
    PyCapsule::new_with_value(py, schema, c"arrow_schema")
}

/// What `__arrow_c_array__` gives: the schema, and the batch as an array of rows.
pub fn batch<'py>(py: Python<'py>, batch: &RecordBatch) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
    let rows = StructArray::from(batch.clone());
    let array = PyCapsule::new_with_value(py, FFI_ArrowArray::new(&rows.to_data()), c"arrow_array")?;
    Ok((schema(py, batch.schema_ref())?, array))
}

/// What `__arrow_c_stream__` gives. `batches` is asked on the consumer's thread, with the GIL or without.
pub fn stream<'py>(
    py: Python<'py>,
    schema: arrow::datatypes::SchemaRef,
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>> + Send + 'static,
) -> PyResult<Bound<'py, PyCapsule>> {
    let stream = FFI_ArrowArrayStream::new(Box::new(RecordBatchIterator::new(batches, schema)));
    PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
}

fn raised(error: ArrowError) -> PyErr {
    ClaimfeedError::new_err(error.to_string())
}
