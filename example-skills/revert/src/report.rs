//! How sure a revert is, and what is told of it.

use negawatt_skill::format::{percent, shown};
use negawatt_skill::suspects::Accused;
use negawatt_skill::time::{DAY, HOUR};
use negawatt_skill::{Case, ChangePoint, Finding, Found, Mitigation, Note, Timestamp};

use crate::look::Looked;
use crate::plan::{Plan, Proposal, plan, told};

/// How soon after a revert runs everywhere its effect must show.
const WITHIN: u64 = HOUR as u64;
/// How probable it is that the revert of the cause helps and breaks nothing, where nothing makes it harder.
const CLEAN: f64 = 0.95;
/// What each later commit to the same files, each further file and each day leave of that: others build on what is there.
const LATER: f64 = 0.97;
const FILE: f64 = 0.98;
const OLDER: f64 = 0.995;
/// What is left where a file had to be merged, where tests that go with the commit stay, and where a part of the commit stays: of such
/// parts about every second compiles and does what was meant.
const MERGED: f64 = 0.9;
const TESTED: f64 = 0.95;
const PART: f64 = 0.5;
/// Later commits, files and days that count at most.
const MOST: f64 = 20.0;
/// The longest name of an author, and the longest note, in characters.
const LONGEST_NAME: usize = 60;
const LONGEST_NOTE: usize = 2_000;

/// The probability that a proposal helps and is right: that its commit is the cause, times how clean the revert is. The factors are
/// judged, not fitted.
pub fn confidence(probability: f64, proposal: &Proposal, looked: &Looked, now: Timestamp) -> f64 {
    let days = now.saturating_sub(looked.commit.time).max(0) as f64 / DAY as f64;
    let power = |base: f64, times: f64| base.powf(times.min(MOST));
    probability
        * CLEAN
        * power(LATER, looked.later as f64)
        * power(FILE, proposal.files.len().saturating_sub(1) as f64)
        * power(OLDER, days)
        * if proposal.merged > 0 { MERGED } else { 1.0 }
        * if looked.checks.is_empty() { 1.0 } else { TESTED }
        * if proposal.is_part { PART } else { 1.0 }
}

/// What is found of one suspected commit: a mitigation for each proposal, and a note where the whole commit cannot be reverted.
pub fn report(
    case: &Case,
    change: &Found<'_, ChangePoint>,
    accused: &Accused<'_>,
    found: Result<Looked, String>,
) -> Vec<Finding> {
    let name = name(accused);
    let because = || std::iter::once(change.id).chain(accused.because.iter().copied());
    let note = |why: &str| {
        let text = shown(&format!("{name} is not reverted as a whole: {why}."), LONGEST_NOTE);
        Finding::new(Note(text.clone()), 1.0, text).because(because())
    };
    let looked = match found {
        Ok(looked) => looked,
        Err(why) => return vec![note(&why)],
    };
    let Plan { proposals, why_not } = plan(&looked, &accused.files);
    let of = |proposal: Proposal| {
        let confidence = confidence(accused.probability, &proposal, &looked, case.now);
        let summary =
            format!("Revert {name} ({} likely the cause): {}.", percent(accused.probability), size(&proposal, &looked));
        let mitigation = Mitigation {
            strategy: "revert".into(),
            target: accused.id.to_owned(),
            validation: case.validation(change, "the revert runs everywhere", WITHIN) + &cautions(&proposal, &looked),
            patch: Some(proposal.patch),
            setting: None,
        };
        let shift = case.most_risen().map(|shift| shift.id);
        Finding::new(mitigation, confidence, summary).because(because().chain(shift))
    };
    proposals.into_iter().map(of).chain(why_not.as_deref().map(note)).collect()
}

/// The commit and who made it.
fn name(accused: &Accused<'_>) -> String {
    let author = accused.author.map_or_else(String::new, |author| format!(" by {}", shown(author, LONGEST_NAME)));
    format!("commit {}{author}", shown(accused.id.get(..10).unwrap_or(accused.id), LONGEST_NAME))
}

/// How large a proposal is, and what happened to its files since.
fn size(proposal: &Proposal, looked: &Looked) -> String {
    let count = |number: usize, what: &str| if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") };
    let mut text = format!("{}, {}", count(proposal.files.len(), "file"), count(proposal.lines, "line"));
    if proposal.is_part {
        text += &format!(", only {} of the {} that it touched", told(&proposal.files), looked.touched);
    }
    if looked.commit.parents.len() > 1 {
        text += ", a merge, back to its first parent";
    }
    if proposal.merged > 0 {
        text += &format!(", merged with later changes of {}", count(proposal.merged, "file"));
    }
    text
}

/// What to look at before the patch is used.
fn cautions(proposal: &Proposal, looked: &Looked) -> String {
    let mut text = String::new();
    if !looked.checks.is_empty() {
        text += &format!(
            " Tests and measurements stay as they are: what {} expects of the commit must be changed by hand.",
            told(&looked.checks)
        );
    }
    if !proposal.left.is_empty() {
        text += &format!(" {} cannot be taken back and stays: it only tells.", told(&proposal.left));
    }
    if !proposal.runs.is_empty() {
        text += &format!(" {} comes back as a file that may run: check its mode.", told(&proposal.runs));
    }
    if proposal.is_part {
        text += " The rest of the commit stays: build and test before anything else.";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use negawatt_skill::changes::Commit;

    fn looked(later: usize, checks: &[&str], parents: usize) -> Looked {
        let text = String::new;
        let (id, repository, author, subject, body) = (text(), text(), text(), text(), text());
        let parents = vec![String::new(); parents];
        let commit = Commit { id, repository, parents, author, author_time: 0, time: 0, subject, body, files: vec![] };
        let checks = checks.iter().map(|&check| check.into()).collect();
        Looked { commit, touched: 3, checks, files: vec![], later }
    }

    fn proposal(files: usize, merged: usize, is_part: bool) -> Proposal {
        let files = (0..files).map(|at| format!("{at}.rs")).collect();
        Proposal { patch: String::new(), files, lines: 1, merged, runs: vec![], left: vec![], is_part }
    }

    #[test]
    fn what_makes_a_revert_harder_lowers_its_confidence() {
        let of = |proposal: &Proposal, looked: &Looked, days: i64| confidence(0.8, proposal, looked, days * DAY);
        let plain = of(&proposal(1, 0, false), &looked(0, &[], 1), 0);
        assert!((plain - 0.76).abs() < 1e-9, "{plain}");
        for (harder, looked, days) in [
            (proposal(4, 0, false), looked(0, &[], 1), 0),
            (proposal(1, 1, false), looked(0, &[], 1), 0),
            (proposal(1, 0, true), looked(0, &[], 1), 0),
            (proposal(1, 0, false), looked(3, &[], 1), 0),
            (proposal(1, 0, false), looked(0, &["tests/a.rs"], 1), 0),
            (proposal(1, 0, false), looked(0, &[], 1), 9),
        ] {
            assert!(of(&harder, &looked, days) < plain - 0.01);
        }
        let worst = of(&proposal(500, 500, true), &looked(10_000, &["tests/a.rs"], 1), i64::MAX / DAY);
        assert!((0.05..0.2).contains(&worst), "{worst}");
        assert_eq!(confidence(0.8, &proposal(1, 0, false), &looked(0, &[], 1), -DAY), plain, "clocks differ");
    }

    #[test]
    fn a_summary_says_how_large_it_is() {
        assert_eq!(size(&proposal(1, 0, false), &looked(0, &[], 1)), "1 file, 1 line");
        assert_eq!(
            size(&proposal(2, 1, true), &looked(4, &[], 2)),
            "2 files, 1 line, only `0.rs`, `1.rs` of the 3 that it touched, a merge, back to its first parent, merged with later \
             changes of 1 file"
        );
    }

    #[test]
    fn cautions_name_what_a_patch_leaves() {
        let one = Proposal { runs: vec!["run.sh".into()], left: vec!["NEWS".into()], ..proposal(1, 0, true) };
        let text = cautions(&one, &looked(0, &["tests/a.rs"], 1));
        for part in
            ["`tests/a.rs`", "`NEWS` cannot be taken back", "`run.sh` comes back", "The rest of the commit stays"]
        {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(cautions(&proposal(1, 0, false), &looked(0, &[], 1)), "");
    }
}
