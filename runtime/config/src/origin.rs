//! Where a request over HTTP may be sent to.

use std::fmt;
use std::net::Ipv6Addr;

use serde::{Deserialize, Serialize};

/// Scheme, host and port: what a request over HTTP may be sent to. All three are compared exactly.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HttpOrigin {
    /// Whether the scheme is `https`; else `http`.
    pub is_https: bool,
    /// A name in small letters, or an address; IPv6 without brackets.
    pub host: String,
    /// The port, also where it is the scheme's own.
    pub port: u16,
}

impl fmt::Display for HttpOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, own) = if self.is_https { ("https", 443) } else { ("http", 80) };
        let brackets = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{scheme}://{}{}{}", brackets.0, self.host, brackets.1)?;
        if self.port == own { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

impl HttpOrigin {
    /// Reads `https://api.example.com` or `http://10.0.0.5:8080`; `Err` says what is wrong.
    pub fn parse(text: &str) -> Result<HttpOrigin, String> {
        let address = crate::url::base(text).map_err(|wrong| wrong.message)?;
        let (scheme, authority) = address.split_once("://").ok_or("has no scheme")?;
        if authority.contains('/') {
            return Err("has a path; an origin is scheme, host and port alone".to_owned());
        }
        let is_https = scheme == "https";
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or("has an address without its bracket")?;
                let host: Ipv6Addr = host.parse().map_err(|_| "is no IPv6 address".to_owned())?;
                (host.to_string(), port.strip_prefix(':'))
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (host.to_ascii_lowercase(), Some(port)),
                None => (authority.to_ascii_lowercase(), None),
            },
        };
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
        if !host.chars().all(named) {
            return Err("has a host with other characters than letters, digits, `-`, `_` and `.`".to_owned());
        }
        let own = if is_https { 443 } else { 80 };
        let port = port.map_or(Ok(own), |port| port.parse().map_err(|_| "has a port that is none".to_owned()))?;
        Ok(HttpOrigin { is_https, host, port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_scheme_host_and_port() {
        for (text, is) in [
            ("https://API.example.com", "https://api.example.com"),
            ("https://api.example.com:443/", "https://api.example.com"),
            ("http://10.0.0.5:8080", "http://10.0.0.5:8080"),
            ("http://[::1]:80", "http://[::1]"),
            ("http://[0:0::1]:81", "http://[::1]:81"),
        ] {
            assert_eq!(HttpOrigin::parse(text).map(|origin| origin.to_string()).as_deref(), Ok(is), "{text}");
        }
        for text in ["api.example.com", "ftp://a", "https://a/path", "https://u@a", "https://a b", "https://ä.example"]
        {
            HttpOrigin::parse(text).expect_err(text);
        }
    }
}
