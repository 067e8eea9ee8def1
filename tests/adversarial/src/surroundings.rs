//! Tools that are asked too much, and a world that is empty.

use negawatt_host::Status::{self, Ok, OverBudget, Timeout, Trap};
use negawatt_test_guests::MISCHIEF;

use crate::attack::Attack;

pub(crate) fn attacks() -> Vec<Attack> {
    let does = |name, about, title| Attack::skill(name, about, MISCHIEF, title);
    Attack::family(
        "surroundings",
        [
            does("tool-loop", "Asks a tool until it is refused.", "tool loop").ends(OverBudget, "100 times"),
            does("tool-loop-that-does-not-listen", "Asks a tool a thousand times and ignores refusals.", "tools 1000")
                .ends(Ok, "900"),
            does("tool-that-never-answers", "Waits for an answer that never comes.", "wait")
                .limits("tool_time = \"50ms\"")
                .ends(Status::Error, "did not answer within 50ms"),
            does("waits-beyond-its-time", "Waits in a tool longer than the call may take.", "wait")
                .limits("time = \"50ms\"")
                .ends(Timeout, "wall time, tools included"),
            does("question-of-128-kib", "Asks a question of 128 KiB.", "long question")
                .ends(Status::Error, "at most 65536"),
            does("reads-more-than-it-may", "Asks for more bytes than it may read.", "read")
                .limits("read_bytes = \"512B\"")
                .ends(OverBudget, "ask for less"),
            does("allocates-for-ever", "Takes memory until it is stopped.", "allocate")
                .ends(OverBudget, "its limit is 16777216"),
            does("recurses-for-ever", "Calls itself until the stack is full.", "recurse").ends(Trap, "out of bounds"),
            does("ends-its-process", "Ends its process.", "exit").ends(Trap, "ended its process"),
            does("panics", "Panics.", "panic").ends(Trap, "unreachable"),
            does("sleeps-for-an-hour", "Sleeps for an hour: timers are virtual and over at once.", "sleep")
                .ends(Ok, "3600"),
            does("environment", "Looks for variables of the environment.", "surroundings").ends(Ok, "environment: 0"),
            does("file-system", "Reads a file of the machine.", "surroundings").ends(Ok, "file: entity not found"),
            does("folders", "Lists the folders of the machine.", "surroundings").ends(Ok, "folder: entity not found"),
            does("dials", "Dials a port of this machine without asking over HTTP.", "surroundings")
                .ends(Ok, "dialled: permission denied"),
            does("listens", "Listens on a port.", "surroundings").ends(Ok, "listened: permission denied"),
            does("looks-up", "Looks a name up.", "surroundings").ends(Ok, "resolved: uncategorized error"),
        ],
    )
}
