//! The list of an organisation's jobs, as the server gives it: a Bundle of Tasks.
//!
//! A job whose address was lost on the way is found in it again. What it says is shown on terminals and stands in messages, so
//! each text is one line.

use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::Url;

use super::outcome::clean;
use crate::error::{Error, Result};

/// A job in the server's list; what is not told is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// the server's number
    pub id: String,
    /// `accepted`, `in-progress`, `completed`, `failed`, `cancelled`
    pub status: String,
    /// `GET https://...`
    pub request: String,
    /// RFC 3339, as sent
    pub start: String,
    /// the last change
    pub end: String,
}

/// Reads the body of a list, of which the first JSON document counts.
pub fn read(body: &str) -> Result<Vec<Listed>> {
    let wrong = || Err(Error::Remote("expected a list of jobs as JSON, found something else".to_string()));
    let Some(Ok(bundle @ Value::Object(_))) = serde_json::Deserializer::from_str(body).into_iter::<Value>().next()
    else {
        return wrong();
    };
    match &bundle["entry"] {
        // An empty Bundle has none.
        Value::Null => Ok(Vec::new()),
        Value::Array(entries) => Ok(entries.iter().map(listed).collect()),
        _ => wrong(),
    }
}

fn listed(entry: &Value) -> Listed {
    let task = &entry["resource"];
    let text = |value: &Value| clean(value.as_str().unwrap_or_default());
    // It may be long, and what is cut is another request.
    let request = task["input"][0]["valueString"].as_str().unwrap_or_default();
    Listed {
        id: text(&task["identifier"][0]["value"]),
        status: text(&task["status"]),
        request: request.chars().filter(|c| !c.is_control()).collect(),
        start: text(&task["executionPeriod"]["start"]),
        end: text(&task["executionPeriod"]["end"]),
    }
}

impl Listed {
    /// The address that was asked for.
    pub fn asked_for(&self) -> Option<Url> {
        Url::parse(self.request.strip_prefix("GET ")?).ok()
    }

    fn started(&self) -> Option<Timestamp> {
        self.start.parse().ok()
    }
}

/// The latest job that does this request: one that runs, or one that is done and was not started before `asked`, by the
/// server's clock. A job without a number is nobody's.
pub fn doing<'l>(jobs: &'l [Listed], request: &Url, asked: Timestamp) -> Option<&'l Listed> {
    // The clocks of a server's parts differ, and what they write has whole seconds.
    const APART: i64 = 300;
    let wanted = essence(request);
    let is_ours = |job: &&Listed| {
        let same = job.asked_for().is_some_and(|other| essence(&other) == wanted);
        // A server that does not know `_status` lists failed ones too.
        same && !job.id.is_empty()
            && match &*job.status {
                "accepted" | "in-progress" => true,
                "completed" => job.started().is_some_and(|start| start.as_second() >= asked.as_second() - APART),
                _ => false,
            }
    };
    jobs.iter().filter(is_ours).max_by_key(|job| job.started())
}

/// What two addresses of the same request have in common: scheme and host depend on who wrote them.
fn essence(url: &Url) -> (String, String) {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    (decoded(url.path()), decoded(url.query().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(id: &str, status: &str, request: &str, start: &str) -> Listed {
        let [id, status, start] = [id, status, start].map(str::to_string);
        Listed { id, status, request: format!("GET {request}"), start, end: String::new() }
    }

    #[test]
    fn the_same_request_by_another_writer() {
        let ours = Url::parse("https://a/api/v2/Group/all/$export?_type=Patient&_since=2026-01-01T00:00:00Z").unwrap();
        let theirs =
            Url::parse("http://b:1/api/v2/Group/all/%24export?_type=Patient&_since=2026-01-01T00%3A00%3A00Z").unwrap();
        assert_eq!(essence(&ours), essence(&theirs));
        let other = Url::parse("https://a/api/v2/Group/all/$export?_type=Coverage").unwrap();
        assert_ne!(essence(&ours), essence(&other));
    }

    #[test]
    fn ours_runs_or_was_done_since_we_asked() {
        let (url, other) = ("https://a/api/v2/Group/all/$export", "https://a/api/v2/Patient/$export");
        let asked: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let found = |jobs: &[Listed]| doing(jobs, &Url::parse(url).unwrap(), asked).map(|job| job.id.clone());
        let of = |status: &str, start: &str| found(&[job("1", status, url, start), job("2", "in-progress", other, "")]);
        assert_eq!(of("in-progress", "2020-01-01T00:00:00Z").as_deref(), Some("1"));
        assert_eq!(of("accepted", "").as_deref(), Some("1"));
        assert_eq!(of("completed", "2026-11-21T11:55:00Z").as_deref(), Some("1"));
        assert_eq!(of("completed", "2026-11-21T11:54:59Z"), None);
        assert_eq!(of("completed", "soon"), None);
        assert_eq!(of("failed", "2026-11-21T12:00:01Z"), None);
        // The later one, whatever zone it is told in.
        let (early, late) = ("2026-11-21T14:01:00+02:00", "2026-11-21T12:02:00Z");
        assert_eq!(found(&[job("8", "completed", url, late), job("9", "completed", url, early)]).as_deref(), Some("8"));
        assert_eq!(found(&[job("", "in-progress", url, late)]), None);
    }

    proptest::proptest! {
        /// Any texts become single lines, the same when read again; the fuzz target `jobs` says so of any body.
        #[test]
        fn what_is_read_reads_as_before(texts in proptest::collection::vec(proptest::array::uniform5("(?s).{0,12}|[ \\t\\r\\n\\x1b]{0,9}|.{390,410}"), 0..4)) {
            let task = |[id, status, request, start, end]: &[String; 5]| serde_json::json!({"resource": {
                "identifier": [{"value": id}], "status": status, "input": [{"valueString": request}],
                "executionPeriod": {"start": start, "end": end},
            }});
            let body = |texts: &[[String; 5]]| serde_json::json!({"entry": texts.iter().map(task).collect::<Vec<_>>()}).to_string();
            let jobs = read(&body(&texts)).unwrap();
            proptest::prop_assert_eq!(jobs.len(), texts.len());
            let told: Vec<[String; 5]> = jobs.iter().cloned().map(|job| [job.id, job.status, job.request, job.start, job.end]).collect();
            proptest::prop_assert!(told.iter().flatten().all(|text| !text.contains(char::is_control)));
            proptest::prop_assert_eq!(read(&body(&told)).unwrap(), jobs);
        }
    }

    #[test]
    fn what_is_no_list_is_refused_and_texts_are_one_line() {
        for bad in ["", "<html>", "[]", "null", r#""x""#, r#"{"entry":{}}"#, r#"{"entry":"#] {
            assert!(read(bad).unwrap_err().to_string().starts_with("expected a list of jobs"), "{bad}");
        }
        assert_eq!(read(r#"{"resourceType":"Bundle","total":0}"#).unwrap(), []);
        let body = r#"{"entry":[{"resource":{"identifier":[{"value":"4\u001b[2J\n2"}],"status":7}},{}]}{"#;
        let jobs = read(body).unwrap();
        assert_eq!((jobs.len(), &*jobs[0].id, &*jobs[0].status, &*jobs[1].id), (2, "4[2J 2", "", ""));
    }
}
