"""The same work as a Python program that is started for each call."""

import json
import sys

case = json.loads(sys.stdin.readline())
print(json.dumps({"name": case["metric"], "value": "x" * 960, "window": case["window"]}), flush=True)
samples = len(json.loads(sys.stdin.readline())["values"])
print(json.dumps([{"kind": "note", "text": str(samples), "confidence": 1.0}]), flush=True)
