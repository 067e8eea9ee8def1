"""The whole recording: all runs, and the files of what was measured."""

import csv
import datetime
import itertools
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from . import case, pprof
from .case import EXPERIMENT, HERE, METRIC, SERVICE, SETTING, UTC, rfc3339
from .history import Revisions, build_history, deployments, git, write_bundle
from .prometheus import Prometheus, free_port
from .service import FREQUENCY, run_server
from .stacks import Symbols, read_samples

# What a run shows, in the order of runs.csv; after `rate`, as Prometheus scraped it.
MEASURED = {
    "seconds": "seconds",
    "requests": "shop_requests_total",
    "cpu": "process_cpu_seconds_total",
    "latency": "shop_request_seconds_sum",
}
COLUMNS = ["time", "revision", "control", "round", "recorded", "rate", "scrapes", *MEASURED, "samples"]

CONFIGURATION = """\
# The recorded demo. `repo` is the clone of shop.bundle that `negawatt demo` unpacks beside this file.
[sources.metrics]
kind = "files"
path = "metrics"

[sources.profiles]
kind = "files"
path = "profiles"

[sources.changes]
kind = "git"
path = "repo"

[sources.configs]
kind = "files"
path = "configs.jsonl"

[sources.experiments]
kind = "files"
path = "experiments.jsonl"

# Not recorded: an example of a fleet, to show what a saving is worth.
[fleet.services.shop]
servers = 1200
cores_per_server = 64
watts_per_core = 4.5
"""


def record(out, keep):
    began = time.monotonic()
    work = Path(tempfile.mkdtemp(prefix="negawatt-record-")) if keep is None else keep.resolve()
    work.mkdir(parents=True, exist_ok=True)
    for made in ("repository", "tree"):
        shutil.rmtree(work / made, ignore_errors=True)
    hashes = build_history(work / "repository")
    landed = deployments(work / "repository")
    revisions = Revisions(work / "repository", work)
    load = work / "load"
    subprocess.run(["rustc", "--edition=2021", "-O", "-o", load, HERE / "load.rs"], check=True)

    slots = case.slots(landed)
    controls = case.controls(slots, landed, hashes[case.TRUTH])
    for revision in dict.fromkeys(slot.revision for slot in slots + controls):
        revisions.binary(revision)
    tell(f"{len(hashes)} commits, {len({slot.revision for slot in slots})} revisions of {len(slots)} slots are built")

    runs = run_all(slots, controls, revisions, load, work)
    shutil.rmtree(out, ignore_errors=True)
    write_bundle(work / "repository", out / "shop.bundle")
    write_fixed(out, work / "repository", hashes)
    write_runs(out / "runs.csv", runs)
    write_series(out / "metrics", [run for run in runs if not run["control"]])
    write_profiles(out / "profiles" / SERVICE, slots)
    if keep is None:
        shutil.rmtree(work)
    tell(f"{len(runs)} runs in {time.monotonic() - began:.0f} s")


def tell(text):
    print(f"record: {text}", file=sys.stderr, flush=True)


def run_all(slots, controls, revisions, load, work):
    """Every slot is run several times, and all the runs in a shuffled order: whatever else this machine does
    meanwhile is spread over the window as noise, and cannot pass for a change at one time of it."""
    units = [[(slot, turn)] for slot in slots for turn in range(case.ROUNDS)]
    # The controls are compared with each other: those of a turn run one after the other.
    shuffle = random.Random(20261112)
    units += [shuffle.sample([(one, turn) for one in controls], len(controls)) for turn in range(case.CONTROL_RUNS)]
    shuffle.shuffle(units)
    order = list(itertools.chain.from_iterable(units))
    address = f"127.0.0.1:{free_port()}"
    symbols, runs = {}, []
    prometheus = Prometheus(work / "prometheus", address)
    try:
        tell(f"Prometheus {prometheus.version()} scrapes {address}")
        for done, (slot, turn) in enumerate(order, 1):
            binary = revisions.binary(slot.revision)
            profiled = turn == 0 and not slot.control
            # By the place in the window, not in the order: a slot is sent the same in every recording.
            seed = round(slot.time.timestamp()) // 600 * 1000 + turn
            rises = None
            while rises is None:
                recorded = rfc3339(datetime.datetime.now(UTC))
                measured, data = run_server(binary, address, load, slot, seed, work if profiled else None)
                rises = prometheus.rises(*measured)
                if rises is None:
                    tell(f"once more: Prometheus scraped less than twice in the run of {recorded}")
            run = {"time": rfc3339(slot.time), "revision": slot.revision[:12], "control": slot.control, "round": turn}
            run.update(recorded=recorded, rate=slot.rate, samples=0, **rises)
            if data:
                samples = read_samples(data)
                data.unlink()
                if slot.revision not in symbols:
                    symbols[slot.revision] = Symbols(binary, revisions.tree)
                slot.stacks = symbols[slot.revision].stacks(samples)
                run["samples"] = len(samples)
            runs.append(run)
            if done % 96 == 0:
                tell(f"{done} of {len(order)} runs")
    finally:
        prometheus.stop()
    return sorted(runs, key=lambda run: (run["control"], run["time"], run["round"]))


# --- files -----------------------------------------------------------------------------------


def write_text(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_table(path, columns, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(columns)
        out.writerows(rows)


def write_runs(path, runs):
    for run in runs:
        run.update({column: f"{run[counter]:.9g}" for column, counter in MEASURED.items()})
    write_table(path, COLUMNS, [[run[column] for column in COLUMNS] for run in runs])


def by_slot(runs):
    """Each slot's time and its runs; the runs are in the order of time."""
    return [(at, list(group)) for at, group in itertools.groupby(runs, key=lambda run: run["time"])]


def ratio(runs, above, below):
    return sum(float(run[above]) for run in runs) / sum(float(run[below]) for run in runs)


def write_series(folder, runs):
    """The runs of a slot are joined as several instances of a service are: sum over sum."""
    series = {
        METRIC: ("cpu", "requests"),
        "requests_per_second": ("requests", "seconds"),
        "latency_seconds_mean": ("latency", "requests"),
    }
    for name, (above, below) in series.items():
        rows = [(at, SERVICE, f"{ratio(group, above, below):.9f}") for at, group in by_slot(runs)]
        write_table(folder / f"{name}.csv", ["time", "service", "value"], rows)


def write_profiles(folder, slots):
    """The slots' stacks, one file for each PROFILE of the calendar."""
    folder.mkdir(parents=True)

    def start_of(slot):
        return case.WINDOW_START + (slot.time - case.WINDOW_START) // case.PROFILE * case.PROFILE

    for start, group in itertools.groupby(slots, key=start_of):
        group = list(group)
        stacks = sum((slot.stacks for slot in group), Counter())
        nanoseconds = int(start.timestamp()) * 10**9, round(len(group) * case.PROFILED_SECONDS * 1e9)
        data = pprof.encode(stacks, round(1e9 / FREQUENCY), *nanoseconds)
        (folder / (rfc3339(start).replace(":", "-") + ".pb.gz")).write_bytes(data)


def write_fixed(out, repository, hashes):
    """The files that do not depend on what is measured."""
    incident = {
        "kind": "regression",
        "title": "shop needs more CPU per request",
        "service": SERVICE,
        "metric": {"name": METRIC, "labels": {"service": SERVICE}, "worse": "up"},
        "window": {"start": rfc3339(case.WINDOW_START), "end": rfc3339(case.WINDOW_END)},
        "severity": "high",
    }
    write_text(out / "incident.json", json.dumps(incident, indent=2) + "\n")
    write_text(out / "negawatt.toml", CONFIGURATION)
    write_text(out / "configs.jsonl", json.dumps(SETTING, ensure_ascii=False) + "\n")
    write_text(out / "experiments.jsonl", json.dumps(EXPERIMENT, ensure_ascii=False) + "\n")
    culprit = hashes[case.TRUTH]
    author, landed = git(repository, "show", "-s", "--format=%an <%ae>%n%ct", culprit).splitlines()
    landed = datetime.datetime.fromtimestamp(int(landed), UTC)
    truth = {
        "commit": culprit,
        "author": author,
        "committed": rfc3339(landed),
        "change_time": rfc3339(case.live(landed)),
        "function": "shop::pricing::PriceBook::rules_for",
    }
    write_text(out / "truth.json", json.dumps(truth, indent=2, ensure_ascii=False) + "\n")
