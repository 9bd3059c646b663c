//! Rewrites a resource with the keys of every object in random order.
//!
//! For converters that read sorted keys fast: this is the input on which they must still be right. It goes through a
//! tree and is slow, which is why the ordinary path does not.

use serde_json::Value;

use crate::sandbox::chance::Chance;
use crate::sandbox::json::Json;

/// The same resource, keys out of order. A text that is not JSON comes back as it is.
pub fn keys(line: &[u8], chance: &mut Chance) -> Vec<u8> {
    let Ok(value) = serde_json::from_slice::<Value>(line) else { return line.to_vec() };
    let mut json = Json::default();
    write(&mut json, &value, chance);
    json.bytes().to_vec()
}

fn write(j: &mut Json, value: &Value, chance: &mut Chance) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            chance.mix(&mut members);
            j.object(|j| {
                for (name, value) in members {
                    j.key(name);
                    write(j, value, chance);
                }
            });
        }
        Value::Array(elements) => {
            j.array(|j| {
                for element in elements {
                    write(j, element, chance);
                }
            });
        }
        Value::String(text) => {
            j.string(text);
        }
        // Numbers with a point were written with at most two decimals, so the shortest text of the float is the same.
        Value::Number(_) | Value::Bool(_) | Value::Null => {
            j.raw(&value.to_string());
        }
    }
}
