//! Where the server is, and which of the addresses it names may be followed.
//!
//! A server tells where its job and its files are. What it says is not believed: an address must be on the server that the
//! user named, or on a host the user allowed; the token goes to the named server only, and never over plain HTTP unless
//! that is this machine itself.

use url::{Host, Url};

use crate::error::{Error, Result};

/// The server that the user named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    base: Url,
    /// other hosts that files may lie on, as `host` or `host:port`
    others: Vec<String>,
}

/// An address that may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// where
    pub url: Url,
    /// on the server itself: the token may go there
    pub home: bool,
}

impl Address {
    /// Of a text such as `https://api.bcda.cms.gov`; anything but this machine must have `https`.
    pub fn parse(text: &str, others: &[String]) -> Result<Address> {
        let wrong = |found: &str| {
            Error::Usage(format!("expected a server's address such as https://sandbox.bcda.cms.gov, found {found}"))
        };
        let mut base = Url::parse(text).map_err(|error| wrong(&format!("one that does not read: {error}")))?;
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            return Err(wrong("one without https"));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(wrong("one with credentials in it\n  hint: give them by environment or file"));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(wrong("one with a query"));
        }
        if base.scheme() == "http" && !is_loopback(&base) {
            return Err(wrong("plain http to another machine, where anybody on the way could read the secret"));
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Ok(Address { base, others: others.to_vec() })
    }

    /// A path below the server's address; `query` is encoded already.
    pub fn below(&self, path: &str, query: Option<&str>) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path()));
        url.set_query(query);
        url
    }

    /// The server's address itself.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The host as a person writes it.
    pub fn host(&self) -> String {
        host(&self.base)
    }

    /// An address that the server named, in a reply to `from`; it may be relative.
    ///
    /// BCDA behind a load balancer names itself with `http`: its path is taken and asked over `https` all the same.
    pub fn follow(&self, from: &Url, named: &str) -> Result<Location> {
        let mut url = from.join(named.trim()).map_err(|error| {
            Error::Remote(format!("expected an address from {}, found one that does not read: {error}", self.host()))
        })?;
        url.set_fragment(None);
        let strange = |found: String, hint: &str| {
            Error::Remote(format!(
                "expected an address on {}, found {found} in its reply: not followed\n  hint: {hint}",
                self.host()
            ))
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(strange("one with credentials".to_string(), "tell the server's operator"));
        }
        if url.host() == self.base.host() {
            let same_port = url.port_or_known_default() == self.base.port_or_known_default();
            let no_tls = url.scheme() == "http" && self.base.scheme() == "https" && url.port().is_none();
            if no_tls {
                // Cannot fail between http and https.
                let _ = url.set_scheme("https");
                let _ = url.set_port(self.base.port());
            }
            if (same_port && url.scheme() == self.base.scheme()) || no_tls {
                return Ok(Location { url, home: true });
            }
        }
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(strange("one that is not https".to_string(), "tell the server's operator"));
        }
        if !self.others.contains(&host(&url)) {
            let hint =
                format!("if files do lie there, add `--allow-host {}`; the token is never sent there", host(&url));
            return Err(strange(format!("another host, {}", host(&url)), &hint));
        }
        if url.scheme() != "https" && !is_loopback(&url) {
            return Err(strange(format!("plain http to {}", host(&url)), "tell the server's operator"));
        }
        Ok(Location { url, home: false })
    }
}

/// Host and port, the latter only where it is not the scheme's own.
fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| name.to_string(), |port| format!("{name}:{port}"))
}

/// Whether the address is this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(base: &str, named: &str) -> std::result::Result<(String, bool), String> {
        let address = Address::parse(base, &["files.example".to_string()]).unwrap();
        let from = address.below("api/v2/jobs/42", None);
        address.follow(&from, named).map(|at| (at.url.to_string(), at.home)).map_err(|error| error.to_string())
    }

    #[test]
    fn only_the_named_server_is_followed_and_never_down_to_http() {
        let home = |url: &str| Ok((url.to_string(), true));
        assert_eq!(follow("https://api.example", "https://api.example/data/1"), home("https://api.example/data/1"));
        assert_eq!(follow("https://api.example", "http://api.example/data/1"), home("https://api.example/data/1"));
        assert_eq!(follow("https://api.example", "/data/1?x=1"), home("https://api.example/data/1?x=1"));
        assert_eq!(follow("https://api.example/fhir", "43"), home("https://api.example/fhir/api/v2/jobs/43"));
        assert_eq!(
            follow("https://api.example", "https://files.example/1"),
            Ok(("https://files.example/1".to_string(), false))
        );
        for refused in [
            "https://evil.example/1",
            "https://api.example:8443/1",
            "http://api.example:8080/1",
            "https://api.example.evil.example/1",
            "http://files.example/1",
            "https://user:word@api.example/1",
            "file:///etc/passwd",
            "//evil.example/1",
        ] {
            let message = follow("https://api.example", refused).unwrap_err();
            assert!(message.contains("not followed"), "{refused}: {message}");
            assert!(!message.contains("word@"), "{message}");
        }
    }

    #[test]
    fn an_address_is_https_or_this_machine() {
        for good in
            ["https://sandbox.bcda.cms.gov", "http://127.0.0.1:8080", "http://localhost:1/fhir/", "http://[::1]:9"]
        {
            Address::parse(good, &[]).unwrap();
        }
        for bad in
            ["http://api.bcda.cms.gov", "api.bcda.cms.gov", "https://me:secret@host", "ftp://host", "https://h/?a=b"]
        {
            let message = Address::parse(bad, &[]).unwrap_err().to_string();
            assert!(message.starts_with("expected a server's address") && !message.contains("secret@"), "{message}");
        }
    }
}
