//! Typed views of a record: only what code branches on.
//!
//! A view is a `Copy` newtype over a [`Cursor`] and owns nothing. Whatever ends in a CCLF column has a row in
//! `schemas/` and no accessor here.
//!
//! ```
//! use claimfeed::parse::tape::{PADDING, TapeParser};
//! use claimfeed::parse::view::Resource;
//!
//! let line = br#"{"id":"c1","patient":{"reference":"Patient/7"},"resourceType":"ExplanationOfBenefit","use":"claim"}"#;
//! let mut buffer = line.to_vec();
//! buffer.resize(line.len() + PADDING, 0);
//! let mut parser = TapeParser::default();
//! let record = parser.parse(&mut buffer, line.len()).expect("the line is JSON");
//! let Resource::ExplanationOfBenefit(claim) = Resource::of(&record) else { panic!("another resource") };
//! assert_eq!(claim.id(), Some("c1"));
//! assert_eq!(claim.patient(), Some("7"));
//! assert_eq!(claim.api(), Some(claimfeed::Api::V2));
//! ```

use super::{Cursor, Kind, Name, Step};
use crate::api::Api;

const V3_SYSTEMS: &str = "https://bluebutton.cms.gov/fhir/";
const CCW_VARIABLES: &str = "https://bluebutton.cms.gov/resources/";

/// What a record is, by its `resourceType`.
#[derive(Debug)]
pub enum Resource<'a, C: Cursor> {
    /// a claim
    ExplanationOfBenefit(ExplanationOfBenefit<'a, C>),
    /// a beneficiary
    Patient(Patient<'a, C>),
    /// one part of Medicare of a beneficiary
    Coverage(Coverage<'a, C>),
    /// another FHIR resource, by name
    Other(&'a str),
    /// JSON, but no resource
    None,
}

/// A claim as BCDA serves it.
#[derive(Debug)]
pub struct ExplanationOfBenefit<'a, C>(&'a C);

/// A beneficiary as BCDA serves it.
#[derive(Debug)]
pub struct Patient<'a, C>(&'a C);

/// One part of Medicare of a beneficiary.
#[derive(Debug)]
pub struct Coverage<'a, C>(&'a C);

macro_rules! copy {
    ($($view:ident),*) => {$(
        impl<C> Clone for $view<'_, C> {
            fn clone(&self) -> Self {
                *self
            }
        }
        impl<C> Copy for $view<'_, C> {}
    )*};
}
copy!(ExplanationOfBenefit, Patient, Coverage);

fn member<C: Cursor>(record: &C, at: C::At, name: &str) -> Option<C::At> {
    if record.kind(at) != Kind::Object {
        return None;
    }
    let (mut found, name) = (None, Name::new(name.as_bytes()));
    record.members(at, |key, value| {
        let end = record.skip(value);
        if !key.is(name) {
            return Step::Past(end);
        }
        found = Some(value);
        Step::Leave(end)
    });
    found
}

fn text<'a, C: Cursor>(record: &'a C, path: &[&str]) -> Option<&'a str> {
    let mut at = record.root();
    for name in path {
        at = member(record, at, name)?;
    }
    record.string(at)
}

/// The elements of an array, or the value itself.
fn each<C: Cursor>(record: &C, at: Option<C::At>) -> Vec<C::At> {
    match at {
        None => Vec::new(),
        Some(at) if record.kind(at) == Kind::Array => {
            let mut elements = Vec::new();
            record.elements(at, |element| {
                elements.push(element);
                record.skip(element)
            });
            elements
        }
        Some(at) => vec![at],
    }
}

/// Whether some string `key` of the elements of the root's `array` begins with `prefix`.
fn any_begins<C: Cursor>(record: &C, array: &str, key: &str, prefix: &str) -> bool {
    each(record, member(record, record.root(), array)).into_iter().any(|element| {
        member(record, element, key).and_then(|at| record.string(at)).is_some_and(|text| text.starts_with(prefix))
    })
}

/// The id of a reference such as `Patient/7`, `https://server/Patient/7` or `Patient/7/_history/3`.
pub fn reference_id(reference: &str) -> &str {
    // No id has a `_`, and to look for one byte is quicker than for a text.
    let current = if reference.contains('_') { reference.split("/_history/").next() } else { None };
    let current = current.unwrap_or(reference);
    current.rsplit('/').next().unwrap_or(current)
}

impl<'a, C: Cursor> Resource<'a, C> {
    /// Looks at `resourceType`, wherever it stands.
    pub fn of(record: &'a C) -> Resource<'a, C> {
        match text(record, &["resourceType"]) {
            Some("ExplanationOfBenefit") => Resource::ExplanationOfBenefit(ExplanationOfBenefit(record)),
            Some("Patient") => Resource::Patient(Patient(record)),
            Some("Coverage") => Resource::Coverage(Coverage(record)),
            Some(other) => Resource::Other(other),
            None => Resource::None,
        }
    }

    /// The API version the record shows, if it shows one.
    pub fn api(&self) -> Option<Api> {
        match self {
            Resource::ExplanationOfBenefit(claim) => claim.api(),
            Resource::Patient(patient) => patient.api(),
            Resource::Coverage(coverage) => coverage.api(),
            Resource::Other(_) | Resource::None => None,
        }
    }
}

impl<'a, C: Cursor> ExplanationOfBenefit<'a, C> {
    /// `id`
    pub fn id(self) -> Option<&'a str> {
        text(self.0, &["id"])
    }

    /// Id of the beneficiary.
    pub fn patient(self) -> Option<&'a str> {
        text(self.0, &["patient", "reference"]).map(reference_id)
    }

    /// `use`: `claim` or `preauthorization`; v1 has none.
    pub fn purpose(self) -> Option<&'a str> {
        text(self.0, &["use"])
    }

    /// `status`: `active` or `cancelled`
    pub fn status(self) -> Option<&'a str> {
        text(self.0, &["status"])
    }

    /// Claim family by EOB type, the only classifier that does not mislead: `CARRIER`, `INPATIENT`...
    pub fn family(self) -> Option<&'a str> {
        let kind = member(self.0, self.0.root(), "type")?;
        each(self.0, member(self.0, kind, "coding")).into_iter().find_map(|coding| {
            let system = self.0.string(member(self.0, coding, "system")?)?;
            let is_eob_type = system.ends_with("/eob-type") || system.ends_with("/EOB-TYPE");
            if is_eob_type { self.0.string(member(self.0, coding, "code")?) } else { None }
        })
    }

    /// v3 speaks of its own code systems or of prior authorisations; R4 demands `use`, `outcome` and `insurer`,
    /// which STU3 has not.
    pub fn api(self) -> Option<Api> {
        let record = self.0;
        let kind = member(record, record.root(), "type");
        let v3_type = each(record, kind.and_then(|kind| member(record, kind, "coding"))).into_iter().any(|coding| {
            let system = member(record, coding, "system").and_then(|at| record.string(at));
            system.is_some_and(|system| system.starts_with(V3_SYSTEMS))
        });
        // A second witness: one damaged byte must not turn a claim into one of another version, which would end the run.
        let tags = member(record, record.root(), "meta").and_then(|meta| member(record, meta, "tag"));
        let v3_tag = each(record, tags).into_iter().any(|tag| {
            let system = member(record, tag, "system").and_then(|at| record.string(at));
            system.is_some_and(|system| system.starts_with(V3_SYSTEMS))
        });
        let has = |name| member(record, record.root(), name).is_some();
        Some(if v3_type || v3_tag || self.purpose().is_some_and(|purpose| purpose.starts_with("pre")) {
            Api::V3
        } else if has("use") || has("outcome") || has("insurer") {
            Api::V2
        } else {
            Api::V1
        })
    }
}

impl<'a, C: Cursor> Patient<'a, C> {
    /// `id`
    pub fn id(self) -> Option<&'a str> {
        text(self.0, &["id"])
    }

    /// v1 and v2 carry CCW identifiers, which R4 marks with a type; v3 has MBIs only, or a link if it was merged.
    pub fn api(self) -> Option<Api> {
        let record = self.0;
        if any_begins(record, "identifier", "system", CCW_VARIABLES) {
            let typed = each(record, member(record, record.root(), "identifier"))
                .into_iter()
                .any(|identifier| member(record, identifier, "type").is_some());
            return Some(if typed { Api::V2 } else { Api::V1 });
        }
        // Their extensions are a second witness: one damaged byte must not end the run.
        if any_begins(record, "extension", "url", CCW_VARIABLES) {
            return None;
        }
        let mbi = any_begins(record, "identifier", "system", "http://hl7.org/fhir/sid/us-mbi");
        (mbi || any_begins(record, "link", "type", "replaced-by")).then_some(Api::V3)
    }
}

impl<'a, C: Cursor> Coverage<'a, C> {
    /// `id`
    pub fn id(self) -> Option<&'a str> {
        text(self.0, &["id"])
    }

    /// Id of the beneficiary.
    pub fn beneficiary(self) -> Option<&'a str> {
        text(self.0, &["beneficiary", "reference"]).map(reference_id)
    }

    /// STU3 groups what R4 classifies; v3 has its own extensions.
    pub fn api(self) -> Option<Api> {
        let record = self.0;
        // There may be a hundred extensions, and all of CMS's speak of one kind of systems: the first one tells.
        let list = member(record, record.root(), "extension").filter(|list| record.kind(*list) == Kind::Array);
        let first = list.and_then(|list| record.first(list)).and_then(|first| member(record, first, "url"));
        let first = first.and_then(|url| record.string(url)).unwrap_or_default();
        let is_ccw = first.starts_with(CCW_VARIABLES);
        if first.starts_with(V3_SYSTEMS) || (!is_ccw && any_begins(record, "extension", "url", V3_SYSTEMS)) {
            Some(Api::V3)
        } else if member(record, record.root(), "grouping").is_some() {
            Some(Api::V1)
        } else if (is_ccw || any_begins(record, "extension", "url", CCW_VARIABLES))
            && member(record, record.root(), "class").is_some()
        {
            Some(Api::V2)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::scan::Scanner;
    use crate::parse::tape::{PADDING, TapeParser};

    #[test]
    fn the_id_of_a_reference_is_that_of_the_resource_and_not_of_its_version() {
        for (reference, id) in [
            ("Patient/7", "7"),
            ("7", "7"),
            ("https://server/fhir_r4/Patient/-10", "-10"),
            ("Patient/7/_history/3", "7"),
            ("Patient/7/_history/3/", "7"),
            ("Patient/", ""),
            ("", ""),
        ] {
            assert_eq!(reference_id(reference), id, "{reference}");
        }
    }

    #[test]
    fn the_first_extension_tells_the_version_of_a_coverage_and_if_it_does_not_the_others_do() {
        let (ccw, v3) = (
            r#"{"url":"https://bluebutton.cms.gov/resources/variables/x"}"#,
            r#"{"url":"https://bluebutton.cms.gov/fhir/x"}"#,
        );
        let other = r#"{"url":"http://hl7.org/x"}"#;
        let class = r#""class":[{}],"#;
        for (extension, others, expected) in [
            (format!("[{ccw},{other}]"), class, Some(Api::V2)),
            (format!("[{ccw}]"), r#""grouping":{},"#, Some(Api::V1)),
            (format!("[{ccw}]"), "", None),
            (format!("[{v3}]"), class, Some(Api::V3)),
            (format!("[{other},{v3}]"), class, Some(Api::V3)),
            (format!("[{{}},{other},{ccw}]"), class, Some(Api::V2)),
            (v3.to_string(), class, Some(Api::V3)),
            ("[]".to_string(), class, None),
        ] {
            let line = format!(r#"{{{others}"extension":{extension},"resourceType":"Coverage"}}"#);
            let mut buffer = line.clone().into_bytes();
            buffer.resize(line.len() + PADDING, 0);
            let mut parser = TapeParser::default();
            let record = parser.parse(&mut buffer, line.len()).unwrap();
            assert_eq!(Resource::of(&record).api(), expected, "{line}");
            let mut scanner = Scanner::default();
            let group = scanner.group(line.as_bytes()).unwrap();
            let record = group.record(0, line.len());
            assert_eq!(Resource::of(&record).api(), expected, "{line}");
        }
    }
}
