//! What an export is asked for, checked before it is sent.
//!
//! BCDA drops what it does not know without a word: a filter in v2, a second `_typeFilter`, a time of day in a service date.
//! The export is then larger than what was asked for, and nobody learns of it. So whatever it would drop is refused here.

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::api::Api;
use crate::error::{Error, Result};

/// Left as they are in a value: what no server can misread.
const VALUE: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b',').remove(b':');

/// The systems that claims of BCDA's v3 come from, as tags of theirs.
const SYSTEM_TYPE: &str = "https://bluebutton.cms.gov/fhir/CodeSystem/System-Type";
const SYSTEMS: [&str; 3] = ["SharedSystem", "NationalClaimsHistory", "DDPS"];

/// The way a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// BCDA in one of its versions
    Bcda(Api),
    /// any server of HL7's Bulk Data IG: the address is its FHIR base
    Bulk,
}

/// Whose data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// `Group/ID/$export`; BCDA: `all` or `runout`
    Group(String),
    /// `Patient/$export`
    Patient,
    /// `$export`; BCDA has none
    System,
}

/// An export to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// the server's
    pub dialect: Dialect,
    /// whose data
    pub scope: Scope,
    /// resource types; empty: the server's default
    pub types: Vec<String>,
    /// only what changed after this instant, as it will be sent
    pub since: Option<String>,
    /// `Type?name=value&...`; BCDA: one, v3 only
    pub filters: Vec<String>,
}

impl Export {
    /// Asks for partially adjudicated claims too, which BCDA's v3 leaves out unless their system is named. A filter that names
    /// systems stays as it is, and so does what another server or version is asked for.
    pub fn with_partial(mut self) -> Export {
        const CLAIM: &str = "ExplanationOfBenefit";
        let are_wanted = self.types.is_empty() || self.types.iter().any(|resource| resource == CLAIM);
        if self.dialect != Dialect::Bcda(Api::V3) || !are_wanted {
            return self;
        }
        let tags = SYSTEMS.map(|system| format!("{SYSTEM_TYPE}|{system}")).join(",");
        match &mut self.filters[..] {
            [] => self.filters.push(format!("{CLAIM}?_tag={tags}")),
            [filter] if !filter.contains(SYSTEM_TYPE) => filter.push_str(&format!("&_tag={tags}")),
            _ => {}
        }
        self
    }

    /// Everything of all beneficiaries, of a version of BCDA.
    pub fn all(api: Api) -> Export {
        Export {
            dialect: Dialect::Bcda(api),
            scope: Scope::Group("all".to_string()),
            types: Vec::new(),
            since: None,
            filters: Vec::new(),
        }
    }

    /// Refuses what the server would refuse, misread or drop.
    pub fn check(&self) -> Result<()> {
        let usage = |message: String| Err(Error::Usage(message));
        for (at, name) in self.types.iter().enumerate() {
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return usage(format!("expected names of resource types such as Patient, found `{name}`"));
            }
            if self.types[..at].contains(name) {
                return usage(format!("expected each resource type once, found `{name}` twice"));
            }
        }
        if let Some(since) = &self.since {
            let instant: Timestamp = instant(since)?;
            if instant > Timestamp::now() {
                return usage(format!(
                    "expected a time that has passed for `--since`, found {instant}\n  hint: this machine's clock says {:.0}",
                    Timestamp::now()
                ));
            }
        }
        let Dialect::Bcda(api) = self.dialect else { return Ok(()) };
        match &self.scope {
            Scope::Group(id) if !matches!(id.as_str(), "all" | "runout") => {
                return usage(format!("expected the group all or runout, which is what BCDA has, found `{id}`"));
            }
            Scope::System => return usage("expected a group or `--patient`: BCDA has no export of the system".into()),
            _ => {}
        }
        let known: &[&str] = match api {
            Api::V2 => &["Patient", "Coverage", "ExplanationOfBenefit", "Claim", "ClaimResponse"],
            _ => &["Patient", "Coverage", "ExplanationOfBenefit"],
        };
        for name in &self.types {
            if !known.contains(&name.as_str()) {
                return usage(format!("expected types of BCDA {api} ({}), found `{name}`", known.join(", ")));
            }
        }
        match (&self.filters[..], api) {
            ([], _) => Ok(()),
            (_, Api::V1 | Api::V2) => usage(format!(
                "expected no `--type-filter` with {api}: BCDA ignores it there and exports everything\n  hint: `--api v3` filters"
            )),
            ([filter], Api::V3) => check_filter(filter),
            _ => usage(
                "expected one `--type-filter`, found several: BCDA takes one\n  hint: join conditions with &".into(),
            ),
        }
    }

    /// Path below the server's address, and query.
    pub fn path(&self) -> (String, String) {
        let root = match self.dialect {
            Dialect::Bcda(api) => format!("api/{api}/"),
            Dialect::Bulk => String::new(),
        };
        let scope = match &self.scope {
            Scope::Group(id) => format!("Group/{}/", utf8_percent_encode(id, VALUE)),
            Scope::Patient => "Patient/".to_string(),
            Scope::System => String::new(),
        };
        let mut query = Vec::new();
        let mut add = |name: &str, value: &str| query.push(format!("{name}={}", utf8_percent_encode(value, VALUE)));
        if !self.types.is_empty() {
            add("_type", &self.types.join(","));
        }
        if let Some(since) = &self.since {
            add("_since", since);
        }
        for filter in &self.filters {
            // BCDA decodes the value twice.
            match self.dialect {
                Dialect::Bcda(_) => add("_typeFilter", &filter.replace('%', "%25").replace('+', "%2B")),
                Dialect::Bulk => add("_typeFilter", filter),
            }
        }
        (format!("{root}{scope}$export"), query.join("&"))
    }

    /// The export that a request of BCDA's list of jobs asked for.
    pub fn of_request(url: &url::Url) -> Option<Export> {
        let parts: Vec<&str> = url.path_segments()?.collect();
        let start = parts.iter().position(|part| *part == "api")?;
        let (api, scope) = match &parts[start + 1..] {
            [api, "Patient", "$export" | "%24export"] => (api, Scope::Patient),
            [api, "Group", id, "$export" | "%24export"] => (api, Scope::Group(id.to_string())),
            _ => return None,
        };
        let mut export = Export { scope, ..Export::all(Api::parse(api)?) };
        for (name, value) in url.query_pairs() {
            match &*name {
                "_type" => export.types = value.split(',').map(str::to_string).collect(),
                "_since" => export.since = Some(value.into_owned()),
                "_typeFilter" => {
                    let decoded = percent_encoding::percent_decode_str(&value).decode_utf8_lossy().into_owned();
                    export.filters.push(decoded);
                }
                _ => {}
            }
        }
        Some(export)
    }

    /// What exports that go on from each other have in common.
    pub fn series(&self) -> String {
        let mut types = self.types.clone();
        types.sort();
        let (path, query) = Export { since: None, types, ..self.clone() }.path();
        if query.is_empty() { path } else { format!("{path}?{query}") }
    }
}

/// An instant with its zone, which is what FHIR wants.
pub fn instant(text: &str) -> Result<Timestamp> {
    let shaped = text.len() >= 20 && text.as_bytes()[10] == b'T' && !text.contains(['t', 'z']);
    text.parse().ok().filter(|_| shaped).ok_or_else(|| {
        Error::Usage(format!(
            "expected an instant such as 2026-01-31T00:00:00Z, found `{text}`\n  hint: date, time with seconds, and zone"
        ))
    })
}

/// A user's instant as it is sent: in UTC, for a `+` is misread on the way.
pub fn utc(text: &str) -> Result<String> {
    Ok(instant(text)?.to_string())
}

/// One filter in the grammar that BCDA follows, less what it drops.
fn check_filter(filter: &str) -> Result<()> {
    let wrong = |expected: &str, found: &str| {
        Err(Error::Usage(format!("expected {expected} in `--type-filter`, found `{found}`")))
    };
    let Some((resource, conditions)) = filter.split_once('?') else {
        return wrong("ExplanationOfBenefit?name=value", filter);
    };
    if resource != "ExplanationOfBenefit" {
        return wrong("ExplanationOfBenefit, the only type that BCDA filters,", resource);
    }
    let (mut lower, mut upper) = (0, 0);
    for condition in conditions.split('&') {
        let Some((name, value)) = condition.split_once('=') else {
            return wrong("name=value", condition);
        };
        match name {
            "outcome" => {
                if let Some(bad) = value.split(',').find(|value| !matches!(*value, "complete" | "partial")) {
                    return wrong("outcome=complete or partial", bad);
                }
            }
            "_tag" => {
                if let Some(bad) = value.split(',').find(|value| !is_tag(value)) {
                    return wrong("_tag=system|code of System-Type or Final-Action", bad);
                }
            }
            "service-date" => {
                let (prefix, date) = match value.get(..2) {
                    Some(prefix @ ("eq" | "lt" | "gt" | "le" | "ge")) => (prefix, &value[2..]),
                    _ => ("eq", value),
                };
                if !is_date(date) {
                    let expected = "service-date=[eq|lt|gt|le|ge]YYYY[-MM[-DD]], one date after 1999 (BCDA drops a time or a list)";
                    return wrong(expected, value);
                }
                lower += usize::from(matches!(prefix, "gt" | "ge" | "eq"));
                upper += usize::from(matches!(prefix, "lt" | "le" | "eq"));
            }
            _ => return wrong("service-date, _tag or outcome", name),
        }
    }
    if lower > 1 || upper > 1 {
        return wrong("at most one date from and one date to", filter);
    }
    Ok(())
}

fn is_tag(text: &str) -> bool {
    const TAGS: [(&str, &[&str]); 2] = [
        (SYSTEM_TYPE, &SYSTEMS),
        ("https://bluebutton.cms.gov/fhir/CodeSystem/Final-Action", &["FinalAction", "NotFinalAction"]),
    ];
    text.split_once('|')
        .is_some_and(|(system, code)| TAGS.iter().any(|(known, codes)| *known == system && codes.contains(&code)))
}

/// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`, from 2000 on.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let digits = parts
        .iter()
        .zip([4, 2, 2])
        .all(|(part, length)| part.len() == length && part.bytes().all(|b| b.is_ascii_digit()));
    if !digits || parts.len() > 3 || *text < *"2000" {
        return false;
    }
    let whole = [text, "-01-01"].concat()[..10].to_string();
    let whole = if parts.len() == 2 { format!("{text}-01") } else { whole };
    whole.parse::<jiff::civil::Date>().is_ok()
}

#[cfg(test)]
mod tests;
