"""Throughput over callers as an SVG picture: a panel for each workload, a line for each peer."""

import math
from html import escape

from harness.stand import TITLES

WIDTH, HEIGHT, LEFT, TOP, BOTTOM, LEGEND = 380, 260, 62, 34, 40, 24
COLOURS = {"aquifer": "#0b6e99", "pgbench": "#444444", "pgbench-bare": "#999999",
           "pgbench-tcp": "#b08900", "pgbouncer": "#c0562f", "libpqxx": "#5b8c3a",
           "sequelize": "#b0306a", "grpc-js": "#7a52a5", "aquifer-node": "#5fb0d3",
           "aquifer-unix": "#0f7a5a"}


def picture(cells):
    """None where no workload was measured with several callers."""
    own = [cell for cell in cells if cell.trial.section == "callers" and cell.median]
    panels = []
    for workload in dict.fromkeys(cell.trial.workload.name for cell in own):
        of_it = [cell for cell in own if cell.trial.workload.name == workload]
        if len({cell.trial.callers for cell in of_it}) > 1:
            panels.append((workload, of_it))
    if not panels:
        return None
    peers = [name for name in TITLES if any(cell.peer == name for _, part in panels
                                            for cell in part)]
    width = WIDTH * min(len(panels), 2)
    rows = math.ceil(len(panels) / 2)
    height = HEIGHT * rows + LEGEND * math.ceil(len(peers) / 3) + 10
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
             f'width="{width}" height="{height}" font-family="sans-serif" font-size="11">',
             f'<rect width="{width}" height="{height}" fill="white"/>']
    for i, (workload, of_it) in enumerate(panels):
        parts.append(f'<g transform="translate({i % 2 * WIDTH} {i // 2 * HEIGHT})">')
        parts += _panel(of_it[0].trial.workload.title, of_it)
        parts.append("</g>")
    for i, peer in enumerate(peers):
        x, y = LEFT + i % 3 * (width - LEFT) / 3, HEIGHT * rows + LEGEND * (i // 3) + 12
        parts.append(f'<line x1="{x:.0f}" y1="{y}" x2="{x + 18:.0f}" y2="{y}" stroke="'
                     f'{COLOURS[peer]}" stroke-width="{_weight(peer)}"/>')
        parts.append(f'<text x="{x + 24:.0f}" y="{y + 4}">{escape(TITLES[peer])}</text>')
    return "\n".join(parts + ["</svg>", ""])


def _weight(peer):
    return 3 if peer == "aquifer" else 1.5


def _panel(title, cells):
    counts = sorted({cell.trial.callers for cell in cells})
    top = _round_up(max(max(cell.rates()) for cell in cells))
    span = math.log2(counts[-1] / counts[0])

    def x(callers):
        return LEFT + (WIDTH - LEFT - 20) * math.log2(callers / counts[0]) / span

    def y(rate):
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * rate / top

    parts = [f'<text x="{LEFT}" y="18" font-weight="bold">{escape(title)}, calls/s</text>']
    for i in range(5):
        rate = top * i / 4
        parts.append(f'<line x1="{LEFT}" y1="{y(rate):.1f}" x2="{WIDTH - 20}" y2="{y(rate):.1f}" '
                     'stroke="#dddddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(rate) + 4:.1f}" text-anchor="end">{rate:,.0f}'
                     '</text>')
    for count in counts:
        parts.append(f'<text x="{x(count):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">'
                     f'{count:,}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH) / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle">'
                 'callers</text>')
    for peer in TITLES:
        line = sorted(((cell.trial.callers, cell) for cell in cells if cell.peer == peer),
                      key=lambda point: point[0])
        points = " ".join(f"{x(count):.1f},{y(cell.median):.1f}" for count, cell in line)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[peer]}" '
                     f'stroke-width="{_weight(peer)}"/>')
        for count, cell in line:
            parts.append(f'<line x1="{x(count):.1f}" y1="{y(min(cell.rates())):.1f}" '
                         f'x2="{x(count):.1f}" y2="{y(max(cell.rates())):.1f}" '
                         f'stroke="{COLOURS[peer]}"/>')
    return parts


def _round_up(value):
    """To one that divides by four well."""
    magnitude = 10 ** math.floor(math.log10(value))
    return next(step * magnitude for step in (1, 2, 4, 6, 8, 10) if step * magnitude >= value)
