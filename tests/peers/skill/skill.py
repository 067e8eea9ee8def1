"""The skill as a Python program that is started for each call, with the same lines as the native one."""

import json
import sys


def read():
    return json.loads(sys.stdin.readline())


def write(value):
    print(json.dumps(value), flush=True)


case = read()
write({"name": case["metric"], "label": "version", "is_not": "x" * 960, "window": case["window"]})
series = read()
write([{"note": str(len(series["times"])), "confidence": 1.0, "explanation": "A note."}])
