"""Export and import of many lines, against psql's COPY and \\copy with the same merge."""

import json
import os
import statistics
import subprocess
import time

from harness import history
from harness.history import DEVICES
from harness.stand import say
from harness.workloads import SQL

EXPORT = """COPY (
  SELECT id, device_id, collected_at, banknotes, coins, total, collector, card_id, note, machine,
    version, created_at, updated_at, corrected_at
  FROM aquifer.collections
  WHERE collected_at <= to_timestamp({last})
  ORDER BY collected_at, id
) TO STDOUT;
"""

# The lines that aquifer_transfer imports.
LINES_TO_IMPORT = """\\copy (SELECT n * 7919 % {devices}, to_timestamp({first} + n), \
(n % 500000 + 1) / 100.0, n % 30000 / 100.0, 'collector 7', '0004711', \
'notes and coins, taken by hand', 'Central market, entrance 3' \
FROM generate_series(1::bigint, {lines}) AS n) TO '{path}'
"""

IMPORT = """BEGIN;
CREATE TEMP TABLE staged (
  device_id text COLLATE "C", collected_at timestamptz, banknotes numeric, coins numeric,
  collector text COLLATE "C", card_id text, note text, machine text
) ON COMMIT DROP;
\\copy staged FROM '{path}'
{merge}
COMMIT;
"""


def measure(stand):
    """Lines a second of each way in each round."""
    file = os.path.join(stand.directory, "lines.tsv")
    last = history.last_second(stand.options.lines)
    lines = stand.options.import_lines
    stand.postgres.run(LINES_TO_IMPORT.format(devices=DEVICES, first=last + 1, lines=lines,
                                              path=file))
    with open(os.path.join(SQL, "import.sql"), encoding="utf-8") as merge:
        import_script = IMPORT.format(path=file, merge=merge.read())
    ways = {
        ("export", "psql"): lambda: _psql(stand, EXPORT.format(last=last), stand.options.lines),
        ("export", "aquifer"): lambda: _aquifer(stand, "export"),
        ("import", "psql"): lambda: _psql(stand, import_script, lines),
        ("import", "aquifer"): lambda: _aquifer(stand, "import"),
    }
    rates = {way: [] for way in ways}
    for turn in range(stand.options.rounds):
        order = list(ways)
        for way in order if turn % 2 == 0 else reversed(order):
            stand.restore()
            rates[way].append(ways[way]())
            say(f"round {turn + 1}: {way[0]}: {rates[way][-1]:,.0f} lines/s {way[1]}")
    stand.restore()
    return {f"{direction} {peer}": values for (direction, peer), values in rates.items()}


def rows(measured):
    def ratio(way):
        base = measured[way.split()[0] + " psql"]
        return statistics.median(measured[way]) / statistics.median(base)

    return [[way.split()[0], TITLES[way], f"{statistics.median(values):,.0f}",
             f"{min(values):,.0f}-{max(values):,.0f}", f"{ratio(way):.2f}"]
            for way, values in measured.items()]


TITLES = {"export psql": "psql, COPY TO STDOUT", "export aquifer": "Aquifer, StreamCollections",
          "import psql": "psql, \\copy and the same merge",
          "import aquifer": "Aquifer, ImportCollections"}


def _psql(stand, script, lines):
    postgres = stand.postgres
    command = [f"{postgres.bindir}/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h",
               postgres.directory, "-p", str(postgres.port), "-U", postgres.user,
               postgres.database]
    begin = time.monotonic()
    subprocess.run(command, input=script, text=True, check=True, stdout=subprocess.DEVNULL)
    return lines / (time.monotonic() - begin)


def _aquifer(stand, direction):
    done = subprocess.run(
        [stand.program("tests/load/aquifer_transfer"), direction, "--target",
         stand.peer("aquifer").target, "--lines", str(stand.options.lines), "--import-lines",
         str(stand.options.import_lines)], check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    answer = json.loads(done.stdout)
    return answer["rows"] / answer["seconds"]
