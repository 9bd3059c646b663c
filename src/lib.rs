//! claimfeed
pub mod crosswalk;
pub mod error;
pub mod parse;
pub use error::{Error, Result};
