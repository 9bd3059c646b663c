//! Exceptions that mirror the command's exit codes.

use claimfeed::Error;
use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyFileNotFoundError, PyKeyboardInterrupt, PyOSError, PyPermissionError};
use pyo3::prelude::*;

create_exception!(
    claimfeed,
    ClaimfeedError,
    PyException,
    "The run failed. `exit_code` is what the command would end with: 1."
);
create_exception!(
    claimfeed,
    UsageError,
    ClaimfeedError,
    "Asked for something that cannot be, such as two API versions in one run: exit code 2."
);
create_exception!(
    claimfeed,
    LossError,
    ClaimfeedError,
    "With `strict`, the first resource or value that would be lost: exit code 3."
);

create_exception!(claimfeed, LoginError, ClaimfeedError, "The server does not accept who is asking: exit code 5.");
create_exception!(
    claimfeed,
    ServerError,
    ClaimfeedError,
    "The server, its job or its files are not what they should be: exit code 6."
);

/// The exception for an error of the engine, with its message.
pub fn raised(error: Error) -> PyErr {
    let message = error.to_string();
    match error {
        Error::Interrupted | Error::Paused => PyKeyboardInterrupt::new_err(()),
        Error::File { source, .. } => match source.kind() {
            std::io::ErrorKind::NotFound => PyFileNotFoundError::new_err(message),
            std::io::ErrorKind::PermissionDenied => PyPermissionError::new_err(message),
            _ => PyOSError::new_err(message),
        },
        error => match error.exit_code() {
            2 => UsageError::new_err(message),
            3 => LossError::new_err(message),
            5 => LoginError::new_err(message),
            6 => ServerError::new_err(message),
            _ => ClaimfeedError::new_err(message),
        },
    }
}

/// Each class knows the exit code that it stands for.
pub fn set_codes(py: Python<'_>) -> PyResult<()> {
    py.get_type::<ClaimfeedError>().setattr("exit_code", 1)?;
    py.get_type::<UsageError>().setattr("exit_code", 2)?;
    py.get_type::<LossError>().setattr("exit_code", 3)?;
    py.get_type::<LoginError>().setattr("exit_code", 5)?;
    py.get_type::<ServerError>().setattr("exit_code", 6)
}

/// Asked for something that cannot be.
pub fn usage(message: impl Into<String>) -> PyErr {
    raised(Error::Usage(message.into()))
}

/// Short for results on their way to Python.
pub trait OrRaise<T> {
    /// The value, or the exception.
    fn or_raise(self) -> PyResult<T>;
}

impl<T> OrRaise<T> for claimfeed::Result<T> {
    fn or_raise(self) -> PyResult<T> {
        self.map_err(raised)
    }
}
