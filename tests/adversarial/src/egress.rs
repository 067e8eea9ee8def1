//! Requests over HTTP that reach what they may not, carry what they may not, or never end.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use async_trait::async_trait;
use negawatt_config::Config;
use negawatt_host::grants::Grants;
use negawatt_host::{Outcome, Status, Tools};
use negawatt_sources::{Egress, Resolve};
use negawatt_test_guests::COURIER;

use crate::arena::{Arena, BAIT};
use crate::attack::{Attack, Ending, Seen};
use crate::server::Server;

/// Ways to write an address of this machine or its network; the port follows.
const FORMS: [&str; 24] = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "0.0.0.0",
    "0",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "①②⑦.0.0.1",
    "127。0。0。1",
];

/// What an operator would not think of when allowing a name: addresses that are not public.
const NOT_PUBLIC: [&str; 24] = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "168.63.129.16",
    "172.16.0.1",
    "192.168.0.1",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::1",
    "2001::1",
    "fd00:ec2::254",
    "fe80::1",
    "ff02::1",
];

/// Ways to make one origin look like another.
const TRICKS: [&str; 9] = [
    "http://127.0.0.1:{port}@evil.example/",
    "http://shop.example@127.0.0.1:{port}/",
    "http://shop.example:80@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@shop.example/",
    "http://shop.example.evil.example/",
    "http://127.0.0.1:{port}\\@shop.example/",
    "http://shop.example%2f@127.0.0.1:{port}/",
    "https://shop.example/",
    "gopher://shop.example/",
];

pub(crate) fn attacks() -> Vec<Attack> {
    let act = |name, about, act, says| Attack::act(name, about, act).must(Ending::Held, says);
    Attack::family(
        "egress",
        [
            Attack::skill(
                "ungranted-http",
                "Imports `wasi:http`, which nobody granted.",
                COURIER,
                "send GET http://127.0.0.1:9/",
            )
            .ends(Status::Denied, "it imports http, which nobody granted it"),
            act(
                "texts-of-requests",
                "Fills sixty-four requests with sixteen kilobytes of methods, paths and headers, and never sends them.",
                |arena| Box::pin(kept(arena)),
                "each ended at its limit of memory",
            ),
            act(
                "every-address-form",
                "Asks this machine by every way to write its address.",
                |arena| Box::pin(forms(arena)),
                "all 24 were refused, nobody was reached",
            ),
            act(
                "origin-look-alikes",
                "Makes one origin look like another by user names, fragments and schemes.",
                |arena| Box::pin(tricks(arena)),
                "all 9 were refused, nobody was reached",
            ),
            act(
                "private-address-behind-a-name",
                "Asks a granted name that stands for an address that is not public, of each kind.",
                |arena| Box::pin(not_public(arena)),
                "all 24 were refused, nobody was reached",
            ),
            act(
                "name-with-two-addresses",
                "Asks a granted name that stands for an allowed address and for another.",
                |arena| Box::pin(two_addresses(arena)),
                "it was refused, nobody was reached",
            ),
            act(
                "name-that-changes",
                "Asks a granted name that stands for an allowed address at its first look-up and for another at the second.",
                |arena| Box::pin(changing(arena)),
                "looked up once a request, and checked each time",
            ),
            act(
                "redirect-to-metadata",
                "Follows a redirect to a cloud's metadata.",
                |arena| Box::pin(redirect(arena, "http://169.254.169.254/latest/meta-data")),
                "the second request was refused",
            ),
            act(
                "redirect-to-another-service",
                "Follows a redirect to another server of this machine.",
                |arena| Box::pin(redirect(arena, "http://127.0.0.1:1/")),
                "the second request was refused",
            ),
            act(
                "slow-drip",
                "Asks for a body that comes byte by byte for ever.",
                |arena| {
                    Box::pin(ends(
                        arena,
                        "/drip",
                        "tool_time = \"100ms\"",
                        "the request and its answer took longer than 100ms",
                    ))
                },
                "the request and its answer took longer than 100ms",
            ),
            act(
                "endless-body",
                "Asks for a body that never ends.",
                |arena| Box::pin(ends(arena, "/endless", "", "more than 65536 bytes")),
                "more than 65536 bytes",
            ),
            act(
                "endless-head",
                "Asks for headers that never end.",
                |arena| Box::pin(ends(arena, "/endless-head", "", "the connection broke")),
                "the connection broke",
            ),
            act(
                "header-injection",
                "Sets headers of the connection, or hides one in another's name or value, or in a path.",
                |arena| Box::pin(headers(arena)),
                "all 11 were refused, nobody was reached",
            ),
            act(
                "request-smuggling",
                "Says another length than the body has, so that the rest would be a request of its own.",
                |arena| Box::pin(smuggling(arena)),
                "it was refused, nobody was reached",
            ),
            act(
                "methods-nobody-granted",
                "Writes, deletes and opens tunnels where it may only read.",
                |arena| Box::pin(methods(arena)),
                "all 5 were refused, nobody was reached",
            ),
            act(
                "secret-that-is-echoed",
                "Asks a server that repeats the credentials that the host adds.",
                |arena| Box::pin(echo(arena)),
                "the secret does not come back",
            ),
            act(
                "flood-of-requests",
                "Sends forty requests at once.",
                |arena| Box::pin(flood(arena)),
                "never more than 4 at a time",
            ),
        ],
    )
}

/// Names for addresses: the first look-up of a name gives the first list, and so on; the last stays.
struct Names {
    lists: HashMap<String, Mutex<Vec<Vec<IpAddr>>>>,
    asked: AtomicUsize,
}

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, host: &str, _: u16) -> std::io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, SeqCst);
        let unknown = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let mut lists = self.lists.get(host).ok_or_else(unknown)?.lock().map_err(|_| unknown())?;
        Ok(if lists.len() > 1 { lists.remove(0) } else { lists.first().cloned().unwrap_or_default() })
    }
}

impl Names {
    fn of<'a>(names: impl IntoIterator<Item = (&'a str, Vec<Vec<IpAddr>>)>) -> Arc<Names> {
        let lists = names.into_iter().map(|(name, lists)| (name.to_owned(), Mutex::new(lists)));
        Arc::new(Names { lists: lists.collect(), asked: AtomicUsize::new(0) })
    }
}

const THIS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// What an attack may, and where its requests go.
struct Scene {
    arena: Arc<Arena>,
    server: Server,
    tools: Arc<Tools>,
    grants: Grants,
    skill: Arc<negawatt_host::Skill>,
}

impl Scene {
    /// With the lines of a grant and what comes after it, in which `{port}` is the server's.
    async fn new(arena: Arc<Arena>, grant: &str, names: Option<Arc<Names>>, limits: &str) -> Result<Scene, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let server = Server::start(THIS, 0).map_err(|error| text(&error))?;
        let grant = format!("[[grants]]\nskill = \"courier\"\n{}", grant.replace("{port}", &server.port().to_string()));
        // The secret's file is beside the sources.
        let config = Config::parse(&grant, &arena.folder.path().join("egress.toml")).map_err(|error| text(&error))?;
        let mut egress = Egress::configure(&config).map_err(|error| text(&error))?.ok_or("nothing may be asked")?;
        if let Some(names) = names {
            egress = egress.resolving(names);
        }
        let tools = Arc::new(Tools { http: Some(Arc::new(egress)), ..Tools::default() });
        let common = arena.grants(limits, false).map_err(|error| text(&error))?;
        let mut grants = Grants { limits: common.limits, ..Grants::of(&config) };
        let own = common.grants.into_iter().map(|grant| grant.limits).next().unwrap_or_default();
        grants.grants.iter_mut().for_each(|grant| grant.limits = own.clone());
        let loading = arena.clone();
        let skill = tokio::task::spawn_blocking(move || loading.load(COURIER.to_vec())).await;
        let skill = skill.map_err(|error| text(&error))?.map_err(|error| text(&error))?;
        Ok(Scene { arena, server, tools, grants, skill })
    }

    async fn send(&self, title: &str) -> Outcome {
        let title = title.replace("{port}", &self.server.port().to_string());
        self.arena.call_with(&self.arena.host, self.tools.clone(), &self.skill, &self.grants, &title).await
    }

    /// Calls, all of which must be refused without anybody being reached.
    async fn refused(&self, titles: &[String]) -> Result<(Instant, String), String> {
        let began = Instant::now();
        for title in titles {
            let outcome = self.send(title).await;
            if !is_refused(&outcome) {
                return Err(format!("{title} was answered {:?} {:?}", note(&outcome), error(&outcome)));
            }
        }
        let all = if titles.len() == 1 { "it was".to_owned() } else { format!("all {} were", titles.len()) };
        match self.server.connections() {
            0 => Ok((began, format!("{all} refused, nobody was reached"))),
            reached => Err(format!("{reached} requests reached a server")),
        }
    }
}

/// Whether a request was refused before anybody was dialled. One that was dialled in vain is recorded as unavailable.
fn is_refused(outcome: &Outcome) -> bool {
    match outcome.answers.as_slice() {
        // It was none that can be written, so that there was nothing to send.
        [] => outcome.status == Status::Error || note(outcome).starts_with("error: "),
        answers => answers.iter().all(|answer| {
            let error = answer.error.as_deref().unwrap_or_default();
            error.starts_with("denied: ") || error.starts_with("invalid: ")
        }),
    }
}

/// What the courier noted.
fn note(outcome: &Outcome) -> String {
    Seen::call(Instant::now(), outcome).said
}

/// The first error that is recorded.
fn error(outcome: &Outcome) -> String {
    outcome.answers.iter().find_map(|answer| answer.error.clone()).unwrap_or_default()
}

/// Sends requests that are all refused.
async fn refused(arena: Arc<Arena>, grant: &str, names: Option<Arc<Names>>, titles: Vec<String>) -> Seen {
    Seen::held(async { Scene::new(arena, grant, names, "").await?.refused(&titles).await }.await)
}

async fn kept(arena: Arc<Arena>) -> Seen {
    let held = async {
        let scene = Scene::new(arena, "http = [\"http://shop.example\"]\n", None, "memory = \"2MiB\"").await?;
        let began = Instant::now();
        for place in ["method", "target", "authority", "body", "list", "set", "append", "clone"] {
            let outcome = scene.send(&format!("keep 64 16000 {place}")).await;
            let said = outcome.message.as_deref().unwrap_or_default();
            if !said.contains("bytes of memory") {
                return Err(format!("{place}: {:?} {:?}", outcome.status, outcome.message));
            }
        }
        Ok((began, "each ended at its limit of memory"))
    };
    Seen::held(held.await)
}

async fn forms(arena: Arc<Arena>) -> Seen {
    let titles = FORMS.map(|form| format!("send GET http://{form}:{{port}}/")).to_vec();
    refused(arena, "http = [\"http://shop.example\", \"http://127.0.0.2:{port}\"]\n", None, titles).await
}

async fn tricks(arena: Arc<Arena>) -> Seen {
    let titles = TRICKS.map(|trick| format!("send GET {trick}")).to_vec();
    refused(arena, "http = [\"http://shop.example\"]\n", Some(Names::of([])), titles).await
}

async fn not_public(arena: Arc<Arena>) -> Seen {
    let hosts: Vec<_> = (0..NOT_PUBLIC.len()).map(|nth| format!("shop-{nth}.example")).collect();
    let lists = NOT_PUBLIC.iter().map(|address| vec![address.parse().into_iter().collect()]);
    let names = Names::of(hosts.iter().map(String::as_str).zip(lists));
    let origins: Vec<_> = hosts.iter().map(|host| format!("\"http://{host}:{{port}}\"")).collect();
    let titles = hosts.iter().map(|host| format!("send GET http://{host}:{{port}}/")).collect();
    refused(arena, &format!("http = [{}]\n", origins.join(", ")), Some(names), titles).await
}

const ONE_ALLOWED: &str = "http = [\"http://shop.example:{port}\"]\naddresses = [\"127.0.0.2\"]\n";

async fn two_addresses(arena: Arc<Arena>) -> Seen {
    let names = Names::of([("shop.example", vec![vec![OTHER, THIS]])]);
    refused(arena, ONE_ALLOWED, Some(names), vec!["send GET http://shop.example:{port}/".to_owned()]).await
}

async fn changing(arena: Arc<Arena>) -> Seen {
    let held = async {
        let names = Names::of([("shop.example", vec![vec![OTHER], vec![THIS]])]);
        let scene = Scene::new(arena, ONE_ALLOWED, Some(names.clone()), "").await?;
        let allowed = Server::start(OTHER, scene.server.port()).map_err(|error| error.to_string())?;
        let began = Instant::now();
        let first = scene.send("send GET http://shop.example:{port}/ok").await;
        let asked = names.asked.load(SeqCst);
        let second = scene.send("send GET http://shop.example:{port}/ok").await;
        let reached = (allowed.connections(), scene.server.connections());
        let checked = error(&second).contains("loopback") && note(&second).starts_with("error");
        if note(&first).starts_with("200") && (asked, reached) == (1, (1, 0)) && checked {
            Ok((began, "looked up once a request, and checked each time".to_owned()))
        } else {
            Err(format!("{asked} look-ups, {reached:?} connections, {}, {}", note(&first), note(&second)))
        }
    };
    Seen::held(held.await)
}

async fn redirect(arena: Arc<Arena>, to: &str) -> Seen {
    let held = async {
        let scene = Scene::new(arena, "http = [\"http://127.0.0.1:{port}\"]\n", None, "").await?;
        let began = Instant::now();
        let outcome = scene.send(&format!("follow GET http://127.0.0.1:{{port}}/to?{to}")).await;
        let noted = note(&outcome);
        let refused = noted.starts_with("302") && noted.ends_with("error: ErrorCode::HttpRequestDenied");
        if refused && outcome.answers.len() == 2 && scene.server.connections() == 1 {
            Ok((began, "the second request was refused".to_owned()))
        } else {
            Err(noted)
        }
    };
    Seen::held(held.await)
}

/// An answer that must be given up, with an error that says why.
async fn ends(arena: Arc<Arena>, path: &str, limits: &str, says: &str) -> Seen {
    let held = async {
        let scene = Scene::new(arena, "http = [\"http://127.0.0.1:{port}\"]\n", None, limits).await?;
        let began = Instant::now();
        let outcome = scene.send(&format!("send GET http://127.0.0.1:{{port}}{path}")).await;
        let error = error(&outcome);
        if error.contains(says) { Ok((began, error)) } else { Err(format!("{error:?}, {}", note(&outcome))) }
    };
    Seen::held(held.await)
}

async fn headers(arena: Arc<Arena>) -> Seen {
    let names =
        ["host", "Host", "connection", "transfer-encoding", "proxy-authorization", "upgrade", "a b", "a\r\nhost", ""];
    let in_values = ["/\nx: a\rhost: evil.example", "/ HTTP/1.1\rhost: evil.example"];
    let titles = names.map(|name| format!("field {name}")).into_iter();
    let titles = titles.chain(in_values.map(|value| format!("send GET http://127.0.0.1:{{port}}{value}"))).collect();
    refused(arena, "http = [\"http://127.0.0.1:{port}\"]\n", None, titles).await
}

async fn smuggling(arena: Arc<Arena>) -> Seen {
    let title = "send POST http://127.0.0.1:{port}/\ncontent-length: 3\nbody 200".to_owned();
    refused(arena, "http = [\"http://127.0.0.1:{port}\"]\nmethods = [\"GET\", \"POST\"]\n", None, vec![title]).await
}

async fn methods(arena: Arc<Arena>) -> Seen {
    let methods = ["POST", "DELETE", "CONNECT", "TRACE", "get"];
    let titles = methods.map(|method| format!("send {method} http://127.0.0.1:{{port}}/")).to_vec();
    refused(arena, "http = [\"http://127.0.0.1:{port}\"]\n", None, titles).await
}

async fn echo(arena: Arc<Arena>) -> Seen {
    let grant = "http = [\"http://127.0.0.1:{port}\"]\n\
        secrets = [{ name = \"token\", audience = \"http://127.0.0.1:{port}\", header = \"authorization\" }]\n\
        [secrets.token]\nfile = \"secret.txt\"\n";
    let held = async {
        let scene = Scene::new(arena, grant, None, "").await?;
        let began = Instant::now();
        let outcome = scene.send("send GET http://127.0.0.1:{port}/echo").await;
        let out = Seen::call(began, &outcome).out;
        let leaked = out.windows(BAIT.len()).any(|window| window == BAIT.as_bytes());
        if note(&outcome).contains("authorization: ") && !leaked {
            Ok((began, "the secret does not come back".to_owned()))
        } else {
            Err(note(&outcome).replace(BAIT, "(the secret)"))
        }
    };
    Seen::held(held.await)
}

async fn flood(arena: Arc<Arena>) -> Seen {
    let held = async {
        let scene = Scene::new(arena, "http = [\"http://127.0.0.1:{port}\"]\n", None, "http_at_once = 4").await?;
        let began = Instant::now();
        let outcome = scene.send("together 40 GET http://127.0.0.1:{port}/four").await;
        let (connections, most) = (scene.server.connections(), scene.server.most());
        // Those that are refused are refused at once; how many that are depends on how fast the others are sent.
        if most == 4 {
            Ok((began, "never more than 4 at a time".to_owned()))
        } else {
            Err(format!("{most} of {connections} at a time: {}", note(&outcome)))
        }
    };
    Seen::held(held.await)
}
