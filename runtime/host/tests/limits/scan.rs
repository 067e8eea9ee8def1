//! What is counted in a component before anything compiles it: at the bound, and one beyond.

use negawatt_host::limits::HostLimits;
use negawatt_host::scan::{Counted, ScanError, component};
use wasm_encoder::{
    Alias, CanonicalFunctionSection, CodeSection, Component, ComponentAliasSection, ComponentExportKind,
    ComponentExportSection, ComponentImportSection, ComponentInstanceSection, ComponentType, ComponentTypeRef,
    ComponentTypeSection, ComponentValType, CoreTypeSection, DataSection, ElementSection, Elements, EntityType,
    ExportKind, ExportSection, FieldType, Function, FunctionSection, ImportSection, InstanceSection, InstanceType,
    Instruction, Module, ModuleSection, ModuleType, NestedComponentSection, PrimitiveValType, StorageType, TypeSection,
    ValType,
};

fn scan(component_: Component) -> Result<(), ScanError> {
    component(&component_.finish(), &HostLimits { component_bytes: u64::MAX, ..HostLimits::default() })
}

/// A component with so much of it.
fn with(of: Counted, count: u64) -> Component {
    let n = u32::try_from(count).unwrap();
    let mut outer = Component::new();
    match of {
        Counted::Depth => {
            let mut innermost = Component::new();
            for _ in 1..n {
                let mut next = Component::new();
                next.section(&NestedComponentSection(&innermost));
                innermost = next;
            }
            outer.section(&NestedComponentSection(&innermost));
        }
        Counted::Parts => (0..n).for_each(|_| {
            outer.section(&ModuleSection(&Module::new()));
        }),
        Counted::Instances => {
            let mut instances = InstanceSection::new();
            (0..n).for_each(|_| {
                instances.export_items(std::iter::empty::<(&str, ExportKind, u32)>());
            });
            outer.section(&instances);
        }
        Counted::Imports => {
            // Half of them in a core module: they count together.
            let mut imports = ImportSection::new();
            (0..n / 2).for_each(|_| {
                imports.import("a", "b", wasm_encoder::EntityType::Function(0));
            });
            let mut module = Module::new();
            module.section(&imports);
            outer.section(&ModuleSection(&module));
            let mut imports = ComponentImportSection::new();
            (n / 2..n).for_each(|_| {
                imports.import("a", ComponentTypeRef::Func(0));
            });
            outer.section(&imports);
        }
        Counted::Exports => {
            let mut exports = ExportSection::new();
            (0..n / 2).for_each(|_| {
                exports.export("a", ExportKind::Func, 0);
            });
            let mut module = Module::new();
            module.section(&exports);
            outer.section(&ModuleSection(&module));
            let mut exports = ComponentExportSection::new();
            (n / 2..n).for_each(|_| {
                exports.export("a", ComponentExportKind::Func, 0, None);
            });
            outer.section(&exports);
        }
        Counted::Types => {
            let mut types = TypeSection::new();
            (0..n / 2).for_each(|_| types.ty().function([], []));
            let mut module = Module::new();
            module.section(&types);
            outer.section(&ModuleSection(&module));
            let mut types = ComponentTypeSection::new();
            (n / 2..n).for_each(|_| types.defined_type().primitive(PrimitiveValType::Bool));
            outer.section(&types);
        }
        Counted::TypeSize => {
            let mut types = ComponentTypeSection::new();
            types.defined_type().record((0..n).map(|_| ("a", ComponentValType::Primitive(PrimitiveValType::Bool))));
            outer.section(&types);
        }
        Counted::TypeDepth => {
            outer.section(&nested_types(n));
        }
        Counted::Aliases => {
            let mut aliases = ComponentAliasSection::new();
            (0..n).for_each(|_| {
                aliases.alias(Alias::InstanceExport { instance: 0, kind: ComponentExportKind::Func, name: "a" });
            });
            outer.section(&aliases);
        }
        Counted::Functions => {
            let mut code = CodeSection::new();
            (0..n).for_each(|_| {
                code.raw(&[0, 0x0b]);
            });
            outer.section(&ModuleSection(&module_of(&code)));
        }
        Counted::BodyBytes => {
            // No locals, and the end of the function, take a byte each.
            let body = [&[0][..], &vec![0x01; n as usize - 2], &[0x0b]].concat();
            let mut code = CodeSection::new();
            code.raw(&body);
            outer.section(&ModuleSection(&module_of(&code)));
        }
        Counted::Locals => {
            let groups = [(n / 2, wasm_encoder::ValType::I32), (n - n / 2, wasm_encoder::ValType::I64)];
            outer.section(&ModuleSection(&module_with(Function::new(groups), &[])));
        }
        Counted::Nesting => {
            let mut body = vec![Instruction::Block(wasm_encoder::BlockType::Empty); n as usize];
            body.resize(2 * n as usize, Instruction::End);
            outer.section(&ModuleSection(&module_with(Function::new([]), &body)));
        }
        Counted::Segments => {
            let mut data = DataSection::new();
            (0..n).for_each(|_| {
                data.passive([]);
            });
            let mut module = Module::new();
            module.section(&data);
            outer.section(&ModuleSection(&module));
        }
    }
    outer
}

fn module_with(mut function: Function, body: &[Instruction<'_>]) -> Module {
    body.iter().chain([&Instruction::End]).for_each(|instruction| {
        function.instruction(instruction);
    });
    let mut code = CodeSection::new();
    code.function(&function);
    module_of(&code)
}

fn module_of(code: &CodeSection) -> Module {
    let mut functions = FunctionSection::new();
    (0..code.len()).for_each(|_| {
        functions.function(0);
    });
    let mut module = Module::new();
    module.section(&functions).section(code);
    module
}

/// A type of a component in a type of a component, and so on.
fn nested_types(depth: u32) -> ComponentTypeSection {
    let mut section = ComponentTypeSection::new();
    let mut inner = wasm_encoder::ComponentType::new();
    for _ in 1..depth {
        let mut next = wasm_encoder::ComponentType::new();
        next.ty().component(&inner);
        inner = next;
    }
    section.component(&inner);
    section
}

#[test]
fn every_count_is_limited() {
    for of in Counted::ALL {
        assert_eq!(scan(with(of, of.most())), Ok(()), "{of}");
        let error = scan(with(of, of.most() + 1)).unwrap_err();
        assert!(
            matches!(error, ScanError::TooMany { of: found, has } if found == of && has == of.most() + 1),
            "{of}: {error}"
        );
        assert!(error.to_string().contains(&of.most().to_string()), "{error}");
    }
}

#[test]
fn counts_go_over_all_parts() {
    let half = Counted::Functions.most() / 2 + 1;
    let mut code = CodeSection::new();
    (0..half).for_each(|_| {
        code.raw(&[0, 0x0b]);
    });
    let module = module_of(&code);
    let mut outer = Component::new();
    outer.section(&ModuleSection(&module)).section(&ModuleSection(&module));
    assert!(matches!(scan(outer), Err(ScanError::TooMany { of: Counted::Functions, .. })));
}

#[test]
fn no_depth_of_types_is_too_much_for_whoever_looks() {
    // Each type holds one declaration, which is a type again; who reads this by recursion has no stack left.
    let deep = [0x41, 0x01, 0x01].repeat(1_000_000);
    let mut section = wasm_encoder::RawSection { id: 7, data: &[&[1][..], &deep].concat() };
    let mut outer = Component::new();
    outer.section(&section);
    assert!(matches!(scan(outer), Err(ScanError::TooMany { of: Counted::TypeDepth, .. })));
    section.data = &[1, 0x41, 0x01, 0x05];
    let mut outer = Component::new();
    outer.section(&section);
    assert!(matches!(scan(outer), Err(ScanError::Broken(_))));
}

#[test]
fn what_skills_are_made_of_is_accepted() {
    for wasm in [negawatt_test_guests::MISCHIEF, negawatt_test_guests::GOSSIP] {
        assert_eq!(component(wasm, &HostLimits::default()), Ok(()));
        let cut = component(&wasm[..wasm.len() - 1], &HostLimits::default());
        assert!(matches!(cut, Err(ScanError::Broken(_))), "{cut:?}");
    }
}

const BOOL: ComponentValType = ComponentValType::Primitive(PrimitiveValType::Bool);

/// A component with so much of something.
type With = fn(u32) -> Component;

/// A component with a section of one type.
fn of_type(add: impl FnOnce(&mut ComponentTypeSection)) -> Component {
    let (mut outer, mut types) = (Component::new(), ComponentTypeSection::new());
    add(&mut types);
    outer.section(&types);
    outer
}

/// A component with a section of core types.
fn of_core_types(add: impl FnOnce(&mut CoreTypeSection)) -> Component {
    let (mut outer, mut types) = (Component::new(), CoreTypeSection::new());
    add(&mut types);
    outer.section(&types);
    outer
}

#[test]
fn types_of_every_form_have_a_size() {
    let forms: [(&str, With); 10] = [
        ("variant", |n| of_type(|types| types.defined_type().variant((0..n).map(|_| ("a", None))))),
        ("tuple", |n| of_type(|types| types.defined_type().tuple((0..n).map(|_| BOOL)))),
        ("enum", |n| of_type(|types| types.defined_type().enum_type((0..n).map(|_| "a")))),
        ("component", |n| {
            let mut inner = ComponentType::new();
            (0..n).for_each(|_| inner.ty().defined_type().primitive(PrimitiveValType::Bool));
            of_type(|types| {
                types.component(&inner);
            })
        }),
        ("instance", |n| {
            let mut inner = InstanceType::new();
            (0..n).for_each(|_| inner.ty().defined_type().primitive(PrimitiveValType::Bool));
            of_type(|types| {
                types.instance(&inner);
            })
        }),
        ("variant in an instance", |n| {
            let mut inner = InstanceType::new();
            inner.ty().defined_type().variant((0..n).map(|_| ("a", None)));
            of_type(|types| {
                types.instance(&inner);
            })
        }),
        // Parameters and results count together: more than a thousand of one kind no parser reads.
        ("core function", |n| of_core_types(|types| types.ty().core().function(i32s(n / 2), i32s(n - n / 2)))),
        ("core struct", |n| {
            let field = FieldType { element_type: StorageType::I8, mutable: false };
            of_core_types(|types| types.ty().core().struct_((0..n).map(|_| field)))
        }),
        ("core module", |n| {
            let mut inner = ModuleType::new();
            (0..n).for_each(|_| {
                inner.import("a", "b", EntityType::Function(0));
            });
            of_core_types(|types| types.ty().module(&inner))
        }),
        ("core function of a module", |n| {
            let (mut outer, mut module, mut types) = (Component::new(), Module::new(), TypeSection::new());
            types.ty().function(i32s(n / 2), i32s(n - n / 2));
            module.section(&types);
            outer.section(&ModuleSection(&module));
            outer
        }),
    ];
    let most = Counted::TypeSize.most() as u32;
    for (name, with) in forms {
        assert_eq!(scan(with(most)), Ok(()), "{name}");
        let error = scan(with(most + 1)).unwrap_err();
        assert!(matches!(error, ScanError::TooMany { of: Counted::TypeSize, .. }), "{name}: {error}");
    }
}

fn i32s(n: u32) -> Vec<ValType> {
    vec![ValType::I32; n as usize]
}

#[test]
fn what_components_have_counts_like_what_modules_have() {
    let forms: [(Counted, With); 4] = [
        (Counted::Instances, |n| {
            let (mut outer, mut instances) = (Component::new(), ComponentInstanceSection::new());
            (0..n).for_each(|_| {
                instances.export_items(std::iter::empty::<(&str, ComponentExportKind, u32)>());
            });
            outer.section(&instances);
            outer
        }),
        (Counted::Types, |n| of_core_types(|types| (0..n).for_each(|_| types.ty().core().function([], [])))),
        (Counted::Functions, |n| {
            let (mut outer, mut functions) = (Component::new(), CanonicalFunctionSection::new());
            (0..n).for_each(|_| {
                functions.resource_drop(0);
            });
            outer.section(&functions);
            outer
        }),
        (Counted::Segments, |n| {
            let (mut outer, mut module, mut elements) = (Component::new(), Module::new(), ElementSection::new());
            (0..n).for_each(|_| {
                elements.passive(Elements::Functions([].as_slice().into()));
            });
            module.section(&elements);
            outer.section(&ModuleSection(&module));
            outer
        }),
    ];
    for (of, with) in forms {
        let most = of.most() as u32;
        assert_eq!(scan(with(most)), Ok(()), "{of}");
        let error = scan(with(most + 1)).unwrap_err();
        assert!(matches!(error, ScanError::TooMany { of: found, .. } if found == of), "{of}: {error}");
    }
}

#[test]
fn blocks_after_each_other_are_not_inside_each_other() {
    let block = || [Instruction::Block(wasm_encoder::BlockType::Empty), Instruction::End];
    let body: Vec<_> = (0..=Counted::Nesting.most()).flat_map(|_| block()).collect();
    let mut outer = Component::new();
    outer.section(&ModuleSection(&module_with(Function::new([]), &body)));
    assert_eq!(scan(outer), Ok(()));
}
