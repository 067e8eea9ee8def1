//! One metric's CSV file: a header, then columns and rows in any order. `time` and `value` are what they say, every other
//! column is a label.

use std::collections::HashMap;

use csv::{ByteRecord, ReaderBuilder, Trim};
use negawatt_host::model::Error;

use super::select::Conditions;
use super::{Labels, Samples};
use crate::blocking::Stop;
use crate::files::{TextOfCsv, line_of, parse_time};

/// A file's series, sorted by labels.
#[derive(Debug)]
pub struct Table {
    series: Vec<Samples>,
    label_bytes: usize,
}

/// The most rows and series of a file, the most labels of a series, and the most bytes of memory of all labels. A file is
/// bounded in bytes, but short rows take far more memory than they have in it.
const MAX_ROWS: usize = 8_000_000;
const MAX_SERIES: usize = 100_000;
const MAX_LABELS: usize = 64;
const MAX_LABEL_BYTES: usize = 64 << 20;

/// How often, in rows, it is looked whether anybody still waits.
const STOP_EVERY: usize = 4_096;

/// What is wrong in which line.
type Mistake = (u64, String);

/// Why a file was not read to its end.
#[derive(Debug)]
pub enum Failure {
    /// The file is wrong in a line.
    Wrong(u64, String),
    /// Nobody waits any more.
    Over(Error),
}

impl From<Mistake> for Failure {
    fn from((line, message): Mistake) -> Failure {
        Failure::Wrong(line, message)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Over(error)
    }
}

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
    pub fn parse(bytes: &[u8], stop: &Stop) -> Result<Table, Failure> {
        Table::parse_rows(bytes, MAX_ROWS, stop)
    }

    fn parse_rows(bytes: &[u8], most: usize, stop: &Stop) -> Result<Table, Failure> {
        let text_of_csv = TextOfCsv::new(bytes);
        let mistake = |error: csv::Error| mistake(&text_of_csv, &error);
        let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(text_of_csv.0);
        let columns = Columns::of(reader.byte_headers().map_err(mistake)?)?;
        let mut rows: Vec<Rows> = Vec::new();
        let mut known: HashMap<Vec<u8>, usize> = HashMap::new();
        let (mut record, mut key) = (ByteRecord::new(), Vec::new());
        let (mut count, mut label_bytes) = (0_usize, 0);
        while reader.read_byte_record(&mut record).map_err(mistake)? {
            count += 1;
            if count.is_multiple_of(STOP_EVERY) {
                stop.check()?;
            }
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
                    let labels = columns.labels(&record).map_err(|message| (line, message))?;
                    let bytes =
                        |(name, value): &(String, String)| size_of::<(String, String)>() + name.len() + value.len();
                    label_bytes += key.len() + labels.iter().map(bytes).sum::<usize>();
                    if rows.len() == MAX_SERIES || label_bytes > MAX_LABEL_BYTES {
                        let mib = MAX_LABEL_BYTES >> 20;
                        return Err(too_much(line, &format!("{MAX_SERIES} series or {mib} MiB of labels")).into());
                    }
                    rows.push(Rows { labels, samples: Vec::new() });
                    known.insert(key.clone(), rows.len() - 1);
                    rows.len() - 1
                }
            };
            if count > most {
                return Err(too_much(line, &format!("{most} rows")).into());
            }
            rows[at].samples.push((time, line, value));
        }
        let mut series = rows.into_iter().map(Rows::sorted).collect::<Result<Vec<_>, _>>()?;
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(Table { series, label_bytes })
    }

    /// The series that are meant.
    pub fn select(&self, conditions: &Conditions<'_>) -> Vec<Samples> {
        self.series.iter().filter(|series| conditions.admit(&series.labels)).cloned().collect()
    }

    /// About how many bytes of memory it takes.
    pub fn bytes(&self) -> usize {
        let samples: usize = self.series.iter().map(|series| series.times.len()).sum();
        samples * size_of::<(i64, f64)>() + self.series.len() * size_of::<Samples>() + self.label_bytes
    }
}

fn too_much(line: u64, most: &str) -> Mistake {
    (line, format!("the file has more than {most}; split it"))
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
            if names.len() == MAX_LABELS + 2 {
                return Err(too_much(1, &format!("{MAX_LABELS} labels")));
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
        let table = Table::parse(text.as_bytes(), &Stop::default()).unwrap();
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
            let Err(Failure::Wrong(at, found)) = Table::parse(text, &Stop::default()) else { panic!("{message}") };
            assert_eq!(at, line, "{found}");
            assert!(found.contains(message), "{found}");
        }
    }

    #[test]
    fn a_file_is_bounded_in_what_it_becomes() {
        let told = |text: String| match Table::parse(text.as_bytes(), &Stop::default()) {
            Err(Failure::Wrong(line, message)) => (line, message),
            other => panic!("{other:?}"),
        };
        let series = |count: usize| (0..count).map(|n| format!("0,{n},1\n")).collect::<String>();
        let table = Table::parse(format!("time,a,value\n{}", series(MAX_SERIES)).as_bytes(), &Stop::default()).unwrap();
        assert!(table.bytes() > MAX_SERIES * size_of::<Samples>());
        let (line, message) = told(format!("time,a,value\n{}", series(MAX_SERIES + 1)));
        assert_eq!(line, MAX_SERIES as u64 + 2);
        assert_eq!(message, "the file has more than 100000 series or 64 MiB of labels; split it");
        let long = "x".repeat(MAX_LABEL_BYTES / 4);
        let (line, _) = told(format!("time,a,value\n0,1{long},1\n0,2{long},1\n0,3{long},1\n"));
        assert_eq!(line, 3);
        let columns: String = (0..=MAX_LABELS).map(|n| format!(",l{n}")).collect();
        assert_eq!(
            told(format!("time,value{columns}\n")),
            (1, "the file has more than 64 labels; split it".to_owned())
        );
        let rows = |most| Table::parse_rows(b"time,value\n0,1\n1,1\n2,1\n", most, &Stop::default());
        assert!(rows(3).is_ok() && matches!(rows(2), Err(Failure::Wrong(4, _))));
        let stop = Stop::default();
        stop.say();
        let text = format!("time,value\n{}", (0..STOP_EVERY).map(|n| format!("{n},1\n")).collect::<String>());
        assert!(matches!(Table::parse(text.as_bytes(), &stop), Err(Failure::Over(Error::Cancelled(_)))));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..60), rows in "[0-9,.\"\n-]{0,60}") {
            let _ = Table::parse(&bytes, &Stop::default());
            let _ = Table::parse(format!("time,a,value\n{rows}").as_bytes(), &Stop::default());
        }
    }
}
