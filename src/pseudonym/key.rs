//! The key that pseudonyms hang on: 32 random bytes in a file of 64 hexadecimal digits that nobody else can read.
//!
//! One form and no other, so that a key that was cut, or a password, is an error and not another key. Each kind has a
//! subkey of its own. Nothing here says what is in the file, only how much.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use aws_lc_rs::hmac;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretBox};

use crate::error::{Error, Result};

/// Bytes of a key.
const BYTES: usize = 32;

/// What makes one.
const HINT: &str = "hint: make a key with `(umask 077; openssl rand -hex 32 > key)` and keep it apart from the tables";

/// A secret that makes pseudonyms.
pub struct Key(SecretBox<[u8; BYTES]>);

impl Key {
    /// Reads it; an error if others could, too.
    pub fn open(path: &Path) -> Result<Key> {
        let trouble = |error| Error::file("read", path, error);
        let usage = Error::Usage;
        // Asked before it is opened: opening a pipe would wait for who writes to it.
        if !std::fs::metadata(path).map_err(trouble)?.is_file() {
            let place = path.display();
            return Err(usage(format!("expected a file with a key, found something else: `{place}`\n  {HINT}")));
        }
        let file = File::open(path).map_err(trouble)?;
        // Of the file that is open: what the name means may change meanwhile.
        let meta = file.metadata().map_err(trouble)?;
        let mode = meta.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(usage(format!(
                "expected a key that only its owner can read, found mode {mode:03o}: `{}`\n  hint: `chmod 600` it; if others may have read it, make a new one",
                path.display()
            )));
        }
        let text = read(&file).map_err(trouble)?;
        Key::parse(&text).map_err(|found| {
            let digits = 2 * BYTES;
            usage(format!(
                "expected {digits} hexadecimal digits in a key file, found {found}: `{}`\n  {HINT}",
                path.display()
            ))
        })
    }

    /// Of hexadecimal digits and perhaps one line end; else what was found in place of them.
    fn parse(text: &[u8]) -> std::result::Result<Key, String> {
        let digits = text.strip_suffix(b"\n").unwrap_or(text);
        let digits = digits.strip_suffix(b"\r").unwrap_or(digits);
        if digits.len() > 2 * BYTES {
            return Err("more".to_string());
        }
        if let Some(at) = digits.iter().position(|byte| !byte.is_ascii_hexdigit()) {
            return Err(format!("another character at position {}", at + 1));
        }
        if digits.len() < 2 * BYTES {
            return Err(digits.len().to_string());
        }
        let value = |digit: u8| (digit as char).to_digit(16).unwrap_or(0) as u8;
        Ok(Key(SecretBox::init_with_mut(|bytes: &mut [u8; BYTES]| {
            for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
                *byte = value(pair[0]) << 4 | value(pair[1]);
            }
        })))
    }

    /// A key of its own for a purpose.
    pub(super) fn subkey(&self, purpose: &str) -> Zeroizing<[u8; BYTES]> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.expose_secret());
        let tag = hmac::sign(&key, format!("claimfeed pseudonyms 1: {purpose}").as_bytes());
        let mut subkey = Zeroizing::new([0; BYTES]);
        subkey.copy_from_slice(tag.as_ref());
        subkey
    }

    /// The same as a key of hashes.
    pub(super) fn keyed(&self, purpose: &str) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.subkey(purpose).as_ref())
    }

    /// The first bytes of a subkey that is used for nothing else, as hexadecimal digits.
    pub(super) fn check(&self) -> String {
        self.subkey("check")[..8].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// At most what is needed to see that there is too much.
fn read(file: &File) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(Vec::with_capacity(2 * BYTES + 4));
    file.take(2 * BYTES as u64 + 4).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A key that is another one for another number.
    pub fn key(number: u8) -> Key {
        Key(SecretBox::init_with_mut(|bytes: &mut [u8; BYTES]| bytes.fill(number)))
    }

    #[test]
    fn one_form_and_no_other() {
        let digits = "00ff10".repeat(11)[..64].to_string();
        let check = |text: &str| Key::parse(text.as_bytes()).map(|key| key.check());
        let sound = check(&digits).unwrap();
        assert_eq!(sound.len(), 16);
        assert_eq!(check(&format!("{digits}\n")).as_ref(), Ok(&sound));
        assert_eq!(check(&format!("{digits}\r\n")).as_ref(), Ok(&sound));
        assert_eq!(check(&digits.to_uppercase()).as_ref(), Ok(&sound));
        assert_ne!(check(&digits.replace('1', "2")).as_ref(), Ok(&sound));
        let faults = [
            (digits[1..].to_string(), "63"),
            (String::new(), "0"),
            (format!("{digits}0"), "more"),
            (format!("{digits}\n\n"), "more"),
            (format!("{}\n\n", &digits[2..]), "another character at position 63"),
            (format!(" {}", &digits[1..]), "another character at position 1"),
            (format!("{}g", &digits[1..]), "another character at position 64"),
        ];
        for (text, found) in faults {
            assert_eq!(check(&text), Err(found.to_string()));
        }
    }

    #[test]
    fn purposes_have_keys_of_their_own() {
        assert_ne!(key(1).subkey("id")[..], key(1).subkey("mbi")[..]);
        assert_ne!(key(1).subkey("id")[..], key(2).subkey("id")[..]);
    }
}
