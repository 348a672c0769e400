"""Tables in Markdown that read well as text too."""

from harness.sample import rate_text
from harness.stand import TITLES

HEADINGS = ["workload", "callers", "peer", "calls/s", "min-max", "ratio", "p50 ms", "p99 ms",
            "p99.9 ms", "µs client", "µs server", "µs database"]
LEFT = {0, 2}
SECTIONS = {
    "callers": "Each caller calls again once it is answered; the ratio is to pgbench over its Unix "
               "socket",
    "paced": "Calls that come at random moments, at half of the most that Aquifer answered",
    "slow-commit": "A disk that takes 2 ms more for a commit",
}


def aligned(headings, rows, left):
    widths = [max(len(row[i]) for row in [headings] + rows) for i in range(len(headings))]

    def line(row):
        padded = [text.ljust(width) if i in left else text.rjust(width)
                  for i, (text, width) in enumerate(zip(row, widths))]
        return "| " + " | ".join(padded) + " |"

    rule = [("-" * width) if i in left else "-" * (width - 1) + ":"
            for i, width in enumerate(widths)]
    return "\n".join([line(headings), "| " + " | ".join(rule) + " |"] + [line(row) for row in rows])


def tables(cells):
    """A table for each section that was measured, under its title."""
    texts = []
    for section, title in SECTIONS.items():
        rows = [_row(cells, cell) for cell in _in_order(cells, section)]
        if rows:
            texts.append(f"{title}:\n\n{aligned(HEADINGS, rows, LEFT)}\n")
    return "\n".join(texts)


def complaints(cells):
    """What failed, for nobody to overlook."""
    lines = []
    for cell in cells:
        where = f"{cell.trial}, {TITLES[cell.peer]}"
        if cell.failures:
            why = next(sample.first_failure for sample in cell.samples if sample.failures)
            lines.append(f"{where}: {cell.failures} calls FAILED, the first: {why}")
        if cell.refusals:
            lines.append(f"{where}: {cell.refusals} calls were told to come again later, and did")
    return lines


def _in_order(cells, section):
    own = [cell for cell in cells if cell.trial.section == section]
    workloads = list(dict.fromkeys(cell.trial.workload.name for cell in own))
    return sorted(own, key=lambda cell: (workloads.index(cell.trial.workload.name),
                                         cell.trial.callers, list(TITLES).index(cell.peer)))


def _row(cells, cell):
    def latency(name):
        value = cell.median_of(lambda sample: sample.latency_us.get(name))
        return "" if value is None else f"{value / 1000:.2f}"

    def processor(name):
        value = cell.median_of(lambda sample: sample.processor_us.get(name))
        return "" if value is None else f"{value:.0f}"

    rates = cell.rates()
    ratio = cells.ratio(cell)
    return [cell.trial.workload.name, str(cell.trial.callers), TITLES[cell.peer],
            rate_text(cell.median), f"{rate_text(min(rates))}-{rate_text(max(rates))}",
            "" if ratio is None else f"{ratio:.2f}", latency("p50"), latency("p99"),
            latency("p999"), processor("client"), processor("server"), processor("database")]
