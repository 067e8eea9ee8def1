//! The budget of a case is one for all steps: each of its parts tripped, and not tripped just below.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use negawatt_casebook::{Case, Ending};
use negawatt_host::Status;
use negawatt_host::grants::Grant;
use negawatt_host::limits::CaseLimits;
use negawatt_host::model::FindingBody;
use negawatt_planner::{Decision, Planner, SearchPlanner, Situation};

use crate::world::{World, ended, grant, mischief};

const NAMES: [&str; 3] = ["one", "two", "three"];

fn world(budget: CaseLimits) -> World {
    let mut world = World::new(&NAMES.map(mischief), &[grant("*")]);
    world.runtime.budget = budget;
    world
}

async fn case(title: &str, budget: CaseLimits) -> (Ending, Case) {
    let case = world(budget).case(title).await;
    (case.concluded().unwrap().ending, case)
}

/// The numbers that all notes of a case hold.
fn noted(case: &Case) -> Vec<u64> {
    let numbers = case.board.iter().map(|posted| match &posted.evidence.finding.body {
        FindingBody::Note(text) => text.parse().unwrap(),
        other => panic!("{other:?}"),
    });
    numbers.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn steps() {
    let budget = |steps| CaseLimits { steps, ..CaseLimits::default() };
    let (ending, short) = case("nothing", budget(2)).await;
    assert_eq!((ending, short.steps.len()), (Ending::BudgetSpent, 2));
    let (ending, enough) = case("nothing", budget(4)).await;
    assert_eq!((ending, enough.steps.len()), (Ending::GoalReached, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_tools_over_the_steps_of_one_wave() {
    let budget = |tool_calls| CaseLimits { tool_calls, ..CaseLimits::default() };
    // Each of three asks five times, at the same time.
    let (ending, short) = case("tools 5", budget(14)).await;
    assert_eq!((ending, short.usage.tool_calls), (Ending::BudgetSpent, 14));
    assert_eq!(noted(&short).iter().sum::<u64>(), 1, "one question was refused");
    let refused = short.steps.iter().flat_map(|step| &step.calls[0].answers).filter_map(|answer| answer.error.as_ref());
    let refused: Vec<_> = refused.collect();
    assert!(refused.len() == 1 && refused[0].contains("the 14 calls of tools that the case may make"), "{refused:?}");

    let (ending, enough) = case("tools 5", budget(16)).await;
    assert_eq!((ending, enough.usage.tool_calls), (Ending::GoalReached, 15));
    assert_eq!(noted(&enough), [0, 0, 0]);
    let (_, exactly) = case("tools 5", budget(15)).await;
    assert_eq!(noted(&exactly), [0, 0, 0]);

    // Whoever goes on asking gets no more, and the record does not grow with it.
    let (_, greedy) = case("tools 900", budget(10)).await;
    assert_eq!((greedy.usage.tool_calls, noted(&greedy).iter().sum::<u64>()), (10, 2_690));
    assert!(greedy.steps.iter().map(|step| step.calls[0].answers.len()).sum::<usize>() <= 13);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_over_the_steps_of_one_wave() {
    let budget = |read_bytes| CaseLimits { read_bytes, ..CaseLimits::default() };
    let (_, whole) = case("tools 4", CaseLimits::default()).await;
    let bytes = whole.usage.read_bytes;
    assert!(bytes > 12 * 800, "{bytes}");
    let (ending, enough) = case("tools 4", budget(bytes + 1)).await;
    assert_eq!((ending, enough.usage.read_bytes), (Ending::GoalReached, bytes));
    assert_eq!(noted(&enough), [0, 0, 0]);
    let (ending, short) = case("tools 4", budget(bytes - 1)).await;
    assert_eq!((ending, short.usage.read_bytes), (Ending::BudgetSpent, bytes - 1));
    assert_eq!(noted(&short).iter().sum::<u64>(), 1);
    let (ending, much_less) = case("tools 4", budget(bytes / 3)).await;
    assert_eq!((ending, much_less.usage.read_bytes), (Ending::BudgetSpent, bytes / 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn wall_time() {
    let short = world(CaseLimits { time: Duration::from_millis(200), ..CaseLimits::default() });
    let case = short.case("wait").await;
    assert_eq!(case.concluded().unwrap().ending, Ending::TimeOver);
    assert_eq!(ended(&case), NAMES.map(|name| (name, Status::Timeout)));
    let message = case.steps[0].calls[0].message.as_deref().unwrap();
    assert!(message.contains("wall time that the case may take"), "{message}");
    assert!(short.book.standings().unwrap().is_empty(), "it is no fault of theirs");

    let enough = world(CaseLimits { time: Duration::from_secs(120), ..CaseLimits::default() }).case("read").await;
    assert_eq!(enough.concluded().unwrap().ending, Ending::GoalReached);
    assert_eq!(noted(&enough), [100, 100, 100]);
}

#[tokio::test(flavor = "multi_thread")]
async fn that_a_case_has_no_more_is_no_fault_of_a_skill() {
    let world = world(CaseLimits { tool_calls: 4, ..CaseLimits::default() });
    let case = world.case("tool loop").await;
    assert_eq!(ended(&case), NAMES.map(|name| (name, Status::OverBudget)));
    assert!(world.book.standings().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skill_is_told_the_smaller_of_its_limits_and_of_what_is_left_or_nothing_of_the_case() {
    let told = async |budget, may_export| {
        let mut world = World::new(&NAMES.map(mischief), &[Grant { may_export, ..grant("*") }]);
        world.runtime.budget = budget;
        let case = world.case("budget").await;
        case.board
            .iter()
            .map(|posted| match &posted.evidence.finding.body {
                FindingBody::Note(text) => text.clone(),
                other => panic!("{other:?}"),
            })
            .collect::<Vec<_>>()
    };
    let some = CaseLimits { tool_calls: 7, read_bytes: 5_000, ..CaseLimits::default() };
    assert_eq!(told(some.clone(), true).await, ["7 5000"; 3]);
    assert_eq!(told(CaseLimits::default(), true).await, ["1000 67108864"; 3]);
    // What others spent is none of the business of a skill that an operator loaded.
    assert_eq!(told(some, false).await, ["1000 67108864"; 3]);
}

/// Remembers what it was told is left.
struct Remembers(Mutex<Vec<CaseLimits>>);

impl Planner for Remembers {
    fn next(&self, situation: &Situation<'_>) -> Decision {
        self.0.lock().unwrap().push(situation.left.clone());
        SearchPlanner.next(situation)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planner_sees_what_is_left_and_a_case_keeps_its_budget() {
    let planner = Arc::new(Remembers(Mutex::default()));
    let mut world = world(CaseLimits { steps: 9, tool_calls: 100, ..CaseLimits::default() });
    world.runtime.planner = planner.clone();
    let open = world.opened("tools 5").await;
    // Another budget is for other cases.
    world.runtime.budget = CaseLimits { steps: 1, tool_calls: 1, ..CaseLimits::default() };
    planner.0.lock().unwrap().clear();
    let case = world.resume(&open).await;
    let seen = planner.0.lock().unwrap().clone();
    let counts: Vec<_> = seen.iter().map(|left| (left.steps, left.tool_calls)).collect();
    assert_eq!(counts, [(9, 100), (6, 85)]);
    assert_eq!(seen[0].read_bytes - seen[1].read_bytes, case.usage.read_bytes);
    assert!(seen[1].time <= seen[0].time && seen[1].time > Duration::ZERO);
}
