//! What a server says when something is wrong.
//!
//! Bodies of errors are OperationOutcomes, plain text, HTML of whatever stands in front, or nothing; BCDA sometimes sends two
//! JSON documents in one body, of which the first counts.

use serde_json::Value;

/// An error's text as far as it can be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// the issue's code, e.g. `not-found`; empty if there is none
    pub code: String,
    /// the server's words; empty if there are none
    pub text: String,
}

/// More of a server's words is cut.
const LONGEST: usize = 400;

impl Outcome {
    /// Reads the body of an error.
    pub fn read(body: &str) -> Outcome {
        let first = serde_json::Deserializer::from_str(body).into_iter::<Value>().next();
        let Some(Ok(document @ Value::Object(_))) = first else {
            let trimmed = body.trim();
            let html = trimmed.starts_with('<');
            return Outcome { code: String::new(), text: if html { "an HTML page".into() } else { clean(trimmed) } };
        };
        let issue = &document["issue"][0];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let code = clean(&text(&issue["code"]));
        let words = [&issue["diagnostics"], &issue["details"]["text"], &issue["details"]["coding"][0]["display"]];
        // OAuth servers answer in their own form.
        let oauth = [&document["error_description"], &document["error"]];
        let words = words.into_iter().chain(oauth).map(text).find(|words| !words.is_empty()).unwrap_or_default();
        Outcome { code, text: clean(&words) }
    }

    /// For a message: the words, else the code, else that there are none.
    pub fn words(&self) -> String {
        match (&self.text[..], &self.code[..]) {
            ("", "") => "no reason given".to_string(),
            ("", code) => format!("`{code}`"),
            ("an HTML page", _) => self.text.clone(),
            (text, _) => format!("`{text}`"),
        }
    }
}

/// One line, of bounded length; cleaned again it is the same.
pub(super) fn clean(text: &str) -> String {
    let shown: String = text.chars().filter(|c| c.is_whitespace() || !c.is_control()).collect();
    let line = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(LONGEST).collect::<String>().trim_end().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_two_documents_counts() {
        let one = r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-found"}]}"#;
        let two = format!("{one}{}", r#"{"issue":[{"code":"forbidden","diagnostics":"other"}]}"#);
        assert_eq!(Outcome::read(&two), Outcome { code: "not-found".into(), text: String::new() });
        assert_eq!(Outcome::read(&format!("{one}Not Found\n")).words(), "`not-found`");
    }

    #[test]
    fn words_come_from_wherever_they_are() {
        let v1 = r#"{"issue":[{"code":"exception","diagnostics":"Internal Error"}]}"#;
        let v3 = r#"{"issue":[{"code":"exception","details":{"text":"Job\nfailed"}}]}"#;
        assert_eq!(Outcome::read(v1).words(), "`Internal Error`");
        assert_eq!(Outcome::read(v3).words(), "`Job failed`");
        assert_eq!(Outcome::read("404 page not found\n").words(), "`404 page not found`");
        assert_eq!(Outcome::read("<html><body>").words(), "an HTML page");
        assert_eq!(Outcome::read("").words(), "no reason given");
        assert_eq!(Outcome::read(r#"{"error":"invalid_client"}"#).words(), "`invalid_client`");
    }
}
