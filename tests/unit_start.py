#!/usr/bin/env python3
"""unit_start.py ROOT UNIT - in the folder ROOT, as its root, does what systemd would with UNIT, under as much of its sandbox
as needs no systemd: a user without a name or a right, all read-only, its own /tmp and /proc, no way to new rights, and no
system call but those of SystemCallFilter (strace tells which were made). No server is there: the service must say what it
waits for, that it is alive, and end when it is asked to.

unit_start.py --user-and-command ROOT UID COMMAND... - the same with a command instead, of a unit of type notify."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

# What a command says once it has looked, where no server is there, and goes on to say.
WAITS = {
    "run": "STATUS=worker 1 waits for Kafka",
    "ingest": "STATUS=registry http://",
    "alert": "STATUS=breaches: no connection to Kafka",
    "dashboard": "STATUS=the tables are not read yet",
}
UNIT_UID = 61184  # the first of those that systemd gives to dynamic users
SANDBOX = """
mount --make-rprivate /
mount --bind "$0" "$0"
mount -t proc proc "$0/proc"
mount -t tmpfs -o mode=1777 none "$0/tmp"
mount -o remount,bind,ro "$0"
umask 0077
exec chroot "$0" setpriv --reuid="$1" --regid="$1" --clear-groups --bounding-set=-all --inh-caps=-all \
    --ambient-caps=-all --no-new-privs "${@:2}"
"""


def fail(text):
    sys.exit(f"unit_start: {text}")


def wait_for(text, condition, heard, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            fail(f"gave up after {seconds} s: {text}; it said {heard}")
        time.sleep(0.1)


def read_unit(path):
    """KEY -> its values, in order."""
    values = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if re.match(r"\w+=", line):
                key, value = line.rstrip("\n").split("=", 1)
                values.setdefault(key, []).append(value)
    return values


def sandboxed(root, uid, command, **options):
    return subprocess.Popen(
        ["unshare", "--mount", "--pid", "--fork", "--ipc", "--uts", "--kill-child", "bash", "-ec", SANDBOX, root, str(uid),
         *command], stderr=subprocess.PIPE, text=True, **options)  # fmt: skip


def inside(process):
    """The process id of what runs in the sandbox, seen from here."""
    with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
        return int(file.read().split()[0])


class Manager:
    """systemd's end of the socket, in ROOT/run."""

    def __init__(self, root):
        self.path = os.path.join(root, "run", "leadclock-test")
        if os.path.exists(self.path):
            os.remove(self.path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o777)
        self.socket.setblocking(False)
        self.said = []

    def heard(self, beginning):
        while True:
            try:
                self.said.append(self.socket.recv(65536).decode())
            except BlockingIOError:
                return any(text.startswith(beginning) for text in self.said)

    def close(self):
        self.socket.close()
        os.remove(self.path)


def serve(root, uid, command):
    """Starts a service of type notify, and ends it once it has said what it waits for."""
    manager = Manager(root)
    environment = {"PATH": os.environ["PATH"], "NOTIFY_SOCKET": "/run/leadclock-test", "WATCHDOG_USEC": "2000000"}
    process = sandboxed(root, uid, command, env=environment)
    try:
        wait_for("its status", lambda: process.poll() is not None or manager.heard(WAITS[command[1]]), manager.said)
        wait_for("the watchdog", lambda: process.poll() is not None or manager.heard("WATCHDOG=1"), manager.said)
        if process.poll() is not None:
            fail(f"it ended by itself with {process.returncode}: {process.stderr.read()}")
        if manager.heard("READY=1"):
            fail("it says that it is ready, and no server is there")
        os.kill(inside(process), signal.SIGTERM)
        _, log = process.communicate(timeout=60)
        stopping = manager.heard("STOPPING=1")
    finally:
        if process.poll() is None:
            with contextlib.suppress(OSError, IndexError):  # nothing runs there yet, or no more
                os.kill(inside(process), signal.SIGKILL)  # unshare's own death does not reach another user's process
        process.kill()
        manager.close()
    if process.returncode != 0 or not stopping:
        fail(f"it ended with {process.returncode}, having said {manager.said}: {log}")
    return log


def allowed_calls(filters):
    """The names that lines of SystemCallFilter let through, the first of which is a list of what is allowed."""
    names = set()
    for line in filters:
        for group in line.lstrip("~").split():
            listed = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True)
            calls = set(re.findall(r"(?m)^    (\w+)$", listed.stdout))
            for nested in re.findall(r"(?m)^    (@[\w-]+)$", listed.stdout):
                calls |= allowed_calls([nested])
            names = names - calls if line.startswith("~") else names | calls
    return names


def read_only_and_powerless(root, uid):
    """The sandbox is one: nothing can be written, and no right be had."""
    for what in ("echo > /etc/leadclock/planted", "echo > /var/tmp/planted", "mount -t tmpfs none /mnt"):
        if sandboxed(root, uid, ["sh", "-c", what]).wait() == 0:
            fail(f"the sandbox lets through: {what}")


def only_allowed_calls(root, command, filters):
    """Every system call of a start and an end is one that SystemCallFilter lets through."""
    allowed = allowed_calls(filters)
    with tempfile.NamedTemporaryFile() as trace:
        subprocess.run(["strace", "-f", "-qq", "-o", trace.name, "timeout", "-s", "TERM", "5", "chroot", root, *command],
                       capture_output=True, check=False, timeout=120)  # fmt: skip
        text = trace.read().decode(errors="replace")
    made = set(re.findall(r"(?m)^\d+ +(\w+)\(", text))
    if not {"socket", "clone3", "rt_sigtimedwait"} & made:
        fail(f"strace saw no start: {sorted(made)}")
    # What timeout and chroot call to set it up is not the service's.
    refused = made - allowed - {"chroot"}
    if refused:
        fail(f"SystemCallFilter refuses what it calls: {', '.join(sorted(refused))}")


def main(root, unit):
    values = read_unit(unit)
    command = values["ExecStart"][0].split()
    read_only_and_powerless(root, UNIT_UID)
    for before in values["ExecStartPre"]:
        check = sandboxed(root, UNIT_UID, before.split())
        _, said = check.communicate(timeout=30)
        if check.returncode != 0:
            fail(f"{before} ended with {check.returncode}: {said}")
    if values["Type"] != ["notify"]:
        fail("it is not of Type=notify")
    log = serve(root, UNIT_UID, command)
    if "msg=stopped" not in log:
        fail(f"it did not say that it stopped: {log}")
    only_allowed_calls(root, command, values["SystemCallFilter"])
    print(f"{os.path.basename(unit)}: checked, started, and ended when it was asked to")


if __name__ == "__main__":
    if sys.argv[1] == "--user-and-command":
        serve(sys.argv[2], int(sys.argv[3]), sys.argv[4:])
    else:
        main(*sys.argv[1:])
