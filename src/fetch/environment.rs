//! What the environment says of a server, under the names that BCDA's other clients use too.

/// CMS's public sandbox.
const SANDBOX: &str = "https://sandbox.bcda.cms.gov";

/// Address of the server that the environment names, else of CMS's public sandbox.
pub fn server() -> String {
    variable(&["BCDA_BASE_URL", "BCDA_API_URL", "BCDA_URL"]).unwrap_or_else(|| SANDBOX.to_string())
}

/// Text of the first of these variables that is not blank.
pub fn variable(names: &[&str]) -> Option<String> {
    let mut texts = names.iter().filter_map(|name| std::env::var(name).ok()).map(|text| text.trim().to_string());
    texts.find(|text| !text.is_empty())
}
