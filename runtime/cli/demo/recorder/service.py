"""One run: a fresh server, its load, and perf beside it."""

import os
import subprocess
import time

from .case import MEASURED_SECONDS, PROFILED_SECONDS

CONNECTIONS = 4
WARM_UP = 2000
FREQUENCY = 999
STACK_BYTES = 8192


class Load:
    """The load program, connected to one server."""

    def __init__(self, program, address):
        self.process = subprocess.Popen(
            [program, address, str(CONNECTIONS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, seed, rate, count, experiment_percent):
        """Sends so many requests at a rate (0: as fast as they are answered); (start, end) in Unix seconds."""
        self.process.stdin.write(f"run {seed} {rate} {count} {experiment_percent}\n")
        start = time.time()
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        end = time.time()
        if not line:
            raise SystemExit("record: the load program stopped")
        result = dict(pair.split("=") for pair in line.split())
        if result["failed"] != "0":
            raise SystemExit(f"record: {result['failed']} requests failed")
        return start, end

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)


class Perf:
    """perf record on a running process, sampling only between enter and exit."""

    def __init__(self, pid, folder):
        self.data = folder / "perf.data"
        control, ack = folder / "control", folder / "ack"
        for fifo in (control, ack):
            fifo.unlink(missing_ok=True)
            os.mkfifo(fifo)
        command = ["perf", "record", "--quiet", "-e", "cpu-clock", "-F", str(FREQUENCY)]
        command += ["--call-graph", f"dwarf,{STACK_BYTES}", "-p", str(pid), "-o", str(self.data)]
        command += ["--delay=-1", f"--control=fifo:{control},{ack}"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.control = open(control, "w")
        self.ack = open(ack)

    def __enter__(self):
        self.tell("enable")
        return self

    def __exit__(self, *_):
        self.tell("disable")
        self.process.terminate()
        self.process.communicate(timeout=30)
        self.control.close()
        self.ack.close()

    def tell(self, what):
        self.control.write(what + "\n")
        self.control.flush()
        if "ack" not in self.ack.readline():
            raise SystemExit(f"record: perf did not {what}: {self.process.stderr.read()}")


def run_server(binary, address, load_program, slot, seed, folder):
    """A fresh server, warmed up; a measured time without perf, as (start, end) in Unix seconds; and with a folder, a
    time that perf samples and of which nothing else is used, as perf's file."""
    env = {"MALLOC_ARENA_MAX": slot.setting}
    server = subprocess.Popen([binary, "--listen", address], stdout=subprocess.PIPE, text=True, env=env)
    try:
        server.stdout.readline()
        load = Load(load_program, address)
        load.run(seed * 3, 0, WARM_UP, slot.experiment_percent)
        measured = load.run(seed * 3 + 1, slot.rate, round(slot.rate * MEASURED_SECONDS), slot.experiment_percent)
        data = None
        if folder:
            with Perf(server.pid, folder) as perf:
                load.run(seed * 3 + 2, slot.rate, round(slot.rate * PROFILED_SECONDS), slot.experiment_percent)
            data = perf.data
        load.close()
        return measured, data
    finally:
        server.terminate()
        server.wait(timeout=10)
