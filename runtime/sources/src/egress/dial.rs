//! Connections: one look-up of a name, every address of it checked, and one of those dialled.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use negawatt_config::HttpOrigin;
use negawatt_host::grants::HttpRule;
use negawatt_host::model::{Answer, Error};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::address;

/// How long one address may take to answer at all.
const CONNECT_TIME: Duration = Duration::from_secs(3);

/// Looks names up.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// The addresses of a name.
    async fn resolve(&self, host: &str, port: u16) -> std::io::Result<Vec<IpAddr>>;
}

/// The look-up of the machine.
pub struct System;

#[async_trait]
impl Resolve for System {
    async fn resolve(&self, host: &str, port: u16) -> std::io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.map(|address| address.ip()).collect())
    }
}

/// The addresses of an origin's host, and those of the rules that allow every one of them: a name that stands for a public
/// address and for another one is not trusted with either.
pub async fn addresses<'a>(
    resolver: &dyn Resolve,
    origin: &HttpOrigin,
    rules: &'a [HttpRule],
) -> Answer<(Vec<SocketAddr>, Vec<&'a HttpRule>)> {
    let found = match origin.host.parse() {
        Ok(address) => vec![address],
        Err(_) => {
            let unknown = |_| Error::NotFound(format!("the host {} cannot be looked up", origin.host));
            resolver.resolve(&origin.host, origin.port).await.map_err(unknown)?
        }
    };
    if found.is_empty() {
        return Err(Error::NotFound(format!("the host {} has no address", origin.host)));
    }
    let allows_all = |rule: &&HttpRule| found.iter().all(|address| address::allows(rule, origin, *address));
    let allowing: Vec<_> = rules.iter().filter(allows_all).collect();
    if allowing.is_empty() {
        let refused = found.iter().find_map(|address| Some((address, address::special(*address)?)));
        let (address, what) = refused.map_or_else(Default::default, |(address, what)| (address.to_string(), what));
        return Err(Error::Denied(format!(
            "{origin} is at {address}, which is {what}; an operator can allow that in the grant: addresses = [\"{address}\"]"
        )));
    }
    Ok((found.into_iter().map(|address| SocketAddr::new(address, origin.port)).collect(), allowing))
}

/// Bytes to a server and back.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Opens a connection to the first of the addresses that answers.
pub async fn dial(addresses: &[SocketAddr], origin: &HttpOrigin, tls: Option<&Tls>) -> Answer<Box<dyn Stream>> {
    let mut problem = "has no address".to_owned();
    for address in addresses {
        match tokio::time::timeout(CONNECT_TIME, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Requests are written whole.
                let _ = stream.set_nodelay(true);
                return match tls.filter(|_| origin.is_https) {
                    Some(tls) => tls.over(stream, origin).await,
                    None if origin.is_https => Err(Error::Unavailable("nothing is ready for https".to_owned())),
                    None => Ok(Box::new(stream)),
                };
            }
            Ok(Err(error)) => problem = format!("cannot be reached: {}", error.kind()),
            Err(_) => problem = format!("does not answer within {CONNECT_TIME:?}"),
        }
    }
    Err(Error::Unavailable(format!("{origin} {problem}")))
}

/// What makes a connection private: a certificate for the very host, from an authority that is trusted.
pub struct Tls(TlsConnector);

impl Tls {
    /// With the authorities that the machine trusts.
    pub fn of_system() -> Result<Tls, rustls::Error> {
        Ok(Tls::with(builder()?.with_platform_verifier()?.with_no_client_auth()))
    }

    /// With these alone.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests have an authority of their own"))]
    pub fn trusting(roots: RootCertStore) -> Result<Tls, rustls::Error> {
        Ok(Tls::with(builder()?.with_root_certificates(roots).with_no_client_auth()))
    }

    fn with(mut config: ClientConfig) -> Tls {
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Tls(TlsConnector::from(Arc::new(config)))
    }

    async fn over(&self, stream: TcpStream, origin: &HttpOrigin) -> Answer<Box<dyn Stream>> {
        let failed = |problem: String| Error::Unavailable(format!("{origin} offers no trusted connection: {problem}"));
        let host = ServerName::try_from(origin.host.clone()).map_err(|error| failed(error.to_string()))?;
        match self.0.connect(host, stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(failed(crate::http::printable(&error.to_string()))),
        }
    }
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}
