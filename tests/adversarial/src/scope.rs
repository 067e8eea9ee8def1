//! Reading what is outside of the case: the data have another service, `payroll`, whose entries hold the bait.

use negawatt_host::Status::{self, Denied, Ok};
use negawatt_test_guests::INTRUDER;

use crate::attack::Attack;

pub(crate) fn attacks() -> Vec<Attack> {
    let asks = |name, about, words: &[&str]| Attack::skill(name, about, INTRUDER, &words.join("\u{1f}"));
    Attack::family(
        "scope",
        [
            asks(
                "every-service-by-pattern",
                "Asks for the series of every service by a pattern.",
                &["query", "cpu", "service", "=~", ".*"],
            )
            .ends(Ok, "checkout"),
            asks(
                "other-service-by-name",
                "Asks for another service's series.",
                &["query", "cpu", "service", "=", "payroll"],
            )
            .ends(Denied, "is not the case's"),
            asks(
                "other-service-among-others",
                "Asks for its own service's series or another's.",
                &["query", "cpu", "service", "=~", "checkout|payroll"],
            )
            .ends(Ok, "checkout"),
            asks(
                "all-but-its-own",
                "Asks for the series of all services but the case's.",
                &["query", "cpu", "service", "!~", "checkout|cart"],
            )
            .ends(Ok, "[]"),
            Attack::skill(
                "echo-in-an-error",
                "Asks for a service of sixty thousand control characters, which an error would say six times as long.",
                INTRUDER,
                &format!("profile\u{1f}{}", "\u{7f}".repeat(60_000)),
            )
            .ends(Denied, "it returned denied: the service"),
            asks("no-service", "Asks for series without a service.", &["query", "cpu", "service", "=", ""])
                .ends(Ok, "[]"),
            asks(
                "label-injection",
                "Closes the quotes of a label and opens another.",
                &["query", "cpu", "service", "=", "checkout\"} or cpu{service=\"payroll"],
            )
            .ends(Denied, "is not the case's"),
            asks(
                "label-name-injection",
                "Hides a condition in a label's name.",
                &["query", "cpu", "region!=\"x\"} or cpu{a", "=", ""],
            )
            .ends(Ok, "checkout"),
            asks(
                "metric-name-injection",
                "Hides a selector in a metric's name.",
                &["query", "cpu{service=\"payroll\"}"],
            )
            .ends(Status::Error, "not the name of a metric"),
            asks(
                "newline-in-a-pattern",
                "Puts a line feed into a pattern, to end what is around it.",
                &["query", "cpu", "service", "=~", "checkout\n|payroll"],
            )
            .ends(Ok, "[]"),
            asks(
                "bracket-in-a-pattern",
                "Closes the group that is around its pattern.",
                &["query", "cpu", "service", "=~", "x)|(?:payroll"],
            )
            .ends(Status::Error, "no RE2"),
            asks(
                "look-alike",
                "Names a service with a Cyrillic letter that looks the same.",
                &["query", "cpu", "service", "=", "p\u{430}yroll"],
            )
            .ends(Denied, "is not the case's"),
            asks(
                "other-case-of-letters",
                "Names another service without regard to case.",
                &["query", "cpu", "service", "=~", "(?i)PAYROLL"],
            )
            .ends(Ok, "[]"),
            asks(
                "pattern-bomb",
                "Asks with a pattern that would need gigabytes.",
                &["query", "cpu", "service", "=~", "((a{1000}){1000}){1000}"],
            )
            .ends(Status::Error, "no RE2"),
            asks(
                "exponential-pattern",
                "Asks with a pattern that takes others exponential time.",
                &["query", "cpu", "service", "=~", "(a*)*(a*)*(a*)*b"],
            )
            .ends(Ok, "[]"),
            asks(
                "sum-over-everything",
                "Asks for the sum over everything, in which others' series would be seen.",
                &["sum", "cpu"],
            )
            .ends(Ok, "0.0375"),
            asks("metric-in-another-folder", "Names a metric by a path out of its folder.", &["query", "../metrics"])
                .ends(Status::Error, "not the name of a metric"),
            asks("samples-from-before", "Asks for samples from before everything.", &["before", "cpu"])
                .ends(Denied, "not inside that of the case"),
            asks("endless-look-back", "Asks for rates over five hundred thousand years.", &["transform", "cpu"])
                .ends(Ok, ""),
            asks("endless-steps", "Asks for a value each microsecond of a day.", &["steps", "cpu"])
                .ends(Status::Error, ""),
            asks("profile-of-another", "Asks for another service's profile.", &["profile", "payroll"])
                .ends(Denied, "payroll"),
            asks(
                "profile-by-a-path",
                "Asks for another service's profile by a path.",
                &["profile", "checkout/../payroll"],
            )
            .ends(Denied, "not the case's"),
            asks("settings-of-all", "Asks for every change of a setting.", &["configs"]).ends(Ok, "batch"),
            asks("setting-of-another", "Asks for another service's setting by its key.", &["configs", crate::BAIT])
                .ends(Ok, "[]"),
            asks("experiments-of-all", "Asks for every experiment.", &["experiments"]).ends(Ok, "blue"),
            asks("experiments-of-another", "Asks for another service's experiments.", &["experiments", "payroll"])
                .ends(Denied, "payroll"),
            asks("whole-topology", "Asks who calls whom, everywhere.", &["edges"]).ends(Ok, "cart"),
            asks("topology-of-another", "Asks who calls another service.", &["edges", "payroll"])
                .ends(Denied, "payroll"),
            asks("page-by-a-path", "Asks for a page by a path out of its folder.", &["page", "../secret.md"])
                .ends(Status::Error, ""),
            asks("page-by-an-absolute-path", "Asks for a page by an absolute path.", &["page", "/etc/passwd"])
                .ends(Status::Error, ""),
        ],
    )
}
