//! CSV files of `schemas/`, embedded in the binary or from a folder, with faults that name file, row and field.

use std::path::{Path as FilePath, PathBuf};

use crate::error::{Error, Result};

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../schemas/", $name)))),*]
    };
}

/// Files in the binary, by name.
pub(super) const EMBEDDED: &[(&str, &str)] = embedded![
    "tables.csv",
    "codes.csv",
    "diagnoses.csv",
    "skips.csv",
    "enrollment.csv",
    "pseudonyms.csv",
    "partial/tables.csv",
    "partial/columns.csv",
    "partial/skips.csv",
    "partial/v2.csv",
    "partial/v3.csv",
    "crosswalk/v1.csv",
    "crosswalk/v2.csv",
    "crosswalk/v3.csv",
    "cclf/CCLF1.csv",
    "cclf/CCLF2.csv",
    "cclf/CCLF3.csv",
    "cclf/CCLF4.csv",
    "cclf/CCLF5.csv",
    "cclf/CCLF6.csv",
    "cclf/CCLF7.csv",
    "cclf/CCLF8.csv",
    "cclf/CCLF9.csv",
    "cclf/CCLFA.csv",
    "cclf/CCLFB.csv",
];

/// One CSV file of the schemas with its header checked.
pub(super) struct Sheet {
    pub(super) rows: Vec<SheetRow>,
}

pub(super) struct SheetRow {
    file: String,
    header: &'static [&'static str],
    cells: csv::StringRecord,
    /// 1-based, the header is row 1
    pub(super) number: usize,
}

impl Sheet {
    pub(super) fn open(folder: Option<&FilePath>, name: &str, header: &'static [&'static str]) -> Result<Sheet> {
        let own: Option<PathBuf> = folder.map(|folder| folder.join(name)).filter(|path| path.exists());
        let text = match &own {
            Some(path) => std::fs::read_to_string(path).map_err(|error| Error::file("read", path, error))?,
            None => match EMBEDDED.iter().find(|(known, _)| *known == name) {
                Some((_, text)) => (*text).to_string(),
                None => return Err(Error::Usage(format!("expected `{name}` in the schemas folder, found none"))),
            },
        };
        let fault =
            |row: usize, message: String| Error::Schema { file: name.to_string(), row, field: String::new(), message };
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let found = reader.headers().map_err(|error| fault(1, error.to_string()))?;
        if found.iter().ne(header.iter().copied()) {
            return Err(fault(1, format!("expected the columns {}", header.join(", "))));
        }
        let mut rows = Vec::new();
        for (at, record) in reader.records().enumerate() {
            let cells = record.map_err(|error| fault(at + 2, error.to_string()))?;
            rows.push(SheetRow { file: name.to_string(), header, cells, number: at + 2 });
        }
        Ok(Sheet { rows })
    }
}

impl SheetRow {
    pub(super) fn get(&self, column: &str) -> &str {
        let at = self.header.iter().position(|name| *name == column);
        at.and_then(|at| self.cells.get(at)).unwrap_or("")
    }

    pub(super) fn fault(&self, field: &str, message: &str) -> Error {
        Error::Schema {
            file: self.file.clone(),
            row: self.number,
            field: field.to_string(),
            message: message.to_string(),
        }
    }
}

/// Names of the CSV files of a schemas folder and of its folders.
pub(super) fn files_of(folder: &FilePath) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for below in ["", "cclf", "crosswalk", "partial"] {
        let path = folder.join(below);
        if !path.is_dir() {
            continue;
        }
        let trouble = |error| Error::file("read", &path, error);
        for entry in std::fs::read_dir(&path).map_err(trouble)? {
            let file = entry.map_err(trouble)?.path();
            if file.extension().is_some_and(|extension| extension == "csv") {
                let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                files.push(if below.is_empty() { name } else { format!("{below}/{name}") });
            }
        }
    }
    Ok(files)
}
