//! Names that change what they stand for, and certificates.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Mutex;

use negawatt_config::{AddressRange, HttpOrigin};
use negawatt_test_servers::{HttpServer, Response};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

use super::*;

/// Answers each look-up with the next of these.
struct Changing(Mutex<VecDeque<Vec<&'static str>>>);

#[async_trait]
impl Resolve for Changing {
    async fn resolve(&self, _: &str, _: u16) -> std::io::Result<Vec<IpAddr>> {
        let next = self.0.lock().unwrap().pop_front().ok_or(std::io::ErrorKind::NotFound)?;
        Ok(next.iter().map(|address| address.parse().unwrap()).collect())
    }
}

fn egress(answers: impl IntoIterator<Item = Vec<&'static str>>, tls: Option<Tls>) -> (Arc<Changing>, Egress) {
    let resolver = Arc::new(Changing(Mutex::new(answers.into_iter().collect())));
    (resolver.clone(), Egress { resolver, tls, secrets: Secrets::default() })
}

async fn get(egress: &Egress, origin: &str, addresses: &[&str]) -> Answer<HttpResponse> {
    let origin = HttpOrigin::parse(origin).unwrap();
    let rule = HttpRule {
        origins: [origin.clone()].into(),
        methods: ["GET".to_owned()].into(),
        addresses: addresses.iter().map(|range| AddressRange::parse(range).unwrap()).collect(),
        secrets: Vec::new(),
    };
    let request =
        HttpRequest { method: "GET".into(), origin, target: "/".into(), headers: Vec::new(), body: Vec::new() };
    egress.send(request, &[rule], 1 << 20).await
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_what_was_checked_is_dialled() {
    let server = HttpServer::start(|_| Response::text("inside"));
    let origin = format!("http://shop.test:{}", server.address().port());
    let (resolver, egress) = egress([vec!["127.0.0.1"], vec!["169.254.169.254"], vec!["127.0.0.1"]], None);
    assert_eq!(get(&egress, &origin, &["127.0.0.1"]).await.unwrap().body, b"inside");
    assert_eq!(resolver.0.lock().unwrap().len(), 2, "one look-up");
    let error = get(&egress, &origin, &["127.0.0.1"]).await.unwrap_err();
    assert!(
        matches!(&error, Error::Denied(text) if text.contains("169.254.169.254, which is the metadata")),
        "{error:?}"
    );
    assert!(get(&egress, &origin, &["127.0.0.1"]).await.is_ok());
    assert!(matches!(get(&egress, &origin, &["127.0.0.1"]).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn every_address_of_a_name_is_checked() {
    for addresses in [
        vec!["1.1.1.1", "10.0.0.1"],
        vec!["10.0.0.1", "1.1.1.1"],
        vec!["2606:4700::1111", "::ffff:10.0.0.1"],
        vec!["127.0.0.1", "127.0.0.2"],
        vec!["64:ff9b::7f00:1"],
        vec!["::"],
    ] {
        let (_, egress) = egress([addresses.clone()], None);
        let error = get(&egress, "http://shop.test", &["127.0.0.1"]).await.unwrap_err();
        assert!(matches!(error, Error::Denied(_)), "{addresses:?}: {error:?}");
    }
    let (_, egress) = egress([Vec::new()], None);
    assert!(matches!(get(&egress, "http://shop.test", &[]).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn the_next_address_is_tried_where_one_is_not_reached() {
    let server = HttpServer::start(|_| Response::text("inside"));
    let origin = format!("http://shop.test:{}", server.address().port());
    let (_, egress) = egress([vec!["::1", "127.0.0.1"]], None);
    assert!(get(&egress, &origin, &["127.0.0.1", "::1"]).await.is_ok());
}

/// A server with the certificate of `shop.test`, which answers whoever trusts it.
async fn private_server() -> u16 {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(&include_bytes!("../../tests/tls/key.der")[..]));
    let config =
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut head = [0; 1_024];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(b"HTTP/1.1 200 -\r\ncontent-length: 7\r\n\r\nprivate").await;
            let _ = stream.shutdown().await;
        }
    });
    port
}

fn certificate() -> CertificateDer<'static> {
    CertificateDer::from(&include_bytes!("../../tests/tls/certificate.der")[..])
}

#[tokio::test]
async fn a_private_connection_needs_a_certificate_of_the_very_host() {
    let port = private_server().await;
    let trusting = || {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate()).unwrap();
        Some(Tls::trusting(roots).unwrap())
    };
    let ask = async |host: &str, tls| {
        let (_, egress) = egress([vec!["127.0.0.1"]], tls);
        get(&egress, &format!("https://{host}:{port}"), &["127.0.0.1"]).await
    };
    assert_eq!(ask("shop.test", trusting()).await.unwrap().body, b"private");
    for (host, tls) in [
        ("other.test", trusting()),
        ("127.0.0.1", trusting()),
        ("shop.test", Some(Tls::trusting(rustls::RootCertStore::empty()).unwrap())),
        ("shop.test", None),
    ] {
        let error = ask(host, tls).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable(_)), "{host}: {error:?}");
    }
}

#[tokio::test]
async fn what_is_no_http_is_an_error() {
    for bytes in [
        "SSH-2.0-OpenSSH\r\n",
        "",
        "HTTP/1.1 101 -\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
        "HTTP/1.1 200 -\r\ncontent-length: 9\r\n\r\nshort",
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 1_024];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(bytes.as_bytes()).await;
        });
        let (_, egress) = egress([], None);
        let error = get(&egress, &origin, &[]).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable(_)), "{bytes:?}: {error:?}");
        server.await.unwrap();
    }
}
