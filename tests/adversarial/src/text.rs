//! Text that floods, steers a terminal, or reads differently than it is.

use std::sync::Arc;
use std::time::Instant;

use negawatt_host::Status::{self, Ok as Answers};
use negawatt_host::text::printable;
use negawatt_package::{Package, pack};
use negawatt_test_guests::{INTRUDER, MISCHIEF};

use crate::arena::Arena;
use crate::attack::{Attack, Ending, Seen};
use crate::components;

/// Clears the screen, sets the window's title, rings; then turns around what is read, hides some of it, and tags it.
const STEERING: &str =
    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31mdone\r\u{8}\u{202e}gnp.exe\u{2066}\u{200b}\u{feff}\u{e0041}\u{2028}";

pub(crate) fn attacks() -> Vec<Attack> {
    let floods = |name, about, title| Attack::skill(name, about, MISCHIEF, title);
    let shown = "nothing that steers is shown";
    Attack::family(
        "text",
        [
            floods("log-flood", "Logs four megabytes.", "log").ends(Answers, "it logged 17 lines of 16 KiB"),
            floods("output-flood", "Writes four megabytes to standard output.", "stdout")
                .ends(Answers, "it logged 16 lines of 16 KiB"),
            floods("error-output-flood", "Writes four megabytes to standard error.", "stderr")
                .ends(Answers, "it logged 16 lines of 16 KiB"),
            floods("error-of-a-megabyte", "Returns an error of a megabyte.", "long error")
                .ends(Status::Error, "xxxxxxxx"),
            Attack::act(
                "terminal-escapes-in-findings",
                "Returns and logs text that would clear a screen, set a title, and reverse what is read.",
                |arena| Box::pin(in_findings(arena)),
            )
            .must(Ending::Held, shown),
            Attack::act("terminal-escapes-in-a-manifest", "Has a description that would do the same.", |_| {
                Box::pin(in_manifest())
            })
            .must(Ending::Held, shown),
        ],
    )
}

/// Whether a text that is shown has something in it that is not seen.
fn steers(text: &str) -> bool {
    let hidden = STEERING.chars().filter(|c| !c.is_ascii_graphic() && *c != ' ').any(|c| text.contains(c));
    hidden || text.chars().any(char::is_control)
}

/// Whether all of these texts steered, and none does as it is shown.
fn shown<'a>(began: Instant, texts: impl IntoIterator<Item = &'a str>) -> Result<(Instant, &'static str), String> {
    let mut texts = texts.into_iter().peekable();
    if texts.peek().is_none() {
        return Err("there is no text".to_owned());
    }
    match texts.find(|text| !steers(text) || steers(&printable(text))) {
        Some(text) => Err(format!("it is shown as {:?}", printable(text))),
        None => Ok((began, "nothing that steers is shown")),
    }
}

async fn in_findings(arena: Arc<Arena>) -> Seen {
    let began = Instant::now();
    let called = async {
        let skill = arena.load(INTRUDER.to_vec()).map_err(|error| error.to_string())?;
        let grants = arena.grants("", true).map_err(|error| error.to_string())?;
        Ok::<_, String>(arena.call(&skill, &grants, &format!("say\u{1f}{STEERING}")).await)
    };
    Seen::held(called.await.and_then(|outcome| {
        let summaries = outcome.findings.iter().map(|finding| finding.summary.as_str());
        shown(began, summaries.chain(outcome.log.iter().map(String::as_str)))
    }))
}

async fn in_manifest() -> Seen {
    let began = Instant::now();
    let wasm = components::component("boastful-manifest");
    let packed = Package::read(wasm).map_err(|error| error.to_string()).and_then(|package| {
        let described = format!(
            "description: \"{}\"",
            STEERING.chars().map(|c| format!("\\U{:08x}", c as u32)).collect::<String>()
        );
        let lines =
            package.manifest.text.lines().map(|line| if line.starts_with("description:") { &described } else { line });
        let text = lines.collect::<Vec<_>>().join("\n");
        pack(wasm, &text).map_err(|error| error.to_string())
    });
    let read = packed.and_then(|packed| Package::read(&packed).map_err(|error| error.to_string()));
    Seen::held(read.and_then(|package| shown(began, [package.manifest.description.as_str()])))
}
