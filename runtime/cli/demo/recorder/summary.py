"""What a recording shows."""

import csv
import json
import math
import statistics
from collections import Counter

from . import pprof
from .case import SERVICE
from .recording import by_slot, ratio


def summary(folder):
    with open(folder / "runs.csv") as file:
        runs = list(csv.DictReader(file))
    with open(folder / "truth.json") as file:
        change = json.load(file)["change_time"]
    deploys([run for run in runs if not run["control"]])
    day([run for run in runs if not run["control"]], change)
    controls([run for run in runs if run["control"]])
    shares(folder / "profiles" / SERVICE, change)


def micros(runs):
    return ratio(runs, "cpu", "requests") * 1e6


def welch(before, after):
    error = math.sqrt(statistics.variance(before) / len(before) + statistics.variance(after) / len(after))
    return (statistics.mean(after) - statistics.mean(before)) / error


def deploys(runs):
    """At every deploy of the window: medians of all before and of all after, Welch's t."""
    slots = by_slot(runs)
    values = [micros(group) for _, group in slots]
    revisions = [group[0]["revision"] for _, group in slots]
    starts = [0] + [n for n in range(1, len(slots)) if revisions[n] != revisions[n - 1]]
    print(f"{len(slots)} slots, {len(starts)} revisions; CPU per request, µs, all before against all after")
    for at in starts[1:]:
        before, after = values[:at], values[at:]
        if min(len(before), len(after)) < 3:
            continue
        low, high = statistics.median(before), statistics.median(after)
        shown = f"{low:7.2f} -> {high:7.2f} {high / low - 1:+7.1%}  t = {welch(before, after):6.1f}"
        print(f"{slots[at][0]} {revisions[at]} {shown}")


def day(runs, change):
    """What the day's load does, before the change and after it, in four bands of requests a second."""
    print("by load: requests a second, CPU per request and latency, µs, before and after the change")
    rates = [float(run["requests"]) / float(run["seconds"]) for run in runs]
    low, high = min(rates), max(rates)
    bands = [[] for _ in range(4)]
    for run, rate in zip(runs, rates):
        bands[min(3, int((rate - low) / (high - low) * 4))].append(run)
    for band in filter(None, bands):
        groups = [[run for run in band if (run["time"] >= change) == after] for after in (False, True)]
        shown = [
            " -> ".join(f"{ratio(group, column, 'requests') * 1e6:6.2f}" for group in groups if group)
            for column in ("cpu", "latency")
        ]
        print(f"{ratio(band, 'requests', 'seconds'):8.0f}   {shown[0]}   {shown[1]}   {len(band)} runs")


def controls(runs):
    """What came with the change, one by one, against the revision before it: runs of a turn are compared."""
    arms = {}
    for run in runs:
        arms.setdefault(run["control"], {})[run["round"]] = micros([run])
    before = arms["before"]
    print(f"controls of {len(before)} runs; CPU per request, µs: median; against before: mean, standard error, median")
    for name, values in sorted(arms.items()):
        shown = f"  {name:10} {statistics.median(values.values()):7.2f}"
        if name != "before":
            more = [value / before[turn] - 1 for turn, value in values.items()]
            error = statistics.stdev(more) / math.sqrt(len(more))
            shown += f"  {statistics.mean(more):+7.1%} ± {error:.1%}  {statistics.median(more):+7.1%}"
        print(shown)


def shares(folder, change):
    """Inclusive shares of samples, before and after the change."""
    shares, totals = {False: Counter(), True: Counter()}, Counter()
    for path in sorted(folder.glob("*.pb.gz")):
        after = path.name >= change.replace(":", "-")
        for stack, count in pprof.decode(path.read_bytes()).items():
            totals[after] += count
            for name in set(stack):
                shares[after][name] += count

    def share(name, after):
        return shares[after][name] / totals[after]

    names = sorted(shares[True], key=lambda name: share(name, False) - share(name, True))
    print(f"inclusive shares of {totals.total()} samples, the largest rises and falls")
    for name in names[:16] + names[-4:]:
        print(f"{share(name, False):8.2%} -> {share(name, True):8.2%}  {name}")
