//! Everything that is known of each field, as JSON.

use serde_json::{Map, Value, json};

use super::{Described, LAYOUT_VERSION, header, pretty, typed};
use crate::crosswalk::picture::Picture;
use crate::crosswalk::schema::{Schemas, Status, Table};
use crate::write::OutColumn;

pub fn describe(schemas: &Schemas, tables: &[Described<'_>]) -> String {
    let tables: Vec<Value> = tables.iter().map(|table| describe_table(schemas, table)).collect();
    pretty(&json!({ "producer": header(), "layout": LAYOUT_VERSION, "tables": tables }))
}

fn describe_table(schemas: &Schemas, table: &Described<'_>) -> Value {
    let fields: Vec<Value> = table.out.columns.iter().map(|column| field(schemas, table.table, column)).collect();
    let mut described = json!({ "table": table.out.name, "title": table.title, "fields": fields });
    if let Some(known) = table.table {
        described["row"] = json!(format!("%{}", known.row.name()));
        described["families"] = json!(known.families);
        described["keys"] = json!(known.keys);
        described["record_length"] = json!(known.layout.record_length());
    }
    described
}

fn field(schemas: &Schemas, table: Option<&Table>, column: &OutColumn) -> Value {
    let mut described = json!({ "field": column.label, "nullable": true });
    described["type"] = json!(match column.picture {
        Picture::Text { .. } => "text",
        Picture::Digits { .. } => "digits",
        Picture::Decimal { .. } => "decimal",
        Picture::Date => "date",
    });
    described["sql_type"] =
        json!(typed(column.picture).unwrap_or_else(|| format!("VARCHAR({})", column.picture.width())));
    let known = table.and_then(|table| Some((table, table.layout.fields.get(table.layout.position(&column.label)?)?)));
    if let Some((table, field)) = known {
        described["picture"] = json!(field.printed);
        described["start"] = json!(field.start);
        described["end"] = json!(field.end);
        let mut versions = Map::new();
        for version in &schemas.versions {
            let Some(mapping) = version.mapping(&table.layout.table, &field.label) else { continue };
            let status = mapping.status.map_or("", Status::name);
            versions.insert(
                version.api.name().to_string(),
                json!({ "status": status, "path": mapping.text, "note": mapping.note }),
            );
        }
        described["api"] = Value::Object(versions);
    }
    described
}
