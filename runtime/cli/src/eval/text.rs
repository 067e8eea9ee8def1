//! Scores as tables for people.

use std::collections::BTreeMap;
use std::fmt::Write;

use negawatt_host::text::printable;

use super::score::{Calibration, Part, Row, Scores, Share};

/// Columns of a name.
const NAME: usize = 26;

/// The scores, with every case that is not right.
pub fn text(scores: &Scores) -> String {
    let mut out = String::new();
    let _ = write(scores, &mut out);
    out
}

fn write(scores: &Scores, out: &mut String) -> std::fmt::Result {
    let head = ["cases", "verdict", "reason", "top-1", "top-3", "author", "nobody"];
    write!(out, "{:NAME$}", "")?;
    head.iter().try_for_each(|title| write!(out, "{title:>9}"))?;
    writeln!(out)?;
    part("all", &scores.all, out)?;
    for (title, parts) in [
        ("right verdict", &scores.by_verdict),
        ("kind of case", &scores.by_scenario),
        ("who is at fault", &scores.by_suspect),
    ] {
        group(title, parts, out)?;
    }
    writeln!(
        out,
        "\nreason: of dismissals. top-1, top-3: who is at fault is the first, among the first three, of its kind.\n\
         author: of the first suspect. nobody: nobody is accused where nobody is at fault. -: none of the cases asks for it.\n"
    )?;
    if let (Some(off), Some(us)) = (&scores.change_off, &scores.change_off_us) {
        let shown = |part: f64, us: u64| format!("{:.2} % of the window ({})", part * 100.0, span(us));
        writeln!(
            out,
            "change found beside the change as it was: median {}, ninth of ten {}, most {}",
            shown(off.median, us.median),
            shown(off.p90, us.p90),
            shown(off.most, us.most)
        )?;
    }
    if let Some(wall) = &scores.wall_ms {
        writeln!(
            out,
            "time of a case: median {} ms, ninth of ten {} ms, most {} ms",
            wall.median, wall.p90, wall.most
        )?;
    }
    calibration("verdicts (without inconclusive ones)", &scores.verdicts, out)?;
    calibration("suspects (each that is named)", &scores.suspects, out)?;
    let wrong: Vec<&Row> = scores.cases.iter().filter(|row| is_wrong(row)).collect();
    if !wrong.is_empty() {
        writeln!(out, "\nnot right")?;
    }
    wrong.into_iter().try_for_each(|row| writeln!(out, "  {:NAME$}  {}", row.case, why(row)))
}

fn group(title: &str, parts: &BTreeMap<String, Part>, out: &mut String) -> std::fmt::Result {
    if parts.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}")?;
    parts.iter().try_for_each(|(name, of_it)| part(&format!("  {}", printable(name)), of_it, out))
}

fn part(name: &str, part: &Part, out: &mut String) -> std::fmt::Result {
    write!(out, "{name:NAME$}{:>9}", part.cases)?;
    let shares = [part.verdict, part.reason, part.top1, part.top3, part.author, part.nobody_accused];
    shares.into_iter().try_for_each(|share| write!(out, "{:>9}", shown(share)))?;
    writeln!(out)
}

fn shown(share: Share) -> String {
    share.value().map_or("-".to_owned(), |value| format!("{value:.3}"))
}

fn calibration(title: &str, calibration: &Calibration, out: &mut String) -> std::fmt::Result {
    let (Some(brier), Some(error)) = (calibration.brier, calibration.error) else { return Ok(()) };
    writeln!(
        out,
        "\nconfidence in {title}: Brier score {brier:.3}, calibration error {error:.3}, of {}",
        calibration.count
    )?;
    writeln!(out, "  {:>12}{:>9}{:>9}{:>9}", "confidence", "count", "mean", "right")?;
    for bin in &calibration.bins {
        let range = format!("{:.1} to {:.1}", bin.from, bin.from + 0.1);
        writeln!(out, "  {range:>12}{:>9}{:>9.3}{:>9.3}", bin.count, bin.confidence, bin.right)?;
    }
    Ok(())
}

/// A span of time in its largest whole unit.
fn span(us: u64) -> String {
    match us / 1_000_000 {
        seconds if seconds >= 2 * 86_400 => format!("{} d", seconds / 86_400),
        seconds if seconds >= 2 * 3_600 => format!("{} h", seconds / 3_600),
        seconds if seconds >= 120 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

fn is_wrong(row: &Row) -> bool {
    row.error.is_some()
        || row.right == Some(false)
        || row.reason_right == Some(false)
        || row.place.is_some_and(|place| place != 1)
        || row.accused == Some(true)
}

fn why(row: &Row) -> String {
    if let Some(error) = &row.error {
        return format!("failed: {}", printable(error));
    }
    let mut why = vec![row.verdict.clone().unwrap_or_default()];
    if row.right == Some(false) {
        why.push("which is wrong".to_owned());
    }
    if row.reason_right == Some(false) {
        why.push("not for the right reason".to_owned());
    }
    match row.place {
        Some(0) => why.push("who is at fault is not named".to_owned()),
        Some(place) if place > 1 => why.push(format!("who is at fault has place {place}")),
        _ => {}
    }
    if row.accused == Some(true) {
        why.push("somebody is accused who is not at fault".to_owned());
    }
    why.join(", ")
}
