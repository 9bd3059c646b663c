//! JSON bytes of a value in an order of keys, a spacing and an escaping that a seed decides.
//!
//! An object with the one member [`RAW`] is written as that member's text, so that numbers can be spelled in ways a
//! value cannot hold.

use serde_json::Value;

/// Key of an object that stands for a spelling.
pub const RAW: &str = "$raw";

/// The text of `value`; seed 0 is serde_json's own.
pub fn json(value: &Value, seed: u64) -> String {
    let mut writer = Writer { out: String::new(), state: seed };
    writer.value(value);
    writer.out
}

struct Writer {
    out: String,
    state: u64,
}

impl Writer {
    fn next(&mut self) -> u64 {
        if self.state != 0 {
            self.state = self.state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407) | 1;
        }
        self.state >> 33
    }

    fn gap(&mut self) {
        match self.next() % 16 {
            1 => self.out.push(' '),
            2 => self.out.push_str("\t\r"),
            _ => {}
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(raw)) = members.get(RAW) {
                    self.out.push_str(raw);
                    return;
                }
                let mut members: Vec<_> = members.iter().map(|member| (self.next(), member)).collect();
                members.sort_by_key(|(order, _)| *order);
                self.out.push('{');
                for (at, (_, (key, value))) in members.into_iter().enumerate() {
                    self.out.push_str(if at > 0 { "," } else { "" });
                    self.gap();
                    self.text(key);
                    self.out.push(':');
                    self.gap();
                    self.value(value);
                }
                self.out.push('}');
            }
            Value::Array(elements) => {
                self.out.push('[');
                for (at, element) in elements.iter().enumerate() {
                    self.out.push_str(if at > 0 { "," } else { "" });
                    self.gap();
                    self.value(element);
                }
                self.out.push(']');
            }
            Value::String(text) => self.text(text),
            other => self.out.push_str(&other.to_string()),
        }
    }

    fn text(&mut self, text: &str) {
        let escape = self.next() % 8 == 1;
        self.out.push('"');
        for character in text.chars() {
            if escape && self.next() % 3 == 1 {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    self.out.push_str(&format!("\\u{unit:04x}"));
                }
                continue;
            }
            match character {
                '"' | '\\' => self.out.extend(['\\', character]),
                '\n' => self.out.push_str("\\n"),
                '/' if escape => self.out.push_str("\\/"),
                control if control < ' ' => self.out.push_str(&format!("\\u{:04x}", control as u32)),
                other => self.out.push(other),
            }
        }
        self.out.push('"');
    }
}
