//! A skill that proposes, against the likeliest cause, the patches that are in the pages `1.md`, `2.md` … of the operator's documentation.

use negawatt_skill::prelude::*;

negawatt_skill::skill!(investigate);

fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    let causes = case.likely_causes(&[Candidate::Commit]);
    let Some(cause) = causes.first() else { return Ok(Vec::new()) };
    let pages = (1..).map_while(|page| docs::read(&format!("{page}.md")).ok());
    let propose = |patch: String| {
        let mitigation = Mitigation {
            strategy: "cheat".into(),
            target: cause.id.into(),
            patch: Some(patch),
            setting: None,
            validation: "The number is better.".into(),
        };
        Finding::new(mitigation, 1.0, "A patch.")
    };
    Ok(pages.map(propose).collect())
}
