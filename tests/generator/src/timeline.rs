//! When something lands on the main branch, and what it is for.

use crate::clock::{DAY, HOUR, MINUTE, Seconds};
use crate::dice::Dice;
use crate::plan::{Course, Plan};
use crate::scenario::Scenario;

/// What a time on the main branch is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Slot {
    /// A module appears.
    Found(usize),
    /// Something harmless.
    Innocent,
    /// The cause.
    Cause,
    /// The cause is taken back.
    Undo,
}

/// The times of the main branch and what they are for.
pub(crate) fn timeline(dice: &mut Dice, plan: &Plan, modules: usize) -> Vec<(Seconds, Slot)> {
    let (start, end) = plan.window;
    let first = start - dice.whole(9, 35) * DAY;
    let mut slots = Vec::new();
    let mut time = first;
    for module in (0..modules).rev() {
        slots.push((time, Slot::Found(module)));
        time += dice.whole(20, 600) * MINUTE / 2;
    }
    let background = dice.whole(18, 46);
    let tail = if dice.chance(0.4) { DAY / 2 } else { 0 };
    for _ in 0..background {
        let mut at = dice.whole(time + HOUR, end + tail);
        // Mostly in working hours.
        if !(6 * HOUR..20 * HOUR).contains(&at.rem_euclid(DAY)) && dice.chance(0.8) {
            at = (at - at.rem_euclid(DAY) + dice.whole(7 * HOUR, 19 * HOUR)).min(end + tail);
        }
        slots.push((at, Slot::Innocent));
    }
    for _ in 0..dice.whole(2, 6) {
        slots.push((dice.whole(plan.landed - 4 * HOUR, plan.live + HOUR), Slot::Innocent));
    }
    if plan.live - plan.landed > 10 * MINUTE && dice.chance(0.7) {
        slots.push((dice.whole(plan.landed + MINUTE, plan.live - MINUTE), Slot::Innocent));
    }
    if dice.chance(0.7) {
        slots.push((plan.landed - dice.whole(MINUTE, 40 * MINUTE), Slot::Innocent));
    }
    if plan.scenario == Scenario::Distractors {
        let hour = plan.landed - plan.landed.rem_euclid(HOUR);
        for _ in 0..dice.whole(16, 24) {
            slots.push((dice.whole(hour, hour + HOUR - 1), Slot::Innocent));
        }
    }
    let by_commit = plan.scenario.blames_commit()
        || matches!(plan.scenario, Scenario::Improvement | Scenario::Late | Scenario::CostShift)
        || (plan.scenario == Scenario::Spike && dice.chance(0.4));
    if by_commit {
        slots.push((plan.landed, Slot::Cause));
    }
    if let (Course::Spike(from, until), true) = (plan.course, by_commit) {
        slots.push(((until - dice.whole(1, 15) * MINUTE).max(from + MINUTE), Slot::Undo));
    }
    // The cause keeps its time; the others make room.
    let cause = slots.iter().position(|(_, slot)| *slot == Slot::Cause);
    if let Some(cause) = cause {
        for index in (0..slots.len()).filter(|i| *i != cause) {
            if (slots[index].0 - plan.landed).abs() < 5 {
                slots[index].0 = plan.landed - 7;
            }
        }
    }
    slots.sort_by_key(|(time, slot)| (*time, matches!(slot, Slot::Cause)));
    slots
}
