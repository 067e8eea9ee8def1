//! Samples as the text that `promtool` back-fills.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// One sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The metric's name.
    pub name: String,
    /// Its labels; those without a value are left out.
    pub labels: Vec<(String, String)>,
    /// When, in milliseconds since the Unix epoch.
    pub milliseconds: i64,
    /// The value; may be NaN or infinite.
    pub value: f64,
}

/// Samples in the OpenMetrics format, without types: in the order given, which must rise in time within each series.
pub fn openmetrics<'a>(samples: impl IntoIterator<Item = &'a Sample>) -> String {
    let mut text = String::new();
    for sample in samples {
        let labels = sample.labels.iter().filter(|(_, value)| !value.is_empty());
        let labels: Vec<String> = labels.map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let value = match sample.value {
            value if value.is_nan() => "NaN".to_owned(),
            f64::INFINITY => "+Inf".to_owned(),
            f64::NEG_INFINITY => "-Inf".to_owned(),
            value => format!("{value:e}"),
        };
        let sign = if sample.milliseconds < 0 { "-" } else { "" };
        let time = sample.milliseconds.unsigned_abs();
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "{}{{{}}} {value} {sign}{}.{:03}",
            sample.name,
            labels.join(","),
            time / 1_000,
            time % 1_000
        );
    }
    text + "# EOF\n"
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The samples of a folder of `<metric name>.csv` files (columns `time`, labels, `value`), as OpenMetrics text. Rows without a
/// value are gaps.
pub fn openmetrics_of_csv(folder: &Path) -> io::Result<String> {
    let mut samples = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".csv")) else { continue };
        read(&path, name, &mut samples)?;
    }
    samples.sort_by(|a, b| (&a.name, &a.labels, a.milliseconds).cmp(&(&b.name, &b.labels, b.milliseconds)));
    Ok(openmetrics(&samples))
}

fn read(path: &Path, metric: &str, samples: &mut Vec<Sample>) -> io::Result<()> {
    let wrong = |what: &str| io::Error::other(format!("{}: {what}", path.display()));
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(io::Error::other)?;
    let header = reader.headers().map_err(io::Error::other)?.clone();
    for row in reader.records() {
        let row = row.map_err(io::Error::other)?;
        let (mut labels, mut time, mut value) = (Vec::new(), None, None);
        for (name, field) in header.iter().map(|name| name.trim_start_matches('\u{feff}')).zip(&row) {
            match name {
                "time" => time = milliseconds(field),
                "value" if field.is_empty() => {}
                "value" => value = Some(field.parse().map_err(|_| wrong("a value that is no number"))?),
                _ => labels.push((name.to_owned(), field.to_owned())),
            }
        }
        labels.sort();
        let milliseconds = time.ok_or_else(|| wrong("a row without a time"))?;
        if let Some(value) = value {
            samples.push(Sample { name: metric.to_owned(), labels, milliseconds, value });
        }
    }
    Ok(())
}

/// RFC 3339 or Unix seconds.
fn milliseconds(text: &str) -> Option<i64> {
    let seconds = text.parse::<f64>().ok().map(|seconds| (seconds * 1e3).round() as i64);
    seconds.or_else(|| text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_csv() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("b.csv"),
            "value,time,zone,job\n2,1970-01-01T01:00:10+01:00,,\"q\"\"\\\n\"\n1.5,5.5,z,\n,7,z,\n-inf,-2,z,\n",
        )
        .unwrap();
        std::fs::write(folder.path().join("a.csv"), "time,value\n1,1e300\n").unwrap();
        assert_eq!(
            openmetrics_of_csv(folder.path()).unwrap(),
            "a{} 1e300 1.000\nb{zone=\"z\"} -Inf -2.000\nb{zone=\"z\"} 1.5e0 5.500\nb{job=\"q\\\"\\\\\"} 2e0 10.000\n# EOF\n"
        );
        std::fs::write(folder.path().join("c.csv"), "time,value\nyesterday,1\n").unwrap();
        assert!(openmetrics_of_csv(folder.path()).unwrap_err().to_string().contains("c.csv"));
    }
}
