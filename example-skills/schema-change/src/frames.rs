//! Which functions serialise or parse, as far as their names tell.

use negawatt_skill::FunctionShift;
use negawatt_skill::words::words;

/// Words that only serialising has, and libraries that do nothing else.
const SURE: [&str; 30] = [
    "avro",
    "bincode",
    "bson",
    "capnp",
    "cbor",
    "deserialise",
    "deserialize",
    "deserializer",
    "flatbuffer",
    "flatbuffers",
    "jackson",
    "json",
    "marshal",
    "msgpack",
    "parquet",
    "pickle",
    "prost",
    "proto",
    "protobuf",
    "rapidjson",
    "rmp",
    "serde",
    "serialise",
    "serialize",
    "serializer",
    "simdjson",
    "thrift",
    "unmarshal",
    "jsoniter",
    "orjson",
];
/// Words that other work has as well.
const PERHAPS: [&str; 16] = [
    "codec",
    "decode",
    "decoder",
    "dump",
    "dumps",
    "encode",
    "encoder",
    "loads",
    "marshaller",
    "pack",
    "parse",
    "parser",
    "stringify",
    "unpack",
    "wire",
    "xml",
];
/// What is parsed and encoded without any message of one's own.
const OTHER_WORK: [&str; 20] = [
    "args",
    "audio",
    "base64",
    "charset",
    "date",
    "float",
    "gzip",
    "html",
    "image",
    "int",
    "jpeg",
    "locale",
    "number",
    "png",
    "regex",
    "time",
    "timestamp",
    "url",
    "utf8",
    "video",
];

/// How surely a function serialises or parses messages: 1, one half, or 0.
pub fn serialises(name: &str) -> f64 {
    let words: Vec<String> = words(name).collect();
    let any = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    if any(&SURE) {
        1.0
    } else if any(&PERHAPS) && !any(&OTHER_WORK) {
        0.5
    } else {
        0.0
    }
}

/// A function whose share of samples rose.
#[derive(Clone, Debug, PartialEq)]
pub struct Risen {
    /// Its name.
    pub name: String,
    /// Its shares before and after, with all that it calls.
    pub shares: (f64, f64),
    /// Its rise as a part of the greatest, from 0 to 1.
    pub part: f64,
    /// How surely it serialises, from 0 to 1.
    pub serialises: f64,
}

/// The functions whose share rose, of which some serialise.
#[derive(Clone, Debug, PartialEq)]
pub struct Regressed {
    /// All of them.
    pub risen: Vec<Risen>,
    /// How much of the rise is serialising, as far as is known, from 0 to 1.
    pub part: f64,
}

impl Regressed {
    /// From evidence; absent where nothing that serialises rose.
    pub fn new<'a>(shifts: impl Iterator<Item = &'a FunctionShift>) -> Option<Regressed> {
        let rose: Vec<&FunctionShift> = shifts.filter(|shift| shift.after > shift.before).collect();
        let most = rose.iter().map(|shift| shift.after - shift.before).fold(0.0, f64::max);
        let risen: Vec<Risen> = rose
            .into_iter()
            .map(|shift| Risen {
                name: shift.name.clone(),
                shares: (shift.before, shift.after),
                part: (shift.after - shift.before) / most,
                serialises: serialises(&shift.name),
            })
            .collect();
        let part = risen.iter().map(|risen| risen.part * risen.serialises).fold(0.0, f64::max);
        (part > 0.0).then_some(Regressed { risen, part })
    }

    /// Whether it is one of the risen functions that serialise.
    pub fn holds(&self, name: &str) -> bool {
        self.risen.iter().any(|risen| risen.serialises > 0.0 && risen.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_word_by_word() {
        for (name, expected) in [
            ("serde_json::ser::to_string", 1.0),
            ("<shop::Product as serde::ser::Serialize>::serialize", 1.0),
            ("google::protobuf::MessageLite::SerializeToString", 1.0),
            ("encoding/json.(*encodeState).marshal", 1.0),
            ("com.fasterxml.jackson.databind.ObjectMapper.writeValue", 1.0),
            ("simdjson::dom::parser::parse", 1.0),
            ("Cart.to_json", 1.0),
            ("shop::wire::encode_product", 0.5),
            ("shop::catalog::parse_listing", 0.5),
            ("shop::url::encode", 0.0),
            ("parseDate", 0.0),
            ("shop::sparse::sum", 0.0),
            ("shop::cart::price", 0.0),
            ("", 0.0),
        ] {
            assert_eq!(serialises(name), expected, "{name}");
        }
    }

    fn shift(name: &str, before: f64, after: f64) -> FunctionShift {
        FunctionShift { name: name.into(), before, after, self_before: 0.0, self_after: 0.0, p_value: 1e-9 }
    }

    #[test]
    fn what_fell_and_what_does_other_work_is_no_reason_to_look() {
        let fell = [shift("a::serialize", 0.3, 0.1), shift("a::price", 0.1, 0.3)];
        assert_eq!(Regressed::new(fell.iter()), None);
        assert_eq!(Regressed::new([].iter()), None);
        let rose = [shift("a::handle", 0.3, 0.5), shift("a::serialize", 0.1, 0.2)];
        let regressed = Regressed::new(rose.iter()).unwrap();
        assert!(
            (regressed.part - 0.5).abs() < 1e-9 && regressed.holds("a::serialize") && !regressed.holds("a::handle")
        );
    }
}
