"""The workloads: the SQL that direct callers send, and what they draw at random.

caller/operations.cc has the same ones as calls. A variable's expression is one of pgbench; the
other direct peers draw theirs in the same way.
"""

import os
from dataclasses import dataclass, field

from harness.history import DEVICES, FIRST_SECOND, STEP_SECONDS, last_second

SQL = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "sql")
DAY_SECONDS = 86400


@dataclass(frozen=True)
class Part:
    """One statement, how many of a hundred calls are of it, and its variables."""

    file: str
    percent: int = 100
    variables: dict = field(default_factory=dict)
    # Variables that pgbench cannot compute, as SQL.
    expressions: dict = field(default_factory=dict)

    def script(self):
        """As pgbench takes it."""
        with open(os.path.join(SQL, self.file + ".sql"), encoding="utf-8") as file:
            statement = file.read().strip()
        for name, expression in self.expressions.items():
            statement = statement.replace(f":{name}::", f"{expression}::")
        lines = [f"\\set {name} {value}" for name, value in self.variables.items()]
        return "\n".join(lines + [statement + ";", ""])


@dataclass(frozen=True)
class Workload:
    name: str
    title: str
    parts: list
    usual_callers: tuple = (1, 8, 32, 128, 512, 2000)
    writes: bool = False


def _reads(lines, percent=100):
    return Part("reads", percent, {
        "n": f"random(1, {lines})",
        "device": f":n * 7919 % {DEVICES}",
        "second": f"{FIRST_SECOND} + :n * {STEP_SECONDS}",
    })


def _saves(lines, percent=100, file="saves"):
    first = last_second(lines) + 1
    return Part(file, percent, {
        "device": f"random(0, {DEVICES - 1})",
        "second": f"random({first}, {first + DAY_SECONDS - 1})",
        "banknotes": "random(1, 499999)",
        "coins": "random(0, 29999)",
    })


def _span(lines, first, last):
    return {"n": f"random(1, {max(lines - 99, 1)})",
            "first": f"{FIRST_SECOND} + {first} * {STEP_SECONDS}",
            "last": f"{FIRST_SECOND} + {last} * {STEP_SECONDS}"}


def _hot(lines):
    # Amounts have to rise, or there would be nothing to write; the clock does.
    return Part("saves", 100, {"second": f"{last_second(lines) + 1}"}, {
        "device": "'0'", "coins": "0",
        "banknotes": "((EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint % 1000000000000)",
    })


def workloads(lines):
    """All of them by name, over a history of so many lines."""
    days = max(lines * STEP_SECONDS // DAY_SECONDS - 1, 1)
    every = [
        Workload("reads", "point read", [_reads(lines)]),
        Workload("saves", "save", [_saves(lines)], writes=True),
        Workload("mixed", "80 % reads, 20 % saves", [_reads(lines, 80), _saves(lines, 20)],
                 (8, 128, 512), writes=True),
        Workload("hot", "one hot row", [_hot(lines)], (8, 128), writes=True),
        Workload("ranges", "range of 100 lines",
                 [Part("ranges", 100, _span(lines, ":n", f"(:n + {min(lines, 100) - 1})"))],
                 (1, 32, 128)),
        Workload("summary", "a day by collector",
                 [Part("summary", 100, {"day": f"random(0, {days - 1})"})], (1, 8)),
        Workload("history", "all days by day",
                 [Part("history", 100, _span(lines, "1", str(lines)))], (1, 8)),
        Workload("deliveries", "a delivery recorded",
                 [Part("deliveries", 100, {"chat": "random(1, 100000000)"})], (1, 8, 32, 128),
                 writes=True),
        Workload("outcomes", "a fetch outcome noted",
                 [Part("outcomes", 100, {"device": f"random(0, {DEVICES - 1})",
                                         "day": "random(0, 9999)"})], (1, 8, 32, 128),
                 writes=True),
    ]
    return {workload.name: workload for workload in every}
