//! Compression, told by magic bytes and never by a file's name.

use std::fs::File;
use std::io::{BufReader, Read};

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// not at all
    Plain,
    /// gzip, any number of members
    Gzip,
    /// Zstandard, any number of frames
    Zstd,
}

/// Bytes that [`Codec::detect`] wants to see.
pub const MAGIC: usize = 4;

/// What the compressed side is read in.
const BUFFER: usize = 128 << 10;

impl Codec {
    /// By the first bytes of a file.
    pub fn detect(first: &[u8]) -> Codec {
        match first {
            [0x1F, 0x8B, ..] => Codec::Gzip,
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Codec::Zstd,
            // A skippable frame of Zstandard.
            [n, 0x2A, 0x4D, 0x18, ..] if (0x50..=0x5F).contains(n) => Codec::Zstd,
            _ => Codec::Plain,
        }
    }

    /// A reader of the uncompressed bytes.
    pub fn reader(self, file: File) -> std::io::Result<Box<dyn Read + Send>> {
        let buffered = BufReader::with_capacity(BUFFER, file);
        Ok(match self {
            Codec::Plain => Box::new(buffered),
            Codec::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(buffered)),
            Codec::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(buffered)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magic_bytes_decide() {
        assert_eq!(Codec::detect(b"\x1f\x8b\x08\x00"), Codec::Gzip);
        assert_eq!(Codec::detect(b"\x28\xb5\x2f\xfd"), Codec::Zstd);
        assert_eq!(Codec::detect(b"{\"re"), Codec::Plain);
        assert_eq!(Codec::detect(b""), Codec::Plain);
    }
}
