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
mod tests {
    use super::*;

    fn v3(filter: &str) -> Export {
        Export { filters: vec![filter.to_string()], ..Export::all(Api::V3) }
    }

    fn refusal(export: Export) -> String {
        export.check().unwrap_err().to_string()
    }

    #[test]
    fn the_query_is_encoded_as_the_server_decodes_it() {
        let export = Export {
            types: vec!["Patient".into(), "ExplanationOfBenefit".into()],
            since: Some("2026-01-31T00:00:00.5+02:00".into()),
            ..Export::all(Api::V2)
        };
        let (path, query) = export.path();
        assert_eq!(path, "api/v2/Group/all/$export");
        assert_eq!(query, "_type=Patient,ExplanationOfBenefit&_since=2026-01-31T00:00:00.5%2B02:00");
        assert_eq!(export.series(), "api/v2/Group/all/$export?_type=ExplanationOfBenefit,Patient");
        let filter = "ExplanationOfBenefit?outcome=complete&service-date=ge2024";
        assert_eq!(
            v3(filter).path().1,
            "_typeFilter=ExplanationOfBenefit%3Foutcome%3Dcomplete%26service-date%3Dge2024"
        );
        assert_eq!(v3("X?a=1+1%").path().1, "_typeFilter=X%3Fa%3D1%252B1%2525");
        for export in [export, v3(filter), v3("X?a=1+1%"), Export { scope: Scope::Patient, ..Export::all(Api::V1) }] {
            let (path, query) = export.path();
            let url = url::Url::parse(&format!("https://h/{path}?{query}")).unwrap();
            assert_eq!(Export::of_request(&url), Some(export));
        }
    }

    #[test]
    fn what_the_server_would_drop_is_refused() {
        for good in [
            "ExplanationOfBenefit?service-date=ge2024-01-01&service-date=lt2025",
            "ExplanationOfBenefit?outcome=complete,partial",
            "ExplanationOfBenefit?_tag=https://bluebutton.cms.gov/fhir/CodeSystem/System-Type|DDPS&service-date=2024-02",
        ] {
            v3(good).check().unwrap();
            assert!(refusal(Export { dialect: Dialect::Bcda(Api::V2), ..v3(good) }).contains("ignores it"));
        }
        for bad in [
            "ExplanationOfBenefit",
            "Patient?service-date=2024",
            "ExplanationOfBenefit?service-date=ge2024-01-01T00:00:00Z",
            "ExplanationOfBenefit?service-date=ge2024,le2025",
            "ExplanationOfBenefit?service-date=1999",
            "ExplanationOfBenefit?service-date=2024-02-30",
            "ExplanationOfBenefit?service-date=2024-1",
            "ExplanationOfBenefit?service-date=ge2024&service-date=gt2025",
            "ExplanationOfBenefit?service-date=2024&service-date=le2025",
            "ExplanationOfBenefit?outcome=error",
            "ExplanationOfBenefit?_tag=DDPS",
            "ExplanationOfBenefit?patient=1",
            "ExplanationOfBenefit?",
        ] {
            assert!(refusal(v3(bad)).contains("--type-filter"), "{bad}");
        }
        let two = Export { filters: vec!["a".into(), "b".into()], ..Export::all(Api::V3) };
        assert!(refusal(two).contains("found several"));
    }

    proptest::proptest! {
        /// Any text is decoded to itself, and one that passes passes again; the fuzz target `filter` says the same of more.
        #[test]
        fn what_is_sent_is_what_is_decoded(
            filter in ".{0,30}|(ExplanationOfBenefit|Patient)[?](&?(service-date|_tag|outcome)=(eq|ge|lt)?(2024(-0[1-9])?|complete|partial,?)){0,3}",
        ) {
            let export = v3(&filter);
            let (path, query) = export.path();
            let url = url::Url::parse(&format!("https://h/{path}?{query}")).unwrap();
            let again = Export::of_request(&url).unwrap();
            proptest::prop_assert_eq!(&again, &export);
            proptest::prop_assert_eq!(again.check().is_ok(), export.check().is_ok());
        }
    }

    #[test]
    fn types_groups_and_times_are_checked() {
        let types =
            |api, types: &[&str]| Export { types: types.iter().map(|t| t.to_string()).collect(), ..Export::all(api) };
        types(Api::V2, &["Claim", "Patient"]).check().unwrap();
        assert!(refusal(types(Api::V1, &["Observation"])).contains("BCDA v1"));
        assert!(refusal(types(Api::V3, &["Claim"])).contains("BCDA v3"));
        assert!(refusal(types(Api::V2, &["Patient", "Patient"])).contains("twice"));
        assert!(refusal(types(Api::V2, &["Patient&x=1"])).contains("found `Patient&x=1`"));
        let group = |id: &str| Export { scope: Scope::Group(id.into()), ..Export::all(Api::V2) };
        group("runout").check().unwrap();
        assert!(refusal(group("new")).contains("all or runout"));
        let since = |text: &str| Export { since: Some(text.into()), ..Export::all(Api::V2) };
        for good in ["2026-01-31T00:00:00Z", "2019-12-09T20:44:01.705398Z", "2026-01-31T00:00:00.123456789-05:00"] {
            since(good).check().unwrap();
        }
        for bad in [
            "2026-01-31",
            "2026-01-31T00:00:00",
            "2026-01-31t00:00:00z",
            "",
            "2026-01-31T00:00Z",
            "2999-01-01T00:00:00Z",
        ] {
            assert!(refusal(since(bad)).starts_with("expected"), "{bad}");
        }
        assert_eq!(utc("2026-01-31T02:00:00+02:00").unwrap(), "2026-01-31T00:00:00Z");
    }

    #[test]
    fn partially_adjudicated_claims_are_asked_for_where_that_is_needed() {
        let filters = |api, types: &[&str], filters: &[&str]| {
            let own = |texts: &[&str]| texts.iter().map(|text| text.to_string()).collect::<Vec<_>>();
            let export = Export { types: own(types), filters: own(filters), ..Export::all(api) }.with_partial();
            export.check().unwrap();
            export.filters
        };
        let all =
            ["SharedSystem", "NationalClaimsHistory", "DDPS"].map(|system| format!("{SYSTEM_TYPE}|{system}")).join(",");
        assert_eq!(filters(Api::V3, &[], &[]), [format!("ExplanationOfBenefit?_tag={all}")]);
        assert_eq!(filters(Api::V3, &["ExplanationOfBenefit"], &[]).len(), 1);
        let dated = "ExplanationOfBenefit?service-date=ge2024";
        assert_eq!(filters(Api::V3, &[], &[dated]), [format!("{dated}&_tag={all}")]);
        let tagged = format!("ExplanationOfBenefit?_tag={SYSTEM_TYPE}|DDPS");
        assert_eq!(filters(Api::V3, &[], &[&tagged]), [tagged]);
        assert!(filters(Api::V3, &["Patient"], &[]).is_empty());
        assert!(filters(Api::V2, &[], &[]).is_empty());
    }
}
