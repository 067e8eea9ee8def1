//! Components that are small for a reader and enormous for a compiler or for whoever makes instances.

use negawatt_package::pack;
use wasm_encoder::{BlockType, InstanceSection};
use wasm_encoder::{
    CodeSection, Component, Function, FunctionSection, Instruction, Module, ModuleSection, NestedComponentSection,
    TypeSection, ValType,
};

use crate::attack::{Attack, Ending};

pub(crate) fn attacks() -> Vec<Attack> {
    let refused = |name, about, make, says| Attack::bytes(name, about, make).must(Ending::Refused, says);
    Attack::family(
        "structure",
        [
            refused(
                "thousands-of-instances",
                "Has five thousand instances of a module.",
                thousands_of_instances,
                "instances, and 200 are accepted",
            ),
            refused(
                "thousands-of-modules",
                "Has five thousand modules.",
                thousands_of_modules,
                "modules and components, and 100 are accepted",
            ),
            refused(
                "components-inside-components",
                "Has fifty components inside each other.",
                nested_components,
                "components inside components",
            ),
            refused(
                "blocks-inside-blocks",
                "Has a function of a hundred thousand blocks inside each other.",
                || one_function([], 100_000),
                "blocks inside blocks",
            ),
            refused(
                "a-million-variables",
                "Has a function of a million variables.",
                || one_function([(1_000_000, ValType::I64)], 0),
                "local variables of one function",
            ),
            refused(
                "function-of-two-megabytes",
                "Has a function of two megabytes.",
                || function(Function::new([]), 1 << 21),
                "bytes of one function",
            ),
            refused(
                "hundreds-of-thousands-of-functions",
                "Has three hundred thousand functions.",
                thousands_of_functions,
                "functions, and 200000 are accepted",
            ),
            refused(
                "type-of-thousands-of-parameters",
                "Has a function that takes five thousand parameters.",
                large_type,
                "params size is out of bounds",
            ),
        ],
    )
}

/// A component that passes for a skill until somebody looks inside.
fn skill(component: Component) -> Vec<u8> {
    let manifest = "---\nname: structure\ndescription: Hostile on purpose.\nmetadata:\n  negawatt.consumes: \"\"\n  \
        negawatt.reads: \"\"\n  negawatt.produces: note\n  negawatt.tools: \"\"\n  negawatt.version: \"0.1.0\"\n---\n";
    // What cannot be packed is refused as that, which the scoreboard shows.
    pack(&component.finish(), manifest).unwrap_or_default()
}

fn thousands_of_instances() -> Vec<u8> {
    let mut component = Component::new();
    component.section(&ModuleSection(&Module::new()));
    let mut instances = InstanceSection::new();
    for _ in 0..5_000 {
        instances.instantiate(0, Vec::<(&str, wasm_encoder::ModuleArg)>::new());
    }
    component.section(&instances);
    skill(component)
}

fn thousands_of_modules() -> Vec<u8> {
    let mut component = Component::new();
    for _ in 0..5_000 {
        component.section(&ModuleSection(&Module::new()));
    }
    skill(component)
}

fn nested_components() -> Vec<u8> {
    let mut component = Component::new();
    for _ in 0..50 {
        let mut outer = Component::new();
        outer.section(&NestedComponentSection(&component));
        component = outer;
    }
    skill(component)
}

/// One function with variables and blocks inside each other.
fn one_function<const N: usize>(variables: [(u32, ValType); N], blocks: usize) -> Vec<u8> {
    let mut body = Function::new(variables);
    for _ in 0..blocks {
        body.instruction(&Instruction::Block(BlockType::Empty));
    }
    for _ in 0..blocks {
        body.instruction(&Instruction::End);
    }
    function(body, 0)
}

/// One function, padded with instructions that do nothing.
fn function(mut body: Function, padding: usize) -> Vec<u8> {
    for _ in 0..padding {
        body.instruction(&Instruction::Nop);
    }
    body.instruction(&Instruction::End);
    functions(&body, 1)
}

fn thousands_of_functions() -> Vec<u8> {
    let mut body = Function::new([]);
    body.instruction(&Instruction::End);
    functions(&body, 300_000)
}

fn functions(body: &Function, how_many: usize) -> Vec<u8> {
    let (mut types, mut declared, mut code) = (TypeSection::new(), FunctionSection::new(), CodeSection::new());
    types.ty().function([], []);
    for _ in 0..how_many {
        declared.function(0);
        code.function(body);
    }
    let mut module = Module::new();
    module.section(&types).section(&declared).section(&code);
    let mut component = Component::new();
    component.section(&ModuleSection(&module));
    skill(component)
}

fn large_type() -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I64; 5_000], []);
    let mut module = Module::new();
    module.section(&types);
    let mut component = Component::new();
    component.section(&ModuleSection(&module));
    skill(component)
}
