//! The figures, as people read them.

use std::fmt;

use crate::memory::Quarters;
use crate::soak::Report;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = |what: &str, value: String| writeln!(f, "  {what:<48} {value:>10}");
        let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
        row("seed", self.seed.to_string())?;
        row("seconds", format!("{:.0}", self.time.as_secs_f64()))?;
        row("kills", self.kills.values().sum::<usize>().to_string())?;
        for (at, count) in &self.kills {
            row(&format!("  {at}"), count.to_string())?;
        }
        row("incidents acknowledged", self.posted.acknowledged.len().to_string())?;
        row("  told of a case that was there already", self.posted.duplicates.to_string())?;
        row("  posts without an answer", self.posted.unanswered.to_string())?;
        row("  incidents given up", self.posted.given_up.len().to_string())?;
        row("cases", self.checked.cases.to_string())?;
        row("  of which nobody was told", self.checked.unacknowledged.to_string())?;
        row("  run again, the same to every byte", self.checked.replayed.to_string())?;
        row("proposals submitted by themselves", self.checked.submitted.to_string())?;
        row("notices", self.notices.len().to_string())?;
        let again = self.notices.values().map(|heard| heard.times - 1).sum::<usize>();
        row("  sent again under the same id", again.to_string())?;
        row("effects of skills", self.effects.to_string())?;
        row("  calls with one that were interrupted", self.checked.interrupted.to_string())?;
        for (done, count) in &self.changes {
            row(&done.to_string(), count.to_string())?;
        }
        row("folders left by killed servers", self.litter.to_string())?;
        if let Some(Quarters { first, last }) = Quarters::of(&self.memory.ends) {
            row("memory over servers, first quarter", megabytes(first))?;
            row("  last quarter", megabytes(last))?;
        }
        let longest = self.memory.lives.iter().max_by_key(|samples| samples.len());
        if let Some(Quarters { first, last }) = longest.and_then(|samples| Quarters::of(samples)) {
            row("memory of the longest life, first quarter", megabytes(first))?;
            row("  last quarter", megabytes(last))?;
        }
        row("wrong", self.checked.wrong.len().to_string())?;
        self.checked.wrong.iter().try_for_each(|wrong| writeln!(f, "wrong: {wrong}"))
    }
}
