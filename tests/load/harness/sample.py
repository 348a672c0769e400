"""One measurement: a peer under a workload for some seconds."""

import math
from dataclasses import asdict, dataclass, field


@dataclass
class Sample:
    """What came of it. Calls are those that were answered rightly, and only those."""

    calls: int
    seconds: float
    failures: int = 0
    refusals: int = 0
    first_failure: str = ""
    # p50, p99, p999 and mean, in microseconds.
    latency_us: dict = field(default_factory=dict)
    # Processor time a call in client, server and database, in microseconds.
    processor_us: dict = field(default_factory=dict)
    # How much of the processors all other programs used meanwhile, of 1.
    disturbance: float = 0.0
    # The largest resident size of the server meanwhile.
    server_bytes: int = 0

    @property
    def rate(self):
        return self.calls / self.seconds if self.seconds else 0.0

    def as_json(self):
        return dict(asdict(self), rate=round(self.rate, 1))


def rate_text(rate):
    """Of few calls a second a part tells too."""
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2f}"


def percentiles(latencies):
    """What a peer that keeps every latency says of them, as caller/tally.cc does."""
    if not latencies:
        return {}
    latencies = sorted(latencies)

    def at(share):
        return latencies[max(math.ceil(share * len(latencies)), 1) - 1]

    return {"mean": round(sum(latencies) / len(latencies), 1), "p50": at(0.5), "p99": at(0.99),
            "p999": at(0.999)}
