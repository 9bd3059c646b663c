//! The crosswalk once more, evaluated cell by cell on a plain JSON value: slow, obvious, and always right.
//!
//! The product compiles all cells of a version into one plan and walks a record once. That is fast and easy to get
//! wrong, so every cell has a twin here that follows its path word for word. The two share the text of the schemas,
//! the parsed path, the value maps and the pictures, and nothing else: no plan, no walk, no cursor. Where they
//! disagree one of them is wrong, and it is rarely this one.
//!
//! Nothing here is fast, reports an issue or counts a fill. `find` follows paths, `call` changes texts,
//! `diagnoses` orders diagnoses, `beneficiary` answers for Patients; this file puts rows together.

mod beneficiary;
mod call;
mod diagnoses;
mod find;

use serde_json::Value;

use super::codes;
use super::layout::Field;
use super::path::{Alternative, Path, Pick, Root, Source, Step};
use super::picture::Fit;
use super::schema::{Mapping, Schemas, Table, Version};
use crate::api::Api;
use diagnoses::Diagnosis;
use find::{INEXACT, Scene};

/// Values that a `join()` takes: more POA indicators than this no diagnosis has.
const JOINED: usize = 16;

/// Evaluates the crosswalk of one API version.
///
/// ```
/// use claimfeed::{api::Api, crosswalk::{oracle::Oracle, schema::Schemas}};
///
/// let schemas = Schemas::embedded()?;
/// let oracle = Oracle::new(&schemas, Api::V3);
/// let eob = serde_json::json!({"id": "17", "billablePeriod": {"start": "2026-01-31"}});
/// let row = &oracle.claim_rows("CCLF1", &eob, "1S00E00AA01")[0];
/// assert_eq!(row[0], "17");
/// assert_eq!(row[5], "2026-01-31");
/// # Ok::<(), claimfeed::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Oracle<'s> {
    schemas: &'s Schemas,
    version: &'s Version,
}

/// One row before its cells are written.
#[derive(Clone, Copy)]
struct Site<'a> {
    scene: Scene<'a>,
    diagnoses: &'a [Diagnosis<'a>],
    product: &'a str,
    number: usize,
    mbi: &'a str,
}

impl<'s> Oracle<'s> {
    /// For records of one API version.
    pub fn new(schemas: &'s Schemas, api: Api) -> Oracle<'s> {
        Oracle { schemas, version: schemas.version(api) }
    }

    /// The claim family; `None` if the claim names none.
    pub fn family(&self, eob: &Value) -> Option<String> {
        self.fact("%eob", "family", eob)
    }

    /// Why the claim gives no rows: the reason of the first rule of skips.csv that applies.
    pub fn skip(&self, eob: &Value) -> Option<String> {
        let family = self.family(eob).unwrap_or_default();
        let applies = |skip: &&super::schema::Skip| {
            (skip.families.is_empty() || skip.families.contains(&family))
                && self
                    .fact("%eob", &skip.fact, eob)
                    .is_some_and(|fact| skip.values.iter().any(|pattern| codes::matches(pattern, &fact)))
        };
        self.version.skips.iter().find(applies).map(|skip| skip.reason.clone())
    }

    /// The rows of one claim table, cells in layout order, blank cells empty.
    ///
    /// Whether the claim's family feeds the table and whether the claim is skipped is for the caller to ask; a table
    /// that is not made of claims has no rows here. `mbi`: the beneficiary's MBI in force, empty if unknown.
    pub fn claim_rows(&self, table: &str, eob: &Value, mbi: &str) -> Vec<Vec<String>> {
        let Some(table) = self.schemas.table(table) else { return Vec::new() };
        let diagnoses = diagnoses::ordered(self, &table.layout.table, eob);
        let alone =
            Site { scene: Scene { record: eob, row: None }, diagnoses: &diagnoses, product: "", number: 0, mbi };
        let of = |row| Site { scene: Scene { record: eob, row: Some(row) }, ..alone };
        let sites: Vec<Site<'_>> = match table.row {
            Root::Eob => vec![alone],
            Root::Item => find::elements(eob, "item").into_iter().map(of).collect(),
            Root::Procedure => find::elements(eob, "procedure").into_iter().map(of).collect(),
            Root::Diagnosis => {
                diagnoses.iter().map(|dx| Site { product: dx.product, number: dx.number, ..of(dx.element) }).collect()
            }
            _ => Vec::new(),
        };
        let rows = sites.iter().map(|site| self.row(table, site));
        rows.filter(|row| self.wanted(table, row)).collect()
    }

    fn row(&self, table: &Table, site: &Site<'_>) -> Vec<String> {
        let cell = |field: &Field| match self.mapping(&table.layout.table, &field.label) {
            Some(mapping) => self.cell(mapping, field, site),
            None => String::new(),
        };
        table.layout.fields.iter().map(cell).collect()
    }

    /// Whether the row has what `only_with` asks for.
    fn wanted(&self, table: &Table, row: &[String]) -> bool {
        let filled = |label: &String| table.layout.position(label).is_some_and(|at| !row[at].is_empty());
        table.only_with.is_empty() || table.only_with.iter().any(filled)
    }

    /// One cell: the first alternative that gives a value. A value that does not fit ends the search with a blank.
    fn cell(&self, mapping: &Mapping, field: &Field, site: &Site<'_>) -> String {
        for alternative in &mapping.cell.alternatives {
            let Some(text) = self.source(alternative, site) else { continue };
            // Calls would hide the mark: the last digit of a number nobody can vouch for is no code.
            if text.starts_with(INEXACT) {
                return String::new();
            }
            let Some(called) = call::all(self.schemas, alternative, text, site.scene.record) else { continue };
            let mut cell = Vec::new();
            match field.picture.fit(&called, call::may_cut(alternative), &mut cell) {
                Ok(Fit::Blank) => {}
                Ok(_) => return String::from_utf8_lossy(&cell).into_owned(),
                Err(_) => return String::new(),
            }
        }
        String::new()
    }

    fn source(&self, alternative: &Alternative, site: &Site<'_>) -> Option<String> {
        let path = match &alternative.source {
            Source::Literal(text) => return Some(text.clone()),
            Source::Path(path) => path,
        };
        let start = match (path.root, path.nth) {
            (Root::Row, _) if path.steps == [Step::Key("product".into())] => return some(site.product),
            (Root::Row, _) => return Some(site.number.to_string()),
            (Root::Mbi, _) => return some(site.mbi),
            (Root::Diagnosis, Some(nth)) => site.diagnoses.get(nth)?.element,
            (Root::Eob | Root::Patient, _) => site.scene.record,
            (Root::Item | Root::Procedure | Root::Diagnosis | Root::Former, _) => site.scene.row?,
            // Other resources than the record at hand.
            (Root::Coverage | Root::Hospice | Root::Response, _) => return None,
        };
        picked(path, &find::texts(path, start, site.scene))
    }

    /// The text of a fact about a resource or one of its elements.
    fn fact(&self, about: &str, name: &str, element: &Value) -> Option<String> {
        self.facts(about, name, element).first().map(|value| find::text(value))
    }

    /// All values of the first alternative of a fact that has one.
    fn facts<'a>(&self, about: &str, name: &str, element: &'a Value) -> Vec<&'a Value> {
        let Some(mapping) = self.mapping(about, name) else { return Vec::new() };
        let scene = Scene { record: element, row: None };
        let values = mapping.cell.alternatives.iter().map(|alternative| match &alternative.source {
            Source::Path(path) => find::values(path, element, scene),
            Source::Literal(_) => Vec::new(),
        });
        values.into_iter().find(|values| !values.is_empty()).unwrap_or_default()
    }

    fn mapping(&self, table: &str, field: &str) -> Option<&'s Mapping> {
        self.version.mapping(table, field)
    }
}

/// Which of the values a path wants.
fn picked(path: &Path, texts: &[String]) -> Option<String> {
    match path.pick {
        Pick::Single | Pick::First => texts.first().cloned(),
        Pick::Last => texts.last().cloned(),
        Pick::Nth(n) => texts.get(n).cloned(),
        Pick::Join => some(&texts[..texts.len().min(JOINED)].concat()),
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_string())
}
