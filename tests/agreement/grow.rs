//! Records grown from the crosswalk's own paths: each plant is a value at the end of one path, with the slices and
//! links on the way that lead there. So every cell is met, also those that no sample of the API has.

use claimfeed::api::Api;
use claimfeed::crosswalk::path::{Link, Literal, Path, Pick, Root, Source, Step, Test};
use claimfeed::crosswalk::picture::Picture;
use claimfeed::crosswalk::schema::{Schemas, Version};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::mutate::odd;

/// All paths of one version's claims.
pub struct Garden<'s> {
    schemas: &'s Schemas,
    version: &'s Version,
    seeds: Vec<Seed<'s>>,
    families: Vec<String>,
    family: Path,
    keys: Vec<String>,
    texts: Vec<String>,
}

/// A path and what usually stands at its end.
struct Seed<'s> {
    table: &'s str,
    field: &'s str,
    path: &'s Path,
    picture: Option<Picture>,
    families: &'s [String],
    /// diagnosis types its table knows
    kinds: Vec<&'s str>,
}

impl<'s> Garden<'s> {
    pub fn new(schemas: &'s Schemas, api: Api) -> Garden<'s> {
        let version = schemas.version(api);
        let mut seeds = Vec::new();
        let rules = &version.diagnoses;
        let kinds = |table: &str| {
            rules.iter().filter(|r| r.table == table || table.starts_with('%')).map(|r| r.kind.as_str()).collect()
        };
        for mapping in &version.mappings {
            let table = schemas.table(&mapping.table);
            let field = table.and_then(|t| t.layout.fields.iter().find(|field| field.label == mapping.field));
            for alternative in &mapping.cell.alternatives {
                if let Source::Path(path) = &alternative.source
                    && matches!(path.root, Root::Eob | Root::Item | Root::Procedure | Root::Diagnosis)
                {
                    let (picture, families) = (field.map(|f| f.picture), table.map_or(&[][..], |t| &t.families));
                    let kinds = kinds(&mapping.table);
                    seeds.push(Seed { table: &mapping.table, field: &mapping.field, path, picture, families, kinds });
                }
            }
        }
        let mut families: Vec<String> = schemas.tables.iter().flat_map(|table| table.families.clone()).collect();
        families.sort();
        families.dedup();
        let family = seeds.iter().find(|s| (s.table, s.field) == ("%eob", "family")).expect("a family").path.clone();
        let (mut keys, mut texts) = (Vec::new(), vec!["1".to_string(), "x".to_string()]);
        for step in seeds.iter().flat_map(|seed| &seed.path.steps) {
            match step {
                Step::Key(key) => keys.push(key.clone()),
                Step::Where(test) => {
                    keys.extend(test.path.iter().cloned());
                    texts.extend(test.accept.iter().map(literal));
                }
                _ => {}
            }
        }
        keys.extend(["sequence", "careTeamLinkId", "careTeamSequence", "informationSequence"].map(str::to_string));
        keys.sort();
        keys.dedup();
        texts.extend(version.diagnoses.iter().map(|rule| rule.kind.clone()));
        texts.sort();
        texts.dedup();
        Garden { schemas, version, seeds, families, family, keys, texts }
    }

    /// A claim of one of the families with these plants.
    pub fn record(&self, family: u32, plants: &[[u32; 4]]) -> Value {
        let family = &self.families[family as usize % self.families.len()];
        let fits = |seed: &&Seed<'_>| seed.families.is_empty() || seed.families.contains(family);
        let seeds: Vec<&Seed<'_>> = self.seeds.iter().filter(fits).collect();
        let mut record = json!({});
        for [which, way, value, more] in plants {
            let mut choice = Choice(u64::from(*way) << 16 | u64::from(*more));
            self.plant(&mut record, seeds[*which as usize % seeds.len()], *value, &mut choice);
        }
        self.name_family(&mut record, family);
        record
    }

    /// A claim in which a field should have a value.
    pub fn for_field(&self, table: &str, field: &str, seed: u32) -> Value {
        let mut record = json!({});
        let only_with = self.schemas.table(table).map_or(&[][..], |table| &table.only_with);
        let own =
            |s: &&Seed<'_>| s.table == table && (s.field == field || only_with.iter().any(|label| label == s.field));
        for wanted in self.seeds.iter().filter(own) {
            let times = if let Pick::Nth(n) = wanted.path.pick { 2 * n as u32 + 2 } else { 1 };
            for time in 0..times {
                let choice = if time == 0 { 0 } else { u64::from(seed) << 32 | u64::from(time) << 16 };
                self.plant(&mut record, wanted, seed, &mut Choice(choice));
            }
        }
        // Rows need something to be made of.
        let code = json!({"coding": [{"code": "A01"}]});
        for (array, element) in [
            ("item", json!({"sequence": 1})),
            ("procedure", json!({"sequence": 1})),
            (
                "diagnosis",
                json!({"sequence": 1, "type": [{"coding": [{"code": "other"}]}], "diagnosisCodeableConcept": code}),
            ),
        ] {
            if record.get(array).is_none() {
                record[array] = json!([element]);
            }
        }
        record
    }

    /// Whether a field can have a value that is in the claim itself.
    pub fn serves(&self, table: &str, field: &str) -> bool {
        self.seeds.iter().any(|seed| seed.table == table && seed.field == field)
    }

    fn plant(&self, record: &mut Value, seed: &Seed<'_>, value: u32, choice: &mut Choice) {
        let value = usual(seed.picture, value, self.version.api);
        let path = seed.path;
        let start = match path.root {
            Root::Item => element_of(record, "item", choice),
            Root::Procedure => element_of(record, "procedure", choice),
            Root::Diagnosis => {
                let mut last = choice.next();
                let extra = if seed.table.starts_with('%') { 0 } else { path.nth.unwrap_or(0) };
                for n in 0..=extra {
                    let element = fresh_element_of(record, "diagnosis", choice, n > 0);
                    element["sequence"] = json!(n + 1);
                    let kind = seed.kinds[last as usize % seed.kinds.len()];
                    element["type"] = json!([{"coding": [{"code": if kind == "*" { "other" } else { kind }}]}]);
                    element["diagnosisCodeableConcept"] = json!({"coding": [{"code": format!("A0{n}.{}", last % 3)}]});
                    last = choice.next();
                }
                // The plant itself goes into whichever diagnosis was touched last.
                element_of(record, "diagnosis", choice)
            }
            _ => &mut *record,
        };
        lay(start, &path.steps, &value, choice);
        for step in &path.steps {
            if let Step::Linked(link) = step {
                tie(record, path, link, choice);
            }
        }
    }

    fn name_family(&self, record: &mut Value, family: &str) {
        record["type"] = record.get("type").filter(|kind| kind.is_object()).cloned().unwrap_or_else(|| json!({}));
        lay(record, &self.family.steps, &json!(family), &mut Choice(0));
    }

    /// Any JSON of the crosswalk's keys and texts.
    pub fn wild(&self) -> impl Strategy<Value = Value> + use<> {
        let (keys, texts) = (self.keys.clone(), self.texts.clone());
        let leaf = prop_oneof![
            3 => prop::sample::select(texts).prop_map(Value::from),
            2 => (0..6u32).prop_map(Value::from),
            1 => any::<u32>().prop_map(odd),
        ];
        leaf.prop_recursive(6, 200, 6, move |inside| {
            prop_oneof![
                1 => prop::collection::vec(inside.clone(), 0..4).prop_map(Value::from),
                4 => prop::collection::btree_map(prop::sample::select(keys.clone()), inside, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    /// Wild JSON with the name of a family on it.
    pub fn dressed(&self, family: u32, wild: Value) -> Value {
        let mut record = if wild.is_object() { wild } else { json!({"item": wild.clone(), "diagnosis": wild}) };
        self.name_family(&mut record, &self.families[family as usize % self.families.len()]);
        record
    }
}

/// Small decisions on the way, from one number.
struct Choice(u64);

impl Choice {
    fn next(&mut self) -> u64 {
        if self.0 != 0 {
            self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407) | 1;
        }
        self.0 >> 33
    }
}

/// A value of the kind the picture wants, or an odd one.
fn usual(picture: Option<Picture>, n: u32, api: Api) -> Value {
    if n % 8 == 7 {
        return odd(n / 8);
    }
    match picture {
        Some(Picture::Date) => json!(format!("20{:02}-0{}-1{}", n % 30, 1 + n % 9, n % 10)),
        Some(Picture::Decimal { .. }) => json!(f64::from(n % 100_000) / 100.0),
        Some(Picture::Digits { .. }) => json!(n % 100),
        _ => match n % 6 {
            0 => json!("active"),
            1 if api == Api::V3 => json!("62"),
            2 => json!("A"),
            3 => json!("01"),
            4 => json!("R"),
            _ => json!((n % 10).to_string()),
        },
    }
}

fn literal(literal: &Literal) -> String {
    match literal {
        Literal::Is(text) => text.clone(),
        Literal::StartsWith(prefix) => format!("{prefix}01"),
    }
}

/// A new or a known element of an array, as the choice falls.
fn element_of<'a>(record: &'a mut Value, key: &str, choice: &mut Choice) -> &'a mut Value {
    fresh_element_of(record, key, choice, false)
}

fn fresh_element_of<'a>(record: &'a mut Value, key: &str, choice: &mut Choice, fresh: bool) -> &'a mut Value {
    object(record);
    inside(&mut record[key], choice, fresh)
}

fn object(value: &mut Value) -> &mut Value {
    if !value.is_object() {
        *value = json!({});
    }
    value
}

/// The object that stands for a member: itself, or an element of its array; `fresh` asks for a new one.
fn inside<'a>(value: &'a mut Value, choice: &mut Choice, fresh: bool) -> &'a mut Value {
    if value.is_object() && !fresh && choice.next() % 4 != 3 {
        return value;
    }
    if !value.is_array() {
        let one = value.take();
        *value = if one.is_object() { json!([one]) } else { json!([]) };
    }
    let Value::Array(elements) = value else { unreachable!("made an array above") };
    if fresh || elements.is_empty() || choice.next() % 4 == 3 {
        elements.push(json!({}));
    }
    let last = elements.len() - 1;
    object(&mut elements[last])
}

/// Lays a value at the end of steps that start at an object.
fn lay(start: &mut Value, steps: &[Step], value: &Value, choice: &mut Choice) {
    let Some((step, rest)) = steps.split_first() else { return };
    match step {
        Step::Key(key) => {
            let member = &mut object(start)[key];
            let Some(next) = rest.first() else {
                match (choice.next() % 5, &mut *member) {
                    (4, Value::Array(several)) => several.push(value.clone()),
                    (4, one) => *one = json!([one.take(), value]),
                    (_, one) => *one = value.clone(),
                }
                return;
            };
            if let Step::Index(n) = next {
                let elements = if let Value::Array(elements) = member { std::mem::take(elements) } else { Vec::new() };
                *member = Value::from(elements);
                let Value::Array(elements) = member else { unreachable!("made an array above") };
                while elements.len() <= *n {
                    elements.push(json!({}));
                }
                lay(object(&mut elements[*n]), &rest[1..], value, choice);
                return;
            }
            let sliced = rest.iter().take_while(|s| !matches!(s, Step::Key(_))).any(|s| matches!(s, Step::Where(_)));
            let fresh = sliced && choice.next() % 3 != 2;
            lay(inside(member, choice, fresh), rest, value, choice);
        }
        Step::Where(test) => {
            // The test comes last: the value may stand where the test looks.
            lay(start, rest, value, choice);
            pass(start, test, choice);
        }
        Step::Linked(_) | Step::Index(_) => lay(start, rest, value, choice),
    }
}

/// Makes an element pass a test.
fn pass(element: &mut Value, test: &Test, choice: &mut Choice) {
    let text = match test.accept.len() {
        0 => "x".to_string(),
        n => literal(&test.accept[choice.next() as usize % n]),
    };
    let steps: Vec<Step> = test.path.iter().cloned().map(Step::Key).collect();
    lay(element, &steps, &json!(text), choice);
}

/// Gives the last element of a linked array a sequence or id, and something that points to it.
fn tie(record: &mut Value, path: &Path, link: &Link, choice: &mut Choice) {
    let Some(Step::Key(array)) = path.steps.first() else { return };
    let number = choice.next() % 4 + 1;
    let target = match &mut record[array] {
        Value::Array(elements) if !elements.is_empty() => elements.last_mut().expect("not empty"),
        other => other,
    };
    match link {
        Link::Sequence { lists, negated } => {
            object(target)["sequence"] = json!(number);
            let (_, keys) = &lists[choice.next() as usize % lists.len()];
            let keys = if *negated { &keys[1..] } else { &keys[..] };
            let item = element_of(record, "item", choice);
            let steps: Vec<Step> = keys.iter().cloned().map(Step::Key).collect();
            let points_at = if *negated { number + 1 } else { number };
            lay(item, &steps, &json!(points_at), choice);
        }
        Link::Reference(keys) => {
            object(target)["id"] = json!(format!("c{number}"));
            let steps: Vec<Step> = keys.iter().cloned().map(Step::Key).collect();
            lay(record, &steps, &json!(format!("#c{number}")), choice);
        }
    }
}
