//! Tokens: who gets one, and whether one is good.
//!
//! They look like BCDA's (three parts, a payload with `exp`, `iat`, issuer and data) and are good because this table
//! knows them, not because of their signature. `expires_in` is a string, as on the wire.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::reply::Reply;
use super::request::Request;
use super::{ACO, Settings};
use crate::Api;
use crate::sandbox::server::outcome::outcome;

/// The window of the rate limit, counted from its first request.
const WINDOW: Duration = Duration::from_secs(300);

#[derive(Default)]
pub struct Tokens {
    good: HashMap<String, Instant>,
    window: Option<(Instant, u64)>,
}

/// How a request's `Authorization` looks before anything else is known.
pub enum Bearer {
    Missing,
    Good,
    /// Answered on the spot, and the connection stays open.
    Refused(Reply),
}

impl Tokens {
    /// `POST /auth/token`; the second is true when a token was given.
    pub fn give(&mut self, request: &Request, settings: &Settings) -> (Reply, bool) {
        let credentials = request
            .header("authorization")
            .and_then(|value| value.strip_prefix("Basic "))
            .and_then(|text| STANDARD.decode(text.trim()).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let Some((id, secret)) = credentials.as_deref().and_then(|text| text.split_once(':')) else {
            return (Reply::text(400, "Bad Request"), false);
        };
        if id == settings.client_id && self.over(settings.token_limit) {
            // The whole window, not what is left of it.
            let text = format!(
                "{ACO} exceeded the rate limit for /auth/token. Access tokens last 20 minutes; please cache and reuse them."
            );
            return (Reply::text(429, &text).with("Retry-After", WINDOW.as_secs().to_string()), false);
        }
        if id != settings.client_id || secret != settings.client_secret {
            return (Reply::text(401, "Unauthorized"), false);
        }
        let token = self.issue(settings.token_life);
        let body = format!(
            "{{\"access_token\": \"{token}\", \"expires_in\": \"{}\", \"token_type\":\"bearer\"}}",
            settings.token_life.as_secs()
        );
        (Reply::json(200, body).with("Cache-Control", "no-store").with("Pragma", "no-cache"), true)
    }

    fn over(&mut self, limit: u64) -> bool {
        let now = Instant::now();
        let (start, count) = match self.window {
            Some((start, count)) if now - start < WINDOW => (start, count + 1),
            _ => (now, 1),
        };
        self.window = Some((start, count));
        count > limit
    }

    pub fn issue(&mut self, life: Duration) -> String {
        let now = super::jobs::now().as_second();
        let payload = format!(
            "{{\"exp\":{},\"iat\":{now},\"iss\":\"ssas\",\"use\":\"AccessToken\",\"cid\":\"sandbox\",\"dat\":\"{{\\\"cms_ids\\\":[\\\"{ACO}\\\"]}}\"}}",
            now + life.as_secs() as i64
        );
        // The standard library's hasher is seeded by the system: enough for invented people on loopback.
        let noise: Vec<u8> = (0..8).flat_map(|_| RandomState::new().build_hasher().finish().to_le_bytes()).collect();
        let token = [&b"{\"alg\":\"RS512\",\"typ\":\"JWT\"}"[..], payload.as_bytes(), &noise]
            .map(|part| URL_SAFE_NO_PAD.encode(part))
            .join(".");
        self.good.insert(token.clone(), Instant::now() + life);
        token
    }

    /// Looks at the header of any request outside `/auth/token`.
    pub fn check(&mut self, request: &Request, dialect: Api) -> Bearer {
        let Some(value) = request.header("authorization") else { return Bearer::Missing };
        let refused = |status, text| {
            let mut reply = outcome(dialect, status, text);
            // Written before the layer that would close the connection: it stays open.
            reply.keep = true;
            Bearer::Refused(reply)
        };
        let token = value.strip_prefix("Bearer ").filter(|token| !token.is_empty() && !token.contains(' '));
        let Some(token) = token else { return refused(401, "Invalid Token") };
        if self.good.get(token).is_some_and(|end| Instant::now() < *end) {
            return Bearer::Good;
        }
        if is_ours(token) { refused(401, "Expired Token") } else { refused(400, "Request Error") }
    }

    /// The token of this request is no longer good.
    pub fn revoke(&mut self, request: &Request) {
        if let Some(token) = request.header("authorization").and_then(|value| value.strip_prefix("Bearer ")) {
            self.good.remove(token);
        }
    }
}

/// A JWT with the right issuer and a data claim; its signature is the token server's business.
fn is_ours(token: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Claims {
        iss: String,
        dat: String,
    }
    let parts: Vec<&str> = token.split('.').collect();
    let [_, payload, _] = parts[..] else { return false };
    URL_SAFE_NO_PAD
        .decode(payload)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Claims>(&bytes).ok())
        .is_some_and(|claims| claims.iss == "ssas" && !claims.dat.is_empty())
}
