//! The shape of what is said of proposals: checks, validation and forge of a repository, `[review]` and `[learn]`.

use super::{Key, Shape, key, limits, secret, texts};
use crate::actions::{EMAIL, FEWEST_RUNS, MOST_RUNS, RUNS, check_limits, validation_limits};
use crate::limits::Limit;
use crate::review::HOURS_PER_CASE;
use crate::watch::SEVERITIES;

/// What is done with a proposed patch of a repository.
pub fn repository() -> [Key; 3] {
    [
        key(
            "checks",
            Shape::List(Box::new(Shape::Table(check()))),
            "Commands that must succeed with a proposed patch, in this order.",
        ),
        key("validation", Shape::Table(validation()), "A command whose numbers a proposed patch must make better."),
        key(
            "forge",
            Shape::Either(vec![Shape::Table(git_forge()), Shape::Table(github_forge())]),
            "Where proposals go.",
        ),
    ]
}

/// A command and what it may take.
fn command(own: Vec<Key>, about: &str, most: Vec<Limit>) -> Vec<Key> {
    let network = key("network", Shape::Boolean, "Whether it may use the network.").or(false);
    let command = key("command", Shape::Command, about).required();
    let about = "Folders of programs that it needs and may not reach otherwise: their `bin`, or they themselves, come first in its PATH; relative to this file.";
    let programs = key("programs", texts(), about);
    own.into_iter().chain([command, programs]).chain(limits(most)).chain([network]).collect()
}

/// One of a repository's `checks`.
pub fn check() -> Vec<Key> {
    let own = vec![
        key("name", Shape::Text, "Its name, which no other check of the repository has.").required(),
        key("formatter", Shape::Boolean, "Whether it formats: files that it changes are a failure then.").or(false),
    ];
    command(own, "The program and its arguments, without a shell; it succeeds where it ends with 0.", check_limits())
}

/// A repository's `validation`.
pub fn validation() -> Vec<Key> {
    let about = "How often it measures before and after, each; 4 at least, 100 at most.";
    let own = vec![
        key("runs", Shape::Count { least: FEWEST_RUNS, most: Some(MOST_RUNS.into()) }, about).or(RUNS),
        key("better", Shape::OneOf(vec!["lower", "higher"]), "Which numbers are better.").or("lower"),
    ];
    let about = "The program and its arguments, without a shell; it prints a number on the last line of its output.";
    command(own, about, validation_limits())
}

fn email() -> Key {
    let shape = Shape::Pattern(r"^[A-Za-z0-9.+_\[\]\-]+@[A-Za-z0-9.+_\[\]\-]+$");
    key("email", shape, "The address of mail of who commits.").or(EMAIL)
}

/// A git remote as a forge.
pub fn git_forge() -> Vec<Key> {
    let about = "A remote's name, an address without a password, or a path; with ./ or ../ at its beginning, relative to this file.";
    vec![
        key("kind", Shape::OneOf(vec!["git"]), "A branch on a git remote.").required(),
        key("remote", Shape::Text, about).required(),
        email(),
    ]
}

/// GitHub as a forge.
pub fn github_forge() -> Vec<Key> {
    let repository = Shape::Pattern(r"^(?!\.\.?/)[A-Za-z0-9._\-]{1,100}/(?!\.\.?$)[A-Za-z0-9._\-]{1,100}$");
    vec![
        key("kind", Shape::OneOf(vec!["github"]), "A pull request on GitHub.").required(),
        key("repository", repository, "Its owner and its name there: owner/name.").required(),
        key("url", Shape::Text, "The address of the API, without credentials; that of github.com where it is absent."),
        key("token", Shape::Table(secret()), "Where the token is; never the token itself.").required(),
        email(),
        key("labels", texts(), "Labels of the pull requests."),
    ]
}

fn severity(about: &str) -> Key {
    key("severity", Shape::OneOf(SEVERITIES.map(|(word, _)| word).into()), about)
}

fn confidence(absent: &str) -> Key {
    let about = "The least confidence, from 0 to 1, with which a proposal is submitted without a person.";
    key("confidence", Shape::Part, &format!("{about} Where it is absent, {absent}."))
}

/// `[review]`.
pub fn review() -> Vec<Key> {
    vec![
        confidence("a person decides everything"),
        severity("From this severity of the incident on a person decides.").or("high"),
        key(
            "notify",
            Shape::Command,
            "The program, and its arguments, that is told on its standard input of what waits for a person; a program with a \
             slash is relative to this file.",
        ),
        key(
            "link",
            Shape::Pattern(crate::link::PATTERN),
            "Where people read a case: an address with {case} in its path, for its id. Proposals link to it.",
        ),
        key(
            "follow_every",
            Shape::Time,
            "How often `negawatt watch` asks forges and series what became of submitted proposals; a second or more.",
        )
        .or("10min"),
        key(
            "guard_time",
            Shape::Time,
            "How long the guard's commands may take for all proposals of a case together, a second or more; where it is absent an hour, and \
             as long as those of any repository may take for one.",
        ),
        key(
            "rules",
            Shape::List(Box::new(Shape::Table(review_rule()))),
            "The first whose strategy, service and severity all fit decides in place of the above.",
        ),
    ]
}

/// `[[review.rules]]`.
pub fn review_rule() -> Vec<Key> {
    vec![
        key("strategy", Shape::Text, "The proposal's strategy; any where it is absent."),
        key("service", Shape::Text, "The incident's service; * stands for any letters, also none."),
        severity("Exactly this severity of the incident; any where it is absent."),
        confidence("a person decides"),
    ]
}

/// `[learn]`.
pub fn learn() -> Vec<Key> {
    vec![
        key(
            "confidence_between",
            Shape::Pair(Box::new(Shape::Part)),
            "The least and the greatest to which outcomes may move review.confidence and those of review.rules; where it is absent, they are not moved.",
        ),
        key("hours_per_case", Shape::Amount, "Hours that a senior engineer takes for a case by hand.")
            .or(HOURS_PER_CASE),
    ]
}
