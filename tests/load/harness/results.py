"""A run's results: on the screen, as JSON, as a picture, and in the README."""

import json
import os
import statistics

from harness import chart, goals, machine, markers, memory, table, transfer
from harness.stand import ROOT


def report(options, facts, cells, others):
    """Everything as text."""
    parts = [machine.sentence(facts) + f"; {options.lines:,} lines.",
             _how(options, cells), "",
             table.tables(cells)]
    if "memory" in others:
        parts += [table.aligned(["memory of the server", "size"], memory.rows(others["memory"]),
                                {0}), ""]
    if "transfer" in others:
        parts += [table.aligned(["stream", "way", "lines/s", "min-max", "ratio"],
                                transfer.rows(others["transfer"]), {0, 1}), ""]
    reached = goals.rows(cells, others)
    if reached:
        parts += [table.aligned(goals.HEADINGS, reached, {0}), ""]
    return "\n".join(parts + table.complaints(cells))


def _how(options, cells):
    disturbances = [sample.disturbance for cell in cells for sample in cell.samples]
    others = statistics.median(disturbances) if disturbances else 0
    return (f"Medians of {options.rounds} rounds of {options.seconds} s each; other programs used "
            f"{others:.0%} of the processors meanwhile.")


def write(options, facts, cells, others):
    """result.json and, where there are lines to draw, throughput.svg."""
    os.makedirs(options.results, exist_ok=True)
    result = {
        "machine": facts,
        "options": vars(options),
        "cells": [{"section": cell.trial.section, "workload": cell.trial.workload.name,
                   "callers": cell.trial.callers, "asked_rate": cell.trial.rate,
                   "peer": cell.peer, "rate": round(cell.median, 1),
                   "ratio": cells.ratio(cell), "failures": cell.failures,
                   "samples": [sample.as_json() for sample in cell.samples]} for cell in cells],
        **others,
        "goals": [dict(zip(goals.HEADINGS, row)) for row in goals.rows(cells, others)],
    }
    with open(os.path.join(options.results, "result.json"), "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    drawn = chart.picture(cells)
    if drawn:
        with open(os.path.join(options.results, "throughput.svg"), "w", encoding="utf-8") as file:
            file.write(drawn)


def write_readme(options, facts, cells, others, path=os.path.join(ROOT, "README.md")):
    """Puts the goals and the machine into the README."""
    markers.replace(path, {"load": "\n".join([
        table.aligned(goals.HEADINGS, goals.rows(cells, others), {0}), "",
        f"Measured on {machine.sentence(facts)}; {options.lines:,} lines. {_how(options, cells)}"])})
