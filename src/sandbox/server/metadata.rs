//! What BCDA tells of itself, with or without a token.

use super::Bcda;
use super::faults::Kind;
use super::outcome::outcome;
use super::reply::Reply;
use crate::Api;
use crate::sandbox::json::Json;

pub const VERSION: &str = r#"{"version":"r292"}"#;
pub const HEALTH: &str = r#"{"database":"ok","ssas":"ok","ssas_introspect":"ok"}"#;
pub const AUTH: &str = r#"{"auth_provider":"ssas","version":"r292"}"#;
pub const WELCOME: &str = r#"{"success":"Welcome to the Beneficiary Claims Data API!"}"#;

/// `GET /api/{v}/metadata`
pub fn statement(api: Api, base: &str) -> Reply {
    let mut json = Json::default();
    json.object(|j| {
        j.key("resourceType").string("CapabilityStatement");
        j.key("status").string("active");
        // The time of the request, not of the release.
        j.key("date").string(&super::jobs::now().to_string());
        j.key("publisher").string("Centers for Medicare & Medicaid Services");
        j.key("kind").string("instance");
        j.key("software").object(|j| {
            j.key("name").string("Beneficiary Claims Data API");
            j.key("version").string("r292");
        });
        j.key("implementation").object(|j| {
            j.key("description").string("The Beneficiary Claims Data API (BCDA) enables Accountable Care Organizations (ACOs) to retrieve claims data for their Medicare beneficiaries.");
            j.key("url").string(base);
        });
        j.key("fhirVersion").string(if api == Api::V1 { "3.0.1" } else { "4.0.1" });
        j.key("format").raw(r#"["application/json","application/fhir+json"]"#);
        j.key("rest").array(|j| {
            j.object(|j| rest(j, api, base));
        });
    });
    Reply::json(200, json.bytes())
}

fn rest(j: &mut Json, api: Api, base: &str) {
    let operation = |j: &mut Json, kind: &str| {
        j.key("operation").array(|j| export(j, kind));
    };
    j.key("mode").string("server");
    j.key("security").object(|j| {
        j.key("extension").array(|j| {
            j.object(|j| {
                j.key("url").string("http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris");
                j.key("extension").array(|j| {
                    j.object(|j| {
                        j.key("url").string("token");
                        j.key("valueUri").joined(base, "/auth/token");
                    });
                });
            });
        });
    });
    match api {
        Api::V1 => {
            j.key("operation").array(|j| {
                export(j, "patient");
                export(j, "group");
            });
        }
        Api::V2 | Api::V3 => {
            j.key("resource").array(|j| {
                for (name, kind) in [("Patient", "patient"), ("Group", "group")] {
                    j.object(|j| {
                        j.key("type").string(name);
                        operation(j, kind);
                        if api == Api::V3 {
                            j.key("searchParam").array(|j| {
                                for parameter in ["_since", "_type", "_typeFilter"] {
                                    j.object(|j| {
                                        j.key("name").string(parameter);
                                        j.key("type").string(if parameter == "_since" { "date" } else { "string" });
                                    });
                                }
                            });
                        }
                    });
                }
            });
        }
    }
}

fn export(j: &mut Json, kind: &str) {
    j.object(|j| {
        j.key("name").joined(kind, "-export");
        j.key("definition").string(&format!("http://hl7.org/fhir/uv/bulkdata/OperationDefinition/{kind}-export"));
    });
}

/// `GET /api/{v}/attribution_status`: the only body that ends with a newline.
pub fn attribution(bcda: &Bcda, api: Api) -> Reply {
    let path = "attribution_status";
    let missing = bcda.fault().strike(Kind::NoAttribution, path).is_some();
    if missing {
        return outcome(api, 404, "");
    }
    let runout = bcda.fault().strike(Kind::RunoutGone, path).is_none();
    let mut json = Json::default();
    json.object(|j| {
        j.key("ingestion_dates").array(|j| {
            for (kind, time) in [
                ("last_attribution_update", "2025-02-21T22:31:40.397916Z"),
                ("last_runout_update", "2025-01-12T22:31:40.397916Z"),
            ] {
                if kind == "last_attribution_update" || runout {
                    j.object(|j| {
                        j.key("timestamp").string(time);
                        j.key("type").string(kind);
                    });
                }
            }
        });
    });
    let mut body = json.bytes().to_vec();
    body.push(b'\n');
    Reply::json(200, body)
}
