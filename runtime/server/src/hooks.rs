//! The webhooks as configured: how each is read, and by what its sender is known.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use negawatt_config::{AlertWebhook, ConfigError, Webhooks};
use negawatt_host::time;
use negawatt_signals::{GenericMapping, Mapping, Unverified, Verifier};

/// A webhook of a known form.
pub struct Hook<M> {
    /// How it is read.
    pub mapping: M,
    /// By what its sender is known; nothing where a token is asked for.
    verifier: Option<Verifier>,
}

/// All of them.
pub struct Hooks {
    /// Of an Alertmanager.
    pub alertmanager: Hook<Mapping>,
    /// Of Grafana.
    pub grafana: Hook<Mapping>,
    /// Of others, by name.
    pub generic: BTreeMap<String, Hook<GenericMapping>>,
}

impl Hooks {
    /// As configured; every secret is looked at once.
    pub fn of(said: &Webhooks) -> Result<Hooks, ConfigError> {
        // Of which nothing is said, they are read as they usually are, and take a token.
        let alerts = |said: Option<&AlertWebhook>| {
            let usual = AlertWebhook::default();
            let said = said.unwrap_or(&usual);
            let verifier = said.sender.as_ref().map(Verifier::of).transpose()?;
            Ok::<_, ConfigError>(Hook { mapping: Mapping::of(&said.mapping)?, verifier })
        };
        let generic = said.generic.iter().map(|(name, said)| {
            let verifier = said.sender.as_ref().map(Verifier::of).transpose()?;
            Ok((name.clone(), Hook { mapping: GenericMapping::of(said)?, verifier }))
        });
        Ok(Hooks {
            alertmanager: alerts(said.alertmanager.as_ref())?,
            grafana: alerts(said.grafana.as_ref())?,
            generic: generic.collect::<Result<_, ConfigError>>()?,
        })
    }

    /// Whether a request to a webhook shows that it is from its sender; nothing where that takes a token.
    ///
    /// `route` is the route that takes it, and `name` what its path names where it is a generic one.
    pub fn verify(
        &self,
        route: &str,
        name: Option<&str>,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Option<Result<String, Unverified>> {
        let (verifier, called) = match (route.strip_prefix("/v1/webhooks/")?, name) {
            ("alertmanager", _) => (self.alertmanager.verifier.as_ref()?, "alertmanager"),
            ("grafana", _) => (self.grafana.verifier.as_ref()?, "grafana"),
            (_, Some(name)) => (self.generic.get(name)?.verifier.as_ref()?, name),
            _ => return None,
        };
        Some(verifier.verify(headers, body, time::now()).map(|()| called.to_owned()))
    }
}
