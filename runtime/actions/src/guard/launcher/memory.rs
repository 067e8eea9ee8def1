//! How much memory all processes of a namespace have together.

use std::time::Duration;

/// How often it is looked at: seldom enough to leave measurements alone.
const PERIOD: Duration = Duration::from_millis(100);

/// Returns once the processes that `/proc` shows, but for this one, have more than so many bytes together.
pub(super) fn wait_for_more_than(bytes: u64) {
    // The exact sum takes the kernel longer, and is never the greater one.
    while !(resident(bytes) && proportional() > bytes) {
        std::thread::sleep(PERIOD);
    }
}

/// The texts of a file of each process.
fn each(file: &str) -> impl Iterator<Item = String> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let others = processes.filter(|process| {
        let number = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        number.is_some_and(|number| number != std::process::id())
    });
    // One that just ended has no memory any more.
    others.filter_map(move |process| std::fs::read_to_string(process.path().join(file)).ok())
}

/// Whether the resident pages, shared ones counted for each process, are more than so many bytes.
fn resident(bytes: u64) -> bool {
    let page = rustix::param::page_size() as u64;
    let pages = each("statm").filter_map(|text| text.split(' ').nth(1)?.parse::<u64>().ok());
    pages.map(|pages| pages.saturating_mul(page)).sum::<u64>() > bytes
}

/// The bytes of all, each shared page counted in parts.
fn proportional() -> u64 {
    let of = |text: String| {
        let line =
            text.lines().find_map(|line| line.strip_prefix("Pss:"))?.trim().strip_suffix(" kB")?.parse::<u64>().ok()?;
        line.checked_mul(1_024)
    };
    each("smaps_rollup").filter_map(of).sum()
}
