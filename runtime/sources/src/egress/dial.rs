//! Connections: one look-up of a name, every address of it checked, and one of those dialled.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use negawatt_config::HttpOrigin;
use negawatt_host::grants::HttpRule;
use negawatt_host::model::{Answer, Error};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
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

/// The look-up of the machine, as its standard library asks for it.
type LookUp = fn(&str, u16) -> std::io::Result<Vec<IpAddr>>;

/// The look-ups of the machine. They cannot be stopped, and each holds a thread until the machine gives it up: of those that
/// never end there are no more than there are places, and a host whose name servers are silent does not take those of others.
pub struct System {
    places: Arc<Semaphore>,
    /// Look-ups under way, by host.
    hosts: Arc<Mutex<HashMap<String, usize>>>,
    look_up: LookUp,
}

/// Look-ups at a time.
const LOOK_UPS: usize = 16;

/// Look-ups of one host at a time; further ones fail.
const OF_ONE_HOST: usize = 4;

impl System {
    /// Of this machine.
    pub fn new() -> System {
        System::looking_up(|host, port| Ok((host, port).to_socket_addrs()?.map(|address| address.ip()).collect()))
    }

    fn looking_up(look_up: LookUp) -> System {
        System { places: Arc::new(Semaphore::new(LOOK_UPS)), hosts: Arc::default(), look_up }
    }
}

#[async_trait]
impl Resolve for System {
    async fn resolve(&self, host: &str, port: u16) -> std::io::Result<Vec<IpAddr>> {
        let one =
            OneOf::begin(&self.hosts, host).ok_or_else(|| std::io::Error::other("it is being looked up already"))?;
        let place = self.places.clone().acquire_owned().await.map_err(std::io::Error::other)?;
        let look_up = self.look_up;
        let held = move || {
            let _place = place;
            look_up(&one.host, port)
        };
        tokio::task::spawn_blocking(held).await.map_err(std::io::Error::other)?
    }
}

/// A look-up of a host, counted until it is over.
struct OneOf {
    host: String,
    hosts: Arc<Mutex<HashMap<String, usize>>>,
}

impl OneOf {
    fn begin(hosts: &Arc<Mutex<HashMap<String, usize>>>, host: &str) -> Option<OneOf> {
        let mut counts = hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(host.to_owned()).or_default();
        if *count >= OF_ONE_HOST {
            return None;
        }
        *count += 1;
        Some(OneOf { host: host.to_owned(), hosts: hosts.clone() })
    }
}

impl Drop for OneOf {
    fn drop(&mut self) {
        let mut counts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.host) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.host);
            }
        }
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
        // Where each is allowed by a rule of its own, the first that is not public.
        let by_none = |address: &&IpAddr| !rules.iter().any(|rule| address::allows(rule, origin, **address));
        let mut refused = found.iter().filter(by_none).chain(&found);
        let refused = refused.find_map(|address| Some((address, address::special(*address)?)));
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
    #[cfg(test)]
    pub fn trusting(roots: rustls::RootCertStore) -> Result<Tls, rustls::Error> {
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

#[cfg(test)]
mod tests {
    use std::sync::Condvar;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    static BEGUN: AtomicUsize = AtomicUsize::new(0);
    static OPEN: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

    #[tokio::test(flavor = "multi_thread")]
    async fn look_ups_that_never_end_hold_no_more_threads_than_there_are_places() {
        let system = Arc::new(System::looking_up(|_, _| {
            BEGUN.fetch_add(1, SeqCst);
            drop(OPEN.1.wait_while(OPEN.0.lock().unwrap(), |open| !*open).unwrap());
            Ok(vec![IpAddr::from([192, 0, 2, 1])])
        }));
        let ask = |n: usize| {
            let system = system.clone();
            tokio::spawn(async move { system.resolve(&format!("slow-{}.example", n / OF_ONE_HOST), 80).await })
        };
        // Who asked and waits no longer gives no place back.
        let gone: Vec<_> = (0..LOOK_UPS).map(ask).collect();
        while BEGUN.load(SeqCst) < LOOK_UPS {
            tokio::task::yield_now().await;
        }
        gone.iter().for_each(|task| task.abort());
        let more = system.resolve("slow-0.example", 80).await.unwrap_err();
        assert_eq!(more.to_string(), "it is being looked up already");
        let waiting: Vec<_> = (0..OF_ONE_HOST).map(|n| ask(LOOK_UPS + n)).collect();
        assert!(system.places.try_acquire().is_err());
        assert_eq!(BEGUN.load(SeqCst), LOOK_UPS);
        *OPEN.0.lock().unwrap() = true;
        OPEN.1.notify_all();
        for task in waiting {
            assert_eq!(task.await.unwrap().unwrap().len(), 1);
        }
    }
}
