"""A thread and a connection for each caller, with libpqxx: a careful program without a service."""

import json

from harness.peers.peer import Peer, failed_sample, sample_from_json
from harness.workloads import SQL


class Direct(Peer):
    name = "libpqxx"
    title = "libpqxx, a thread a caller"

    def call(self, workload, callers, seconds, rate):
        code, output, errors, spent = self.run_client(
            [self.harness.program("tests/load/direct_load"), "--url", self.harness.postgres.url(),
             "--sql", SQL, "--workload", workload.name, "--callers", str(callers),
             "--seconds", str(seconds), "--lines", str(self.harness.options.lines)], seconds)
        if code:
            return failed_sample(errors), spent
        return sample_from_json(json.loads(output)), spent
