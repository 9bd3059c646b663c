//! A sources file of a dbt project. Every text is a JSON string, which YAML reads as its own.

use super::{Described, header, typed};
use crate::crosswalk::picture::Picture;
use crate::write::OutColumn;

pub fn describe(tables: &[Described<'_>]) -> String {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let mut yaml = format!("# {}\nversion: 2\n\nsources:\n  - name: cclf\n    tables:\n", header());
    for table in tables {
        yaml.push_str(&format!("      - name: {}\n        description: {}\n", table.out.name, text(table.title)));
        yaml.push_str("        columns:\n");
        for column in &table.out.columns {
            let kind = typed(column.picture).unwrap_or_else(|| "VARCHAR".to_string());
            yaml.push_str(&format!(
                "          - name: {}\n            data_type: {}\n",
                text(&column.label),
                text(&kind)
            ));
            if needs_quotes(column) {
                yaml.push_str("            quote: true\n");
            }
            if let Picture::Text { width } | Picture::Digits { width } = column.picture {
                yaml.push_str(&format!("            description: {}\n", text(&format!("text, {width} wide"))));
            }
        }
    }
    yaml
}

fn needs_quotes(column: &OutColumn) -> bool {
    !column.label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
