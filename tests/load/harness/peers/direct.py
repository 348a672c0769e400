"""A thread and a connection for each caller, with libpqxx: a careful program without a service."""

from harness.peers.peer import Peer
from harness.workloads import SQL


class Direct(Peer):
    name = "libpqxx"
    title = "libpqxx, a thread a caller"
    workloads = {"reads", "saves", "mixed", "hot", "ranges", "summary", "history"}

    def call(self, workload, callers, seconds, rate):
        warm = self.warm_seconds(callers)
        return self.call_with(
            [self.stand.program("tests/load/direct_load"), "--url", self.stand.postgres.url(),
             "--sql", SQL, "--workload", workload.name, "--callers", str(callers),
             "--warm-seconds", str(warm), "--seconds", str(seconds),
             "--lines", str(self.stand.options.lines)], seconds, warm)
