//! Rows on their way to Python: an Arrow stream without a copy, or batch by batch.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use claimfeed::report::Report;
use claimfeed::split::{Reader, Whole};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::capsule;
use crate::error::{ClaimfeedError, OrRaise, raised};
use crate::schema::names;
use crate::wait::TICK;

/// Where batches come from.
pub enum Origin {
    /// a split, as it is read
    Split(Box<Reader>),
    /// a whole export, read already
    Whole(Box<Whole>),
}

/// One origin, whoever asks.
struct Shared {
    origin: Mutex<Origin>,
    schema: SchemaRef,
    /// signals are the business of the thread that made the object
    owner: ThreadId,
}

/// What ends the rows early.
enum Trouble {
    Engine(claimfeed::Error),
    Signal(PyErr),
}

impl Shared {
    fn origin(&self) -> MutexGuard<'_, Origin> {
        self.origin.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be called without the GIL.
    fn next(&self) -> Option<Result<RecordBatch, Trouble>> {
        let mut origin = self.origin();
        let reader = match &mut *origin {
            Origin::Whole(whole) => return whole.next().map(|batch| batch.map_err(Trouble::Engine)),
            Origin::Split(reader) => reader,
        };
        let mut patience = Duration::ZERO;
        loop {
            if let Ok(next) = reader.wait(patience) {
                return next.map(|batch| batch.map_err(Trouble::Engine));
            }
            patience = TICK;
            if std::thread::current().id() == self.owner
                && let Err(error) = Python::attach(|py| py.check_signals())
            {
                return Some(Err(Trouble::Signal(error)));
            }
        }
    }
}

/// Rows of one table. Give it to pyarrow, Polars, DuckDB, pandas or anything else that takes an Arrow stream, or go
/// through its batches. Either way it gives its rows once.
#[pyclass(module = "claimfeed", frozen)]
pub struct Rows {
    shared: Arc<Shared>,
    taken: Mutex<bool>,
}

impl Rows {
    /// Of a split or a whole export.
    pub fn new(origin: Origin) -> Rows {
        let schema = match &origin {
            Origin::Split(reader) => reader.schema(),
            Origin::Whole(whole) => whole.schema(),
        };
        let owner = std::thread::current().id();
        Rows { shared: Arc::new(Shared { origin: Mutex::new(origin), schema, owner }), taken: Mutex::new(false) }
    }
}

#[pymethods]
impl Rows {
    /// Column names in order.
    #[getter]
    fn column_names(&self) -> Vec<String> {
        names(&self.shared.schema)
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        capsule::schema(py, &self.shared.schema)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // The interface lets a producer give what it has.
        let _ = requested_schema;
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *taken, true) {
            return Err(ClaimfeedError::new_err(
                "expected rows that nobody has taken, found them taken: they are given once",
            ));
        }
        let shared = self.shared.clone();
        let batches = std::iter::from_fn(move || shared.next()).map(|next| next.map_err(arrow_error));
        capsule::stream(py, self.shared.schema.clone(), batches)
    }

    fn __iter__(this: Bound<'_, Rows>) -> PyResult<Bound<'_, Rows>> {
        *this.get().taken.lock().unwrap_or_else(PoisonError::into_inner) = true;
        Ok(this)
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Batch>> {
        match py.detach(|| self.shared.next()) {
            None => Ok(None),
            Some(Ok(batch)) => Ok(Some(Batch { batch })),
            Some(Err(Trouble::Engine(error))) => Err(raised(error)),
            Some(Err(Trouble::Signal(error))) => Err(error),
        }
    }

    /// The report as JSON. Of a split it is there when its rows have been read; what is left of them is dropped.
    fn _report(&self, py: Python<'_>) -> PyResult<String> {
        let report: claimfeed::Result<Report> = py.detach(|| match &mut *self.shared.origin() {
            Origin::Split(reader) => reader.report(),
            Origin::Whole(whole) => Ok(whole.report.clone()),
        });
        json(&report.or_raise()?)
    }
}

/// A record batch.
#[pyclass(module = "claimfeed", frozen)]
pub struct Batch {
    batch: RecordBatch,
}

#[pymethods]
impl Batch {
    /// Rows of the batch.
    #[getter]
    fn num_rows(&self) -> usize {
        self.batch.num_rows()
    }

    fn __len__(&self) -> usize {
        self.batch.num_rows()
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        capsule::schema(py, self.batch.schema_ref())
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        let _ = requested_schema;
        capsule::batch(py, &self.batch)
    }
}

/// Stream interfaces carry texts only. An interruption is raised again in the main thread, where it belongs.
fn arrow_error(trouble: Trouble) -> ArrowError {
    match trouble {
        Trouble::Engine(error) => ArrowError::ExternalError(Box::new(error)),
        Trouble::Signal(error) => {
            Python::attach(|py| {
                if error.is_instance_of::<PyKeyboardInterrupt>(py) {
                    // Without it the interruption would be lost in the consumer's own exception.
                    let _ = py.import("_thread").and_then(|thread| thread.call_method0("interrupt_main"));
                }
            });
            ArrowError::ExternalError("interrupted".into())
        }
    }
}

/// A report's JSON.
pub fn json(value: &impl serde::Serialize) -> PyResult<String> {
    serde_json::to_string(value).map_err(|error| ClaimfeedError::new_err(error.to_string()))
}
