"""A Prometheus that scrapes the service, and what it answers."""

import json
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request

from .case import SERVICE

INTERVAL_MS = 200
COUNTERS = ("process_cpu_seconds_total", "shop_requests_total", "shop_request_seconds_sum")

CONFIGURATION = """\
global:
  scrape_interval: {interval}ms
  scrape_timeout: {interval}ms
scrape_configs:
  - job_name: {service}
    static_configs:
      - targets: ["{target}"]
        labels: {{ service: {service} }}
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Prometheus:
    """One process for the whole recording. It scrapes one address, where the servers of the runs follow each other."""

    def __init__(self, folder, target):
        program = shutil.which("prometheus")
        if program is None:
            raise SystemExit("record: there is no prometheus in PATH (Debian: apt install prometheus)")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "prometheus.yml").write_text(
            CONFIGURATION.format(interval=INTERVAL_MS, service=SERVICE, target=target)
        )
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [program, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
        command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
        self.process = subprocess.Popen(command)
        # The targets are known some seconds after the server is ready; then it tries, and records that none is up.
        for _ in range(300):
            try:
                if self.get("query", query="up"):
                    return
            except OSError:
                pass
            time.sleep(0.1)
        self.stop()
        raise SystemExit("record: prometheus does not begin to scrape")

    def get(self, path, **parameters):
        """What its API answers, without the envelope."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            data = json.load(answer)["data"]
        return data.get("result", data)

    def version(self):
        return self.get("status/buildinfo")["version"]

    def samples(self, start, end):
        """The raw samples of the service's counters in a time (Unix seconds): {name: [(time, value)]}."""
        selector = f'{{__name__=~"{"|".join(COUNTERS)}", service="{SERVICE}"}}[{round((end - start) * 1000)}ms]'
        found = {}
        for series in self.get("query", query=selector, time=f"{end:.3f}"):
            found[series["metric"]["__name__"]] = [(at, float(value)) for at, value in series["values"]]
        return found

    def rises(self, start, end):
        """By how much each counter rose from the first to the last scrape in a time, and how long that was; None where
        there were not two scrapes."""
        found = self.samples(start, end)
        if set(found) != set(COUNTERS) or min(len(values) for values in found.values()) < 2:
            return None
        rises = {}
        for name, values in found.items():
            if any(later < earlier for (_, earlier), (_, later) in zip(values, values[1:])):
                raise SystemExit(f"record: the counter {name} fell within a run: {values}")
            rises[name] = values[-1][1] - values[0][1]
        times = [at for at, _ in found["shop_requests_total"]]
        return {"scrapes": len(times), "seconds": times[-1] - times[0], **rises}

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)
