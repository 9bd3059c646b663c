//! Splits as Python objects that pickle.

use std::path::PathBuf;

use claimfeed::report::Report;
use claimfeed::split;
use pyo3::prelude::*;
use pyo3::types::PyType;

use crate::context::Context;
use crate::error::{OrRaise, usage};
use crate::rows::{Origin, Rows, json};
use crate::take::{self, Paths};

/// Some lines of one file. Pickles, and travels as JSON.
#[pyclass(module = "claimfeed", frozen, eq, from_py_object)]
#[derive(Clone, PartialEq)]
pub struct Split {
    pub(crate) split: split::Split,
}

#[pymethods]
impl Split {
    /// The file.
    #[getter]
    fn path(&self) -> PathBuf {
        self.split.path.clone()
    }

    /// Bytes: lines whose first byte is here or behind.
    #[getter]
    fn start(&self) -> u64 {
        self.split.start
    }

    /// Bytes: ... and before this.
    #[getter]
    fn end(&self) -> u64 {
        self.split.end
    }

    /// v1, v2 or v3.
    #[getter]
    fn api(&self) -> &'static str {
        self.split.api.name()
    }

    /// `ExplanationOfBenefit` if the file begins with one, else empty.
    #[getter]
    fn resource(&self) -> &str {
        &self.split.resource
    }

    /// As one line of JSON.
    fn to_json(&self) -> PyResult<String> {
        json(&self.split)
    }

    /// From [`to_json`](Split::to_json)'s text.
    #[classmethod]
    fn from_json(_: &Bound<'_, PyType>, text: &str) -> PyResult<Split> {
        let split = serde_json::from_str(text);
        Ok(Split { split: split.map_err(|error| usage(format!("expected a split as JSON: {error}")))? })
    }

    fn __reduce__(this: &Bound<'_, Split>) -> PyResult<(Py<PyAny>, (String,))> {
        Ok((this.get_type().getattr("from_json")?.unbind(), (this.get().to_json()?,)))
    }

    fn __repr__(&self) -> String {
        let split = &self.split;
        format!("Split({}, bytes {}..{} of {})", split.path.display(), split.start, split.end, split.size)
    }
}

/// See the package.
#[pyfunction]
#[pyo3(signature = (inputs, target_bytes=134_217_728, *, api=None))]
pub fn plan(py: Python<'_>, inputs: Paths, target_bytes: u64, api: Option<&str>) -> PyResult<Vec<Split>> {
    let (inputs, api): (Vec<PathBuf>, _) = (inputs.into(), take::api(api)?);
    let splits = py.detach(|| split::plan_as(&inputs, target_bytes, api)).or_raise()?;
    Ok(splits.into_iter().map(|split| Split { split }).collect())
}

/// See the package.
#[pyfunction]
#[pyo3(signature = (split, table, context=None, *, columns=None, keys=false, strict=false, threads=1, verify="used", schemas=None))]
#[allow(clippy::too_many_arguments, reason = "Python names them")]
pub fn read_split(
    split: &Split,
    table: &str,
    context: Option<&Context>,
    columns: Option<Vec<String>>,
    keys: bool,
    strict: bool,
    threads: usize,
    verify: &str,
    schemas: Option<PathBuf>,
) -> PyResult<Rows> {
    let verify = take::verify(verify)?;
    let options = split::Options { strict, threads, verify, ..take::options(columns, keys, schemas)? };
    let nobody = split::Context::default();
    let context = context.map_or(&nobody, |context| &context.context);
    Ok(Rows::new(Origin::Split(Box::new(split.split.read(table, context, &options).or_raise()?))))
}

/// Adds up reports given as JSON.
#[pyfunction]
pub fn sum_reports(reports: Vec<String>) -> PyResult<String> {
    let read = |text: &String| serde_json::from_str::<Report>(text);
    let reports: Result<Vec<Report>, _> = reports.iter().map(read).collect();
    let reports = reports.map_err(|error| usage(format!("expected reports of claimfeed: {error}")))?;
    json(&split::sum(&reports))
}
