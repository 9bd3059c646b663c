//! Compiles one version's schemas into a [`Crosswalk`].
//!
//! The schemas are gone through twice: a draft learns what is to be captured, then the trees are finished and the same
//! steps give programs with real slots. Cells are [`cell`](super::cell)'s half of the compiler. Faults name the file,
//! row and field, for they are an analyst's.

use super::builder::Builder;
use super::diagnosis::DiagnosisRules;
use super::path::{Call, Pick, Root, Source as PathSource, Step};
use super::plan::{Mode, Plan, Slot};
use super::program::{
    BeneficiaryFacts, ClaimFacts, Column, Crosswalk, DIAGNOSIS_TYPES, DiagnosisFacts, EnrollmentFacts, LinkBy,
    LinkProgram, Names, Origin, Program, SkipProgram, Source, TableProgram, Wants,
};
use super::schema::{Mapping, Schemas, Status, Table, Version};
use crate::api::Api;
use crate::error::{Error, Result};

/// The compiler's state: what is wanted so far, and in the second round where it is.
pub(super) struct Compiler<'s> {
    pub(super) schemas: &'s Schemas,
    version: &'s Version,
    wants: Wants,
    /// claim, Patient, Coverage
    pub(super) trees: [Builder; 3],
    /// the finished trees, in the second round
    pub(super) plans: Option<[Plan; 3]>,
    pub(super) names: [Names; 3],
    pub(super) links: Vec<LinkProgram>,
}

pub(super) const CLAIM: usize = 0;
pub(super) const PATIENT: usize = 1;
pub(super) const COVERAGE: usize = 2;

/// The table a mapping belongs to, as far as its cell is concerned.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) mapping: &'a Mapping,
    pub(super) row: Root,
    pub(super) families: Option<&'a [String]>,
    pub(super) at: Option<(usize, usize)>,
}

impl<'s> Compiler<'s> {
    pub(super) fn new(schemas: &'s Schemas, api: Api, wants: Wants) -> Self {
        Compiler {
            schemas,
            version: schemas.version(api),
            wants,
            trees: [Builder::new(), Builder::new(), Builder::new()],
            plans: None,
            names: Default::default(),
            links: Vec::new(),
        }
    }

    pub(super) fn fault<T>(&self, mapping: &Mapping, message: impl Into<String>) -> Result<T> {
        Err(Error::Schema {
            file: mapping.file.clone(),
            row: mapping.row,
            field: format!("{}.{}", mapping.table, mapping.field),
            message: format!("{}, {}", mapping.column, message.into()),
        })
    }

    /// Both rounds.
    pub(super) fn compile(mut self) -> Result<Crosswalk> {
        self.crosswalk()?;
        self.plans = Some(self.trees.clone().map(Builder::finish));
        self.links.clear();
        self.crosswalk()
    }

    fn crosswalk(&mut self) -> Result<Crosswalk> {
        let version = self.version;
        let mut families: Vec<String> = Vec::new();
        for family in self.schemas.tables.iter().flat_map(|table| &table.families) {
            if !families.contains(family) {
                families.push(family.clone());
            }
        }
        let mut tables = Vec::new();
        for (index, table) in self.schemas.tables.iter().enumerate() {
            tables.push(self.table(index, table, &families)?);
        }
        let family = self.fact("%eob", "family", Mode::Single)?;
        if let Some(PathSource::Path(path)) =
            self.mapping("%eob", "family")?.cell.alternatives.first().map(|a| &a.source)
        {
            let id = self.trees[CLAIM].capture(0, &path.steps, Mode::Single, &path.unless, None);
            self.trees[CLAIM].decide_family_by(id);
        }
        let claim = ClaimFacts {
            resource: self.fact("%eob", "resource", Mode::First)?,
            id: self.fact("%eob", "id", Mode::First)?,
            updated: self.fact("%eob", "updated", Mode::First)?,
            patient: self.fact("%eob", "patient", Mode::First)?,
            purpose: self.fact("%eob", "use", Mode::First)?,
            family,
            paid: self.fact("%eob", "paid", Mode::First)?,
            group: self.fact_if(self.wants.groups, "group")?,
            prior: self.fact_if(self.wants.groups, "prior")?[0],
        };
        let mut skips = Vec::new();
        for skip in &version.skips {
            skips.push(SkipProgram {
                fact: self.fact("%eob", &skip.fact, Mode::First)?,
                values: skip.values.clone(),
                families: skip.families.clone(),
                reason: skip.reason.clone(),
                adjustment: skip.adjustment,
            });
        }
        let diagnosis = DiagnosisFacts {
            kind: self.fact("%dx", "type", Mode::List(DIAGNOSIS_TYPES))?,
            sequence: self.fact("%dx", "sequence", Mode::First)?,
            code: self.fact("%dx", "code", Mode::First)?,
        };
        let beneficiary = BeneficiaryFacts {
            id: self.fact("%patient", "id", Mode::First)?,
            updated: self.fact("%patient", "updated", Mode::First)?,
            replaced_by: self.fact_alternatives("%patient", "replaced_by", Mode::First)?[0],
            system: self.fact("%mbi", "system", Mode::First)?,
            value: self.fact("%mbi", "value", Mode::First)?,
            start: self.fact("%mbi", "start", Mode::First)?,
            end: self.fact("%mbi", "end", Mode::First)?,
            currency: self.fact_alternatives("%mbi", "currency", Mode::First)?,
        };
        let enrollment = EnrollmentFacts {
            id: self.fact("%coverage", "id", Mode::First)?,
            beneficiary: self.fact("%coverage", "beneficiary", Mode::First)?,
            updated: self.fact("%coverage", "updated", Mode::First)?,
            start: self.fact("%coverage", "start", Mode::First)?,
            end: self.fact("%coverage", "end", Mode::First)?,
        };
        let [eob, patient, coverage] = self.plans.clone().unwrap_or_default();
        Ok(Crosswalk {
            api: version.api,
            tables,
            families,
            eob,
            patient,
            coverage,
            claim,
            diagnosis,
            beneficiary,
            enrollment,
            links: self.links.clone(),
            skips,
            names: self.names.clone(),
        })
    }

    fn mapping(&self, table: &str, field: &str) -> Result<&'s Mapping> {
        self.version.mapping(table, field).ok_or_else(|| Error::Schema {
            file: format!("crosswalk/{}.csv", self.version.api.name()),
            row: 1,
            field: format!("{table}.{field}"),
            message: "expected a row for this field, found none".to_string(),
        })
    }

    fn table(&mut self, index: usize, table: &'s Table, families: &[String]) -> Result<TableProgram> {
        let scope = match table.row {
            Root::Item => self.trees[CLAIM].scope("item"),
            Root::Procedure => self.trees[CLAIM].scope("procedure"),
            Root::Diagnosis => self.trees[CLAIM].scope("diagnosis"),
            Root::Former => self.trees[PATIENT].scope("identifier"),
            _ => 0,
        };
        if self.wants.has(index) && matches!(table.row, Root::Item | Root::Procedure) {
            // However few columns there are, and be they the claim's: every element is a row.
            self.capture(CLAIM, scope, &[Step::Key("sequence".into())], Mode::First, Some(&table.families));
        }
        let mut columns = Vec::new();
        for (at, field) in table.layout.fields.iter().enumerate() {
            let mapping = self.mapping(&table.layout.table, &field.label)?;
            let place = Place { mapping, row: table.row, families: Some(&table.families), at: Some((index, at)) };
            let mut origin = Origin::Claim;
            let mut programs = Vec::new();
            let is_wanted = self.wants.has(index) || table.month.as_ref() == Some(&field.label);
            for alternative in mapping.cell.alternatives.iter().filter(|_| is_wanted) {
                programs.push(self.program(place, alternative, &mut origin)?);
            }
            let mut calls = mapping.cell.alternatives.iter().flat_map(|alternative| &alternative.calls);
            columns.push(Column {
                label: field.label.clone(),
                name: format!("{}.{}", table.layout.table, field.label),
                picture: field.picture,
                status: mapping.status.unwrap_or(Status::Mapped),
                fixed: programs.iter().all(|program| self.is_fixed(program)),
                plain: programs.first().and_then(Program::plain),
                programs,
                cut: calls.any(|call| *call == Call::Cut),
                origin,
            });
        }
        if let Some(at) = table.month.as_ref().and_then(|label| table.layout.position(label))
            && !columns[at].fixed
        {
            let mapping = self.mapping(&table.layout.table, &table.layout.fields[at].label)?;
            return self.fault(
                mapping,
                "expected a path of the whole claim in the column that tells its month, found one of its rows",
            );
        }
        let positions = |labels: &[String]| labels.iter().filter_map(|label| table.layout.position(label)).collect();
        let only_with: Vec<usize> = positions(&table.only_with);
        let family = |name: &String| families.iter().position(|family| family == name);
        Ok(TableProgram {
            name: table.layout.table.clone(),
            row: table.row,
            scope,
            families: table.families.iter().filter_map(family).collect(),
            never: !only_with.is_empty() && only_with.iter().all(|at| columns[*at].programs.is_empty()),
            columns,
            only_with,
            keys: positions(&table.keys),
            control: table.control.as_ref().and_then(|label| table.layout.position(label)),
            cancels: table.cancels.as_ref().and_then(|label| table.layout.position(label)),
            month: table.month.as_ref().and_then(|label| table.layout.position(label)),
            diagnoses: DiagnosisRules::new(
                self.version.diagnoses.iter().filter(|rule| rule.table == table.layout.table).cloned().collect(),
            ),
        })
    }

    /// Whether a program gives the same text for all rows of a record.
    fn is_fixed(&self, program: &Program) -> bool {
        match &program.source {
            Source::Literal(_) | Source::Mbi | Source::Diagnosis(..) => true,
            Source::Value(slot) | Source::Join(slot, _) => slot.scope == 0,
            Source::Linked { link, .. } => !matches!(self.links[*link].by, LinkBy::Row(_)),
            Source::Product | Source::Number => false,
        }
    }

    fn fact(&mut self, table: &str, name: &str, mode: Mode) -> Result<Slot> {
        match self.fact_alternatives(table, name, mode)? {
            [Some(wanted), None] => Ok(wanted),
            [Some(_), Some(_)] => {
                let mapping = self.mapping(table, name)?;
                self.fault(mapping, "expected one path, found alternatives, which this fact has no use for")
            }
            _ => {
                let mapping = self.mapping(table, name)?;
                self.fault(mapping, "expected a path, found `-`")
            }
        }
    }

    /// A fact of claims, if it is wanted and the version has it.
    fn fact_if(&mut self, wanted: bool, name: &str) -> Result<[Option<Slot>; 2]> {
        if wanted { self.fact_alternatives("%eob", name, Mode::First) } else { Ok([None; 2]) }
    }

    fn fact_alternatives(&mut self, table: &str, name: &str, mode: Mode) -> Result<[Option<Slot>; 2]> {
        let mapping = self.mapping(table, name)?;
        let root = table.strip_prefix('%').and_then(Root::parse);
        let (tree, array) = match root {
            Some(Root::Eob) => (CLAIM, ""),
            Some(Root::Diagnosis) => (CLAIM, "diagnosis"),
            Some(Root::Patient) => (PATIENT, ""),
            Some(Root::Mbi) => (PATIENT, "identifier"),
            Some(Root::Coverage) => (COVERAGE, ""),
            _ => return self.fault(mapping, "expected facts of %eob, %dx, %patient, %mbi or %coverage"),
        };
        let families = self.fact_families(table, name);
        let mut wanted = [None, None];
        for (place_in, alternative) in wanted.iter_mut().zip(&mapping.cell.alternatives) {
            let PathSource::Path(path) = &alternative.source else {
                return self.fault(mapping, "expected a path, found a literal");
            };
            if Some(path.root) != root || !alternative.calls.is_empty() {
                return self.fault(mapping, format!("expected a plain path of `{table}`"));
            }
            if !matches!(path.pick, Pick::Single | Pick::First) {
                return self.fault(
                    mapping,
                    "expected `first()` or nothing at the end of a fact, found `last()`, `[n]` or `join()`",
                );
            }
            let place = Place { mapping, row: Root::Eob, families: families.as_deref(), at: None };
            *place_in = Some(self.want_as(place, tree, array, path, mode, 0)?);
        }
        if mapping.cell.alternatives.len() > wanted.len() {
            return self.fault(mapping, "expected at most two alternatives in a fact");
        }
        Ok(wanted)
    }

    /// Families for which a fact is needed; `None` for all records, even those of no family.
    fn fact_families(&self, table: &str, name: &str) -> Option<Vec<String>> {
        if table == "%dx" {
            let with_rules = |t: &&Table| self.version.diagnoses.iter().any(|rule| rule.table == t.layout.table);
            let wanted = self.schemas.tables.iter().enumerate().filter(|(at, _)| self.wants.has(*at)).map(|(_, t)| t);
            return Some(wanted.filter(with_rules).flat_map(|t| t.families.clone()).collect());
        }
        let skips: Vec<_> = self.version.skips.iter().filter(|skip| skip.fact == name).collect();
        if table == "%eob" && !skips.is_empty() && skips.iter().all(|skip| !skip.families.is_empty()) {
            return Some(skips.iter().flat_map(|skip| skip.families.clone()).collect());
        }
        None
    }
}
