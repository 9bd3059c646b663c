//! Arrow schemas, as the JSON of Arrow's integration format: what a batch of `write::arrow` has.

use arrow::datatypes::{DataType, Field};
use serde_json::{Map, Value, json};

use super::{Described, pretty};

/// `{"CCLF1": {"fields": [...], "metadata": [...]}}`
pub fn describe(tables: &[Described<'_>]) -> String {
    let mut all = Map::new();
    for table in tables {
        let schema = crate::write::arrow::schema(&table.out);
        let fields: Vec<Value> = schema.fields().iter().map(|field| describe_field(field)).collect();
        all.insert(table.out.name.clone(), json!({ "fields": fields, "metadata": metadata(schema.metadata()) }));
    }
    pretty(&Value::Object(all))
}

fn describe_field(field: &Field) -> Value {
    json!({
        "name": field.name(),
        "nullable": field.is_nullable(),
        "type": kind(field.data_type()),
        "children": [],
        "metadata": metadata(field.metadata()),
    })
}

fn kind(data_type: &DataType) -> Value {
    match data_type {
        DataType::Decimal128(precision, scale) => {
            json!({ "name": "decimal", "precision": precision, "scale": scale, "bitWidth": 128 })
        }
        DataType::Date32 => json!({ "name": "date", "unit": "DAY" }),
        DataType::LargeUtf8 => json!({ "name": "largeutf8" }),
        // The encoder has no other kinds.
        _ => json!({ "name": "utf8" }),
    }
}

fn metadata(pairs: &std::collections::HashMap<String, String>) -> Value {
    let mut pairs: Vec<(&String, &String)> = pairs.iter().collect();
    pairs.sort();
    pairs.into_iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
}
