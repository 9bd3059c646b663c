//! claimfeed for Python. The package `claimfeed` (beside this crate) documents what a user sees; here Python's objects meet the
//! engine's: paths and options come in, Arrow streams, reports and exceptions go out. Nothing is computed here.

mod capsule;
mod context;
mod convert;
mod error;
mod fetch;
mod rows;
mod schema;
mod split;
mod take;
mod wait;

use pyo3::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[pymodule]
mod _claimfeed {
    #[pymodule_export]
    use super::context::{Context, context};
    #[pymodule_export]
    use super::convert::{convert, exit_code, read, reconcile};
    #[pymodule_export]
    use super::error::{ClaimfeedError, LoginError, LossError, ServerError, UsageError};
    #[pymodule_export]
    use super::fetch::fetch;
    #[pymodule_export]
    use super::rows::{Batch, Rows};
    #[pymodule_export]
    use super::schema::{Schema, schema, tables};
    #[pymodule_export]
    use super::split::{Split, plan, read_split, sum_reports};

    use super::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::error::set_codes(module.py())?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
