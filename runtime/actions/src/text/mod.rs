//! A proposal in words for its reader: the pull request's title and body, and the commit's message.
//!
//! The reader is whoever made the change that is the cause, and has never heard of the case. Every text in a [`Report`] is a stranger's
//! and is escaped in one place (`escape.rs`); what is said around it is this program's.

mod body;
mod chart;
mod escape;
mod figures;

pub use body::body;
pub use escape::plain;

/// All that a proposal's reader is told. Times are microseconds since the Unix epoch, UTC; shares and confidences are from 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The case, a ULID.
    pub case: String,
    /// Which proposal of the case, from 1.
    pub proposal: u32,
    /// The service.
    pub service: String,
    /// What got worse; absent where something was found that can be better.
    pub symptom: Option<Symptom>,
    /// What it costs; absent where nobody knows the fleet.
    pub cost: Option<Power>,
    /// What it comes from; absent where no change is to blame.
    pub cause: Option<Cause>,
    /// The functions that take more than before, the worst first.
    pub functions: Vec<Function>,
    /// What was found, in its order.
    pub evidence: Vec<Evidence>,
    /// The patch.
    pub change: Change,
    /// What it should save; absent where nobody knows.
    pub saving: Option<Saving>,
    /// The address of the case for people, as an operator configured it.
    pub link: Option<String>,
    /// Where it is read, which says how it is answered.
    pub read_in: ReadIn,
}

/// A metric that changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Symptom {
    /// Its name.
    pub metric: String,
    /// Its level before the change.
    pub before: f64,
    /// Its level after the change.
    pub after: f64,
    /// (after − before) / |before|.
    pub relative: f64,
    /// Since when.
    pub since: i64,
    /// How likely so great a change is by chance.
    pub p_value: f64,
    /// The series to be drawn: time and value, in order.
    pub series: Vec<(i64, f64)>,
}

/// Machines kept busy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Power {
    /// Cores.
    pub cores: f64,
    /// Watts.
    pub watts: f64,
}

/// The change that is to blame.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// What kind of change: `commit`, `config`, `experiment`, `service`.
    pub kind: String,
    /// Its id; of a commit the full hash.
    pub id: String,
    /// What it says of itself, such as the first line of a commit's message.
    pub subject: String,
    /// Who made it, if known, `Name <email>`.
    pub author: Option<String>,
    /// When it landed.
    pub time: Option<i64>,
    /// How probably it is the cause.
    pub confidence: f64,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// One reason to blame a change, or not to.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// The skill that gives it.
    pub skill: String,
    /// What it says.
    pub text: String,
    /// How much it weighs, in natural log odds.
    pub log_odds: f64,
}

/// A function's share of CPU samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its share before the change.
    pub before: f64,
    /// Its share after the change.
    pub after: f64,
}

/// A piece of evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Its id, such as `e1`.
    pub id: String,
    /// Its kind, such as `change-point`.
    pub kind: String,
    /// The skill that found it, with its version.
    pub by: String,
    /// What it says.
    pub summary: String,
    /// How sure the skill is.
    pub confidence: f64,
}

/// What the patch does, and what it went through.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What it does, in the words of the skill that made it.
    pub strategy: String,
    /// The skill that made it, with its version.
    pub by: String,
    /// The files that it changes.
    pub files: Vec<File>,
    /// The patch itself, a unified diff; shown where it is short.
    pub patch: String,
    /// The guardrails.
    pub checks: Vec<Check>,
    /// Who approved it for submission.
    pub approved_by: Option<String>,
}

/// A file that the patch changes.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// Its path.
    pub path: String,
    /// Lines that are added.
    pub added: usize,
    /// Lines that are removed.
    pub removed: usize,
}

/// A guardrail that looked at the patch.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// Its name, such as `applies`.
    pub name: String,
    /// Whether the patch passed.
    pub passed: bool,
    /// What it says besides; may be empty.
    pub detail: String,
}

/// What the patch should save: from … to …
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Saving {
    /// At least.
    pub low: Power,
    /// At most.
    pub high: Power,
}

/// Where a proposal is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadIn {
    /// In a pull request.
    PullRequest,
    /// Beside a branch.
    Branch,
}

/// The pull request's title: plain text, one line.
pub fn title(report: &Report) -> String {
    let service = plain(&report.service, 40);
    let strategy = plain(&report.change.strategy, 120);
    match &report.symptom {
        Some(symptom) => {
            let relative = figures::percent(symptom.relative, true);
            format!("Negawatt: {strategy} ({service}: {} {})", plain(&symptom.metric, 40), relative.as_str())
        }
        None => format!("Negawatt: {strategy} ({service})"),
    }
}

/// The commit's message. No line of it begins with text of a stranger, so that nobody adds a trailer.
pub fn commit_message(report: &Report) -> String {
    let mut message = format!("Negawatt: {}\n\n", plain(&report.change.strategy, 60));
    if let Some(symptom) = &report.symptom {
        message += &format!(
            "In the service {} the metric {} went from {} to {} ({}), since {}.\n",
            plain(&report.service, 60),
            plain(&symptom.metric, 60),
            figures::number(symptom.before).as_str(),
            figures::number(symptom.after).as_str(),
            figures::percent(symptom.relative, true).as_str(),
            figures::time(symptom.since).as_str(),
        );
    } else {
        message += &format!("In the service {} something can be better.\n", plain(&report.service, 60));
    }
    if let Some(cause) = &report.cause {
        let confidence = figures::percent(cause.confidence, false);
        let author = cause.author.as_deref().map_or_else(String::new, |author| format!(" of {}", plain(author, 80)));
        message += &format!(
            "The {} {}{author} is the cause ({}).\n",
            plain(&cause.kind, 20),
            cause_id(cause),
            confidence.as_str()
        );
    }
    if let Some(saving) = &report.saving {
        let (low, high) = (figures::power(saving.low), figures::power(saving.high));
        message += &format!("Expected saving: {} to {}.\n", low.as_str(), high.as_str());
    }
    message + &format!("\nThis is for the case {}, as its proposal {}.\n", plain(&report.case, 40), report.proposal)
}

/// A commit's hash as it is, so that it can be looked up; other ids are a stranger's text.
fn cause_id(cause: &Cause) -> String {
    let is_hash = matches!(cause.id.len(), 40 | 64) && cause.id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if cause.kind == "commit" && is_hash { cause.id.clone() } else { plain(&cause.id, 80) }
}
