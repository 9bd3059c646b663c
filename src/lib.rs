//! claimfeed
pub mod api;
pub mod crosswalk;
pub mod error;
pub mod job;
pub mod parse;
pub mod read;
pub mod report;
pub mod sandbox;
pub mod write;
pub use api::Api;
pub use error::{Error, Result};
