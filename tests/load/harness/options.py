"""The command line of tests/load/run."""

import argparse
import os

from harness.stand import ROOT

WORKLOADS = ["reads", "saves", "mixed", "hot", "ranges", "summary", "history",
             "deliveries", "outcomes"]
EXTRAS = ["paced", "slow-commit", "memory", "transfer"]
PEERS = ["pgbench", "pgbench-bare", "pgbench-tcp", "pgbouncer", "libpqxx", "sequelize", "grpc-js",
         "aquifer-node", "aquifer", "aquifer-unix"]
# None of callers: as many as are usual for each workload.
FULL = {"only": WORKLOADS + EXTRAS, "callers": None, "peers": PEERS, "rounds": 3, "seconds": 3,
        "lines": 1000000, "import_lines": 1000000}
QUICK = {"only": ["reads", "saves"], "callers": [1, 128], "peers": ["pgbench", "aquifer"], "rounds": 3, "seconds": 2, "lines": 200000, "import_lines": 100000}


def _names(known):
    def parse_names(text):
        names = [name for name in text.split(",") if name]
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"no {name}; there are: {', '.join(known)}")
        return names
    return parse_names


def _numbers(text):
    return [int(number) for number in text.split(",")]


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="tests/load/run",
        description="Measures Aquifer against other ways to the same database, in one run.")
    what = parser.add_argument_group("what is measured")
    what.add_argument("--quick", action="store_true", help="the essential in two minutes")
    what.add_argument("--only", type=_names(WORKLOADS + EXTRAS), metavar="WORKLOADS",
                      help="of " + ",".join(WORKLOADS + EXTRAS))
    what.add_argument("--peers", type=_names(PEERS), help="of " + ",".join(PEERS))
    what.add_argument("--callers", type=_numbers, help="calls outstanding at once, as in 1,128")
    what.add_argument("--rounds", type=int, help="times everything is measured")
    what.add_argument("--seconds", type=int, help="how long each measurement takes")
    what.add_argument("--lines", type=int, help="lines in the database")
    what.add_argument("--import-lines", type=int, help="lines that are imported")

    how = parser.add_argument_group("how")
    how.add_argument("--warm-seconds", type=int, default=1,
                     help="how long calls do not count yet, and a second more for each 128 callers")
    how.add_argument("--preset", default="release", help="the build that is measured (release)")
    how.add_argument("--build-dir", help="where it is, if it is built already")
    how.add_argument("--calm", type=int, default=100, metavar="PERCENT",
                     help="measure again, at most five times, what others disturbed by using more "
                          "than this of the processors (100: never)")
    how.add_argument("--directory", default="/var/tmp",
                     help="where the databases are made, on a real disk (/var/tmp)")
    how.add_argument("--server", action="append", default=[], metavar="FLAG",
                     help="a flag for the server, such as --server=--pool-max=50")
    how.add_argument("--channels", type=int, default=0,
                     help="connections of aquifer_load (one for each 128 callers)")
    how.add_argument("--caller-threads", type=int, default=1, help="threads of aquifer_load (1)")
    how.add_argument("--pgbench-threads", type=int, default=1, help="threads of pgbench (1)")
    how.add_argument("--pool", type=int, default=20,
                     help="connections of PgBouncer, Sequelize and the grpc-js server (20)")
    how.add_argument("--pgbouncer-mode", choices=["simple", "extended"], default="simple",
                     help="the protocol that pgbench speaks to it (simple)")

    results = parser.add_argument_group("results")
    results.add_argument("--results", default=os.path.join(ROOT, "build", "load"),
                         metavar="DIRECTORY",
                         help="where result.json and throughput.svg go (build/load)")
    results.add_argument("--readme", action="store_true",
                         help="put the table of goals into README.md")
    options = parser.parse_args(arguments)
    for name, value in (QUICK if options.quick else FULL).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options
