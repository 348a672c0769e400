"""A run from the command line to its results."""

import os
import shutil
import subprocess
import tempfile

from harness import experiments, machine, options as command_line, results
from harness.postgres import programs
from harness.stand import ROOT


def build(options):
    subprocess.run([os.path.join(ROOT, "deploy/install-packages"), "run", "build", "load"],
                   check=True)
    subprocess.run([os.path.join(ROOT, "deploy/build"), options.preset, "aquifer-server",
                    "aquifer_load_programs"], check=True)


def main(arguments):
    options = command_line.parse(arguments)
    if not options.build_dir:
        build(options)
    directory = tempfile.mkdtemp(prefix="aquifer-load-", dir=options.directory)
    # PostgreSQL may run as another user.
    os.chmod(directory, 0o755)
    try:
        facts = machine.facts(directory, programs())
        cells, others = experiments.run(options, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    results.write(options, facts, cells, others)
    if options.readme:
        results.write_readme(options, facts, cells, others)
    print(results.report(options, facts, cells, others))
    return 1 if any(cell.failures for cell in cells) else 0
