//! The list of an export's files, as the server gives it.
//!
//! All fields but `output` are optional in the wild; unknown ones are kept. Pages (`link` next) are joined by who asks.

use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// Which list of the manifest a file stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// data
    Output,
    /// errors and warnings of the export: OperationOutcomes, which hold MBIs
    Error,
    /// resources that are gone: Bundles of deletions
    Deleted,
}

impl Kind {
    /// The export log's word.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Output => "output",
            Kind::Error => "error",
            Kind::Deleted => "deleted",
        }
    }
}

/// One file as the server lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// which list
    pub kind: Kind,
    /// resource type
    pub resource: String,
    /// as sent
    pub url: String,
    /// lines, if told
    pub count: Option<u64>,
    /// SHA-256 in hexadecimal, if told
    pub sha256: Option<String>,
    /// bytes, if told
    pub length: Option<u64>,
}

/// A manifest with its fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// as received; of several pages the first, with the files of all
    pub document: Map<String, Value>,
}

/// The lists, with the names they have in older and newer versions of the IG.
const LISTS: [(&str, Kind); 4] =
    [("output", Kind::Output), ("error", Kind::Error), ("outcome", Kind::Error), ("deleted", Kind::Deleted)];

impl Manifest {
    /// Reads the body of a finished job.
    pub fn read(body: &str) -> Result<Manifest> {
        let first = serde_json::Deserializer::from_str(body).into_iter::<Value>().next();
        match first {
            Some(Ok(Value::Object(document))) if document.get("output").is_some_and(Value::is_array) => {
                Ok(Manifest { document })
            }
            _ => Err(Error::Remote(
                "expected a manifest with a list `output` from the finished job, found something else".to_string(),
            )),
        }
    }

    /// The time up to which the data goes, as sent.
    pub fn transaction_time(&self) -> Option<&str> {
        self.document.get("transactionTime")?.as_str()
    }

    /// Files want the token.
    pub fn wants_token(&self) -> bool {
        self.document.get("requiresAccessToken").and_then(Value::as_bool).unwrap_or(true)
    }

    /// The next page, as sent.
    pub fn next(&self) -> Option<&str> {
        let links = self.document.get("link")?.as_array()?;
        links.iter().find(|link| link["relation"] == "next")?["url"].as_str()
    }

    /// Adds the files of the next page.
    pub fn join(&mut self, page: Manifest) {
        for (list, _) in LISTS {
            if let Some(Value::Array(files)) = page.document.get(list) {
                let all = self.document.entry(list).or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(all) = all {
                    all.extend(files.iter().cloned());
                }
            }
        }
        match page.document.get("link") {
            Some(link) => self.document.insert("link".to_string(), link.clone()),
            None => self.document.remove("link"),
        };
    }

    /// All files, data first, in the server's order.
    pub fn files(&self) -> Result<Vec<Listed>> {
        let mut files = Vec::new();
        for (list, kind) in LISTS {
            for file in self.document.get(list).and_then(Value::as_array).into_iter().flatten() {
                files.push(listed(kind, file)?);
            }
        }
        Ok(files)
    }

    /// The document with more said about each file, in the order of [`files`](Manifest::files).
    pub fn told(&self, mut about: impl Iterator<Item = Map<String, Value>>) -> Value {
        let mut document = self.document.clone();
        for (list, _) in LISTS {
            for file in document.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                if let (Some(file), Some(about)) = (file.as_object_mut(), about.next()) {
                    file.extend(about);
                }
            }
        }
        Value::Object(document)
    }
}

fn listed(kind: Kind, file: &Value) -> Result<Listed> {
    let resource = match (kind, file["type"].as_str()) {
        (_, Some(name)) => name.to_string(),
        (Kind::Error, None) => "OperationOutcome".to_string(),
        (Kind::Deleted, None) => "Bundle".to_string(),
        (Kind::Output, None) => String::new(),
    };
    // It becomes part of a file's name.
    let sound =
        !resource.is_empty() && resource.len() <= 64 && resource.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let (Some(url), true) = (file["url"].as_str(), sound) else {
        return Err(Error::Remote(format!(
            "expected `type` and `url` of each file in the manifest's list `{}`, found one without",
            kind.name()
        )));
    };
    // AB2D and DPC say it under addresses of their own.
    let extension = |name: &str| {
        let list = file["extension"].as_array()?;
        list.iter().find(|item| item["url"].as_str().is_some_and(|url| url.rsplit('/').next() == Some(name)))
    };
    let sum = extension("checksum").and_then(|item| item["valueString"].as_str()).map(str::to_lowercase);
    let length = extension("file_length").and_then(|item| {
        let number = item.as_object()?.iter().find(|(name, _)| name.starts_with("value"))?.1;
        number.as_u64().or_else(|| number.as_str()?.parse().ok())
    });
    Ok(Listed {
        kind,
        resource,
        url: url.to_string(),
        count: file["count"].as_u64(),
        sha256: sum.and_then(|sum| sum.strip_prefix("sha256:").map(str::to_string)),
        length,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bcdas_manifest_reads() {
        let body = r#"{"transactionTime":"2019-12-09T20:44:01.705398Z","request":"https://x/$export","requiresAccessToken":true,"output":[{"type":"ExplanationOfBenefit","url":"https://x/data/42/a.ndjson"}],"error":[{"type":"OperationOutcome","url":"https://x/data/42/warnings-and-info.ndjson"}],"JobID":42}"#;
        let manifest = Manifest::read(body).unwrap();
        assert_eq!(manifest.transaction_time(), Some("2019-12-09T20:44:01.705398Z"));
        let files = manifest.files().unwrap();
        assert_eq!(files.len(), 2);
        assert_eq!((files[0].kind, files[0].resource.as_str()), (Kind::Output, "ExplanationOfBenefit"));
        assert_eq!((files[1].kind, files[1].count), (Kind::Error, None));
        let about = (1..=2).map(|n| Map::from_iter([("lines".to_string(), n.into())]));
        let told = manifest.told(about);
        assert_eq!((&told["output"][0]["lines"], &told["error"][0]["lines"]), (&1.into(), &2.into()));
        assert_eq!(told["JobID"], 42);
    }

    #[test]
    fn other_servers_say_more_or_less() {
        let body = r#"{"requiresAccessToken":false,"output":[{"type":"Patient","url":"p","count":3,"extension":[
            {"url":"https://ab2d.cms.gov/checksum","valueString":"sha256:ABcd"},{"url":"https://ab2d.cms.gov/file_length","valueDecimal":9}]}],
            "outcome":[{"url":"o"}],"deleted":[{"type":"Bundle","url":"d"}],"link":[{"relation":"next","url":"page2"}]}"#;
        let mut manifest = Manifest::read(body).unwrap();
        assert!(!manifest.wants_token());
        assert_eq!(manifest.next(), Some("page2"));
        manifest.join(Manifest::read(r#"{"output":[{"type":"Patient","url":"q"}]}"#).unwrap());
        assert_eq!(manifest.next(), None);
        let files = manifest.files().unwrap();
        let urls: Vec<&str> = files.iter().map(|file| file.url.as_str()).collect();
        assert_eq!(urls, ["p", "q", "o", "d"]);
        assert_eq!((files[0].count, files[0].sha256.as_deref(), files[0].length), (Some(3), Some("abcd"), Some(9)));
    }

    proptest::proptest! {
        /// Written with more about each file and read again it lists the same; the fuzz target `manifest` says so of any text.
        #[test]
        fn what_is_told_reads_as_before(
            files in proptest::collection::vec((0..4usize, "[A-Za-z]{1,9}|[.][.]/x|", ".{0,20}", proptest::option::of(0..u64::MAX)), 0..8),
        ) {
            let mut document = Map::from_iter([("output".to_string(), Value::Array(Vec::new())), ("JobID".to_string(), 42.into())]);
            for (list, resource, url, count) in &files {
                let file = serde_json::json!({"type": resource, "url": url, "count": count});
                let list = document.entry(LISTS[*list].0).or_insert_with(|| Value::Array(Vec::new()));
                list.as_array_mut().unwrap().push(file);
            }
            let manifest = Manifest::read(&Value::Object(document).to_string()).unwrap();
            let sound = files.iter().all(|(_, resource, ..)| !resource.is_empty() && !resource.contains('.'));
            proptest::prop_assert_eq!(manifest.files().is_ok(), sound);
            if sound {
                let about = (0..files.len()).map(|n| Map::from_iter([("lines".to_string(), n.into())]));
                let told = Manifest::read(&manifest.told(about).to_string()).unwrap();
                proptest::prop_assert_eq!(told.files().unwrap(), manifest.files().unwrap());
                proptest::prop_assert_eq!(&told.document["JobID"], 42);
            }
        }
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        for bad in ["", "<html>", "{}", r#"{"output":null}"#, "[]"] {
            Manifest::read(bad).unwrap_err();
        }
        for bad in
            [r#"{"output":[{}]}"#, r#"{"output":[{"type":"../etc","url":"x"}]}"#, r#"{"output":[{"type":"Patient"}]}"#]
        {
            Manifest::read(bad).unwrap().files().unwrap_err();
        }
    }
}
