"""What every peer has in common: a client that is run for a while, and what it runs against."""

import json
import os
import subprocess
import tempfile
import threading

from harness import processes
from harness.sample import Sample

# What a run may take beyond its seconds before it counts as hung.
PATIENCE = 60


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
        database = self.stand.postgres.seconds()
        server = self._server_seconds()
        with _Residence(self.server) as residence:
            sample, client = self.call(trial.workload, trial.callers, seconds, trial.rate)
        if sample.calls:
            spent = {"client": client, "server": self._server_seconds() - server,
                     "database": self.stand.postgres.seconds() - database}
            sample.processor_us = {name: round(value / sample.calls * 1e6, 1)
                                   for name, value in spent.items()}
        sample.server_bytes = residence.peak
        return sample

    def call(self, workload, callers, seconds, rate):
        """Runs the client, and answers with a sample and the client's processor seconds."""
        raise NotImplementedError

    def call_with(self, command, seconds):
        """Runs one of the harness's own clients, which print JSON."""
        code, output, errors, spent = self.run_client(command, seconds)
        if code:
            return failed_sample(errors or f"exit code {code}"), spent
        return sample_from_json(json.loads(output))

    def _server_seconds(self):
        return processes.seconds_of(self.server.pid) if self.server else 0.0

    def run_client(self, command, seconds):
        """Runs a client to its end: its exit code, output, errors and processor seconds."""
        with tempfile.TemporaryFile(mode="w+", dir=self.stand.directory) as errors:
            client = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=errors, text=True, cwd=self.stand.directory,
                                      env=processes.clean_environment())
            killer = threading.Timer(seconds + PATIENCE, client.kill)
            killer.start()
            try:
                output = client.stdout.read()
                _, status, usage = os.wait4(client.pid, 0)
            finally:
                killer.cancel()
                client.stdout.close()
            client.returncode = os.waitstatus_to_exitcode(status)
            errors.seek(0)
            return client.returncode, output, errors.read(), usage.ru_utime + usage.ru_stime


class Unavailable(Exception):
    """The peer cannot be had on this machine; the measurement goes on without it."""


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


def sample_from_json(answer):
    """What the harness's own clients print, with the processor time of their calls alone."""
    sample = Sample(answer["calls"], answer["seconds"], answer["failures"],
                    answer.get("refusals", 0), answer["first_failure"], answer["latency_us"])
    return sample, answer["processor_seconds"]


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

