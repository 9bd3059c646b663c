//! The outer zip of a delivery: all files in it, deflated, dated as the delivery, so that equal tables make equal
//! bytes.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;

use ::zip::write::SimpleFileOptions;
use ::zip::{CompressionMethod, DateTime, ZipWriter};
use tempfile::{NamedTempFile, TempPath};

use super::{BUFFER, Delivered};
use crate::error::{Error, Result};

/// Fills `zip` with these files and gives it back, complete; `target` is for messages.
pub fn write(
    zip: NamedTempFile,
    target: &Path,
    files: &[(String, TempPath)],
    delivered: &Delivered,
) -> Result<NamedTempFile> {
    let trouble = |error: std::io::Error| Error::file("write", target, error);
    let Delivered { year, month, day, hour, minute, second, .. } = *delivered;
    let dated = DateTime::from_date_and_time(year, month, day, hour, minute, second)
        .map_err(|error| Error::Write { table: target.display().to_string(), message: error.to_string() })?;
    let mut writer = ZipWriter::new(BufWriter::with_capacity(BUFFER, zip));
    for (name, path) in files {
        let mut file = File::open(path).map_err(trouble)?;
        let length = file.metadata().map_err(trouble)?.len();
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(dated)
            .unix_permissions(0o600)
            // Deflate never grows a file by as much as the distance between these.
            .large_file(length > 0xF000_0000);
        writer.start_file(name.as_str(), options).map_err(|error| trouble(error.into()))?;
        std::io::copy(&mut BufReader::with_capacity(BUFFER, &mut file), &mut writer).map_err(trouble)?;
    }
    let buffered = writer.finish().map_err(|error| trouble(error.into()))?;
    let zip = buffered.into_inner().map_err(|error| trouble(error.into_error()))?;
    zip.as_file().sync_all().map_err(trouble)?;
    Ok(zip)
}
