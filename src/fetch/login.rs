//! Who is asking: credentials, and the token they are exchanged for.
//!
//! One token serves all workers. It is fetched by one of them while the others wait, ahead of its end or after a refusal,
//! and never twice for the same refusal: BCDA counts token requests of a whole organisation.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::http::{Ask, Fault, Http, Method};
use super::observer::{Event, Observer};
use super::outcome::Outcome;
use super::patience::{Patience, sleep};
use crate::error::{Error, Result};

/// What a token is got with. `Debug` shows no secret.
#[derive(Debug)]
#[non_exhaustive]
pub enum Credentials {
    /// the server asks nobody
    None,
    /// a token that is there already
    Bearer(SecretString),
    /// BCDA: id and secret, for a token of twenty minutes
    Basic {
        /// `BCDA_CLIENT_ID`
        id: String,
        /// `BCDA_CLIENT_SECRET`
        secret: SecretString,
    },
    /// SMART Backend Services: a signed statement, for a token
    Backend(Box<Backend>),
}

/// A client registered with a public key.
pub struct Backend {
    /// the client's id
    pub id: String,
    /// where tokens are given
    pub token_url: Url,
    /// private key
    pub key: jsonwebtoken::EncodingKey,
    /// RS384 or ES384
    pub algorithm: jsonwebtoken::Algorithm,
    /// the key's id, if it has one
    pub key_id: Option<String>,
    /// e.g. `system/*.read`
    pub scope: String,
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backend")
            .field("id", &self.id)
            .field("token_url", &self.token_url.as_str())
            .finish_non_exhaustive()
    }
}

impl Backend {
    /// Of a private key in PEM: RSA signs as RS384, an elliptic one (P-384) as ES384.
    pub fn new(id: String, token_url: Url, pem: &[u8], key_id: Option<String>, scope: String) -> Result<Backend> {
        use jsonwebtoken::{Algorithm, EncodingKey};
        let rsa = EncodingKey::from_rsa_pem(pem).map(|key| (key, Algorithm::RS384));
        let (key, algorithm) =
            rsa.or_else(|_| EncodingKey::from_ec_pem(pem).map(|key| (key, Algorithm::ES384))).map_err(|_| {
                Error::Usage(
                    "expected a private key (RSA or P-384) in PEM, found something else\n  hint: `openssl pkcs8 -topk8 -nocrypt` brings others into that form"
                        .to_string(),
                )
            })?;
        Ok(Backend { id, token_url, key, algorithm, key_id, scope })
    }

    /// The statement who we are, good for four minutes and one use.
    fn assertion(&self, now: Timestamp) -> Result<String> {
        let claims = serde_json::json!({
            "iss": self.id, "sub": self.id, "aud": self.token_url.as_str(),
            "exp": now.as_second() + 240, "iat": now.as_second(), "jti": unique(),
        });
        let header = jsonwebtoken::Header { kid: self.key_id.clone(), ..jsonwebtoken::Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, &claims, &self.key)
            .map_err(|_| Error::Usage("expected a private key that signs, found one that does not".to_string()))
    }
}

/// A name that no other request had: 128 bits from the library that signs.
fn unique() -> String {
    let mut bytes = [0; 16];
    // Its random numbers come from the system; without them no TLS would work either.
    let _ = rustls::crypto::aws_lc_rs::default_provider().secure_random.fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Token {
    text: Arc<SecretString>,
    number: u64,
    renew: Instant,
}

/// A token as a request uses it.
#[derive(Debug, Clone)]
pub struct Ticket {
    text: Arc<SecretString>,
    /// which of the fetch's tokens it is
    pub number: u64,
}

impl Ticket {
    /// The header's text.
    pub fn header(&self) -> SecretString {
        SecretString::from(format!("Bearer {}", self.text.expose_secret()))
    }
}

/// The token of a fetch.
pub struct Login {
    credentials: Credentials,
    /// BCDA's
    token_url: Url,
    token: Mutex<Option<Token>>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("credentials", &self.credentials).finish_non_exhaustive()
    }
}

/// Of a token whose life is not told.
const LIFE: u64 = 1200;
/// Renewed that long before its end, or after nine tenths of a shorter life.
const AHEAD: Duration = Duration::from_secs(120);

impl Login {
    /// `token_url`: where id and secret are exchanged.
    pub fn new(credentials: Credentials, token_url: Url) -> Login {
        Login { credentials, token_url, token: Mutex::default() }
    }

    /// The token to use; `refused`: the number of one that the server did not accept. None if nobody is asked.
    pub fn ticket(
        &self,
        refused: Option<u64>,
        http: &Http,
        patience: &Patience,
        observer: &dyn Observer,
    ) -> Result<Option<Ticket>> {
        let fixed = match &self.credentials {
            Credentials::None => return Ok(None),
            Credentials::Bearer(text) => Some(text.clone()),
            _ => None,
        };
        // Whoever comes while a token is fetched waits here and uses it.
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        let good = token.as_ref().is_some_and(|token| refused != Some(token.number) && Instant::now() < token.renew);
        if !good {
            let number = token.as_ref().map_or(0, |token| token.number) + 1;
            let (text, life) = match fixed {
                Some(text) => (text, Duration::MAX),
                None => self.exchange(http, patience, observer)?,
            };
            let ahead = AHEAD.min(life / 10);
            let renew = Instant::now().checked_add(life.saturating_sub(ahead));
            let renew = renew.unwrap_or_else(|| Instant::now() + Duration::from_secs(86_400 * 365));
            *token = Some(Token { text: Arc::new(text), number, renew });
        }
        Ok(token.as_ref().map(|token| Ticket { text: token.text.clone(), number: token.number }))
    }

    /// A 401 can be mended by another token.
    pub fn renews(&self) -> bool {
        matches!(self.credentials, Credentials::Basic { .. } | Credentials::Backend(_))
    }

    /// What is exchanged says until when it is good.
    fn dated(&self) -> bool {
        matches!(self.credentials, Credentials::Backend(_))
    }

    /// Where tokens are given.
    fn url(&self) -> &Url {
        match &self.credentials {
            Credentials::Backend(backend) => &backend.token_url,
            _ => &self.token_url,
        }
    }

    fn exchange(&self, http: &Http, patience: &Patience, observer: &dyn Observer) -> Result<(SecretString, Duration)> {
        let mut pauses = patience.pauses();
        loop {
            let known = http.clock.told();
            let reply = self.ask(http)?;
            if let Ok(reply) = &reply {
                http.clock.hear(reply.date());
            }
            let (retry_after, why) = match reply {
                Ok(reply) if reply.status == 200 => match reply.text() {
                    Ok(text) => return token(&SecretString::from(text)),
                    Err(fault) => (None, fault.message),
                },
                Ok(reply) => {
                    let (status, retry) = (reply.status, reply.retry_after());
                    let words = Outcome::read(&reply.text().unwrap_or_default()).words();
                    if known.is_none() && self.dated() && http.clock.is_another() {
                        // Our statement was of another day: this time it is dated by the server's clock.
                        continue;
                    }
                    if !matches!(status, 429 | 500..=599) {
                        return Err(self.refused(status, &words));
                    }
                    (retry, format!("HTTP {status}, {words}"))
                }
                Err(fault) if fault.connect_timeout => (None, format!("{}{}", fault.message, allow_list(self.url()))),
                Err(fault) => (None, fault.message),
            };
            let Some(own) = pauses.next() else {
                return Err(Error::Remote(format!(
                    "expected a token from {}, found after {} tries: {why}",
                    self.url().host_str().unwrap_or_default(),
                    patience.tries
                )));
            };
            let pause = patience.pause(own, retry_after);
            observer.tell(Event::Again(&format!("token: {why}"), pause));
            sleep(pause, observer)?;
        }
    }

    fn ask(&self, http: &Http) -> Result<std::result::Result<super::http::Reply, Fault>> {
        let mut ask = Ask { method: Method::Post, ..Ask::get(self.url().clone()) }.header("accept", "application/json");
        Ok(match &self.credentials {
            Credentials::Basic { id, secret } => {
                let pair = SecretString::from(format!("{id}:{}", secret.expose_secret()));
                let coded = base64::engine::general_purpose::STANDARD.encode(pair.expose_secret());
                http.send(&ask, Some(SecretString::from(format!("Basic {coded}")).expose_secret()))
            }
            Credentials::Backend(backend) => {
                let form = url::form_urlencoded::Serializer::new(String::new())
                    .append_pair("grant_type", "client_credentials")
                    .append_pair("scope", &backend.scope)
                    .append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
                    .append_pair("client_assertion", &backend.assertion(http.clock.now())?)
                    .finish();
                ask.form = Some(form);
                http.send(&ask, None)
            }
            Credentials::None | Credentials::Bearer(_) => {
                Err(Fault { sent: false, connect_timeout: false, message: "no credentials to exchange".to_string() })
            }
        })
    }

    fn refused(&self, status: u16, words: &str) -> Error {
        let host = self.url().host_str().unwrap_or_default();
        let hint = match (status, words) {
            (403, "an HTML page") => {
                "this machine's address may not be on the allow list of these credentials (production: up to an hour after it was added)"
            }
            _ if matches!(self.credentials, Credentials::Backend(_)) => {
                "check client id, key and scope as registered with the server, and this machine's clock"
            }
            _ => {
                "check BCDA_CLIENT_ID and BCDA_CLIENT_SECRET; a secret older than 90 days is refused: rotate it with CMS; sandbox credentials are at https://bcda.cms.gov"
            }
        };
        Error::Login(format!(
            "expected a token from {host}, found the credentials refused: HTTP {status}, {words}\n  hint: {hint}"
        ))
    }
}

/// BCDA in production answers only addresses on its list; others time out.
pub fn allow_list(url: &Url) -> &'static str {
    if url.host_str() == Some("api.bcda.cms.gov") {
        "; production answers only addresses on the allow list of the credentials"
    } else {
        ""
    }
}

/// The token and its life.
fn token(body: &SecretString) -> Result<(SecretString, Duration)> {
    let bad = || Error::Remote("expected a token as JSON with `access_token`, found something else".to_string());
    let document = serde_json::Deserializer::from_str(body.expose_secret()).into_iter::<Value>().next();
    let Some(Ok(document)) = document else { return Err(bad()) };
    let text = document["access_token"].as_str().filter(|text| !text.is_empty()).ok_or_else(bad)?;
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(bad());
    }
    let life = match &document["expires_in"] {
        Value::String(text) => text.trim().parse().unwrap_or(LIFE),
        Value::Number(number) => number.as_u64().unwrap_or(LIFE),
        _ => LIFE,
    };
    Ok((SecretString::from(text), Duration::from_secs(life)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lives_as_long_as_text_or_number_say() {
        let life = |body: &str| token(&SecretString::from(body)).map(|(_, life)| life.as_secs()).unwrap();
        assert_eq!(life(r#"{"access_token": "a.b.c", "expires_in": "1200", "token_type":"bearer"}"#), 1200);
        assert_eq!(life(r#"{"access_token":"a","expires_in":300}"#), 300);
        assert_eq!(life(r#"{"access_token":"a","expires_in":""}"#), LIFE);
        assert_eq!(life(r#"{"access_token":"a"}"#), LIFE);
        for bad in ["", "{}", r#"{"access_token":""}"#, r#"{"access_token":"a\nb"}"#, "<html>"] {
            let message = token(&SecretString::from(bad)).unwrap_err().to_string();
            assert!(message.starts_with("expected a token"), "{message}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let secret = || SecretString::from("hush-hush");
        let url = Url::parse("https://api.example/auth/token").unwrap();
        let login = Login::new(Credentials::Basic { id: "me".into(), secret: secret() }, url.clone());
        *login.token.lock().unwrap() =
            Some(Token { text: Arc::new(secret()), number: 1, renew: Instant::now() + Duration::from_secs(60) });
        let ticket =
            login.ticket(None, &Http::new(AHEAD), &Patience::default(), &super::super::Silent).unwrap().unwrap();
        let shown = format!("{login:?} {ticket:?} {:?} {:?}", ticket.header(), Credentials::Bearer(secret()));
        assert!(!shown.contains("hush"), "{shown}");
        assert_eq!(ticket.header().expose_secret(), "Bearer hush-hush");
    }
}
