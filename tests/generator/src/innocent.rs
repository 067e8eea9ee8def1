//! Changes that cost nothing.

use crate::costs::Target;
use crate::dice::Dice;
use crate::edits;
use crate::messages::About;
use crate::program::Program;
use crate::world::World;

/// Which functions and modules lie on the regressed stacks.
pub(crate) struct Zone {
    /// Functions on a regressed stack.
    hot: Vec<usize>,
    /// The other functions.
    cold: Vec<usize>,
    /// Functions in the culprit's file that are on no regressed stack.
    beside: Vec<usize>,
    /// Modules without any function on a regressed stack.
    cold_modules: Vec<usize>,
}

/// What was done.
pub(crate) struct Done {
    /// What it is about.
    pub(crate) about: About,
    /// The module.
    pub(crate) module: usize,
    /// The function, for the message.
    pub(crate) function: usize,
    /// Whether a bot did it.
    pub(crate) bot: bool,
}

impl Zone {
    /// The zones around a target.
    pub(crate) fn new(program: &Program, target: &Target) -> Self {
        let mut hot = program.stack_of(target.function);
        for other in [target.caller, target.relieved].into_iter().flatten() {
            hot.extend(program.stack_of(other));
        }
        hot.sort_unstable();
        hot.dedup();
        let cold: Vec<usize> = (0..program.functions.len()).filter(|f| !hot.contains(f)).collect();
        let home = program.functions[target.function].module;
        let beside = cold.iter().copied().filter(|f| program.functions[*f].module == home).collect();
        let cold_modules =
            (0..program.modules.len()).filter(|m| hot.iter().all(|f| program.functions[*f].module != *m)).collect();
        Self { hot, cold, beside, cold_modules }
    }
}

/// One innocent change. When `careful`, nothing that could be taken for the cause.
pub(crate) fn change(dice: &mut Dice, world: &mut World, zone: &Zone, careful: bool) -> Done {
    let module = dice.index(world.program.modules.len());
    let function = dice.index(world.program.functions.len());
    let mut done = Done { about: About::Docs, module, function, bot: false };
    let name = world.program.modules[module].name.clone();
    let number = dice.whole(1, 999);
    match dice.index(20) {
        0..=2 => {
            let path = dice.pick(&["README.md", "CHANGELOG.md", "docs/operations.md", "docs/design.md"]);
            let spoken = world.program.functions[function].name.replace('_', " ");
            world.append(path, format!("- {name}: {spoken}, see note {number}."));
        }
        3..=5 => {
            let case = format!("{}_{number}", world.program.functions[function].name);
            done.module = world.program.functions[function].module;
            world.add_test(done.module, &case, number * 3);
            done.about = About::Tests;
        }
        6 => {
            let layout = &mut world.program.modules[module].layout;
            if number % 2 == 0 {
                layout.airy = !layout.airy
            } else {
                layout.indent = 6 - layout.indent
            }
            done.about = About::Format;
        }
        7 | 8 => {
            let at = dice.index(world.dependencies.len());
            let part = 1 + dice.index(2);
            world.dependencies[at].1[part] += 1;
            done.bot = true;
            done.about = About::Build;
        }
        9 | 10 => {
            let path = *dice.pick(&[".github/workflows/ci.yml", "Dockerfile", "deploy/values.yaml", ".editorconfig"]);
            world.append(path, format!("# see {number}"));
            done.about = About::Build;
        }
        11 => {
            let at = *pick_or(dice, &zone.cold_modules, &module);
            // The frames of this dialect name the file: a move would rename them.
            if world.program.language == crate::lang::Language::Python && world.program.dialect == 1 {
                world.append("docs/design.md", format!("- note {number}"));
            } else {
                let layout = &mut world.program.modules[at].layout;
                layout.nested = !layout.nested;
                done.about = About::Rename;
            }
            done.module = at;
        }
        12 => {
            let at = if careful { *pick_or(dice, &zone.cold_modules, &module) } else { module };
            if careful && zone.cold_modules.is_empty() {
                world.append("docs/design.md", format!("- note {number}"));
            } else {
                let value = if number % 2 == 0 {
                    dice.whole(2, 99).to_string()
                } else {
                    format!("{:.2}", dice.between(0.1, 9.0))
                };
                let constants = &mut world.program.modules[at].constants;
                let which = usize::from(value.contains('.'));
                constants[which].1 = value;
                done.about = About::Constant;
            }
            done.module = at;
        }
        13 => {
            let helper = (format!("scale_by_{number}"), format!("{:.1}", dice.between(0.5, 9.0)));
            world.program.modules[module].helpers.push(helper);
            done.about = About::Helper;
        }
        14 => {
            let at = *pick_or(dice, &zone.hot, &function);
            edits::comment_only(dice, &mut world.program, at);
            done.function = at;
            done.module = world.program.functions[at].module;
            done.about = About::Code;
        }
        15 | 16 if !zone.beside.is_empty() => {
            let at = *dice.pick(&zone.beside);
            edits::tweak(dice, &mut world.program, at);
            done = Done { about: About::Code, module: world.program.functions[at].module, function: at, bot: false };
        }
        17 if !careful => {
            let at = *pick_or(dice, &zone.hot, &function);
            edits::tweak(dice, &mut world.program, at);
            done = Done { about: About::Code, module: world.program.functions[at].module, function: at, bot: false };
        }
        _ => {
            if let Some(at) = elsewhere(dice, world, zone) {
                done =
                    Done { about: About::Code, module: world.program.functions[at].module, function: at, bot: false };
            } else {
                world.append("docs/design.md", format!("- note {number}"));
            }
        }
    }
    done
}

/// Changes a function that is on no regressed stack.
pub(crate) fn elsewhere(dice: &mut Dice, world: &mut World, zone: &Zone) -> Option<usize> {
    if zone.cold.is_empty() {
        return None;
    }
    let at = *dice.pick(&zone.cold);
    edits::tweak(dice, &mut world.program, at);
    Some(at)
}

fn pick_or<'a, T>(dice: &mut Dice, items: &'a [T], otherwise: &'a T) -> &'a T {
    if items.is_empty() { otherwise } else { dice.pick(items) }
}
