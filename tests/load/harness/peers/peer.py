"""What every peer has in common: a client that is run for a while, and what it runs against."""

import json
import os
import subprocess
import threading
import time

from harness import processes
from harness.sample import Sample

# What a run may take beyond its seconds before it counts as hung.
PATIENCE = 60
# How many callers more take another second of warm-up.
CALLERS_A_WARM_SECOND = 128


class Unavailable(Exception):
    """The peer cannot be had on this machine; the measurement goes on without it."""


class Peer:
    """A way to the database. Subclasses start what stands between, and run a client."""

    name = ""
    title = ""
    # The workloads it takes part in, None for all.
    workloads = None
    # Whether it can keep to a rate.
    paced = False
    # More than these it cannot have; each of a direct peer has a connection of its own.
    most_callers = 512

    def __init__(self, stand):
        self.stand = stand
        self.server = None
        # Processor seconds spent when the client began to count.
        self.spent_before = None

    def start(self):
        """Starts what stands between client and database; raises Unavailable if it cannot."""

    def stop(self):
        if self.server:
            processes.stop(self.server)

    def takes(self, trial):
        return ((self.workloads is None or trial.workload.name in self.workloads)
                and (self.paced or not trial.rate)
                and (self.most_callers is None or trial.callers <= self.most_callers))

    def run(self, trial, seconds):
        """Measures once, and says what it was with the processor time of all three."""
        self.spent_before = None
        with _Residence(self.server) as residence:
            sample, client = self.call(trial.workload, trial.callers, seconds, trial.rate)
        if sample.calls and self.spent_before:
            self._account(sample, self.spent_before, self._spent(client))
        sample.server_bytes = residence.peak
        return sample

    def call(self, workload, callers, seconds, rate):
        """Runs the client, and answers with a sample and the client's processor seconds."""
        raise NotImplementedError

    def warm_seconds(self, callers):
        """How long calls do not count yet: connections are new, and so are their plans."""
        return self.stand.options.warm_seconds + callers // CALLERS_A_WARM_SECOND

    def counts_from(self, line, _warm):
        """Whether a line that the client says tells that it begins to count."""
        return line.startswith("measuring")

    def call_with(self, command, seconds, warm):
        """Runs one of the harness's own clients, which print JSON."""
        code, output, errors, spent = self.run_client(command, seconds, warm)
        if code:
            return failed_sample(errors or f"exit code {code}"), spent
        answer = json.loads(output)
        return Sample(answer["calls"], answer["seconds"], answer["failures"],
                      answer.get("refusals", 0), answer["first_failure"],
                      answer["latency_us"]), spent

    def run_client(self, command, seconds, warm):
        """Runs a client to its end: its exit code, output, errors and processor seconds."""
        client = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, cwd=self.stand.directory,
                                  env=processes.clean_environment())
        errors = []
        if not warm:
            self.spent_before = self._spent(0.0)

        def read_errors():
            for line in client.stderr:
                errors.append(line)
                if self.spent_before is None and self.counts_from(line, warm):
                    self.spent_before = self._spent(processes.seconds_of(client.pid))

        reader = threading.Thread(target=read_errors)
        reader.start()
        killer = threading.Timer(warm + seconds + PATIENCE, client.kill)
        killer.start()
        try:
            output = client.stdout.read()
            _, status, usage = os.wait4(client.pid, 0)
        finally:
            killer.cancel()
            reader.join()
            client.stdout.close()
            client.stderr.close()
        client.returncode = os.waitstatus_to_exitcode(status)
        return client.returncode, output, "".join(errors), usage.ru_utime + usage.ru_stime

    @staticmethod
    def _account(sample, before, after):
        """Who used the processors between two answers of `_spent`, which have all as "busy"."""
        spent = {name: after[name] - before[name] for name in before}
        elapsed, busy = spent.pop("clock"), spent.pop("busy")
        sample.processor_us = {name: round(seconds / sample.calls * 1e6, 1)
                               for name, seconds in spent.items()}
        others = (busy - sum(spent.values())) / (elapsed * os.cpu_count())
        sample.disturbance = round(min(max(others, 0.0), 1.0), 3)

    def _spent(self, client):
        return {"clock": time.monotonic(), "busy": processes.busy_seconds(), "client": client,
                "server": processes.seconds_of(self.server.pid) if self.server else 0.0,
                "database": self.stand.postgres.seconds()}


def failed_sample(why):
    """A client that broke down, which counts as one failure and no call."""
    return Sample(0, 0.0, failures=1, first_failure=why.strip()[-500:])


def wait_for_line(path, words, process, patience=60):
    """Waits until a line of the file begins with the words, and answers with what follows them."""
    found = []

    def there():
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended:\n{_tail(path)}")
        with open(path, encoding="utf-8", errors="replace") as file:
            found.extend(line.split(words, 1)[1].strip() for line in file if words in line)
        return bool(found)

    processes.wait_until(there, f"{process.args[0]}: {words}", patience)
    return found[0]


def _tail(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()[-2000:]


class _Residence:
    """Watches how large a process gets."""

    def __init__(self, process):
        self.process = process
        self.peak = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def __enter__(self):
        if self.process:
            self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        if self.process:
            self.thread.join()

    def _watch(self):
        while True:
            self.peak = max(self.peak, processes.resident_bytes(self.process.pid))
            if self.ended.wait(0.1):
                return
