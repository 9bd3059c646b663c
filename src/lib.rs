//! claimfeed
pub mod api;
pub mod crosswalk;
pub mod error;
pub mod parse;
pub mod read;
pub mod job;
pub mod report;
pub mod write;
pub use api::Api;
pub use error::{Error, Result};
