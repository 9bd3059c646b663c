//! One request, one connection, one reply.
//!
//! BCDA decides by the first request of a connection which of its parts answers, so no connection is used twice. Nothing
//! is decompressed, no redirect is followed and no status is an error here: who asks decides.

use std::io::Read;
use std::time::Duration;

use jiff::Timestamp;
use ureq::http::HeaderMap;
use ureq::tls::TlsConfig;
use url::Url;

use super::address::is_loopback;
use super::clock::{Clock, date};
use super::patience::wished;

/// More of a small reply (anything but a data file) is not read.
const SMALL: u64 = 64 << 20;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// read
    Get,
    /// a form, or nothing
    Post,
    /// cancel
    Delete,
}

/// A request without its token.
#[derive(Debug, Clone)]
pub struct Ask {
    /// what
    pub method: Method,
    /// where
    pub url: Url,
    /// by name
    pub headers: Vec<(&'static str, String)>,
    /// `application/x-www-form-urlencoded`; holds secrets, so it is not part of any message
    pub form: Option<String>,
}

impl Ask {
    /// To read an address.
    pub fn get(url: Url) -> Ask {
        Ask { method: Method::Get, url, headers: Vec::new(), form: None }
    }

    /// With one more header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Ask {
        self.headers.push((name, value.into()));
        self
    }
}

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// the request may have reached the server
    pub sent: bool,
    /// nobody answered the call for a connection
    pub connect_timeout: bool,
    /// what happened, without any address
    pub message: String,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    /// HTTP status
    pub status: u16,
    headers: HeaderMap,
    body: ureq::Body,
}

impl Reply {
    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The sender's time when it was sent.
    pub fn date(&self) -> Option<Timestamp> {
        self.header("date").and_then(date)
    }

    /// How long the sender wants to be left alone: its times are measured by its own clock where it tells it.
    pub fn retry_after(&self) -> Option<Duration> {
        wished(self.header("retry-after")?, self.date().unwrap_or_else(Timestamp::now))
    }

    /// Length of the body, if it is told.
    pub fn length(&self) -> Option<u64> {
        self.header("content-length")?.trim().parse().ok()
    }

    /// The end of the body can be told from a broken connection.
    pub fn has_end(&self) -> bool {
        let chunked = self.header("transfer-encoding").is_some_and(|coding| coding.to_lowercase().contains("chunked"));
        chunked || self.length().is_some()
    }

    /// The whole of a small body.
    pub fn text(mut self) -> Result<String, Fault> {
        let mut bytes = Vec::new();
        let length = self.length();
        let read = self.body.as_reader().take(SMALL).read_to_end(&mut bytes);
        match read {
            Ok(read) if length.is_none_or(|length| length == read as u64) => Ok(()),
            Ok(_) => {
                Err(Fault { sent: true, connect_timeout: false, message: "the reply ended too early".to_string() })
            }
            Err(error) => Err(Fault { sent: true, connect_timeout: false, message: plain(&error) }),
        }?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The body as it comes.
    pub fn into_reader(self) -> impl Read {
        self.body.into_with_config().limit(u64::MAX).reader()
    }
}

/// Sends requests.
#[derive(Debug)]
pub struct Http {
    /// the server's; whoever knows that a reply is the server's tells it
    pub clock: Clock,
    agent: ureq::Agent,
    /// this machine is not asked by way of a proxy
    direct: ureq::Agent,
}

impl Http {
    /// `silence`: how long a server may say nothing.
    pub fn new(silence: Duration) -> Http {
        let config = || {
            let crypto = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            ureq::Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .max_idle_connections(0)
                .max_idle_connections_per_host(0)
                .user_agent(concat!("claimfeed/", env!("CARGO_PKG_VERSION")))
                .timeout_connect(Some(silence.min(Duration::from_secs(30))))
                .timeout_per_read(Some(silence))
                .timeout_per_write(Some(silence))
                .tls_config(TlsConfig::builder().unversioned_rustls_crypto_provider(crypto).build())
        };
        let (agent, direct) = (config().build().new_agent(), config().proxy(None).build().new_agent());
        Http { clock: Clock::default(), agent, direct }
    }

    /// Sends; `authorization` is the header's whole text.
    pub fn send(&self, ask: &Ask, authorization: Option<&str>) -> Result<Reply, Fault> {
        let agent = if is_loopback(&ask.url) { &self.direct } else { &self.agent };
        let url = ask.url.as_str();
        let mut headers = vec![("connection", "close")];
        headers.extend(ask.headers.iter().map(|(name, value)| (*name, value.as_str())));
        headers.extend(authorization.map(|text| ("authorization", text)));
        let result = match ask.method {
            Method::Get => {
                headers.iter().fold(agent.get(url), |request, (name, value)| request.header(*name, *value)).call()
            }
            Method::Delete => {
                headers.iter().fold(agent.delete(url), |request, (name, value)| request.header(*name, *value)).call()
            }
            Method::Post => {
                if ask.form.is_some() {
                    headers.push(("content-type", "application/x-www-form-urlencoded"));
                }
                let request =
                    headers.iter().fold(agent.post(url), |request, (name, value)| request.header(*name, *value));
                match &ask.form {
                    Some(form) => request.send(form.as_str()),
                    None => request.send_empty(),
                }
            }
        };
        let response = result.map_err(fault)?;
        let (parts, body) = response.into_parts();
        Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, body })
    }
}

fn fault(error: ureq::Error) -> Fault {
    use ureq::Timeout;
    let connect_timeout = matches!(error, ureq::Error::Timeout(Timeout::Connect));
    let before = match &error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve)
        | ureq::Error::Tls(_)
        | ureq::Error::Rustls(_)
        | ureq::Error::TlsRequired
        | ureq::Error::ConnectProxyFailed(_) => true,
        ureq::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        _ => false,
    };
    let message = match error {
        ureq::Error::HostNotFound => "the host is not known".to_string(),
        ureq::Error::Timeout(Timeout::Connect) => "nobody answered".to_string(),
        ureq::Error::Timeout(_) => "the server said nothing for too long".to_string(),
        ureq::Error::Io(error) => plain(&error),
        ureq::Error::Rustls(error) => format!("TLS failed: {error}"),
        ureq::Error::Tls(message) => format!("TLS failed: {message}"),
        ureq::Error::Protocol(_) => "the connection ended without a reply".to_string(),
        other => other.to_string(),
    };
    Fault { sent: !before, connect_timeout, message }
}

/// What the system says of a broken connection.
pub fn plain(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
        Some(ureq::Error::Timeout(_)) => return "the server said nothing for too long".to_string(),
        Some(ureq::Error::Protocol(_)) => return "the connection ended too early".to_string(),
        _ => {}
    }
    match error.kind() {
        ErrorKind::ConnectionRefused => "the connection was refused".to_string(),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            "the connection was broken".to_string()
        }
        ErrorKind::UnexpectedEof => "the connection ended too early".to_string(),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => "the server said nothing for too long".to_string(),
        _ => error.to_string(),
    }
}
