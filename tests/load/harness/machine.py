"""The facts of the machine that a figure means nothing without."""

import os
import platform
import re
import subprocess
import time

from harness.peers import pgbouncer


def _version(command):
    """The first number that the program prints; none if there is no such program."""
    found = re.search(r"\d+\.[\d.]*\d", _printed(command))
    return found[0] if found else "none"


def _printed(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "none"


def _matched(path, pattern):
    try:
        with open(path, encoding="utf-8") as file:
            found = re.search(pattern, file.read(), re.MULTILINE)
    except OSError:
        return "unknown"
    return found[1].strip() if found else "unknown"


def _file_system(directory):
    return _printed(["stat", "-f", "-c", "%T", directory])


def _sync_us(directory):
    """The median of some appends of 8 KiB, each followed by fdatasync."""
    path = os.path.join(directory, "sync-probe")
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    times = []
    for _ in range(50):
        os.write(file, bytes(8192))
        begin = time.perf_counter()
        os.fdatasync(file)
        times.append(time.perf_counter() - begin)
    os.close(file)
    os.remove(path)
    return round(sorted(times)[len(times) // 2] * 1e6)


def facts(directory, bindir):
    memory = int(_matched("/proc/meminfo", r"^MemTotal:\s+(\d+)") or 0)
    return {
        "processor": _matched("/proc/cpuinfo", r"^model name\s*:\s*(.*)$"),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**20, 1),
        "system": _matched("/etc/os-release", r'^PRETTY_NAME="(.*)"$'),
        "kernel": platform.release(),
        "postgresql": _version([f"{bindir}/postgres", "--version"]),
        "pgbouncer": _version([pgbouncer.program() or "none", "--version"]),
        "node": _version(["node", "--version"]),
        "file_system": _file_system(directory),
        "fdatasync_us": _sync_us(directory),
        "load_before": os.getloadavg()[0],
    }


def sentence(known):
    return (f"{known['cores']} cores ({known['processor']}), {known['memory_gib']} GiB, "
            f"{known['system']}, Linux {known['kernel']}; PostgreSQL {known['postgresql']}, "
            f"PgBouncer {known['pgbouncer']}, Node {known['node']}; {known['file_system']}, "
            f"fdatasync {known['fdatasync_us']} µs; load average before {known['load_before']:.1f}")
