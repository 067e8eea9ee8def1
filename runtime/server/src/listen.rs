//! Takes connections, as many at a time as may be, and gives slow ones up.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::patient::Patient;

/// How many there may be, and how slow.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at a time; more wait to be taken.
    pub connections: usize,
    /// How long the head of a request may take to arrive.
    pub patience: Duration,
    /// How long nothing of what is answered may be taken.
    pub stall: Duration,
}

/// Serves until it is to end, and then what was begun, until that is parked; streams listen to the same word.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    closing: CancellationToken,
    parking: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(limits.connections.clamp(1, Semaphore::MAX_PERMITS)));
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            // The semaphore is never closed.
            let place = places.clone().acquire_owned().await.ok()?;
            Some((listener.accept().await, place))
        };
        let Some(Some((accepted, place))) = closing.run_until_cancelled(next).await else { break };
        let Ok((stream, address)) = accepted else {
            // No descriptor is left, or the client is gone again: neither is a reason to end, nor to spin.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        let stream = Patient::new(stream, limits.stall);
        let served = connection(stream, address, router.clone(), limits.patience, closing.clone());
        connections.spawn(async move {
            served.await;
            drop(place);
        });
    }
    // Who does not read what is answered is not waited for.
    parking.run_until_cancelled(async { while connections.join_next().await.is_some() {} }).await;
}

fn connection(
    stream: Patient<TcpStream>,
    address: SocketAddr,
    router: Router,
    patience: Duration,
    closing: CancellationToken,
) -> impl Future<Output = ()> {
    let service = router.map_request(move |mut request: http::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(address));
        request.map(axum::body::Body::new)
    });
    async move {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(patience)
            .max_buf_size(64 << 10)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let mut connection = std::pin::pin!(connection);
        // A client that breaks off is no error of ours.
        tokio::select! {
            _ = connection.as_mut() => {}
            () = closing.cancelled() => {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        }
    }
}
