//! From files to chunks of whole lines.
//!
//! [`source`] finds the files and tells their codec by magic bytes; [`feed`] hands chunks to any number of workers,
//! so that every line belongs to exactly one chunk and knows its line number and byte. Nothing here knows JSON.

pub mod chunk;
pub mod codec;
pub mod feed;
mod plain;
pub mod source;
mod stream;

pub use chunk::{Chunk, Line, Number};
pub use feed::Feed;
pub use source::{Arrivals, Input, Source};

/// A longer line is reported and left out.
pub const MAX_LINE: usize = 64 << 20;

/// Bytes after the last line of a chunk, because parsers load whole vectors.
pub const SPARE: usize = 64;
