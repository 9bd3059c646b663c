//! Schemas of tables before any data is read.

use std::path::PathBuf;

use arrow::datatypes::SchemaRef;
use claimfeed::crosswalk::schema::Schemas;
use claimfeed::split::{self, Options};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::error::{OrRaise, usage};
use crate::{capsule, take};

/// The Arrow schema of a table: `pyarrow.schema(it)`.
#[pyclass(module = "claimfeed", frozen)]
pub struct Schema {
    schema: SchemaRef,
}

#[pymethods]
impl Schema {
    /// Column names in order.
    #[getter]
    fn names(&self) -> Vec<String> {
        names(&self.schema)
    }

    /// Name, Arrow type and metadata of each column.
    #[getter]
    fn columns(&self) -> Vec<(String, String, std::collections::HashMap<String, String>)> {
        let column = |field: &arrow::datatypes::FieldRef| {
            (field.name().clone(), field.data_type().to_string(), field.metadata().clone().into_iter().collect())
        };
        self.schema.fields().iter().map(column).collect()
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        capsule::schema(py, &self.schema)
    }
}

/// Names of a schema's columns.
pub fn names(schema: &SchemaRef) -> Vec<String> {
    schema.fields().iter().map(|field| field.name().clone()).collect()
}

/// See the package.
#[pyfunction]
#[pyo3(signature = (table, api, *, columns=None, keys=false, schemas=None))]
pub fn schema(
    table: &str,
    api: &str,
    columns: Option<Vec<String>>,
    keys: bool,
    schemas: Option<PathBuf>,
) -> PyResult<Schema> {
    let options: Options = take::options(columns, keys, schemas)?;
    let api = take::api(Some(api))?.ok_or_else(|| usage("expected v1, v2 or v3, found `auto`"))?;
    Ok(Schema { schema: split::schema(table, api, &options).or_raise()? })
}

/// Names of all tables, and whether each can be read in splits.
#[pyfunction]
#[pyo3(signature = (*, schemas=None))]
pub fn tables(schemas: Option<PathBuf>) -> PyResult<Vec<(String, bool)>> {
    let schemas = match take::schemas(schemas)? {
        Some(schemas) => schemas,
        None => Schemas::embedded().or_raise()?,
    };
    let table = |table: &claimfeed::crosswalk::schema::Table| (table.layout.table.clone(), split::has_splits(table));
    Ok(schemas.tables.iter().map(table).collect())
}
