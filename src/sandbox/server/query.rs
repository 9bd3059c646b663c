//! What BCDA checks of an export's headers and parameters, in its order and with its words.
//!
//! What it drops silently is dropped silently here too: unknown parameters, all but the first value of a repeated one,
//! `_typeFilter` before v3.

use jiff::Timestamp;

use super::filter::Filter;
use super::request::Request;
use crate::Api;

/// A refusal's text; the status is always 400.
pub type Refusal = String;

/// What an export asks for, as far as it was understood.
#[derive(Debug, Default)]
pub struct Query {
    /// The list as sent, `None` when the parameter is missing.
    pub types: Option<String>,
    pub since: Option<Timestamp>,
    pub filter: Option<Filter>,
}

impl Query {
    pub fn parse(request: &Request, api: Api) -> Result<Query, Refusal> {
        let parameters = request.query();
        let first = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        if first("_elements").is_some() {
            return Err("Invalid parameter: this server does not support the _elements parameter.".to_owned());
        }
        if parameters.iter().any(|(key, _)| key.starts_with('?')) {
            return Err("Invalid parameter: query parameters cannot start with ?".to_owned());
        }
        if let Some(list) = first("_type") {
            let mut seen = Vec::new();
            for name in list.split(',') {
                if seen.contains(&name) {
                    return Err(format!("Repeated resource type {name}"));
                }
                seen.push(name);
            }
        }
        let since = first("_since").map(instant).transpose()?;
        let formats = ["ndjson", "application/fhir+ndjson", "application/ndjson"];
        if first("_outputFormat").is_some_and(|format| !formats.contains(&format)) {
            return Err(format!("_outputFormat parameter must be one of [{}]", formats.join(" ")));
        }
        let filters: Vec<&str> =
            parameters.iter().filter(|(key, _)| key == "_typeFilter").map(|(_, value)| value.as_str()).collect();
        let filter = match filters[..] {
            _ if api != Api::V3 => None,
            [] => None,
            [one] => Some(Filter::parse(one)?),
            _ => return Err("failed to process request given more that one _typeFilter parameter".to_owned()),
        };
        Ok(Query { types: first("_type").map(str::to_owned), since, filter })
    }

    /// The types of the export, checked late as BCDA does.
    pub fn resources(&self, api: Api) -> Result<Vec<String>, Refusal> {
        let Some(list) = &self.types else {
            return Ok(["Patient", "ExplanationOfBenefit", "Coverage"].map(str::to_owned).to_vec());
        };
        let known: &[&str] = match api {
            Api::V1 => &["Patient", "Coverage", "ExplanationOfBenefit", "Observation"],
            Api::V2 => &["Patient", "Coverage", "ExplanationOfBenefit", "Claim", "ClaimResponse"],
            Api::V3 => &["Patient", "Coverage", "ExplanationOfBenefit"],
        };
        for name in list.split(',') {
            if !known.contains(&name) {
                return Err(format!("invalid resource type {name}. Supported types [{}]", known.join(" ")));
            }
            if name.starts_with("Claim") {
                // Partially adjudicated claims are for some models only; this ACO is of another.
                return Err(format!("unauthorized resource type {name}"));
            }
        }
        Ok(list.split(',').map(str::to_owned).collect())
    }
}

/// `Accept` and `Prefer`, of an export and of the list of jobs.
pub fn headers(request: &Request) -> Result<(), Refusal> {
    let names = |name: &str, wanted: &str| {
        request.header(name).filter(|value| !value.is_empty()).map(|value| {
            value.split(',').any(|token| token.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case(wanted))
        })
    };
    match names("accept", "application/fhir+json") {
        None => return Err("Accept header is required".to_owned()),
        Some(false) => return Err("application/fhir+json is the only supported response format".to_owned()),
        Some(true) => {}
    }
    match names("prefer", "respond-async") {
        None => Err("Prefer header is required".to_owned()),
        Some(false) => Err("Only asynchronous responses are supported".to_owned()),
        Some(true) => Ok(()),
    }
}

fn instant(text: &str) -> Result<Timestamp, Refusal> {
    let wrong = || "Invalid date format supplied in _since parameter.  Date must be in FHIR Instant format.".to_owned();
    let time = go_rfc3339(text).ok_or_else(wrong)?;
    if time > super::jobs::now() {
        return Err(
            "Invalid date format supplied in _since parameter. Date must be a date that has already passed".to_owned()
        );
    }
    Ok(time)
}

/// Go's `time.RFC3339`: `YYYY-MM-DDThh:mm:ss[.f](Z|±hh:mm)`, capitals only. jiff takes more than that.
fn go_rfc3339(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let shape = bytes.get(..19)?.iter().zip(b"dddd-dd-ddTdd:dd:dd").all(|(byte, shape)| match shape {
        b'd' => byte.is_ascii_digit(),
        _ => byte == shape,
    });
    let rest = text.get(19..)?;
    let zone = match rest.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if zone.len() == fraction.len() {
                return None;
            }
            zone
        }
        None => rest,
    };
    let offset = zone == "Z" || (zone.len() == 6 && zone.starts_with(['+', '-']) && zone.as_bytes()[3] == b':');
    if shape && offset { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::go_rfc3339;

    #[test]
    fn instants_are_go_instants() {
        for good in ["2020-02-13T08:00:00.000-05:00", "2020-02-13T08:00:00Z", "2020-02-13T08:00:00.123456789Z"] {
            assert!(go_rfc3339(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "2020-02-13",
            "2020-02-13T08:00:00",
            "2020-02-13T08:00Z",
            "2020-02-13t08:00:00Z",
            "2020-02-13T08:00:00z",
            "2020-02-13T08:00:00.Z",
            "2020-02-13T08:00:00 05:00",
            "2020-13-13T08:00:00Z",
            "2020-02-13T08:00:00+0500",
        ] {
            assert!(go_rfc3339(bad).is_none(), "{bad}");
        }
    }
}
