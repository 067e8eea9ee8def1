//! Whether a request may be sent: a security decision that can be read in a minute. What is dialled is checked by what dials.

use http::request::Parts;
use http::{HeaderMap, HeaderName, Uri, header};
use negawatt_config::{HttpOrigin, Injection, is_reserved_header};

use super::HttpRequest;
use crate::grants::HttpRule;
use crate::model::{Answer, Error};

/// A request without its body, if it is one that can be sent at all.
pub(super) fn head(parts: &Parts) -> Answer<HttpRequest> {
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    if !target.starts_with('/') {
        return Err(Error::Invalid("the path of a request begins with a slash".to_owned()));
    }
    let own = |name: &HeaderName| !is_reserved_header(name.as_str());
    let headers = parts.headers.iter().filter(|(name, _)| own(name));
    Ok(HttpRequest {
        method: parts.method.as_str().to_owned(),
        origin: origin(&parts.uri)?,
        target: target.to_owned(),
        headers: headers.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_owned())).collect(),
        body: Vec::new(),
    })
}

/// Where a request goes, read by what reads the grants. What stands before an `@` is no host, whatever it looks like, and no
/// server gets it.
fn origin(uri: &Uri) -> Answer<HttpOrigin> {
    let invalid = |problem: String| Error::Invalid(format!("the address of a request {problem}"));
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    if authority.contains('@') {
        return Err(invalid("has a user's name; credentials are the operator's to add".to_owned()));
    }
    HttpOrigin::parse(&format!("{}://{authority}", uri.scheme_str().unwrap_or_default())).map_err(invalid)
}

/// The rules that allow a request's origin and method; refused where there are none, and where the request itself says what
/// only the operator may.
pub(super) fn allowing(rules: &[HttpRule], request: &HttpRequest) -> Answer<Vec<HttpRule>> {
    let HttpRequest { method, origin, .. } = request;
    let of_origin: Vec<_> = rules.iter().filter(|rule| rule.origins.contains(origin)).collect();
    if of_origin.is_empty() {
        return Err(Error::Denied(format!(
            "{origin} is not among the origins that it may ask; an operator can add it to the grant: http = [\"{origin}\"]"
        )));
    }
    let allowing: Vec<_> = of_origin.into_iter().filter(|rule| rule.methods.contains(method)).cloned().collect();
    if allowing.is_empty() {
        return Err(Error::Denied(format!(
            "no grant allows it {method:?} at {origin}; an operator can add the method to the grant: methods = [\"{method}\"]"
        )));
    }
    for secret in allowing.iter().flat_map(|rule| &rule.secrets).filter(|secret| secret.audience == *origin) {
        let (what, name, is_taken) = match &secret.injection {
            Injection::Header { name, .. } => ("header", name, request.headers.iter().any(|(own, _)| own == name)),
            Injection::Query(name) => ("parameter", name, has_parameter(&request.target, name)),
        };
        if is_taken {
            return Err(Error::Denied(format!(
                "the {what} {name:?} at {origin} is the operator's to set; leave it out"
            )));
        }
    }
    Ok(allowing)
}

/// Whether a header is nobody's to set ([`is_reserved_header`]), but for a length, which is looked at by itself; none of them is
/// sent for a skill or given to it.
pub(super) fn is_reserved(name: &HeaderName) -> bool {
    *name != header::CONTENT_LENGTH && is_reserved_header(name.as_str())
}

/// Refuses a length that a skill says and that is not its body's. The length that is sent is always the body's own.
pub(super) fn length(headers: &HeaderMap, body: &[u8]) -> Answer<()> {
    let is_so = |said: &http::HeaderValue| said.to_str().is_ok_and(|said| said.parse() == Ok(body.len()));
    if headers.get_all(header::CONTENT_LENGTH).iter().all(is_so) {
        return Ok(());
    }
    Err(Error::Invalid(format!("the body has {} bytes, and its content-length says something else", body.len())))
}

/// Whether the query of a target has a parameter, however it is written.
fn has_parameter(target: &str, name: &str) -> bool {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let key = |pair: &str| decoded(pair.split('=').next().unwrap_or_default());
    query.split(['&', ';']).any(|pair| key(pair) == name.as_bytes())
}

/// Text of a query without its percent signs and plus signs.
fn decoded(text: &str) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16)).map(|digit| digit as u8);
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(high << 4 | low);
                at += 2;
            }
            (b'+', ..) => decoded.push(b' '),
            (byte, ..) => decoded.push(*byte),
        }
        at += 1;
    }
    decoded
}

#[cfg(test)]
mod tests {
    use negawatt_config::SecretGrant;

    use super::*;

    fn request(method: &str, url: &str) -> Answer<HttpRequest> {
        head(&http::Request::builder().method(method).uri(url).body(()).unwrap().into_parts().0)
    }

    fn rule(origin: &str) -> HttpRule {
        HttpRule {
            origins: [HttpOrigin::parse(origin).unwrap()].into(),
            methods: ["GET", "HEAD"].map(str::to_owned).into(),
            addresses: Vec::new(),
            secrets: Vec::new(),
        }
    }

    fn allowed(rules: &[HttpRule], method: &str, url: &str) -> bool {
        request(method, url).is_ok_and(|request| allowing(rules, &request).is_ok())
    }

    #[test]
    fn scheme_host_and_port_are_compared_exactly() {
        let rules = [rule("https://api.example.com"), rule("http://[::1]:8080")];
        for url in [
            "https://api.example.com/x?y=z",
            "https://API.example.com:443/",
            "https://api.example.com",
            "http://[::1]:8080/",
            "http://[0::1]:8080/",
        ] {
            assert!(allowed(&rules, "GET", url), "{url}");
        }
        for url in [
            "http://api.example.com/",
            "https://api.example.com:444/",
            "https://api.example.com:80/",
            "https://api.example.com./",
            "https://api.example.com.evil.example/",
            "https://evil.example/?https://api.example.com",
            "https://example.com/",
            "https://x.api.example.com/",
            "https://api.example.com@evil.example/",
            "https://api.example.com:443@evil.example/",
            "https://user:password@api.example.com/",
            "https://@api.example.com/",
            "http://[::1]/",
            "http://[::2]:8080/",
            "http://[::ffff:1]:8080/",
            "ftp://api.example.com/",
        ] {
            assert!(!allowed(&rules, "GET", url), "{url}");
        }
    }

    #[test]
    fn one_rule_must_allow_origin_and_method() {
        let mut posting = rule("https://b.example");
        posting.methods = ["POST".to_owned()].into();
        let rules = [rule("https://a.example"), posting];
        assert!(allowed(&rules, "GET", "https://a.example/") && allowed(&rules, "HEAD", "https://a.example/"));
        assert!(allowed(&rules, "POST", "https://b.example/"));
        for (method, url) in [
            ("POST", "https://a.example/"),
            ("GET", "https://b.example/"),
            ("get", "https://a.example/"),
            ("TRACE", "https://a.example/"),
            ("CONNECT", "https://a.example/"),
        ] {
            assert!(!allowed(&rules, method, url), "{method} {url}");
        }
    }

    #[test]
    fn a_place_of_a_secret_is_the_operators() {
        let mut with_secrets = rule("https://a.example");
        let audience = HttpOrigin::parse("https://a.example").unwrap();
        for injection in [
            Injection::Header { name: "authorization".into(), prefix: "Bearer ".into() },
            Injection::Query("api key".into()),
        ] {
            with_secrets.secrets.push(SecretGrant { name: "key".into(), audience: audience.clone(), injection });
        }
        with_secrets.origins.extend(rule("https://b.example").origins);
        let rules = [with_secrets];
        assert!(allowed(&rules, "GET", "https://a.example/?api=key"));
        for query in ["api%20key=x", "a=b&api+key", "a;api%20%6bey=", "api%20KEY=x&api%20key=x"] {
            assert!(!allowed(&rules, "GET", &format!("https://a.example/?{query}")), "{query}");
            assert!(allowed(&rules, "GET", &format!("https://b.example/?{query}")), "{query}");
        }
        for (url, may) in [("https://a.example/", false), ("https://b.example/", true)] {
            let mut request = request("GET", url).unwrap();
            request.headers.push(("authorization".into(), b"x".to_vec()));
            assert_eq!(allowing(&rules, &request).is_ok(), may, "{url}");
        }
    }

    #[test]
    fn headers_of_the_connection_are_nobodys() {
        for name in
            ["host", "connection", "Transfer-Encoding", "Proxy-Anything", "upgrade", "te", "X-HTTP-Method-Override"]
        {
            assert!(is_reserved(&name.parse().unwrap()), "{name}");
        }
        for name in ["authorization", "accept", "x-proxy", "content-type"] {
            assert!(!is_reserved(&name.parse().unwrap()), "{name}");
        }
        let said = |length: &str| HeaderMap::from_iter([(header::CONTENT_LENGTH, length.parse().unwrap())]);
        assert_eq!(length(&said("3"), b"abc"), Ok(()));
        assert_eq!(length(&HeaderMap::new(), b"abc"), Ok(()));
        assert!(length(&said("4"), b"abc").is_err() && length(&said("x"), b"abc").is_err());
    }

    #[test]
    fn what_is_asked_for_begins_with_a_slash() {
        let of = |target: &str| {
            let uri = Uri::builder().scheme("https").authority("a.example").path_and_query(target).build().unwrap();
            head(&http::Request::builder().uri(uri).body(()).unwrap().into_parts().0)
        };
        assert_eq!(of("/x?y").map(|request| request.target), Ok("/x?y".to_owned()));
        for target in ["*", "?y"] {
            assert!(of(target).is_err_and(|error| error.message().contains("begins with a slash")), "{target}");
        }
    }
}
