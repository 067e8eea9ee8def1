//! How reverts fared in cases like this one.

use negawatt_skill::format::{percent, shown};
use negawatt_skill::gather::Purse;
use negawatt_skill::precedents::Precedent;
use negawatt_skill::{Case, Error};

use crate::tools::Tools;

/// Cases that are asked for, and how alike one must be to be told of.
const MOST: u32 = 20;
const ALIKE: f64 = 0.2;

/// A sentence on how reverts fared in cases like this one, after a blank; nothing where no case tells, or nobody can be asked. A cancelled case
/// ends the work.
pub fn told(tools: &dyn Tools, purse: &mut Purse, case: &Case) -> Result<String, Error> {
    let evidence: Vec<String> = case.evidence.iter().map(|evidence| evidence.id.clone()).collect();
    let found = purse.ask(|| tools.similar(&evidence, MOST))?;
    Ok(sentence(&found.unwrap_or_default()))
}

fn sentence(found: &[Precedent]) -> String {
    let is_revert = |one: &&Precedent| one.strategy.as_deref() == Some("revert") && one.similarity >= ALIKE;
    let reverts: Vec<&Precedent> = found.iter().filter(is_revert).collect();
    let Some(first) = reverts.first() else { return String::new() };
    let merged = reverts.iter().filter(|one| one.outcome == "merged").count();
    let cases = if reverts.len() == 1 { "1 case".to_owned() } else { format!("{} cases", reverts.len()) };
    format!(
        " A revert was tried in {cases} like this one and merged in {merged}; the most alike, {} ({}), ended as {}.",
        shown(&first.case_id, 40),
        percent(first.similarity),
        shown(&first.outcome, 40)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn precedent(case: &str, similarity: f64, strategy: Option<&str>, outcome: &str) -> Precedent {
        let (case_id, summary, outcome) = (case.to_owned(), String::new(), outcome.to_owned());
        Precedent { case_id, similarity, summary, strategy: strategy.map(str::to_owned), outcome }
    }

    #[test]
    fn a_sentence_is_about_reverts_that_were_tried_in_like_cases() {
        let found = [
            precedent("01H", 0.9, Some("hoist"), "merged"),
            precedent("01R", 0.8, Some("revert"), "rejected"),
            precedent("01M", 0.5, Some("revert"), "merged"),
            precedent("01N", 0.4, None, "not-a-regression"),
            precedent("01U", 0.1, Some("revert"), "merged"),
        ];
        assert_eq!(
            sentence(&found),
            " A revert was tried in 2 cases like this one and merged in 1; the most alike, 01R (80 %), ended as rejected."
        );
        assert!(sentence(&found[1..2]).contains("in 1 case like this one and merged in 0"));
        assert_eq!((sentence(&found[..1]), sentence(&[])), (String::new(), String::new()));
    }
}
