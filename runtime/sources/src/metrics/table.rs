//! One metric's CSV file: a header, then columns and rows in any order. `time` and `value` are what they say, every other
//! column is a label.

use std::collections::HashMap;

use csv::{ByteRecord, ReaderBuilder, Trim};

use super::select::Conditions;
use super::{Labels, Samples};
use crate::files::{TextOfCsv, line_of, parse_time};

/// A file's series, sorted by labels.
#[derive(Debug)]
pub struct Table {
    series: Vec<Samples>,
}

/// What is wrong in which line.
type Mistake = (u64, String);

struct Columns {
    time: usize,
    value: usize,
    labels: Vec<(usize, String)>,
}

/// The rows of one series as they come.
struct Rows {
    labels: Labels,
    samples: Vec<(i64, u64, f64)>,
}

impl Table {
    /// Parses a file. Empty and NaN values are gaps; infinite ones are left out.
    pub fn parse(bytes: &[u8]) -> Result<Table, Mistake> {
        let text_of_csv = TextOfCsv::new(bytes);
        let mistake = |error: csv::Error| mistake(&text_of_csv, &error);
        let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(text_of_csv.0);
        let columns = Columns::of(reader.byte_headers().map_err(mistake)?)?;
        let mut rows: Vec<Rows> = Vec::new();
        let mut known: HashMap<Vec<u8>, usize> = HashMap::new();
        let (mut record, mut key) = (ByteRecord::new(), Vec::new());
        while reader.read_byte_record(&mut record).map_err(mistake)? {
            let line = line_of(&text_of_csv, record.position());
            let Some(value) = value(&record, &columns).map_err(|message| (line, message))? else { continue };
            let time = text(&record, columns.time).and_then(parse_time).map_err(|message| (line, message))?;
            key.clear();
            for (column, _) in &columns.labels {
                key.extend_from_slice(&record[*column]);
                // A byte that UTF-8 never has: two values cannot run into each other.
                key.push(0xff);
            }
            let at = match known.get(&key) {
                Some(at) => *at,
                None => {
                    rows.push(Rows {
                        labels: columns.labels(&record).map_err(|message| (line, message))?,
                        samples: Vec::new(),
                    });
                    known.insert(key.clone(), rows.len() - 1);
                    rows.len() - 1
                }
            };
            rows[at].samples.push((time, line, value));
        }
        let mut series = rows.into_iter().map(Rows::sorted).collect::<Result<Vec<_>, _>>()?;
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(Table { series })
    }

    /// The series that are meant.
    pub fn select(&self, conditions: &Conditions<'_>) -> Vec<Samples> {
        self.series.iter().filter(|series| conditions.admit(&series.labels)).cloned().collect()
    }

    /// How many samples it has.
    pub fn sample_count(&self) -> usize {
        self.series.iter().map(|series| series.times.len()).sum()
    }
}

impl Columns {
    fn of(header: &ByteRecord) -> Result<Columns, Mistake> {
        let mut names = Vec::new();
        for field in header {
            let name = std::str::from_utf8(field).map_err(|_| (1, "a column's name is not UTF-8".to_owned()))?;
            if name.is_empty() {
                return Err((1, "a column has no name; the first line names them: time,<label…>,value".to_owned()));
            }
            if names.contains(&name) {
                return Err((1, format!("there are two columns `{name}`")));
            }
            names.push(name);
        }
        let find = |wanted: &str| {
            let missing =
                || (1, format!("there is no column `{wanted}`; the first line names them: time,<label…>,value"));
            names.iter().position(|name| *name == wanted).ok_or_else(missing)
        };
        let (time, value) = (find("time")?, find("value")?);
        let mut labels: Vec<_> = names
            .iter()
            .map(|name| (*name).to_owned())
            .enumerate()
            .filter(|(at, _)| ![time, value].contains(at))
            .collect();
        labels.sort_by(|a, b| a.1.cmp(&b.1));
        Ok(Columns { time, value, labels })
    }

    fn labels(&self, record: &ByteRecord) -> Result<Labels, String> {
        let mut labels = Vec::new();
        for (column, name) in &self.labels {
            let value = text(record, *column)?;
            // A label without a value is no label.
            if !value.is_empty() {
                labels.push((name.clone(), value.to_owned()));
            }
        }
        Ok(labels)
    }
}

impl Rows {
    fn sorted(mut self) -> Result<Samples, Mistake> {
        self.samples.sort_unstable_by_key(|(time, line, _)| (*time, *line));
        if let Some(pair) = self.samples.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let first = pair[0].1;
            return Err((pair[1].1, format!("has the same time and labels as line {first}; remove one of them")));
        }
        let times = self.samples.iter().map(|(time, _, _)| *time).collect();
        let values = self.samples.iter().map(|(_, _, value)| *value).collect();
        Ok(Samples { labels: self.labels, times, values })
    }
}

/// The value of a row; `None` for a gap.
fn value(record: &ByteRecord, columns: &Columns) -> Result<Option<f64>, String> {
    let text = text(record, columns.value)?;
    if text.is_empty() {
        return Ok(None);
    }
    let value: f64 =
        text.parse().map_err(|_| format!("the value {text:?} is not a number; leave it empty for a gap"))?;
    Ok(value.is_finite().then_some(value))
}

fn text(record: &ByteRecord, column: usize) -> Result<&str, String> {
    // The reader has refused rows with fewer fields than the header.
    let field = record.get(column).unwrap_or_default();
    std::str::from_utf8(field).map_err(|_| format!("the field {} is not UTF-8", column + 1))
}

fn mistake(text: &TextOfCsv<'_>, error: &csv::Error) -> Mistake {
    let line = line_of(text, error.position());
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("has {len} fields where the header has {expected_len}")
        }
        _ => error.to_string(),
    };
    (line, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_rows_in_any_order() {
        let text = "\u{feff}value,service,time,zone\r\n2,web,20,\r\n\r\n1, web ,10.5,\r\n,web,15,\r\nNaN,web,16,\r\ninf,web,17,\r\n7,web,10,\"a,\"\"b\"\r\n";
        let table = Table::parse(text.as_bytes()).unwrap();
        let labels = |pairs: &[(&str, &str)]| pairs.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect::<Labels>();
        assert_eq!(
            table.series,
            [
                Samples {
                    labels: labels(&[("service", "web")]),
                    times: vec![10_500_000, 20_000_000],
                    values: vec![1.0, 2.0]
                },
                Samples {
                    labels: labels(&[("service", "web"), ("zone", "a,\"b")]),
                    times: vec![10_000_000],
                    values: vec![7.0]
                },
            ]
        );
    }

    #[test]
    fn mistakes_have_lines() {
        for (text, line, message) in [
            (&b""[..], 1, "`time`"),
            (b"when,value\n", 1, "`time`"),
            (b"time,level\n", 1, "`value`"),
            (b"time,value,value\n", 1, "two columns"),
            (b"time,value,\n", 1, "no name"),
            (b"time,value\n1,2\n1,2,3\n", 3, "3 fields"),
            (b"time,value\nyesterday,2\n", 2, "RFC 3339"),
            (b"time,value\n1795072200000,2\n", 2, "milliseconds"),
            (b"time,value\n\n\n1,two\n", 4, "not a number"),
            (b"time,job,value\n1,\xff,2\n", 2, "UTF-8"),
            (b"time,job,value\n1,a,2\n2,a,2\n1970-01-01T00:00:01Z,a,3\n", 4, "line 2"),
        ] {
            let (at, found) = Table::parse(text).expect_err(message);
            assert_eq!(at, line, "{found}");
            assert!(found.contains(message), "{found}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..60), rows in "[0-9,.\"\n-]{0,60}") {
            let _ = Table::parse(&bytes);
            let _ = Table::parse(format!("time,a,value\n{rows}").as_bytes());
        }
    }
}
