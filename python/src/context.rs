//! Patients and their MBIs, which every split needs.

use std::path::PathBuf;

use arrow::array::StructArray;
use claimfeed::split;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::PyTable;
use pyo3_arrow::ffi::{ArrayIterator, to_stream_pycapsule};

use crate::error::OrRaise;
use crate::rows::{json, row};
use crate::split::Split;
use crate::{take, wait};

/// Patients and their MBIs: an Arrow table of `patient_id` and `mbi`.
#[pyclass(module = "claimfeed", frozen)]
pub struct Context {
    pub(crate) context: split::Context,
    report: Option<String>,
}

#[pymethods]
impl Context {
    /// From any Arrow table or stream with these columns; none: nobody is known.
    #[new]
    #[pyo3(signature = (table=None))]
    fn new(table: Option<PyTable>) -> PyResult<Context> {
        let batches = table.map_or(Vec::new(), |table| table.into_inner().0);
        Ok(Context { context: split::Context::from_arrow(batches).or_raise()?, report: None })
    }

    fn __len__(&self) -> usize {
        self.context.len()
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let batch = self.context.to_arrow().or_raise()?;
        let row = row(batch.schema_ref());
        let array: arrow::array::ArrayRef = std::sync::Arc::new(StructArray::from(batch));
        Ok(to_stream_pycapsule(py, Box::new(ArrayIterator::new(std::iter::once(Ok(array)), row)), requested_schema)?)
    }

    /// JSON of the report, if the context was read and not given.
    fn _report(&self) -> Option<&str> {
        self.report.as_deref()
    }
}

/// See the package.
#[pyfunction]
#[pyo3(signature = (splits, *, thorough=false, threads=1, schemas=None))]
pub fn context(
    py: Python<'_>,
    splits: Vec<Split>,
    thorough: bool,
    threads: usize,
    schemas: Option<PathBuf>,
) -> PyResult<Context> {
    let options = split::Options { thorough, threads, ..take::options(None, false, schemas)? };
    let splits: Vec<split::Split> = splits.into_iter().map(|split| split.split).collect();
    let (context, report) = wait::interruptible(py, |_| split::Context::of(&splits, &options))?;
    Ok(Context { context, report: Some(json(&report)?) })
}
