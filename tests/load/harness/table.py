"""The table of a run, in Markdown that reads well as text too."""

HEADINGS = ["workload", "callers", "peer", "calls/s", "min-max", "ratio", "p50 ms", "p99 ms",
            "p99.9 ms", "µs client", "µs server", "µs database"]
LEFT = {0, 2}
# Whom the ratios are to.
BASE = "pgbench"


def _milliseconds(value):
    return "" if value is None else f"{value / 1000:.2f}"


def ratio(cells, cell):
    """Of a cell's median to that of pgbench in the same place; None if there is none."""
    for other in cells:
        if (other.workload, other.callers, other.peer) == (cell.workload, cell.callers, BASE):
            return cell.median / other.median if other.median else None
    return None


def _row(cells, cell, titles):
    def latency(name):
        return _milliseconds(cell.median_of(lambda sample: sample.latency_us.get(name)))

    def processor(name):
        value = cell.median_of(lambda sample: sample.processor_us.get(name))
        return "" if value is None else f"{value:.0f}"

    rates = cell.rates()
    times = ratio(cells, cell)
    return [cell.workload, str(cell.callers), titles[cell.peer], f"{cell.median:,.0f}",
            f"{min(rates):,.0f}-{max(rates):,.0f}", "" if times is None else f"{times:.2f}",
            latency("p50"), latency("p99"), latency("p999"), processor("client"),
            processor("server"), processor("database")]


def aligned(headings, rows, left):
    widths = [max(len(row[i]) for row in [headings] + rows) for i in range(len(headings))]

    def line(row):
        padded = [text.ljust(width) if i in left else text.rjust(width)
                  for i, (text, width) in enumerate(zip(row, widths))]
        return "| " + " | ".join(padded) + " |"

    rule = [("-" * width) if i in left else "-" * (width - 1) + ":"
            for i, width in enumerate(widths)]
    return "\n".join([line(headings), "| " + " | ".join(rule) + " |"] + [line(row) for row in rows])


def table(cells, titles):
    ordered = sorted(range(len(cells)), key=lambda i: (_first(cells, cells[i]), cells[i].callers, i))
    return aligned(HEADINGS, [_row(cells, cells[i], titles) for i in ordered], LEFT)


def _first(cells, cell):
    return next(i for i, other in enumerate(cells) if other.workload == cell.workload)


def complaints(cells, titles):
    """What failed, for nobody to overlook."""
    lines = []
    for cell in cells:
        if cell.failures:
            why = next(s.first_failure for s in cell.samples if s.failures)
            lines.append(f"{cell.workload}, {cell.callers} callers, {titles[cell.peer]}: "
                         f"{cell.failures} calls failed, the first: {why}")
        if cell.refusals:
            lines.append(f"{cell.workload}, {cell.callers} callers, {titles[cell.peer]}: "
                         f"{cell.refusals} calls were told to come again later, and did")
    return lines
