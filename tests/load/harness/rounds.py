"""Measures everything in turns, so that what disturbs the machine disturbs all peers alike."""

import statistics
from dataclasses import dataclass, field

from harness import history


@dataclass
class Cell:
    """All rounds of one peer under one workload with so many callers."""

    workload: str
    callers: int
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


def measure(harness, workloads, peers, callers, say):
    """All cells. In each round the peers of a cell take turns, another one first each time."""
    options = harness.options
    cells = {}
    for turn in range(options.rounds):
        for workload in workloads:
            for count in callers:
                takers = [peer for peer in peers if peer.takes(workload)]
                for peer in takers[turn % len(takers):] + takers[:turn % len(takers)]:
                    if workload.writes:
                        history.restore(harness.postgres, options.lines)
                    sample = peer.run(workload, count, options.seconds)
                    key = (workload.name, count, peer.name)
                    cells.setdefault(key, Cell(*key)).samples.append(sample)
                    say(f"round {turn + 1}: {workload.name}, {count} callers, {peer.name}: "
                        f"{sample.rate:,.0f}/s" + (f"; {sample.failures} FAILED: "
                                                   f"{sample.first_failure}"
                                                   if sample.failures else ""))
    return list(cells.values())
