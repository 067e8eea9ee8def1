//! pprof: the protobuf of `go tool pprof` and many others, packed or not.
//!
//! Of what a file counts, CPU is read: samples (`samples/count`), time (`cpu/nanoseconds`), or both. All that is on a stack is
//! kept, also what `drop_frames` says a viewer may hide. What time a file says it is from does not count: its name does.

mod gunzip;
mod message;
mod symbols;

#[cfg(test)]
mod tests;

use prost::Message;

use super::Failure;
use super::interner::{Count, Interner, Units};
use crate::blocking::Stop;
use message::{Sample, Value, ValueType, fields, profile};
use symbols::Symbols;

/// The most frames of one stack.
const MAX_DEPTH: usize = 65_536;

/// The most frames of all samples of a file together.
const MAX_FRAMES: usize = 1 << 28;

/// The most bytes of one message: a decoded one may need eight times as many.
const MAX_MESSAGE_BYTES: usize = 1 << 20;

/// The most sample types.
const MAX_TYPES: usize = 1_000;

/// How often, in fields, it is looked whether anybody still waits.
const STOP_EVERY: usize = 1024;

/// Adds the samples of a file, and says what it counts.
pub fn read(bytes: &[u8], interner: &mut Interner, stop: &Stop) -> Result<Units, Failure> {
    let bytes = gunzip::unpacked(bytes, stop)?;
    let mut symbols = Symbols::default();
    let mut types = Vec::new();
    let mut period_type = None;
    // The samples stand before what they refer to: they are read when all else is known.
    for (at, field) in fields(&bytes).enumerate() {
        if at % STOP_EVERY == 0 {
            stop.check()?;
        }
        let (number, Value::Bytes(bytes)) = field.map_err(Failure::file)? else { continue };
        match number {
            profile::SAMPLE_TYPE => types.push(decode::<ValueType>(bytes)?),
            profile::PERIOD_TYPE => period_type = Some(decode::<ValueType>(bytes)?),
            profile::MAPPING => symbols.mapping(decode(bytes)?)?,
            profile::LOCATION => symbols.location(decode(bytes)?)?,
            profile::FUNCTION => symbols.function(decode(bytes)?)?,
            profile::STRING => symbols.string(bytes)?,
            _ => {}
        }
        if types.len() > MAX_TYPES {
            return Err(Failure::file(format!("has more than {MAX_TYPES} sample types")));
        }
    }
    let types = types.iter().map(|of| Type::read(of, &symbols)).collect::<Result<Vec<_>, _>>()?;
    let period_type = period_type.map(|of| Type::read(&of, &symbols)).transpose()?;
    let counted = Counted::of(&types, period_type.as_ref())?;
    let mut sample = Sample::default();
    let (mut stack, mut frames, mut number) = (Vec::new(), 0, 0);
    for (at, field) in fields(&bytes).enumerate() {
        if at % STOP_EVERY == 0 {
            stop.check()?;
        }
        let Ok((profile::SAMPLE, Value::Bytes(bytes))) = field else { continue };
        number += 1;
        let wrong = |message: String| Failure::file(format!("sample {number} {message}"));
        sample.clear();
        sample.merge(short(bytes)?).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        let count = counted.count(&sample.values, types.len()).map_err(wrong)?;
        stack.clear();
        for location in sample.locations.iter().rev() {
            let of_location = symbols.frames(*location, interner)?;
            let Some(of_location) = of_location else {
                return Err(wrong(format!("names the location {location}, which the file does not have")));
            };
            stack.extend(of_location);
            if stack.len() > MAX_DEPTH {
                return Err(wrong(format!("has more than {MAX_DEPTH} frames")));
            }
        }
        if stack.is_empty() {
            // No stack was taken; the time was spent nevertheless.
            stack.push(interner.frame(symbols::UNKNOWN, "", 0)?);
        }
        frames += stack.len();
        if frames > MAX_FRAMES {
            return Err(wrong(format!("is too much: the file has more than {MAX_FRAMES} frames in its samples")));
        }
        interner.add(&stack, count)?;
    }
    Ok(counted.units())
}

fn decode<T: Message + Default>(bytes: &[u8]) -> Result<T, Failure> {
    T::decode(short(bytes)?).map_err(|error| Failure::file(format!("is damaged: {error}")))
}

fn short(bytes: &[u8]) -> Result<&[u8], Failure> {
    if bytes.len() > MAX_MESSAGE_BYTES {
        return Err(Failure::file(format!(
            "has a message of {} bytes, and at most {MAX_MESSAGE_BYTES} are read",
            bytes.len()
        )));
    }
    Ok(bytes)
}

/// What is counted, and in which unit.
struct Type {
    name: String,
    unit: String,
}

impl Type {
    fn read(of: &ValueType, symbols: &Symbols<'_>) -> Result<Type, Failure> {
        Ok(Type { name: symbols.text(of.name)?.into_owned(), unit: symbols.text(of.unit)?.into_owned() })
    }

    /// Whether it counts samples, of whatever.
    fn is_samples(&self) -> bool {
        matches!(self.name.as_str(), "samples" | "sample") && self.unit == "count"
    }

    /// How many nanoseconds of CPU its unit has; `None` where it is no time on a CPU.
    fn cpu_nanoseconds(&self) -> Option<u64> {
        match self.unit.as_str() {
            "nanoseconds" => Some(1),
            "microseconds" => Some(1_000),
            "milliseconds" => Some(1_000_000),
            "seconds" => Some(1_000_000_000),
            _ => None,
        }
        .filter(|_| self.name == "cpu")
    }
}

/// Which of a file's values are read.
struct Counted {
    samples: Option<usize>,
    /// Also how many nanoseconds one of them is.
    cpu: Option<(usize, u64)>,
}

impl Counted {
    /// Samples are those of a CPU unless another type, or what was waited for between two of them, is of something else.
    fn of(types: &[Type], period_type: Option<&Type>) -> Result<Counted, Failure> {
        let is_cpu = |of: &Type| of.is_samples() || of.cpu_nanoseconds().is_some() || of.name.is_empty();
        let only_cpu = types.iter().chain(period_type).all(is_cpu);
        let samples = types.iter().position(Type::is_samples).filter(|_| only_cpu);
        let cpu = types.iter().enumerate().find_map(|(at, of)| Some((at, of.cpu_nanoseconds()?)));
        if samples.is_none() && cpu.is_none() {
            let shown: Vec<_> = types.iter().take(20).map(|of| format!("{}/{}", of.name, of.unit)).collect();
            let period = period_type.filter(|of| !of.name.is_empty() && types.iter().any(Type::is_samples));
            let period = period.map_or(String::new(), |of| format!(", one for each {}/{}", of.name, of.unit));
            return Err(Failure::file(format!(
                "is no CPU profile: it counts {}{period}; samples/count or cpu/nanoseconds is needed",
                if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") },
            )));
        }
        Ok(Counted { samples, cpu })
    }

    fn units(&self) -> Units {
        Units { samples: self.samples.is_some(), nanoseconds: self.cpu.is_some() }
    }

    fn count(&self, values: &[i64], types: usize) -> Result<Count, String> {
        if values.len() != types {
            return Err(format!("has {} values, and there are {types} sample types", values.len()));
        }
        let value = |at: usize| {
            let negative = |_| {
                format!("counts {}; a difference of two profiles cannot be read, only what was measured", values[at])
            };
            u64::try_from(values[at]).map_err(negative)
        };
        let samples = self.samples.map_or(Ok(0), value)?;
        let nanoseconds = match self.cpu {
            None => 0,
            Some((at, each)) => {
                value(at)?.checked_mul(each).ok_or_else(|| format!("counts {}: too much time", values[at]))?
            }
        };
        Ok(Count { samples, nanoseconds })
    }
}
