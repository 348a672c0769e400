"""What runs in Node: Sequelize straight or a grpc-js server with a pg pool, and our own package."""

import filecmp
import os
import shutil
import subprocess

from harness import processes
from harness.peers.aquifer import Aquifer
from harness.peers.peer import Peer, Unavailable, wait_for_line
from harness.workloads import SQL

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(SQL)))
SOURCE = os.path.join(os.path.dirname(SQL), "node")
INSTALLED = os.path.join(ROOT, "build", "load", "node")
PACKAGE = os.path.join(ROOT, "build", "load", "package")


def install():
    """Puts the packages and a copy of our programs beside them into build/load/node."""
    if not shutil.which("node") or not shutil.which("npm"):
        raise Unavailable("Node or npm is not installed")
    os.makedirs(INSTALLED, exist_ok=True)
    wanted = os.path.join(SOURCE, "package.json")
    # A copy of the list marks a complete installation of it.
    mark = os.path.join(INSTALLED, "installed.json")
    for file in os.listdir(SOURCE):
        shutil.copy(os.path.join(SOURCE, file), INSTALLED)
    if os.path.exists(mark) and filecmp.cmp(wanted, mark, shallow=False):
        return
    done = subprocess.run(["npm", "install", "--loglevel=error"], cwd=INSTALLED, check=False,
                          capture_output=True, text=True)
    if done.returncode:
        raise Unavailable(f"npm could not install its packages: {done.stderr.strip()[-300:]}")
    shutil.copy(wanted, mark)


def _place(stand):
    postgres = stand.postgres
    return [postgres.directory, str(postgres.port), postgres.user, postgres.database]


class SequelizeStraight(Peer):
    name = "sequelize"
    title = "Sequelize, one Node process"
    workloads = {"reads", "saves", "mixed", "ranges", "summary"}

    def start(self):
        install()

    def call(self, workload, callers, seconds, rate):
        options, warm = self.stand.options, self.warm_seconds(callers)
        return self.call_with(
            ["node", os.path.join(INSTALLED, "sequelize_load.js"), *_place(self.stand),
             workload.name, str(callers), str(warm), str(seconds), str(options.lines),
             str(options.pool)], seconds, warm)


class GrpcJs(Aquifer):
    """The same caller, protocol and statements as Aquifer's."""

    name = "grpc-js"
    title = "grpc-js server, pg pool"
    workloads = {"reads", "saves", "mixed", "ranges"}

    def start(self):
        install()
        log = os.path.join(self.stand.directory, "grpc-js.log")
        self.server = processes.start(
            ["node", os.path.join(INSTALLED, "grpc_server.js"), *_place(self.stand), SQL,
             os.path.join(ROOT, "proto"), str(self.stand.options.pool)], log)
        self.target = wait_for_line(log, "serving on ", self.server)


class NodePackage(Aquifer):
    """Aquifer as Sequelize is measured: all callers in one Node process, over the Node package."""

    name = "aquifer-node"
    title = "Aquifer from one Node process"
    workloads = {"reads", "saves", "mixed", "ranges", "summary"}
    paced = False
    most_callers = 512

    def start(self):
        install()
        done = subprocess.run([os.path.join(ROOT, "client", "node", "build"), PACKAGE], check=False,
                              capture_output=True, text=True)
        if done.returncode:
            raise Unavailable(f"the Node package cannot be built: {done.stderr.strip()[-300:]}")
        super().start()

    def call(self, workload, callers, seconds, rate):
        warm = self.warm_seconds(callers)
        return self.call_with(
            ["node", os.path.join(INSTALLED, "package_load.js"), PACKAGE, self.target,
             workload.name, str(callers), str(warm), str(seconds),
             str(self.stand.options.lines)], seconds, warm)
