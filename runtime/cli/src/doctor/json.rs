//! What was found, for programs.

use negawatt_host::text::printable_lines;
use negawatt_proposals::Probed;
use negawatt_sources::Examined;
use serde_json::{Value, json};

use super::{Diagnosis, example};
use crate::error::CliError;

impl Diagnosis {
    /// One object; keys are never absent.
    pub fn json(&self) -> Value {
        let shown = |path: &std::path::Path| printable_lines(&path.display().to_string());
        let without_source = self
            .without_source
            .iter()
            .map(|(tool, skills)| json!({ "tool": tool.name(), "skills": skills, "help": example(*tool) }));
        let refused = self
            .skills
            .refused
            .iter()
            .map(|(file, reason)| json!({ "file": shown(file), "reason": printable_lines(reason) }));
        let denied =
            self.skills.denied.iter().map(
                |denial| json!({ "skill": denial.skill, "why": denial.why().join("; "), "grant": denial.grant() }),
            );
        let fleet = self
            .fleet
            .iter()
            .map(|fleet| json!({ "service": fleet.service, "cores": fleet.cores, "known": fleet.is_known }));
        json!({
            "ok": self.failures() == 0,
            "failures": self.failures(),
            "config": self.config.as_deref().map(shown),
            "sources": self.sources.iter().map(source).collect::<Vec<_>>(),
            "forges": self.forges.iter().map(forge).collect::<Vec<_>>(),
            "without_source": without_source.collect::<Vec<_>>(),
            "skills": {
                "bundled": self.skills.bundled,
                "loaded": self.skills.loaded,
                "unreadable": self.skills.unreadable.iter().map(CliError::json).collect::<Vec<_>>(),
                "refused": refused.collect::<Vec<_>>(),
                "without_grant": denied.collect::<Vec<_>>(),
            },
            "sandbox": { "problem": self.sandbox.as_ref().err().map(CliError::json) },
            "casebook": {
                "folder": self.casebook.as_ref().ok().map(|folder| shown(folder)),
                "problem": self.casebook.as_ref().err().map(CliError::json),
            },
            "cache": {
                "folder": self.cache.as_ref().ok().map(|folder| shown(folder)),
                "problem": self.cache.as_ref().err().map(|reason| printable_lines(reason)),
            },
            "fleet": fleet.collect::<Vec<_>>(),
        })
    }
}

fn source(source: &Examined) -> Value {
    let problem = source.outcome.as_ref().err().map(|problem| {
        json!({
            "message": printable_lines(&problem.message),
            "where": printable_lines(&problem.place.to_string()),
            "help": problem.help,
        })
    });
    let described = source.outcome.as_ref().ok();
    json!({
        "tools": source.tools.iter().map(|tool| tool.name()).collect::<Vec<_>>(),
        "name": source.name,
        "kind": source.kind,
        "at": printable_lines(&source.at),
        "answers": described.map(|described| printable_lines(&described.text)),
        "services": described.map(|described| described.services.iter().collect::<Vec<_>>()).unwrap_or_default(),
        "problem": problem,
    })
}

fn forge(forge: &Probed) -> Value {
    let problem = forge.outcome.as_ref().err().map(|trouble| {
        json!({
            "message": printable_lines(&trouble.message),
            "where": printable_lines(&forge.place.to_string()),
            "help": trouble.help.as_deref().map(printable_lines),
        })
    });
    json!({
        "repository": forge.repository,
        "kind": forge.kind,
        "at": printable_lines(&forge.at),
        "answers": forge.outcome.as_ref().ok().map(|answer| printable_lines(answer)),
        "problem": problem,
    })
}
