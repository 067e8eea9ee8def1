//! What happens while a case runs, on standard error: on a terminal a line for each running step with what it is doing; else
//! plain lines, one an event.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use negawatt_planner::{Progress, Watcher};

use crate::look::{Look, Tone};
use crate::page::Line;
use crate::report::{count, duration, mark};

/// The running steps on the terminal; hidden where there is none, and on one that cannot move its cursor.
static LIVE: OnceLock<MultiProgress> = OnceLock::new();

/// Between two pictures of a running step.
const TICK: Duration = Duration::from_millis(100);

/// Writes text to standard error, above the running steps.
pub fn above(text: &[u8]) {
    // A reader that went away is no error.
    let write = || drop(std::io::stderr().write_all(text));
    match LIVE.get() {
        Some(live) => live.suspend(write),
        None => write(),
    }
}

/// Shows what happens, or nothing.
pub fn watcher(quiet: bool) -> Watcher {
    if quiet {
        return Arc::new(|_| {});
    }
    let shown = Mutex::new(Shown::new());
    Arc::new(move |progress| shown.lock().unwrap_or_else(PoisonError::into_inner).hear(progress))
}

/// Leaves a line free between progress and the report, where both are on one terminal.
pub fn end(quiet: bool) {
    if !quiet && std::io::stdout().is_terminal() && std::io::stderr().is_terminal() {
        above(b"\n");
    }
}

struct Shown {
    look: Look,
    /// Whether lines can be drawn again.
    live: bool,
    steps: HashMap<String, Running>,
}

struct Running {
    skill: String,
    bar: Option<ProgressBar>,
}

impl Shown {
    fn new() -> Shown {
        let live = !LIVE.get_or_init(MultiProgress::new).is_hidden();
        Shown { look: Look::of_stderr(), live, steps: HashMap::new() }
    }

    fn hear(&mut self, progress: &Progress) {
        match progress {
            Progress::Opened(case) => self.say(Line::new(&self.look).faint(format!("case {case}"))),
            Progress::Planned(steps) => {
                for step in steps {
                    let bar = self.live.then(|| self.bar(&step.step, &step.skill));
                    if !self.live {
                        self.say(self.line("·", Tone::Faint, &step.step, &step.skill).faint("runs"));
                    }
                    self.steps.insert(step.step.clone(), Running { skill: step.skill.clone(), bar });
                }
            }
            Progress::Step { step, fraction, text } => {
                if let Some(Running { bar: Some(bar), .. }) = self.steps.get(step) {
                    let text = Line::new(&self.look).faint(format!("{:>4.0} %  {text}", fraction * 100.0));
                    // A column is left, so that a terminal does not wrap.
                    bar.set_message(text.cut(self.look.width.saturating_sub(PREFIX + 1)).painted(&self.look));
                }
            }
            Progress::Called { step, status, findings, wall_us } => {
                let running = self.steps.remove(step);
                if let Some(bar) = running.as_ref().and_then(|running| running.bar.as_ref()) {
                    bar.finish_and_clear();
                }
                let (tone, sign) = mark(*status, *findings);
                let ended = match *status {
                    negawatt_host::Status::Ok if *findings == 0 => "found nothing".to_owned(),
                    negawatt_host::Status::Ok => count(*findings, "finding"),
                    status => status.to_string(),
                };
                let skill = running.map_or(String::new(), |running| running.skill);
                let line = self.line(sign, tone, step, &skill).cell(tone, ended, 14);
                self.say(line.faint(format!("{:>11}", duration(*wall_us))));
            }
        }
    }

    fn line(&self, sign: &str, tone: Tone, step: &str, skill: &str) -> Line {
        let line = Line::new(&self.look).cell(tone, sign, 3).cell(Tone::Plain, step, 5);
        line.cell(Tone::Plain, skill, SKILL).plain("  ")
    }

    fn say(&self, line: Line) {
        let text = line.cut(self.look.width.saturating_sub(1)).painted(&self.look);
        above(format!("{text}\n").as_bytes());
    }

    fn bar(&self, step: &str, skill: &str) -> ProgressBar {
        let live = LIVE.get_or_init(MultiProgress::new);
        let bar = live.add(ProgressBar::new_spinner());
        let ticks = if self.look.unicode { "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ " } else { "-\\|/ " };
        if let Ok(style) = ProgressStyle::with_template("{spinner}  {prefix}{msg}") {
            bar.set_style(style.tick_chars(ticks));
        }
        let line = Line::new(&self.look).cell(Tone::Plain, step, 5).cell(Tone::Plain, skill, SKILL).plain("  ");
        let columns = self.look.width.saturating_sub(4);
        bar.set_prefix(line.cut(columns).painted(&self.look) + "  ");
        bar.enable_steady_tick(TICK);
        bar
    }
}

/// Columns of a skill's name.
const SKILL: usize = 26;

/// Columns before what a step says.
const PREFIX: usize = 3 + 5 + SKILL + 2;

/// A log's way to standard error, above the running steps.
pub struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        above(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
