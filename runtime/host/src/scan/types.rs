//! Types of components, which may hold types of components: looked at without recursion, so that no depth is too much for
//! whoever looks.

use wasmparser::{
    BinaryReader, ComponentAlias, ComponentDefinedType, ComponentExternName, ComponentImport, ComponentType,
    ComponentTypeRef, CoreType,
};

use super::{Counted, ScanError, within};

/// The byte that a type of a component begins with.
const COMPONENT: u8 = 0x41;

/// The byte that a type of an instance begins with.
const INSTANCE: u8 = 0x42;

/// Looks at so many types.
pub(super) fn component_types(count: u32, reader: &mut BinaryReader<'_>) -> Result<(), ScanError> {
    // How many types, and then declarations, are left on each level.
    let mut levels = vec![count];
    while let Some(left) = levels.last_mut() {
        if *left == 0 {
            levels.pop();
            continue;
        }
        *left -= 1;
        if levels.len() > 1 && !is_type(reader)? {
            continue;
        }
        let mut ahead = reader.clone();
        match ahead.read_u8()? {
            COMPONENT | INSTANCE => {
                let declared = ahead.read_var_u32()?;
                within(Counted::TypeSize, declared.into())?;
                within(Counted::TypeDepth, levels.len() as u64)?;
                *reader = ahead;
                levels.push(declared);
            }
            _ => within(Counted::TypeSize, size(&reader.read()?))?,
        }
    }
    Ok(())
}

/// Reads a declaration inside a type of a component or an instance; where it is a type again, up to that type.
fn is_type(reader: &mut BinaryReader<'_>) -> Result<bool, ScanError> {
    let at = reader.original_position();
    match reader.read_u8()? {
        0x00 => core_type(&reader.read()?)?,
        0x01 => return Ok(true),
        0x02 => {
            reader.read::<ComponentAlias<'_>>()?;
        }
        0x03 => drop(reader.read::<ComponentImport<'_>>()?),
        0x04 => {
            reader.read::<ComponentExternName<'_>>()?;
            reader.read::<ComponentTypeRef>()?;
        }
        other => return Err(ScanError::Broken(format!("there is no declaration {other:#04x} (at byte {at})"))),
    }
    Ok(false)
}

/// Looks at a type of a core module, or of something in one.
pub(super) fn core_type(ty: &CoreType<'_>) -> Result<(), ScanError> {
    match ty {
        CoreType::Module(declared) => within(Counted::TypeSize, declared.len() as u64),
        CoreType::Rec(group) => {
            group.types().try_for_each(|ty| within(Counted::TypeSize, core_size(&ty.composite_type)))
        }
    }
}

/// How large a type of a core module is.
pub(super) fn core_size(ty: &wasmparser::CompositeType) -> u64 {
    match &ty.inner {
        wasmparser::CompositeInnerType::Func(function) => (function.params().len() + function.results().len()) as u64,
        wasmparser::CompositeInnerType::Struct(fields) => fields.fields.len() as u64,
        _ => 1,
    }
}

fn size(ty: &ComponentType<'_>) -> u64 {
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
