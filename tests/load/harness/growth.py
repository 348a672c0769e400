"""How cost grows: with the rows stored, with the callers, and with the pool."""

import argparse
import os
import shutil
import tempfile

from harness import machine, markers, options as run_options, table
from harness.main import build
from harness.peers.aquifer import Aquifer
from harness.postgres import programs
from harness.rounds import Cell, Trial, measure
from harness.sample import rate_text
from harness.stand import ROOT, Stand, say
from harness.workloads import workloads

PAGE = os.path.join(ROOT, "tests", "load", "GROWTH.md")
ROWS = [10_000, 100_000, 1_000_000, 10_000_000]
CALLERS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 2000]
POOLS = [2, 5, 10, 20, 50]
POOL_CALLERS = 128
# What is measured as rows grow, with how many callers.
BY_ROWS = [("reads", 32), ("saves", 32), ("ranges", 32), ("summary", 1), ("history", 1)]
# The knee is where this much of the most is reached.
KNEE = 0.95


def by_rows(options, directory):
    """A database after the other: they would disturb one another."""
    cells = []
    for lines in options.rows:
        options.run.lines = lines
        stand = Stand(options.run, os.path.join(directory, f"rows-{lines}"),
                      ["pgbench", "aquifer"])
        with stand:
            every = workloads(lines)
            cells += [(lines, cell) for cell in measure(
                stand, [Trial("rows", every[name], callers) for name, callers in BY_ROWS])]
        shutil.rmtree(stand.directory)
    return cells


def by_callers(stand, options):
    every = workloads(stand.options.lines)
    trials = [Trial("callers", every[name], count) for name in ("reads", "saves")
              for count in options.callers]
    return [(cell.trial.callers, cell) for cell in measure(stand, trials)]


def by_pool(stand, options):
    """Each size of the pool is a server of its own, started for it."""
    every = workloads(stand.options.lines)
    cells = {}
    for turn in range(stand.options.rounds):
        for pool in options.pools:
            server = Aquifer(stand, [f"--pool-min={pool}", f"--pool-max={pool}"])
            server.start()
            for name in ("reads", "saves"):
                stand.restore()
                trial = Trial("pool", every[name], POOL_CALLERS)
                sample = server.run(trial, stand.options.seconds)
                cell = cells.setdefault((pool, name), Cell(trial, "aquifer"))
                cell.samples.append(sample)
                say(f"round {turn + 1}: {name}, pool of {pool}: {sample.rate:,.0f}/s")
            server.stop()
    return [(pool, cell) for (pool, _), cell in cells.items()]


HEADINGS = ["workload", "", "calls/s", "of pgbench", "p50 ms", "p99 ms", "µs client", "µs server",
            "µs database", "server MiB"]


def _table(heading, cells):
    """A row for each of Aquifer's cells, beside pgbench's of the same size where there is one."""
    others = [(size, cell) for size, cell in cells if cell.peer == "pgbench"]
    own = [(size, cell) for size, cell in cells if cell.peer == "aquifer"]
    names = list(dict.fromkeys(cell.trial.workload.name for _, cell in own))
    own.sort(key=lambda pair: (names.index(pair[1].trial.workload.name), pair[0]))
    rows = []
    for size, cell in own:
        other = next((base for other_size, base in others if other_size == size
                      and base.trial.workload.name == cell.trial.workload.name), None)
        rows.append([
            cell.trial.workload.name, f"{size:,}", rate_text(cell.median),
            f"{cell.median / other.median:.2f}" if other and other.median else "",
            *[_figure(cell, lambda s, n=name: s.latency_us.get(n), 1000, 2)
              for name in ("p50", "p99")],
            *[_figure(cell, lambda s, n=name: s.processor_us.get(n), 1, 0)
              for name in ("client", "server", "database")],
            _figure(cell, lambda s: s.server_bytes, 2**20, 1)])
    headings = [HEADINGS[0], heading, *HEADINGS[2:]]
    return table.aligned(headings, rows, {0})


def _figure(cell, pick, divisor, digits):
    value = cell.median_of(pick)
    return "" if value is None else f"{value / divisor:,.{digits}f}"


def _knees(what, cells):
    """Where the most is nearly reached, for each workload."""
    lines = []
    own = [(size, cell) for size, cell in cells if cell.peer == "aquifer"]
    for name in dict.fromkeys(cell.trial.workload.name for _, cell in own):
        of_it = sorted(((size, cell.median) for size, cell in own
                        if cell.trial.workload.name == name))
        most = max(rate for _, rate in of_it)
        knee = next(size for size, rate in of_it if rate >= KNEE * most)
        last = of_it[-1]
        lines.append(f"- {name}: {KNEE:.0%} of the most ({most:,.0f}/s) from {knee:,} {what} on; "
                     f"{last[1] / most:.0%} at {last[0]:,}.")
    return "\n".join(lines)


def sections(cells):
    """The page's parts by their names."""
    texts = {}
    if cells.get("rows"):
        texts["rows"] = _table("lines", cells["rows"])
    if cells.get("callers"):
        texts["callers"] = (_table("callers", cells["callers"]) + "\n\n"
                            + _knees("callers", cells["callers"]))
    if cells.get("pool"):
        texts["pool"] = _table("pool", cells["pool"]) + "\n\n" + _knees(
            "connections", cells["pool"])
    return texts


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="tests/load/growth",
        description="Measures how cost grows, and puts the tables into tests/load/GROWTH.md. "
                    "Options after -- are those of tests/load/run.")

    def numbers(text):
        return [int(number) for number in text.split(",") if number]
    parser.add_argument("--rows", type=numbers, default=ROWS, help="lines stored; empty for none")
    parser.add_argument("--callers", type=numbers, default=CALLERS, help="callers at once")
    parser.add_argument("--pools", type=numbers, default=POOLS, help="connections of the pool")
    parser.add_argument("--page", default=PAGE)
    parser.add_argument("rest", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    options.run = run_options.parse(options.rest)
    return options


def main(arguments):
    options = parse(arguments)
    if not options.run.build_dir:
        build(options.run)
    directory = tempfile.mkdtemp(prefix="aquifer-growth-", dir=options.run.directory)
    os.chmod(directory, 0o755)
    cells = {}
    try:
        facts = machine.facts(directory, programs())
        if options.callers or options.pools:
            with Stand(options.run, os.path.join(directory, "main"),
                       ["pgbench", "aquifer"]) as stand:
                cells["callers"] = by_callers(stand, options)
                cells["pool"] = by_pool(stand, options)
        cells["rows"] = by_rows(options, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    parts = sections(cells)
    print("\n\n".join(parts.values()))
    markers.replace(options.page, {"machine": machine.sentence(facts) + ".", **parts})
    every = [cell for pairs in cells.values() for _, cell in pairs]
    for complaint in table.complaints(every):
        say(complaint)
    return 1 if any(cell.failures for cell in every) else 0
