//! The server mounted in a router, with the skills that the program carries.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use axum::Router;
use http::{HeaderValue, StatusCode, header};
use negawatt_casebook::Casebook;
use negawatt_config::Config;
use negawatt_host::grants::Grants;
use negawatt_host::limits::{CaseLimits, HostLimits};
use negawatt_host::{Digest, Host, HostConfig, Origin, Skill};
use negawatt_mcp::{Admission, Caller, Http, HttpSettings, Program, Refusal, Server};
use negawatt_planner::{Catalog, Reach, Runtime, SearchPlanner, Successor, answer};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Who may investigate, and who may look.
pub const WORKER: &str = "Bearer worker";
pub const VIEWER: &str = "Bearer viewer";

/// An origin whose pages may ask.
pub const ORIGIN: &str = "https://app.example.com:443";

/// A server on a free port of this machine; it ends when it is dropped.
pub struct Served {
    pub address: SocketAddr,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    /// Serves the configuration of a folder at `/mcp`, and at `/open` without asking who comes.
    pub fn start(folder: &Path) -> Served {
        let program = program(folder);
        let stop = CancellationToken::new();
        let (tell, told) = mpsc::channel();
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let runtime = negawatt_host::runtime().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let server = Server::new(program);
                let settings =
                    HttpSettings { hosts: Some(Vec::new()), origins: vec![ORIGIN.to_owned()], stop: stopped.clone() };
                let open = rmcp::transport::StreamableHttpService::new(
                    {
                        let server = server.clone();
                        move || Ok(server.clone())
                    },
                    Arc::<rmcp::transport::streamable_http_server::session::local::LocalSessionManager>::default(),
                    rmcp::transport::StreamableHttpServerConfig::default(),
                );
                let router = Router::new()
                    .route_service("/mcp", Http::new(server.clone(), settings, admission()))
                    .route_service("/open", open);
                let gone = stopped.clone();
                axum::serve(listener, router)
                    .with_graceful_shutdown(async move { gone.cancelled().await })
                    .await
                    .unwrap();
                server.end().await;
            });
            runtime.shutdown_background();
        });
        Served { address: told.recv().unwrap(), stop, thread: Some(thread) }
    }

    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
        let ended = self.thread.take().unwrap().join();
        // Of a test that failed the first failure is enough.
        assert!(ended.is_ok() || std::thread::panicking());
    }
}

/// Knows two tokens.
fn admission() -> Admission {
    Arc::new(|head| {
        let token = head.headers.get(header::AUTHORIZATION).map(|value| value.as_bytes().to_vec());
        Box::pin(async move {
            let caller =
                |name: &str, may_investigate| Ok(Caller { name: name.to_owned(), may_investigate, record: None });
            match token.as_deref() {
                Some(token) if token == WORKER.as_bytes() => caller("Ada", true),
                Some(token) if token == VIEWER.as_bytes() => caller("Grace", false),
                _ => Err(Refusal {
                    status: StatusCode::UNAUTHORIZED,
                    challenge: Some(HeaderValue::from_static("Bearer")),
                    message: "a token is missing".to_owned(),
                }),
            }
        })
    })
}

fn program(folder: &Path) -> Program {
    let config = Config::find(Some(&folder.join("negawatt.toml"))).unwrap();
    let sources = negawatt_sources::configure(&config, None).unwrap();
    let grants = Grants::of(&config);
    let mut catalog = Catalog::default();
    // The program's build script leaves the bundled skills there.
    let (from, origin) = match config.skills.bundled {
        true => (Path::new(env!("OUT_DIR")).to_owned(), Origin::Bundled),
        false => (folder.join("skills"), Origin::Loaded),
    };
    let mut files: Vec<_> = std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "wasm")) {
        catalog.add(Skill::read(std::fs::read(file).unwrap(), origin).unwrap(), &grants, &[]).unwrap();
    }
    let runtime = Arc::new(Runtime {
        host: Arc::new(
            Host::new(HostConfig {
                cache: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache/negawatt/compiled")),
                limits: HostLimits::default(),
                compiler: None,
            })
            .unwrap(),
        ),
        tools: Arc::new(sources.tools),
        catalog: Arc::new(catalog),
        planner: Arc::new(SearchPlanner),
        neighbours: Arc::new(|_, _| Box::pin(async { Default::default() })),
        reach: Reach::default(),
        fleet: HashMap::new(),
        config: negawatt_casebook::Config { path: None, digest: Digest::of(b"") },
        budget: config.case.limits.over(CaseLimits::default()),
        successor: Successor::default(),
    });
    Program {
        runtime: Arc::new(move || runtime.clone()),
        book: Casebook::open(&folder.join("casebook")).unwrap(),
        carry_on: Arc::new(|case| Box::pin(async move { Ok(case) })),
        describe: Arc::new(answer),
        proposal: Arc::new(|_, _| serde_json::Value::Null),
        observe: Arc::new(|_| {}),
    }
}
