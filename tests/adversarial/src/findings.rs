//! Findings that do not hold.

use negawatt_host::Status::{Invalid, OverBudget};
use negawatt_test_guests::{INTRUDER, MISCHIEF};

use crate::attack::Attack;

pub(crate) fn attacks() -> Vec<Attack> {
    let returns = |name, about, title| Attack::skill(name, about, MISCHIEF, title);
    let asks = |name, about, words: &[&str]| Attack::skill(name, about, INTRUDER, &words.join("\u{1f}"));
    Attack::family(
        "findings",
        [
            returns("confidence-nan", "Returns a confidence that is NaN.", "confidence NaN")
                .ends(Invalid, "confidence is NaN"),
            returns("confidence-negative", "Returns a negative confidence.", "confidence -1")
                .ends(Invalid, "confidence is -1"),
            returns("confidence-infinite", "Returns an infinite confidence.", "confidence inf")
                .ends(Invalid, "confidence is inf"),
            returns("confidence-above-one", "Returns a confidence of 2.", "confidence 2")
                .ends(Invalid, "confidence is 2"),
            returns("infinite-level", "Returns a change to an infinite level.", "infinite change point")
                .ends(Invalid, "after is inf"),
            returns("log-odds-beyond-belief", "Returns a suspect with log odds of 60.", "sure commit")
                .ends(Invalid, "log-odds is 60"),
            returns(
                "time-far-in-the-past",
                "Returns a change at the first instant that there is.",
                "ancient change point",
            )
            .ends(Invalid, "outside of the window"),
            returns(
                "time-far-in-the-future",
                "Returns a change at the last instant that there is.",
                "distant change point",
            )
            .ends(Invalid, "outside of the window"),
            returns("time-just-before", "Returns a change a microsecond before the window.", "backwards change point")
                .ends(Invalid, "outside of the window"),
            returns("commit-that-is-text", "Suspects a commit whose id would steer a terminal.", "odd commit")
                .ends(Invalid, "full hash"),
            returns("undeclared-kind", "Returns a kind of finding that it does not declare.", "kind")
                .ends(Invalid, "negawatt.produces"),
            returns("evidence-of-nobody", "Rests on evidence that it made up.", "because unknown")
                .ends(Invalid, "\"e999\", which it was not shown"),
            asks(
                "evidence-by-another-cases-name",
                "Rests on evidence by the name of another case.",
                &["rest on", "01JGZ/e1"],
            )
            .ends(Invalid, "which it was not shown"),
            asks("dismissal-of-nothing", "Dismisses evidence that it was not shown.", &["dismiss", "e1"])
                .ends(Invalid, "\"e1\", which it was not shown"),
            asks("link-bomb", "Rests on the same evidence seventeen times.", &[&["rest on"][..], &["e1"; 17]].concat())
                .ends(OverBudget, "links to 17 pieces of evidence"),
            asks("json-bomb", "Returns JSON of ten thousand lists inside each other.", &["nest", "10000"])
                .ends(Invalid, "not JSON"),
            returns("too-many-findings", "Returns one finding more than it may.", "findings 65")
                .ends(OverBudget, "65 findings"),
            returns("finding-of-a-megabyte", "Returns a finding of a megabyte.", "big finding")
                .ends(OverBudget, "the limit is 65536"),
        ],
    )
}
