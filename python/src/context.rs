//! Patients and their MBIs, which every split needs.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use claimfeed::split;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyType};

use crate::error::{ClaimfeedError, OrRaise, usage};
use crate::rows::json;
use crate::split::Split;
use crate::{capsule, take, wait};

/// Patients and their MBIs: an Arrow table of `patient_id` and `mbi`.
#[pyclass(module = "claimfeed", frozen)]
pub struct Context {
    pub(crate) context: split::Context,
    report: Option<String>,
}

impl Context {
    fn given(context: split::Context) -> Context {
        Context { context, report: None }
    }
}

#[pymethods]
impl Context {
    /// From pairs of Patient.id and MBI; none: nobody is known.
    #[new]
    #[pyo3(signature = (people=None))]
    fn new(people: Option<&Bound<'_, PyAny>>) -> PyResult<Context> {
        let mut pairs: Vec<(String, Option<String>)> = Vec::new();
        for pair in people.map(|people| people.try_iter()).transpose()?.into_iter().flatten() {
            pairs.push(pair?.extract()?);
        }
        let (ids, numbers): (Vec<String>, Vec<Option<String>>) = pairs.into_iter().unzip();
        let columns: [(&str, ArrayRef); 2] =
            [("patient_id", Arc::new(StringArray::from(ids))), ("mbi", Arc::new(StringArray::from(numbers)))];
        let batch = RecordBatch::try_from_iter(columns).map_err(|error| ClaimfeedError::new_err(error.to_string()))?;
        split::Context::from_arrow([batch]).or_raise().map(Context::given)
    }

    /// From an Arrow IPC stream with the columns `patient_id` and `mbi`.
    #[classmethod]
    fn from_ipc(_: &Bound<'_, PyType>, data: &[u8]) -> PyResult<Context> {
        let wrong = |error| usage(format!("expected an Arrow IPC stream: {error}"));
        let batches = StreamReader::try_new(data, None).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        split::Context::from_arrow(batches.map_err(wrong)?).or_raise().map(Context::given)
    }

    /// As an Arrow IPC stream.
    fn to_ipc<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let batch = self.context.to_arrow().or_raise()?;
        let bytes = StreamWriter::try_new(Vec::new(), batch.schema_ref()).and_then(|mut writer| {
            writer.write(&batch)?;
            writer.into_inner()
        });
        Ok(PyBytes::new(py, &bytes.map_err(|error| ClaimfeedError::new_err(error.to_string()))?))
    }

    fn __reduce__<'py>(this: &Bound<'py, Context>) -> PyResult<(Py<PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((this.get_type().getattr("from_ipc")?.unbind(), (this.get().to_ipc(this.py())?,)))
    }

    fn __len__(&self) -> usize {
        self.context.len()
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        let batch = self.context.to_arrow().or_raise()?;
        capsule::stream(py, batch.schema(), std::iter::once(Ok(batch)))
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
    let (context, report) = wait::interruptible(py, |stop| split::Context::observed(&splits, &options, stop))?;
    Ok(Context { context, report: Some(json(&report)?) })
}
