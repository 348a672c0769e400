"""pgbench through PgBouncer in transaction mode.

PgBouncer 1.18 knows no prepared statements in that mode, so each call is sent whole: by the simple
protocol unless `--pgbouncer-mode extended` says otherwise.
"""

import os
import shutil

from harness import processes
from harness.peers.peer import Unavailable
from harness.peers.pgbench import Pgbench
from harness.postgres import free_port

SETTINGS = """[databases]
{database} = host={directory} port={port} user={user}
[pgbouncer]
pool_mode = transaction
default_pool_size = {pool}
max_client_conn = 4000
auth_type = any
listen_addr =
listen_port = {own_port}
unix_socket_dir = {socket}
ignore_startup_parameters = extra_float_digits
"""


def program():
    """Where PgBouncer is, or None; only root has /usr/sbin on its path."""
    return shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin")


class Pgbouncer(Pgbench):
    name = "pgbouncer"
    title = "PgBouncer, Unix socket"
    most_callers = 2000

    def __init__(self, stand):
        super().__init__(stand)
        self.mode = stand.options.pgbouncer_mode
        self.socket = os.path.join(stand.directory, "pgbouncer")
        self.port = free_port()

    def start(self):
        if not program():
            raise Unavailable("PgBouncer is not installed")
        account = processes.Account()
        os.makedirs(self.socket)
        account.own(self.socket)
        postgres = self.stand.postgres
        settings = os.path.join(self.socket, "pgbouncer.ini")
        with open(settings, "w", encoding="utf-8") as file:
            file.write(SETTINGS.format(database=postgres.database, directory=postgres.directory,
                                       port=postgres.port, user=postgres.user,
                                       pool=self.stand.options.pool, own_port=self.port,
                                       socket=self.socket))
        self.server = processes.start([program(), settings], os.path.join(self.socket, "log"),
                                      account=account, cwd=self.socket)
        processes.wait_until(
            lambda: os.path.exists(os.path.join(self.socket, f".s.PGSQL.{self.port}")),
            "PgBouncer")

    def place(self):
        return self.socket, self.port
