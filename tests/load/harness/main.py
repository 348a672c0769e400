"""A run from the command line to the table."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

from harness import history, machine, options as command_line, rounds, table
from harness.peers import aquifer, direct, node, pgbench, pgbouncer
from harness.peers.peer import Unavailable
from harness.postgres import Postgres
from harness.workloads import workloads

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
PEERS = [pgbench.Pgbench, pgbench.PgbenchBare, pgbench.PgbenchTcp, pgbouncer.Pgbouncer,
         direct.Direct, node.SequelizeStraight, node.GrpcJs, aquifer.Aquifer]


def say(text):
    print(f"load: {text}", file=sys.stderr, flush=True)


class Harness:
    """What all peers share: the options, a directory, and the database."""

    def __init__(self, options, directory):
        self.options = options
        self.directory = directory
        self.build = options.build_dir or os.path.join(ROOT, "build", options.preset)
        self.postgres = Postgres(os.path.join(directory, "postgres"))

    def program(self, path):
        return os.path.join(self.build, path)

    def fill(self):
        say(f"filling the database with {self.options.lines:,} lines")
        begin = time.monotonic()
        subprocess.run([self.program("server/aquifer-server"), "migrate", "up"], check=True,
                       stdout=subprocess.DEVNULL,
                       env=dict(os.environ, DATABASE_URL=self.postgres.url()))
        history.fill(self.postgres, self.options.lines)
        say(f"filled in {time.monotonic() - begin:.0f} s")


def build(options):
    subprocess.run([os.path.join(ROOT, "deploy/install-packages"), "run", "build", "load"],
                   check=True)
    subprocess.run([os.path.join(ROOT, "deploy/build"), options.preset, "aquifer-server",
                    "aquifer_load", "direct_load"], check=True)


def start_peers(harness):
    started = []
    for kind in PEERS:
        if kind.name not in harness.options.peers:
            continue
        peer = kind(harness)
        try:
            peer.start()
        except Unavailable as reason:
            say(f"without {peer.title}: {reason}")
            continue
        started.append(peer)
    return started


def run(options, directory):
    harness = Harness(options, directory)
    peers = []
    try:
        known = machine.facts(directory, harness.postgres.bindir)
        harness.fill()
        peers = start_peers(harness)
        every = workloads(options.lines)
        cells = rounds.measure(harness, [every[name] for name in options.only], peers,
                               options.callers, say)
    finally:
        for peer in peers:
            peer.stop()
        harness.postgres.stop()
    return known, peers, cells


def write_json(path, options, known, cells):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    result = {
        "machine": known,
        "options": vars(options),
        "cells": [{"workload": cell.workload, "callers": cell.callers, "peer": cell.peer,
                   "rate": round(cell.median, 1), "ratio": table.ratio(cells, cell),
                   "samples": [sample.as_json() for sample in cell.samples]} for cell in cells],
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


def main(arguments):
    options = command_line.parse(arguments)
    if not options.build_dir:
        build(options)
    directory = tempfile.mkdtemp(prefix="aquifer-load-", dir=options.directory)
    os.chmod(directory, 0o755)
    try:
        known, peers, cells = run(options, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    titles = {peer.name: peer.title for peer in peers}
    write_json(options.json, options, known, cells)
    print(machine.sentence(known))
    print(f"{options.lines:,} lines; medians of {options.rounds} rounds of {options.seconds:g} s\n")
    print(table.table(cells, titles))
    complaints = table.complaints(cells, titles)
    print("".join(f"\n{line}" for line in complaints))
    return 1 if any(cell.failures for cell in cells) else 0
