//! `negawatt skill backtest`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use negawatt_casebook::CaseId;
use negawatt_host::grants::{Grants, Rights};
use negawatt_host::text::shorten;
use negawatt_host::{Skill, Tool};
use negawatt_planner::{Backtested, Came, Entry};
use serde_json::{Value, json};

use crate::error::CliError;
use crate::investigate::{json_text, write_out};
use crate::look::{Look, Tone};
use crate::page::{GAP, Page};
use crate::report::percent;
use crate::setup::{self, Setup, read_named, read_skill};

/// Runs the last concluded cases again with another version of a skill, and prints what would have come of them.
pub async fn backtest(
    file: &Path,
    last: usize,
    live: bool,
    config: Option<&Path>,
    as_json: bool,
) -> Result<(), CliError> {
    let setup = Setup::of_record(config, live)?;
    let skill = read_named(file, &setup.config)
        .and_then(|component| read_skill(component, &setup.config))
        .map_err(|error| CliError::bad_input("not-a-skill", error).at(file.display()))?;
    let granted = Grants::of(&setup.config).rights(&skill);
    let rights = match &granted {
        Err(denial) if live => {
            return Err(
                CliError::bad_input("not-granted", denial).help("without --live it is answered from the record alone")
            );
        }
        // Nobody is asked, so nobody has to allow it.
        Err(_) => Rights::to_be_replayed(&skill),
        Ok(rights) => rights.clone(),
    };
    let old = setup.runtime.catalog.named(&skill.manifest.name).map(|entry| entry.skill.clone());
    let candidate = Entry { skill: Arc::new(skill), rights: Ok(rights) };
    let book = setup.casebook()?;
    let cancel = setup::cancelled_by_ctrl_c();
    let sources = live.then(|| setup.runtime.tools.clone());
    let mut cases = Vec::new();
    for case in book.list(usize::MAX)? {
        let concluded = matches!(case.end, Some(negawatt_casebook::End::Concluded(_)));
        if !concluded || cases.len() >= last {
            continue;
        }
        let tried = setup.runtime.backtest(&book, &case.id, &candidate, sources.as_deref(), &cancel).await;
        if cancel.is_cancelled() {
            return Err(CliError::failure("cancelled", "the backtest was interrupted; nothing was written"));
        }
        cases.push((case.id, tried.map_err(|error| error.to_string())));
    }
    let tried = Tried { candidate: &candidate, old: old.as_deref(), granted: granted.is_ok(), cases };
    match tried.run().next() {
        None => Err(tried.none()),
        Some(_) => {
            write_out(&if as_json { json_text(&tried.json()) } else { tried.text(&Look::of_stdout()) });
            Ok(())
        }
    }
}

/// What came of the cases.
struct Tried<'a> {
    candidate: &'a Entry,
    old: Option<&'a Skill>,
    granted: bool,
    cases: Vec<(CaseId, Result<Backtested, String>)>,
}

impl Tried<'_> {
    fn run(&self) -> impl Iterator<Item = &Backtested> {
        self.cases.iter().filter_map(|(_, tried)| tried.as_ref().ok())
    }

    fn skipped(&self) -> impl Iterator<Item = (&CaseId, &String)> {
        self.cases.iter().filter_map(|(id, tried)| Some((id, tried.as_ref().err()?)))
    }

    /// Why no case was run.
    fn none(&self) -> CliError {
        match self.skipped().next() {
            None => CliError::failure("no-cases", "the casebook has no concluded case yet")
                .help("negawatt investigate incident.json makes one"),
            Some((_, why)) => {
                let count = self.cases.len();
                CliError::failure(
                    "cannot-replay",
                    format!("none of the last {count} cases can be run again; the newest: {why}"),
                )
            }
        }
    }

    /// The tools that it imports, and the old version did not.
    fn imports(&self) -> BTreeSet<Tool> {
        let old = self.old.map(|old| old.imports.tools.clone()).unwrap_or_default();
        &self.candidate.skill.imports.tools - &old
    }

    /// What it asked besides, over all cases.
    fn asked(&self) -> (BTreeSet<Tool>, BTreeSet<&str>) {
        let tools = self.run().flat_map(|tried| tried.tools.iter().copied()).collect();
        (tools, self.run().flat_map(|tried| tried.origins.iter().map(String::as_str)).collect())
    }

    /// How often each function was asked in vain.
    fn unanswered(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for question in self.run().flat_map(|tried| &tried.unanswered) {
            *counts.entry(format!("{}.{}", question.tool, question.function)).or_default() += 1;
        }
        counts
    }

    fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for Backtested { before, after, .. } in self.run() {
            totals.cases += 1;
            totals.verdicts += usize::from(before.verdict != after.verdict);
            let place = |came: &Came| came.rank.unwrap_or(usize::MAX);
            totals.better += usize::from(place(after) < place(before));
            totals.worse += usize::from(place(after) > place(before));
            totals.guest_us.0 += before.guest_us;
            totals.guest_us.1 += after.guest_us;
        }
        totals
    }

    fn json(&self) -> Value {
        let (tools, origins) = self.asked();
        let totals = self.totals();
        let names = |tools: &BTreeSet<Tool>| tools.iter().map(|tool| tool.name()).collect::<Vec<_>>();
        json!({
            "skill": self.candidate.skill.id(),
            "digest": self.candidate.skill.digest.to_string(),
            "replaces": self.old.map(|old| json!({ "skill": old.id(), "digest": old.digest.to_string() })),
            "granted": self.granted,
            "rights": { "imports": names(&self.imports()), "asked": names(&tools), "origins": origins },
            "unanswered": self.unanswered(),
            "totals": {
                "cases": totals.cases, "verdicts_changed": totals.verdicts, "culprit_better": totals.better,
                "culprit_worse": totals.worse, "guest_us": { "before": totals.guest_us.0, "after": totals.guest_us.1 },
            },
            "cases": self.run().map(described).collect::<Vec<_>>(),
            "skipped": self.skipped().map(|(id, why)| json!({ "case": id.to_string(), "why": why })).collect::<Vec<_>>(),
        })
    }

    fn text(&self, look: &Look) -> String {
        let mut page = Page::new(look);
        let totals = self.totals();
        let line = page.line().add(Tone::Strong, self.candidate.skill.id());
        page.heading(match self.old {
            Some(old) => line.plain(" in the place of ").plain(old.id()),
            None => line.plain(" beside the others: no skill bears its name yet"),
        });
        let Totals { cases, verdicts, better, worse, .. } = totals;
        page.heading(page.line().plain(format!(
            "{cases} cases run again: {verdicts} verdicts change; the culprit ranks better in {better}, worse in {worse}"
        )));
        let (before, after) = totals.guest_us;
        page.heading(page.line().plain(format!(
            "time in it: {:.1} ms, was {:.1} ms",
            after as f64 / 1e3,
            before as f64 / 1e3
        )));
        let names = |tools: &BTreeSet<Tool>| tools.iter().map(|tool| tool.name()).collect::<Vec<_>>().join(", ");
        let (tools, origins) = self.asked();
        let imports = self.imports();
        if !imports.is_empty() {
            page.heading(page.line().add(Tone::Unsure, "it imports more: ").plain(names(&imports)));
        }
        if !tools.is_empty() {
            page.heading(page.line().add(Tone::Unsure, "it asks more: ").plain(names(&tools)));
        }
        for origin in origins {
            page.heading(page.line().add(Tone::Unsure, "it asks over HTTP: ").plain(shorten(origin, 200)));
        }
        if !self.granted {
            let line = page.line().add(Tone::Unsure, "nobody has granted it what it imports: ");
            page.heading(line.plain("negawatt grants explain says what it takes"));
        }
        for (function, count) in self.unanswered() {
            page.heading(
                page.line().add(Tone::Unsure, format!("{count} questions to {function} have no answer in the record")),
            );
        }
        page.gap();
        let id = 28;
        let head = page.line().column(Tone::Faint, "case", id).column(Tone::Faint, "verdict", 32);
        page.whole_row(head.column(Tone::Faint, "culprit", 14).faint("what it is about"));
        for tried in self.run() {
            let tone = if tried.is_same() { Tone::Faint } else { Tone::Strong };
            let line = page.line().column(Tone::Accent, tried.case.to_string(), id);
            let line = line.column(tone, change(tried, verdict), 30 + GAP).column(tone, change(tried, place), 12 + GAP);
            page.whole_row(line.plain(shorten(&tried.title, 200)));
            if !tried.cut_short.is_empty() {
                let text = format!("    ran out of time then, and ran now: {}", tried.cut_short.join(", "));
                page.heading(page.line().faint(text));
            }
        }
        for (case, why) in self.skipped() {
            let line = page.line().add(Tone::Unsure, format!("not run again: {case}: "));
            page.heading(line.plain(shorten(why, 600)));
        }
        page.text()
    }
}

#[derive(Default)]
struct Totals {
    cases: usize,
    verdicts: usize,
    better: usize,
    worse: usize,
    guest_us: (u64, u64),
}

/// What was, and what would be where that is another.
fn change(tried: &Backtested, told: impl Fn(&Came) -> String) -> String {
    let (before, after) = (told(&tried.before), told(&tried.after));
    if before == after { before } else { format!("{before} > {after}") }
}

fn verdict(came: &Came) -> String {
    format!("{} {}", came.verdict, percent(came.confidence).trim())
}

fn place(came: &Came) -> String {
    match (came.rank, came.likely) {
        (Some(rank), Some(likely)) => format!("{rank}. {}", percent(likely).trim()),
        _ => "none".to_owned(),
    }
}

fn described(tried: &Backtested) -> Value {
    let came = |came: &Came| {
        json!({
            "verdict": came.verdict.name(), "confidence": came.confidence, "rank": came.rank, "likely": came.likely,
            "status": came.status, "guest_us": came.guest_us,
        })
    };
    json!({
        "case": tried.case.to_string(),
        "title": tried.title,
        "same": tried.is_same(),
        "culprit": tried.culprit.as_ref().map(|culprit| json!({ "id": culprit.id, "known": culprit.is_known })),
        "before": came(&tried.before),
        "after": came(&tried.after),
        "unanswered": tried.unanswered.iter().map(|question| json!({
            "question": format!("{}.{}", question.tool, question.function), "bytes": question.request.len(),
        })).collect::<Vec<_>>(),
        "cut_short": tried.cut_short,
    })
}
