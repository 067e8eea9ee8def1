//! The messages of `profile.proto` (github.com/google/pprof, `proto/profile.proto`), as far as they are used: fields that are
//! not named here, such as labels, build ids and addresses, are passed over.
//!
//! The outermost message is walked field by field ([`fields`]) and never held as a whole: a file of a few megabytes can say
//! that it has millions of messages. Where text is meant there is an index into the string table.

use prost::Message;

/// Field numbers of the outermost message.
pub mod profile {
    pub const SAMPLE_TYPE: u64 = 1;
    pub const SAMPLE: u64 = 2;
    pub const MAPPING: u64 = 3;
    pub const LOCATION: u64 = 4;
    pub const FUNCTION: u64 = 5;
    pub const STRING: u64 = 6;
    pub const PERIOD_TYPE: u64 = 11;
}

/// What is counted, and in which unit.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct ValueType {
    #[prost(int64, tag = "1")]
    pub name: i64,
    #[prost(int64, tag = "2")]
    pub unit: i64,
}

/// What was seen of one stack.
#[derive(Clone, PartialEq, Message)]
pub struct Sample {
    /// From leaf to root.
    #[prost(uint64, repeated, tag = "1")]
    pub locations: Vec<u64>,
    /// One for each sample type.
    #[prost(int64, repeated, tag = "2")]
    pub values: Vec<i64>,
}

/// A binary or library, as it was loaded.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Mapping {
    #[prost(uint64, tag = "1")]
    pub id: u64,
    #[prost(int64, tag = "5")]
    pub file: i64,
}

/// An address of the program.
#[derive(Clone, PartialEq, Message)]
pub struct Location {
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// 0 where it is unknown.
    #[prost(uint64, tag = "2")]
    pub mapping: u64,
    /// Of several, each was inlined into the next: the last one is the function that the address belongs to. None where no
    /// symbols were found.
    #[prost(message, repeated, tag = "4")]
    pub lines: Vec<Line>,
}

/// A place in the source.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Line {
    #[prost(uint64, tag = "1")]
    pub function: u64,
    #[prost(int64, tag = "2")]
    pub line: i64,
}

/// A function.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Function {
    #[prost(uint64, tag = "1")]
    pub id: u64,
    #[prost(int64, tag = "2")]
    pub name: i64,
    /// As the linker knows it.
    #[prost(int64, tag = "3")]
    pub system_name: i64,
    #[prost(int64, tag = "4")]
    pub file: i64,
}

/// What a field holds; numbers are not needed in the outermost message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// A message or text.
    Bytes(&'a [u8]),
    /// Something else.
    Other,
}

/// The fields of a message, as they stand in it (protobuf's encoding guide, "Message Structure"). The last one is an error
/// where the bytes end inside of a field, or are no message.
pub fn fields(bytes: &[u8]) -> impl Iterator<Item = Result<(u64, Value<'_>), &'static str>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let field = field(&mut rest);
        if field.is_err() {
            rest = &[];
        }
        Some(field)
    })
}

fn field<'a>(rest: &mut &'a [u8]) -> Result<(u64, Value<'a>), &'static str> {
    const CUT_OFF: &str = "is cut off, or no protobuf";
    let key = varint(rest).ok_or(CUT_OFF)?;
    let length = match key & 7 {
        0 => varint(rest).map(|_| 0),
        1 => Some(8),
        2 => varint(rest),
        5 => Some(4),
        _ => return Err("is no protobuf: it has a field of an unknown type"),
    };
    let length = length.and_then(|length| usize::try_from(length).ok()).ok_or(CUT_OFF)?;
    let (bytes, after) = rest.split_at_checked(length).ok_or(CUT_OFF)?;
    *rest = after;
    Ok((key >> 3, if key & 7 == 2 { Value::Bytes(bytes) } else { Value::Other }))
}

/// A number of up to 64 bits, seven in a byte, the least first.
fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_every_wire_type() {
        let bytes = [&[0x08, 0x96, 0x01][..], &[0x12, 2, 7, 8], &[0x19; 9], &[0x25; 5], &[0xaa, 0x01, 0]].concat();
        let found: Vec<_> = fields(&bytes).collect::<Result<_, _>>().unwrap();
        let (other, bytes) = (Value::Other, Value::Bytes);
        assert_eq!(found, [(1, other), (2, bytes(&[7, 8])), (3, other), (4, other), (21, bytes(&[]))]);
        for broken in [&[0x80][..], &[0x12], &[0x12, 3, 1, 2], &[0x19, 1], &[0x0b], &[0xff; 11], &[0x12, 0xff, 0xff]] {
            let last = fields(broken).last().unwrap();
            assert!(last.is_err(), "{broken:?}");
            assert!(fields(broken).count() < 3);
        }
    }
}
