//! Writes JSON the way Go's encoder does, straight into a byte buffer.
//!
//! The caller names the keys, in alphabetical order, and this module puts commas, escapes and numbers. It holds no
//! tree: a claim is written once, from left to right, and the buffer is used again for the next one. It does not check
//! that keys are sorted; a test does, over every resource.

use crate::sandbox::date::Date;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Bytes that Go does not write as they are: controls, quote, backslash, `<`, `>`, `&`, and 0xE2, which may open
/// U+2028 or U+2029.
const PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut byte = 0;
    while byte < 0x20 {
        plain[byte] = false;
        byte += 1;
    }
    plain[b'"' as usize] = false;
    plain[b'\\' as usize] = false;
    plain[b'<' as usize] = false;
    plain[b'>' as usize] = false;
    plain[b'&' as usize] = false;
    plain[0xE2] = false;
    plain
};

/// A JSON text under construction.
#[derive(Debug, Default)]
pub struct Json {
    out: Vec<u8>,
}

impl Json {
    pub fn bytes(&self) -> &[u8] {
        &self.out
    }

    pub fn clear(&mut self) {
        self.out.clear();
    }

    /// A comma, unless this is the first member or the value of a key.
    fn part(&mut self) {
        match self.out.last() {
            None | Some(b'{' | b'[' | b':') => {}
            Some(_) => self.out.push(b','),
        }
    }

    /// Text that is JSON already.
    pub fn raw(&mut self, json: &str) -> &mut Json {
        self.part();
        self.out.extend_from_slice(json.as_bytes());
        self
    }

    /// `"name":`; names need no escaping.
    pub fn key(&mut self, name: &str) -> &mut Json {
        self.part();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self
    }

    pub fn object(&mut self, members: impl FnOnce(&mut Json)) -> &mut Json {
        self.part();
        self.out.push(b'{');
        members(self);
        self.out.push(b'}');
        self
    }

    pub fn array(&mut self, elements: impl FnOnce(&mut Json)) -> &mut Json {
        self.part();
        self.out.push(b'[');
        elements(self);
        self.out.push(b']');
        self
    }

    /// Ends an object that `raw` began.
    pub fn close(&mut self) -> &mut Json {
        self.out.push(b'}');
        self
    }

    /// An array under `name`, or nothing when `elements` writes nothing.
    pub fn list(&mut self, name: &str, elements: impl FnOnce(&mut Json)) -> &mut Json {
        let before = self.out.len();
        self.key(name);
        self.out.push(b'[');
        let start = self.out.len();
        elements(self);
        if self.out.len() == start {
            self.out.truncate(before);
        } else {
            self.out.push(b']');
        }
        self
    }

    pub fn string(&mut self, text: &str) -> &mut Json {
        self.part();
        self.out.push(b'"');
        self.escaped(text);
        self.out.push(b'"');
        self
    }

    /// `"before` + `text` + `"`: a url or reference with a variable end.
    pub fn joined(&mut self, before: &str, text: &str) -> &mut Json {
        self.part();
        self.out.push(b'"');
        self.out.extend_from_slice(before.as_bytes());
        self.escaped(text);
        self.out.push(b'"');
        self
    }

    fn escaped(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        while let Some(at) = rest.iter().position(|byte| !PLAIN[*byte as usize]) {
            self.out.extend_from_slice(&rest[..at]);
            let byte = rest[at];
            let mut used = 1;
            match byte {
                b'"' | b'\\' => self.out.extend_from_slice(&[b'\\', byte]),
                b'\n' => self.out.extend_from_slice(b"\\n"),
                b'\r' => self.out.extend_from_slice(b"\\r"),
                b'\t' => self.out.extend_from_slice(b"\\t"),
                0x08 => self.out.extend_from_slice(b"\\b"),
                0x0C => self.out.extend_from_slice(b"\\f"),
                0xE2 if rest[at..].starts_with("\u{2028}".as_bytes()) => {
                    self.out.extend_from_slice(b"\\u2028");
                    used = 3;
                }
                0xE2 if rest[at..].starts_with("\u{2029}".as_bytes()) => {
                    self.out.extend_from_slice(b"\\u2029");
                    used = 3;
                }
                0xE2 => self.out.push(byte),
                _ => {
                    self.out.extend_from_slice(b"\\u00");
                    self.out.push(HEX[(byte >> 4) as usize]);
                    self.out.push(HEX[(byte & 15) as usize]);
                }
            }
            rest = &rest[at + used..];
        }
        self.out.extend_from_slice(rest);
    }

    pub fn date(&mut self, date: Date) -> &mut Json {
        self.part();
        self.out.push(b'"');
        self.out.extend_from_slice(&date.text());
        self.out.push(b'"');
        self
    }

    /// The day at midnight UTC, as BFD writes a dateTime.
    pub fn midnight(&mut self, date: Date) -> &mut Json {
        self.part();
        self.out.push(b'"');
        self.out.extend_from_slice(&date.text());
        self.out.extend_from_slice(b"T00:00:00+00:00\"");
        self
    }

    pub fn integer(&mut self, number: i64) -> &mut Json {
        self.part();
        self.digits(number);
        self
    }

    fn digits(&mut self, number: i64) {
        let mut text = [0u8; 20];
        let mut at = text.len();
        let mut rest = number.unsigned_abs();
        loop {
            at -= 1;
            text[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if number < 0 {
            self.out.push(b'-');
        }
        self.out.extend_from_slice(&text[at..]);
    }

    /// A number given in hundredths, as the text of Go's float64: `120`, `20.2`, `0.61`.
    pub fn hundredths(&mut self, number: i64) -> &mut Json {
        self.part();
        if number < 0 {
            self.out.push(b'-');
        }
        let size = number.unsigned_abs();
        self.digits((size / 100) as i64);
        let cents = (size % 100) as u8;
        if cents != 0 {
            self.out.extend_from_slice(&[b'.', b'0' + cents / 10]);
            if !cents.is_multiple_of(10) {
                self.out.push(b'0' + cents % 10);
            }
        }
        self
    }

    pub fn coding(&mut self, code: &str, display: &str, system: &str) -> &mut Json {
        self.object(|j| {
            j.key("code").string(code);
            if !display.is_empty() {
                j.key("display").string(display);
            }
            j.key("system").string(system);
        })
    }

    /// `{"coding":[...]}`.
    pub fn concept(&mut self, codings: impl FnOnce(&mut Json)) -> &mut Json {
        self.object(|j| {
            j.key("coding").array(codings);
        })
    }

    /// Where the next byte will stand; for `scatter`.
    pub fn mark(&self) -> usize {
        self.out.len()
    }

    /// Puts the elements of the array body written since `mark` in another order. Slow, and used on few claims.
    pub fn scatter(&mut self, mark: usize, chance: &mut crate::sandbox::chance::Chance) {
        let mut elements: Vec<Vec<u8>> = vec![Vec::new()];
        let (mut depth, mut quoted, mut escape) = (0i32, false, false);
        for byte in &self.out[mark..] {
            if quoted {
                quoted = *byte != b'"' || escape;
                escape = *byte == b'\\' && !escape;
            } else {
                match byte {
                    b'"' => quoted = true,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    b',' if depth == 0 => {
                        elements.push(Vec::new());
                        continue;
                    }
                    _ => {}
                }
            }
            if let Some(element) = elements.last_mut() {
                element.push(*byte);
            }
        }
        chance.mix(&mut elements);
        self.out.truncate(mark);
        self.out.extend_from_slice(&elements.join(&b','));
    }
}

#[cfg(test)]
mod tests {
    use super::Json;

    #[test]
    fn numbers_read_like_go_floats() {
        let mut json = Json::default();
        json.array(|j| {
            for number in [12_000, 2_020, 61, -9_100, 0, 5, -5, 123_456_789_012_345] {
                j.hundredths(number);
            }
        });
        assert_eq!(json.bytes(), b"[120,20.2,0.61,-91,0,0.05,-0.05,1234567890123.45]");
    }

    #[test]
    fn text_is_escaped_like_go() {
        let mut json = Json::default();
        json.string("a\"\\<b>&\u{2028}\u{e9}\u{2013}\n\u{1}");
        assert_eq!(
            std::str::from_utf8(json.bytes()),
            Ok("\"a\\\"\\\\\\u003cb\\u003e\\u0026\\u2028\u{e9}\u{2013}\\n\\u0001\"")
        );
    }

    #[test]
    fn scattering_keeps_elements_whole() {
        let mut json = Json::default();
        json.array(|j| {
            let mark = j.mark();
            j.raw("{\"a\":[1,2]}").raw("\"x,\\\"}\"").raw("3");
            j.scatter(mark, &mut crate::sandbox::chance::Chance::new(4, &[]));
        });
        let text = String::from_utf8(json.bytes().to_vec()).expect("ascii");
        assert_eq!(text.len(), "[{\"a\":[1,2]},\"x,\\\"}\",3]".len());
        assert!(text.contains("{\"a\":[1,2]}") && text.contains("\"x,\\\"}\""));
    }
}
