//! A look at a component before anything compiles it: how large, how many, how deep. It reads every byte once, holds nothing,
//! and asks no more of a component than the largest language runtimes need.

mod types;

use std::fmt;

use wasmparser::{BinaryReader, BinaryReaderError, FunctionBody, Operator, Parser, Payload};

use crate::limits::HostLimits;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Components inside components.
    Depth,
    /// Core modules and components.
    Parts,
    /// Instances of core modules and components, which a sandbox makes before it runs anything.
    Instances,
    /// Imports, over all parts.
    Imports,
    /// Exports, over all parts.
    Exports,
    /// Types, over all parts.
    Types,
    /// Fields, cases or parameters of one type.
    TypeSize,
    /// Types of components and instances inside of each other.
    TypeDepth,
    /// Names for what is inside a part, over all components.
    Aliases,
    /// Functions, over all parts, with those that pass values between components.
    Functions,
    /// Bytes of one function's body.
    BodyBytes,
    /// Local variables of one function.
    Locals,
    /// Blocks inside blocks of one function.
    Nesting,
    /// Elements and data segments, over all parts.
    Segments,
}

impl Counted {
    /// All of them.
    pub const ALL: [Counted; 14] = [
        Counted::Depth,
        Counted::Parts,
        Counted::Instances,
        Counted::Imports,
        Counted::Exports,
        Counted::Types,
        Counted::TypeSize,
        Counted::TypeDepth,
        Counted::Aliases,
        Counted::Functions,
        Counted::BodyBytes,
        Counted::Locals,
        Counted::Nesting,
        Counted::Segments,
    ];

    /// The most that is accepted. A skill in Python, with CPython in it (18 MB), stays below all of them.
    pub const fn most(self) -> u64 {
        match self {
            Counted::Depth => 8,
            Counted::Parts => 100,
            Counted::Instances => 200,
            Counted::Imports => 5_000,
            Counted::Exports => 20_000,
            Counted::Types => 20_000,
            Counted::TypeSize => 1_000,
            Counted::TypeDepth => 20,
            Counted::Aliases => 50_000,
            Counted::Functions => 200_000,
            Counted::BodyBytes => 1 << 20,
            Counted::Locals => 20_000,
            Counted::Nesting => 2_000,
            Counted::Segments => 100_000,
        }
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Counted::Depth => "components inside components",
            Counted::Parts => "modules and components",
            Counted::Instances => "instances",
            Counted::Imports => "imports",
            Counted::Exports => "exports",
            Counted::Types => "types",
            Counted::TypeSize => "fields, cases or parameters of one type",
            Counted::TypeDepth => "types inside types",
            Counted::Aliases => "aliases",
            Counted::Functions => "functions",
            Counted::BodyBytes => "bytes of one function",
            Counted::Locals => "local variables of one function",
            Counted::Nesting => "blocks inside blocks of one function",
            Counted::Segments => "segments of elements and data",
        })
    }
}

/// Why a component is not compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// Too large as a whole.
    #[error("the component has {has} bytes, and the host takes {most}; an operator can raise [host] component_bytes")]
    Bytes {
        /// How many it has.
        has: u64,
        /// How many are taken.
        most: u64,
    },
    /// Too much of something in it.
    #[error("it has {has} {of}, and {} are accepted; make it smaller", of.most())]
    TooMany {
        /// Of what.
        of: Counted,
        /// How many were counted before it was given up.
        has: u64,
    },
    /// It cannot be read to its end.
    #[error("this is not a WebAssembly component: {0}")]
    Broken(String),
}

impl From<BinaryReaderError> for ScanError {
    fn from(error: BinaryReaderError) -> ScanError {
        ScanError::Broken(error.message().to_owned())
    }
}

/// Counts what a component has; the first that is too much ends it.
pub fn component(wasm: &[u8], limits: &HostLimits) -> Result<(), ScanError> {
    let (has, most) = (wasm.len() as u64, limits.component_bytes);
    if has > most {
        return Err(ScanError::Bytes { has, most });
    }
    let mut seen = Seen::default();
    for payload in Parser::new(0).parse_all(wasm) {
        seen.take(&payload?, wasm)?;
    }
    Ok(())
}

/// What was counted so far.
#[derive(Default)]
struct Seen {
    depth: u64,
    totals: [u64; Counted::ALL.len()],
}

/// Refuses what is too much.
fn within(of: Counted, has: u64) -> Result<(), ScanError> {
    if has > of.most() { Err(ScanError::TooMany { of, has }) } else { Ok(()) }
}

impl Seen {
    fn add(&mut self, of: Counted, more: u32) -> Result<(), ScanError> {
        let total = &mut self.totals[of as usize];
        *total += u64::from(more);
        within(of, *total)
    }

    fn take(&mut self, payload: &Payload<'_>, wasm: &[u8]) -> Result<(), ScanError> {
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                self.depth += 1;
                within(Counted::Depth, self.depth)?;
                self.add(Counted::Parts, 1)
            }
            Payload::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                Ok(())
            }
            Payload::TypeSection(section) => {
                self.add(Counted::Types, section.count())?;
                for group in section.clone() {
                    for ty in group?.types() {
                        within(Counted::TypeSize, types::core_size(&ty.composite_type))?;
                    }
                }
                Ok(())
            }
            Payload::CoreTypeSection(section) => {
                self.add(Counted::Types, section.count())?;
                section.clone().into_iter().try_for_each(|ty| types::core_type(&ty?))
            }
            Payload::ComponentTypeSection(section) => {
                self.add(Counted::Types, section.count())?;
                let range = section.original_position()..section.range().end;
                let bytes = wasm.get(range.clone()).unwrap_or_default();
                types::component_types(section.count(), &mut BinaryReader::new(bytes, range.start))
            }
            Payload::ImportSection(section) => self.add(Counted::Imports, section.count()),
            Payload::ComponentImportSection(section) => self.add(Counted::Imports, section.count()),
            Payload::ExportSection(section) => self.add(Counted::Exports, section.count()),
            Payload::ComponentExportSection(section) => self.add(Counted::Exports, section.count()),
            Payload::InstanceSection(section) => self.add(Counted::Instances, section.count()),
            Payload::ComponentInstanceSection(section) => self.add(Counted::Instances, section.count()),
            Payload::ComponentAliasSection(section) => self.add(Counted::Aliases, section.count()),
            Payload::ComponentCanonicalSection(section) => self.add(Counted::Functions, section.count()),
            Payload::ElementSection(section) => self.add(Counted::Segments, section.count()),
            Payload::DataSection(section) => self.add(Counted::Segments, section.count()),
            Payload::CodeSectionStart { count, .. } => self.add(Counted::Functions, *count),
            Payload::CodeSectionEntry(body) => function(body),
            _ => Ok(()),
        }
    }
}

fn function(body: &FunctionBody<'_>) -> Result<(), ScanError> {
    within(Counted::BodyBytes, body.range().len() as u64)?;
    let mut locals = 0;
    for group in body.get_locals_reader()? {
        locals += u64::from(group?.0);
        within(Counted::Locals, locals)?;
    }
    let mut depth = 0u64;
    for operator in body.get_operators_reader()? {
        match operator? {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } | Operator::TryTable { .. } => {
                depth += 1;
                within(Counted::Nesting, depth)?;
            }
            Operator::End => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}
