"""What is measured beside the plain table: at a rate, with a slow disk, memory, and streams."""

import os
import shutil

from harness import memory, transfer
from harness.rounds import Cells, Trial, measure
from harness.stand import Stand, say
from harness.workloads import workloads

PACED_CALLERS = 128
SLOW_COMMIT_CALLERS = [8, 32, 128]
SLOW_COMMIT_US = 2000
FEW_LINES = 100000


def callers_trials(options):
    """Each workload with so many callers, as fast as it goes."""
    every = workloads(options.lines)
    return [Trial("callers", every[name], callers) for name in options.only if name in every
            for callers in options.callers or every[name].usual_callers]


def paced(stand, cells):
    """Reads and saves that come at half the rate of the most that Aquifer answered."""
    mixed = workloads(stand.options.lines)["mixed"]
    answered = [cell.median for cell in cells
                if cell.peer == "aquifer" and cell.trial.workload.name == "mixed"]
    if not answered:
        stand.restore()
        peak = stand.peer("aquifer").run(Trial("paced", mixed, PACED_CALLERS),
                                         stand.options.seconds)
        answered = [peak.rate]
    rate = max(int(max(answered) / 2), 1)
    say(f"mixed: the most is {max(answered):,.0f}/s, so {rate:,}/s is measured")
    return measure(stand, [Trial("paced", mixed, PACED_CALLERS, rate)])


def slow_commit(options, directory):
    """Saves on a PostgreSQL whose disk takes 2 ms longer for each commit."""
    peers = [name for name in ("pgbench", "pgbouncer", "libpqxx", "aquifer")
             if name in options.peers]
    small = type(options)(**dict(vars(options), lines=min(options.lines, FEW_LINES)))
    stand = Stand(small, os.path.join(directory, "slow"), peers)
    os.makedirs(stand.directory)
    # A copy, that whoever PostgreSQL runs as can read.
    library = shutil.copy(stand.program("tests/load/aquifer_delayed_sync.so"), stand.directory)
    stand.environment = {"LD_PRELOAD": library, "AQUIFER_SYNC_DELAY_US": str(SLOW_COMMIT_US)}
    with stand:
        saves = workloads(small.lines)["saves"]
        callers = options.callers or SLOW_COMMIT_CALLERS
        cells = measure(stand, [Trial("slow-commit", saves, count) for count in callers])
    for cell in cells:
        for sample in cell.samples:
            if sample.latency_us.get("p50", SLOW_COMMIT_US) < SLOW_COMMIT_US:
                raise RuntimeError(f"the disk was not slow: {cell.trial}, {cell.peer}")
    return cells


def run(options, directory):
    """All that was asked for: cells, and what is no cell by its name."""
    cells, others = Cells(), {}
    with Stand(options, os.path.join(directory, "main"), options.peers) as stand:
        cells += measure(stand, callers_trials(options))
        # These are about Aquifer, and compare it with what is there.
        if stand.peer("aquifer"):
            if "paced" in options.only:
                cells += paced(stand, cells)
            if "memory" in options.only:
                others["memory"] = memory.measure(stand)
            if "transfer" in options.only:
                others["transfer"] = transfer.measure(stand)
    if "slow-commit" in options.only:
        cells += slow_commit(options, directory)
    return cells, others
