//! What each file of `schemas/` says, as the data of [`schema`](super).

use std::path::Path as FilePath;

use super::{Adjustment, DiagnosisRule, Mapping, Skip, Status, Table, Version};
use crate::api::Api;
use crate::crosswalk::layout::{Field, Layout};
use crate::crosswalk::path::{Cell, Root};
use crate::crosswalk::picture::Picture;
use crate::crosswalk::sheet::Sheet;
use crate::error::Result;

const TABLES: &[&str] =
    &["table", "title", "row", "families", "only_with", "keys", "control", "cancels", "month", "note"];

/// What tables are made of.
pub(super) fn tables(folder: Option<&FilePath>, file: &str) -> Result<Vec<Table>> {
    let mut tables = Vec::new();
    for row in Sheet::open(folder, file, TABLES)?.rows {
        let name = row.get("table").to_string();
        let words = |field: &str| row.get(field).split_whitespace().map(str::to_string).collect::<Vec<_>>();
        let root = row.get("row").strip_prefix('%').and_then(Root::parse);
        let table = Table {
            layout: layout(folder, &name)?,
            title: row.get("title").to_string(),
            row: root.ok_or_else(|| row.fault(&name, "expected a root such as `%item` in column `row`"))?,
            families: words("families"),
            only_with: words("only_with"),
            keys: words("keys"),
            control: words("control").pop(),
            cancels: words("cancels").pop(),
            month: words("month").pop(),
            own: false,
        };
        for label in
            table.only_with.iter().chain(&table.keys).chain(&table.control).chain(&table.cancels).chain(&table.month)
        {
            if table.layout.position(label).is_none() {
                return Err(row.fault(&name, &format!("expected fields of the table, found `{label}`")));
            }
        }
        tables.push(table);
    }
    Ok(tables)
}

fn layout(folder: Option<&FilePath>, table: &str) -> Result<Layout> {
    let file = format!("cclf/{table}.csv");
    let mut fields = Vec::new();
    for row in Sheet::open(folder, &file, &["element", "field", "start", "end", "picture", "type"])?.rows {
        let label = row.get("field").to_string();
        let number = |field: &str| {
            row.get(field)
                .parse::<usize>()
                .map_err(|_| row.fault(&label, &format!("expected a number in column `{field}`")))
        };
        let picture =
            Picture::parse(row.get("picture"), row.get("type")).map_err(|message| row.fault(&label, &message))?;
        let field = Field {
            start: number("start")?,
            end: number("end")?,
            printed: row.get("picture").to_string(),
            picture,
            label,
            own: false,
        };
        if field.end + 1 != field.start + picture.width() {
            return Err(row.fault(&field.label, "expected as many columns as the picture is wide"));
        }
        if field.start != fields.last().map_or(1, |before: &Field| before.end + 1) {
            return Err(row.fault(&field.label, "expected the field to begin behind the one before it"));
        }
        fields.push(field);
    }
    Ok(Layout { table: table.to_string(), fields })
}

/// Fields and facts of one file.
pub(super) fn mappings(folder: Option<&FilePath>, file: &str) -> Result<Vec<Mapping>> {
    let mut mappings = Vec::new();
    for row in Sheet::open(folder, file, &["table", "field", "status", "path", "note"])?.rows {
        let field = row.get("field");
        let status = match row.get("status") {
            "fact" => None,
            "mapped" => Some(Status::Mapped),
            "derived" => Some(Status::Derived),
            "absent" => Some(Status::Absent),
            _ => return Err(row.fault(field, "expected a status of mapped, derived, absent or fact")),
        };
        let cell = Cell::parse(row.get("path")).map_err(|fault| row.fault(field, &format!("path, {fault}")))?;
        if cell.alternatives.is_empty() && row.get("note").is_empty() {
            return Err(row.fault(field, "expected a note that says why there is no path (`-`)"));
        }
        if status.is_some() && cell.alternatives.is_empty() != (status == Some(Status::Absent)) {
            return Err(row.fault(field, "expected `-` with status absent and a path with any other"));
        }
        mappings.push(Mapping {
            table: row.get("table").to_string(),
            field: field.to_string(),
            status,
            text: row.get("path").to_string(),
            cell,
            note: row.get("note").to_string(),
            file: file.to_string(),
            row: row.number,
            column: "path",
        });
    }
    Ok(mappings)
}

/// Rules of all versions that leave claims out.
pub(super) fn skips_sheet(folder: Option<&FilePath>, file: &str) -> Result<Sheet> {
    Sheet::open(folder, file, &["api", "fact", "values", "families", "reason", "adjustment", "note"])
}

/// Those of one version.
pub(super) fn skips(sheet: &Sheet, api: Api) -> Result<Vec<Skip>> {
    let mut skips = Vec::new();
    for row in sheet.rows.iter().filter(|row| row.get("api") == api.name()) {
        skips.push(Skip {
            fact: row.get("fact").to_string(),
            values: row.get("values").split('|').map(str::to_string).collect(),
            families: row.get("families").split_whitespace().map(str::to_string).collect(),
            reason: row.get("reason").to_string(),
            adjustment: match row.get("adjustment") {
                "" => None,
                "cancelled" => Some(Adjustment::Cancelled),
                "void" => Some(Adjustment::Void),
                "adjudicated" => Some(Adjustment::Adjudicated),
                _ => {
                    let expected = "adjustment, expected `cancelled`, `void`, `adjudicated` or nothing";
                    return Err(row.fault(row.get("reason"), expected));
                }
            },
        });
    }
    Ok(skips)
}

/// Rules of all versions for the order of diagnoses.
pub(super) fn diagnoses_sheet(folder: Option<&FilePath>) -> Result<Sheet> {
    let columns = &["api", "table", "type", "product", "order", "unless_repeated", "first_also", "note"];
    Sheet::open(folder, "diagnoses.csv", columns)
}

fn diagnoses(sheet: &Sheet, api: Api) -> Result<Vec<DiagnosisRule>> {
    let mut rules = Vec::new();
    for row in sheet.rows.iter().filter(|row| row.get("api") == api.name()) {
        rules.push(DiagnosisRule {
            table: row.get("table").to_string(),
            kind: row.get("type").to_string(),
            product: row.get("product").to_string(),
            order: row
                .get("order")
                .parse()
                .map_err(|_| row.fault(row.get("type"), "expected a number in column `order`"))?,
            unless_repeated: row.get("unless_repeated") == "yes",
            first_also: row.get("first_also").to_string(),
        });
    }
    Ok(rules)
}

/// One version, with its rows of the sheets of rules.
pub(super) fn version(
    folder: Option<&FilePath>,
    api: Api,
    diagnoses_of_all: &Sheet,
    skips_of_all: &Sheet,
) -> Result<Version> {
    let mappings = mappings(folder, &format!("crosswalk/{}.csv", api.name()))?;
    Ok(Version { api, mappings, diagnoses: diagnoses(diagnoses_of_all, api)?, skips: skips(skips_of_all, api)? })
}
