//! The forge `github` where the server is slow, busy, broken or hostile.

use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;

use negawatt_actions::forge::*;
use negawatt_test_servers::HttpServer;

use crate::fake::*;
use crate::github::is_submitted;
use crate::support::*;

fn with_headers(response: Response, headers: &[&str]) -> Response {
    Response { headers: headers.iter().map(|header| (*header).to_owned()).collect(), ..response }
}

/// Submits where one kind of answer comes to some requests.
fn submit_where(
    answer: impl Fn(usize) -> Option<Response> + Send + 'static,
) -> (Shop, GitHub, Result<Submitted, ForgeError>) {
    let shop = Shop::new();
    let github = GitHub::of(&shop);
    github.fault(move |count, _| answer(count).map_or(Fault::Nothing, Fault::Instead));
    let (result, _) = submit(&github.forge(), &shop.submission);
    (shop, github, result)
}

#[test]
fn a_server_that_stumbles_is_asked_again() {
    let shop = Shop::new();
    let github = GitHub::of(&shop);
    // Every request fails three times, once after it had its effect.
    let mut count = 0;
    github.fault(move |_, _| {
        count += 1;
        match count % 4 {
            1 => Fault::Instead(error(502, "Bad Gateway")),
            2 => Fault::After(with_headers(error(503, "Busy"), &["retry-after: 9"])),
            // Such an answer is none.
            3 => Fault::Instead(with_headers(Response::json("{}"), &["content-length: 100000"])),
            _ => Fault::Nothing,
        }
    });
    let forge =
        GitHubForge::configure(GitHubSettings { patience: Duration::from_secs(1_000), ..github.settings() }).unwrap();
    let (result, _) = submit(&forge, &shop.submission);
    let submitted = result.unwrap();
    let waited = github.waited();
    assert!(waited.len() > 3 * 14 && waited.chunks(3).all(|waits| waits == [1, 9, 4]), "{waited:?}");
    // The review was asked for twice: the answer to the first time was lost.
    assert_eq!(std::mem::replace(&mut github.world().asked, 1), 2);
    is_submitted(&shop, &github, &submitted);
}

#[test]
fn a_server_that_asks_for_patience_gets_it() {
    let reset = format!("x-ratelimit-reset: {}", START + 30);
    let limits: [(Response, u64); 5] = [
        (with_headers(error(429, "Slow down"), &["retry-after: 7"]), 7),
        (with_headers(error(403, "API rate limit exceeded"), &["x-ratelimit-remaining: 0", &reset]), 30),
        (with_headers(error(403, "x"), &["x-ratelimit-remaining: 0", "x-ratelimit-reset: 5"]), 1),
        (error(403, "You have exceeded a secondary rate limit."), 60),
        (error(429, "Too many"), 60),
    ];
    for (limit, waits) in limits {
        let (shop, github, result) = submit_where(move |count| (count == 4).then(|| limit.clone()));
        is_submitted(&shop, &github, &result.unwrap());
        assert_eq!(github.waited(), [waits]);
    }
}

#[test]
fn patience_ends() {
    let reset = format!("x-ratelimit-reset: {}", START + 3_600);
    let (shop, github, result) = submit_where(move |_| {
        Some(with_headers(error(403, "API rate limit exceeded"), &["x-ratelimit-remaining: 0", &reset]))
    });
    let error = result.unwrap_err();
    assert!(matches!(error, ForgeError::RateLimited { until, .. } if until == START + 3_600), "{error}");
    assert!(error.is_transient() && error.to_string().contains("2025-11-19T08:11:40Z"), "{error}");
    assert!(github.waited().is_empty());
    assert_eq!(shop.remote.references().len(), 1);
    // A server that always asks for a little more.
    let (_, github, result) =
        submit_where(|_| Some(with_headers(crate::fake::error(429, "Slow down"), &["retry-after: -5"])));
    assert!(matches!(result, Err(ForgeError::RateLimited { .. })), "{result:?}");
    assert_eq!(github.waited(), [1; 120]);
}

#[test]
fn what_is_refused_is_not_asked_again() {
    for (status, says) in
        [(401, "renew it"), (403, "write contents"), (404, "may not see it"), (409, "409: nope"), (422, "422: nope")]
    {
        let (_, github, result) = submit_where(move |count| (count == 0).then(|| error(status, "nope")));
        let error = result.unwrap_err();
        assert!(matches!(error, ForgeError::Refused { .. }) && error.to_string().contains(says), "{error}");
        assert!(!error.is_transient() && github.asked().len() == 1 && github.waited().is_empty());
    }
    // Nor is what cannot be opened for another reason than that it is there.
    for path in ["/git/refs", "/pulls"] {
        let shop = Shop::new();
        let github = GitHub::of(&shop);
        github.fault(move |_, request| match (request.method.as_str(), request.target.ends_with(path)) {
            ("POST", true) => Fault::Instead(error(422, "nope")),
            _ => Fault::Nothing,
        });
        let (result, _) = submit(&github.forge(), &shop.submission);
        assert!(matches!(&result, Err(ForgeError::Refused { what, .. }) if what.contains("422: nope")), "{result:?}");
    }
}

#[test]
fn a_server_that_never_answers() {
    let (release, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let server = HttpServer::start(move |_| {
        // Until the test is over.
        let _ = held.lock().unwrap().recv();
        Response::json("[]")
    });
    let shop = Shop::new();
    let github = GitHub::of(&shop);
    let settings =
        GitHubSettings { base_url: server.url(), answer_time: Duration::from_millis(30), ..github.settings() };
    let (result, told) = submit(&GitHubForge::configure(settings).unwrap(), &shop.submission);
    let error = result.unwrap_err();
    assert!(
        matches!(error, ForgeError::Unavailable { .. }) && error.to_string().contains("no answer in time"),
        "{error}"
    );
    assert_eq!((github.waited(), told), (vec![1, 2, 4], vec![]));
    drop(release);
}

#[test]
fn nobody_there() {
    let shop = Shop::new();
    let github = GitHub::of(&shop);
    let gone = HttpServer::start(|_| Response::json("[]")).url();
    let settings = GitHubSettings { base_url: gone, ..github.settings() };
    let (result, _) = submit(&GitHubForge::configure(settings).unwrap(), &shop.submission);
    assert!(matches!(result, Err(ForgeError::Unavailable { .. })), "{result:?}");
}

#[test]
fn answers_that_cannot_be_used() {
    // Cut off once, it is asked again; always, it is told.
    let cut = || Response::json("[{\"number\": 1, \"sta");
    let (shop, github, result) = submit_where(move |count| (count == 0).then(cut));
    is_submitted(&shop, &github, &result.unwrap());
    let (_, github, result) = submit_where(move |_| Some(cut()));
    assert!(matches!(result, Err(ForgeError::Unusable { .. })), "{result:?}");
    assert_eq!(github.waited(), [1, 2, 4]);
    // Too much is not read.
    let (_, github, result) = submit_where(|_| Some(Response::json(vec![b' '; 9 << 20])));
    assert!(matches!(&result, Err(ForgeError::Unusable { what, .. }) if what.contains("8 MiB")), "{result:?}");
    assert_eq!(github.asked().len(), 1);
    // Words in place of hashes; and files that became others.
    for (path, answer) in [
        ("/git/ref/heads%2Fmain", r#"{"object": {"sha": "--upload-pack=x"}}"#),
        ("/git/blobs", r#"{"sha": "0123456789012345678901234567890123456789"}"#),
        ("/git/trees", r#"{"sha": "0123456789012345678901234567890123456789"}"#),
        ("/git/commits", r#"{"sha": "x"}"#),
    ] {
        let shop = Shop::new();
        let github = GitHub::of(&shop);
        github.fault(move |_, request| {
            if request.target.ends_with(path) { Fault::Instead(Response::json(answer)) } else { Fault::Nothing }
        });
        let (result, _) = submit(&github.forge(), &shop.submission);
        assert!(matches!(result, Err(ForgeError::Unusable { .. })), "{path}: {result:?}");
        assert_eq!(shop.remote.references().len(), 1);
    }
}

#[test]
fn redirects_lead_nowhere() {
    let other = HttpServer::start(|request| panic!("was asked {}", request.target));
    for (status, method) in [(301, "GET"), (302, "GET"), (307, "POST"), (308, "POST")] {
        let shop = Shop::new();
        let github = GitHub::of(&shop);
        let location = format!("location: {}/repos/acme/shop", other.url());
        github.fault(move |_, request| match request.method == method {
            true => Fault::Instead(with_headers(error(status, "Moved"), &[&location])),
            false => Fault::Nothing,
        });
        let (result, _) = submit(&github.forge(), &shop.submission);
        let error = result.unwrap_err();
        assert!(matches!(error, ForgeError::Refused { .. }) && error.to_string().contains("not followed"), "{error}");
    }
}

#[test]
fn the_token_is_in_nothing_that_is_told() {
    let says = format!("no: {TOKEN}, Bearer {TOKEN}");
    let mut all = String::new();
    for status in [400, 401, 403, 404, 422, 500] {
        let message = says.clone();
        let (_, github, result) = submit_where(move |_| Some(error(status, &message)));
        all += &format!("{result:?} {} {:?} {:?}", result.as_ref().unwrap_err(), github.forge(), github.settings());
    }
    // Nor in what is kept of a submission that goes well.
    let shop = Shop::new();
    let github = GitHub::of(&shop);
    let author = serde_json::json!({ "login": TOKEN, "type": "User" });
    github.world().accounts.insert("ada@example.com".into(), author);
    github.fault(move |_, request| {
        let is_labels = request.target.ends_with("/labels");
        if is_labels { Fault::Instead(error(403, &says)) } else { Fault::Nothing }
    });
    let (result, told) = submit(&github.forge(), &shop.submission);
    all += &format!("{:?} {told:?}", result.unwrap());
    assert!(all.contains("*****") && !all.contains(TOKEN) && !all.contains("s3cret"), "{all}");
    for request in &github.world().requests {
        assert!(!request.target.contains(TOKEN) && !request.body.contains(TOKEN));
    }
}

#[test]
fn a_token_that_was_renewed_is_used() {
    let shop = Shop::new();
    let github = GitHub::of(&shop);
    let TokenSource::File(file) = github.settings().token else { unreachable!() };
    std::fs::write(&file, "ghp_another0123456789").unwrap();
    let forge = github.forge();
    assert!(matches!(submit(&forge, &shop.submission).0, Err(ForgeError::Refused { .. })));
    std::fs::write(&file, TOKEN).unwrap();
    is_submitted(&shop, &github, &submit(&forge, &shop.submission).0.unwrap());
}

#[test]
fn settings_that_cannot_be_used() {
    let shop = Shop::new();
    let github = GitHub::of(&shop);
    let wrong = |settings: GitHubSettings| {
        let error = GitHubForge::configure(settings).unwrap_err();
        assert!(matches!(error, ForgeError::Settings(_)), "{error}");
    };
    // In plain text a token goes to nobody else.
    for base_url in [
        "http://github.example/api/v3",
        "ftp://127.0.0.1",
        "https://u:p@github.example",
        "https://github.example/?x",
        "x",
    ] {
        wrong(GitHubSettings { base_url: base_url.into(), ..github.settings() });
    }
    for repository in ["shop", "acme/", "/shop", "acme/shop/x", "../shop", "acme/..", "a b/c"] {
        wrong(GitHubSettings { repository: repository.into(), ..github.settings() });
    }
    wrong(GitHubSettings { token: TokenSource::Environment("NEGAWATT_NO_SUCH_TOKEN".into()), ..github.settings() });
}
