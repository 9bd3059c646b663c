//! Keyed hashes as short texts, for what nobody joins by.

use aws_lc_rs::hmac;

/// No vowels: no token is a word or anybody's name.
const CONSONANTS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LETTERS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Letters of a name: of 20^12 two are the same at odds of one to 2^51 for a pair.
const NAME: usize = 12;
/// Letters of a number.
const NUMBER: usize = 11;

/// Appends what stands for a name, a street, a city.
pub fn name(key: &hmac::Key, text: &[u8], width: usize, out: &mut Vec<u8>) {
    token(key, text, CONSONANTS, NAME.min(width), out);
}

/// Appends what stands for a number that cannot be permuted.
pub fn number(key: &hmac::Key, text: &[u8], width: usize, out: &mut Vec<u8>) {
    token(key, text, LETTERS, NUMBER.min(width), out);
}

fn token(key: &hmac::Key, text: &[u8], letters: &[u8], length: usize, out: &mut Vec<u8>) {
    let mut hash = [0; 16];
    hash.copy_from_slice(&hmac::sign(key, text).as_ref()[..16]);
    let mut number = u128::from_be_bytes(hash);
    for _ in 0..length {
        out.push(letters[(number % letters.len() as u128) as usize]);
        number /= letters.len() as u128;
    }
}
