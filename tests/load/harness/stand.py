"""What is measured: a database, and the peers that lead to it."""

import os
import subprocess
import sys
import time

from harness import history, processes
from harness.peers import aquifer, direct, node, pgbench, pgbouncer
from harness.peers.peer import Unavailable
from harness.postgres import Postgres

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
PEERS = [pgbench.Pgbench, pgbench.PgbenchBare, pgbench.PgbenchTcp, pgbouncer.Pgbouncer,
         direct.Direct, node.SequelizeStraight, node.GrpcJs, node.NodePackage,
         aquifer.Aquifer, aquifer.AquiferUnix]
TITLES = {kind.name: kind.title for kind in PEERS}


def say(text):
    print(f"load: {text}", file=sys.stderr, flush=True)


class Stand:
    """The options, a directory, a filled database and the peers that were asked for and can be had.

    To be used in a `with`, which starts all of it and stops it again.
    """

    def __init__(self, options, directory, peers, environment=None):
        self.options = options
        self.directory = directory
        self.wanted = peers
        self.environment = environment
        self.build = os.path.join(ROOT, options.build_dir or f"build/{options.preset}")
        self.postgres = None
        self.peers = []

    def __enter__(self):
        os.makedirs(self.directory, exist_ok=True)
        try:
            self.postgres = Postgres(os.path.join(self.directory, "postgres"), self.environment)
            self._fill()
            for kind in PEERS:
                if kind.name in self.wanted:
                    self._start(kind(self))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for peer in self.peers:
            peer.stop()
        if self.postgres:
            self.postgres.stop()

    def program(self, path):
        return os.path.join(self.build, path)

    def peer(self, name):
        """None if it is not there."""
        return next((peer for peer in self.peers if peer.name == name), None)

    def restore(self):
        history.restore(self.postgres, self.options.lines)

    def _fill(self):
        say(f"filling a database with {self.options.lines:,} lines")
        begin = time.monotonic()
        self._command("migrate", "up")
        history.fill(self.postgres, self.options.lines)
        self._command("rollup", "rebuild")
        say(f"filled in {time.monotonic() - begin:.0f} s")

    def _command(self, *arguments):
        subprocess.run([self.program("server/aquifer-server"), *arguments], check=True,
                       stdout=subprocess.DEVNULL,
                       env=processes.clean_environment(DATABASE_URL=self.postgres.url()))

    def _start(self, peer):
        # Before it starts, so that a start that fails halfway is stopped.
        self.peers.append(peer)
        try:
            peer.start()
        except Unavailable as reason:
            self.peers.remove(peer)
            say(f"without {peer.title}: {reason}")
