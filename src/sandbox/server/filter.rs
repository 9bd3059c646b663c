//! v3's `_typeFilter`: its grammar, BCDA's complaints, and which claims pass.
//!
//! What BCDA accepts and then drops (a service date with a time, comma-separated ones, years before 2000) is accepted
//! and dropped here too: a client that relies on it must see the unfiltered export.

use super::query::Refusal;
use super::request::unescape;

const SYSTEM_TYPE: &str = "https://bluebutton.cms.gov/fhir/CodeSystem/System-Type";
const FINAL_ACTION: &str = "https://bluebutton.cms.gov/fhir/CodeSystem/Final-Action";

/// Conditions on a claim; all must hold, and of each one of its alternatives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// (system, code) pairs.
    tags: Vec<Vec<(String, String)>>,
    outcomes: Vec<Vec<String>>,
    /// Prefix and date of one, two or three parts.
    dates: Vec<(String, String)>,
}

/// What of a claim a filter looks at.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Facts {
    pub resource_type: String,
    pub meta: Meta,
    outcome: String,
    billable_period: Period,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Meta {
    pub last_updated: String,
    tag: Vec<Tag>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Tag {
    system: String,
    code: String,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Period {
    start: String,
    end: String,
}

impl Filter {
    /// `text` is the parameter's value, decoded once; BCDA decodes it once more.
    pub fn parse(text: &str) -> Result<Filter, Refusal> {
        let (resource, conditions) = text.split_once('?').ok_or_else(|| format!("missing question mark {text}"))?;
        if resource != "ExplanationOfBenefit" {
            return Err(format!("invalid _typeFilter Resource Type (Only EOBs valid): {resource}"));
        }
        let mut filter = Filter::default();
        for condition in conditions.split('&') {
            let invalid = || format!("invalid _typeFilter parameter/value: {condition}");
            let (name, value) = condition.split_once('=').ok_or_else(invalid)?;
            let value = unescape(value).ok_or_else(invalid)?;
            let values: Vec<&str> = value.split(',').collect();
            match name {
                "_tag" => filter.tags.push(values.into_iter().map(tag).collect::<Result<_, _>>()?),
                "outcome" => {
                    if let Some(wrong) = values.iter().find(|value| !["complete", "partial"].contains(value)) {
                        return Err(format!("invalid outcome value: {wrong}"));
                    }
                    filter.outcomes.push(values.into_iter().map(str::to_owned).collect());
                }
                "service-date" => {
                    for value in &values {
                        let (_, date) = prefix(value);
                        if !is_date(date) {
                            return Err(format!(
                                "invalid service-date value: {value}. Pass a valid FHIR date parameter"
                            ));
                        }
                    }
                    if let [one] = values[..] {
                        let (sign, date) = prefix(one);
                        if !date.contains('T') && (date.len() > 4 || date >= "2000") {
                            filter.dates.push((sign.to_owned(), date.to_owned()));
                        }
                    }
                }
                _ => return Err(format!("invalid _typeFilter subquery parameter: {name}")),
            }
        }
        Ok(filter)
    }

    /// Whether it says which systems' claims it wants; if not, BCDA leaves out partially adjudicated ones and warns.
    pub fn names_system(&self) -> bool {
        self.tags.iter().flatten().any(|(system, _)| system == SYSTEM_TYPE)
    }

    pub fn passes(&self, claim: &Facts) -> bool {
        let tagged =
            |wanted: &(String, String)| claim.meta.tag.iter().any(|tag| tag.system == wanted.0 && tag.code == wanted.1);
        (self.names_system() || !claim.is_shared())
            && self.tags.iter().all(|any| any.iter().any(tagged))
            && self.outcomes.iter().all(|any| any.contains(&claim.outcome))
            && self.dates.iter().all(|(sign, date)| claim.billable_period.meets(sign, date))
    }
}

impl Facts {
    /// Partially adjudicated: in an export only when asked for.
    pub fn is_shared(&self) -> bool {
        self.meta.tag.iter().any(|tag| tag.system == SYSTEM_TYPE && tag.code == "SharedSystem")
    }
}

impl Period {
    /// FHIR's search on a period, days compared as text; a shorter date stands for all its days.
    fn meets(&self, sign: &str, date: &str) -> bool {
        let cut = |day: &str| day.get(..date.len()).unwrap_or(day).to_owned();
        let (start, end) = (cut(&self.start), cut(if self.end.is_empty() { &self.start } else { &self.end }));
        match sign {
            "lt" => start.as_str() < date,
            "le" => start.as_str() <= date,
            "gt" => end.as_str() > date,
            "ge" => end.as_str() >= date,
            _ => start == date && end == date,
        }
    }
}

fn tag(value: &str) -> Result<(String, String), Refusal> {
    let (system, code) = value.split_once('|').ok_or_else(|| {
        format!("invalid _tag value: {value}. Searching by tag requires a token (system|code) to be specified")
    })?;
    let codes: &[&str] = match system {
        SYSTEM_TYPE => &["SharedSystem", "NationalClaimsHistory", "DDPS"],
        FINAL_ACTION => &["FinalAction", "NotFinalAction"],
        _ => &[],
    };
    if !codes.contains(&code) {
        return Err(format!("invalid _tag value: {value}"));
    }
    Ok((system.to_owned(), code.to_owned()))
}

fn prefix(value: &str) -> (&str, &str) {
    ["eq", "lt", "gt", "le", "ge"]
        .into_iter()
        .find_map(|sign| Some((sign, value.strip_prefix(sign)?)))
        .unwrap_or(("eq", value))
}

/// `YYYY`, `YYYY-MM`, `YYYY-MM-DD`, or a day with a time.
fn is_date(text: &str) -> bool {
    let (day, time) = text.split_once('T').map_or((text, None), |(day, time)| (day, Some(time)));
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = day.split('-').collect();
    let plausible = match parts[..] {
        [year] => digits(year, 4),
        [year, month] => digits(year, 4) && digits(month, 2),
        [year, month, of_month] => {
            digits(year, 4) && digits(month, 2) && digits(of_month, 2) && day.parse::<jiff::civil::Date>().is_ok()
        }
        _ => false,
    };
    plausible && time.is_none_or(|time| parts.len() == 3 && time.len() >= 8)
}

#[cfg(test)]
mod tests {
    use super::{Facts, Filter};

    fn claim() -> Facts {
        serde_json::from_str(
            r#"{"resourceType":"ExplanationOfBenefit","outcome":"complete","billablePeriod":{"start":"2024-02-28","end":"2024-03-02"},
            "meta":{"tag":[{"system":"https://bluebutton.cms.gov/fhir/CodeSystem/System-Type","code":"DDPS"}]}}"#,
        )
        .unwrap()
    }

    fn passes(conditions: &str) -> bool {
        Filter::parse(&format!("ExplanationOfBenefit?{conditions}")).unwrap().passes(&claim())
    }

    #[test]
    fn conditions_are_anded_and_values_ored() {
        assert!(passes("outcome=complete,partial&service-date=ge2024-03"));
        assert!(!passes("outcome=partial&service-date=ge2024-03"));
        assert!(passes("service-date=ge2024&service-date=le2024-02-28"));
        assert!(!passes("service-date=lt2024"));
        assert!(passes("service-date=2024"));
        assert!(!passes("service-date=2024-02"));
        assert!(passes("_tag=https://bluebutton.cms.gov/fhir/CodeSystem/System-Type%7CDDPS"));
        assert!(!passes("_tag=https://bluebutton.cms.gov/fhir/CodeSystem/System-Type|NationalClaimsHistory"));
    }

    #[test]
    fn what_bcda_drops_is_dropped() {
        assert!(passes("service-date=lt1999"));
        assert!(passes("service-date=lt2001-01-01T00:00:00Z"));
        assert!(passes("service-date=lt2001,lt2002"));
    }

    #[test]
    fn complaints_are_bcdas() {
        let complaint = |text: &str| Filter::parse(text).unwrap_err();
        assert_eq!(complaint("ExplanationOfBenefit"), "missing question mark ExplanationOfBenefit");
        assert_eq!(
            complaint("Patient?outcome=complete"),
            "invalid _typeFilter Resource Type (Only EOBs valid): Patient"
        );
        assert_eq!(complaint("ExplanationOfBenefit?x"), "invalid _typeFilter parameter/value: x");
        assert_eq!(complaint("ExplanationOfBenefit?x=1"), "invalid _typeFilter subquery parameter: x");
        assert_eq!(complaint("ExplanationOfBenefit?outcome=done"), "invalid outcome value: done");
        assert_eq!(
            complaint("ExplanationOfBenefit?service-date=soon"),
            "invalid service-date value: soon. Pass a valid FHIR date parameter"
        );
        assert_eq!(
            complaint("ExplanationOfBenefit?_tag=DDPS"),
            "invalid _tag value: DDPS. Searching by tag requires a token (system|code) to be specified"
        );
    }
}
