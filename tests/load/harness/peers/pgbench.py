"""pgbench, straight to the database or by way of PgBouncer.

It reads its rows off the socket and looks at none of them: the least a direct caller can do.
"""

import dataclasses
import glob
import math
import os
import re

from harness.peers.peer import Peer, failed_sample
from harness.sample import Sample, percentiles

# "progress: 2.0 s, 21033.1 tps, lat 0.76 ms stddev 0.21, 0 failed"
PROGRESS = re.compile(r"progress: ([\d.]+) s, ([\d.]+) tps", re.MULTILINE)
# Of every latency, so that writing them down costs little. Enough for a p99.9 of fast calls.
LOGGED_SHARE = 0.1
# Of the seconds asked for, those that a measurement has to have, and how often it is tried.
LEAST_SHARE = 0.7
MOST_ATTEMPTS = 3


class Pgbench(Peer):
    name = "pgbench"
    title = "pgbench, Unix socket"
    paced = True
    mode = "prepared"

    def place(self):
        """Host and port."""
        return self.stand.postgres.directory, self.stand.postgres.port

    def parts(self, workload):
        return workload.parts

    def call(self, workload, callers, seconds, rate):
        # pgbench counts its connecting as a part of -T, and that takes long on a busy machine.
        connecting = 0
        for _ in range(MOST_ATTEMPTS):
            self.spent_before = None
            sample, spent, connected = self._call(workload, callers, seconds, rate, connecting)
            if sample.failures or sample.seconds > seconds * LEAST_SHARE:
                break
            connecting = math.ceil(connected)
        return sample, spent

    def _call(self, workload, callers, seconds, rate, connecting):
        prefix = os.path.join(self.stand.directory, "pgbench_log")
        for old in glob.glob(prefix + ".*"):
            os.remove(old)
        host, port = self.place()
        postgres = self.stand.postgres
        warm = self.warm_seconds(callers)
        command = [f"{postgres.bindir}/pgbench", "-n", "-h", host, "-p", str(port), "-U",
                   postgres.user, "-M", self.mode, "-c", str(callers), "-j",
                   str(min(callers, self.stand.options.pgbench_threads)),
                   "-T", str(connecting + warm + seconds), "--progress=1",
                   "-l", f"--log-prefix={prefix}"]
        few = rate and rate * seconds < 50000
        if workload.name in ("reads", "saves", "mixed", "hot", "deliveries", "outcomes") and not few:
            command.append(f"--sampling-rate={LOGGED_SHARE}")
        if rate:
            command.append(f"--rate={rate}")
        for i, part in enumerate(self.parts(workload)):
            path = os.path.join(self.stand.directory, f"{self.name}-{part.file}-{i}.sql")
            with open(path, "w", encoding="utf-8") as file:
                file.write(part.script())
            command += ["-f", f"{path}@{part.percent}"]
        code, output, errors, spent = self.run_client(command + [postgres.database],
                                                      connecting + seconds, warm)
        connected = re.search(r"initial connection time = ([\d.]+) ms", output)
        return (self._sample(code, output, errors, prefix, warm), spent,
                float(connected[1]) / 1000 if connected else 0.0)

    def counts_from(self, line, warm):
        report = PROGRESS.match(line)
        return report and float(report[1]) >= warm - 0.5

    def _sample(self, code, output, errors, prefix, warm):
        """What came after the warm-up: all of it, less what its reports say came before."""
        calls = re.search(r"transactions actually processed: (\d+)", output)
        rate = re.search(r"tps = ([\d.]+) \(without", output)
        if code or not calls or not rate or float(rate[1]) == 0:
            return failed_sample("\n".join(line for line in errors.splitlines()
                                           if not line.startswith("progress: ")))
        before, at = 0.0, 0.0
        for report in PROGRESS.finditer(errors):
            if float(report[1]) > warm + 0.5:
                break
            before, at = before + float(report[2]) * (float(report[1]) - at), float(report[1])
        failed = re.search(r"failed transactions: (\d+)", output)
        return Sample(max(round(int(calls[1]) - before), 0), int(calls[1]) / float(rate[1]) - at,
                      failures=int(failed[1]) if failed else 0,
                      latency_us=percentiles(_logged(prefix, at)))


class PgbenchTcp(Pgbench):
    name = "pgbench-tcp"
    title = "pgbench, TCP"

    def place(self):
        return "127.0.0.1", self.stand.postgres.port


class PgbenchBare(Pgbench):
    """Saves as the shortest upsert there is: no device registered, no worker's name answered."""

    name = "pgbench-bare"
    title = "pgbench, bare upsert"
    workloads = {"saves"}

    def parts(self, workload):
        return [dataclasses.replace(part, file="bare-saves") for part in workload.parts]


def _logged(prefix, warm):
    """The latencies of what ended after the warm-up."""
    logged = []
    for path in glob.glob(prefix + ".*"):
        with open(path, encoding="ascii") as file:
            # client, transaction, microseconds, script, and the end: seconds, microseconds
            for line in file:
                fields = line.split()
                logged.append((int(fields[4]) + int(fields[5]) / 1e6, int(fields[2])))
        os.remove(path)
    first = min((at - latency / 1e6 for at, latency in logged), default=0)
    return [latency for at, latency in logged if at >= first + warm]
