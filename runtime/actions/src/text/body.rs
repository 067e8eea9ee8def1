//! The body: one function for each of its sections.

use super::escape::{Own, Page};
use super::figures::{count, number, percent, power, time, whole};
use super::{Cause, Change, ReadIn, Report, Symptom, chart};

/// How many entries of a list are shown.
const SHOWN: usize = 12;

/// The most characters of a name, and of a sentence, of a stranger.
const NAME: usize = 120;
const SENTENCE: usize = 400;

/// The pull request's body, Markdown, at most 60,000 characters.
pub fn body(report: &Report) -> String {
    let mut page = Page::default();
    let way = match report.read_in {
        ReadIn::PullRequest => "this pull request",
        ReadIn::Branch => "this branch",
    };
    page.say("Negawatt looked into the service ").quote(&report.service, NAME).say(" and proposes a change. ");
    page.say("Nothing is merged by it: ").say(way).say(" is yours to take, to change or to turn down. ");
    page.say("Words of commits, skills and tools stand in `code`.\n\n");
    match &report.symptom {
        Some(symptom) => worse(&mut page, symptom),
        None => {
            page.say(
                "## What can be better\n\nNothing got worse; something was found that takes more than it must.\n\n",
            );
        }
    }
    costs(&mut page, report);
    if let Some(cause) = &report.cause {
        blame(&mut page, cause);
    }
    evidence(&mut page, report);
    patch(&mut page, &report.change);
    saving(&mut page, report);
    answer(&mut page, report);
    page.finish()
}

fn worse(page: &mut Page, symptom: &Symptom) {
    page.say("## What got worse\n\nThe metric ")
        .quote(&symptom.metric, NAME)
        .say(" went from **")
        .say(number(symptom.before));
    page.say("** to **").say(number(symptom.after)).say("** (").say(percent(symptom.relative, true)).say("), since **");
    page.say(time(symptom.since)).say("**. By chance alone a change as great has a probability of ");
    page.say(number(symptom.p_value)).say(".\n\n");
    if let Some(chart) = chart::chart(&symptom.series, Some(symptom.since)) {
        page.say(chart).say("\n");
    }
}

fn costs(page: &mut Page, report: &Report) {
    page.say("## What it costs\n\n");
    match report.cost {
        Some(cost) => page.say("About **").say(power(cost)).say("**, for as long as it stays as it is.\n\n"),
        None => page
            .say("Unknown: nobody has told how many servers this service has, or the metric is no measure of CPU.\n\n"),
    };
}

fn blame(page: &mut Page, cause: &Cause) {
    page.say("## Why this change is the cause\n\nThe ").quote(&cause.kind, NAME).say(" ").quote(&cause.id, NAME);
    page.say(" (").quote(&cause.subject, NAME).say(")");
    if let Some(author) = &cause.author {
        page.say(", by ").quote(author, NAME);
    }
    if let Some(landed) = cause.time {
        page.say(", landed ").say(time(landed));
    }
    page.say(". It is the cause with a probability of **").say(percent(cause.confidence, false)).say("**:\n\n");
    for reason in cause.reasons.iter().take(SHOWN) {
        page.say("- ").quote(&reason.text, SENTENCE).say(" (").quote(&reason.skill, NAME).say(", log odds ");
        page.say(number(reason.log_odds)).say(")\n");
    }
    more(page, cause.reasons.len());
    page.say("\n");
}

fn evidence(page: &mut Page, report: &Report) {
    page.say("## Evidence\n\n");
    for function in report.functions.iter().take(SHOWN) {
        page.say("- ").quote(&function.name, NAME).say(": from ").say(percent(function.before, false)).say(" to ");
        page.say(percent(function.after, false)).say(" of the CPU samples\n");
    }
    more(page, report.functions.len());
    for found in report.evidence.iter().take(SHOWN) {
        page.say("- ")
            .quote(&found.id, NAME)
            .say(", ")
            .quote(&found.kind, NAME)
            .say(": ")
            .quote(&found.summary, SENTENCE);
        page.say(" (").quote(&found.by, NAME).say(", confidence ").say(percent(found.confidence, false)).say(")\n");
    }
    more(page, report.evidence.len());
    page.say("\n");
}

fn patch(page: &mut Page, change: &Change) {
    page.say("## What the patch does, and how it was checked\n\n").quote(&change.strategy, SENTENCE);
    page.say(" (made by ").quote(&change.by, NAME).say(")\n\n");
    for file in change.files.iter().take(SHOWN) {
        page.say("- ").quote(&file.path, NAME).say(": ").say(count(file.added, "line", "lines")).say(" added, ");
        page.say(count(file.removed, "line", "lines")).say(" removed\n");
    }
    more(page, change.files.len());
    page.say("\n");
    if !page.block("diff", &change.patch) {
        page.say("The patch is too long to be shown here; it is the branch's one commit.\n");
    }
    page.say("\nChecks:\n\n");
    for check in change.checks.iter().take(SHOWN) {
        page.say("- ").quote(&check.name, NAME).say(if check.passed { ": passed" } else { ": **failed**" });
        if !check.detail.trim().is_empty() {
            page.say(", ").quote(&check.detail, SENTENCE);
        }
        page.say("\n");
    }
    more(page, change.checks.len());
    match &change.approved_by {
        Some(who) => page.say("- approved for submission by ").quote(who, NAME).say("\n\n"),
        None => page.say("- submitted without a person's approval, as an operator allowed\n\n"),
    };
}

fn saving(page: &mut Page, report: &Report) {
    page.say("## Expected saving\n\n");
    match report.saving {
        Some(saving) => page.say("From ").say(power(saving.low)).say(" to ").say(power(saving.high)).say(".\n\n"),
        None => page.say("Unknown.\n\n"),
    };
}

fn answer(page: &mut Page, report: &Report) {
    page.say("## Not your change, or not the cause?\n\n");
    page.say(match report.read_in {
        ReadIn::PullRequest => {
            "Close this pull request, and say why in a comment, such as *not me*. The case keeps it as its outcome, and later \
             cases weigh it. To take another way, push to the branch, or fix it elsewhere and close this.\n\n"
        }
        ReadIn::Branch => {
            "Delete the branch. The case keeps it as its outcome, and later cases weigh it. To take another way, commit on the \
             branch, or fix it elsewhere and delete this.\n\n"
        }
    });
    page.say("This is proposal ").say(whole(report.proposal)).say(" of the case ").quote(&report.case, NAME);
    if let Some(link) = report.link.as_deref().and_then(Own::address) {
        page.say(": [all that is known of it](").say(link).say(")");
    }
    page.say(".\n");
}

/// Says how many entries of a list are not shown.
fn more(page: &mut Page, length: usize) {
    if length > SHOWN {
        page.say("- and ").say(count(length - SHOWN, "more", "more")).say("\n");
    }
}
