//! What calls, the host and cases may spend: one table each, from which the types, the reader and the schema are made.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::place::ConfigError;
use crate::reader::{Field, Section};

/// What a limit counts, which decides how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes, as `"64MiB"`.
    Size,
    /// Time, as `"2s"`.
    Time,
    /// A whole number.
    Count,
}

/// A limit that can be written in a configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// Its key.
    pub name: &'static str,
    /// What it limits.
    pub about: &'static str,
    /// How it is written.
    pub unit: Unit,
    /// What holds where nobody says otherwise, as it would be written; absent where there is no limit then.
    pub default: Option<String>,
    /// The most that can be written.
    pub most: String,
}

/// A type of limits: how it is read and written.
pub(crate) trait Value: Copy + PartialOrd + 'static {
    const UNIT: Unit;
    /// Not limited unless somebody says so.
    const NONE: Self;
    fn read(field: &Field<'_>) -> Result<Self, ConfigError>;
    fn write(self) -> String;
}

impl Value for u64 {
    const UNIT: Unit = Unit::Size;
    const NONE: u64 = u64::MAX;
    fn read(field: &Field<'_>) -> Result<u64, ConfigError> {
        field.size()
    }
    fn write(self) -> String {
        crate::units::write_size(self)
    }
}

/// Units of fuel, about one an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fuel(pub u64);

impl Fuel {
    /// Instructions are not counted.
    pub const UNCOUNTED: Fuel = Fuel(u64::MAX);
}

impl Value for Fuel {
    const UNIT: Unit = Unit::Count;
    const NONE: Fuel = Fuel::UNCOUNTED;
    fn read(field: &Field<'_>) -> Result<Fuel, ConfigError> {
        field.long_count().map(Fuel)
    }
    fn write(self) -> String {
        self.0.to_string()
    }
}

impl Value for u32 {
    const UNIT: Unit = Unit::Count;
    const NONE: u32 = u32::MAX;
    fn read(field: &Field<'_>) -> Result<u32, ConfigError> {
        field.count()
    }
    fn write(self) -> String {
        self.to_string()
    }
}

impl Value for Duration {
    const UNIT: Unit = Unit::Time;
    const NONE: Duration = Duration::MAX;
    fn read(field: &Field<'_>) -> Result<Duration, ConfigError> {
        field.duration()
    }
    fn write(self) -> String {
        crate::units::write_duration(self)
    }
}

/// Reads a limit; `most` is the most that can be written.
pub(crate) fn read<T: Value>(section: &Section<'_>, key: &str, most: T) -> Result<Option<T>, ConfigError> {
    let Some(field) = section.field(key) else { return Ok(None) };
    let value = T::read(&field)?;
    if value > most {
        let most = most.write();
        let most = if T::UNIT == Unit::Count { most } else { format!("{most:?}") };
        return Err(field.error("is more than can be allowed", format!("write at most {most}")));
    }
    Ok(Some(value))
}

/// A limit that can be written.
pub(crate) fn limit<T: Value>(name: &'static str, about: &'static str, default: T, most: T) -> Limit {
    let default = Some(default).filter(|value| *value != T::NONE).map(T::write);
    Limit { name, about, unit: T::UNIT, default, most: most.write() }
}

macro_rules! limits {
    ($(#[$about:meta])* $full:ident, $(#[$change_about:meta])* $change:ident {
        $($(#[doc = $doc:literal])+ $name:ident: $type:ty = $default:expr, $most:expr;)*
    }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        // In records of older versions later limits are missing.
        #[serde(default)]
        pub struct $full {
            $($(#[doc = $doc])+ pub $name: $type,)*
        }

        $(#[$change_about])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $change {
            $(#[doc = concat!("See [`", stringify!($full), "::", stringify!($name), "`].")] pub $name: Option<$type>,)*
        }

        impl Default for $full {
            fn default() -> Self {
                $full { $($name: $default,)* }
            }
        }

        impl $full {
            /// Each limit: its key, and the value as it would be written; absent where it limits nothing.
            pub fn written(&self) -> Vec<(&'static str, Option<String>)> {
                vec![$({
                    let value = Some(self.$name).filter(|value| *value != <$type as Value>::NONE);
                    (stringify!($name), value.map(Value::write))
                },)*]
            }

            /// Every limit, with its key, default and bound.
            pub fn all() -> Vec<Limit> {
                vec![$(limit::<$type>(stringify!($name), concat!($($doc),+).trim_ascii(), $default, $most),)*]
            }
        }

        impl $change {
            /// Lays the change over other limits.
            pub fn over(&self, limits: $full) -> $full {
                $full { $($name: self.$name.unwrap_or(limits.$name),)* }
            }

            /// Each limit that is changed: its key, and the value as it would be written.
            pub fn written(&self) -> Vec<(&'static str, String)> {
                let mut written = Vec::new();
                $(if let Some(value) = self.$name { written.push((stringify!($name), Value::write(value))); })*
                written
            }

            /// From a section whose keys are known to it.
            pub(crate) fn read(section: &Section<'_>) -> Result<$change, ConfigError> {
                Ok($change { $($name: read(section, stringify!($name), $most)?,)* })
            }
        }
    };
}

pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
pub(crate) const KIB: u64 = 1 << 10;
pub(crate) const MIB: u64 = 1 << 20;
pub(crate) const GIB: u64 = 1 << 30;

/// Bytes of memory that no configuration can exceed: the size of a slot of the host's pool.
pub const MAX_MEMORY: u64 = GIB;

/// Calls at the same time that no configuration can exceed: the slots of the host's pool.
pub const MAX_CALLS: u32 = 64;

limits! {
    /// What one call of a skill may spend. Every limit is enforced by the host and has a test that trips it.
    ///
    /// The defaults are what a laptop does not notice, and several times what the bundled skills need on a series of 100,000
    /// points, since time passes for a call also while a busy machine does something else.
    Limits,
    /// Limits of calls that `[limits]` or a grant sets; the others stay.
    LimitsChange {
        /// Bytes of all linear memories and tables together.
        memory: u64 = 64 * MIB, MAX_MEMORY;
        /// Wall time, tools included.
        time: Duration = Duration::from_secs(10), HOUR;
        /// Time in the guest alone.
        compute: Duration = Duration::from_secs(5), HOUR;
        /// Wall time of one call of a tool; one that takes longer is answered `unavailable`.
        tool_time: Duration = Duration::from_secs(8), HOUR;
        /// Fuel, about one unit an instruction; where nobody asks for it, instructions are not counted.
        fuel: Fuel = Fuel::UNCOUNTED, Fuel(i64::MAX.cast_unsigned());
        /// Handles of resources at a time.
        handles: u32 = 1_000, 1_000_000;
        /// Calls of tools.
        tool_calls: u32 = 1_000, 1_000_000;
        /// Bytes of questions to tools and of their answers.
        read_bytes: u64 = 64 * MIB, 4 * GIB;
        /// Findings.
        findings: u32 = 256, 100_000;
        /// Bytes of one finding.
        finding_bytes: u64 = 64 * KIB, 64 * MIB;
        /// Bytes of all findings together.
        findings_bytes: u64 = MIB, GIB;
        /// Bytes of one text in a finding.
        text_bytes: u64 = 32 * KIB, 64 * MIB;
        /// Links from one finding to evidence.
        links: u32 = 64, 10_000;
        /// Lines of its log, and of what is written to standard output and error, each; further ones are dropped.
        log_lines: u32 = 1_000, 1_000_000;
        /// Bytes of log lines, and of what is written to standard output and error, each; what is more is dropped.
        log_bytes: u64 = 64 * KIB, 64 * MIB;
        /// Tokens that language models read and write.
        model_tokens: u32 = 50_000, 100_000_000;
        /// Requests over HTTP at a time.
        http_at_once: u32 = 4, 64;
        /// Bytes of one request over HTTP, with its headers.
        http_request_bytes: u64 = MIB, GIB;
        /// Bytes of one response over HTTP, with its headers.
        http_response_bytes: u64 = 8 * MIB, GIB;
    }
}

limits! {
    /// What the host allows all skills together, and what it accepts as a skill.
    HostLimits,
    /// Limits of the host that `[host]` sets; the others stay.
    HostLimitsChange {
        /// Calls at the same time; further ones wait for a place.
        calls: u32 = MAX_CALLS, MAX_CALLS;
        /// Calls of one skill at the same time; further ones wait.
        calls_per_skill: u32 = 16, MAX_CALLS;
        /// Bytes of a component.
        component_bytes: u64 = 64 * MIB, GIB;
        /// Time to compile a component that is not bundled.
        compile_time: Duration = Duration::from_secs(60), HOUR;
        /// Memory to compile a component that is not bundled.
        compile_memory: u64 = 2 * GIB, 64 * GIB;
        /// Bytes of compiled code that are kept; what was used longest ago goes first.
        compiled_bytes: u64 = 4 * GIB, 1024 * GIB;
        /// Failures in a row (traps, time-outs, limits, findings that do not hold) after which a skill is put aside.
        failures: u32 = 5, 1_000_000;
    }
}

limits! {
    /// What a case may spend, shared by its steps.
    CaseLimits,
    /// Limits of cases that `[case]` sets; the others stay.
    CaseLimitsChange {
        /// Steps.
        steps: u32 = 64, 10_000;
        /// Calls of tools, over all steps.
        tool_calls: u32 = 20_000, 100_000_000;
        /// Bytes of questions to tools and of their answers, over all steps.
        read_bytes: u64 = GIB, 1024 * GIB;
        /// Wall time.
        time: Duration = Duration::from_secs(300), Duration::from_secs(24 * 3_600);
    }
}
