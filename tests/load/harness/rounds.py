"""Measures everything in turns, so that what disturbs the machine disturbs all peers alike."""

import statistics
from dataclasses import dataclass, field

from harness.sample import rate_text
from harness.stand import say


# Of a measurement that others disturb, where --calm asks.
MOST_ATTEMPTS = 5


@dataclass(frozen=True)
class Trial:
    """What all peers of a row are put through."""

    section: str
    workload: object
    callers: int
    # Calls a second, or 0 for as many as go.
    rate: int = 0

    def __str__(self):
        paced = f" at {self.rate:,}/s" if self.rate else ""
        return f"{self.workload.name}{paced}, {self.callers} callers"


@dataclass
class Cell:
    """All rounds of one peer in one trial."""

    trial: Trial
    peer: str
    samples: list = field(default_factory=list)

    def rates(self):
        return [sample.rate for sample in self.samples]

    @property
    def median(self):
        return statistics.median(self.rates())

    @property
    def failures(self):
        return sum(sample.failures for sample in self.samples)

    @property
    def refusals(self):
        return sum(sample.refusals for sample in self.samples)

    def median_of(self, pick):
        """The median over rounds of what `pick` takes from a sample; None if none has it."""
        values = [value for value in map(pick, self.samples) if value is not None]
        return statistics.median(values) if values else None


class Cells(list):
    """Cells, to be asked for."""

    def find(self, section, workload, callers, peer):
        """None if it was not measured."""
        return next((cell for cell in self if cell.trial.section == section
                     and cell.trial.workload.name == workload and cell.trial.callers == callers
                     and cell.peer == peer), None)

    def base_of(self, cell):
        """That of pgbench in the same trial."""
        return next((other for other in self
                     if other.trial == cell.trial and other.peer == "pgbench"), None)

    def ratio(self, cell):
        """To pgbench; None where it was not measured."""
        base = self.base_of(cell)
        return cell.median / base.median if base and base.median else None


def measure(stand, trials):
    """All cells. In each round the peers of a trial take turns, another one first each time."""
    cells = Cells()
    for turn in range(stand.options.rounds):
        for trial in trials:
            takers = [peer for peer in stand.peers if peer.takes(trial)]
            first = turn % max(len(takers), 1)
            for peer in takers[first:] + takers[:first]:
                _measure_one(stand, trial, peer, turn, cells)
    return cells


def _measure_one(stand, trial, peer, turn, cells):
    for _ in range(MOST_ATTEMPTS):
        if trial.workload.writes:
            stand.restore()
        sample = peer.run(trial, stand.options.seconds)
        if sample.disturbance * 100 <= stand.options.calm:
            break
    cell = next((c for c in cells if c.trial == trial and c.peer == peer.name), None)
    if cell is None:
        cell = Cell(trial, peer.name)
        cells.append(cell)
    cell.samples.append(sample)
    failed = f"; {sample.failures} FAILED: {sample.first_failure}" if sample.failures else ""
    say(f"round {turn + 1}: {trial}: {rate_text(sample.rate)}/s {peer.name}{failed}")
