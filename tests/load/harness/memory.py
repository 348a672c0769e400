"""How much memory a server takes: idle, a connection, under load, and a call that waits."""

from harness import processes
from harness.peers.aquifer import Aquifer
from harness.rounds import Trial
from harness.stand import say
from harness.workloads import workloads

FEW, USUAL, MANY = 2, 20, 50
CALLERS, CROWD = 128, 2000
SECONDS = 3


def measure(stand):
    """In bytes. Each figure is of a server that was started for it."""
    idle = {pool: _idle(stand, pool) for pool in (FEW, USUAL, MANY)}
    loaded = _loaded(stand, CALLERS)
    crowded = _loaded(stand, CROWD)
    measured = {
        "idle": idle[USUAL][0],
        "a_connection": (idle[MANY][0] - idle[FEW][0]) // (MANY - FEW),
        "a_connection_in_postgresql": idle[USUAL][1] // USUAL,
        "under_load": loaded,
        "a_waiting_call": max(crowded - loaded, 0) // (CROWD - CALLERS),
    }
    say("memory: " + ", ".join(f"{name} {value:,}" for name, value in measured.items()))
    return measured


def _server(stand, pool):
    server = Aquifer(stand, [f"--pool-min={pool}", f"--pool-max={pool}"])
    server.name = f"aquifer-{pool}"
    server.start()
    return server


def _idle(stand, pool):
    """Of the server, and of its connections in PostgreSQL, what they do not share."""
    before = processes.private_bytes_of_children(stand.postgres.process.pid)
    server = _server(stand, pool)
    try:
        own = processes.resident_bytes(server.server.pid)
        return own, processes.private_bytes_of_children(stand.postgres.process.pid) - before
    finally:
        server.stop()


def _loaded(stand, callers):
    server = _server(stand, USUAL)
    try:
        reads = workloads(stand.options.lines)["reads"]
        return server.run(Trial("memory", reads, callers), SECONDS).server_bytes
    finally:
        server.stop()


ROWS = [("idle", "idle, with 20 connections"), ("a_connection", "for each connection more"),
        ("a_connection_in_postgresql", "and in PostgreSQL, for each"),
        ("under_load", f"under {CALLERS} callers"),
        ("a_waiting_call", f"for each waiting call more, to {CROWD:,} callers")]


def rows(measured):
    return [[title, _size(measured[name])] for name, title in ROWS]


def _size(value):
    return f"{value / 2**20:,.1f} MiB" if value >= 2**20 else f"{value / 2**10:,.1f} KiB"
