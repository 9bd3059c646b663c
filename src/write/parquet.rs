//! How Parquet files are written: small enough to fit memory while they grow, large enough to be read fast.

use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;

/// Encoded bytes of a row group at most. A group stays in memory until it is complete, and all tables grow at once.
const BYTES: usize = 8 << 20;

/// Bytes of a page, and of a column's dictionary, at most: a quarter of what is usual, since three hundred columns grow at once.
const PAGE: usize = 256 << 10;

/// Compression, dictionaries (the default for every column, given up where they do not pay) and sizes of row groups.
/// `rows` of a row group at most.
pub fn properties(rows: usize) -> Result<WriterProperties> {
    Ok(WriterProperties::builder()
        .set_created_by(concat!("claimfeed ", env!("CARGO_PKG_VERSION")).to_string())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(rows))
        .set_max_row_group_bytes(Some(BYTES))
        .set_data_page_size_limit(PAGE)
        .set_dictionary_page_size_limit(PAGE)
        .build())
}
