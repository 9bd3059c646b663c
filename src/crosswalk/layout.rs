//! A layout says what a CCLF file is: its fields in order, their columns and pictures.
//!
//! Source: CMS's CCLF information packet v42, tables only, kept in `schemas/cclf/`. Nothing here knows FHIR.

use super::picture::Picture;

/// One field of a CCLF file.
#[derive(Debug, Clone)]
pub struct Field {
    /// CCLF label, e.g. `CLM_FROM_DT`
    pub label: String,
    /// first column in a fixed-width line, 1-based, inclusive
    pub start: usize,
    /// last column, 1-based, inclusive
    pub end: usize,
    /// the picture as CMS prints it, e.g. `-9(13).99`
    pub printed: String,
    /// the picture as the writer reads it
    pub picture: Picture,
    /// none of CMS's: behind those of its table
    pub own: bool,
}

/// The fields of one CCLF file in layout order.
#[derive(Debug, Clone)]
pub struct Layout {
    /// `CCLF1` to `CCLF9`, `CCLFA`, `CCLFB`, or a table of the user's own
    pub table: String,
    /// in layout order
    pub fields: Vec<Field>,
}

impl Layout {
    /// Columns of a fixed-width line, own ones too.
    pub fn record_length(&self) -> usize {
        self.fields.last().map_or(0, |field| field.end)
    }

    /// Columns of a fixed-width line as CMS has it; 0 of a table that CMS does not have.
    pub fn cms_length(&self) -> usize {
        self.fields.iter().rfind(|field| !field.own).map_or(0, |field| field.end)
    }

    /// Position of a label, `None` if the layout has no such field.
    pub fn position(&self, label: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.label == label)
    }
}
