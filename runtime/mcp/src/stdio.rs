//! The server on standard input and output, for one client that started the program.

use std::io;

use rmcp::service::{QuitReason, serve_server_with_ct};
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::stdio_pipes;
use rmcp::{RoleServer, ServerHandler};
use tokio_util::sync::CancellationToken;

use crate::server::Server;

/// Bytes of one message.
pub(crate) const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Serves the client on standard input and output until it goes away or `stop` is cancelled; then stops what still runs. Nothing else
/// may write to standard output.
pub async fn serve_stdio(server: Server, stop: CancellationToken) -> io::Result<()> {
    let (read, write) = stdio_pipes();
    let transport = AsyncRwTransport::<RoleServer, _, _>::new(read, write).with_max_line_length(MOST_BYTES);
    let served = served(server.clone(), transport, stop).await;
    server.end().await;
    served
}

async fn served<H: ServerHandler>(
    server: H,
    transport: impl rmcp::transport::Transport<RoleServer> + 'static,
    stop: CancellationToken,
) -> io::Result<()> {
    use rmcp::service::ServerInitializeError as Begin;
    match serve_server_with_ct(server, transport, stop).await {
        Ok(service) => match service.waiting().await {
            Ok(QuitReason::JoinError(error)) | Err(error) => Err(io::Error::other(error)),
            Ok(_) => Ok(()),
        },
        // A client that went away before it said anything wanted nothing.
        Err(Begin::ConnectionClosed(_) | Begin::Cancelled) => Ok(()),
        Err(error) => Err(io::Error::other(error)),
    }
}
