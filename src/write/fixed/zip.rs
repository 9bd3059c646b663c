//! The outer zip of a delivery: all files in it, deflated, dated as the delivery, so that equal tables make equal
//! bytes.

use std::fs::File;
use std::io::BufReader;

use ::zip::write::SimpleFileOptions;
use ::zip::{CompressionMethod, DateTime, ZipWriter};

use super::Delivered;
use crate::error::{Error, Result};
use crate::write::files::{BUFFER, Growing, Place};

/// Fills `zip`, which is for `place`, with complete files and gives it back.
pub fn write(zip: Growing, place: &Place, files: &[Place], delivered: &Delivered) -> Result<Growing> {
    let trouble = |error: std::io::Error| place.trouble(error);
    let Delivered { year, month, day, hour, minute, second, .. } = *delivered;
    let dated = DateTime::from_date_and_time(year, month, day, hour, minute, second)
        .map_err(|error| Error::Write { table: place.name(), message: error.to_string() })?;
    let mut writer = ZipWriter::new(zip);
    for table in files {
        let mut file = File::open(table.hidden()).map_err(trouble)?;
        let length = file.metadata().map_err(trouble)?.len();
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(dated)
            .unix_permissions(0o600)
            // Deflate never grows a file by as much as the distance between these.
            .large_file(length > 0xF000_0000);
        writer.start_file(table.name(), options).map_err(|error| trouble(error.into()))?;
        std::io::copy(&mut BufReader::with_capacity(BUFFER, &mut file), &mut writer).map_err(trouble)?;
    }
    writer.finish().map_err(|error| trouble(error.into()))
}
