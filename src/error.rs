//! What ends a job.
//!
//! An [`Error`] is about the world: a folder that cannot be written, a schema that does not compile, two API
//! versions in one run. Trouble in the data is an [`Issue`](crate::report::Issue) and ends nothing.
//! Wording: what was expected, what was found, where. A message never carries a value of the data.

use std::path::{Path, PathBuf};

/// The result of everything in this crate that can end a job.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a job ended. [`Error::exit_code`] tells a caller what the command would exit with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The command or the job asks for something that cannot be: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// A file or folder did not do what was asked of it.
    #[error("cannot {verb} `{}`: {source}", path.display())]
    File {
        /// what was tried, in the infinitive: `read`, `create`
        verb: &'static str,
        /// where
        path: PathBuf,
        /// what the system said
        source: std::io::Error,
    },
    /// A cell of the schemas does not read.
    #[error("{file}, row {row}, `{field}`: {message}")]
    Schema {
        /// file name inside the schemas folder
        file: String,
        /// 1-based, the header is row 1
        row: usize,
        /// the field or map the row is about
        field: String,
        /// expectation and finding, with the column inside the cell where one is known
        message: String,
    },
    /// The export mixes API versions, whose ids do not join.
    #[error(
        "expected one API version in a run, found {found} beside {expected}: `{}`, line {line}\n  hint: convert each version's files into an output folder of its own",
        file.display()
    )]
    MixedVersions {
        /// the run's version
        expected: &'static str,
        /// the other one
        found: &'static str,
        /// where it was found
        file: PathBuf,
        /// 1-based
        line: u64,
    },
    /// The caller asked to stop.
    #[error("interrupted: nothing was written")]
    Interrupted,
    /// The caller asked to stop while something was fetched.
    #[error("interrupted: what is whole stays, the same command goes on from there")]
    Paused,
    /// The server does not accept who is asking: exit code 5.
    #[error("{0}")]
    Login(String),
    /// The server, its job or its files are not what they should be: exit code 6.
    #[error("{0}")]
    Remote(String),
    /// The job or its files are gone for good, and the next start begins anew: exit code 6.
    #[error("{0}")]
    Gone(String),
    /// With `--strict`, the first issue.
    #[error("{0}")]
    Strict(String),
    /// An encoder or sink of another library gave up.
    #[error("cannot write {table}: {message}")]
    Write {
        /// table of the failing sink
        table: String,
        /// what the library said
        message: String,
    },
}

impl Error {
    /// Names the file and the verb of an I/O error.
    pub fn file(verb: &'static str, path: &Path, source: std::io::Error) -> Self {
        Error::File { verb, path: path.to_path_buf(), source }
    }

    /// 1 the run failed, 2 it was asked for something that cannot be, 3 strict mode met an issue, 5 login refused, 6 job or
    /// server failed, 130 interrupted.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Usage(_) | Error::Schema { .. } | Error::MixedVersions { .. } => 2,
            Error::Strict(_) => 3,
            Error::Login(_) => 5,
            Error::Remote(_) | Error::Gone(_) => 6,
            Error::Interrupted | Error::Paused => 130,
            _ => 1,
        }
    }
}
