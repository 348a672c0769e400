"""The release server with its default logs, metrics and guarantees, called by aquifer_load."""

import json
import os

from harness import processes
from harness.peers.peer import Peer, failed_sample, sample_from_json, wait_for_line

# Callers that share a connection: as many as a client process would have on its channel.
CALLERS_A_CHANNEL = 128


class Aquifer(Peer):
    name = "aquifer"
    title = "Aquifer, TCP"
    paced = True

    def __init__(self, harness):
        super().__init__(harness)
        self.target = ""

    def start(self):
        output = os.path.join(self.harness.directory, f"{self.name}.out")
        with open(output, "wb") as stdout:
            self.server = processes.start(
                [self.harness.program("server/aquifer-server"), "serve", "--port", "0",
                 *self.harness.options.server],
                os.path.join(self.harness.directory, f"{self.name}.log"),
                {"DATABASE_URL": self.harness.postgres.url()}, stdout=stdout)
        wait_for_line(output, "Press Ctrl-C", self.server)
        self.target = self.address(output)

    def address(self, output):
        return wait_for_line(output, "serving on ", self.server).split()[0]

    def call(self, workload, callers, seconds, rate):
        options = self.harness.options
        channels = options.channels or -(-callers // CALLERS_A_CHANNEL)
        command = [self.harness.program("tests/load/aquifer_load"), "--target", self.target,
                   "--workload", workload.name, "--callers", str(callers),
                   "--channels", str(channels), "--threads", str(options.caller_threads),
                   "--seconds", str(seconds), "--rate", str(rate),
                   "--lines", str(options.lines)]
        code, output, errors, spent = self.run_client(command, seconds)
        if code:
            return failed_sample(errors), spent
        return sample_from_json(json.loads(output)), spent
