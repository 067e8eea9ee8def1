//! What was found, for people: a line for each thing, with a mark.

use std::path::Path;

use negawatt_host::text::{printable, printable_lines};
use negawatt_proposals::Probed;
use negawatt_sources::Examined;

use super::{Diagnosis, example};
use crate::error::CliError;
use crate::look::{Look, Tone};
use crate::page::{GAP, Line};

const MADE: &str = "\
There is no configuration here, so nothing but the demo can be investigated. Write a file negawatt.toml such as:

  [sources.metrics]
  kind = \"prometheus\"
  url = \"http://127.0.0.1:9090\"

  [sources.profiles]
  kind = \"files\"
  path = \"profiles\"

  [sources.changes]
  kind = \"git\"
  path = \"repo\"

Every source is optional, and paths are relative to the file.
";

/// Wider cells do not push all others aside.
const MAX_CELL: usize = 44;

#[derive(Clone, Copy)]
enum Mark {
    Works,
    Fails,
    /// Not there, and nothing to worry about.
    Absent,
}

/// A line, and those that belong to it.
struct Row {
    mark: Mark,
    what: String,
    of: String,
    lines: Vec<String>,
}

impl Row {
    fn new(mark: Mark, what: impl AsRef<str>, of: impl AsRef<str>, text: impl AsRef<str>) -> Row {
        // All of it may be from outside: nothing may steer a terminal.
        let lines = printable_lines(text.as_ref()).lines().map(str::to_owned).collect();
        Row { mark, what: printable(what.as_ref()), of: printable(of.as_ref()), lines }
    }

    fn failed(
        what: impl AsRef<str>,
        of: impl AsRef<str>,
        message: &str,
        place: Option<&str>,
        help: Option<&str>,
    ) -> Row {
        let place = place.map_or(String::new(), |place| format!("\nwhere: {place}"));
        let help = help.map_or(String::new(), |help| format!("\nhelp:  {}", help.replace('\n', "\n       ")));
        Row::new(Mark::Fails, what, of, format!("{}{place}{help}", message.trim_end()))
    }

    fn error(what: &str, of: impl AsRef<str>, error: &CliError) -> Row {
        Row::failed(what, of, &error.message, error.place.as_deref(), error.help.as_deref())
    }
}

impl Diagnosis {
    /// As it is printed.
    pub fn text(&self, look: &Look) -> String {
        let mut sources: Vec<Row> = self.sources.iter().map(source).collect();
        for (tool, skills) in &self.without_source {
            let using = if skills.is_empty() { String::new() } else { format!("; {} would use it", skills.join(", ")) };
            sources.push(Row::new(
                Mark::Absent,
                tool.name(),
                "not configured",
                format!("{}{using}", example(*tool).unwrap_or_default()),
            ));
        }
        let forges = self.forges.iter().map(forge).collect();
        let sections = [("Sources", sources), ("Forges", forges), ("Skills", self.skills()), ("Host", self.host())];
        let width = |cell: fn(&Row) -> &str| {
            let rows = sections.iter().flat_map(|(_, rows)| rows);
            let cells = rows.map(|row| Line::new(look).plain(cell(row)).width());
            cells.filter(|width| *width <= MAX_CELL).max().unwrap_or(0)
        };
        let widths = [width(|row| &row.what), width(|row| &row.of)];
        let mut text = match &self.config {
            Some(path) => {
                let line = Line::new(look).plain(format!("The configuration {} can be read.", path.display()));
                line.painted(look) + "\n"
            }
            None => MADE.to_owned(),
        };
        for (title, rows) in sections.into_iter().filter(|(_, rows)| !rows.is_empty()) {
            text += &format!("\n{}\n", Line::new(look).strong(title).painted(look));
            rows.iter().for_each(|row| lines(&mut text, row, widths, look));
        }
        text
    }

    fn skills(&self) -> Vec<Row> {
        let skills = &self.skills;
        let number = |number: usize| if number == 1 { "1 skill".to_owned() } else { format!("{number} skills") };
        let mark = |number: usize| if number == 0 { Mark::Absent } else { Mark::Works };
        let mut rows = vec![
            Row::new(mark(skills.bundled), "bundled", "", number(skills.bundled)),
            Row::new(mark(skills.loaded), "loaded", "", number(skills.loaded)),
        ];
        rows.extend(skills.unreadable.iter().map(|error| Row::error("path", "", error)));
        let refused = skills.refused.iter();
        rows.extend(refused.map(|(file, reason)| Row::failed("refused", shown(file), reason, None, None)));
        for denial in &skills.denied {
            let message = format!("cannot run: {}", denial.why().join("; "));
            rows.push(Row::failed("denied", &denial.skill, &message, None, Some(&denial.grant())));
        }
        rows
    }

    fn host(&self) -> Vec<Row> {
        let mut rows = vec![
            match &self.sandbox {
                Ok(()) => Row::new(Mark::Works, "sandbox", "", "can run skills"),
                Err(error) => Row::error("sandbox", "", error),
            },
            match &self.casebook {
                Ok(folder) => Row::new(Mark::Works, "casebook", shown(folder), "can be written"),
                Err(error) => Row::error("casebook", "", error),
            },
            match &self.cache {
                Ok(folder) => Row::new(Mark::Works, "cache", shown(folder), "keeps compiled skills"),
                Err(reason) => {
                    Row::new(Mark::Absent, "cache", "", format!("skills are compiled anew each time: {reason}"))
                }
            },
        ];
        if self.fleet.is_empty() {
            let help =
                "add [fleet.services.<name>] servers, cores_per_server, watts_per_core; without it impact is unknown";
            rows.push(Row::new(Mark::Absent, "fleet", "not configured", help));
        }
        for fleet in &self.fleet {
            let cores = format!("{} cores", fleet.cores);
            rows.push(match fleet.is_known {
                Some(false) => {
                    let text = format!("{cores}, but no source knows a service of this name");
                    Row::new(Mark::Absent, "fleet", &fleet.service, text)
                }
                _ => Row::new(Mark::Works, "fleet", &fleet.service, cores),
            });
        }
        rows
    }
}

fn source(source: &Examined) -> Row {
    let tools: Vec<_> = source.tools.iter().map(|tool| tool.name()).collect();
    let what = tools.join(", ");
    let name = source.name.as_ref().map_or(String::new(), |name| format!("{name}: "));
    let of = format!("{name}{} {}", source.kind, source.at);
    match &source.outcome {
        Ok(described) => Row::new(Mark::Works, what, of, &described.text),
        Err(problem) => {
            Row::failed(what, of, &problem.message, Some(&problem.place.to_string()), problem.help.as_deref())
        }
    }
}

fn forge(forge: &Probed) -> Row {
    let of = format!("{} {}", forge.kind, forge.at);
    match &forge.outcome {
        Ok(answer) => Row::new(Mark::Works, &forge.repository, of, answer),
        Err(trouble) => {
            let place = forge.place.to_string();
            Row::failed(&forge.repository, of, &trouble.message, Some(&place), trouble.help.as_deref())
        }
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Adds a row; its further lines stand under the first.
fn lines(text: &mut String, row: &Row, widths: [usize; 2], look: &Look) {
    let (mark, tone) = match row.mark {
        Mark::Works => ("✓", Tone::Good),
        Mark::Fails => ("✗", Tone::Bad),
        Mark::Absent => ("–", Tone::Faint),
    };
    let of = 4 + widths[0] + GAP;
    let under = of + widths[1] + GAP;
    let gap = " ".repeat(GAP);
    let marked = Line::new(look).plain("  ").add(tone, mark).plain(" ");
    // A cell that is wider than its column moves the next.
    let cells = marked.plain(&row.what).to(of - GAP).plain(&gap).plain(&row.of).to(under - GAP).plain(&gap);
    let first = row.lines.first().map_or("", String::as_str);
    let further = row.lines.iter().skip(1).map(|more| Line::new(look).to(under).plain(more));
    for line in std::iter::once(cells.plain(first)).chain(further) {
        *text += &line.painted(look);
        text.push('\n');
    }
}
