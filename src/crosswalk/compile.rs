//! Compiles one version's schemas into a [`Crosswalk`].
//!
//! Cells become wanted captures of three trees (claim, Patient, Coverage) and pending programs; once the trees are
//! finished and slots are known, the programs are. Faults name the file, row and field, for they are an analyst's.

use super::path::{Alternative, Call, Link, Path, Pick, Root, Source as PathSource, Step};
use super::plan::{Builder, Mode, Slot};
use super::program::{
    Apply, BeneficiaryFacts, ClaimFacts, Column, Crosswalk, DIAGNOSIS_TYPES, DiagnosisFacts, EnrollmentFacts, HOSPICE,
    LinkBy, LinkProgram, Names, Origin, Program, SkipProgram, Source, TableProgram,
};
use super::schema::{Mapping, Schemas, Status, Table, Version};
use crate::api::Api;
use crate::error::{Error, Result};

/// Values of one element that a `join()` takes at most.
const JOINED: usize = 16;

pub(super) struct Compiler<'s> {
    schemas: &'s Schemas,
    version: &'s Version,
    /// claim, Patient, Coverage
    trees: [Builder; 3],
    names: [Names; 3],
    links: Vec<PendingLink>,
}

/// A link whose slots are known only after the trees are finished.
struct PendingLink {
    target: u16,
    array: String,
    link: Link,
    key: usize,
    lists: Vec<usize>,
}

const CLAIM: usize = 0;
const PATIENT: usize = 1;
const COVERAGE: usize = 2;

/// A capture of a tree, before slots are known.
#[derive(Clone, Copy)]
struct Wanted {
    tree: usize,
    id: usize,
    /// position in a list
    nth: usize,
}

enum PendingSource {
    Ready(Source),
    Value(Wanted),
    Join(Wanted),
    Linked { link: usize, wanted: Wanted, nth: usize, single: bool },
    Diagnosis(usize, Wanted),
}

struct PendingColumn {
    programs: Vec<(PendingSource, Vec<PendingApply>, bool)>,
    origin: Origin,
}

enum PendingApply {
    Ready(Apply),
    AgeOn(Wanted),
}

/// The table a mapping belongs to, as far as its cell is concerned.
#[derive(Clone, Copy)]
struct Place<'a> {
    mapping: &'a Mapping,
    row: Root,
    families: Option<&'a [String]>,
    at: Option<(usize, usize)>,
}

impl<'s> Compiler<'s> {
    pub(super) fn new(schemas: &'s Schemas, api: Api) -> Self {
        Compiler {
            schemas,
            version: schemas.version(api),
            trees: [Builder::new(), Builder::new(), Builder::new()],
            names: Default::default(),
            links: Vec::new(),
        }
    }

    fn fault<T>(&self, mapping: &Mapping, message: impl Into<String>) -> Result<T> {
        Err(Error::Schema {
            file: format!("crosswalk/{}.csv", self.version.api.name()),
            row: mapping.row,
            field: format!("{}.{}", mapping.table, mapping.field),
            message: message.into(),
        })
    }

    pub(super) fn compile(mut self) -> Result<Crosswalk> {
        let version = self.version;
        let mut families: Vec<String> = Vec::new();
        for family in self.schemas.tables.iter().flat_map(|table| &table.families) {
            if !families.contains(family) {
                families.push(family.clone());
            }
        }

        let mut columns = Vec::new();
        let mut scopes = Vec::new();
        for (index, table) in self.schemas.tables.iter().enumerate() {
            columns.push(self.table(index, table)?);
            scopes.push(match table.row {
                Root::Item => self.trees[CLAIM].scope("item"),
                Root::Procedure => self.trees[CLAIM].scope("procedure"),
                Root::Diagnosis => self.trees[CLAIM].scope("diagnosis"),
                Root::Former => self.trees[PATIENT].scope("identifier"),
                _ => 0,
            });
        }

        let resource = self.fact("%eob", "resource", Mode::First)?;
        let id = self.fact("%eob", "id", Mode::First)?;
        let patient = self.fact("%eob", "patient", Mode::First)?;
        let purpose = self.fact("%eob", "use", Mode::First)?;
        let family = self.fact("%eob", "family", Mode::Single)?;
        self.trees[CLAIM].decide_family_by(family.id);
        let paid = self.fact("%eob", "paid", Mode::First)?;
        let mut skips = Vec::new();
        for skip in &version.skips {
            skips.push((self.fact("%eob", &skip.fact, Mode::First)?, skip));
        }
        let kind = self.fact("%dx", "type", Mode::List(DIAGNOSIS_TYPES))?;
        let dx_sequence = self.fact("%dx", "sequence", Mode::First)?;
        let dx_code = self.fact("%dx", "code", Mode::First)?;
        let bene_id = self.fact("%patient", "id", Mode::First)?;
        let updated = self.fact("%patient", "updated", Mode::First)?;
        let replaced_by = self.optional_fact("%patient", "replaced_by")?;
        let mbi = ["system", "value", "start", "end"].map(|name| self.fact("%mbi", name, Mode::First));
        let currency = self.optional_fact("%mbi", "currency")?;
        let coverage = ["id", "beneficiary", "start", "end"].map(|name| self.fact("%coverage", name, Mode::First));

        let Compiler { schemas, trees, links, names, .. } = self;
        let [eob, patient_plan, coverage_plan] = trees.map(Builder::finish);
        let plans = [&eob, &patient_plan, &coverage_plan];
        let slot = |wanted: Wanted| {
            let slot = plans[wanted.tree].slot(wanted.id);
            Slot { scope: slot.scope, at: slot.at + wanted.nth as u16 }
        };
        let links: Vec<LinkProgram> = links
            .into_iter()
            .map(|link| {
                let lists = link.lists.iter().map(|id| eob.slot(*id)).collect::<Vec<_>>();
                let by = match &link.link {
                    Link::Sequence { negated: true, .. } => LinkBy::Nobody(lists),
                    Link::Sequence { .. } => LinkBy::Row(lists),
                    Link::Reference(_) => LinkBy::Reference(lists[0]),
                };
                LinkProgram { target: link.target, key: eob.slot(link.key), by, written: (link.array, link.link) }
            })
            .collect();
        let program = |(source, steps, fill): (PendingSource, Vec<PendingApply>, bool)| Program {
            source: match source {
                PendingSource::Ready(source) => source,
                PendingSource::Value(wanted) => Source::Value(slot(wanted)),
                PendingSource::Join(wanted) => Source::Join(slot(wanted), plans[wanted.tree].capacity(wanted.id)),
                PendingSource::Linked { link, wanted, nth, single } => {
                    Source::Linked { link, slot: slot(wanted), nth, single }
                }
                PendingSource::Diagnosis(nth, wanted) => Source::Diagnosis(nth, slot(wanted)),
            },
            steps: steps
                .into_iter()
                .map(|step| match step {
                    PendingApply::Ready(apply) => apply,
                    PendingApply::AgeOn(wanted) => Apply::AgeOn(slot(wanted)),
                })
                .collect(),
            fill,
        };
        let mut tables = Vec::new();
        for ((table, pending), scope) in schemas.tables.iter().zip(columns).zip(scopes) {
            let columns: Vec<Column> = table
                .layout
                .fields
                .iter()
                .zip(pending)
                .map(|(field, (mapping, column))| {
                    let origin = column.origin;
                    let programs: Vec<Program> = column.programs.into_iter().map(program).collect();
                    let fixed = programs.iter().all(|p| match &p.source {
                        Source::Literal(_) | Source::Mbi => true,
                        Source::Value(slot) | Source::Join(slot, _) => slot.scope == 0,
                        Source::Linked { link, .. } => !matches!(links[*link].by, LinkBy::Row(_)),
                        Source::Diagnosis(..) => true,
                        Source::Product | Source::Number => false,
                    });
                    let calls = mapping.cell.alternatives.iter().flat_map(|alternative| &alternative.calls);
                    Column {
                        label: field.label.clone(),
                        picture: field.picture,
                        status: mapping.status.unwrap_or(Status::Mapped),
                        programs,
                        cut: calls.into_iter().any(|call| *call == Call::Cut),
                        fixed,
                        origin,
                    }
                })
                .collect();
            let positions =
                |labels: &[String]| labels.iter().filter_map(|label| table.layout.position(label)).collect();
            let only_with: Vec<usize> = positions(&table.only_with);
            let family = |name: &String| families.iter().position(|family| family == name);
            tables.push(TableProgram {
                name: table.layout.table.clone(),
                row: table.row,
                scope,
                families: table.families.iter().filter_map(family).collect(),
                never: !only_with.is_empty() && only_with.iter().all(|at| columns[*at].programs.is_empty()),
                columns,
                only_with,
                keys: positions(&table.keys),
                control: table.control.as_ref().and_then(|label| table.layout.position(label)),
                diagnoses: version.diagnoses.iter().filter(|rule| rule.table == table.layout.table).cloned().collect(),
            });
        }
        let [system, value, start, end] = mbi;
        let [coverage_id, coverage_beneficiary, coverage_start, coverage_end] = coverage;
        Ok(Crosswalk {
            api: version.api,
            families,
            claim: ClaimFacts {
                resource: slot(resource),
                id: slot(id),
                patient: slot(patient),
                purpose: slot(purpose),
                family: slot(family),
                paid: slot(paid),
            },
            diagnosis: DiagnosisFacts { kind: slot(kind), sequence: slot(dx_sequence), code: slot(dx_code) },
            beneficiary: BeneficiaryFacts {
                id: slot(bene_id),
                updated: slot(updated),
                replaced_by: replaced_by[0].map(slot),
                system: slot(system?),
                value: slot(value?),
                start: slot(start?),
                end: slot(end?),
                currency: currency.map(|wanted| wanted.map(slot)),
            },
            enrollment: EnrollmentFacts {
                id: slot(coverage_id?),
                beneficiary: slot(coverage_beneficiary?),
                start: slot(coverage_start?),
                end: slot(coverage_end?),
            },
            skips: skips
                .into_iter()
                .map(|(wanted, skip)| SkipProgram {
                    fact: slot(wanted),
                    values: skip.values.clone(),
                    families: skip.families.clone(),
                    reason: skip.reason.clone(),
                })
                .collect(),
            links,
            tables,
            names,
            eob,
            patient: patient_plan,
            coverage: coverage_plan,
        })
    }

    fn mapping(&self, table: &str, field: &str) -> Result<&'s Mapping> {
        self.version.mappings.iter().find(|m| m.table == table && m.field == field).ok_or_else(|| Error::Schema {
            file: format!("crosswalk/{}.csv", self.version.api.name()),
            row: 1,
            field: format!("{table}.{field}"),
            message: "expected a row for this field, found none".to_string(),
        })
    }

    fn table(&mut self, index: usize, table: &'s Table) -> Result<Vec<(&'s Mapping, PendingColumn)>> {
        let mut columns = Vec::new();
        for (at, field) in table.layout.fields.iter().enumerate() {
            let mapping = self.mapping(&table.layout.table, &field.label)?;
            let place = Place { mapping, row: table.row, families: Some(&table.families), at: Some((index, at)) };
            let mut origin = Origin::Claim;
            let mut programs = Vec::new();
            for alternative in &mapping.cell.alternatives {
                let source = self.source(place, alternative, &mut origin)?;
                programs.push((source, self.calls(place, alternative)?, alternative.fill));
            }
            columns.push((mapping, PendingColumn { programs, origin }));
        }
        Ok(columns)
    }

    fn source(&mut self, place: Place<'_>, alternative: &Alternative, origin: &mut Origin) -> Result<PendingSource> {
        let path = match &alternative.source {
            PathSource::Literal(text) => return Ok(PendingSource::Ready(Source::Literal(text.as_str().into()))),
            PathSource::Path(path) => path,
        };
        let on_claims = matches!(place.row, Root::Eob | Root::Item | Root::Procedure | Root::Diagnosis);
        match path.root {
            Root::Row if place.row == Root::Diagnosis && path.steps == [Step::Key("product".into())] => {
                Ok(PendingSource::Ready(Source::Product))
            }
            Root::Row if place.row == Root::Diagnosis && path.steps == [Step::Key("number".into())] => {
                Ok(PendingSource::Ready(Source::Number))
            }
            Root::Mbi if path.steps == [Step::Key("value".into())] => Ok(PendingSource::Ready(Source::Mbi)),
            Root::Eob if on_claims => self.claim_source(place, path),
            Root::Diagnosis if on_claims && path.nth.is_some() => {
                let wanted = self.want(place, CLAIM, "diagnosis", path)?;
                Ok(PendingSource::Diagnosis(path.nth.unwrap_or(0), wanted))
            }
            Root::Item | Root::Procedure | Root::Diagnosis if place.row == path.root => {
                let array = match path.root {
                    Root::Item => "item",
                    Root::Procedure => "procedure",
                    _ => "diagnosis",
                };
                let wanted = self.want(place, CLAIM, array, path)?;
                Ok(value_or_join(path, wanted))
            }
            Root::Former if place.row == Root::Former => {
                let wanted = self.want(place, PATIENT, "identifier", path)?;
                Ok(value_or_join(path, wanted))
            }
            Root::Patient if !on_claims => self.beneficiary_source(place, path, PATIENT, Origin::Patient, origin),
            Root::Coverage if place.row == Root::Patient => {
                self.beneficiary_source(place, path, COVERAGE, Origin::Coverage, origin)
            }
            Root::Hospice if place.row == Root::Patient => {
                let hospice = [HOSPICE.to_string()];
                let place = Place { families: Some(&hospice), ..place };
                self.beneficiary_source(place, path, CLAIM, Origin::Hospice, origin)
            }
            _ => self.fault(
                place.mapping,
                format!(
                    "expected a path that rows of `%{}` can follow, found `%{}`",
                    place.row.name(),
                    path.root.name()
                ),
            ),
        }
    }

    fn beneficiary_source(
        &mut self,
        place: Place<'_>,
        path: &Path,
        tree: usize,
        from: Origin,
        origin: &mut Origin,
    ) -> Result<PendingSource> {
        if *origin != Origin::Claim && *origin != from {
            return self.fault(place.mapping, "expected alternatives of one resource, found a mix");
        }
        *origin = from;
        let wanted = self.want(place, tree, "", path)?;
        Ok(value_or_join(path, wanted))
    }

    /// A path of the claim: through a link if it has one, else to the record's own frame.
    fn claim_source(&mut self, place: Place<'_>, path: &Path) -> Result<PendingSource> {
        let link = path.steps.iter().find_map(|step| match step {
            Step::Linked(link) => Some(link.clone()),
            _ => None,
        });
        let Some(link) = link else {
            let wanted = self.want(place, CLAIM, "", path)?;
            return Ok(value_or_join(path, wanted));
        };
        let Some((Step::Key(array), rest)) = path.steps.split_first() else {
            return self.fault(place.mapping, "expected a link on an array of the claim");
        };
        if path.steps.iter().filter(|step| matches!(step, Step::Linked(_))).count() > 1 {
            return self.fault(place.mapping, "expected one link in a path, found more");
        }
        if matches!(path.pick, Pick::Last | Pick::Join) {
            return self
                .fault(place.mapping, "expected `first()` or `[n]` on a linked path, found `last()` or `join()`");
        }
        let link = self.link(place, array, link)?;
        // In the linked frame there is one value; which frame counts is decided when the row is made.
        let inside = Path {
            steps: rest.iter().filter(|step| !matches!(step, Step::Linked(_))).cloned().collect(),
            pick: if path.pick == Pick::Single { Pick::Single } else { Pick::First },
            ..path.clone()
        };
        let wanted = self.want(place, CLAIM, array, &inside)?;
        let nth = if let Pick::Nth(n) = path.pick { n } else { 0 };
        Ok(PendingSource::Linked { link, wanted, nth, single: path.pick == Pick::Single })
    }

    fn link(&mut self, place: Place<'_>, array: &str, link: Link) -> Result<usize> {
        if let Some(known) = self.links.iter().position(|l| l.array == array && l.link == link) {
            let roots = (self.links[known].key, self.links[known].lists.clone());
            self.link_captures(place, array, &link)?;
            debug_assert_eq!(roots.0, self.links[known].key);
            return Ok(known);
        }
        let (key, lists) = self.link_captures(place, array, &link)?;
        let target = self.trees[CLAIM].scope(array);
        self.links.push(PendingLink { target, array: array.to_string(), link, key, lists });
        Ok(self.links.len() - 1)
    }

    /// The captures a link needs, wanted for this table's families too.
    fn link_captures(&mut self, place: Place<'_>, array: &str, link: &Link) -> Result<(usize, Vec<usize>)> {
        let tree = &mut self.trees[CLAIM];
        let target = tree.scope(array);
        let keys = |members: &[String]| members.iter().map(|m| Step::Key(m.clone())).collect::<Vec<_>>();
        match link {
            Link::Reference(members) => {
                let key = tree.capture(target, &[Step::Key("id".into())], Mode::First, &[], place.families);
                let list = tree.capture(0, &keys(members), Mode::First, &[], place.families);
                Ok((key, vec![list]))
            }
            Link::Sequence { lists, negated } => {
                let key = tree.capture(target, &[Step::Key("sequence".into())], Mode::First, &[], place.families);
                let mut ids = Vec::new();
                for (root, members) in lists {
                    let members = match (root, members.split_first()) {
                        (Root::Eob, Some((first, rest))) if first == "item" && *negated => rest,
                        (Root::Item, _) if place.row == Root::Item && !negated => members,
                        _ => {
                            return self.fault(
                                place.mapping,
                                "expected a list of this row's item, or with `.not()` of `%eob.item`",
                            );
                        }
                    };
                    let scope = self.trees[CLAIM].scope("item");
                    ids.push(self.trees[CLAIM].capture(scope, &keys(members), Mode::Many, &[], place.families));
                }
                Ok((key, ids))
            }
        }
    }

    fn want(&mut self, place: Place<'_>, tree: usize, array: &str, path: &Path) -> Result<Wanted> {
        let (mode, nth) = match path.pick {
            Pick::Single => (Mode::Single, 0),
            Pick::First => (Mode::First, 0),
            Pick::Last => (Mode::Last, 0),
            Pick::Nth(n) => (Mode::List(n + 1), n),
            Pick::Join => (Mode::List(JOINED), 0),
        };
        self.want_as(place, tree, array, path, mode, nth)
    }

    fn want_as(
        &mut self,
        place: Place<'_>,
        tree: usize,
        array: &str,
        path: &Path,
        mode: Mode,
        nth: usize,
    ) -> Result<Wanted> {
        if path.steps.is_empty() || path.steps.iter().any(|step| matches!(step, Step::Linked(_))) {
            return self.fault(place.mapping, "expected members without a link here");
        }
        if path.steps.windows(2).any(|pair| matches!(pair, [Step::Where(_), Step::Index(_)])) {
            return self.fault(place.mapping, "expected an index on an array, found one behind `where(...)`");
        }
        let families = if tree == CLAIM { place.families } else { None };
        let scope = if array.is_empty() { 0 } else { self.trees[tree].scope(array) };
        let id = self.trees[tree].capture(scope, &path.steps, mode, &path.unless, families);
        if let Some(at) = place.at {
            self.names[tree].entry(id).or_default().push(at);
        }
        Ok(Wanted { tree, id, nth })
    }

    fn fact(&mut self, table: &str, name: &str, mode: Mode) -> Result<Wanted> {
        match self.fact_alternatives(table, name, mode)? {
            [Some(wanted), _] => Ok(wanted),
            _ => {
                let mapping = self.mapping(table, name)?;
                self.fault(mapping, "expected a path, found `-`")
            }
        }
    }

    fn optional_fact(&mut self, table: &str, name: &str) -> Result<[Option<Wanted>; 2]> {
        self.fact_alternatives(table, name, Mode::First)
    }

    fn fact_alternatives(&mut self, table: &str, name: &str, mode: Mode) -> Result<[Option<Wanted>; 2]> {
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
            return Some(self.schemas.tables.iter().filter(with_rules).flat_map(|t| t.families.clone()).collect());
        }
        let skips: Vec<_> = self.version.skips.iter().filter(|skip| skip.fact == name).collect();
        if table == "%eob" && !skips.is_empty() && skips.iter().all(|skip| !skip.families.is_empty()) {
            return Some(skips.iter().flat_map(|skip| skip.families.clone()).collect());
        }
        None
    }

    fn calls(&mut self, place: Place<'_>, alternative: &Alternative) -> Result<Vec<PendingApply>> {
        let mut steps = Vec::new();
        for call in &alternative.calls {
            steps.push(PendingApply::Ready(match call {
                Call::Translate(name) => match self.schemas.codes.map(name) {
                    Some(map) => Apply::Translate(map.clone()),
                    None => return self.fault(place.mapping, format!("expected a map of codes.csv, found `{name}`")),
                },
                Call::Substring(from, count) => Apply::Substring(*from, *count),
                Call::Right(count) => Apply::Right(*count),
                Call::Replace(from, to) => Apply::Replace(from.clone(), to.clone()),
                Call::ZeroPad(width) => Apply::ZeroPad(*width),
                Call::Select(text) => Apply::Select(text.clone()),
                Call::Cut => continue,
                Call::AgeOn(path) => {
                    if path.root != Root::Patient || place.row != Root::Patient {
                        return self.fault(
                            place.mapping,
                            "expected `ageOn` in a beneficiary table, with a date of the Patient",
                        );
                    }
                    steps.push(PendingApply::AgeOn(self.want(place, PATIENT, "", path)?));
                    continue;
                }
            }));
        }
        Ok(steps)
    }
}

fn value_or_join(path: &Path, wanted: Wanted) -> PendingSource {
    if path.pick == Pick::Join { PendingSource::Join(wanted) } else { PendingSource::Value(wanted) }
}
