//! Raw samples, by matrix selectors at instants, in slices of time.

use negawatt_host::model::{Answer, Error, Window};

use super::api::{Api, Failure};
use super::whole::Whole;
use crate::http::is_spent;
use crate::metrics::{MAX_VALUES, Samples};

/// The most raw samples that are read for one query.
const MAX_SAMPLES: u64 = MAX_VALUES as u64;

/// The samples that are asked for at once: some 10 MB of JSON.
const SAMPLES_AT_ONCE: u64 = 250_000;

/// The longest range, in milliseconds: PromQL's end at 292 years.
const MAX_RANGE: i64 = 100 * 366 * 24 * 3_600_000;

/// The years 1 to 9999, in milliseconds: all the times that can be written.
const TIMES: (i64, i64) = (-62_135_596_800_000, 253_402_300_800_000);

/// How much a selector matches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Size {
    /// Series with a sample.
    pub series: u64,
    /// Their samples.
    pub samples: u64,
}

/// The milliseconds from the first up to the second that hold a window.
fn milliseconds(window: Window) -> (i64, i64) {
    let up = |micros: i64| micros.div_euclid(1_000) + i64::from(micros.rem_euclid(1_000) > 0);
    (up(window.start).max(TIMES.0), up(window.end).min(TIMES.1))
}

/// A range selector of the samples from one millisecond up to another, at the millisecond before the latter. Versions before
/// 3.0 add the millisecond before the former.
fn range(select: &str, from: i64, until: i64) -> (String, i64) {
    (format!("{select}[{}ms]", until - from), until - 1)
}

/// How much of a window a selector matches.
pub async fn size(api: &Api, select: &str, window: Window) -> Result<Size, Failure> {
    let (mut from, end) = milliseconds(window);
    let mut size = Size::default();
    while from < end {
        let until = end.min(from.saturating_add(MAX_RANGE));
        let (range, time) = range(select, from, until);
        let counts = format!("count_over_time({range})");
        let both = format!(
            r#"label_replace(sum({counts}), "of", "samples", "", "") or label_replace(count({counts}), "of", "series", "", "")"#
        );
        for count in api.at(&both, time).await? {
            let value = count.values.first().copied().unwrap_or_default() as u64;
            match count.labels.first() {
                Some((_, of)) if of == "series" => size.series = size.series.max(value),
                _ => size.samples = size.samples.saturating_add(value),
            }
        }
        from = until;
    }
    Ok(size)
}

/// The samples of a window, finite ones only. Where they are too many, the error gives the `advice`.
pub async fn samples(api: &Api, select: &str, window: Window, size: Size, advice: &str) -> Answer<Vec<Samples>> {
    let too_many = |samples: u64| {
        Err(Error::OverBudget(format!(
            "the query reads {samples} samples of {} series, at most {MAX_SAMPLES} are read; {advice}",
            size.series
        )))
    };
    if size.samples > MAX_SAMPLES {
        return too_many(size.samples);
    }
    let (start, end) = milliseconds(window);
    let count = i64::try_from(size.samples.div_ceil(SAMPLES_AT_ONCE)).unwrap_or(1).max(1);
    let length = ((end - start).max(1) / count + 1).min(MAX_RANGE);
    let mut whole = Whole::default();
    // What is still to be asked for, the next one last.
    let mut slices = vec![(start, end)];
    let mut read = 0;
    while let Some((from, until)) = slices.pop() {
        if from >= until {
            continue;
        }
        if until - from > length {
            slices.extend([(from + length, until), (from, from + length)]);
            continue;
        }
        let (range, time) = range(select, from, until);
        let found = match api.at(&range, time).await {
            Ok(found) => found,
            Err(Failure::TooMuch(_)) if until - from > 1 && !is_spent() => {
                let middle = from + (until - from) / 2;
                slices.extend([(middle, until), (from, middle)]);
                continue;
            }
            Err(failure) => return Err(failure.into()),
        };
        read += found.iter().map(|series| series.times.len() as u64).sum::<u64>();
        if read > 2 * MAX_SAMPLES {
            // More than were counted just now, and more than the borders of slices.
            return too_many(read);
        }
        let part = found.into_iter().map(|series| {
            let mut series = series.inside(from * 1_000, until * 1_000);
            series.keep_finite();
            series
        });
        whole.append(part.collect())?;
    }
    Ok(whole.into_series().map(|series| series.inside(window.start, window.end)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_in_milliseconds() {
        for (start, end, expected) in [
            (0, 1_000, (0, 1)),
            (1, 1_001, (1, 2)),
            (-1, 999, (0, 1)),
            (-1_001, 0, (-1, 0)),
            (i64::MIN, i64::MAX, TIMES),
        ] {
            assert_eq!(milliseconds(Window { start, end }), expected);
        }
    }
}
