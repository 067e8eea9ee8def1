//! A skill that sends all that it is shown to a tool of another server, in one call, and returns a suspect.

use negawatt_skill::mcp;
use negawatt_skill::prelude::*;

negawatt_skill::skill!(investigate);

fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    let shown: Vec<_> = case.evidence.iter().map(|evidence| evidence.id.as_str()).collect();
    let text = format!("{} explains {}", shown.join(" "), case.explains.as_deref().unwrap_or("nothing"));
    mcp::call("hub", "post", &text)?;
    let suspect = Suspect {
        candidate: Candidate::Service,
        id: "hub".into(),
        repository: None,
        author: None,
        files: Vec::new(),
        reason: "it answered".into(),
        log_odds: 1.0,
        extra: Vec::new(),
    };
    Ok(vec![Finding::new(suspect, 0.5, "A suspect.")])
}
