//! What Prometheus answers: `{"status": …, "data": {"resultType": …, "result": …}}`, read without trusting it.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, Visitor};
use serde_json::value::RawValue;

use super::series_list::read;
use crate::blocking::Stop;
use crate::metrics::Samples;

/// The label that holds the metric's name.
pub const NAME: &str = "__name__";

/// The envelope of every answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope<'a> {
    /// `success` or `error`.
    pub status: String,
    /// The answer itself.
    #[serde(borrow, default)]
    pub data: Option<&'a RawValue>,
    /// The kind of an error.
    #[serde(default)]
    pub error_type: String,
    /// What is wrong.
    #[serde(default)]
    pub error: String,
}

/// Why an answer cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// It has another shape than the interface says.
    #[error("{0}")]
    Malformed(String),
    /// More than one answer may have.
    #[error("{0}")]
    TooMany(String),
    /// Nobody waits for it any more.
    #[error("the step is over")]
    Unwanted,
    /// A native histogram, whose samples are no numbers.
    #[error("it is a native histogram, whose samples are no numbers")]
    NativeHistogram,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    result_type: String,
    #[serde(borrow)]
    result: &'a RawValue,
}

/// A sample.
#[derive(Deserialize)]
pub struct Point(pub Instant, pub Number);

/// Microseconds, from seconds with three digits after the point.
pub struct Instant(pub i64);

/// A number in quotes.
pub struct Number(pub f64);

/// The series of an answer of any type, without the metric's name and in order of their labels; an instant value is a series
/// of one sample. Unlike elsewhere, the values may be NaN or infinite. Reading ends where the answer has too much, or where
/// nobody waits any more.
pub fn series(data: &RawValue, stop: &Stop) -> Result<Vec<Samples>, ResponseError> {
    let malformed = |error: serde_json::Error| ResponseError::Malformed(error.to_string());
    let data: Data<'_> = serde_json::from_str(data.get()).map_err(malformed)?;
    let mut series = match data.result_type.as_str() {
        "scalar" => {
            let Point(Instant(time), Number(value)) = serde_json::from_str(data.result.get()).map_err(malformed)?;
            vec![Samples { labels: Vec::new(), times: vec![time], values: vec![value] }]
        }
        "vector" | "matrix" => read(data.result.get(), stop)?,
        other => return Err(ResponseError::Malformed(format!("a result of type {other:?}"))),
    };
    if series.iter().any(|series| series.times.windows(2).any(|pair| pair[0] >= pair[1])) {
        return Err(ResponseError::Malformed("the samples of a series are not by rising time".to_owned()));
    }
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
    if series.windows(2).any(|pair| pair[0].labels == pair[1].labels) {
        return Err(ResponseError::Malformed("two series have the same labels".to_owned()));
    }
    Ok(series)
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Instant, D::Error> {
        let milliseconds = (f64::deserialize(deserializer)? * 1e3).round();
        // Exact as a float, and its microseconds fit.
        if milliseconds.abs() < 9e15 {
            Ok(Instant(milliseconds as i64 * 1_000))
        } else {
            Err(D::Error::custom("a time that is none"))
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
        struct Quoted;
        impl Visitor<'_> for Quoted {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number in quotes")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Number, E> {
                text.parse().map(Number).map_err(|_| E::custom("a value that is no number"))
            }
        }
        deserializer.deserialize_str(Quoted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Vec<Samples>, ResponseError> {
        series(serde_json::from_str(json).unwrap(), &Stop::default())
    }

    #[test]
    fn every_type_of_result() {
        let matrix = r#"{"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"b"},"values":[[1700000000.123,"1"],[1700000001,"+Inf"]]},
            {"metric":{"job":"a","zone":""},"values":[[-0.5,"-1e-3"]]}]}"#;
        let label = |value: &str| vec![("job".to_owned(), value.to_owned())];
        assert_eq!(
            read(matrix).unwrap(),
            [
                Samples { labels: label("a"), times: vec![-500_000], values: vec![-0.001] },
                Samples {
                    labels: label("b"),
                    times: vec![1_700_000_000_123_000, 1_700_000_001_000_000],
                    values: vec![1.0, f64::INFINITY]
                },
            ]
        );
        let vector = read(r#"{"resultType":"vector","result":[{"metric":{},"value":[1,"NaN"]}]}"#).unwrap();
        assert!(vector[0].values[0].is_nan());
        assert_eq!(read(r#"{"resultType":"scalar","result":[1,"2"]}"#).unwrap()[0].values, [2.0]);
    }

    #[test]
    fn nothing_is_trusted() {
        for (result, message) in [
            (r#"[{"metric":{"a":"b","a":"c"},"values":[[1,"1"]]}]"#, "occurs twice"),
            (r#"[{"metric":{"a":"b"},"values":[[1,"1"]]},{"metric":{"a":"b"},"values":[[1,"1"]]}]"#, "same labels"),
            (r#"[{"metric":{},"values":[[2,"1"],[1,"1"]]}]"#, "rising time"),
            (r#"[{"metric":{},"values":[[1,"1"],[1,"1"]]}]"#, "rising time"),
            (r#"[{"metric":{},"values":[[1e300,"1"]]}]"#, "a time"),
            (r#"[{"metric":{},"values":[[1,"one"]]}]"#, "no number"),
            (r#"[{"metric":{},"values":[[1,1]]}]"#, "in quotes"),
            (r#"[{"metric":{},"values":[["1","1"]]}]"#, "invalid type"),
            (r#"[{"metric":[],"values":[]}]"#, "labels"),
            (r#"{"a":1}"#, "invalid type"),
            (r#"[{"metric":{},"values":[[1,"1"]],"histograms":[[1,{"count":"1"}]]}]"#, "native histogram"),
        ] {
            let error = read(&format!(r#"{{"resultType":"matrix","result":{result}}}"#)).expect_err(result);
            assert!(error.to_string().contains(message), "{result}: {error}");
        }
        assert!(read(r#"{"resultType":"streams","result":[]}"#).is_err());
        assert!(read(r#"[]"#).is_err());
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(time in proptest::num::f64::ANY, value in "\\PC{0,12}", name in "[a-c_]{0,9}") {
            let text = serde_json::json!({"resultType": "matrix", "result": [{"metric": {name: "x"}, "values": [[time, value]]}]});
            let _ = read(&text.to_string());
        }
    }
}
