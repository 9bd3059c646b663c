//! OperationOutcome: the error body of everything but the token endpoint, in three dialects.
//!
//! The dialect follows the path: v1 for `/api/v1` and every path without a version, v2 and v3 with `details`.

use super::reply::Reply;
use crate::Api;
use crate::sandbox::json::Json;

/// The version in `/api/v2/...`; v1 where there is none.
pub fn dialect(path: &str) -> Api {
    path.strip_prefix("/api/").and_then(|rest| Api::parse(rest.split('/').next()?)).unwrap_or(Api::V1)
}

/// The whole answer. `text` is left out when empty.
pub fn outcome(api: Api, status: u16, text: &str) -> Reply {
    let reply = Reply::new(status).with("Content-Type", "application/fhir+json").body(body(api, status, text));
    // Only the v1 writer says when to come back.
    if status == 503 && api == Api::V1 { reply.with("Retry-After", "1") } else { reply }
}

/// One document, without a newline.
pub fn body(api: Api, status: u16, text: &str) -> Vec<u8> {
    let code = match status {
        400 => "structure",
        401 | 403 => "forbidden",
        404 | 410 => "not-found",
        _ => "exception",
    };
    document(api, "error", code, text)
}

pub fn document(api: Api, severity: &str, code: &str, text: &str) -> Vec<u8> {
    let mut json = Json::default();
    json.object(|j| {
        j.key("resourceType").string("OperationOutcome");
        j.key("issue").array(|j| {
            j.object(|j| {
                j.key("severity").string(severity);
                j.key("code").string(code);
                if text.is_empty() {
                    return;
                }
                match api {
                    Api::V1 => {}
                    Api::V2 => {
                        j.key("details").object(|j| {
                            j.key("coding").array(|j| {
                                j.object(|j| {
                                    j.key("system").string("http://hl7.org/fhir/ValueSet/operation-outcome");
                                    j.key("code").string("Request Error");
                                    j.key("display").string(text);
                                });
                            });
                            j.key("text").string(text);
                        });
                    }
                    Api::V3 => {
                        j.key("details").object(|j| {
                            j.key("text").string(text);
                        });
                    }
                }
                j.key("diagnostics").string(text);
            });
        });
    });
    json.bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::body;
    use crate::Api;

    #[test]
    fn each_version_has_its_shape() {
        let text = |api| String::from_utf8(body(api, 401, "Expired Token")).unwrap();
        assert_eq!(
            text(Api::V1),
            r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"forbidden","diagnostics":"Expired Token"}]}"#
        );
        assert_eq!(
            text(Api::V2),
            r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"forbidden","details":{"coding":[{"system":"http://hl7.org/fhir/ValueSet/operation-outcome","code":"Request Error","display":"Expired Token"}],"text":"Expired Token"},"diagnostics":"Expired Token"}]}"#
        );
        assert_eq!(
            text(Api::V3),
            r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"forbidden","details":{"text":"Expired Token"},"diagnostics":"Expired Token"}]}"#
        );
        assert_eq!(
            String::from_utf8(body(Api::V3, 410, "")).unwrap(),
            r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-found"}]}"#
        );
    }
}
