#!/usr/bin/env python3
"""Records what Prometheus answers over the series of this folder.

    record.py PROMETHEUS PROMTOOL

Makes the CSV files from a fixed seed, loads them into a fresh Prometheus (2.42 was used), asks it the queries below and
writes its answers to answers.json. No sample lies on an edge of a range, where versions before and after 3.0 differ.
"""

import json, os, random, subprocess, sys, tempfile, time, urllib.parse, urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
START, END = 1_700_000_000, 1_700_003_600
QUERIES = [  # selector as the contract has it (durations in seconds), and PromQL
    ({"name": "requests_total", "transform": ["none"], "step": 30}, "last_over_time(requests_total[30s])"),
    ({"name": "requests_total", "transform": ["rate", 60], "step": 60}, "rate(requests_total[60s])"),
    ({"name": "requests_total", "transform": ["rate", 300], "step": 45}, "rate(requests_total[300s])"),
    ({"name": "requests_total", "transform": ["increase", 120], "step": 60}, "increase(requests_total[120s])"),
    ({"name": "requests_total", "transform": ["rate", 300], "step": 60, "aggregate": ["sum", ["job"]]}, "sum by (job) (rate(requests_total[300s]))"),
    ({"name": "requests_total", "transform": ["rate", 300], "step": 60, "aggregate": ["avg", []]}, "avg(rate(requests_total[300s]))"),
    ({"name": "requests_total", "transform": ["rate", 300], "step": 60, "aggregate": ["max", ["job"]]}, "max by (job) (rate(requests_total[300s]))"),
    ({"name": "requests_total", "transform": ["rate", 300], "step": 60, "aggregate": ["min", ["missing"]]}, "min by (missing) (rate(requests_total[300s]))"),
    ({"name": "latency_bucket", "transform": ["quantile", 0.5, 300], "step": 60}, "histogram_quantile(0.5, increase(latency_bucket[300s]))"),
    ({"name": "latency_bucket", "transform": ["quantile", 0.99, 300], "step": 60}, "histogram_quantile(0.99, increase(latency_bucket[300s]))"),
    ({"name": "latency_bucket", "transform": ["quantile", 0.9, 300], "step": 60, "aggregate": ["sum", ["job"]]}, "histogram_quantile(0.9, sum by (job, le) (increase(latency_bucket[300s])))"),
    ({"name": "latency_bucket", "transform": ["quantile", 0.9, 300], "step": 60, "aggregate": ["max", []]}, "max(histogram_quantile(0.9, increase(latency_bucket[300s])))"),
]


def series(dice):
    rows = {"requests_total": [], "latency_bucket": []}
    for job, instance in [("api", "a"), ("api", "b"), ("web", "c")]:
        count, clock = 0.0 if instance == "b" else 1e6, START - 400 + dice.random() * 10
        while clock < END:
            clock += 15 + dice.uniform(-1, 1) + (dice.uniform(60, 400) if dice.random() < 0.02 else 0)
            count = dice.uniform(0, 5) if dice.random() < 0.01 else count + dice.expovariate(1 / 40)
            rows["requests_total"].append((clock, {"job": job, "instance": instance}, count))
    for instance in "ab":
        counts, clock = [0, 0, 0, 0], START - 400 + dice.random() * 10
        while clock < END:
            clock += 20 + dice.uniform(-1, 1)
            for _ in range(dice.randrange(30)):
                latency = dice.lognormvariate(-1, 1)
                for at, bound in enumerate([0.1, 0.5, 1, 1e9]):
                    counts[at] += latency <= bound
            if dice.random() < 0.01:
                counts = [0, 0, 0, 0]
            for bound, count in zip(["0.1", "0.5", "1.0", "+Inf"], counts):
                rows["latency_bucket"].append((clock, {"job": "api", "instance": instance, "le": bound}, float(count)))
    return rows


def milliseconds(clock):
    return int(clock * 1000) // 10 * 10 + 7  # never a whole second


def main(prometheus, promtool):
    rows = series(random.Random(20260101))
    text = ""
    for name, samples in rows.items():
        labels = sorted(samples[0][1])
        with open(f"{HERE}/{name}.csv", "w") as file:
            file.write(",".join(["time", *labels, "value"]) + "\n")
            for clock, values, value in samples:
                file.write(",".join([f"{milliseconds(clock) / 1000:.3f}", *(values[label] for label in labels), repr(value)]) + "\n")
        text += f"# TYPE {name} gauge\n"
        for clock, values, value in samples:
            pairs = ",".join(f'{label}="{values[label]}"' for label in labels)
            text += f"{name}{{{pairs}}} {value!r} {milliseconds(clock) / 1000:.3f}\n"
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/metrics", "w") as file:
            file.write(text + "# EOF\n")
        with open(f"{folder}/prometheus.yml", "w") as file:
            file.write("{}\n")
        subprocess.run([promtool, "tsdb", "create-blocks-from", "openmetrics", f"{folder}/metrics", f"{folder}/data"], check=True, stdout=subprocess.DEVNULL)
        server = subprocess.Popen([prometheus, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                                   "--storage.tsdb.retention.time=100y", "--web.listen-address=127.0.0.1:19090"], stderr=subprocess.DEVNULL)
        try:
            answers = [{"query": query, "series": ask(promql, query["step"])} for query, promql in QUERIES]
        finally:
            server.terminate()
            server.wait()
    with open(f"{HERE}/answers.json", "w") as file:
        json.dump({"start": START, "end": END, "answers": answers}, file, separators=(",", ":"))


def ask(promql, step):
    # Prometheus' range includes its end, a window does not.
    query = urllib.parse.urlencode({"query": promql, "start": START, "end": END - 1, "step": step})
    for _ in range(100):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:19090/api/v1/query_range?{query}") as answer:
                result = json.load(answer)["data"]["result"]
            break
        except OSError:
            time.sleep(0.2)
    found = []
    for entry in result:
        labels = {name: value for name, value in entry["metric"].items() if name != "__name__"}
        found.append({"labels": labels, "values": [[at, value] for at, value in entry["values"] if value != "NaN"]})
    return [entry for entry in found if entry["values"]]


main(*sys.argv[1:])
