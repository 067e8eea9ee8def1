//! A look at a component before anything compiles it: how large, how many, how deep. It reads every byte once, holds nothing,
//! and asks no more of a component than the largest language runtimes need.

use std::fmt;

use wasmparser::{
    BinaryReaderError, ComponentDefinedType, ComponentType, CoreType, FunctionBody, Operator, Parser, Payload,
};

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
    /// Functions, over all parts.
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
    pub const ALL: [Counted; 12] = [
        Counted::Depth,
        Counted::Parts,
        Counted::Instances,
        Counted::Imports,
        Counted::Exports,
        Counted::Types,
        Counted::TypeSize,
        Counted::Functions,
        Counted::BodyBytes,
        Counted::Locals,
        Counted::Nesting,
        Counted::Segments,
    ];

    /// The most that is accepted: several times what CPython, StarlingMonkey and QuickJS need (docs/sandbox.md).
    pub const fn most(self) -> u64 {
        match self {
            Counted::Depth => 8,
            Counted::Parts => 100,
            Counted::Instances => 200,
            Counted::Imports => 5_000,
            Counted::Exports => 20_000,
            Counted::Types => 20_000,
            Counted::TypeSize => 1_000,
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
        seen.take(&payload?)?;
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

    fn take(&mut self, payload: &Payload<'_>) -> Result<(), ScanError> {
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
                        within(Counted::TypeSize, core_size(&ty.composite_type))?;
                    }
                }
                Ok(())
            }
            Payload::CoreTypeSection(section) => {
                self.add(Counted::Types, section.count())?;
                for ty in section.clone() {
                    if let CoreType::Module(declared) = ty? {
                        within(Counted::TypeSize, declared.len() as u64)?;
                    }
                }
                Ok(())
            }
            Payload::ComponentTypeSection(section) => {
                self.add(Counted::Types, section.count())?;
                for ty in section.clone() {
                    within(Counted::TypeSize, component_size(&ty?))?;
                }
                Ok(())
            }
            Payload::ImportSection(section) => self.add(Counted::Imports, section.count()),
            Payload::ComponentImportSection(section) => self.add(Counted::Imports, section.count()),
            Payload::ExportSection(section) => self.add(Counted::Exports, section.count()),
            Payload::ComponentExportSection(section) => self.add(Counted::Exports, section.count()),
            Payload::InstanceSection(section) => self.add(Counted::Instances, section.count()),
            Payload::ComponentInstanceSection(section) => self.add(Counted::Instances, section.count()),
            Payload::ElementSection(section) => self.add(Counted::Segments, section.count()),
            Payload::DataSection(section) => self.add(Counted::Segments, section.count()),
            Payload::CodeSectionStart { count, .. } => self.add(Counted::Functions, *count),
            Payload::CodeSectionEntry(body) => function(body),
            _ => Ok(()),
        }
    }
}

fn core_size(ty: &wasmparser::CompositeType) -> u64 {
    match &ty.inner {
        wasmparser::CompositeInnerType::Func(function) => (function.params().len() + function.results().len()) as u64,
        wasmparser::CompositeInnerType::Struct(fields) => fields.fields.len() as u64,
        _ => 1,
    }
}

fn component_size(ty: &ComponentType<'_>) -> u64 {
    let size = match ty {
        ComponentType::Defined(defined) => match defined {
            ComponentDefinedType::Record(fields) => fields.len(),
            ComponentDefinedType::Variant(cases) => cases.len(),
            ComponentDefinedType::Tuple(types) => types.len(),
            ComponentDefinedType::Flags(names) => names.len(),
            ComponentDefinedType::Enum(names) => names.len(),
            _ => 1,
        },
        ComponentType::Func(function) => function.params.len(),
        ComponentType::Component(declared) => declared.len(),
        ComponentType::Instance(declared) => declared.len(),
        ComponentType::Resource { .. } => 1,
    };
    size as u64
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
