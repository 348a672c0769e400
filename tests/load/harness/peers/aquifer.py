"""The release server with its default logs, metrics and guarantees, called by aquifer_load."""

import os

from harness import processes
from harness.peers.peer import Peer, wait_for_line

# Callers that share a connection: as many as a client process would have on its channel.
CALLERS_A_CHANNEL = 128


class Aquifer(Peer):
    name = "aquifer"
    title = "Aquifer, TCP"
    paced = True
    most_callers = None

    def __init__(self, stand, flags=()):
        super().__init__(stand)
        self.flags = [*stand.options.server, *flags]
        self.target = ""

    def start(self):
        output = os.path.join(self.stand.directory, f"{self.name}.out")
        with open(output, "wb") as stdout:
            self.server = processes.start(
                [self.stand.program("server/aquifer-server"), "serve", "--port", "0",
                 *self.flags],
                os.path.join(self.stand.directory, f"{self.name}.log"),
                {"DATABASE_URL": self.stand.postgres.url()}, stdout=stdout)
        wait_for_line(output, "Press Ctrl-C", self.server)
        self.target = wait_for_line(output, "serving on ", self.server).split()[0]

    def call(self, workload, callers, seconds, rate):
        options, warm = self.stand.options, self.warm_seconds(callers)
        channels = options.channels or -(-callers // CALLERS_A_CHANNEL)
        command = [self.stand.program("tests/load/aquifer_load"), "--target", self.target,
                   "--workload", workload.name, "--callers", str(callers),
                   "--channels", str(channels), "--threads", str(options.caller_threads),
                   "--warm-seconds", str(warm), "--seconds", str(seconds), "--rate", str(rate),
                   "--lines", str(options.lines)]
        return self.call_with(command, seconds, warm)


class AquiferUnix(Aquifer):
    """The same, called over the Unix socket that it listens on beside TCP."""

    name = "aquifer-unix"
    title = "Aquifer, Unix socket"

    def __init__(self, stand):
        self.socket = os.path.join(stand.directory, "aquifer.sock")
        super().__init__(stand, ["--socket", self.socket])

    def start(self):
        super().start()
        self.target = f"unix:{self.socket}"
