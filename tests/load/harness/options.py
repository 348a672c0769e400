"""The command line of tests/load/run."""

import argparse

ALL_WORKLOADS = ["reads", "saves", "mixed", "hot", "ranges", "summary", "history"]
ALL_PEERS = ["pgbench", "pgbench-bare", "pgbench-tcp", "pgbouncer", "libpqxx", "sequelize",
             "grpc-js", "aquifer"]
QUICK = {"only": "reads,saves", "callers": "1,128", "peers": "pgbench,aquifer", "rounds": 3,
         "seconds": 2, "lines": 200000}
FULL = {"only": ",".join(ALL_WORKLOADS), "callers": "1,8,32,128,512", "peers": ",".join(ALL_PEERS),
        "rounds": 5, "seconds": 4, "lines": 1000000}


def _names(known):
    def parse(text):
        names = [name for name in text.split(",") if name]
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"no {name}; there are: {', '.join(known)}")
        return names
    return parse


def _numbers(text):
    return [int(number) for number in text.split(",")]


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="tests/load/run",
        description="Measures Aquifer against other ways to the same database, in one run.")
    parser.add_argument("--quick", action="store_true", help="the essential in two minutes")
    parser.add_argument("--only", type=_names(ALL_WORKLOADS), metavar="WORKLOADS",
                        help="of " + ",".join(ALL_WORKLOADS))
    parser.add_argument("--peers", type=_names(ALL_PEERS), help="of " + ",".join(ALL_PEERS))
    parser.add_argument("--callers", type=_numbers, help="calls outstanding at once")
    parser.add_argument("--rounds", type=int, help="times everything is measured")
    parser.add_argument("--seconds", type=int, help="how long each measurement takes")
    parser.add_argument("--lines", type=int, help="lines in the database")
    parser.add_argument("--json", metavar="FILE", default="build/load/result.json")
    parser.add_argument("--preset", default="release", help="the build that is measured")
    parser.add_argument("--build-dir", help="where it is, if it is not build/PRESET; not built then")
    parser.add_argument("--directory", default="/var/tmp",
                        help="where the databases are made, on a real disk")
    parser.add_argument("--server", action="append", default=[], metavar="FLAG",
                        help="a flag for the server, such as --server=--pool-max=50")
    parser.add_argument("--channels", type=int, default=0,
                        help="connections of aquifer_load; one for each 128 callers by default")
    parser.add_argument("--caller-threads", type=int, default=1, help="threads of aquifer_load")
    parser.add_argument("--pool", type=int, default=20,
                        help="connections of PgBouncer, Sequelize and the grpc-js server")
    parser.add_argument("--pgbouncer-mode", choices=["simple", "extended"], default="simple")
    parser.add_argument("--pgbench-threads", type=int, default=2, help="threads of pgbench")
    options = parser.parse_args(arguments)
    for name, value in (QUICK if options.quick else FULL).items():
        if getattr(options, name) is None:
            action = next(a for a in parser._actions if a.dest == name)
            setattr(options, name, action.type(value) if isinstance(value, str) else value)
    return options
