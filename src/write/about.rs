//! What formats with metadata say of a table and its columns, so that a file explains itself.

use std::collections::BTreeMap;

use super::OutTable;
use crate::crosswalk::schema::{LAYOUT_VERSION, Table, Version};

/// Names and texts, as Parquet and Arrow keep them.
pub type About = BTreeMap<String, String>;

impl OutTable {
    /// With what is known of the table and its columns in one API version.
    ///
    /// Of the table: `producer`, `bcda.api`, `cclf.layout`, `cclf.file`, `cclf.title`. Of a column: `cclf.file`,
    /// `cclf.field`, `cclf.start`, `cclf.end` (1-based, inclusive), `cclf.picture`, `fill` (mapped, derived or absent),
    /// and `fhir.path` where there is one.
    pub fn explained(mut self, table: &Table, version: &Version) -> OutTable {
        let about = |pairs: &[(&str, &str)]| -> About {
            pairs.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect()
        };
        self.about = about(&[
            ("producer", concat!("claimfeed ", env!("CARGO_PKG_VERSION"))),
            ("bcda.api", version.api.name()),
            ("cclf.layout", LAYOUT_VERSION),
            ("cclf.file", &self.name),
            ("cclf.title", &table.title),
        ]);
        for (column, field) in self.columns.iter_mut().zip(&table.layout.fields) {
            column.about = about(&[
                ("cclf.file", &self.name),
                ("cclf.field", &field.label),
                ("cclf.start", &field.start.to_string()),
                ("cclf.end", &field.end.to_string()),
                ("cclf.picture", &field.printed),
            ]);
            let Some(mapping) = version.mapping(&self.name, &field.label) else { continue };
            if let Some(status) = mapping.status {
                column.about.insert("fill".to_string(), status.name().to_string());
            }
            if !matches!(mapping.text.as_str(), "" | "-") {
                column.about.insert("fhir.path".to_string(), mapping.text.clone());
            }
        }
        self
    }
}
