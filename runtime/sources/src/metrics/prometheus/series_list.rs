//! The list of series of an answer, read no further than anybody needs it.
//!
//! The bytes of an answer are bounded, but they may hold millions of series and labels, each of which takes far more memory
//! than the few bytes that it may have in an answer, and more samples than anybody asked for. Reading ends in the middle of the text where
//! there is too much, and where the step that asked is over.

use std::cell::Cell;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::response::{Instant, NAME, Number, Point, ResponseError};
use crate::blocking::Stop;
use crate::metrics::{Labels, MAX_VALUES, Samples};

/// The most series that one answer may have.
pub const MAX_SERIES: usize = 100_000;

/// The most labels of a series, the metric's name aside.
const MAX_LABELS: usize = 64;

/// The most bytes of memory that all labels of one answer take.
pub const MAX_LABEL_BYTES: usize = 64 << 20;

/// The samples after which it is looked whether anybody still waits.
const SAMPLES_BETWEEN_LOOKS: usize = 10_000;

/// About how many bytes of memory a label takes.
pub fn label_bytes(name: &str, value: &str) -> usize {
    size_of::<(String, String)>() + name.len() + value.len()
}

/// All series of a list that have samples, in its order.
pub fn read(text: &str, stop: &Stop) -> Result<Vec<Samples>, ResponseError> {
    let left = Left {
        series: Cell::new(MAX_SERIES),
        label_bytes: Cell::new(MAX_LABEL_BYTES),
        samples: Cell::new(MAX_VALUES),
        stop,
        ended: Cell::new(None),
    };
    let mut text = serde_json::Deserializer::from_str(text);
    SeriesList(&left)
        .deserialize(&mut text)
        .map_err(|error| left.ended.take().unwrap_or_else(|| ResponseError::Malformed(error.to_string())))
}

/// What the answer may still have.
struct Left<'a> {
    series: Cell<usize>,
    label_bytes: Cell<usize>,
    samples: Cell<usize>,
    stop: &'a Stop,
    /// Why reading ended in the middle of the text; errors of the parser are texts alone.
    ended: Cell<Option<ResponseError>>,
}

impl Left<'_> {
    fn end<E: Error>(&self, why: ResponseError) -> E {
        let error = E::custom(&why);
        self.ended.set(Some(why));
        error
    }

    fn go_on<E: Error>(&self) -> Result<(), E> {
        self.stop.check().map_err(|_| self.end(ResponseError::Unwanted))
    }

    /// One more series.
    fn series<E: Error>(&self) -> Result<(), E> {
        let Some(left) = self.series.get().checked_sub(1) else {
            return Err(self.end(ResponseError::TooMany(format!("more than {MAX_SERIES} series"))));
        };
        self.series.set(left);
        self.go_on()
    }

    /// One more label of a series, of which it is the `count`th.
    fn label<E: Error>(&self, count: usize, name: &str, value: &str) -> Result<(), E> {
        if count > MAX_LABELS {
            return Err(self.end(ResponseError::TooMany(format!("more than {MAX_LABELS} labels of a series"))));
        }
        let Some(left) = self.label_bytes.get().checked_sub(label_bytes(name, value)) else {
            let mib = MAX_LABEL_BYTES >> 20;
            return Err(self.end(ResponseError::TooMany(format!("more than {mib} MiB of labels"))));
        };
        self.label_bytes.set(left);
        Ok(())
    }

    /// One more sample.
    fn sample<E: Error>(&self) -> Result<(), E> {
        let Some(left) = self.samples.get().checked_sub(1) else {
            return Err(self.end(ResponseError::TooMany(format!("more than {MAX_VALUES} samples"))));
        };
        self.samples.set(left);
        if left % SAMPLES_BETWEEN_LOOKS == 0 { self.go_on() } else { Ok(()) }
    }
}

struct SeriesList<'a>(&'a Left<'a>);

impl<'de> DeserializeSeed<'de> for SeriesList<'_> {
    type Value = Vec<Samples>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Samples>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for SeriesList<'_> {
    type Value = Vec<Samples>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of series")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Samples>, A::Error> {
        let mut series = Vec::new();
        while let Some(one) = list.next_element_seed(OneSeries(self.0))? {
            // One without samples says nothing.
            if !one.times.is_empty() {
                series.push(one);
            }
        }
        Ok(series)
    }
}

struct OneSeries<'a>(&'a Left<'a>);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Field {
    Metric,
    Value,
    Values,
    Histogram,
    Histograms,
    #[serde(other)]
    Other,
}

impl<'de> DeserializeSeed<'de> for OneSeries<'_> {
    type Value = Samples;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Samples, D::Error> {
        self.0.series()?;
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OneSeries<'_> {
    type Value = Samples;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a series")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Samples, A::Error> {
        let OneSeries(left) = self;
        let mut samples = Samples { labels: Vec::new(), times: Vec::new(), values: Vec::new() };
        let mut labels = None;
        while let Some(field) = fields.next_key()? {
            match field {
                Field::Metric if labels.is_some() => return Err(A::Error::duplicate_field("metric")),
                Field::Metric => labels = Some(fields.next_value_seed(LabelSet(left))?),
                Field::Values => fields.next_value_seed(Points { left, samples: &mut samples })?,
                Field::Value => {
                    if let Some(point) = fields.next_value::<Option<Point>>()? {
                        left.sample()?;
                        push(&mut samples, point);
                    }
                }
                Field::Histogram | Field::Histograms => {
                    if fields.next_value::<Option<IgnoredAny>>()?.is_some() {
                        return Err(left.end(ResponseError::NativeHistogram));
                    }
                }
                Field::Other => {
                    fields.next_value::<IgnoredAny>()?;
                }
            }
        }
        samples.labels = labels.unwrap_or_default();
        Ok(samples)
    }
}

/// The labels of a series, by name and without the metric's.
struct LabelSet<'a>(&'a Left<'a>);

impl<'de> DeserializeSeed<'de> for LabelSet<'_> {
    type Value = Labels;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Labels, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for LabelSet<'_> {
    type Value = Labels;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("labels")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
        let mut labels = Labels::new();
        let mut count = 0;
        while let Some((name, value)) = map.next_entry::<String, String>()? {
            if name == NAME {
                continue;
            }
            count += 1;
            self.0.label(count, &name, &value)?;
            // A label without a value is no label.
            if !value.is_empty() {
                labels.push((name, value));
            }
        }
        labels.sort();
        if labels.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(A::Error::custom("a label occurs twice"));
        }
        Ok(labels)
    }
}

/// Samples that are added to a series.
struct Points<'a> {
    left: &'a Left<'a>,
    samples: &'a mut Samples,
}

impl<'de> DeserializeSeed<'de> for Points<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Points<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of samples")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(point) = list.next_element()? {
            self.left.sample()?;
            push(self.samples, point);
        }
        Ok(())
    }
}

fn push(samples: &mut Samples, Point(Instant(time), Number(value)): Point) {
    samples.times.push(time);
    samples.values.push(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever follows what is too much is not looked at: it is no series and no sample.
    #[test]
    fn reading_ends_where_there_is_too_much() {
        let series = |count: usize| format!("[{}7]", "{},".repeat(count));
        let samples = |count: usize| format!(r#"[{{"values":[{}7]}}]"#, r#"[0,"1"],"#.repeat(count));
        let told = |text: String| read(&text, &Stop::default()).unwrap_err().to_string();
        assert_eq!(told(series(MAX_SERIES + 1)), "more than 100000 series");
        assert!(told(series(MAX_SERIES - 1)).contains("invalid type"), "up to it all are looked at");
        assert_eq!(told(samples(MAX_VALUES + 1)), "more than 4000000 samples");
        assert!(told(samples(MAX_VALUES)).contains("invalid type"), "up to it all are looked at");
    }

    #[test]
    fn labels_have_an_end_and_what_has_no_samples_is_left_out() {
        let told = |text: String| read(&text, &Stop::default()).unwrap_err().to_string();
        let labels = |count: usize| (0..count).map(|n| format!(r#""l{n}":"","#)).collect::<String>();
        let one = |count: usize| format!(r#"[{{"metric":{{{}"__name__":"up"}},"values":[[0,"1"]]}}]"#, labels(count));
        assert_eq!(read(&one(MAX_LABELS), &Stop::default()).unwrap().len(), 1);
        assert_eq!(told(one(MAX_LABELS + 1)), "more than 64 labels of a series");
        let large = format!(r#"{{"metric":{{"a":"{}"}}}},"#, "x".repeat(MAX_LABEL_BYTES / 4));
        assert_eq!(told(format!("[{}7]", large.repeat(4))), "more than 64 MiB of labels");
        let none = r#"[{"metric":{"a":"b"},"values":[]},{"metric":{"a":"c"}}]"#;
        assert_eq!(read(none, &Stop::default()), Ok(Vec::new()));
    }

    #[test]
    fn reading_ends_when_nobody_waits() {
        let stop = Stop::default();
        let text = r#"[{"values":[[0,"1"]]},7]"#;
        assert!(matches!(read(text, &stop), Err(ResponseError::Malformed(_))));
        stop.say();
        assert_eq!(read(text, &stop), Err(ResponseError::Unwanted));
    }
}
