"""What is recorded: the window, its slots, the day's load, and what changed beside the code."""

import datetime
import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
UTC = datetime.timezone.utc

SERVICE = "shop"
METRIC = "cpu_seconds_per_request"
WINDOW_START = datetime.datetime(2026, 11, 10, tzinfo=UTC)
WINDOW_END = datetime.datetime(2026, 11, 12, tzinfo=UTC)
SLOT = datetime.timedelta(minutes=10)
PROFILE = datetime.timedelta(hours=1)

# Every slot is run so often. A run is measured for so long, and the first of a slot is profiled for so long after that.
ROUNDS = 4
MEASURED_SECONDS = 1.0
PROFILED_SECONDS = 1.0

# The day's load: fewest requests at QUIETEST o'clock, most twelve hours later.
QUIET_RATE = 3000
BUSY_RATE = 7000
QUIETEST = 4

# What was set for the running service, and what was tried out on its visitors. Both are really done: the one is in the
# server's environment from then on, the other in the requests that the load sends meanwhile.
SETTING = {
    "id": "setting-118",
    "time": "2026-11-10T13:41:12Z",
    "service": SERVICE,
    "key": "MALLOC_ARENA_MAX",
    "before": "8",
    "after": "4",
    "author": "Marta Oliveira <marta.oliveira@example.com>",
}
EXPERIMENT = {
    "id": "experiment-27",
    "service": SERVICE,
    "name": "a fifth of the visitors browse all categories at once",
    "start": "2026-11-10T13:22:30Z",
    "end": "2026-11-11T15:00:00Z",
    "author": "Daniel Okafor <d.okafor@example.com>",
}
EXPERIMENT_PERCENT = 20

# The change that the demo is about: for tests, not for anything that investigates.
TRUTH = "0034-let-shops-override-discount-patterns.patch"
# Runs beside the window tell apart what came with the change: at the rate of its slot, on the revision before it, with
# one thing different each. So many runs of each.
CONTROL_RUNS = 60


def rfc3339(when):
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def live(when):
    """The first slot that has what landed at a time."""
    return WINDOW_START + math.ceil((when - WINDOW_START) / SLOT) * SLOT


def rate(at):
    """Requests a second at a time of the calendar."""
    hours = (at - WINDOW_START) / datetime.timedelta(hours=1) - QUIETEST
    return round(QUIET_RATE + (BUSY_RATE - QUIET_RATE) * (1 - math.cos(2 * math.pi * hours / 24)) / 2)


@dataclass
class Slot:
    """What runs at a time of the calendar; a control is a slot that is not in the window."""

    time: datetime.datetime
    revision: str
    setting: str
    experiment_percent: int
    rate: int
    control: str = ""
    stacks: Counter = field(default_factory=Counter)


def slots(landed):
    """The window's slots: at each, the newest revision, the setting and the experiment of its time."""
    made, at = [], WINDOW_START
    while at < WINDOW_END:
        revision = [commit for when, commit in landed if when <= at][-1]
        setting = SETTING["after" if at >= live(parse(SETTING["time"])) else "before"]
        running = live(parse(EXPERIMENT["start"])) <= at < live(parse(EXPERIMENT["end"]))
        made.append(Slot(at, revision, setting, EXPERIMENT_PERCENT if running else 0, rate(at)))
        at += SLOT
    return made


def controls(slots, landed, culprit):
    """What came with the change, one by one."""
    commits = [commit for _, commit in landed]
    at = live(landed[commits.index(culprit)][0])
    before = commits[commits.index(culprit) - 1]
    of = {slot.time: slot for slot in slots}
    old, new = SETTING["before"], SETTING["after"]
    arms = {
        "before": (before, old, 0),
        "setting": (before, new, 0),
        "experiment": (before, old, EXPERIMENT_PERCENT),
        "commit": (culprit, old, 0),
        "deploy": (of[at].revision, old, 0),
    }
    return [
        Slot(at, revision, setting, percent, of[at].rate, control)
        for control, (revision, setting, percent) in arms.items()
    ]
