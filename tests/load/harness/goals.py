"""What Aquifer is to reach, and what was measured of it."""

import statistics
from dataclasses import dataclass
from typing import Callable

MIB = 2**20


@dataclass(frozen=True)
class Goal:
    """`measure` gives a figure, or None where its parts were not measured."""

    what: str
    least: float
    measure: Callable
    # Whether the figure is to be below, as of latency and memory.
    below: bool = False
    unit: str = "×"

    def reached(self, figure):
        return figure <= self.least if self.below else figure >= self.least

    def text(self):
        return f"{'≤' if self.below else '≥'} {self.least:g} {self.unit}"


def _against(section, workload, callers, peer, own_peer="aquifer"):
    def measure(cells, _):
        own = cells.find(section, workload, callers, own_peer)
        other = cells.find(section, workload, callers, peer)
        return own.median / other.median if own and other and other.median else None
    return measure


def _of_the_peak(workload, callers):
    def measure(cells, _):
        own = cells.find("callers", workload, callers, "aquifer")
        peak = max((cell.median for cell in cells if cell.peer == "aquifer"
                    and cell.trial.section == "callers" and cell.trial.workload.name == workload),
                   default=0)
        return own.median / peak if own and peak else None
    return measure


def _paced_p99(cells, _):
    for cell in cells:
        if cell.trial.section == "paced" and cell.peer == "aquifer":
            return cell.median_of(lambda sample: sample.latency_us["p99"]) / 1000
    return None


def _paced_against_pgbench(cells, others):
    own = _paced_p99(cells, others)
    for cell in cells:
        if cell.trial.section == "paced" and cell.peer == "pgbench" and own:
            return own * 1000 / cell.median_of(lambda sample: sample.latency_us["p99"])
    return None


def _transfer(direction):
    def measure(_, others):
        if "transfer" not in others:
            return None
        rates = others["transfer"]
        return (statistics.median(rates[f"{direction} aquifer"])
                / statistics.median(rates[f"{direction} psql"]))
    return measure


def _idle_mib(_, others):
    return others["memory"]["idle"] / MIB if "memory" in others else None


def _goals():
    yield from [
        Goal("point read, 128 callers, to pgbench", 1.2,
             _against("callers", "reads", 128, "pgbench")),
        Goal("point read, 128 callers, to PgBouncer", 2,
             _against("callers", "reads", 128, "pgbouncer")),
        Goal("point read, 128 callers, to Sequelize", 6,
             _against("callers", "reads", 128, "sequelize")),
        Goal("save, 128 callers, to pgbench", 2.5, _against("callers", "saves", 128, "pgbench")),
        Goal("save, 128 callers, to PgBouncer", 4, _against("callers", "saves", 128, "pgbouncer")),
        Goal("save, 128 callers, to Sequelize", 8, _against("callers", "saves", 128, "sequelize")),
        Goal("point read, 1 caller, to pgbench", 0.5, _against("callers", "reads", 1, "pgbench")),
        Goal("save, 1 caller, to pgbench", 0.5, _against("callers", "saves", 1, "pgbench")),
        Goal("point read, 8 callers, to pgbench", 0.4, _against("callers", "reads", 8, "pgbench")),
        Goal("save, 8 callers, to pgbench", 0.8, _against("callers", "saves", 8, "pgbench")),
        Goal("80 % reads, 20 % saves at half of the peak, p99", 5, _paced_p99, True, "ms"),
        Goal("80 % reads, 20 % saves at half of the peak, p99 to pgbench's", 1,
             _paced_against_pgbench, True),
        Goal("range of 100 lines, 32 callers, to pgbench", 0.6,
             _against("callers", "ranges", 32, "pgbench")),
        Goal("range of 100 lines, 32 callers, to Sequelize", 8,
             _against("callers", "ranges", 32, "sequelize")),
        Goal("one hot row, 128 callers, to pgbench", 10,
             _against("callers", "hot", 128, "pgbench")),
    ]
    for what, workload, least in (("point read", "reads", 1.3), ("save", "saves", 2),
                                  ("range of 100 lines", "ranges", 3)):
        yield Goal(f"{what} from one Node process, 32 callers, to Sequelize", least,
                   _against("callers", workload, 32, "sequelize", "aquifer-node"))
    for callers, least in ((8, 0.95), (32, 1), (128, 1.5)):
        yield Goal(f"save, commit of 2 ms, {callers} callers, to pgbench", least,
                   _against("slow-commit", "saves", callers, "pgbench"))
    yield from [
        Goal("all days by day, 1 caller, to pgbench's GROUP BY", 20,
             _against("callers", "history", 1, "pgbench")),
        Goal("export, to psql COPY TO STDOUT", 1, _transfer("export")),
        Goal("import, to psql \\copy and the same merge", 0.95, _transfer("import")),
        Goal("resident memory, idle, 20 connections", 64, _idle_mib, True, "MiB"),
        Goal("point read, 2,000 callers, of its peak", 0.9, _of_the_peak("reads", 2000)),
        Goal("save, 2,000 callers, of its peak", 0.9, _of_the_peak("saves", 2000)),
    ]


HEADINGS = ["what", "goal", "measured", "reached"]


def rows(cells, others):
    """A row for each goal whose parts were measured."""
    table = []
    for goal in _goals():
        figure = goal.measure(cells, others)
        if figure is not None:
            table.append([goal.what, goal.text(), f"{figure:.2f} {goal.unit}",
                          "yes" if goal.reached(figure) else "no"])
    return table
