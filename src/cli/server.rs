//! Which server is asked, and as whom; and `claimfeed server`.
//!
//! Secrets come from the environment or a file. There is no option for them: arguments are seen by everybody on the machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use claimfeed::fetch::environment::{self, variable};
use claimfeed::fetch::http::Ask;
use claimfeed::fetch::{Address, Backend, Client, Credentials, Dialect, Login, Observer, Patience};
use claimfeed::{Api, Error, Result};

use super::watch::Watch;

const NO_CREDENTIALS: &str = "expected credentials in BCDA_CLIENT_ID and BCDA_CLIENT_SECRET, found none\n  hint: those of CMS's public sandbox are at https://bcda.cms.gov, those for production come from CMS; `claimfeed sandbox` needs no account";

/// Which server, and as whom.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Server")]
pub struct ServerArgs {
    /// Address of the server [default: BCDA_BASE_URL, BCDA_API_URL or BCDA_URL, else CMS's public sandbox]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// API version of BCDA [default: BCDA_API_VERSION, else v2]
    #[arg(long, value_parser = ["v1", "v2", "v3"])]
    api: Option<String>,
    /// The server is not BCDA: its address is the base of a Bulk FHIR server
    #[arg(long)]
    bulk: bool,
    /// How to say who asks: id and secret as BCDA wants them, a ready token, a key (SMART Backend Services), or not at all
    #[arg(long, value_parser = ["basic", "bearer", "key", "none"], default_value = "basic")]
    auth: String,
    /// Client id [default: BCDA_CLIENT_ID]
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// File with the client secret, or with the token of --auth bearer [default: BCDA_CLIENT_SECRET, BCDA_TOKEN]
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// Private key in PEM for --auth key
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The key's id for --auth key
    #[arg(long, value_name = "ID")]
    key_id: Option<String>,
    /// Where tokens are given [default: BCDA_TOKEN_URL, else auth/token below the server; --auth key: the server says]
    #[arg(long, value_name = "URL")]
    token_url: Option<String>,
    /// What a token of --auth key is asked for
    #[arg(long, value_name = "SCOPE", default_value = "system/*.read")]
    scope: String,
    /// Another host that files may lie on; the token is never sent there
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<String>,
    /// Seconds without a byte from the server before a request is given up
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// Tries of one request
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=100))]
    tries: u16,
    /// First seconds between questions after a job; they grow to a minute
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    poll: f64,
    /// Seconds that a server's wish to wait is followed at most
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    longest_wait: u64,
    /// Milliseconds before the second try of a request
    #[arg(long, value_name = "MS", default_value_t = 1000, hide = true)]
    first_wait: u64,
    /// Say nothing but errors and the result
    #[arg(long, short)]
    pub quiet: bool,
}

/// A file's text without the line feed at its end.
fn secret_of(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path).map_err(|error| Error::file("read", path, error))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_string())
}

impl ServerArgs {
    /// How the server speaks.
    pub fn dialect(&self) -> Result<Dialect> {
        if self.bulk {
            return Ok(Dialect::Bulk);
        }
        let name = self.api.clone().or_else(|| variable(&["BCDA_API_VERSION"])).unwrap_or_else(|| "v2".to_string());
        Api::parse(&name.to_lowercase())
            .map(Dialect::Bcda)
            .ok_or_else(|| Error::Usage(format!("expected v1, v2 or v3 in BCDA_API_VERSION, found `{name}`")))
    }

    /// A client with these options.
    pub fn client(&self, observer: &Arc<Watch>) -> Result<Client> {
        let address = Address::parse(&self.server.clone().unwrap_or_else(environment::server), &self.allow_host)?;
        let seconds = |seconds: f64| {
            Duration::try_from_secs_f64(seconds)
                .map_err(|_| Error::Usage(format!("expected seconds for `--poll`, found {seconds}")))
        };
        let patience = Patience {
            tries: usize::from(self.tries),
            poll: seconds(self.poll)?,
            cap: Duration::from_secs(self.longest_wait),
            silence: Duration::from_secs(self.timeout),
            first: Duration::from_millis(self.first_wait),
            ..Patience::default()
        };
        let token_url = match self.token_url.clone().or_else(|| variable(&["BCDA_TOKEN_URL"])) {
            Some(text) => Some(token_address(&text)?),
            None => None,
        };
        let credentials = self.credentials(&address, token_url.as_ref(), patience, observer)?;
        let token_url = token_url.unwrap_or_else(|| address.below("auth/token", None));
        let observer: Arc<dyn Observer> = observer.clone();
        Ok(Client::new(address, Login::new(credentials, token_url), patience, observer))
    }

    fn credentials(
        &self,
        address: &Address,
        token_url: Option<&url::Url>,
        patience: Patience,
        observer: &Arc<Watch>,
    ) -> Result<Credentials> {
        let id = || self.client_id.clone().or_else(|| variable(&["BCDA_CLIENT_ID"]));
        let secret = |names: &[&str]| match &self.client_secret_file {
            Some(path) => secret_of(path).map(Some),
            None => Ok(variable(names)),
        };
        match self.auth.as_str() {
            "none" => Ok(Credentials::None),
            "bearer" => {
                let token = secret(&["BCDA_TOKEN"])?.filter(|token| !token.is_empty());
                let token =
                    token.ok_or_else(|| Error::Login("expected a token in BCDA_TOKEN, found none".to_string()))?;
                if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                    return Err(Error::Login("expected a token of one line, found other characters in it".to_string()));
                }
                Ok(Credentials::Bearer(token.into()))
            }
            "key" => {
                let usage = |what: &str| Error::Usage(format!("expected `{what}` with `--auth key`, found none"));
                let path = self.key_file.as_ref().ok_or_else(|| usage("--key-file"))?;
                let id = id().ok_or_else(|| usage("--client-id"))?;
                let pem = std::fs::read(path).map_err(|error| Error::file("read", path, error))?;
                let url = match token_url {
                    Some(url) => url.clone(),
                    None => self.discovered(address, patience, observer)?,
                };
                Ok(Credentials::Backend(Box::new(Backend::new(
                    id,
                    url,
                    &pem,
                    self.key_id.clone(),
                    self.scope.clone(),
                )?)))
            }
            _ => {
                let secret = secret(&["BCDA_CLIENT_SECRET"])?.filter(|secret| !secret.is_empty());
                match (id(), secret) {
                    (Some(id), Some(secret)) => Ok(Credentials::Basic { id, secret: secret.into() }),
                    _ => Err(Error::Login(NO_CREDENTIALS.to_string())),
                }
            }
        }
    }

    /// Where the server says that tokens are given.
    fn discovered(&self, address: &Address, patience: Patience, observer: &Arc<Watch>) -> Result<url::Url> {
        let nobody = Login::new(Credentials::None, address.below("", None));
        let observer: Arc<dyn Observer> = observer.clone();
        let client = Client::new(address.clone(), nobody, patience, observer);
        let ask = Ask::get(address.below(".well-known/smart-configuration", None)).header("accept", "application/json");
        let answer = client.patiently(&ask, "where tokens are given", |_, _| false)?;
        let named = answer.json().filter(|_| answer.status == 200);
        let named =
            named.and_then(|document| document["token_endpoint"].as_str().map(str::to_string)).ok_or_else(|| {
                Error::Remote(format!(
                    "expected {} to say where tokens are given, found HTTP {}\n  hint: say it with `--token-url`",
                    address.host(),
                    answer.status
                ))
            })?;
        // The server may name another host: a signed statement is good for that address only, and for one use.
        token_address(&named)
    }
}

/// Where the secret goes: https, or this machine.
fn token_address(text: &str) -> Result<url::Url> {
    let named = Address::parse(text, &[]).map_err(|error| Error::Usage(format!("{error} (`--token-url`)")))?;
    let mut url = named.base().clone();
    // An address of a server ends with a slash; that of a token does not.
    if !text.ends_with('/') {
        let path = url.path().trim_end_matches('/').to_string();
        url.set_path(&path);
    }
    Ok(url)
}

/// Ask a server about itself
#[derive(Debug, clap::Args)]
pub struct ServerCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Print its CapabilityStatement
    Metadata(Asked),
    /// Print when attribution last came
    Attribution(Asked),
    /// See whether it is there, well, and accepts the credentials
    Check(Asked),
}

#[derive(Debug, clap::Args)]
struct Asked {
    #[command(flatten)]
    server: ServerArgs,
}

impl ServerCommand {
    /// Runs it.
    pub fn run(self) -> Result<u8> {
        let args = match &self.verb {
            Verb::Metadata(ask) | Verb::Attribution(ask) | Verb::Check(ask) => &ask.server,
        };
        let watch = Arc::new(Watch::new(args.quiet)?);
        let result = self.ask(args, &watch);
        watch.end();
        result
    }

    fn ask(&self, args: &ServerArgs, watch: &Arc<Watch>) -> Result<u8> {
        let dialect = args.dialect()?;
        let root = match dialect {
            Dialect::Bcda(api) => format!("api/{api}/"),
            Dialect::Bulk => String::new(),
        };
        match &self.verb {
            Verb::Metadata(_) => {
                let client = open_client(args, watch)?;
                let body = read(&client, &format!("{root}metadata"), "the CapabilityStatement")?;
                let document = first_json(&body)?;
                super::print(format!("{}\n", serde_json::to_string_pretty(&document).unwrap_or_default()).as_bytes())
            }
            Verb::Attribution(_) => {
                let client = args.client(watch)?;
                let body = read(&client, &format!("{root}attribution_status"), "the state of attribution")?;
                let document = first_json(&body)?;
                let mut text = String::new();
                for entry in document["ingestion_dates"].as_array().into_iter().flatten() {
                    let word = |name: &str| entry[name].as_str().unwrap_or_default().to_string();
                    text.push_str(&format!("{} {}\n", word("type"), word("timestamp")));
                }
                super::print(text.as_bytes())
            }
            Verb::Check(_) => {
                let open = open_client(args, watch)?;
                let host = open.address.host();
                let mut text = String::new();
                if let Dialect::Bcda(_) = dialect {
                    let version = first_json(&read(&open, "_version", "the version")?)?;
                    text.push_str(&format!("{host}: version {}\n", version["version"].as_str().unwrap_or("unknown")));
                    read(&open, "_health", "a healthy server")?;
                    text.push_str("healthy\n");
                    let client = args.client(watch)?;
                    read(&client, "auth/welcome", "a welcome")?;
                    text.push_str("credentials accepted\n");
                } else {
                    let metadata = first_json(&read(&args.client(watch)?, "metadata", "the CapabilityStatement")?)?;
                    let version = metadata["fhirVersion"].as_str().unwrap_or("unknown");
                    text.push_str(&format!("{host}: FHIR {version}\n"));
                }
                super::print(text.as_bytes())
            }
        }
    }
}

/// A client that says nothing about who asks: what it reads is open to all.
fn open_client(args: &ServerArgs, watch: &Arc<Watch>) -> Result<Client> {
    let address = Address::parse(&args.server.clone().unwrap_or_else(environment::server), &args.allow_host)?;
    let login = Login::new(Credentials::None, address.below("auth/token", None));
    let patience = Patience {
        tries: usize::from(args.tries).min(3),
        first: Duration::from_millis(args.first_wait),
        silence: Duration::from_secs(args.timeout),
        ..Patience::default()
    };
    let observer: Arc<dyn Observer> = watch.clone();
    Ok(Client::new(address, login, patience, observer))
}

fn read(client: &Client, path: &str, what: &str) -> Result<String> {
    let ask = Ask::get(client.address.below(path, None)).header("accept", "application/json");
    let answer = client.patiently(&ask, what, |_, _| false)?;
    if answer.status == 200 { Ok(answer.body) } else { Err(client.refused(&answer, what)) }
}

fn first_json(body: &str) -> Result<serde_json::Value> {
    let first = serde_json::Deserializer::from_str(body).into_iter().next();
    first
        .and_then(std::result::Result::ok)
        .ok_or_else(|| Error::Remote("expected JSON from the server, found something else".to_string()))
}
