"""Child processes, and what /proc says of them."""

import ctypes
import os
import pwd
import signal
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


class Account:
    """Whom PostgreSQL runs as: it refuses root, so a root that measures is postgres there."""

    def __init__(self):
        self.entry = pwd.getpwnam("postgres") if os.getuid() == 0 else None

    def own(self, path):
        if self.entry:
            os.chown(path, self.entry.pw_uid, self.entry.pw_gid)

    def popen_arguments(self):
        if not self.entry:
            return {}
        return {"user": self.entry.pw_uid, "group": self.entry.pw_gid, "extra_groups": []}


def clean_environment(**others):
    """Ours without what would steer PostgreSQL or the server, and with the others."""
    return {name: value for name, value in os.environ.items()
            if not name.startswith(("PG", "AQUIFER_")) and name != "DATABASE_URL"} | others


def start(command, log, environment=None, account=None, **others):
    """Starts a process that dies with this one and writes to the file `log`."""
    with open(log, "ab") as output:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=others.pop("stdout", output), stderr=output,
            env=clean_environment(**(environment or {})),
            preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL),
            **(account.popen_arguments() if account else {}), **others)


def stop(process, how=signal.SIGTERM, patience=20):
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(condition, what, patience=60):
    """Asks again and again, since none of what is waited for here can tell by itself."""
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {patience} s")
        time.sleep(0.05)


def busy_seconds():
    """Processor time that all programs together have used."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _idle, _waiting, hard, soft, *_ = map(int, file.readline().split()[1:])
    return (user + nice + system + hard + soft) / TICKS


def _stat(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        # The name, in parentheses, may hold anything.
        return file.read().rpartition(")")[2].split()


def children_of(parent):
    pids = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if int(_stat(entry)[1]) == parent:
                    pids.append(int(entry))
            except (OSError, IndexError):
                pass  # It ended meanwhile.
    return pids


def seconds_of(pid):
    """Processor time of a process and of the children it has waited for."""
    try:
        fields = _stat(pid)
    except OSError:
        return 0.0
    return sum(int(field) for field in fields[11:15]) / TICKS


def tree_seconds(pid):
    """The same with the children that still run, as backends of a postmaster do."""
    while True:
        before = seconds_of(pid)
        children = sum(seconds_of(child) for child in children_of(pid))
        # A child that is waited for in between would count twice, or not at all.
        if seconds_of(pid) == before:
            return before + children


def private_bytes_of_children(pid):
    """Memory that the children of a process share with nobody."""
    return sum(_private_bytes(child) for child in children_of(pid))


def _private_bytes(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            return sum(int(line.split()[1]) * 1024 for line in file if line.startswith("RssAnon:"))
    except OSError:
        return 0


def resident_bytes(pid):
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * PAGE
    except OSError:
        return 0
