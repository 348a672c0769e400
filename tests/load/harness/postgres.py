"""A PostgreSQL of the harness's own, set up as server/database/postgres_cluster.cc does it."""

import glob
import os
import signal
import socket
import subprocess

from harness import processes

SETTINGS = {
    "shared_buffers": "128MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "64MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "wal_compression": "on",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "timezone": "Europe/Kiev",
    # Each of 512 callers that call directly has a connection, and the others theirs beside.
    "max_connections": "650",
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def programs():
    """Where PostgreSQL's programs are, the newest if there are several."""
    found = glob.glob("/usr/lib/postgresql/*/bin/postgres")
    if not found:
        raise RuntimeError("no PostgreSQL in /usr/lib/postgresql")
    return os.path.dirname(max(found, key=lambda path: int(path.split("/")[4])))


class Postgres:
    """One cluster with one database, `load`, on a socket in its directory and on a port."""

    user = "aquifer"
    database = "load"

    def __init__(self, directory, environment=None):
        self.directory = directory
        self.port = free_port()
        self.bindir = programs()
        account = processes.Account()
        os.makedirs(directory)
        account.own(directory)
        data = os.path.join(directory, "data")
        log = os.path.join(directory, "postgres.log")
        subprocess.run(
            [f"{self.bindir}/initdb", "-D", data, "--username", self.user, "--encoding=UTF8",
             "--auth=trust", "--locale=C.UTF-8", "--no-instructions"],
            check=True, stdout=subprocess.DEVNULL, cwd=directory, **account.popen_arguments())
        command = [f"{self.bindir}/postgres", "-D", data]
        settings = dict(SETTINGS, port=self.port, unix_socket_directories=directory,
                        listen_addresses="127.0.0.1")
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self.process = processes.start(command, log, environment, account, cwd=directory)
        try:
            processes.wait_until(self._accepts, "PostgreSQL")
        except RuntimeError as error:
            self.stop()
            with open(log, encoding="utf-8") as file:
                raise RuntimeError(f"{error}\n{file.read()}") from None
        self.run(f"CREATE DATABASE {self.database}", database="postgres")

    def _accepts(self):
        if self.process.poll() is not None:
            raise RuntimeError("PostgreSQL ended")
        return subprocess.run([f"{self.bindir}/pg_isready", "-q", "-h", self.directory, "-p",
                               str(self.port)], check=False).returncode == 0

    def url(self, by_socket=True):
        if by_socket:
            return (f"postgresql:///{self.database}?host={self.directory}&port={self.port}"
                    f"&user={self.user}")
        return f"postgresql://{self.user}@127.0.0.1:{self.port}/{self.database}"

    def run(self, sql, database=None):
        """Runs what psql takes, and answers with its rows, unaligned and without headings."""
        done = subprocess.run(
            [f"{self.bindir}/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
             "-h", self.directory, "-p", str(self.port), "-U", self.user,
             database or self.database],
            input=sql, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"psql: {done.stderr}")
        return done.stdout

    def seconds(self):
        """Processor time of all its processes."""
        return processes.tree_seconds(self.process.pid)

    def stop(self):
        processes.stop(self.process, signal.SIGINT)
